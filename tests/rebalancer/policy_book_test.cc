#include "services/rebalancer/core/policy_book.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace evenkeel {
namespace {

LabelRule rule(const char* text) {
  return *parse_label_rule(text);
}
Policy policy(std::uint64_t id, const char* name, const char* required,
              const char* preferred = "") {
  return {PolicyId(id), name, 3, SpreadLevel::kRack, rule(required), rule(preferred)};
}

TEST(PolicyBook, BeginsWithTheDefaultOneThatAllowsAll) {
  PolicyBook book;
  book.set_labels(0, {});
  EXPECT_TRUE(book.allows(kDefaultPolicy, 0));
  EXPECT_FALSE(book.restricts(kDefaultPolicy));
  EXPECT_EQ(book.find("default"), book.find(kDefaultPolicy));
  EXPECT_EQ(book.spread(kDefaultPolicy), SpreadLevel::kHost);
  EXPECT_EQ(book.unused(), PolicyId(1));
}

TEST(PolicyBook, AnswersByTheLabelsOfTheServer) {
  PolicyBook book;
  book.set(policy(7, "fast", "disk = ssd", "tier = hot"));
  EXPECT_TRUE(book.set_labels(0, {{"disk", "ssd"}}));
  book.set_labels(1, {{"disk", "hdd"}});
  book.set_labels(200, {{"disk", "ssd"}, {"tier", "hot"}});
  EXPECT_TRUE(book.allows(PolicyId(7), 0));
  EXPECT_FALSE(book.allows(PolicyId(7), 1));
  EXPECT_FALSE(book.allows(PolicyId(7), 100)) << "a server without labels";
  EXPECT_TRUE(book.allows(PolicyId(7), 200));
  EXPECT_FALSE(book.prefers(PolicyId(7), 0));
  EXPECT_TRUE(book.prefers(PolicyId(7), 200));
  EXPECT_TRUE(book.restricts(PolicyId(7)));
  book.check();
}

TEST(PolicyBook, FollowsLabelsAndRulesThatChange) {
  PolicyBook book;
  book.set_labels(0, {{"disk", "hdd"}});
  book.set(policy(1, "fast", "disk = ssd"));
  EXPECT_FALSE(book.allows(PolicyId(1), 0));
  EXPECT_FALSE(book.set_labels(0, {{"disk", "hdd"}, {"bay", "7"}})) << "no rule asks for it";
  EXPECT_TRUE(book.set_labels(0, {{"disk", "ssd"}}));
  EXPECT_TRUE(book.allows(PolicyId(1), 0));
  book.set(policy(1, "slow", "disk != ssd"));
  EXPECT_FALSE(book.allows(PolicyId(1), 0));
  EXPECT_EQ(book.find("fast"), nullptr);
  EXPECT_NE(book.find("slow"), nullptr);
  book.check();
}

TEST(PolicyBook, OneThatIsRemovedIsTheDefaultOne) {
  PolicyBook book;
  book.set_labels(0, {});
  for (std::uint64_t id = 1; id <= 3; ++id) {
    book.set(policy(id, ("p" + std::to_string(id)).c_str(), "disk = ssd"));
  }
  book.remove(PolicyId(1));
  EXPECT_EQ(book.find(PolicyId(1)), nullptr);
  EXPECT_EQ(book.at(PolicyId(1)).id, kDefaultPolicy);
  EXPECT_TRUE(book.allows(PolicyId(1), 0));
  EXPECT_FALSE(book.allows(PolicyId(2), 0));
  EXPECT_EQ(book.find("p3")->id, PolicyId(3));
  EXPECT_EQ(book.unused(), PolicyId(1));
  EXPECT_EQ(book.all().size(), 3U);
  book.check();
}

TEST(PolicyBook, HoldsAsManyAsThereAreIds) {
  PolicyBook book;
  while (const auto id = book.unused()) {
    book.set(policy(id->value(), ("p" + std::to_string(id->value())).c_str(), "exists a"));
  }
  EXPECT_EQ(book.all().size(), Policy::kMax);
  book.check();
}

/// Whatever the order of changes, the bits are those that the rules give.
TEST(PolicyBook, BitsFollowAnyHistory) {
  const std::uint64_t seed = 4711;
  Rng rng(seed);
  const std::vector<const char*> rules{"",           "disk = ssd",          "disk != ssd",
                                       "exists bay", "disk in (ssd, nvme)", "not exists disk"};
  const std::vector<Labels> labels{
      {}, {{"disk", "ssd"}}, {{"disk", "nvme"}}, {{"bay", "1"}}, {{"bay", "1"}, {"disk", "hdd"}}};
  PolicyBook book;
  for (int i = 0; i < 2'000; ++i) {
    const PolicyId id(rng.below(8));
    const bool known = book.find(id) != nullptr;
    if (rng.chance(1, 2)) {
      book.set_labels(static_cast<std::uint32_t>(rng.below(150)), rng.pick(labels));
    } else if (known && id != kDefaultPolicy && rng.chance(1, 3)) {
      book.remove(id);
    } else {
      book.set(policy(id.value(), to_string(id).c_str(), rng.pick(rules), rng.pick(rules)));
    }
    if (i % 50 == 0) book.check();
  }
  book.check();
}

TEST(PolicyBook, NamesAreOfFewCharacters) {
  EXPECT_TRUE(is_policy_name("fast-2.ssd_a"));
  for (const char* bad : {"", "Fast", "a b", "a/b", "a'b"}) EXPECT_FALSE(is_policy_name(bad));
  EXPECT_TRUE(is_policy_name(std::string(63, 'p')));
  EXPECT_FALSE(is_policy_name(std::string(64, 'p')));
}

}  // namespace
}  // namespace evenkeel
