#include "tests/bench/planner/judge.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/bench/planner/drawn_plan.h"
#include "tests/bench/planner/generate.h"

namespace evenkeel::workload {
namespace {

/// Capacities and sizes in KiB. Mean fill of the usable: 1800 / 4000 = 0.45.
constexpr char kCluster[] = R"(
    server 0 up       1000
    server 1 up       1000
    server 2 up       1000
    server 0 new      1000
    server 3 down     1000
    server 4 draining 1000
    chunk  100 0 1
    chunk  100 1 4
    chunk  100 2 5
    chunk  600 0 2)";

ServerState state_of(const std::string& name) {
  if (name == "up") return ServerState::kUp;
  if (name == "new") return ServerState::kNew;
  return name == "down" ? ServerState::kDown : ServerState::kDraining;
}

Workload drawn(const std::string& drawing, Task task = Task::kRepair, double limit = 0.95) {
  Workload workload{.name = "drawn", .task = task, .limit = {limit, ""}, .replicas = 2};
  std::istringstream words(drawing);
  for (std::string what; words >> what;) {
    if (what == "server") {
      Server server;
      std::uint64_t capacity_kib = 0;
      std::string state;
      words >> server.rack >> state >> capacity_kib;
      server.capacity = Bytes(capacity_kib * 1024);
      server.state = state_of(state);
      workload.servers.push_back(server);
    } else {
      std::uint32_t size = 0;
      ServerIndex holders[2] = {};
      words >> size >> holders[0] >> holders[1];
      workload.size_kib.push_back(size);
      for (const ServerIndex holder : holders) {
        workload.holders.push_back(holder);
        workload.servers[holder].used += Bytes(std::uint64_t{size} * 1024);
      }
    }
  }
  return workload;
}

Verdict judged(const Workload& workload, const std::vector<Move>& plan) {
  Judge judge(workload);
  for (const Move& move : plan) judge.take(move);
  return judge.verdict();
}

/// What is not as it should be, with how often.
std::string faults(const Verdict& verdict) {
  std::string text;
  const auto say = [&](const char* what, std::uint64_t count) {
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  say("bad", verdict.bad_moves);
  say("rack", verdict.rack_violations);
  say("duplicate", verdict.duplicates);
  say("unrepaired", verdict.unrepaired);
  say("undrained", verdict.undrained);
  say("over", verdict.over_limit);
  EXPECT_EQ(verdict.sound(), text.empty());
  return text;
}

const Move kRepair{1, 4, 3, 1}, kDrain{2, 5, 1, 2};  // all that kCluster needs

TEST(Judge, CountsEachFault) {
  struct Case {
    const char* name;
    std::vector<Move> more;  // after kRepair and kDrain
    std::string faults;
  };
  const Case cases[] = {
      {"nothing more", {}, ""},
      {"from one that drains", {{2, 2, 0, 5}}, ""},
      {"the same replica again", {{0, 0, 2, 1}, {0, 2, 3, 1}}, ""},
      {"no such chunk", {{4, 0, 2, 0}}, "1 bad"},
      {"not where it is said to be", {{0, 2, 3, 0}}, "1 bad"},
      {"no longer there", {{0, 0, 2, 1}, {0, 0, 3, 1}}, "1 bad"},
      {"no such target", {{0, 0, 6, 1}}, "1 bad"},
      {"target down", {{0, 0, 4, 1}}, "1 bad"},
      {"target draining", {{0, 0, 5, 1}}, "1 bad"},
      {"source holds none", {{0, 0, 2, 3}}, "1 bad"},
      {"no such source", {{0, 0, 2, 99}}, "1 bad"},
      {"source down", {{1, 1, 0, 4}}, "1 bad"},
      {"source has only a copy of this plan", {{1, 1, 0, 3}}, "1 bad"},
      {"one rack", {{0, 1, 3, 0}}, "1 rack"},
      {"one server", {{0, 1, 0, 0}}, "1 duplicate"},
      {"to itself", {{0, 1, 1, 0}}, ""},
      {"two of them", {{0, 1, 0, 0}, {3, 2, 3, 0}, {3, 2, 3, 0}}, "1 bad, 1 rack, 1 duplicate"},
  };
  for (const Case& each : cases) {
    std::vector<Move> plan{kRepair, kDrain};
    plan.insert(plan.end(), each.more.begin(), each.more.end());
    EXPECT_EQ(faults(judged(drawn(kCluster), plan)), each.faults) << each.name;
  }
}

TEST(Judge, CountsWhatIsNotDone) {
  const Workload workload = drawn(kCluster);
  EXPECT_EQ(faults(judged(workload, {})), "1 unrepaired, 1 undrained");
  EXPECT_EQ(faults(judged(workload, {kRepair})), "1 undrained");
  EXPECT_EQ(faults(judged(workload, {kDrain})), "1 unrepaired");
}

TEST(Judge, CountsServersBeyondTheLimit) {
  // Servers 0 and 2 hold 700; server 1 comes to 300 and then 900.
  const std::vector<Move> plan{kRepair, kDrain, {3, 2, 1, 0}};
  EXPECT_EQ(faults(judged(drawn(kCluster, Task::kRepair, 0.90), plan)), "");
  EXPECT_EQ(faults(judged(drawn(kCluster, Task::kRepair, 0.89), plan)), "1 over");
  EXPECT_EQ(faults(judged(drawn(kCluster, Task::kRepair, 0.69), plan)), "2 over");
}

TEST(Judge, MeasuresBytesAgainstTheMinimum) {
  const Verdict repair = judged(drawn(kCluster), {kRepair, kDrain});
  EXPECT_EQ(repair.moves, 2U);
  EXPECT_EQ(repair.moved, 200_KiB);
  EXPECT_DOUBLE_EQ(repair.minimum_bytes, 200 * 1024);
  EXPECT_DOUBLE_EQ(repair.ratio(), 1);
  // Servers 0 and 2 lie 250 above the mean.
  const Verdict rebalance = judged(drawn(kCluster, Task::kRebalance), {kRepair, kDrain});
  EXPECT_DOUBLE_EQ(rebalance.minimum_bytes, 700 * 1024);
  EXPECT_DOUBLE_EQ(rebalance.ratio(), 2.0 / 7);
  const Verdict idle = judged(drawn("server 0 up 9 server 1 up 9 chunk 1 0 1"), {});
  EXPECT_EQ(idle.ratio(), 0);
}

TEST(Judge, MeasuresDeviation) {
  const Verdict verdict = judged(drawn(kCluster), {kRepair, kDrain});  // 700, 300, 700, 100
  EXPECT_DOUBLE_EQ(verdict.start_deviation, 1);                        // server 3 was empty
  EXPECT_NEAR(verdict.max_deviation, 1 - 100 / 450.0, 1e-12);
  EXPECT_NEAR(verdict.max_over_mean, 700 / 450.0, 1e-12);
  EXPECT_NEAR(verdict.stdev, std::sqrt(1 / 3.0), 1e-12);
}

TEST(Judge, MeasuresSourcesAndTargets) {
  const Verdict verdict = judged(drawn(kCluster), {kRepair, kDrain, {3, 0, 1, 2}});
  EXPECT_EQ(verdict.sources, 2U);  // server 1 sends 100, server 2 700
  EXPECT_EQ(verdict.targets, 2U);  // server 3 gets 100, server 1 700
  EXPECT_DOUBLE_EQ(verdict.source_peak_over_mean, 1.75);
  EXPECT_DOUBLE_EQ(verdict.target_peak_over_mean, 1.75);
  const Verdict none = judged(drawn(kCluster), {});
  EXPECT_EQ(none.sources, 0U);
  EXPECT_EQ(none.source_peak_over_mean, 0);
}

// --- against another implementation -------------------------------------------------------------

struct Figures {
  const char* workload;
  enum class Plan { kNone, kCareless, kBroken } plan;
  // As the other implementation printed them.
  std::uint64_t moves;
  double moved_gib, minimum_gib, ratio, start_pct, max_pct, max_over_mean, stdev_pct;
  std::uint64_t rack, duplicates, unrepaired, undrained, over, bad, sources, targets;
  double source_peak, target_peak;
};

using enum Figures::Plan;
const Figures kFigures[] = {
    {"W1", kNone, 0,    0.00, 187.50, 0.0000, 20.027, 20.0267, 0.80027, 20.0000,
     0,    0,     3000, 0,    0,      0,      0,      0,       0.00,    0.00},
    {"W2", kCareless, 15691, 980.69, 3750.25, 0.2615, 40.040, 31.4400, 0.70080, 30.7357,
     0,    0,         46100, 0,      0,       0,      30,     30,      1.07,    1.07},
    {"W3", kCareless, 370, 23.12, 156.25, 0.1480, 100.000, 95.3600, 1.19640, 42.6485,
     0,    0,         0,   0,     0,      0,      5,       6,       1.08,    1.88},
    {"W4", kBroken, 3487, 217.94, 23.87, 9.1301, 16.280, 50.8867, 1.50887, 24.7930,
     0,    1072,    0,    0,      0,     1513,   5,      5,       1.57,    1.45},
    {"W5", kCareless, 1587, 99.19, 562.50, 0.1763, 60.013, 49.6800, 0.50587, 49.5468,
     0,    0,         0,    7432,  0,      0,      5,      2,       1.36,    1.01},
    {"W5", kBroken, 1311, 81.94, 562.50, 0.1457, 60.013, 59.7733, 0.50013, 55.0977,
     0,    499,     0,    8232,  0,      3689,   5,      2,       1.12,    1.56},
    {"W7a", kCareless, 75864, 4741.50, 187.50, 25.2880, 0.333, 2.1295, 1.01896, 0.6019,
     0,     0,         1006,  0,       0,      0,       499,   499,    1.26,    1.32},
    {"W7a", kBroken, 353588, 22099.25, 187.50, 117.8627, 0.333, 1957.6431, 20.57643, 151.8769,
     5586,  8141,    2521,   0,        3,      146412,   499,   499,       1.11,     84.06},
    {"W7b", kBroken, 354593, 22162.06, 928.22, 23.8759, 100.000, 1986.4243, 20.86424, 153.3137,
     5591,  8186,    0,      0,        3,      145407,  500,     505,       1.11,     85.00},
    {"W8a", kCareless, 900,  21.81, 68.45, 0.3186, 22.375, 16.3973, 0.87067, 14.5813,
     0,     0,         2226, 0,     0,     0,      4,      4,       1.11,    1.04},
    {"W8a", kBroken, 2052, 44.25, 68.45, 0.6465, 22.375, 26.8640, 0.93212, 19.8362,
     0,     767,     2658, 0,     0,     2948,   4,      4,       1.07,    1.63},
};

std::vector<Move> plan_of(const Figures& figures, const Workload& workload) {
  Rng careless(7), broken(8);
  switch (figures.plan) {
    case kNone:
      return {};
    case kCareless:
      return draw_careless_plan(workload, careless);
    case kBroken:
      return draw_broken_plan(workload, broken);
  }
  return {};
}

TEST(Judge, AgreesWithAnotherImplementation) {
  constexpr double kGib = 1 << 30;
  const auto specs = read_specs(EVENKEEL_WORKLOADS);
  ASSERT_TRUE(specs.has_value()) << specs.error().what;
  for (const Figures& expected : kFigures) {
    SCOPED_TRACE(expected.workload);
    const auto workload = generate(*scaled(*find_spec(*specs, expected.workload), 20));
    const Verdict verdict = judged(*workload, plan_of(expected, *workload));
    EXPECT_EQ(verdict.moves, expected.moves);
    EXPECT_NEAR(static_cast<double>(verdict.moved.count()) / kGib, expected.moved_gib, 0.00501);
    EXPECT_NEAR(verdict.minimum_bytes / kGib, expected.minimum_gib, 0.00501);
    EXPECT_NEAR(verdict.ratio(), expected.ratio, 0.0000501);
    EXPECT_NEAR(verdict.start_deviation * 100, expected.start_pct, 0.000501);
    EXPECT_NEAR(verdict.max_deviation * 100, expected.max_pct, 0.0000501);
    EXPECT_NEAR(verdict.max_over_mean, expected.max_over_mean, 0.00000501);
    EXPECT_NEAR(verdict.stdev * 100, expected.stdev_pct, 0.0000501);
    EXPECT_EQ(verdict.rack_violations, expected.rack);
    EXPECT_EQ(verdict.duplicates, expected.duplicates);
    EXPECT_EQ(verdict.unrepaired, expected.unrepaired);
    EXPECT_EQ(verdict.undrained, expected.undrained);
    EXPECT_EQ(verdict.over_limit, expected.over);
    EXPECT_EQ(verdict.bad_moves, expected.bad);
    EXPECT_EQ(verdict.sources, expected.sources);
    EXPECT_EQ(verdict.targets, expected.targets);
    EXPECT_NEAR(verdict.source_peak_over_mean, expected.source_peak, 0.00501);
    EXPECT_NEAR(verdict.target_peak_over_mean, expected.target_peak, 0.00501);
  }
}

// --- the file of a plan -------------------------------------------------------------------------

/// The rows as they were read, or what is wrong.
std::string read_back(const std::string& text) {
  std::string path = testing::TempDir() + "plan.XXXXXX";
  const int file = ::mkstemp(path.data());
  EXPECT_GE(file, 0);
  ::close(file);
  std::ofstream(path, std::ios::binary) << text;
  std::ostringstream rows;
  const auto read = read_plan(path, [&](const Move& move) {
    rows << move.chunk << ' ' << move.old << ' ' << move.dst << ' ' << move.from << ';';
  });
  std::filesystem::remove(path);
  return read ? rows.str() : read.error().what.substr(path.size());
}

TEST(Plan, IsReadRowByRow) {
  const std::string not_a_row = "' is not chunk,old,dst,from";
  EXPECT_EQ(read_back(""), "");
  EXPECT_EQ(read_back("1,2,3,4\n5,6,7,8\n"), "1 2 3 4;5 6 7 8;");
  EXPECT_EQ(read_back("chunk,old,dst,from\n1,2,3,4"), "1 2 3 4;");
  EXPECT_EQ(read_back("4294967295,0,0,0\n"), "4294967295 0 0 0;");
  EXPECT_EQ(read_back("4294967296,0,0,0\n"), ":1: '4294967296,0,0,0" + not_a_row);
  EXPECT_EQ(read_back("1,2,3,4\nchunk,old,dst,from\n"), ":2: 'chunk,old,dst,from" + not_a_row);
  EXPECT_EQ(read_back("1,2,3,4\n\n"), ":2: '" + not_a_row);
  for (const std::string row : {"1,2,3", "1,2,3,", "1,2,3,4,", "1,2,3,4,5", "1,-2,3,4", "1, 2,3,4",
                                "1;2;3;4", "1,2,3,4x"}) {
    EXPECT_EQ(read_back(row + "\n"), ":1: '" + row + not_a_row);
  }
}

TEST(Plan, IsNotFound) {
  const auto read = read_plan("/nowhere/plan.csv", [](const Move&) {});
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().what, "/nowhere/plan.csv: cannot be read");
}

}  // namespace
}  // namespace evenkeel::workload
