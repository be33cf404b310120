#include "services/agent/core/evidence.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

const StorageId kOwn = storage_of('o');

Holder holder(std::uint64_t server, const std::string& location) {
  const char letter = static_cast<char>('a' + server);
  return {ServerId(server), storage_of(letter), location,       ChunkVersion(3),
          checksum_of('x'), Duration(1'000),    Duration(1'000)};
}
/// Enough for goal 3 on 2 domains.
Delete good() {
  Delete order{{ChunkId(1), ChunkVersion(3), Bytes(1), checksum_of('x')}};
  order.goal = 3;
  order.domains = 2;
  order.evidence = {holder(1, "z/r1/h1"), holder(2, "z/r1/h1"), holder(3, "z/r2/h3")};
  return order;
}

struct Case {
  const char* name;
  std::function<void(Delete&)> change;
};

TEST(Evidence, SufficesWhenItDoes) {
  const Case cases[] = {
      {"as it is", [](Delete&) {}},
      {"one more than needed", [](Delete& d) { d.evidence.push_back(holder(4, "z/r4/h4")); }},
      {"as old as may be",
       [](Delete& d) {
         for (auto& h : d.evidence) {
           h.presence_age = std::chrono::minutes(10);
           h.content_age = std::chrono::hours(336);
         }
       }},
      {"a stale replica: all hold a higher version",
       [](Delete& d) { d.content.version = ChunkVersion(2); }},
      {"two racks", [](Delete& d) { d.spread = SpreadLevel::kRack; }},
      {"two zones",
       [](Delete& d) {
         d.spread = SpreadLevel::kZone;
         d.evidence[0].location = "y/r1/h1";
       }},
      {"hosts of one part",
       [](Delete& d) {
         d.spread = SpreadLevel::kRack;
         for (auto& h : d.evidence) h.location = "h" + to_string(h.server);
       }},
      {"retired, and none given",
       [](Delete& d) {
         d.retired = true;
         d.evidence.clear();
         d.goal = d.domains = 0;
       }},
  };
  for (const Case& c : cases) {
    Delete order = good();
    c.change(order);
    EXPECT_EQ(evidence_fault(order, kOwn, {}), std::nullopt) << c.name;
  }
}

TEST(Evidence, DoesNotSuffice) {
  const Case cases[] = {
      {"none at all", [](Delete& d) { d.evidence.clear(); }},
      {"one too few", [](Delete& d) { d.evidence.pop_back(); }},
      {"a goal of none", [](Delete& d) { d.goal = 0; }},
      {"a goal of none and no evidence",
       [](Delete& d) {
         d.goal = 0;
         d.evidence.clear();
       }},
      {"no domains", [](Delete& d) { d.domains = 0; }},
      {"negative goal", [](Delete& d) { d.goal = -1; }},
      {"too few domains", [](Delete& d) { d.evidence[2].location = "z/r1/h1"; }},
      {"two hosts, one rack",
       [](Delete& d) {
         d.spread = SpreadLevel::kRack;
         d.evidence[2].location = "z/r1/h3";
       }},
      {"two racks, one zone", [](Delete& d) { d.spread = SpreadLevel::kZone; }},
      {"this storage is among them", [](Delete& d) { d.evidence[1].storage = kOwn; }},
      {"one storage twice", [](Delete& d) { d.evidence[1].storage = d.evidence[0].storage; }},
      {"another checksum", [](Delete& d) { d.evidence[0].checksum = checksum_of('y'); }},
      {"another checksum in one too many",
       [](Delete& d) {
         d.evidence.push_back(holder(4, "z/r4/h4"));
         d.evidence[3].checksum = checksum_of('y');
       }},
      {"a lower version", [](Delete& d) { d.evidence[0].version = ChunkVersion(2); }},
      {"one is of a higher version", [](Delete& d) { d.evidence[0].version = ChunkVersion(4); }},
      {"presence too old",
       [](Delete& d) { d.evidence[0].presence_age = std::chrono::minutes(10) + Duration(1); }},
      {"content too old",
       [](Delete& d) { d.evidence[2].content_age = std::chrono::hours(336) + Duration(1); }},
      {"presence from the future", [](Delete& d) { d.evidence[0].presence_age = Duration(-1); }},
      {"content from the future", [](Delete& d) { d.evidence[0].content_age = Duration(-1); }},
      {"no location", [](Delete& d) { d.evidence[0].location = ""; }},
  };
  for (const Case& c : cases) {
    Delete order = good();
    c.change(order);
    EXPECT_NE(evidence_fault(order, kOwn, {}), std::nullopt) << c.name;
  }
}

TEST(Evidence, GoesByTheAgentsOwnLimits) {
  const EvidenceLimits strict{Duration(999), Duration(1'000)};
  EXPECT_NE(evidence_fault(good(), kOwn, strict), std::nullopt);
}

}  // namespace
}  // namespace evenkeel::agent
