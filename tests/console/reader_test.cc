#include "services/console/store/reader.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <unistd.h>

#include "common/sqlite/migrate.h"

namespace evenkeel::console {
namespace {

namespace fs = std::filesystem;

/// Ten servers, 20,000 chunks of three replicas, as many closed commands and events, 50 open ones.
class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    fs::create_directories(folder_);
    sqlite::Database db(file_);
    sqlite::migrate(db, sqlite::schema_directory("rebalancer"));
    db.execute(R"(
      BEGIN;
      INSERT INTO meta (id, cluster, epoch, copy_secret) VALUES (1, 'test', 3, zeroblob(32));
      WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
      INSERT INTO server (server_id, storage, incarnation, location, address, capacity_bytes,
                          reserve_bytes, free_bytes, liveness, reported_epoch, changed_ms)
      SELECT i, printf('%032d', i), 1, 'z/r' || i || '/h', '10.0.0.1:1', 1000, 0, 900, 'alive', 3, 5
      FROM n;
      INSERT INTO server_load SELECT server_id, 6000, 600000, 0, 0, 0, 0, NULL, NULL FROM server;
      WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO chunk (chunk_id, version, size_bytes, checksum, goal, life)
      SELECT i, 1, 100, zeroblob(16), 3, 1 FROM n;
      INSERT INTO replica (chunk_id, server_id, state, version)
      SELECT chunk_id, 1 + (chunk_id + k) % 10, 0, 1
      FROM chunk, (SELECT 0 AS k UNION SELECT 3 UNION SELECT 5);
      INSERT INTO command (command_id, epoch, kind, reason, chunk_id, version, server_id, storage,
                           state, issued_ms, closed_ms)
      SELECT chunk_id, 3, 0, 'repair', chunk_id, 1, 1 + chunk_id % 10, printf('%032d', 1),
             iif(chunk_id > 19950, 0, 1), 6, iif(chunk_id > 19950, NULL, 7) FROM chunk;
      INSERT INTO outbox SELECT server_id, command_id FROM command WHERE state = 0;
      INSERT INTO event (at_ms, kind, subject, text)
      SELECT 1, 'chunk', 'c' || chunk_id, 'copied' FROM chunk;
      INSERT INTO set_aside SELECT chunk_id, 'no room', 1 FROM chunk WHERE chunk_id % 2;
      INSERT INTO file VALUES (1, 'name', 5, 2, 0, 0, 7, 0);
      INSERT INTO file_chunk SELECT 1, chunk_id, chunk_id FROM chunk;
      COMMIT;)");
  }
  ~ReaderTest() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::temp_directory_path() / ("evenkeel-reader-" + std::to_string(getpid()));
  fs::path file_ = folder_ / "rebalancer.db";
};

TEST_F(ReaderTest, NoQuestionReadsAllChunksCommandsOrEvents) {
  auto reader = Reader::open(file_, "test");
  ASSERT_TRUE(reader.has_value()) << reader.error().what;
  EXPECT_THAT(reader->now(std::nullopt), testing::HasSubstr("\"event_number\":20000"));
  reader->now(19'990);
  reader->servers();
  reader->history(7200);
  EXPECT_THAT(reader->commands(), testing::HasSubstr("\"command_id\":20000"));
  EXPECT_THAT(reader->events(500), testing::HasSubstr("\"event_number\":499"));
  EXPECT_THAT(reader->server(3).value(), testing::HasSubstr("\"replicas\":6000"));
  EXPECT_THAT(reader->chunk(777).value(), testing::HasSubstr("no room"));
  EXPECT_THAT(reader->chunk(19'990).value(), testing::HasSubstr("\"command_id\":19990"));
  reader->command(5);
  EXPECT_LT(reader->scanned(), 500);
}

TEST_F(ReaderTest, ReplacedFilesAreNoticed) {
  auto reader = Reader::open(file_, "test");
  ASSERT_TRUE(reader.has_value());
  EXPECT_TRUE(reader->is_current());
  fs::copy(file_, folder_ / "other.db");
  fs::rename(folder_ / "other.db", file_);
  EXPECT_FALSE(reader->is_current());
}

}  // namespace
}  // namespace evenkeel::console
