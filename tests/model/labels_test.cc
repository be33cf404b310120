#include "common/model/labels.h"

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

std::string fault_of(std::vector<std::pair<std::string, std::string>> pairs) {
  const auto labels = labels_of(std::move(pairs));
  return labels ? "" : labels.error().what;
}

TEST(Labels, AreKeptByKeyWhateverTheirOrder) {
  const auto labels = labels_of({{"tier", "hot"}, {"disk", "ssd"}});
  ASSERT_TRUE(labels);
  EXPECT_EQ(*labels, (Labels{{"disk", "ssd"}, {"tier", "hot"}}));
  EXPECT_EQ(to_string(*labels), "disk=ssd,tier=hot");
  EXPECT_EQ(*labels_from("tier=hot,disk=ssd"), *labels);
}

TEST(Labels, AreFoundByKey) {
  const Labels labels{{"disk", "ssd"}, {"tier", "hot"}};
  ASSERT_NE(value_of(labels, "tier"), nullptr);
  EXPECT_EQ(*value_of(labels, "tier"), "hot");
  EXPECT_EQ(value_of(labels, "dis"), nullptr);
  EXPECT_EQ(value_of(labels, "zone"), nullptr);
  EXPECT_EQ(value_of({}, "disk"), nullptr);
}

TEST(Labels, NoneAreAnEmptyText) {
  EXPECT_EQ(to_string(Labels{}), "");
  EXPECT_EQ(*labels_from(""), Labels{});
}

TEST(Labels, KeysAndValuesAreOfFewCharacters) {
  EXPECT_TRUE(is_label_key("a/b-c_d.9"));
  EXPECT_TRUE(is_label_key(std::string(63, 'k')));
  for (const char* bad : {"", "Disk", "a b", "a=b", "a,b", "a\"b", "a:b", "\xC3\xBC"}) {
    EXPECT_FALSE(is_label_key(bad)) << bad;
  }
  EXPECT_FALSE(is_label_key(std::string(64, 'k')));
  EXPECT_TRUE(is_label_value("ST4000-NM:0x5@bay/7+A.b_c"));
  EXPECT_TRUE(is_label_value(std::string(63, 'v')));
  for (const char* bad : {"", "a b", "a=b", "a,b", "a\"b", "(a)", "a\\b", "\xC3\xBC"}) {
    EXPECT_FALSE(is_label_value(bad)) << bad;
  }
  EXPECT_FALSE(is_label_value(std::string(64, 'v')));
}

TEST(Labels, RefusalsNameTheLabel) {
  EXPECT_EQ(fault_of({{"Disk", "ssd"}}),
            "label 'Disk': the key must be 1 to 63 of a-z 0-9 - _ . /");
  EXPECT_EQ(fault_of({{"disk", ""}}),
            "label 'disk': the value must be 1 to 63 of A-Z a-z 0-9 - _ . / : + @");
  EXPECT_EQ(fault_of({{"b", "1"}, {"a", "1"}, {"b", "2"}}), "label 'b' is there twice");
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 32; ++i) many.emplace_back("k" + std::to_string(i), "v");
  EXPECT_EQ(fault_of(many), "");
  many.emplace_back("k32", "v");
  EXPECT_EQ(fault_of(many), "more than 32 labels");
  EXPECT_EQ(labels_from("disk=ssd,hot").error().what, "'hot' is not key=value");
  EXPECT_FALSE(labels_from("disk=ssd=x"));
}

}  // namespace
}  // namespace evenkeel
