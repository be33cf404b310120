#include "common/model/text.h"

#include <set>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

/// Each value up to `last` has a word, no word is there twice, and each leads back to its value.
template <class Enum>
void expect_words(Enum last) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto value = static_cast<Enum>(i);
    const std::string_view word = to_text(value);
    EXPECT_FALSE(word.empty());
    EXPECT_TRUE(words.insert(word).second) << word;
    EXPECT_EQ(from_text<Enum>(word), value) << word;
  }
  EXPECT_EQ(from_text<Enum>(""), std::nullopt);
  EXPECT_EQ(from_text<Enum>("?"), std::nullopt);
}

TEST(Text, EveryWordLeadsBackToItsValue) {
  expect_words(Reason::kReport);
  expect_words(CommandKind::kReport);
  expect_words(Outcome::kRefused);
  expect_words(Why::kUnknown);
  expect_words(Fault::kRefused);
  expect_words(Holder::VouchedBy::kInventory);
  expect_words(VerifyLevel::kContent);
  expect_words(SpreadLevel::kZone);
  expect_words(Liveness::kDead);
  expect_words(MemberEventKind::kBeacon);
  expect_words(HeartbeatReply::Status::kConflict);
  expect_words(ReplicaFinding::kUnreadable);
  expect_words(InventoryReply::Status::kAgain);
  expect_words(TransferOpen::Mode::kGet);
}

TEST(Text, WordsAreThoseOfTheReadme) {
  EXPECT_EQ(to_text(Why::kWrongStorage), "wrong_storage");
  EXPECT_EQ(to_text(Why::kStaleEpoch), "stale_epoch");
  EXPECT_EQ(to_text(Reason::kBalance), "balance");
  EXPECT_EQ(from_text<Reason>("Repair"), std::nullopt);
}

TEST(Text, AnOrderNamesItsKind) {
  EXPECT_EQ(kind_of(Order(Report{})), CommandKind::kReport);
}

TEST(Text, LocationsArePaths) {
  for (const char* good : {"host7", "zone1/rack3/host7", "a b/c"}) EXPECT_TRUE(is_location(good));
  for (const char* bad : {"", "/", "/a", "a/", "a//b"}) EXPECT_FALSE(is_location(bad)) << bad;
  EXPECT_FALSE(is_location(std::string(256, 'x')));
}

TEST(Text, ALocationIsInADomainOfEachLevel) {
  struct Case {
    const char *location, *host, *rack, *zone;
  };
  const Case cases[] = {{"zone1/rack3/host7", "zone1/rack3/host7", "zone1/rack3", "zone1"},
                        {"z/hall/rack/host", "z/hall/rack/host", "z/hall/rack", "z"},
                        {"zone1/host7", "zone1/host7", "zone1", "zone1"},
                        {"host7", "host7", "host7", "host7"}};
  for (const Case& c : cases) {
    EXPECT_EQ(domain_of(c.location, SpreadLevel::kHost), c.host);
    EXPECT_EQ(domain_of(c.location, SpreadLevel::kRack), c.rack);
    EXPECT_EQ(domain_of(c.location, SpreadLevel::kZone), c.zone);
  }
}

TEST(Text, AddressesHaveAHostAndAPort) {
  for (const char* good : {"10.0.0.7:7420", "host:1", "[::1]:65535"}) EXPECT_TRUE(is_address(good));
  for (const char* bad : {"", ":", ":1", "host", "host:", "host:0", "host:65536", "host:-1",
                          "host:1x", "host: 1", "host:+1"}) {
    EXPECT_FALSE(is_address(bad)) << bad;
  }
}

TEST(Text, ClusterNamesAreShortAndPlain) {
  for (const char* good : {"a", "cluster-1", "0"}) EXPECT_TRUE(is_cluster(good));
  for (const char* bad : {"", "A", "a_b", "a b", "a|b", "\xC3\xA9"}) EXPECT_FALSE(is_cluster(bad));
  EXPECT_FALSE(is_cluster(std::string(64, 'a')));
}

}  // namespace
}  // namespace evenkeel
