#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include <gtest/gtest.h>

#include "common/base/index_table.h"
#include "common/base/parted_index.h"
#include "common/base/random.h"

namespace evenkeel {
namespace {

template <class Index>
class AnIndex : public testing::Test {};
using Indexes = testing::Types<IndexTable, PartedIndex>;
TYPED_TEST_SUITE(AnIndex, Indexes);

TYPED_TEST(AnIndex, HoldsWhatWasInsertedAndNotErased) {
  constexpr std::uint32_t kKeys = 20'000;
  constexpr std::uint32_t kRenamed = 1 << 30;  // another entry with the same key
  const auto key_of = [](std::uint32_t entry) { return std::uint64_t{entry % kRenamed} * 977; };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Rng rng(seed);
    TypeParam index;
    std::unordered_set<std::uint32_t> model;
    for (int step = 0; step < 100'000; ++step) {
      const auto entry = static_cast<std::uint32_t>(rng.below(kKeys));
      const std::uint64_t key = key_of(entry);
      const bool shrinks = step / 25'000 % 2 == 1;
      if (model.contains(entry) || model.contains(entry + kRenamed)) {
        const std::uint32_t is = model.contains(entry) ? entry : entry + kRenamed;
        ASSERT_EQ(index.find(key, key_of), is) << "seed " << seed << ", step " << step;
        if (rng.below(4) == 0) {
          const std::uint32_t other = is ^ kRenamed;
          index.replace(key, other, key_of);
          model.erase(is);
          model.insert(other);
        } else if (shrinks || rng.below(3) == 0) {
          ASSERT_TRUE(index.erase(key, key_of));
          model.erase(is);
        }
      } else {
        ASSERT_EQ(index.find(key, key_of), TypeParam::kNone);
        ASSERT_FALSE(index.erase(key, key_of));
        if (!shrinks || rng.below(8) == 0) {
          index.insert(entry, key_of);
          model.insert(entry);
        }
      }
      ASSERT_EQ(index.size(), model.size());
      if (step % 30'000 == 0) index.fit(index.size(), key_of);
    }
    for (const std::uint32_t entry : model) ASSERT_EQ(index.find(key_of(entry), key_of), entry);
  }
}

/// The most that one insertion looks at, of half a million.
template <class Index>
std::size_t most_looked_at() {
  Index index;
  std::size_t looked = 0, most = 0;
  const auto key_of = [&](std::uint32_t entry) {
    ++looked;
    return std::uint64_t{entry};
  };
  for (std::uint32_t entry = 0; entry < 500'000; ++entry) {
    looked = 0;
    index.insert(entry, key_of);
    most = std::max(most, looked);
  }
  return most;
}

TEST(PartedIndex, NoInsertionPutsMoreThanAPartOfTheEntriesAnew) {
  EXPECT_GT(most_looked_at<IndexTable>(), 300'000u);
  EXPECT_LT(most_looked_at<PartedIndex>(), 5'000u);
}

}  // namespace
}  // namespace evenkeel
