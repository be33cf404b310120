#include "services/rebalancer/core/evidence_span.h"

#include <gtest/gtest.h>

#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

std::vector<Holder> at(const std::vector<std::string>& locations) {
  std::vector<Holder> evidence;
  for (const std::string& location : locations) {
    const std::uint64_t number = evidence.size() + 1;
    evidence.push_back({.server = ServerId(number),
                        .storage = storage_of(number),
                        .location = location,
                        .version = ChunkVersion(1),
                        .checksum = checksum_of(1)});
  }
  return evidence;
}

struct Case {
  std::vector<std::string> locations;
  SpreadLevel wanted;
  int goal;
  EvidenceSpan span;
};

TEST(EvidenceSpan, IsThatOfThePolicyWhereItHoldsElseByHost) {
  using enum SpreadLevel;
  const Case cases[] = {
      {{"z/a/1", "z/b/2"}, kHost, 2, {kHost, 2}},
      {{"z/a/1", "z/b/2"}, kRack, 2, {kRack, 2}},
      {{"z/a/1", "z/b/2", "z/c/3"}, kRack, 2, {kRack, 2}},
      {{"z/a/1", "z/a/2"}, kRack, 2, {kHost, 2}},
      {{"z/a/1", "z/b/2"}, kZone, 2, {kHost, 2}},
      {{"y/a/1", "z/a/2"}, kZone, 2, {kZone, 2}},
      {{"h1", "h2"}, kZone, 2, {kZone, 2}},
      {{"z/a/1"}, kRack, 1, {kRack, 1}},
      {{}, kRack, 1, {kHost, 0}},
  };
  for (const Case& c : cases) {
    const EvidenceSpan span = span_of(at(c.locations), c.wanted, c.goal);
    EXPECT_EQ(span.level, c.span.level);
    EXPECT_EQ(span.domains, c.span.domains);
  }
}

}  // namespace
}  // namespace evenkeel
