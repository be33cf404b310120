#include "services/rebalancer/core/nearness.h"

#include <gtest/gtest.h>

#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

Member at(const std::string& location, const std::string& address = "10.0.0.1:7420") {
  Member member = member_of(1, location, 1);
  member.address = address;
  return member;
}

TEST(Nearness, CountsTheLevelsOfTheLocation) {
  const Member here = at("z1/r1/h1");
  const int same = nearness(here, at("z1/r1/h1")), rack = nearness(here, at("z1/r1/h2")),
            zone = nearness(here, at("z1/r2/h1")), none = nearness(here, at("z2/r1/h1"));
  EXPECT_GT(same, rack);
  EXPECT_GT(rack, zone);
  EXPECT_GT(zone, none);
  EXPECT_EQ(none, 0);
  EXPECT_EQ(nearness(here, at("z11/r1/h1")), 0) << "a part is compared as a whole";
}

TEST(Nearness, AddressesDoNotCountWhereALocationIsGiven) {
  EXPECT_EQ(nearness(at("z1/r1/h1", "10.0.0.1:1"), at("z2/r1/h1", "10.0.0.1:2")), 0);
  EXPECT_EQ(nearness(at("z1/r1/h1", "10.0.0.1:1"), at("h2", "10.0.0.1:2")), 0);
}

TEST(Nearness, WithoutLocationsCountsTheBitsThatAddressesShare) {
  const struct {
    const char* a;
    const char* b;
    int bits;
  } cases[] = {
      {"10.0.0.1:7420", "10.0.0.1:7421", 128},
      {"10.0.0.1:1", "10.0.0.0:1", 31},
      {"10.0.0.1:1", "10.0.0.129:1", 24},
      {"10.0.0.1:1", "10.0.1.1:1", 23},
      {"10.0.0.1:1", "11.0.0.1:1", 7},
      {"10.0.0.1:1", "138.0.0.1:1", 0},
      {"[2001:db8::1]:1", "[2001:db8::2]:1", 126},
      {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", 63},
      {"[2001:db8::1]:1", "[2001:0db8:0::1]:1", 128},
      {"[2001:db8::1]:1", "10.0.0.1:1", 0},
      {"alpha:1", "alpha:2", 128},
      {"alpha:1", "alphb:1", 0},
      {"alpha:1", "10.0.0.1:1", 0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(nearness(at("h1", c.a), at("h2", c.b)), c.bits) << c.a << " " << c.b;
    EXPECT_EQ(nearness(at("h2", c.b), at("h1", c.a)), c.bits) << "either way";
  }
}

TEST(Nearness, OneHostIsNearerThanAnyPrefix) {
  EXPECT_GT(nearness(at("h1", "10.0.0.1:1"), at("h1", "11.0.0.1:1")),
            nearness(at("h1", "10.0.0.1:1"), at("h2", "10.0.0.1:2")));
}

}  // namespace
}  // namespace evenkeel
