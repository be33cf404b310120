#include <gtest/gtest.h>

#include <sys/mount.h>
#include <unistd.h>

#include "services/agent/store/chunk_files.h"
#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

/// A disk of 2 MiB.
class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 ||
        ::mount("agent-test", dir_.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
      GTEST_SKIP() << "needs the right to mount";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  TempDir dir_;
  bool mounted_ = false;
};

TEST_F(FullDisk, IsAnAnswerAndLeavesNothingBehind) {
  const ChunkFiles files(dir_.path());
  const Sample s = sample(1, 3 << 20);
  const auto aside = files.aside(s.content, 1);
  {
    const auto file = File::create(aside);
    EXPECT_TRUE(file->reserve(s.content.size)) << "of memory nothing is reserved: the write tells";
    const auto written =
        file->write(0, {reinterpret_cast<const std::uint8_t*>(s.bytes.data()), s.bytes.size()});
    EXPECT_EQ(written.error().kind, DiskFault::Kind::kNoSpace);
  }
  files.drop_aside(aside);
  EXPECT_TRUE(names_in(dir_.path() / "tmp").empty());
  EXPECT_TRUE(names_in(dir_.path() / "live").empty());
  EXPECT_GT(files.disk_free(), 1_MiB);
}

}  // namespace
}  // namespace evenkeel::agent
