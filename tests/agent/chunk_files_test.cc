#include "services/agent/store/chunk_files.h"

#include <gtest/gtest.h>

#include "services/agent/store/chunk_reader.h"
#include "services/agent/store/manifest_file.h"
#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
constexpr std::size_t kThreeBlocks = 600'000;

class Files : public testing::Test {
 protected:
  fs::path write_aside(const Sample& s) {
    const fs::path aside = files_.aside(s.content, 1);
    const auto file = File::create(aside);
    EXPECT_TRUE(
        file->write(0, {reinterpret_cast<const std::uint8_t*>(s.bytes.data()), s.bytes.size()}));
    file->sync();
    EXPECT_TRUE(files_.write_manifest(aside, s.manifest));
    return aside;
  }
  void add(const Sample& s) {
    ASSERT_TRUE(files_.place(write_aside(s), s.content));
    files_.sync_live();
  }
  Names live() { return names_in(dir_.path() / "live"); }
  void spoil(const Sample& s, std::size_t at) {
    std::fstream file(files_.live(s.content), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(s.bytes[at] ^ 1));
  }

  TempDir dir_;
  ChunkFiles files_{dir_.path()};
};

TEST_F(Files, APlacedChunkBearsItsNameAndItsManifest) {
  const Sample s = sample(0xc7, kThreeBlocks, 3);
  add(s);
  const std::string name = "00000000000000c7.3." + to_string(s.content.checksum);
  EXPECT_EQ(live(), (Names{name, name + ".manifest"}));
  EXPECT_EQ(read_file(dir_.path() / "live" / name), s.bytes);
  const std::string manifest = read_file(dir_.path() / "live" / (name + ".manifest"));
  EXPECT_EQ(manifest.substr(0, 4), "EKM1");
  EXPECT_EQ(manifest.size(), 12U + 3 * 8);
  EXPECT_TRUE(check_content(files_, s.content));
}

TEST_F(Files, AChunkOfOneBlockOrNoneHasNoManifest) {
  add(sample(1, 1'000));
  add(sample(2, 0));
  EXPECT_EQ(live().size(), 2U);
  EXPECT_TRUE(check_content(files_, sample(1, 1'000).content));
  EXPECT_TRUE(check_content(files_, sample(2, 0).content));
}

TEST_F(Files, WhatWasCutOffIsNeverSeen) {
  const Sample s = sample(1, kThreeBlocks);
  write_file(files_.aside(s.content, 4), s.bytes.substr(0, 1'000));
  EXPECT_TRUE(files_.census().replicas.empty()) << "half written";
  const fs::path aside = write_aside(s);
  EXPECT_TRUE(files_.census().replicas.empty()) << "whole, but not renamed";
  fs::rename(ChunkFiles::manifest_of(aside), files_.live_manifest(s.content));
  EXPECT_TRUE(files_.census().replicas.empty()) << "only its manifest is there";
  files_.empty_tmp();
  EXPECT_TRUE(names_in(dir_.path() / "tmp").empty());
  EXPECT_EQ(live().size(), 1U);
}

TEST_F(Files, TheCensusTellsReplicasFromWhatIsToBeAdoptedAndWhatIsStrange) {
  add(sample(2, 100));
  write_file(dir_.path() / "live" / "00000000000000aa.7", "hello");
  const char* strange[] = {"readme.txt",
                           "00000000000000AA.7",
                           "00000000000000aa.07",
                           "aa.7",
                           "00000000000000aa.7.zz",
                           "00000000000000aa.-1",
                           "ffffffffffffffff.1",
                           "00000000000000aa.7."};
  for (const char* name : strange) write_file(dir_.path() / "live" / name, "?");
  const Census census = files_.census();
  ASSERT_EQ(census.replicas.size(), 1U);
  EXPECT_EQ(census.replicas[0].key, (ReplicaKey{ChunkId(2), ChunkVersion(1)}));
  ASSERT_EQ(census.adoptable.size(), 1U);
  EXPECT_EQ(census.adoptable[0].key, (ReplicaKey{ChunkId(0xaa), ChunkVersion(7)}));
  EXPECT_EQ(census.strange.size(), std::size(strange));
}

TEST_F(Files, AnAdoptedFileGetsItsFullName) {
  const Sample s = sample(9, kThreeBlocks, 2);
  write_file(files_.bare(key_of(s.content)), s.bytes);
  ASSERT_TRUE(files_.adopt(s.content, s.manifest));
  EXPECT_EQ(live().size(), 2U);
  EXPECT_TRUE(check_content(files_, s.content));
}

TEST_F(Files, DeletedGoesToTheTrashAndTheTrashIsEmptied) {
  const Sample s = sample(1, kThreeBlocks);
  add(s);
  ASSERT_TRUE(files_.move_to_trash(s.content, Timestamp(Duration(12'345))));
  EXPECT_TRUE(live().empty());
  const auto trash = files_.trash();
  ASSERT_EQ(trash.size(), 2U);
  EXPECT_EQ(trash[0].name, file_name(s.content) + ".12345");
  EXPECT_EQ(trash[0].deleted, Timestamp(Duration(12'345)));
  EXPECT_EQ(trash[0].size, Bytes(kThreeBlocks));
  for (const auto& file : trash) files_.remove_for_ever(file);
  EXPECT_TRUE(files_.trash().empty());
  EXPECT_EQ(files_.move_to_trash(s.content, {}).error().kind, DiskFault::Kind::kMissing);
}

/// Who is told that a delete has failed takes the replica for one that is there.
TEST_F(Files, WhatCannotBeMovedWholeStaysWhereItIs) {
  const Sample s = sample(7, kThreeBlocks);
  add(s);
  const fs::path in_the_way = dir_.path() / "trash" / (file_name(s.content) + ".manifest.5");
  fs::create_directories(in_the_way / "full");
  EXPECT_FALSE(files_.move_to_trash(s.content, Timestamp(Duration(5))));
  EXPECT_TRUE(files_.exists(s.content));
  EXPECT_TRUE(check_content(files_, s.content));
}

TEST_F(Files, QuarantineKeepsTheBytes) {
  const Sample s = sample(1, 1'000);
  add(s);
  ASSERT_TRUE(files_.move_to_quarantine(s.content, Timestamp(Duration(1))));
  EXPECT_TRUE(live().empty());
  EXPECT_EQ(files_.quarantined(), Bytes(1'000));
}

TEST_F(Files, FindsWhatIsWrongWithAReplica) {
  const Sample s = sample(1, kThreeBlocks);
  add(s);
  spoil(s, 300'000);
  EXPECT_TRUE(check_presence(files_, s.content)) << "which does not read the content";
  EXPECT_EQ(check_content(files_, s.content).error().kind, DiskFault::Kind::kCorrupt);
  const auto reader = *ChunkReader::open(files_, s.content);
  EXPECT_TRUE(reader->read(0, 1));
  EXPECT_FALSE(reader->read(1, 1));
  fs::resize_file(files_.live(s.content), 1'000);
  EXPECT_EQ(check_presence(files_, s.content).error().kind, DiskFault::Kind::kShort);
  fs::remove(files_.live(s.content));
  EXPECT_EQ(check_presence(files_, s.content).error().kind, DiskFault::Kind::kMissing);
}

TEST_F(Files, ALostManifestIsMadeAnewFromBytesThatAreRight) {
  const Sample s = sample(1, kThreeBlocks);
  add(s);
  const std::string before = read_file(files_.live_manifest(s.content));
  fs::remove(files_.live_manifest(s.content));
  EXPECT_TRUE(check_presence(files_, s.content));
  EXPECT_EQ(read_file(files_.live_manifest(s.content)), before);
  write_file(files_.live_manifest(s.content), std::string(before.size(), 'x'));
  EXPECT_TRUE(check_presence(files_, s.content));
  EXPECT_EQ(read_file(files_.live_manifest(s.content)), before);
  spoil(s, 0);
  fs::remove(files_.live_manifest(s.content));
  EXPECT_EQ(check_presence(files_, s.content).error().kind, DiskFault::Kind::kCorrupt);
  EXPECT_FALSE(fs::exists(files_.live_manifest(s.content)));
}

TEST_F(Files, TwoAgentsCannotShareADirectory) {
  EXPECT_THROW(ChunkFiles(dir_.path()), std::runtime_error);
}

TEST(ManifestFile, RefusesWhatIsNotOne) {
  const auto good = manifest_bytes(sample(1, kThreeBlocks).manifest);
  EXPECT_TRUE(parse_manifest(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_manifest({good.data(), size})) << size;
  }
  auto bad = good;
  bad[4] = 0xFF;
  EXPECT_FALSE(parse_manifest(bad));
}

}  // namespace
}  // namespace evenkeel::agent
