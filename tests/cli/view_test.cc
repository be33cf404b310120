#include "tools/cli/view.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/sqlite/migrate.h"
#include "tools/cli/commands.h"

namespace evenkeel::cli {
namespace {

namespace fs = std::filesystem;

/// A database of the rebalancer's schema with two servers, one of them dead, and four chunks.
struct ViewTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("evenkeel-view-" + std::to_string(getpid()));
  Options options{.control = "ipc://" + (folder / "nobody").string(),
                  .database = folder / "rebalancer.db",
                  .cluster = "test",
                  .timeout = Duration(20),
                  .json = true};

  void SetUp() override {
    fs::create_directories(folder);
    sqlite::Database db(options.database);
    sqlite::migrate(db, sqlite::schema_directory("rebalancer"));
    db.execute(R"(
      INSERT INTO meta (id, cluster, epoch, copy_secret) VALUES (1, 'test', 3, zeroblob(32));
      INSERT INTO server (server_id, storage, incarnation, location, address, capacity_bytes,
                          reserve_bytes, free_bytes, liveness, reported_epoch, changed_ms) VALUES
        (1, printf('%032d', 1), 1, 'z/r/h1', '10.0.0.1:7500', 1000, 0, 900, 'alive', 3, 5),
        (2, printf('%032d', 2), 1, 'z/r/h2', '10.0.0.2:7500', 1000, 0, 900, 'dead', 2, 5);
      INSERT INTO chunk (chunk_id, version, size_bytes, checksum, goal, life) VALUES
        (1, 1, 100, zeroblob(16), 1, 1), (2, 1, 100, zeroblob(16), 2, 1),
        (4, 1, 0, zeroblob(16), 2, 2);
      INSERT INTO replica (chunk_id, server_id, state, version) VALUES
        (1, 1, 0, 1), (2, 1, 0, 1), (2, 2, 0, 1);
      INSERT INTO server_load VALUES (1, 2, 200, 0, 0, 0, 0, NULL, NULL);
      UPDATE gauge SET healthy = 1, at_risk = 1, at_risk_some = '[2]', retired = 1, replicas = 3;
      INSERT INTO event (at_ms, kind, subject, text) VALUES (1, 'server', 's1', 'joined'),
        (2, 'server', 's2', 'failed');
    )");
  }
  void TearDown() override { fs::remove_all(folder); }

  void execute(const std::string& sql) { sqlite::Database(options.database).execute(sql); }
  std::string printed(const std::function<Exit()>& command) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(command(), Exit::kOk);
    return testing::internal::GetCapturedStdout();
  }
};

TEST_F(ViewTest, AFileThatIsNotTheRebalancersIsSaidToBeSo) {
  const auto absent = View::open(folder / "absent.db", "test");
  ASSERT_FALSE(absent.has_value());
  EXPECT_NE(absent.error().what.find("absent.db: no such file"), std::string::npos);

  std::ofstream(folder / "text.db") << std::string(5000, 'x');
  const auto text = View::open(folder / "text.db", "test");
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().what.find("text.db: not an SQLite database"), std::string::npos);

  sqlite::Database(folder / "other.db").execute("CREATE TABLE t (a)");
  const auto other = View::open(folder / "other.db", "test");
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().what.find("not the database of a rebalancer"), std::string::npos);

  const auto foreign = View::open(options.database, "prod");
  ASSERT_FALSE(foreign.has_value());
  EXPECT_NE(foreign.error().what.find("of the cluster 'test' and not of 'prod'"),
            std::string::npos);
}

TEST_F(ViewTest, ChunksAreThoseThatWereAskedFor) {
  const std::string all = printed([&] { return list_chunks(options, {}); });
  EXPECT_NE(all.find("\"chunk_id\": 4"), std::string::npos);
  const std::string risky =
      printed([&] { return list_chunks(options, {.health = "at_risk", .server = ServerId(2)}); });
  EXPECT_NE(risky.find("\"chunk_id\": 2"), std::string::npos) << risky;
  EXPECT_NE(risky.find("\"servers\": \"s1 s2(dead)\""), std::string::npos) << risky;
  EXPECT_EQ(risky.find("\"chunk_id\": 1"), std::string::npos) << risky;
  EXPECT_EQ(printed([&] { return list_chunks(options, {.chunk = ChunkId(3)}); }), "[]\n");
}

TEST_F(ViewTest, EveryListMatchesItsView) {
  execute(R"(
    INSERT INTO command (command_id, epoch, kind, reason, chunk_id, version, server_id, storage,
                         source_id, issued_ms) VALUES
      (12, 3, 0, 'repair', 2, 1, 1, printf('%032d', 1), 1, 6);
    INSERT INTO outbox VALUES (1, 12);
    INSERT INTO command (command_id, epoch, kind, reason, server_id, storage, state, issued_ms)
      VALUES (13, 3, 3, 'report', 1, printf('%032d', 1), 1, 6);
    INSERT INTO file VALUES (1, 'name', 5, 2, 1, 0, 7, 0);
  )");
  EXPECT_NE(printed([&] { return list_servers(options); }).find("\"used_share\": 0.2"),
            std::string::npos);
  const auto commands = [&](CommandFilter filter) {
    return printed([&] { return list_commands(options, filter); });
  };
  using State = CommandFilter::State;
  const std::string open = commands({.state = State::kOpen, .server = ServerId(1)});
  EXPECT_NE(open.find("\"command_id\": 12"), std::string::npos);
  EXPECT_EQ(open.find("\"command_id\": 13"), std::string::npos);
  const std::string closed = commands({.state = State::kClosed});
  EXPECT_EQ(closed.find("\"command_id\": 12"), std::string::npos);
  EXPECT_NE(closed.find("\"command_id\": 13"), std::string::npos);
  EXPECT_NE(commands({.chunk = ChunkId(2)}).find("\"reason\": \"repair\""), std::string::npos);
  EXPECT_NE(printed([&] { return list_files(options, 0); }).find("\"name\": \"name\""),
            std::string::npos);
}

TEST_F(ViewTest, TheLastEventsAreShownNewestLast) {
  const std::string both = printed([&] { return list_events(options, 0); });
  EXPECT_LT(both.find("joined"), both.find("failed"));
  testing::internal::CaptureStderr();
  const std::string last = printed([&] { return list_events(options, 1); });
  EXPECT_NE(testing::internal::GetCapturedStderr().find("more than these 1"), std::string::npos);
  EXPECT_EQ(last.find("joined"), std::string::npos);
}

/// The view chunk_health would read all replicas for them.
TEST_F(ViewTest, WhereMoreAreUnwellThanAreShownThoseThatAreNotedAreLookedAt) {
  const auto shown = [&](ChunkFilter filter) {
    testing::internal::CaptureStderr();
    const std::string rows = printed([&] { return list_chunks(options, filter); });
    testing::internal::GetCapturedStderr();
    return rows;
  };
  const ChunkFilter risky{.health = "at_risk", .limit = 1};
  execute("UPDATE gauge SET at_risk = 500, at_risk_some = '[2,7]', unsorted = 9");
  EXPECT_NE(shown(risky).find("\"chunk_id\": 2"), std::string::npos);
  execute("UPDATE gauge SET at_risk_some = '[1,7]'");
  EXPECT_EQ(shown(risky), "[]\n") << "none of these is at risk, and no other is looked for";
  const std::string found = "\"chunk_id\": 2";
  EXPECT_NE(shown({.health = "at_risk", .limit = 2}).find(found), std::string::npos)
      << "too few are noted";
  EXPECT_NE(shown({.health = "at_risk", .limit = 0}).find(found), std::string::npos);
  EXPECT_NE(shown({.health = "at_risk", .server = ServerId(1), .limit = 1}).find(found),
            std::string::npos)
      << "others may be on that server";
  execute("UPDATE gauge SET at_risk = 1, at_risk_some = '[2]', unsorted = 0");
  EXPECT_NE(shown(risky).find(found), std::string::npos);
  EXPECT_NE(shown({.health = "retired"}).find("\"chunk_id\": 4"), std::string::npos);
}

TEST_F(ViewTest, AQuickCheckLeavesOutWhatGrowsWithChunks) {
  const auto checked = [&] {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const Exit code = check(options, CheckDepth::kQuick);
    testing::internal::GetCapturedStderr();
    return std::pair(code, testing::internal::GetCapturedStdout());
  };
  EXPECT_EQ(checked().first, Exit::kOk) << checked().second;
  execute("UPDATE replica SET version = 2 WHERE chunk_id = 2 AND server_id = 1");
  EXPECT_EQ(checked().first, Exit::kOk) << "it does not look at replicas";
  execute("PRAGMA foreign_keys = OFF; INSERT INTO server_load VALUES (9, 0, 0, 0, 0, 0, 0, 0, 0)");
  const auto broken = checked();
  EXPECT_EQ(broken.first, Exit::kUnhealthy);
  EXPECT_NE(broken.second.find("server_load row 9 names what is not in server"), std::string::npos)
      << broken.second;
}

TEST_F(ViewTest, ACheckFindsWhatMustNotBe) {
  const auto checked = [&](bool deep) {
    testing::internal::CaptureStdout();
    const Exit code = check(options, deep ? CheckDepth::kDeep : CheckDepth::kUsual);
    return std::pair(code, testing::internal::GetCapturedStdout());
  };
  EXPECT_EQ(checked(false).first, Exit::kOk) << checked(false).second;
  EXPECT_EQ(checked(true).first, Exit::kOk) << checked(true).second;
  execute("UPDATE gauge SET replicas = 4");
  EXPECT_EQ(checked(false).first, Exit::kOk);
  const auto miscounted = checked(true);
  EXPECT_EQ(miscounted.first, Exit::kUnhealthy);
  EXPECT_NE(miscounted.second.find("counted 4, and there are 3"), std::string::npos)
      << miscounted.second;
  execute(
      "UPDATE gauge SET replicas = 3; PRAGMA foreign_keys = OFF;"
      "INSERT INTO replica (chunk_id, server_id, state, version) VALUES (9, 1, 0, 1);"
      "UPDATE replica SET version = 2 WHERE chunk_id = 2 AND server_id = 1");
  const auto broken = checked(false);
  EXPECT_EQ(broken.first, Exit::kUnhealthy);
  EXPECT_NE(broken.second.find("names what is not in chunk"), std::string::npos) << broken.second;
  EXPECT_NE(broken.second.find("c2 is, on s1"), std::string::npos) << broken.second;
}

TEST_F(ViewTest, ABackupIsWholeAndNeverOverAnything) {
  const fs::path copy = folder / "copy.db";
  EXPECT_NE(printed([&] { return backup(options, copy); }).find("\"chunks\": 2"),
            std::string::npos);
  Options of_copy = options;
  of_copy.database = copy;
  EXPECT_NE(printed([&] { return list_servers(of_copy); }).find("10.0.0.2:7500"),
            std::string::npos);
  sqlite::Database restored(copy);
  sqlite::Statement held(restored, "SELECT hold_deletes FROM meta");
  held.open();
  ASSERT_TRUE(held.step());
  EXPECT_EQ(held.text(0), "this database was restored from a backup");
  testing::internal::CaptureStderr();
  EXPECT_EQ(backup(options, copy), Exit::kError);
  EXPECT_EQ(backup(options, folder / "none" / "copy.db"), Exit::kError);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("copy.db: is there already"), std::string::npos) << said;
  EXPECT_NE(said.find("none/copy.db"), std::string::npos) << said;
}

TEST_F(ViewTest, StatusEndsAsBadlyAsTheWorstChunk) {
  const auto exit = [&] {
    testing::internal::CaptureStdout();
    const Exit code = status(options);
    return std::pair(code, testing::internal::GetCapturedStdout());
  };
  const auto risky = exit();
  EXPECT_EQ(risky.first, Exit::kUnhealthy);
  EXPECT_NE(risky.second.find("\"at_risk\": 1"), std::string::npos) << risky.second;
  EXPECT_NE(risky.second.find("\"mode\": \"no_answer\""), std::string::npos);
  EXPECT_NE(risky.second.find("\"used_share_highest\": 0.2"), std::string::npos);

  const auto lose = [&] {
    execute(
        "UPDATE server SET liveness = 'dead'; UPDATE gauge SET healthy = 0, at_risk = 0, "
        "lost = 2, lost_some = '[1,2]'");
  };
  lose();
  EXPECT_EQ(exit().first, Exit::kLost);
  execute(
      "UPDATE server SET liveness = 'alive'; UPDATE gauge SET healthy = 2, lost = 0, "
      "lost_some = '[]'");
  const auto healthy = exit();
  EXPECT_EQ(healthy.first, Exit::kOk);
  EXPECT_NE(healthy.second.find("\"servers_not_reported\": 1"), std::string::npos);

  options.json = false;
  EXPECT_NE(exit().second.find("each has its goal of replicas"), std::string::npos);
  lose();
  EXPECT_NE(exit().second.find("lost              2 chunks: c1 c2"), std::string::npos)
      << exit().second;
}

TEST_F(ViewTest, StatusTellsWhatOperatorsWant) {
  execute(R"(
    UPDATE meta SET running_ms = 5000;
    UPDATE server SET admin = 'draining', after_drain = 1 WHERE server_id = 1;
    UPDATE server_load SET chunks_left = 2, bytes_left = 200 WHERE server_id = 1;
    UPDATE server SET admin = 'maintenance', maintenance_until_running_ms = 65000
      WHERE server_id = 2;
    INSERT INTO paused_pass VALUES ('trim', 1), ('balance', 1);
  )");
  testing::internal::CaptureStdout();
  status(options);
  const std::string json = testing::internal::GetCapturedStdout();
  EXPECT_NE(json.find("\"servers_draining\": 1"), std::string::npos) << json;
  EXPECT_NE(json.find("\"servers_in_maintenance\": 1"), std::string::npos) << json;
  EXPECT_NE(json.find("\"balance\""), std::string::npos) << json;
  options.json = false;
  testing::internal::CaptureStdout();
  status(options);
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_NE(text.find("s1 draining, to be removed, 2 chunks to copy, 200 B"), std::string::npos)
      << text;
  EXPECT_NE(text.find("s2 maintenance, 60 s left"), std::string::npos) << text;
  EXPECT_NE(text.find("balance, trim"), std::string::npos) << text;
  options.json = true;
  const std::string servers = printed([&] { return list_servers(options); });
  EXPECT_NE(servers.find("\"to_be_removed\": 1"), std::string::npos) << servers;
  EXPECT_NE(servers.find("\"maintenance_left_ms\": 60000"), std::string::npos) << servers;
}

TEST_F(ViewTest, ADatabaseWithoutServersHasAStatus) {
  execute(
      "DELETE FROM replica; DELETE FROM server_load; DELETE FROM server; DELETE FROM chunk;"
      "UPDATE gauge SET healthy = 0, at_risk = 0, retired = 0, replicas = 0;");
  testing::internal::CaptureStdout();
  EXPECT_EQ(status(options), Exit::kOk);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("\"used_share\": null"), std::string::npos);
}

}  // namespace
}  // namespace evenkeel::cli
