#include "tools/cli/render.h"

#include <gtest/gtest.h>

#include "tools/cli/progress.h"

namespace evenkeel::cli {
namespace {

const Rows kRows{{{"chunk_id", "CHUNK", Kind::kChunk, 9},
                  {"size_bytes", "SIZE", Kind::kBytes, 5},
                  {"hidden", "", Kind::kNumber},
                  {"why", "WHY", Kind::kText, 7},
                  {"at_ms", "AT", Kind::kTime, 1}},
                 {{std::int64_t{42}, std::int64_t{1536}, std::int64_t{1},
                   std::string("no space on s3"), std::int64_t{0}},
                  {std::int64_t{7}, std::int64_t{5}, std::int64_t{1}, Cell{}, Cell{}}}};

TEST(RenderTest, ATableHasItsColumnsUnderEachOther) {
  EXPECT_EQ(table(kRows, {}),
            "CHUNK     SIZE  WHY             AT\n"
            "c42    1.5 KiB  no space on s3  1970-01-01T00:00:00Z\n"
            "c7         5 B  -               -\n");
}

TEST(RenderTest, NarrowTerminalsLoseTheLeastWantedColumnsAndThenLetters) {
  EXPECT_EQ(table(kRows, {.width = 30}),
            "CHUNK     SIZE  WHY\n"
            "c42    1.5 KiB  no space on s3\n"
            "c7         5 B  -\n");
  EXPECT_EQ(table(kRows, {.width = 28}),
            "CHUNK     SIZE  WHY\n"
            "c42    1.5 KiB  no space on…\n"
            "c7         5 B  -\n");
  EXPECT_EQ(table(kRows, {.width = 19}),
            "CHUNK  WHY\n"
            "c42    no space on…\n"
            "c7     -\n");
  EXPECT_EQ(table(kRows, {.width = 3}),
            "CHUNK\n"
            "c42\n"
            "c7\n");
}

TEST(RenderTest, ColoursAreOnlyWhereTheyAreWanted) {
  const Rows rows{{{"health", "HEALTH", Kind::kText}}, {{std::string("lost")}}};
  EXPECT_EQ(table(rows, {}).find('\033'), std::string::npos);
  EXPECT_NE(table(rows, {.colours = true}).find("\033[1;31mlost\033[0m"), std::string::npos);
}

TEST(RenderTest, NamesCannotSteerTheTerminal) {
  const Rows rows{{{"name", "NAME", Kind::kText}}, {{std::string("a\033[2J\nb\xff")}}};
  EXPECT_EQ(table(rows, {}), "NAME\na\\x1b[2J\\x0ab\\xff\n");
  EXPECT_EQ(printable("grün \xc2\x9b"), "grün \\xc2\\x9b");
}

TEST(RenderTest, JsonHasTheViewsNamesAndRawValues) {
  EXPECT_EQ(json(Rows{kRows.columns, {kRows.rows[1]}}),
            "[\n  {\n    \"chunk_id\": 7,\n    \"size_bytes\": 5,\n    \"hidden\": 1,\n"
            "    \"why\": null,\n    \"at_ms\": null\n  }\n]\n");
  EXPECT_EQ(json(Rows{kRows.columns, {}}), "[]\n");
  EXPECT_EQ(json(Fields{{"b", true}, {"a", std::vector<std::string>{"x"}}, {"n", {}}}),
            "{\n  \"b\": true,\n  \"a\": [\n    \"x\"\n  ],\n  \"n\": null\n}\n");
}

TEST(RenderTest, NumbersAreForPeople) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(64 << 20), "64.0 MiB");
  EXPECT_EQ(bytes_text(std::uint64_t{1} << 40), "1.0 TiB");
  EXPECT_EQ(bytes_text(UINT64_MAX), "16.0 EiB");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(count_of(1, "chunk"), "1 chunk");
  EXPECT_EQ(duration_text(Duration(300)), "300 ms");
  EXPECT_EQ(duration_text(Duration(7'300'000)), "2 h");
}

TEST(RenderTest, ProgressSaysHowMuchOfHowMuch) {
  EXPECT_EQ(progress_line({.bytes = 512, .bytes_total = 1024, .files = 1, .files_total = 3},
                          Duration(1000), 0),
            "############------------  50.0%  1 s left  512 B of 1.0 KiB  512 B/s  1 of 3 files");
  EXPECT_EQ(progress_line({.bytes = 512, .bytes_total = 2048}, Duration(3000), 0),
            "######------------------  25.0%  9 s left  512 B of 2.0 KiB  170 B/s");
  EXPECT_EQ(width_of(progress_line({}, Duration(0), 20)), 20u);
}

}  // namespace
}  // namespace evenkeel::cli
