#include "services/agent/store/aside_file.h"

#include <gtest/gtest.h>

#include "common/base/buffer.h"
#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

/// Whatever is aligned and whatever is not: pages go past the cache and the rest does not, and they
/// must not get in each other's way.
TEST(AsideFile, TakesPiecesOfAnySizeInAnyOrder) {
  const TempDir dir;
  for (const std::size_t size : {0UL, 1UL, 4'096UL, 1UL << 20, (1UL << 20) + 1, 3'000'001UL}) {
    const Sample chunk = sample(1, size);
    const auto path = dir.path() / std::to_string(size);
    const auto file = AsideFile::create(path, Bytes(size));
    ASSERT_TRUE(file) << file.error().what;
    for (std::uint64_t block = chunk.manifest.blocks.size(); block-- > 0;) {
      const std::uint64_t at = block * kBlockBytes;
      const std::uint64_t length = block_size(size, block);
      Buffer bytes(length);
      std::copy_n(chunk.bytes.begin() + static_cast<std::ptrdiff_t>(at), length, bytes.begin());
      ASSERT_TRUE(file->write(at, bytes));
    }
    EXPECT_EQ(read_file(path), chunk.bytes);
    const auto again = AsideFile::reopen(path, Bytes(size));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->matching(chunk.manifest).size(), chunk.manifest.blocks.size());
    EXPECT_EQ(read_file(path), chunk.bytes);
  }
}

TEST(AsideFile, UnalignedBytesAreTakenToo) {
  const TempDir dir;
  const Sample chunk = sample(1, 2 << 20);
  const auto file = AsideFile::create(dir.path() / "a", chunk.content.size);
  ASSERT_TRUE(file);
  const std::span<const std::uint8_t> all(reinterpret_cast<const std::uint8_t*>(chunk.bytes.data()),
                                          chunk.bytes.size());
  for (std::size_t at = 0; at < all.size(); at += 777'777) {
    ASSERT_TRUE(file->write(at, all.subspan(at, std::min<std::size_t>(777'777, all.size() - at))));
  }
  EXPECT_EQ(read_file(dir.path() / "a"), chunk.bytes);
}

}  // namespace
}  // namespace evenkeel::agent
