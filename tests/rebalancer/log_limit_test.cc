// A reader who does not end his read keeps the log of the database from being begun anew. It is
// bounded all the same, and work goes on when the read has ended.
#include <gmock/gmock.h>

#include "common/sqlite/migrate.h"
#include "common/wire/codec.h"
#include "services/rebalancer/core/mode.h"
#include "services/rebalancer/rebalancer.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {
namespace {

using testing::HasSubstr;

/// Twelve servers, and chunks that have two replicas of three: there is much to be copied, so that
/// the log grows.
class LogLimit : public testing::Test {
 protected:
  static constexpr std::uint64_t kServers = 12, kChunks = 6'000;

  LogLimit() : store_(dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel") {
    Limits limits;
    limits.log_limit = 8_MiB;
    limits.default_goal = 3;
    rebalancer_.emplace(store_, clock_, limits);
    const MembersListed listed = members_listed(kServers, 1'000'000'000);
    turn({listed});
    for (const Member& member : listed.members) turn({inventory_of(member)});
  }

  /// Two of three of each chunk.
  InventoryRead inventory_of(const Member& member) const {
    InventoryRead read = full_inventory(member, 1, 1, clock_.now());
    for (std::uint64_t chunk = 1; chunk <= kChunks; ++chunk) {
      const std::uint64_t first = chunk % kServers + 1, second = (chunk + 1) % kServers + 1;
      if (member.server != ServerId(first) && member.server != ServerId(second)) continue;
      read.rows.push_back({{ChunkId(chunk), ChunkVersion(1), Bytes(100), checksum_of(chunk)},
                           ReplicaFinding::kOk,
                           Duration(0)});
      read.listed.push_back(ChunkId(chunk));
    }
    return read;
  }

  void turn(const std::vector<Event>& events) {
    for (const CommandId id : rebalancer_->handle(events).issued) issued_.push_back(id);
    rebalancer_->end_turn();
  }
  /// A second passes in which up to so many of the commands that are open are done.
  void pass_second(std::size_t most = 64) {
    std::vector<Event> events{TimePassed{}};
    for (; !issued_.empty() && events.size() <= most; issued_.erase(issued_.begin())) {
      const CommandRecord* command = rebalancer_->view().find(issued_.front());
      if (!command) continue;
      events.push_back(CommandAcknowledged{
          {command->server, Incarnation(1), command->storage, rebalancer_->view().epoch()},
          {.command = command->id,
           .detail = "",
           .journal = JournalNumber(++journal_),
           .blamed = {}}});
    }
    clock_.advance(Duration(1'000));
    turn(events);
  }
  std::uint64_t log_on_disk() const { return std::filesystem::file_size(dir_.path() / "r.db-wal"); }
  std::string mode() const { return to_string(mode_of(rebalancer_->view()).mode); }

  TempDir dir_;
  ManualClock clock_{Timestamp(std::chrono::hours(500'000))};
  Store store_;
  std::optional<Rebalancer> rebalancer_;
  std::vector<CommandId> issued_;
  std::uint64_t journal_ = 1;
};

TEST_F(LogLimit, AReaderWhoDoesNotEndDoesNotMakeItGrowWithoutBound) {
  for (int i = 0; i < 5; ++i) pass_second();
  ASSERT_FALSE(issued_.empty()) << "there is work";
  EXPECT_EQ(mode(), "running");
  {
    sqlite::Database reader(dir_.path() / "r.db", sqlite::OpenMode::kReadOnly);
    sqlite::Statement looking(reader, "SELECT chunk_id FROM chunk");
    looking.open();
    ASSERT_TRUE(looking.step());

    int seconds = 0;
    while (mode() == "running") {
      pass_second();
      ASSERT_LT(++seconds, 600);
    }
    EXPECT_EQ(mode(), "log_full");
    EXPECT_THAT(mode_of(rebalancer_->view()).why, HasSubstr("has not ended a read"));
    EXPECT_LT(log_on_disk(), (8u + 2u) << 20) << "one turn over the limit";

    while (!issued_.empty()) pass_second();  // what is under way comes to its end
    const std::uint64_t then = log_on_disk();
    const auto done = rebalancer_->view().next_command();
    for (int i = 0; i < 3600; ++i) pass_second();
    EXPECT_EQ(rebalancer_->view().next_command(), done) << "nothing more is ordered";
    EXPECT_LT(log_on_disk() - then, 4u << 20) << "in an hour";
    ASSERT_TRUE(looking.step()) << "the reader is left in peace";
  }
  int calls = 0;
  while (mode() == "log_full") {
    pass_second();
    ASSERT_LT(++calls, 300);
  }
  for (int i = 0; i < 600 && (!issued_.empty() || i < 10); ++i) pass_second(512);
  for (std::uint64_t chunk = 1; chunk <= kChunks; ++chunk) {
    ASSERT_EQ(rebalancer_->view().find(ChunkId(chunk))->replicas.size(), 3u) << chunk;
  }
}

TEST_F(LogLimit, WhatIsAtRiskIsCopiedAllTheSameAndFilesAreNotTaken) {
  for (int i = 0; i < 5; ++i) pass_second();
  sqlite::Database reader(dir_.path() / "r.db", sqlite::OpenMode::kReadOnly);
  sqlite::Statement looking(reader, "SELECT chunk_id FROM chunk");
  looking.open();
  ASSERT_TRUE(looking.step());
  for (int i = 0; i < 600 && mode() == "running"; ++i) pass_second();
  ASSERT_EQ(mode(), "log_full");
  while (!issued_.empty()) pass_second();

  std::string answer;
  rebalancer_->handle({},
                      std::vector<Asked>{{PutOpen{.name = "f", .size = Bytes(1)}, [&](Answer a) {
                                            if (auto* no = std::get_if<Refused>(&a)) {
                                              answer = no->code + " " + no->what;
                                              wire::encode("bench", ControlAnswer{1, *no});
                                            }
                                          }}});
  EXPECT_THAT(answer, HasSubstr("unavailable the log of the database has grown to 8 MiB"));

  // One of the two holders of some chunks dies: they are at risk.
  Member dead = rebalancer_->view().find(ServerId(1))->member;
  dead.liveness = Liveness::kDead;
  turn({MemberChanged{storage_of(99), EventNumber(2), MemberEventKind::kFailed, dead}});
  for (int i = 0; i < 60; ++i) pass_second();
  EXPECT_EQ(mode(), "log_full");
  int at_risk = 0, copied = 0;
  for (std::uint64_t chunk = 1; chunk <= kChunks; ++chunk) {
    int valid = 0;
    const auto found = rebalancer_->view().find(ChunkId(chunk));
    for (const Replica& replica : found->replicas) {
      const ServerId holder = rebalancer_->view().server(replica.server).id();
      valid += replica.valid() && holder != ServerId(1) ? 1 : 0;
    }
    at_risk += valid < 2 ? 1 : 0;
    copied += valid >= 2 ? 1 : 0;
  }
  EXPECT_EQ(at_risk, 0);
  EXPECT_GT(copied, 0);
}

}  // namespace
}  // namespace evenkeel
