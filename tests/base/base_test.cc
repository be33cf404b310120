#include <type_traits>
#include <unordered_set>
#include <variant>

#include <gtest/gtest.h>

#include "common/base/bytes.h"
#include "common/base/checksum_value.h"
#include "common/base/overloaded.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/storage_id.h"
#include "common/base/strong_id.h"
#include "common/base/system_clock.h"
#include "common/base/time_text.h"

namespace evenkeel {
namespace {

struct BoxTag {
  static constexpr char prefix = 'b';
};
struct ShelfTag {
  static constexpr char prefix = 'f';
};
using BoxId = StrongId<BoxTag>;
using ShelfId = StrongId<ShelfTag>;
using Round = StrongCounter<struct RoundTag>;

static_assert(!std::is_convertible_v<std::uint64_t, BoxId>);
static_assert(!std::is_convertible_v<BoxId, std::uint64_t>);
static_assert(!std::is_constructible_v<BoxId, ShelfId>);
static_assert(!std::is_default_constructible_v<BoxId>);
static_assert(!std::is_default_constructible_v<Checksum>);
static_assert(!std::is_constructible_v<Checksum, StorageId>);
static_assert(sizeof(BoxId) == sizeof(std::uint64_t));
static_assert(Round(3).next() == Round(4));

TEST(StrongId, IsWrittenAndReadWithItsLetter) {
  EXPECT_EQ(to_string(BoxId(42)), "b42");
  EXPECT_EQ(BoxId::parse("b42"), BoxId(42));
  EXPECT_EQ(BoxId::parse("42"), BoxId(42));
  EXPECT_EQ(BoxId::parse("b18446744073709551615"), BoxId(UINT64_MAX));
  for (const char* refused :
       {"", "b", "f42", "bb42", "b-1", "b 1", "b42 ", "b1.5", "b18446744073709551616"}) {
    EXPECT_EQ(BoxId::parse(refused), std::nullopt) << refused;
  }
}

TEST(StrongId, IsAKeyOfHashedContainers) {
  const std::unordered_set<BoxId> ids{BoxId(1), BoxId(2), BoxId(1)};
  EXPECT_EQ(ids.size(), 2u);
}

TEST(Bytes, AddUpAndNeverWrapAround) {
  static_assert(1_KiB == 1024_B && 1_MiB == 1024_KiB && 1_GiB == 1024_MiB);
  EXPECT_EQ(3_MiB - 1_MiB + 2_MiB, 4_MiB);
  EXPECT_EQ(64_MiB * 16, 1_GiB);
  EXPECT_EQ(1000_B * Ratio(0.905), 905_B);
  EXPECT_DEATH(1_B - 2_B, "check failed");
  EXPECT_DEATH(Bytes(UINT64_MAX) + 1_B, "check failed");
  EXPECT_DEATH(Bytes(UINT64_MAX / 2) * 3, "check failed");
}

TEST(Ratio, IsAShareOfAWhole) {
  EXPECT_EQ(Ratio(1.0).value(), 1.0);
  EXPECT_DEATH(Ratio(1.01), "check failed");
  EXPECT_DEATH(Ratio(-0.1), "check failed");
}

TEST(Rng, IsTheSameEverywhere) {
  Rng rng(42);
  EXPECT_EQ(rng.next(), 13679457532755275413ULL);  // a published value of SplitMix64
  std::vector<int> cards{1, 2, 3, 4, 5};
  Rng(1).shuffle(cards);
  EXPECT_EQ(cards, (std::vector<int>{3, 2, 5, 4, 1}));
}

TEST(Rng, KeepsToItsBoundsAndReachesThem) {
  Rng rng(7);
  std::unordered_set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(rng.between(3, 5));
  EXPECT_EQ(seen, (std::unordered_set<std::uint64_t>{3, 4, 5}));
  EXPECT_EQ(rng.between(9, 9), 9u);
  EXPECT_DEATH(rng.below(0), "check failed");
  EXPECT_DEATH(rng.between(5, 3), "check failed");
}

TEST(ManualClock, MovesOnlyWhenMoved) {
  ManualClock clock(Timestamp(Duration(1000)));
  const Instant before = clock.now();
  EXPECT_EQ(clock.now(), before);
  clock.advance(Duration(5));
  EXPECT_EQ(clock.now() - before, Duration(5));
  EXPECT_EQ(clock.wall_now(), Timestamp(Duration(1005)));
}

TEST(SystemClock, DoesNotGoBack) {
  const SystemClock clock;
  const Instant before = clock.now();
  EXPECT_GE(clock.now(), before);
  EXPECT_GT(clock.wall_now(), Timestamp(Duration(1'700'000'000'000)));
}

TEST(TimeText, IsUtcToTheMillisecond) {
  EXPECT_EQ(iso8601(Timestamp(Duration(0))), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(Timestamp(Duration(1'709'210'096'007))), "2024-02-29T12:34:56.007Z");
}

TEST(Overloaded, CallsTheLambdaOfTheAlternative) {
  const std::variant<int, std::string> value = "text";
  EXPECT_EQ(
      std::visit(Overloaded{[](int) { return 1; }, [](const std::string&) { return 2; }}, value),
      2);
}

TEST(Hex, GoesThereAndBack) {
  const std::string text = "00ff10a9b3c4d5e6f708192a3b4c5d6e";
  ASSERT_TRUE(Checksum::parse(text));
  EXPECT_EQ(to_string(*Checksum::parse(text)), text);
  EXPECT_EQ(Checksum::parse("00FF10A9B3C4D5E6F708192A3B4C5D6E"), Checksum::parse(text));
  EXPECT_EQ(Checksum::from_raw(Checksum::parse(text)->view()), Checksum::parse(text));
  for (const std::string& refused : {text.substr(1), text + "0", "g" + text.substr(1),
                                     std::string(), std::string("0x") + text.substr(2)}) {
    EXPECT_EQ(Checksum::parse(refused), std::nullopt) << refused;
  }
  EXPECT_EQ(Checksum::from_raw("fifteen bytes.."), std::nullopt);
}

TEST(Result, HasToBeLookedAt) {
  const Result<int> failed = fail(ErrorCode::kStale, "epoch 7 < 9 from s3");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kStale);
  EXPECT_STREQ(to_string(failed.error().code), "stale");
}

}  // namespace
}  // namespace evenkeel
