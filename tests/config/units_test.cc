#include "common/config/units.h"

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

TEST(Units, AnAmountNamesItsUnit) {
  EXPECT_EQ(config::duration("250ms"), Duration(250));
  EXPECT_EQ(config::duration("30s"), Duration(30'000));
  EXPECT_EQ(config::duration("5min"), Duration(300'000));
  EXPECT_EQ(config::duration("2h"), Duration(7'200'000));
  EXPECT_EQ(config::duration("7d"), Duration(604'800'000));
  EXPECT_EQ(config::bytes("0B"), 0_B);
  EXPECT_EQ(config::bytes("64MiB"), 64_MiB);
  EXPECT_EQ(config::bytes("2TiB"), 2048_GiB);
  EXPECT_EQ(config::ratio("0%"), Ratio(0));
  EXPECT_EQ(config::ratio("92.5%"), Ratio(0.925));
  EXPECT_EQ(config::ratio("100%"), Ratio(1));
}

TEST(Units, WhatIsNotAnAmountIsRefused) {
  for (const char* refused : {"",
                              "30",
                              "s",
                              "-1s",
                              "+1s",
                              "3 s",
                              "1e3s",
                              "5MB",
                              "5m",
                              "0x1s",
                              "1.5h",
                              "1sB",
                              "%",
                              "101%",
                              "-1%",
                              "50%%",
                              "1e1%",
                              "inf%",
                              "nan%",
                              ".%",
                              "1.2.3%",
                              "50",
                              "99999999999999h",
                              "99999999999TiB",
                              "99999999999999999999B"}) {
    EXPECT_FALSE(config::duration(refused).has_value()) << refused;
    EXPECT_FALSE(config::bytes(refused).has_value()) << refused;
    EXPECT_FALSE(config::ratio(refused).has_value()) << refused;
  }
}

TEST(Units, AreWrittenAsTheyAreRead) {
  for (const char* text : {"0ms", "1ms", "1500ms", "90s", "1min", "90min", "1h", "30d"}) {
    EXPECT_EQ(config::text_of(*config::duration(text)), text);
  }
  for (const char* text : {"0B", "1B", "1025B", "1KiB", "64MiB", "3GiB", "2TiB"}) {
    EXPECT_EQ(config::text_of(*config::bytes(text)), text);
  }
  for (const char* text : {"0%", "0.25%", "92.5%", "99.9%", "100%"}) {
    EXPECT_EQ(config::text_of(*config::ratio(text)), text);
  }
}

}  // namespace
}  // namespace evenkeel
