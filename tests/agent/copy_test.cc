#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

/// Accepts connections, and says nothing on them.
class Silent {
 public:
  explicit Silent(Loop& loop)
      : listener_(loop, {"127.0.0.1:0"}, [this](std::unique_ptr<TcpStream> stream) {
          accepted_.push_back(std::move(stream));
        }) {}
  std::string address() const { return "127.0.0.1:" + std::to_string(listener_.port()); }
  std::size_t accepted() const { return accepted_.size(); }

 private:
  std::vector<std::unique_ptr<TcpStream>> accepted_;
  TcpListener listener_;
};

namespace fs = std::filesystem;
constexpr std::size_t kManyBlocks = 7 * 1024 * 1024 + 123;

class Copy : public AgentFixture {
 protected:
  /// A copy from `from`, which is said to be where nobody answers.
  Command unanswered(Seat& to, std::uint64_t id, const Sample& chunk, Seat& from,
                     const Silent& silent) {
    Command command = replicate(to, id, chunk, {&from});
    std::get<Replicate>(command.order).sources[0].address = silent.address();
    return command;
  }
};

TEST_F(Copy, AChunkGoesFromOneAgentToAnother) {
  const Sample chunks[] = {sample(1, kManyBlocks), sample(2, 1'000), sample(3, 0)};
  for (const Sample& chunk : chunks) put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  std::uint64_t id = 10;
  for (const Sample& chunk : chunks) {
    const CommandResult result = run(two, replicate(two, id, chunk, {&one}));
    EXPECT_EQ(result.outcome, Outcome::kDone) << result.detail;
    EXPECT_EQ(result.bytes_done, chunk.content.size);
    EXPECT_TRUE(result.blamed.empty());
    EXPECT_TRUE(holds(two, chunk));
    ++id;
  }
  EXPECT_TRUE(names_in(two.dir.path() / "tmp").empty());
}

TEST_F(Copy, TheSameCommandHasOneEffectAndOneResultForEver) {
  const Sample chunk = sample(1, kManyBlocks);
  put(seat(1), chunk);
  confirm_ = false;
  Seat &one = start(1), &two = start(2);
  const Command command = replicate(two, 10, chunk, {&one});
  const CommandResult first = run(two, command);
  ASSERT_EQ(first.outcome, Outcome::kDone);
  fs::remove(live(two, chunk));  // it would be copied again if the command had another effect
  publish(two, command);
  until([&] { return two.results[10].size() >= 2; });
  kill(two);
  two.results.clear();
  start(two);
  publish(two, command);
  until([&] { return two.results[10].size() >= 2; });
  for (const CommandResult& again : two.results[10]) {
    EXPECT_EQ(again.journal, first.journal);
    EXPECT_EQ(again.outcome, Outcome::kDone);
  }
  EXPECT_FALSE(fs::exists(live(two, chunk)));
}

/// A chunk of one block is sent without a look at it, from its file or, a small one, from memory.
class CopyOfSize : public Copy, public testing::WithParamInterface<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, CopyOfSize, testing::Values(5'000, 100'000, kManyBlocks));

TEST_P(CopyOfSize, ACorruptSourceIsBlamedAndTheNextOneGoesOn) {
  const Sample chunk = sample(1, GetParam());
  put(seat(1), chunk);
  put(seat(2), chunk);
  spoil(seat(1), chunk, GetParam() - 5);
  Seat &one = start(1), &two = start(2), &three = start(3);
  const CommandResult result = run(three, replicate(three, 10, chunk, {&one, &two}));
  EXPECT_EQ(result.outcome, Outcome::kDone) << result.detail;
  ASSERT_EQ(result.blamed.size(), 1U);
  EXPECT_EQ(result.blamed[0].server, ServerId(1));
  EXPECT_EQ(result.blamed[0].fault, Fault::kCorrupt);
  EXPECT_EQ(result.bytes_done, chunk.content.size);
  EXPECT_TRUE(holds(three, chunk));
  // The source has seen it too, and says so without being asked.
  until([&] {
    const auto& rows = one.inventories.back().rows;
    return one.inventories.back().basis && rows.size() == 1 &&
           rows[0].finding == ReplicaFinding::kCorrupt;
  });
}

TEST_F(Copy, TruncatedMissingAndUnreachableSourcesAreBlamedByName) {
  const Sample chunk = sample(1, kManyBlocks);
  for (std::uint64_t server : {1, 3}) put(seat(server), chunk);
  Seat &one = start(1), &two = start(2), &three = start(3), &four = start(4);
  fs::resize_file(live(one, chunk), 300'000);
  Command command = replicate(four, 10, chunk, {&one, &two, &one, &three});
  auto& sources = std::get<Replicate>(command.order).sources;
  sources[2].server = ServerId(9);
  sources[2].address = "127.0.0.1:1";
  const CommandResult result = run(four, command);
  EXPECT_EQ(result.outcome, Outcome::kDone) << result.detail;
  ASSERT_EQ(result.blamed.size(), 3U);
  EXPECT_EQ(result.blamed[0].fault, Fault::kCorrupt);
  EXPECT_EQ(result.blamed[1].fault, Fault::kMissing);
  EXPECT_EQ(result.blamed[2].fault, Fault::kUnreachable);
  EXPECT_EQ(result.blamed[2].server, ServerId(9));
  EXPECT_TRUE(holds(four, chunk));
}

/// Such a connection may stand for a quarter of an hour, and there may be no other source.
TEST_F(Copy, AConnectionThatSwallowsEverythingIsNotUsedAgain) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Silent silent(loop_);
  for (std::uint64_t id : {10, 11}) {
    EXPECT_EQ(run(two, unanswered(two, id, chunk, one, silent)).why, Why::kNoSource);
    EXPECT_EQ(silent.accepted(), id - 9);
  }
}

/// Nor by the next one if the time that a command was given is too short to find out.
TEST_F(Copy, WhoseTimeRunsOutLeavesNoSuchConnectionBehind) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Silent silent(loop_);
  for (std::uint64_t id : {10, 11}) {
    Command command = unanswered(two, id, chunk, one, silent);
    command.allowed = Duration(50);
    EXPECT_EQ(run(two, command).why, Why::kExpired);
    until([&] { return silent.accepted() >= id - 9; });
  }
}

/// A look at a damaged replica may end after a copy has taken its place.
TEST_F(Copy, WhatWasFoundBeforeItCameIsNoNewsOfIt) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Storage& storage = two.agent->storage();
  const AgeReading before = storage.age_now();
  until([&] { return storage.age_now() > before; });
  ASSERT_EQ(run(two, replicate(two, 10, chunk, {&one})).outcome, Outcome::kDone);
  const auto finding = [&] { return storage.table().find(key_of(chunk.content))->finding; };
  const auto look_from = [&](AgeReading since) {
    storage.found_bad(key_of(chunk.content), chunk.content.checksum, ReplicaFinding::kShort, since);
  };
  const AgeReading came = *storage.table().find(key_of(chunk.content))->checked;
  for (const AgeReading since : {before, came}) {
    look_from(since);
    EXPECT_EQ(finding(), ReplicaFinding::kOk);
  }
  until([&] { return storage.age_now() > came; });
  look_from(storage.age_now());
  EXPECT_EQ(finding(), ReplicaFinding::kShort);
}

TEST_F(Copy, WithoutAGoodSourceNothingIsLeftBehind) {
  const Sample chunk = sample(1, kManyBlocks);
  put(seat(1), chunk);
  spoil(seat(1), chunk, 5'000'000);
  Seat &one = start(1), &two = start(2);
  const CommandResult result = run(two, replicate(two, 10, chunk, {&one}));
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.why, Why::kNoSource);
  EXPECT_TRUE(names_in(two.dir.path() / "live").empty());
  EXPECT_TRUE(names_in(two.dir.path() / "tmp").empty());
}

TEST_F(Copy, AWrongTokenIsRefused) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Command command = replicate(two, 10, chunk, {&one});
  command.id = CommandId(11);  // the token was made for another command
  const CommandResult result = run(two, command);
  EXPECT_EQ(result.why, Why::kNoSource);
  ASSERT_EQ(result.blamed.size(), 1U);
  EXPECT_EQ(result.blamed[0].fault, Fault::kRefused);
  EXPECT_EQ(one.agent->data_port().counts().denied, 1U);
}

TEST_F(Copy, ThereMustBeRoomForIt) {
  const Sample chunk = sample(1, 3 << 20);
  put(seat(1), chunk);
  Seat &one = start(1), &two = seat(2);
  two.settings.directory.capacity = 4_MiB;
  two.settings.directory.reserve = Bytes((1 << 20) + 1);
  start(two);
  const CommandResult result = run(two, replicate(two, 10, chunk, {&one}));
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_EQ(result.why, Why::kNoSpace);
}

TEST_F(Copy, OnToAnOlderVersionButNeverBehindAHigherOne) {
  const Sample v1 = sample(1, 1'000, 1), v2 = sample(1, 1'000, 2);
  put(seat(1), v1);
  put(seat(1), v2);
  put(seat(2), v1);
  put(seat(3), v2);
  Seat &one = start(1), &two = start(2), &three = start(3);
  EXPECT_EQ(run(two, replicate(two, 10, v2, {&one})).outcome, Outcome::kDone);
  EXPECT_TRUE(holds(two, v1) && holds(two, v2)) << "what is stale is for others to judge";
  const CommandResult result = run(three, replicate(three, 11, v1, {&one}));
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_EQ(result.why, Why::kVersion);
}

TEST_F(Copy, ThatANewerVersionHasOvertakenIsNotMade) {
  const Sample v1 = sample(1, kManyBlocks, 1), v2 = sample(1, 1'000, 2);
  put(seat(1), v1);
  put(seat(1), v2);
  Seat &one = start(1), &two = start(2);
  Command slow = replicate(two, 10, v1, {&one});
  std::get<Replicate>(slow.order).rate = 6_MiB;
  publish(two, slow);
  until([&] { return one.agent->data_port().counts().bytes_out > 0; });
  EXPECT_EQ(run(two, replicate(two, 11, v2, {&one})).outcome, Outcome::kDone);
  const CommandResult overtaken = result(two, 10);
  EXPECT_EQ(overtaken.outcome, Outcome::kFailed);
  EXPECT_EQ(overtaken.why, Why::kVersion);
  EXPECT_FALSE(fs::exists(live(two, v1)));
  EXPECT_TRUE(holds(two, v2));
  until([&] { return names_in(two.dir.path() / "tmp").empty(); });
}

TEST_F(Copy, WhatIsHereAndWholeIsDoneAtOnce) {
  const Sample chunk = sample(1, kManyBlocks);
  put(seat(2), chunk);
  Seat& two = start(2);
  EXPECT_EQ(run(two, replicate(two, 10, chunk, {})).outcome, Outcome::kDone);
}

TEST_F(Copy, AGoodCopyPutsABadOneIntoQuarantine) {
  const Sample chunk = sample(1, kManyBlocks);
  for (std::uint64_t server : {1, 2}) put(seat(server), chunk);
  spoil(seat(2), chunk, 17);
  Seat &one = start(1), &two = start(2);
  EXPECT_EQ(run(two, verify(two, 10, chunk, VerifyLevel::kContent)).why, Why::kCorrupt);
  EXPECT_EQ(run(two, replicate(two, 11, chunk, {&one})).outcome, Outcome::kDone);
  EXPECT_TRUE(holds(two, chunk));
  EXPECT_EQ(names_in(two.dir.path() / "quarantine").size(), 2U);
  EXPECT_EQ(run(two, verify(two, 12, chunk, VerifyLevel::kContent)).outcome, Outcome::kDone);
}

TEST_F(Copy, WhatWasFoundDamagedIsNotSaidOfTheCopyThatTookItsPlace) {
  const Sample chunk = sample(1, 1'000);
  for (std::uint64_t server : {1, 2}) put(seat(server), chunk);
  Seat &one = start(1), &two = start(2);
  fs::resize_file(live(two, chunk), 500);  // seen when the copy begins, and written when it ends
  ASSERT_EQ(run(two, replicate(two, 10, chunk, {&one})).outcome, Outcome::kDone);
  kill(two);
  start(two);
  ASSERT_EQ(two.inventories.front().rows.size(), 1U);
  EXPECT_EQ(two.inventories.front().rows[0].finding, ReplicaFinding::kOk);
}

TEST_F(Copy, OfACommandOfAnotherStorageNothingComes) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Command command = replicate(two, 10, chunk, {&one});
  command.storage = storage_of('?');
  const CommandResult result = run(two, command);
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_EQ(result.why, Why::kWrongStorage);
  EXPECT_FALSE(fs::exists(live(two, chunk)));
}

TEST_F(Copy, GoesOnAfterAKillWithWhatIsThere) {
  const Sample chunk = sample(1, kManyBlocks);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Command command = replicate(two, 10, chunk, {&one});
  std::get<Replicate>(command.order).rate = 4_MiB;  // asked for block by block
  publish(two, command);
  const auto sent = [&] { return one.agent->data_port().counts().bytes_out; };
  until([&] { return sent() > 10 * kBlockBytes; });
  kill(two);
  ASSERT_EQ(names_in(two.dir.path() / "tmp").size(), 1U);
  start(two);  // and pulls what is open
  EXPECT_EQ(result(two, 10).outcome, Outcome::kDone);
  EXPECT_TRUE(holds(two, chunk));
  EXPECT_LE(sent(), chunk.content.size.count() + kBlockBytes) << "at most one block again";
}

TEST_F(Copy, WhatWasSpoiledWhileItWasDownIsFetchedAgain) {
  const Sample chunk = sample(1, kManyBlocks);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Command command = replicate(two, 10, chunk, {&one});
  const auto aside = two.agent->storage().files()->aside(chunk.content, 10);
  kill(two);
  std::string bytes = chunk.bytes;
  bytes[3 * kBlockBytes + 7] ^= 1;
  bytes.resize(20 * kBlockBytes);
  write_file(aside, bytes);
  publish(two, command);  // to be pulled
  start(two);
  EXPECT_EQ(result(two, 10).outcome, Outcome::kDone);
  EXPECT_TRUE(holds(two, chunk));
  EXPECT_EQ(one.agent->data_port().counts().bytes_out,
            chunk.content.size.count() - 19 * kBlockBytes);
}

TEST_F(Copy, WhatNoCommandGoesOnWithIsRemoved) {
  const Sample chunk = sample(1, kManyBlocks);
  write_file(ChunkFiles(seat(1).dir.path()).aside(chunk.content, 77), chunk.bytes);
  Seat& one = start(1);
  until([&] { return names_in(one.dir.path() / "tmp").empty(); });
}

TEST_F(Copy, KeepsToItsRate) {
  const Sample chunk = sample(1, 1 << 20);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Command command = replicate(two, 10, chunk, {&one});
  std::get<Replicate>(command.order).rate = 8_MiB;
  EXPECT_EQ(run(two, command).outcome, Outcome::kDone);
  EXPECT_TRUE(holds(two, chunk));
}

TEST_F(Copy, WhatIsWholeAtTheSameTimeSharesOneSync) {
  Seat& one = start(1);
  const auto& files = one.agent->storage().files();
  std::vector<Sample> chunks;
  std::size_t placed = 0;
  for (std::uint64_t chunk = 1; chunk <= 40; ++chunk) {
    chunks.push_back(sample(chunk, chunk * 20'000));
    const auto aside = files->aside(chunks.back().content, 0);
    write_file(aside, chunks.back().bytes);
    ASSERT_TRUE(files->write_manifest(aside, chunks.back().manifest));
    Effect effect{Effect::Files::kPlace, chunks.back().content, aside};
    effect.then = [&](const Effect::Ended& ended) {
      EXPECT_FALSE(ended.refusal);
      ++placed;
    };
    one.agent->committer().add(std::move(effect));
  }
  until([&] { return placed == chunks.size(); });
  EXPECT_EQ(one.agent->committer().syncs(), 1U);
  for (const Sample& chunk : chunks) EXPECT_TRUE(holds(one, chunk));
}

TEST_F(Copy, AnEmptyChunkIsNotWholeBeforeItsManifestIsThere) {
  const Sample chunk = sample(1, 0);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  Silent silent(loop_);
  Command command = replicate(two, 10, chunk, {&one, &one});
  auto& order = std::get<Replicate>(command.order);
  order.rate = 1_MiB;
  order.sources[0].server = ServerId(9);
  order.sources[0].address = silent.address();
  const CommandResult result = run(two, command);
  EXPECT_EQ(result.outcome, Outcome::kDone) << result.detail;
  ASSERT_EQ(result.blamed.size(), 1U);
  EXPECT_EQ(result.blamed[0].fault, Fault::kUnreachable);
  EXPECT_TRUE(holds(two, chunk));
}

TEST_F(Copy, ManyAtOnce) {
  std::vector<Sample> chunks;
  for (std::uint64_t chunk = 1; chunk <= 60; ++chunk) {
    chunks.push_back(sample(chunk, chunk * 20'000));
    put(seat(1), chunks.back());
  }
  Seat &one = start(1), &two = start(2);
  for (std::uint64_t i = 0; i < chunks.size(); ++i) {
    publish(two, replicate(two, 100 + i, chunks[i], {&one}));
  }
  for (std::uint64_t i = 0; i < chunks.size(); ++i) {
    EXPECT_EQ(result(two, 100 + i).outcome, Outcome::kDone);
    EXPECT_TRUE(holds(two, chunks[i]));
  }
}

}  // namespace
}  // namespace evenkeel::agent
