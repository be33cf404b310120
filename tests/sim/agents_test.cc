#include "tools/sim/agents.h"

#include <gtest/gtest.h>

namespace evenkeel::sim {
namespace {

using namespace std::chrono_literals;

Agents::Copy copy(std::uint64_t id, std::uint64_t source, std::uint64_t target,
                  std::uint64_t bytes) {
  return {CommandId(id), ServerId(target), ServerId(source), Bytes(bytes), Bytes(0)};
}

/// Plays to the end: "k1@1000 k2@2000", failed ones with "!".
std::string played(Agents& agents) {
  std::string all;
  while (const auto next = agents.next()) {
    for (const auto& end : agents.ended(*next)) {
      all += (all.empty() ? "" : " ") + to_string(end.command) + (end.done ? "" : "!") + "<" +
             to_string(end.source) + "@" +
             std::to_string(std::chrono::duration_cast<Duration>(*next).count());
    }
  }
  return all;
}

Agents::OtherSource nobody() {
  return [](CommandId) { return std::nullopt; };
}

/// Servers 1 to `servers`, each a machine of its own.
void fill(Agents& agents, std::uint64_t servers) {
  for (std::uint64_t s = 1; s <= servers; ++s) agents.add(ServerId(s), "m" + std::to_string(s));
}

TEST(SimAgents, NetworkOfTheSourceIsShared) {
  Agents agents({.disk = Bytes(0), .network = Bytes(100), .copy_cost = 50ms}, nobody());
  fill(agents, 3);
  agents.take(copy(1, 1, 2, 100), 0ns);
  agents.take(copy(2, 1, 3, 100), 0ns);
  EXPECT_EQ(played(agents), "k1<s1@1050 k2<s1@2050");
}

TEST(SimAgents, NetworkInAndOutDoNotHinderEachOther) {
  Agents agents({.disk = Bytes(0), .network = Bytes(100), .copy_cost = 0ms}, nobody());
  fill(agents, 2);
  agents.take(copy(1, 1, 2, 100), 0ns);
  agents.take(copy(2, 2, 1, 100), 0ns);
  EXPECT_EQ(played(agents), "k1<s1@1000 k2<s2@1000");
}

TEST(SimAgents, DisksReadAndWriteOneAfterTheOther) {
  Agents agents({.disk = Bytes(100), .network = Bytes(0), .copy_cost = 0ms}, nobody());
  fill(agents, 2);
  agents.take(copy(1, 1, 2, 100), 0ns);
  agents.take(copy(2, 2, 1, 100), 0ns);
  EXPECT_EQ(played(agents), "k1<s1@1000 k2<s2@2000");
}

TEST(SimAgents, ServersOfOneMachineShareItsNetworkAndNotTheirDisks) {
  Agents agents({.disk = Bytes(200), .network = Bytes(100), .copy_cost = 0ms}, nobody());
  fill(agents, 2);
  agents.add(ServerId(11), "same");
  agents.add(ServerId(12), "same");
  agents.take(copy(1, 1, 11, 100), 0ns);
  agents.take(copy(2, 2, 12, 100), 0ns);
  EXPECT_EQ(played(agents), "k1<s1@1000 k2<s2@2000");
}

TEST(SimAgents, SoManyAtOnceAndTheOthersWait) {
  Agents agents({.disk = Bytes(0), .network = Bytes(0), .copy_cost = 1000ms, .copies_at_once = 2},
                nobody());
  fill(agents, 2);
  for (std::uint64_t k = 1; k <= 5; ++k) agents.take(copy(k, 1, 2, 7), 0ns);
  EXPECT_EQ(played(agents), "k1<s1@1000 k2<s1@1000 k3<s1@2000 k4<s1@2000 k5<s1@3000");
}

TEST(SimAgents, ACopyIsNoFasterThanItWasTold) {
  Agents agents({.disk = Bytes(0), .network = Bytes(0), .copy_cost = 0ms}, nobody());
  fill(agents, 2);
  Agents::Copy slow = copy(1, 1, 2, 100);
  slow.rate = Bytes(10);
  agents.take(slow, 0ns);
  EXPECT_EQ(played(agents), "k1<s1@10000");
}

TEST(SimAgents, WhoReadsFromALostServerGoesOnFromAnother) {
  Agents agents({.disk = Bytes(0), .network = Bytes(100), .copy_cost = 0ms},
                [](CommandId) { return ServerId(3); });
  fill(agents, 3);
  agents.take(copy(1, 1, 2, 100), 0ns);
  agents.lose(ServerId(1), 500ms);
  // What had come by then is not kept, and has had its share of the network.
  EXPECT_EQ(played(agents), "k1<s3@2000");
}

TEST(SimAgents, WithNobodyElseItFails) {
  Agents agents({}, nobody());
  fill(agents, 2);
  agents.take(copy(1, 1, 2, 100), 0ns);
  agents.lose(ServerId(1), 0ns);
  EXPECT_EQ(played(agents), "k1!<s1@1000");
}

TEST(SimAgents, WhatALostServerWasToWriteNeverEnds) {
  Agents agents({.copies_at_once = 1}, nobody());
  fill(agents, 2);
  agents.take(copy(1, 1, 2, 100), 0ns);
  agents.take(copy(2, 1, 2, 100), 0ns);
  agents.lose(ServerId(2), 0ns);
  agents.take(copy(3, 1, 2, 100), 0ns);
  EXPECT_EQ(played(agents), "");
}

TEST(SimAgents, WhatIsDroppedMakesRoom) {
  Agents agents({.disk = Bytes(0), .network = Bytes(0), .copy_cost = 1000ms, .copies_at_once = 1},
                nobody());
  fill(agents, 2);
  for (std::uint64_t k = 1; k <= 3; ++k) agents.take(copy(k, 1, 2, 7), 0ns);
  agents.drop(CommandId(2), ServerId(2), 100ms);
  agents.drop(CommandId(1), ServerId(2), 300ms);
  EXPECT_EQ(played(agents), "k3<s1@1300");
}

}  // namespace
}  // namespace evenkeel::sim
