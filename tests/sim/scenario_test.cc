#include "tools/sim/scenario.h"

#include <gtest/gtest.h>

#include "common/base/overloaded.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tools/sim/reasons.h"

namespace evenkeel::sim {
namespace {

std::string drawn(const Place& place) {
  constexpr const char* kKinds[] = {"server", "host", "rack", "zone"};
  return std::string(kKinds[static_cast<std::size_t>(place.kind)]) + " " + place.name;
}

std::string drawn(const Result<Step>& step) {
  if (!step) return "error";
  std::string all;
  for (const Act& act : step->acts) {
    all += all.empty() ? "" : "; ";
    all += std::visit(
        Overloaded{[](const Lose& a) { return "lose " + drawn(a.place); },
                   [](const Drain& a) { return "drain " + drawn(a.place); },
                   [](const Add& a) {
                     return "add " + std::to_string(a.servers) + " of " +
                            (a.capacity ? std::to_string(a.capacity->count()) : "the mean") +
                            " in " + (a.rack.empty() ? "all" : a.rack);
                   }},
        act);
  }
  return all;
}

TEST(SimScenario, SaysWhatHappens) {
  const std::pair<const char*, const char*> kCases[] = {
      {"lose server s3", "lose server s3"},
      {"lose s3", "lose server s3"},
      {"lose 3", "lose server 3"},
      {"lose s3 and s4", "lose server s3; lose server s4"},
      {"lose servers s3, s4,s5", "lose server s3; lose server s4; lose server s5"},
      {"  lose   rack zone1/rack3 ", "lose rack zone1/rack3"},
      {"lose zone z1 and host h7", "lose zone z1; lose host h7"},
      {"drain s7", "drain server s7"},
      {"drain rack r1 and lose s2", "drain rack r1; lose server s2"},
      {"add 10 servers", "add 10 of the mean in all"},
      {"add a server", "add 1 of the mean in all"},
      {"add server", "add 1 of the mean in all"},
      {"add 2 servers of 4TiB in zone1/rack9", "add 2 of 4398046511104 in zone1/rack9"},
      {"add 2 servers in rack r9, drain s1", "add 2 of the mean in r9; drain server s1"},
  };
  for (const auto& [words, meaning] : kCases) EXPECT_EQ(drawn(parse_step(words)), meaning) << words;
}

TEST(SimScenario, WhatIsNotUnderstoodIsNamed) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "nothing"},
      {"explode s3", "explode"},
      {"lose", "which"},
      {"lose rack", "which"},
      {"lose and", "which"},
      {"lose rack3", "rack3"},
      {"lose s3 s4", "s4"},
      {"add 0 servers", "'0'"},
      {"add -1 servers", "-1"},
      {"add 10x servers", "10x"},
      {"add 3 racks", "only"},
      {"add 3 servers of 4TB", "4TB"},
      {"add 3 servers in", "which rack"},
  };
  for (const auto& [words, named] : kCases) {
    const auto step = parse_step(words);
    ASSERT_FALSE(step) << words;
    EXPECT_NE(step.error().what.find(named), std::string::npos) << step.error().what;
  }
}

class SimPlaces : public ::testing::Test {
 protected:
  std::string found(const std::string& words) {
    const auto step = parse_step(words);
    const auto servers = servers_at(cluster_.view(), std::get<Lose>(step->acts.at(0)).place);
    if (!servers) return servers.error().what;
    std::string all;
    for (const ServerId id : *servers) all += (all.empty() ? "" : " ") + to_string(id);
    return all;
  }
  Cluster cluster_{R"(
      s1 z1/r1/h1 100
      s2 z1/r1/h1 100
      s3 z1/r2/h3 100
      s4 z2/r2/h4 100
      s5 z2/r12/h5 100)"};
};

TEST_F(SimPlaces, AreFoundByAllOrTheLastOfTheirLocation) {
  EXPECT_EQ(found("lose s2"), "s2");
  EXPECT_EQ(found("lose host z1/r1/h1"), "s1 s2");
  EXPECT_EQ(found("lose host h4"), "s4");
  EXPECT_EQ(found("lose rack z1/r1"), "s1 s2");
  EXPECT_EQ(found("lose rack r1"), "s1 s2");  // and not r12
  EXPECT_EQ(found("lose rack r12"), "s5");
  EXPECT_EQ(found("lose zone z2"), "s4 s5");
}

TEST_F(SimPlaces, ThatAreNoneOrSeveralAreSaidToBe) {
  EXPECT_EQ(found("lose s9"), "there is no server 's9'");
  EXPECT_EQ(found("lose rack r3"), "there is no rack 'r3'");
  EXPECT_EQ(found("lose rack r2"), "rack 'r2' could be z1/r2, z2/r2");
}

TEST(SimReasons, AreTheSameWhicheverServersTheyName) {
  EXPECT_EQ(
      reason_in_short("no server can take it: s1: too full, s2: holds a replica, s3: too full"),
      "no server can take it: holds a replica, too full");
  EXPECT_EQ(reason_in_short("a copy to s12 did not succeed: io"),
            "a copy to a server did not succeed: io");
  EXPECT_EQ(reason_in_short("as plain as this"), "as plain as this");
}

}  // namespace
}  // namespace evenkeel::sim
