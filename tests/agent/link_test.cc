#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

namespace fs = std::filesystem;

class Link : public AgentFixture {};

TEST_F(Link, TellsMembershipAndRebalancerWhatItIs) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  until([&] { return !heartbeats_.empty(); });
  const Member& member = heartbeats_.back();
  EXPECT_EQ(member.server, ServerId(1));
  EXPECT_EQ(member.incarnation, Incarnation(1));
  EXPECT_EQ(member.storage, storage(one));
  EXPECT_EQ(member.location, "z/r/h1");
  EXPECT_EQ(member.labels, (Labels{{"disk", "ssd"}}));
  EXPECT_EQ(member.address, one.agent->address());
  EXPECT_EQ(member.used, Bytes(1'000));
  EXPECT_EQ(read_file(one.dir.path() / "address"), one.agent->address() + "\n");
  const Inventory& inventory = one.inventories.front();
  EXPECT_EQ(inventory.from.epoch, Epoch(3));
  EXPECT_EQ(inventory.basis, std::nullopt);
  ASSERT_EQ(inventory.rows.size(), 1U);
  EXPECT_EQ(inventory.rows[0].content, chunk.content);
  EXPECT_EQ(inventory.rows[0].content_age, std::nullopt);
}

TEST_F(Link, TakesAHigherIncarnationWhenToldThatItsOwnIsOld) {
  heartbeat_status_ = HeartbeatReply::Status::kStale;
  Seat& one = start(1);
  until([&] { return heartbeats_.back().incarnation >= Incarnation(3); });
  heartbeat_status_ = HeartbeatReply::Status::kOk;
  const Incarnation reached = one.agent->storage().identity().incarnation;
  kill(one);
  start(one);
  EXPECT_GT(one.agent->storage().identity().incarnation, reached);
}

TEST_F(Link, TellsARebalancerThatIsBehindOfItsEpoch) {
  Seat& one = start(1);
  const Epoch before = epoch_;
  until([&] { return one.agent->storage().identity().epoch == before; });
  const std::size_t hellos = one.hellos.size();
  until([&] {
    tell(one, Beacon{Epoch(before.value() - 1), ServerId(1), std::nullopt, 0});
    return one.hellos.size() > hellos;
  });
  EXPECT_EQ(one.hellos.back().from.epoch, before);
  EXPECT_EQ(one.agent->storage().identity().epoch, before);
}

TEST_F(Link, WritesAHigherEpochDownAndSaysHello) {
  Seat& one = start(1);
  const std::size_t hellos = one.hellos.size();
  epoch_ = Epoch(9);
  tell(one, Beacon{epoch_, ServerId(1), std::nullopt, 0});
  until([&] {
    // Published until it arrives: a subscription takes a moment.
    if (one.agent->storage().identity().epoch < epoch_) {
      tell(one, Beacon{epoch_, ServerId(1), std::nullopt, 0});
    }
    return one.hellos.size() > hellos;
  });
  EXPECT_EQ(one.hellos.back().from.epoch, Epoch(9));
  kill(one);
  start(one);
  EXPECT_EQ(one.hellos.back().from.epoch, Epoch(9));
}

TEST_F(Link, ActsOnNoMessageOfALowerEpoch) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  Command command = remove(one, 10, chunk, {});
  std::get<Delete>(command.order).retired = true;
  std::get<Delete>(command.order).goal = 0;
  std::get<Delete>(command.order).domains = 0;
  tell(one, Commands{Epoch(2), ServerId(1), std::nullopt, false, {command}});
  EXPECT_EQ(run(one, verify(one, 11, chunk, VerifyLevel::kPresence)).outcome, Outcome::kDone);
  EXPECT_TRUE(one.results[10].empty());
  EXPECT_TRUE(holds(one, chunk));
}

TEST_F(Link, PullsWhatWasNotPublished) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  open_[1].push_back(verify(one, 10, chunk, VerifyLevel::kPresence));
  EXPECT_EQ(result(one, 10).outcome, Outcome::kDone) << "in the silence of beacons";
}

TEST_F(Link, DeletesOnEvidenceOnly) {
  const Sample chunk = sample(1, 600'000);
  for (std::uint64_t server : {1, 2, 3}) put(seat(server), chunk);
  Seat &one = start(1), &two = start(2), &three = start(3);
  Command lacking = remove(one, 10, chunk, {&two, &three});
  std::get<Delete>(lacking.order).evidence.pop_back();
  const CommandResult refused = run(one, lacking);
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_EQ(refused.why, Why::kEvidence);
  EXPECT_TRUE(holds(one, chunk));
  EXPECT_EQ(run(one, remove(one, 11, chunk, {&two, &three})).outcome, Outcome::kDone);
  EXPECT_TRUE(names_in(one.dir.path() / "live").empty());
  EXPECT_EQ(names_in(one.dir.path() / "trash").size(), 2U);
  const CommandResult gone = run(one, remove(one, 12, chunk, {&two, &three}));
  EXPECT_EQ(gone.outcome, Outcome::kFailed);
  EXPECT_EQ(gone.why, Why::kMissing);
}

/// The rebalancer knows one replica of a chunk on a server, and takes it for gone with its delete.
TEST_F(Link, ADeleteOfOneVersionTellsOfTheOneThatStays) {
  const Sample v1 = sample(1, 1'000, 1), v2 = sample(1, 1'000, 2);
  for (const Sample& chunk : {v1, v2}) put(seat(1), chunk);
  put(seat(2), v1);
  Seat &one = start(1), &two = start(2);
  EXPECT_EQ(run(one, remove(one, 10, v1, {&two})).outcome, Outcome::kDone);
  until([&] {
    const Inventory& last = one.inventories.back();
    return last.basis && last.rows.size() == 1 && last.rows[0].content == v2.content;
  });
}

/// Else it would be ordered, and refused, for ever.
TEST_F(Link, ADeleteOfAVersionThatIsNotHereTellsOfTheOneThatIs) {
  const Sample v1 = sample(1, 1'000, 1), v2 = sample(1, 1'000, 2);
  put(seat(1), v2);
  put(seat(2), v1);
  Seat &one = start(1), &two = start(2);
  EXPECT_EQ(run(one, remove(one, 10, v1, {&two})).why, Why::kVersion);
  until([&] {
    const Inventory& last = one.inventories.back();
    return last.basis && last.rows.size() == 1 && last.rows[0].content == v2.content;
  });
  EXPECT_TRUE(holds(one, v2));
}

TEST_F(Link, ADeleteThatWasCutOffIsKnownForWhatItWas) {
  const Sample chunk = sample(1, 1'000);
  for (std::uint64_t server : {1, 2}) put(seat(server), chunk);
  {  // killed after the rename and before the result was written down
    Journal journal(seat(1).dir.path() / "journal.db", {"evenkeel", ServerId(1)}, storage_of('1'));
    Journal::Batch batch(journal, Timestamp{});
    batch.intend_delete(key_of(chunk.content), CommandId(10));
    batch.commit();
    const ChunkFiles files(seat(1).dir.path());
    ASSERT_TRUE(files.move_to_trash(chunk.content, Timestamp(Duration(5))));
  }
  Seat &one = start(1), &two = start(2);
  EXPECT_EQ(run(one, remove(one, 11, chunk, {&two})).why, Why::kMissing);
  EXPECT_EQ(run(one, remove(one, 10, chunk, {&two})).outcome, Outcome::kDone);
}

TEST_F(Link, ARetiredChunkNeedsNoEvidence) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  Command command = remove(one, 10, chunk, {});
  std::get<Delete>(command.order).retired = true;
  EXPECT_EQ(run(one, command).outcome, Outcome::kDone);
  EXPECT_FALSE(fs::exists(live(one, chunk)));
}

TEST_F(Link, VerifiesPresenceAndContent) {
  const Sample good = sample(1, 600'000), bad = sample(2, 600'000), gone = sample(3, 1'000);
  for (const Sample& chunk : {good, bad, gone}) put(seat(1), chunk);
  Seat& one = start(1);
  spoil(one, bad, 1);
  fs::remove(live(one, gone));
  const auto outcome = [&](std::uint64_t id, const Sample& chunk, VerifyLevel level) {
    return run(one, verify(one, id, chunk, level)).why;
  };
  EXPECT_EQ(outcome(10, good, VerifyLevel::kPresence), Why::kNone);
  EXPECT_EQ(outcome(11, good, VerifyLevel::kContent), Why::kNone);
  EXPECT_EQ(outcome(12, bad, VerifyLevel::kPresence), Why::kNone);
  EXPECT_EQ(outcome(13, bad, VerifyLevel::kContent), Why::kCorrupt);
  EXPECT_EQ(outcome(14, bad, VerifyLevel::kPresence), Why::kCorrupt) << "known by now";
  EXPECT_EQ(outcome(15, gone, VerifyLevel::kPresence), Why::kMissing);
  EXPECT_EQ(outcome(16, sample(1, 600'000, 2), VerifyLevel::kPresence), Why::kVersion);
  EXPECT_EQ(outcome(17, sample(99, 1), VerifyLevel::kPresence), Why::kMissing);
}

TEST_F(Link, OfAnotherSizeThanTheCommandSaysTheBytesTellWhichIsWrong) {
  const Sample whole = sample(1, 1'000), cut = sample(2, 1'000);
  put(seat(1), whole);
  put(seat(1), cut);
  fs::resize_file(live(seat(1), cut), 900);
  Seat& one = start(1);
  Command wrong = verify(one, 10, whole, VerifyLevel::kPresence);
  std::get<Verify>(wrong.order).content.size = Bytes(999);
  EXPECT_EQ(run(one, wrong).why, Why::kCorrupt);
  EXPECT_EQ(run(one, verify(one, 11, cut, VerifyLevel::kPresence)).why, Why::kCorrupt);
  const auto finding = [&](const Sample& chunk) {
    return one.agent->storage().table().find(key_of(chunk.content))->finding;
  };
  EXPECT_EQ(finding(whole), ReplicaFinding::kOk) << "for it matches its checksum";
  EXPECT_NE(finding(cut), ReplicaFinding::kOk);
  EXPECT_EQ(run(one, verify(one, 12, whole, VerifyLevel::kContent)).outcome, Outcome::kDone);
}

TEST_F(Link, WhatWasFoundOutLastsOverARestart) {
  const Sample good = sample(1, 1'000), bad = sample(2, 1'000);
  put(seat(1), good);
  put(seat(1), bad);
  spoil(seat(1), bad, 1);
  Seat& one = start(1);
  run(one, verify(one, 10, good, VerifyLevel::kContent));
  run(one, verify(one, 11, bad, VerifyLevel::kContent));
  kill(one);
  start(one);
  const auto& rows = one.inventories.front().rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(rows[0].content_age.has_value());
  EXPECT_EQ(rows[1].finding, ReplicaFinding::kCorrupt);
}

/// What was found whole before says nothing of what is left of it; least of all its size to a
/// rebalancer that has lost its database, and knows of the chunk from here alone.
TEST_F(Link, WhatWasCutShortWhileNobodyLookedIsNotReportedAsWhole) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  run(one, verify(one, 10, chunk, VerifyLevel::kContent));
  kill(one);
  fs::resize_file(seat(1).dir.path() / "live" / file_name(chunk.content), 400);
  start(one);
  const auto& rows = one.inventories.front().rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].finding, ReplicaFinding::kShort);
  EXPECT_EQ(rows[0].content.size, Bytes(1'000));
}

TEST_F(Link, AReportCommandBringsAFullInventory) {
  Seat& one = start(1);
  const Command command{CommandId(10), Reason::kReport, storage(one), std::chrono::minutes(1),
                        Report{}};
  const CommandResult done = run(one, command);
  until([&] {
    const Inventory& last = one.inventories.back();
    return !last.basis && done.detail == "inventory " + to_string(last.number);
  });
}

TEST_F(Link, AdoptsFilesThatBearNoChecksumYet) {
  const Sample chunk = sample(0xab, 600'000, 4);
  fs::create_directories(seat(1).dir.path() / "live");
  write_file(seat(1).dir.path() / "live" / "00000000000000ab.4", chunk.bytes);
  Seat& one = start(1);
  until([&] {
    const auto& rows = one.inventories.back().rows;
    return rows.size() == 1 && rows[0].content == chunk.content;
  });
  EXPECT_TRUE(holds(one, chunk));
}

TEST_F(Link, SeesFilesComeAndGoBehindItsBack) {
  const Sample gone = sample(1, 1'000);
  put(seat(1), gone);
  seat(1).settings.directory.rescan_interval = Duration(20);
  Seat& one = seats_[1];
  start(one);
  fs::remove(live(one, gone));
  until([&] { return one.inventories.back().gone.size() == 1; });
  EXPECT_EQ(one.inventories.back().gone[0].first, ChunkId(1));
  const Sample here = sample(2, 1'000);
  write_file(live(one, here), here.bytes);
  until([&] {
    const auto& rows = one.inventories.back().rows;
    return rows.size() == 1 && rows[0].content == here.content;
  });
}

TEST_F(Link, ScrubbingFindsWhatHasGoneBad) {
  const Sample good = sample(1, 600'000), bad = sample(2, 600'000);
  put(seat(1), good);
  put(seat(1), bad);
  spoil(seat(1), bad, 500'000);
  seat(1).settings.scrub.rate = 64_MiB;
  Seat& one = seats_[1];
  start(one);
  std::map<ChunkId, ReportedReplica> said;
  until([&] {
    for (const Inventory& inventory : one.inventories) {
      for (const auto& row : inventory.rows) said.insert_or_assign(row.content.chunk, row);
    }
    return said.contains(ChunkId(2)) && said.at(ChunkId(2)).finding == ReplicaFinding::kCorrupt &&
           said.at(ChunkId(1)).content_age.has_value();
  });
  EXPECT_EQ(said.at(ChunkId(1)).finding, ReplicaFinding::kOk);
}

/// A copy may have replaced it, and the journal have failed before it knew.
TEST_F(Link, ScrubbingReadsOnceMoreWhatAnEarlierRunFoundBad) {
  const Sample chunk = sample(1, 600'000);
  put(seat(1), chunk);
  spoil(seat(1), chunk, 500'000);
  Seat& one = start(1);
  run(one, verify(one, 10, chunk, VerifyLevel::kContent));
  kill(one);
  write_file(live(one, chunk), chunk.bytes);
  one.settings.scrub.rate = 64_MiB;
  start(one);
  EXPECT_EQ(one.inventories.front().rows.at(0).finding, ReplicaFinding::kCorrupt);
  until([&] {
    const auto& rows = one.inventories.back().rows;
    return rows.size() == 1 && rows[0].finding == ReplicaFinding::kOk && rows[0].content_age;
  });
}

TEST_F(Link, LeavesInGoodOrder) {
  Seat& one = start(1);
  bool stopped = false;
  one.agent->stop([&] { stopped = true; });
  until([&] { return stopped; });
  ASSERT_EQ(leaves_.size(), 1U);
  EXPECT_EQ(leaves_[0].storage, storage(one));
}

}  // namespace
}  // namespace evenkeel::agent
