#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "common/base/overloaded.h"
#include "common/checksum/checksum.h"
#include "tests/cli/fake_data_port.h"
#include "tests/cli/fake_rebalancer.h"
#include "tests/cli/watchdog.h"
#include "tools/cli/get.h"
#include "tools/cli/put.h"

namespace evenkeel::cli {
namespace {

using Does = FakeDataPort::Does;
namespace fs = std::filesystem;
constexpr std::uint64_t kChunkBytes = 2 * kBlockBytes;

/// A rebalancer of two servers, of which it gives the first ones that are not to be avoided.
struct PutGetTest : testing::Test {
  zmq::context_t context;
  Loop loop;
  FakeDataPort s1{loop, ServerId(1), Does::kGood};
  FakeDataPort s2{loop, ServerId(2), Does::kGood};
  std::size_t goal = 1;  // targets that it gives
  int file_goal = 1;
  std::uint64_t next_chunk = 100;
  std::map<std::uint64_t, ChunkId> chunk_at;  // of the file being put, by index
  std::vector<PutPlace> places;
  std::vector<PutClose> closes;
  std::vector<PutOpen> opens;
  Located located{"f", 0_B, 0, 0, Epoch(3), {}};
  std::vector<Locate> locates;
  FakeRebalancer rebalancer{loop, context, [this](const ControlRequest& request) {
                              return std::vector{answer(request, reply(request.what))};
                            }};
  std::unique_ptr<ControlClient> control = asking(rebalancer);
  fs::path folder = fs::temp_directory_path() / ("evenkeel-cli-" + std::to_string(getpid()));

  std::unique_ptr<ControlClient> asking(const FakeRebalancer& whom) {
    return std::make_unique<ControlClient>(
        loop, context, ControlClient::Settings{whom.endpoint(), "test", Duration(20'000)});
  }
  void SetUp() override { fs::create_directories(folder); }
  void TearDown() override { fs::remove_all(folder); }

  Answer reply(const Request& request) {
    return std::visit(
        Overloaded{[](const Ping&) -> Answer {
                     return Pong{"1", Epoch(3), "running", "", {}};
                   },
                   [&](const PutOpen& open) -> Answer {
                     opens.push_back(open);
                     return PutOpened{FileId(opens.size()), Bytes(kChunkBytes), file_goal};
                   },
                   [&](const PutPlace& place) -> Answer { return placed(place); },
                   [&](const PutClose& close) -> Answer {
                     closes.push_back(close);
                     return PutClosed{close.file, close.stored.size()};
                   },
                   [&](const Locate& locate) -> Answer { return page(locate); },
                   [](const DeleteNamed&) -> Answer { return Deleted{1}; },
                   [](const auto&) -> Answer {
                     return Refused{"unknown_kind", "not asked here"};
                   }},
        request);
  }

  Answer placed(const PutPlace& place) {
    places.push_back(place);
    PutPlaced answer{place.file, Epoch(3), {}};
    for (const PutPlace::Item& item : place.items) {
      const std::uint64_t key = place.file.value() * 1000 + item.index;
      const auto chunk = chunk_at.try_emplace(key, ChunkId(next_chunk)).first->second;
      if (chunk == ChunkId(next_chunk)) ++next_chunk;
      PutPlaced::Item given{item.index, chunk, ChunkVersion(1), {}};
      for (const FakeDataPort* port : {&s1, &s2}) {
        const bool avoid = std::ranges::find(item.avoid, port->server()) != item.avoid.end();
        if (!avoid && given.targets.size() < goal) given.targets.push_back(port->source());
      }
      answer.items.push_back(given);
    }
    return answer;
  }

  /// At most three chunks an answer, so that even small files have several pages.
  Answer page(const Locate& locate) {
    locates.push_back(locate);
    Located answer = located;
    answer.first = locate.first;
    answer.chunks.clear();
    if (const auto* chunk = std::get_if<ChunkId>(&locate.what)) {
      for (const auto& item : located.chunks) {
        if (item.content.chunk == *chunk) answer.chunks.push_back(item);
      }
      answer.total = 1;
      return answer;
    }
    for (std::uint64_t i = locate.first; i < std::min(located.total, locate.first + 3); ++i) {
      answer.chunks.push_back(located.chunks[i]);
    }
    return answer;
  }

  PutJob file_of(const std::string& name, std::size_t size) {
    const MadeChunk made(1, size, static_cast<unsigned>(name.size()));
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(made.bytes->data()),
               static_cast<std::streamsize>(size));
    return {folder / name, name};
  }

  PutOutcome put(std::vector<PutJob> jobs, Put::Settings settings = {}) {
    settings.cluster = "test";
    settings.chunks.busy_pause = Duration(1);
    std::optional<PutOutcome> outcome;
    Put putting(loop, *control, settings, std::move(jobs), [&](const PutOutcome& ended) {
      outcome = ended;
      loop.stop();
    });
    putting.start();
    run_until_stopped(loop);
    return outcome.value_or(PutOutcome{.failures = {"it did not end"}});
  }

  /// A file of `count` chunks held by both servers, and its bytes.
  std::string hold_file(std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
      const MadeChunk made(10 + i, kBlockBytes + i, static_cast<unsigned>(i));
      s1.hold(made);
      s2.hold(made);
      all.append(made.bytes->begin(), made.bytes->end());
      located.chunks.push_back({made.content, {s1.source(), s2.source()}});
    }
    located.total = count;
    located.size = Bytes(all.size());
    return all;
  }

  GetOutcome get(Named what, Get::Settings settings = {}) {
    settings.cluster = "test";
    std::optional<GetOutcome> outcome;
    Get getting(
        loop, *control, settings, std::move(what),
        [&] { return OutputFile::create(folder / "out"); },
        [&](const GetOutcome& ended) {
          outcome = ended;
          loop.stop();
        });
    getting.start();
    run_until_stopped(loop);
    return outcome.value_or(GetOutcome{.exit = Exit::kError, .what = "it did not end"});
  }
  std::string got() const {
    std::ifstream file(folder / "out", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
  }
};

TEST_F(PutGetTest, PutsEachPartOfAFileOnAllOfItsTargetsAndClosesItOnce) {
  goal = 2;
  const PutOutcome outcome = put({file_of("a", 3 * kChunkBytes + 5)});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  EXPECT_EQ(outcome.warnings, std::vector<std::string>{});
  EXPECT_EQ(outcome.chunks, 4u);
  EXPECT_EQ(outcome.replicas, 8u);
  EXPECT_EQ(s1.stored.size(), 4u);
  EXPECT_EQ(s2.stored.size(), 4u);
  EXPECT_EQ(s1.stores[0].epoch, Epoch(3)) << "as the rebalancer said with the tokens";
  ASSERT_EQ(closes.size(), 1u);
  EXPECT_TRUE(closes[0].done);
  EXPECT_EQ(closes[0].stored.size(), 8u);
}

TEST_F(PutGetTest, AnEmptyFileIsOneEmptyChunk) {
  const PutOutcome outcome = put({file_of("empty", 0)});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  EXPECT_EQ(outcome.chunks, 1u);
  EXPECT_EQ(s1.stored, std::vector<Buffer>{Buffer{}});
}

TEST_F(PutGetTest, ARefusingTargetIsReplacedByAnother) {
  s1.now(Does::kRefuses);
  const PutOutcome outcome = put({file_of("a", 10)});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  EXPECT_EQ(outcome.warnings, std::vector<std::string>{});
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[1].items[0].index, places[0].items[0].index);
  EXPECT_EQ(places[1].items[0].avoid, std::vector{ServerId(1)});
  EXPECT_EQ(s2.stored.size(), 1u);
}

TEST_F(PutGetTest, FewerReplicasThanWantedAreAWarningThatNamesTheChunk) {
  goal = 2;
  s2.now(Does::kRefuses);
  const PutOutcome outcome = put({file_of("a", 10)});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  ASSERT_EQ(outcome.warnings.size(), 1u);
  EXPECT_TRUE(outcome.warnings[0].starts_with("a: c100 (part 0) has 1 of 2 replicas"))
      << outcome.warnings[0];
  EXPECT_EQ(outcome.replicas, 1u);
}

TEST_F(PutGetTest, AFileThatNobodyTakesFailsAndTheOthersDoNot) {
  s1.now(Does::kRefuses);
  s2.now(Does::kHangsUp);
  const PutOutcome none = put({file_of("a", 10)});
  ASSERT_EQ(none.failures.size(), 1u);
  EXPECT_TRUE(none.failures[0].starts_with("a: part 0 was not stored")) << none.failures[0];
  EXPECT_TRUE(closes.empty());

  s2.now(Does::kGood);
  const PutOutcome some = put({{folder / "absent", "absent"}, file_of("b", 10)});
  ASSERT_EQ(some.failures.size(), 1u);
  EXPECT_NE(some.failures[0].find("absent"), std::string::npos);
  EXPECT_EQ(some.files, 1u);
}

TEST_F(PutGetTest, FewerPlacesThanTheGoalOfTheFileAreAWarningToo) {
  file_goal = 3;
  const PutOutcome outcome = put({file_of("a", 10)});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  ASSERT_EQ(outcome.warnings.size(), 1u);
  EXPECT_TRUE(outcome.warnings[0].starts_with("a: c100 (part 0) has 1 of 3 replicas"))
      << outcome.warnings[0];
}

TEST_F(PutGetTest, TokensOfAnotherEpochAreAskedForAnewAndTheTargetIsNotAvoided) {
  for (const std::string code : {"epoch", "token"}) {
    FakeDataPort forgetful(loop, ServerId(1), Does::kRefuses, code);
    places.clear();
    std::uint64_t epoch = 4;
    FakeRebalancer own(loop, context, [&](const ControlRequest& request) {
      Answer what = reply(request.what);
      if (auto* given = std::get_if<PutPlaced>(&what)) {
        given->items[0].targets = {forgetful.source()};
        given->epoch = Epoch(epoch++);
        if (places.size() == 2) forgetful.now(Does::kGood);
      }
      return std::vector{answer(request, what)};
    });
    control = asking(own);
    const PutOutcome outcome = put({file_of("a", 10)});
    EXPECT_EQ(outcome.failures, std::vector<std::string>{});
    ASSERT_EQ(places.size(), 2u);
    EXPECT_TRUE(places[1].items[0].avoid.empty());
    EXPECT_EQ(forgetful.stores.back().epoch, Epoch(5));
  }
}

TEST_F(PutGetTest, ARebalancerThatHasNoPlaceYetIsAskedAgain) {
  int asked = 0;
  FakeRebalancer own(loop, context, [&](const ControlRequest& request) {
    const bool not_yet = std::holds_alternative<PutPlace>(request.what) && ++asked < 3;
    return std::vector{
        answer(request, not_yet ? Answer(Refused{"unavailable", "not yet"}) : reply(request.what))};
  });
  control = asking(own);
  Put::Settings settings;
  settings.chunks.place_pause = Duration(1);
  EXPECT_EQ(put({file_of("a", 10)}, settings).failures, std::vector<std::string>{});
  EXPECT_EQ(asked, 3);

  asked = -1'000'000;
  settings.chunks.patience = Duration(20);
  const PutOutcome never = put({file_of("b", 10)}, settings);
  ASSERT_EQ(never.failures.size(), 1u);
  EXPECT_NE(never.failures[0].find("not yet (unavailable)"), std::string::npos);
}

TEST_F(PutGetTest, OnePartWithoutAPlaceDoesNotTakeItFromOthers) {
  FakeRebalancer own(loop, context, [&](const ControlRequest& request) {
    const auto* place = std::get_if<PutPlace>(&request.what);
    const bool no = place != nullptr && place->items.size() > 1;
    return std::vector{
        answer(request, no ? Answer(Refused{"conflict", "one of them"}) : reply(request.what))};
  });
  control = asking(own);
  const PutOutcome outcome = put({file_of("a", 5 * kChunkBytes)});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  EXPECT_EQ(outcome.chunks, 5u);
}

TEST_F(PutGetTest, ManySmallFilesShareConnectionsAndALittleMemory) {
  std::vector<PutJob> jobs;
  for (int i = 0; i < 300; ++i) jobs.push_back(file_of("file" + std::to_string(i), 1000));
  goal = 2;
  const PutOutcome outcome = put(jobs, {.window_bytes = 5000, .files_at_once = 64});
  EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  EXPECT_EQ(outcome.files, 300u);
  EXPECT_EQ(s1.stored.size(), 300u);
  EXPECT_EQ(s1.connections_made, 1u);
}

TEST_F(PutGetTest, GetsAFileOfManyPagesInOrder) {
  const std::string bytes = hold_file(10);
  const GetOutcome outcome = get(std::string("f"), {.window_bytes = 3 * kBlockBytes});
  EXPECT_EQ(outcome.what, "");
  EXPECT_EQ(outcome.chunks, 10u);
  EXPECT_TRUE(got() == bytes);
  EXPECT_EQ(files_in_folder(), 1u);
  EXPECT_EQ(locates.size(), 4u);
}

TEST_F(PutGetTest, GetsAnEmptyFile) {
  EXPECT_EQ(get(std::string("f")).what, "");
  EXPECT_TRUE(fs::exists(folder / "out"));
}

TEST_F(PutGetTest, GetGoesToAnotherHolderUponAnyFault) {
  const std::string bytes = hold_file(4);
  for (const Does fault : {Does::kCorruptBlock, Does::kOtherManifest, Does::kRefuses,
                           Does::kGarbage, Does::kHangsUp, Does::kBytesFirst}) {
    s1.now(fault);
    const GetOutcome outcome = get(std::string("f"));
    EXPECT_EQ(outcome.what, "");
    EXPECT_TRUE(got() == bytes);
  }
}

TEST_F(PutGetTest, GetAsksOnceMoreWhereAChunkIsWhenNoHolderServesIt) {
  const std::string bytes = hold_file(1);
  located.chunks[0].holders = {s1.source()};
  s1.now(Does::kRefuses);
  const auto both = Located::Item{located.chunks[0].content, {s1.source(), s2.source()}};
  bool moved = false;
  FakeRebalancer own(loop, context, [&](const ControlRequest& request) {
    const auto* locate = std::get_if<Locate>(&request.what);
    if (locate != nullptr && std::holds_alternative<ChunkId>(locate->what)) {
      located.chunks[0] = both;
      moved = true;
    }
    return std::vector{answer(request, reply(request.what))};
  });
  control = asking(own);
  EXPECT_EQ(get(std::string("f")).what, "");
  EXPECT_TRUE(moved);
  EXPECT_TRUE(got() == bytes);
}

TEST_F(PutGetTest, AChunkThatNobodyServesLeavesNoFileAndNamesAllFaults) {
  hold_file(3);
  s1.now(Does::kCorruptBlock);
  s2.now(Does::kRefuses);
  const GetOutcome outcome = get(std::string("f"));
  EXPECT_EQ(outcome.exit, Exit::kUnreadable);
  EXPECT_NE(outcome.what.find("s1 " + s1.address() + ": corrupt: block 0"), std::string::npos)
      << outcome.what;
  EXPECT_NE(outcome.what.find("s2 " + s2.address() + ": no_space"), std::string::npos);
  EXPECT_EQ(files_in_folder(), 0u);
}

TEST_F(PutGetTest, OnlyTheFirstHolderIsAskedIfThatIsWanted) {
  hold_file(1);
  s1.now(Does::kRefuses);
  EXPECT_EQ(get(std::string("f"), {.first_holder_only = true}).exit, Exit::kUnreadable);
  EXPECT_EQ(s2.opens, 0u);
}

TEST_F(PutGetTest, JobsHaveTheNamesThatWereAskedFor) {
  fs::create_directories(folder / "d" / "e");
  std::ofstream(folder / "d" / "e" / "f") << "x";
  const std::string d = (folder / "d").string();
  EXPECT_EQ(jobs_of({.paths = {d}, .prefix = "p/", .recursive = true})->at(0).name,
            "p/" + d + "/e/f");
  EXPECT_EQ(jobs_of({.paths = {d + "/e/f"}, .name = "n"})->at(0).name, "n");
  EXPECT_FALSE(jobs_of({.paths = {d}}));
  EXPECT_FALSE(jobs_of({.paths = {"-"}}));
  EXPECT_FALSE(jobs_of({.paths = {d + "/e/f", d + "/e/f"}}));
  EXPECT_FALSE(jobs_of({.paths = {d + "/e/f", "-"}, .name = "n"}));
  EXPECT_FALSE(jobs_of({.paths = {d + "/e/f"}, .name = std::string(1025, 'n')}));
}

}  // namespace
}  // namespace evenkeel::cli
