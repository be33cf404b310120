#include <gtest/gtest.h>

#include "common/base/system_clock.h"
#include "common/log/log.h"
#include "common/reactor/sockets.h"
#include "common/sqlite/migrate.h"
#include "common/wire/topics.h"
#include "services/rebalancer/io/service.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {
namespace {

Inventory part_of(std::uint64_t number, std::uint64_t part, std::uint64_t parts,
                  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& rows,
                  std::uint64_t incarnation = 1) {
  Inventory inventory{.from = {ServerId(1), Incarnation(incarnation), storage_of(1), Epoch(1)},
                      .number = InventoryNumber(number),
                      .basis = std::nullopt,
                      .journal = JournalNumber(4),
                      .part = part,
                      .parts = parts,
                      .rows = {},
                      .gone = {}};
  for (const auto& [chunk, version] : rows) {
    inventory.rows.push_back(
        {{ChunkId(chunk), ChunkVersion(version), Bytes(10), checksum_of(chunk)},
         ReplicaFinding::kOk,
         std::nullopt});
  }
  return inventory;
}

TEST(Inventories, CountOnlyOnceAllPartsHaveCome) {
  Inventories inventories;
  EXPECT_TRUE(inventories.add(part_of(1, 2, 2, {{7, 1}}), Instant{}));
  EXPECT_TRUE(inventories.add(part_of(1, 2, 2, {{7, 1}}), Instant{}));
  EXPECT_FALSE(inventories.waiting());
  EXPECT_TRUE(inventories.add(part_of(1, 1, 2, {{9, 1}, {8, 1}}), Instant{}));
  const auto read = inventories.next();
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->last);
  EXPECT_EQ(read->listed, (std::vector{ChunkId(7), ChunkId(8), ChunkId(9)}));
  EXPECT_FALSE(inventories.next());
}

TEST(Inventories, PartsOfAnotherRunDoNotCompleteOne) {
  Inventories inventories;
  inventories.add(part_of(1, 1, 2, {{7, 1}}, 1), Instant{});
  inventories.add(part_of(1, 2, 2, {{8, 1}}, 2), Instant{});
  EXPECT_FALSE(inventories.waiting());
  inventories.add(part_of(1, 1, 2, {{9, 1}}, 2), Instant{});
  const auto read = inventories.next();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->incarnation, Incarnation(2));
  EXPECT_EQ(read->listed, (std::vector{ChunkId(8), ChunkId(9)}));
}

TEST(Inventories, OfSeveralVersionsTheNewestThatIsWholeCounts) {
  for (const auto& [damaged, counts] : {std::pair{0, 3}, {1, 2}, {3, 3}}) {
    Inventories inventories;
    Inventory report = part_of(1, 1, 1, {{7, 3}, {7, 1}, {7, 2}});
    for (int row = 0; row < damaged; ++row) {
      report.rows[static_cast<std::size_t>(row)].finding = ReplicaFinding::kCorrupt;
    }
    inventories.add(report, Instant{});
    const auto read = inventories.next();
    ASSERT_EQ(read->rows.size(), 1U);
    EXPECT_EQ(read->rows[0].content.version, ChunkVersion(static_cast<std::uint64_t>(counts)));
  }
}

TEST(Inventories, WhatIsGoneIsToldOnceAndNotAgainstARowOfTheSameReport) {
  Inventories inventories;
  Inventory news = part_of(2, 1, 1, {{7, 3}});
  news.basis = InventoryNumber(1);
  news.gone = {{ChunkId(7), ChunkVersion(2)},
               {ChunkId(8), ChunkVersion(1)},
               {ChunkId(8), ChunkVersion(2)},  // which of them the map knows is not known here
               {ChunkId(8), ChunkVersion(1)}};
  inventories.add(news, Instant{});
  const auto read = inventories.next();
  EXPECT_EQ(read->gone, (std::vector{std::pair{ChunkId(8), ChunkVersion(1)},
                                     std::pair{ChunkId(8), ChunkVersion(2)}}));
}

TEST(Inventories, LargeOnesAreCutAndTheLastStretchSaysWhatIsListed) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  for (std::uint64_t i = 1; i <= 4'001; ++i) rows.emplace_back(i, 1);
  Inventories inventories;
  inventories.add(part_of(1, 1, 1, rows), Instant{});
  std::size_t stretches = 0, count = 0;
  while (const auto read = inventories.next()) {
    ++stretches;
    count += read->rows.size();
    EXPECT_EQ(read->last, !inventories.waiting());
    EXPECT_EQ(read->listed.size(), read->last ? 4'001U : 0U);
  }
  EXPECT_EQ(stretches, 3U);
  EXPECT_EQ(count, 4'001U);
}

TEST(Inventories, PartsThatCannotBeAreRefused) {
  Inventories inventories;
  EXPECT_FALSE(inventories.add(part_of(1, 0, 1, {}), Instant{}));
  EXPECT_FALSE(inventories.add(part_of(1, 3, 2, {}), Instant{}));
  EXPECT_FALSE(inventories.add(part_of(1, 1, 20'000, {}), Instant{}));
}

TEST(Keys, DifferByStorageAndSignNothingElse) {
  const Keys keys("evenkeel", std::string(32, 'k'));
  EXPECT_EQ(keys.copy_key(storage_of(1)).size(), 32U);
  EXPECT_NE(keys.copy_key(storage_of(1)), keys.copy_key(storage_of(2)));
  const ChunkContent content{ChunkId(1), ChunkVersion(1), Bytes(10), checksum_of(1)};
  EXPECT_NE(keys.get_token(Epoch(1), content, storage_of(1)),
            keys.get_token(Epoch(2), content, storage_of(1)));
  EXPECT_NE(keys.get_token(Epoch(1), content, storage_of(1)),
            keys.put_token(Epoch(1), content, storage_of(1)));
  Receipt receipt{ChunkId(1), ServerId(1), storage_of(1), JournalNumber(1), std::string(32, 'x')};
  EXPECT_FALSE(keys.is_receipt(receipt, content));
}

/// The service on sockets of its own; membership and an agent are played by the test. Nothing waits
/// for a time: until() runs the loop until something has come about.
class Conversation : public testing::Test {
 protected:
  Conversation() {
    settings_.membership.events = at("events");
    settings_.membership.requests = at("requests");
    settings_.membership.ask_every = Duration(20);
    settings_.commands.endpoint = at("commands");
    settings_.commands.beacon_every = Duration(20);
    settings_.commands.again_first = Duration(50);
    settings_.agents.endpoint = at("agents");
    settings_.control.endpoint = at("control");
    settings_.events_endpoint = at("log");
    settings_.membership.cluster = settings_.commands.cluster = settings_.agents.cluster =
        settings_.control.cluster = settings_.cluster;
    settings_.limits.safe_mode_time = Duration(0);
    members_.emplace(loop_,
                     make_xpub(context_, {.endpoint = at("events"), .attach = Attach::kBind}),
                     [](Frames&&) {});
    snapshots_.emplace(
        loop_, make_router(context_, {.endpoint = at("requests"), .attach = Attach::kBind}),
        [this](Frames&& frames) {
          const auto asked = std::get<SnapshotRequest>(decoded(bytes_of(frames.at(1))));
          ++asked_;
          const std::string bytes = wire::encode(
              settings_.cluster,
              MemberSnapshot{asked.request, storage_of(99), EventNumber(number_), 1, 1, {member_}});
          static_cast<void>(snapshots_->send({bytes_of(frames[0]), bytes}));
        });
    service_.emplace(loop_, context_, settings_, clock_, store_, rebalancer_);
    agent_.emplace(loop_, make_dealer(context_, {.endpoint = at("agents")}),
                   [this](Frames&& frames) { said_.push_back(decoded(bytes_of(frames.at(0)))); });
    heard_.emplace(loop_,
                   make_sub(context_, {.endpoint = at("commands"),
                                       .topics = {wire::command_topic(ServerId(1))}}),
                   [this](Frames&& frames) {
                     auto message = decoded(bytes_of(frames.at(1)));
                     if (auto* commands = std::get_if<Commands>(&message)) {
                       published_.push_back(*commands);
                     }
                   });
  }

  std::string at(const std::string& name) const { return "ipc://" + (dir_.path() / name).string(); }
  wire::Message decoded(std::string_view bytes) {
    auto message = wire::decode(settings_.cluster, bytes);
    EXPECT_TRUE(message.has_value()) << message.error().what;
    return *message;
  }
  void until(const std::function<bool()>& come_about) {
    bool late = false;
    Timer look(loop_, [&] {
      if (come_about()) loop_.stop();
    });
    Timer watchdog(loop_, [&] {
      late = true;
      loop_.stop();
    });
    look.start(Duration(0), Duration(1));
    watchdog.start(Duration(30'000));
    loop_.run();
    ASSERT_FALSE(late) << "what the test waits for has not happened";
  }
  void say(const wire::Message& message) {
    EXPECT_EQ(agent_->send({wire::encode(settings_.cluster, message)}), Sent::kTaken);
  }
  template <class T>
  T answer() {
    until([&] { return !said_.empty(); });
    const wire::Message first = said_.front();
    said_.erase(said_.begin());
    EXPECT_TRUE(std::holds_alternative<T>(first)) << wire::kind_of(first);
    return std::get<T>(first);
  }
  AgentIdentity identity() const {
    return {ServerId(1), member_.incarnation, member_.storage, epoch_};
  }
  void greet() {
    until([&] { return rebalancer_.view().find(ServerId(1)) != nullptr; });
    say(Hello{identity(), JournalNumber(0), std::nullopt});
    const auto welcome = answer<Welcome>();
    epoch_ = welcome.epoch;
  }
  void report(std::uint64_t number) {
    say(Inventory{.from = identity(),
                  .number = InventoryNumber(number),
                  .basis = std::nullopt,
                  .journal = JournalNumber(0),
                  .rows = {},
                  .gone = {}});
    EXPECT_EQ(answer<InventoryReply>().status, InventoryReply::Status::kOk);
    until([&] { return rebalancer_.view().find(ServerId(1))->standing == Standing::kReported; });
  }
  std::int64_t stored(const std::string& what) {
    sqlite::Database reader(dir_.path() / "r.db", sqlite::OpenMode::kReadOnly);
    sqlite::Statement row(reader, "SELECT " + what);
    row.open();
    return row.step() ? row.integer(0) : -1;
  }

  TempDir dir_;
  log::Capture log_;
  SystemClock clock_;
  zmq::context_t context_;
  Loop loop_;
  RebalancerSettings settings_;
  Member member_ = member_of(1, "r/h1", 1'000'000);
  std::uint64_t number_ = 1;
  int asked_ = 0;
  Epoch epoch_{0};
  Store store_{dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel"};
  Rebalancer rebalancer_{store_, clock_, settings_.limits};
  std::optional<ZmqChannel> members_, snapshots_, agent_, heard_;
  std::optional<Service> service_;
  std::vector<wire::Message> said_;
  std::vector<Commands> published_;
};

TEST_F(Conversation, AnAgentIsWelcomedIntoAnEpochThatIsDurable) {
  greet();
  EXPECT_EQ(stored("epoch FROM meta"), static_cast<std::int64_t>(epoch_.value()));
  report(1);
  report(2);
}

TEST_F(Conversation, WhoIsNotKnownIsToldToTryAgain) {
  until([&] { return rebalancer_.view().find(ServerId(1)) != nullptr; });
  AgentIdentity stranger = identity();
  stranger.storage = storage_of(1, 'T');
  say(Hello{stranger, JournalNumber(0), std::nullopt});
  EXPECT_NE(answer<Retry>().reason, "");
}

TEST_F(Conversation, WhoGreetsBeforeMembershipTellsOfItIsWelcomedAsSoonAsItDoes) {
  until([&] { return rebalancer_.view().find(ServerId(1)) != nullptr; });
  AgentIdentity next = identity();
  next.incarnation = Incarnation(next.incarnation.value() + 1);
  say(Hello{next, JournalNumber(0), std::nullopt});
  EXPECT_NE(answer<Retry>().reason, "");
  member_.incarnation = next.incarnation;
  const auto kind = MemberEventKind::kJoined;
  const MemberEvent event{kind, storage_of(99), EventNumber(++number_), member_};
  EXPECT_EQ(members_->send({wire::member_topic(kind), wire::encode(settings_.cluster, event)}),
            Sent::kTaken);
  EXPECT_EQ(answer<Welcome>().server, ServerId(1));
}

TEST_F(Conversation, ACommandIsRepeatedAndPulledUntilItIsAcknowledged) {
  greet();
  // An agent that membership takes for dead, and that is heard again, is asked for a report.
  const auto changed = [&](Liveness liveness, MemberEventKind kind) {
    member_.liveness = liveness;
    const MemberEvent event{kind, storage_of(99), EventNumber(++number_), member_};
    EXPECT_EQ(members_->send({wire::member_topic(kind), wire::encode(settings_.cluster, event)}),
              Sent::kTaken);
  };
  changed(Liveness::kDead, MemberEventKind::kFailed);
  until([&] { return rebalancer_.view().find(ServerId(1))->member.liveness == Liveness::kDead; });
  changed(Liveness::kAlive, MemberEventKind::kRecovered);
  until([&] { return published_.size() >= 2; });  // repeated, since nobody answers
  const CommandId id = published_.back().items.at(0).id;
  EXPECT_EQ(stored("count(*) FROM outbox"), 1);
  say(Pull{identity(), std::nullopt});
  const auto pulled = answer<Commands>();
  ASSERT_EQ(pulled.items.size(), 1U);
  EXPECT_EQ(pulled.items[0].id, id);
  say(Ack{identity(), {{.command = id, .detail = "", .journal = JournalNumber(1), .blamed = {}}}});
  EXPECT_EQ(answer<AckReply>().commands, std::vector{id});
  EXPECT_EQ(stored("count(*) FROM outbox"), 0) << "answered after the commit";
  say(Pull{identity(), std::nullopt});
  EXPECT_TRUE(answer<Commands>().items.empty());
}

TEST_F(Conversation, AGapInTheNumbersOfMembershipAsksForTheSnapshot) {
  greet();
  const int before = asked_;
  number_ += 5;
  const MemberEvent event{MemberEventKind::kUpdated, storage_of(99), EventNumber(number_), member_};
  static_cast<void>(members_->send(
      {wire::member_topic(MemberEventKind::kUpdated), wire::encode(settings_.cluster, event)}));
  until([&] {
    return asked_ > before && rebalancer_.view().membership_number() == EventNumber(number_);
  });
  EXPECT_TRUE(rebalancer_.view().synced());
}

TEST_F(Conversation, GarbageIsDroppedAndCounted) {
  EXPECT_EQ(agent_->send({"this is no message"}), Sent::kTaken);
  until([&] {
    const auto lines = log_.lines();
    return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("message dropped") != std::string::npos;
    });
  });
  greet();
}

}  // namespace
}  // namespace evenkeel
