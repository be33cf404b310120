#include "services/membership/io/snapshot.h"

#include <gtest/gtest.h>

#include "common/wire/codec.h"
#include "common/wire/limits.h"
#include "tests/membership/member_builder.h"

namespace evenkeel::membership {
namespace {

MemberSnapshot answer_to(std::uint64_t request) {
  return {.request = request,
          .stream = storage_of('S'),
          .number = EventNumber(9),
          .part = 1,
          .parts = 1,
          .members = {}};
}

std::vector<Member> members(std::size_t count) {
  std::vector<Member> all;
  for (std::size_t i = 1; i <= count; ++i) all.push_back(member_of(std::to_string(i) + ".1A"));
  return all;
}

TEST(Snapshot, IsCutIntoPartsOfAThousand) {
  for (const auto& [count, parts] : {std::pair{0, 1}, {1, 1}, {1000, 1}, {1001, 2}, {2500, 3}}) {
    const auto told = members(static_cast<std::size_t>(count));
    const auto cut = snapshot_parts(answer_to(5), told);
    ASSERT_EQ(cut.size(), static_cast<std::size_t>(parts)) << count;
    std::vector<Member> together;
    for (std::size_t i = 0; i < cut.size(); ++i) {
      EXPECT_EQ(cut[i].part, i + 1);
      EXPECT_EQ(cut[i].parts, cut.size());
      EXPECT_EQ(cut[i].request, 5U);
      EXPECT_EQ(cut[i].number, EventNumber(9));
      EXPECT_LE(cut[i].members.size(), wire::kMembersMax);
      together.insert(together.end(), cut[i].members.begin(), cut[i].members.end());
    }
    EXPECT_EQ(together, told) << count;
  }
}

/// The largest there can be: whoever sends heartbeats must not be able to make an answer that
/// cannot be sent.
TEST(Snapshot, APartOfTheLongestMembersIsAMessage) {
  auto told = members(wire::kMembersMax);
  for (std::size_t i = 0; i < told.size(); ++i) {
    told[i].server = ServerId(wire::kNumberMax - i);
    told[i].incarnation = Incarnation(wire::kNumberMax);
    told[i].location = std::string(wire::kPlaceBytesMax, 'l');
    told[i].address = std::string(wire::kPlaceBytesMax - 5, 'a') + ":7421";
    told[i].capacity = told[i].reserve = told[i].free = told[i].used = Bytes(wire::kAmountMax);
  }
  const auto cut = snapshot_parts(answer_to(wire::kNumberMax), told);
  ASSERT_EQ(cut.size(), 1U);
  const std::string bytes = wire::encode("evenkeel", cut[0]);
  const auto back = wire::decode("evenkeel", bytes);
  ASSERT_TRUE(back.has_value()) << back.error().what;
  EXPECT_EQ(std::get<MemberSnapshot>(*back).members, told);
}

TEST(Snapshot, LabelsMakeMorePartsAndEachIsAMessage) {
  auto told = members(600);
  for (Member& member : told) {
    for (std::size_t i = 0; i < kLabelsMax; ++i) {
      const std::string number = std::to_string(10 + i);
      member.labels.emplace_back(number + std::string(kLabelBytesMax - 2, 'k'),
                                 std::string(kLabelBytesMax, 'v'));
    }
  }
  const auto cut = snapshot_parts(answer_to(wire::kNumberMax), told);
  ASSERT_GT(cut.size(), 2U);
  std::vector<Member> together;
  for (const MemberSnapshot& part : cut) {
    EXPECT_FALSE(part.members.empty());
    EXPECT_EQ(part.parts, cut.size());
    const std::string bytes = wire::encode("evenkeel", part);
    EXPECT_LE(bytes.size(), wire::kMessageBytesMax);
    const auto back = wire::decode("evenkeel", bytes);
    ASSERT_TRUE(back.has_value()) << back.error().what;
    const auto& read = std::get<MemberSnapshot>(*back).members;
    together.insert(together.end(), read.begin(), read.end());
  }
  EXPECT_EQ(together, told);
}

}  // namespace
}  // namespace evenkeel::membership
