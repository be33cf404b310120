#include "services/rebalancer/core/label_rule.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace evenkeel {
namespace {

std::string read_back(const std::string& text) {
  const auto rule = parse_label_rule(text);
  return rule ? to_string(*rule) : rule.error().what;
}

TEST(LabelRule, IsReadAndWritten) {
  const struct {
    const char* text;
    const char* written;
  } cases[] = {
      {"", ""},
      {"  ", ""},
      {"disk=ssd", "disk = ssd"},
      {"disk = ssd", "disk = ssd"},
      {"disk in (ssd)", "disk = ssd"},
      {"disk in (ssd,nvme , ssd)", "disk in (nvme, ssd)"},
      {"disk != hdd", "disk != hdd"},
      {"disk!=hdd", "disk != hdd"},
      {"disk not in (hdd, smr)", "disk not in (hdd, smr)"},
      {"exists disk", "exists disk"},
      {"not exists tier", "not exists tier"},
      {"disk=ssd,exists a/b.c-d_e,not exists x,bay in(A,b:1@2+3)",
       "disk = ssd, exists a/b.c-d_e, not exists x, bay in (A, b:1@2+3)"},
      {"in = in, exists exists, not exists not", "in = in, exists exists, not exists not"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(read_back(c.text), c.written) << c.text;
    EXPECT_EQ(read_back(c.written), c.written);
  }
}

TEST(LabelRule, WhatIsNoneIsRefusedWithItsPlace) {
  const std::string key = "a key of 1 to 63 of a-z 0-9 - _ . / should be here, not ";
  const std::string value = "a value of 1 to 63 of A-Z a-z 0-9 - _ . / : + @ should be here, not ";
  const std::string mark = "'=', '!=', 'in' or 'not in' should follow the key, not ";
  const std::pair<std::string, std::string> cases[] = {
      {"disk", "at 5: " + mark + "the end"},
      {"disk ssd", "at 6: " + mark + "'ssd'"},
      {"disk =", "at 7: " + value + "the end"},
      {"disk = ,", "at 8: " + value + "','"},
      {"disk = s(d", "at 9: ',' or the end should be here, not '('"},
      {"Disk = ssd", "at 1: " + key + "'Disk'"},
      {"= ssd", "at 1: " + key + "'='"},
      {"disk == ssd", "at 7: " + value + "'='"},
      {"disk = ssd,", "at 12: " + key + "the end"},
      {"disk = ssd tier = hot", "at 12: ',' or the end should be here, not 'tier'"},
      {"disk in ssd", "at 9: '(' should be here, not 'ssd'"},
      {"disk in (ssd", "at 13: ',' or ')' should be here, not the end"},
      {"disk in ()", "at 10: " + value + "')'"},
      {"disk in (a b)", "at 12: ',' or ')' should be here, not 'b'"},
      {"disk not (a)", "at 10: 'in' should follow 'not', not '('"},
      {"not disk", "at 5: 'exists' should follow 'not', not 'disk'"},
      {"exists", "at 7: " + key + "the end"},
      {"exists " + std::string(64, 'k'), "at 8: " + key + "'" + std::string(64, 'k') + "'"},
      {"disk ! ssd", "at 6: " + mark + "'!'"},
      {"disk = \"ssd\"", "at 8: " + value + "'\"ssd\"'"},
  };
  for (const auto& [text, why] : cases) EXPECT_EQ(read_back(text), why) << text;
}

TEST(LabelRule, IsBounded) {
  std::string terms = "a = b", values = "a in (v0";
  for (int i = 1; i < 16; ++i) {
    terms += ", a = b";
    values += ", v" + std::to_string(i);
  }
  EXPECT_TRUE(parse_label_rule(terms));
  EXPECT_TRUE(parse_label_rule(values + ")"));
  EXPECT_NE(read_back(terms + ", a = b").find("more than 16 conditions"), std::string::npos);
  EXPECT_NE(read_back(values + ", v16)").find("more than 16 values"), std::string::npos);
}

TEST(LabelRule, HoldsOrNot) {
  const Labels ssd{{"disk", "ssd"}, {"tier", "hot"}}, none{};
  const struct {
    const char* rule;
    bool labelled, bare;
  } cases[] = {
      {"", true, true},
      {"disk = ssd", true, false},
      {"disk = hdd", false, false},
      {"disk != ssd", false, true},
      {"disk != hdd", true, true},
      {"disk in (nvme, ssd)", true, false},
      {"disk not in (nvme, ssd)", false, true},
      {"exists tier", true, false},
      {"not exists tier", false, true},
      {"disk = ssd, tier = hot", true, false},
      {"disk = ssd, tier = cold", false, false},
      {"exists disk, disk != ssd", false, false},
  };
  for (const auto& c : cases) {
    const LabelRule rule = *parse_label_rule(c.rule);
    EXPECT_EQ(holds(rule, ssd), c.labelled) << c.rule;
    EXPECT_EQ(holds(rule, none), c.bare) << c.rule;
  }
  const LabelRule two = *parse_label_rule("disk = ssd, tier = cold");
  ASSERT_NE(broken_term(two, ssd), nullptr);
  EXPECT_EQ(to_string(*broken_term(two, ssd)), "tier = cold");
}

/// Any text either reads as a rule that is written and read again as itself, or is refused with a
/// place within it.
TEST(LabelRule, NoTextIsMisread) {
  const std::uint64_t seed = 20'261'123;
  Rng rng(seed);
  const std::vector<std::string> pieces{"disk", "ssd",      "=", "!=", "!",   ",",
                                        "(",    ")",        " ", "in", "not", "exists",
                                        "Hot",  "\xC3\xBC", "",  "/"};
  int rules = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t left = rng.below(12); left > 0; --left) {
      text += rng.pick(pieces) + (rng.chance(1, 2) ? " " : "");
    }
    const auto rule = parse_label_rule(text);
    if (!rule) {
      std::size_t place = 0;
      ASSERT_EQ(std::sscanf(rule.error().what.c_str(), "at %zu: ", &place), 1) << text;
      ASSERT_LE(place, text.size() + 1) << text << ", seed " << seed;
      continue;
    }
    ++rules;
    const auto again = parse_label_rule(to_string(*rule));
    ASSERT_TRUE(again) << text << ", seed " << seed;
    ASSERT_EQ(*again, *rule) << text << ", seed " << seed;
  }
  EXPECT_GT(rules, 100);
}

}  // namespace
}  // namespace evenkeel
