#include "services/console/io/wishes.h"

#include <gmock/gmock.h>

namespace evenkeel::console {
namespace {

using testing::ElementsAre;

Wish wish(const std::string& name, const std::string& body) {
  const auto found = wish_of(name, body);
  EXPECT_TRUE(found.has_value()) << found.error().what;
  return found.value_or(Wish{});
}
std::string fault(const std::string& name, const std::string& body) {
  const auto found = wish_of(name, body);
  return found ? "none" : found.error().what;
}

TEST(Wishes, AreWordsOfTheCommandLine) {
  EXPECT_THAT(wish("drain", R"({"server":7})").words, ElementsAre("drain", "s7"));
  EXPECT_THAT(wish("drain", R"({"server":7,"forget":true,"force":true})").words,
              ElementsAre("decommission", "s7", "--force", "--yes"));
  EXPECT_THAT(wish("drain", R"({"server":7,"forget":true,"dry_run":true})").words,
              ElementsAre("decommission", "s7", "--dry-run"));
  EXPECT_THAT(wish("resume", R"({"pass":"brake"})").words, ElementsAre("resume", "brake", "--yes"));
  EXPECT_THAT(wish("resume", R"({"pass":"all"})").words, ElementsAre("resume", "all"));
  EXPECT_THAT(wish("approve", R"({"proposal":3})").words, ElementsAre("approve", "a3", "--yes"));
  EXPECT_THAT(wish("approve", R"({"proposal":3,"dry_run":true})").words,
              ElementsAre("approve", "a3", "--dry-run"));
  EXPECT_THAT(wish("reject", R"({"proposal":3})").words, ElementsAre("reject", "a3"));
  EXPECT_THAT(wish("maintenance", R"({"server":7,"minutes":90})").words,
              ElementsAre("maintenance", "s7", "--for", "90min"));
  EXPECT_THAT(wish("explain", R"({"kind":"chunk","id":0})").words,
              ElementsAre("explain", "chunk", "0"));
  EXPECT_THAT(wish("simulate", R"({"steps":["lose s1","--svg"]})").words,
              ElementsAre("simulate", "--", "lose s1", "--svg"));
}

TEST(Wishes, OnlyAskingChangesNothing) {
  EXPECT_TRUE(wish("drain", R"({"server":7})").changes);
  EXPECT_FALSE(wish("drain", R"({"server":7,"dry_run":true})").changes);
  EXPECT_FALSE(wish("explain", R"({"kind":"server","id":7})").changes);
  EXPECT_FALSE(wish("simulate", R"({"steps":[]})").changes);
  EXPECT_TRUE(wish("simulate", R"({"steps":[]})").is_long);
  EXPECT_FALSE(wish("approve", R"({"proposal":3,"dry_run":true})").changes);
  EXPECT_TRUE(wish("approve", R"({"proposal":3})").changes);
  EXPECT_TRUE(wish("reject", R"({"proposal":3})").changes);
  for (const char* name : {"pause", "resume"}) {
    EXPECT_TRUE(wish(name, R"({"pass":"all"})").changes);
  }
}

TEST(Wishes, FaultsAreNamed) {
  EXPECT_THAT(fault("drain", "{"), testing::HasSubstr("not JSON"));
  EXPECT_THAT(fault("drain", "7"), testing::HasSubstr("JSON object"));
  EXPECT_THAT(fault("drain", "{}"), testing::HasSubstr("'server' is missing"));
  EXPECT_THAT(fault("drain", R"({"server":"s7"})"),
              testing::HasSubstr("'server' must be a number"));
  EXPECT_THAT(fault("drain", R"({"server":7,"now":true})"),
              testing::HasSubstr("'now' is not known"));
  EXPECT_THAT(fault("explain", R"({"kind":"--x","id":1})"),
              testing::HasSubstr("'kind' must be one of"));
  EXPECT_THAT(fault("simulate", R"({"steps":["\u0007"]})"), testing::HasSubstr("printable"));
  EXPECT_THAT(fault("resume", R"({"pass":"verify"})"), testing::HasSubstr("brake"));
  EXPECT_THAT(fault("approve", R"({"proposal":"a3"})"), testing::HasSubstr("must be a number"));
  EXPECT_THAT(fault("reject", R"({"proposal":0})"), testing::HasSubstr("must be a number"));
  EXPECT_THAT(fault("reboot", "{}"), testing::HasSubstr("no such thing"));
}

}  // namespace
}  // namespace evenkeel::console
