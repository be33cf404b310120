#include <algorithm>
#include <cstring>
#include <sstream>

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tools/plan/cluster_files.h"
#include "tools/plan/load.h"

namespace evenkeel::offline {
namespace {

// --- servers.csv --------------------------------------------------------------------------------

constexpr char kHeading[] = "id,zone,rack,host,capacity_bytes,used_bytes,state\n";
constexpr char kThree[] =
    "id,zone,rack,host,capacity_bytes,used_bytes,state\n"
    "0,z0,r0,h0,4096,2048,up\n"
    "1,z0,r1,h1,4096,3072,draining\n"
    "2,z1,r2,h2,8192,1024,down\n";

std::string fault_of(const std::string& text) {
  const auto rows = parse_servers("s.csv", text);
  return rows ? "" : rows.error().what;
}

TEST(ServersCsv, IsReadRowByRow) {
  for (const std::string& text : {std::string(kThree), std::string(kThree, sizeof kThree - 2)}) {
    const auto rows = parse_servers("s.csv", text);
    ASSERT_TRUE(rows.has_value()) << rows.error().what;
    ASSERT_EQ(rows->size(), 3U);
    EXPECT_EQ((*rows)[1].location, "z0/r1/h1");
    EXPECT_EQ((*rows)[1].capacity, 4_KiB);
    EXPECT_EQ((*rows)[1].used, 3_KiB);
    EXPECT_EQ((*rows)[0].state, ServerState::kUp);
    EXPECT_EQ((*rows)[1].state, ServerState::kDraining);
    EXPECT_EQ((*rows)[2].state, ServerState::kDown);
  }
}

TEST(ServersCsv, MayEndLinesAsOtherSystemsDo) {
  std::string text;
  for (const char c : std::string(kThree)) text += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(fault_of(text), "");
}

TEST(ServersCsv, IsRefusedWithItsLineAndWhy) {
  const std::pair<std::string, std::string> kCases[] = {
      {"", "s.csv: no server is up or new"},
      {kHeading, "s.csv: no server is up or new"},
      {"id,zone\n",
       "s.csv:1: 'id,zone' is not the heading "
       "id,zone,rack,host,capacity_bytes,used_bytes,state"},
      {"0,z0,r0,h0,4096,0,down\n", "s.csv: no server is up or new"},
      {"0,z0,r0,h0,4096,0\n",
       "s.csv:2: '0,z0,r0,h0,4096,0' has not the seven fields of the heading"},
      {"0,z0,r0,h0,4096,0,up,\n",
       "s.csv:2: '0,z0,r0,h0,4096,0,up,' has not the seven fields of the heading"},
      {"1,z0,r0,h0,4096,0,up\n", "s.csv:2: id '1' is not 0, the number of the row from 0"},
      {"x,z0,r0,h0,4096,0,up\n", "s.csv:2: id 'x' is not 0, the number of the row from 0"},
      {"0,,r0,h0,4096,0,up\n", "s.csv:2: '' is not the name of a place"},
      {"0,z0,r/0,h0,4096,0,up\n", "s.csv:2: 'r/0' is not the name of a place"},
      {"0,z0,r0,h\x01,4096,0,up\n", "s.csv:2: 'h?' is not the name of a place"},
      {"0,z0,r0,h0,0,0,up\n", "s.csv:2: capacity_bytes '0' is not a number from 1 to 2^56"},
      {"0,z0,r0,h0,-1,0,up\n", "s.csv:2: capacity_bytes '-1' is not a number from 1 to 2^56"},
      {"0,z0,r0,h0,72057594037927937,0,up\n",
       "s.csv:2: capacity_bytes '72057594037927937' is not a number from 1 to 2^56"},
      {"0,z0,r0,h0,1,1e3,up\n", "s.csv:2: used_bytes '1e3' is not a number"},
      {"0,z0,r0,h0,1,0,Up\n", "s.csv:2: state 'Up' is none of up, new, draining, down"},
      {"0,z0,r0,h0,1,0,up\n1,z1,r0,h1,1,0,up\n", "s.csv:3: rack 'r0' is in zone 'z0' already"},
      {"0,z0,r0,h0,1,0,up\n\n", "s.csv:3: '' has not the seven fields of the heading"},
  };
  for (const auto& [rows, fault] : kCases) {
    const bool whole = rows.empty() || rows.starts_with("id");
    EXPECT_EQ(fault_of(whole ? rows : kHeading + rows), fault);
  }
}

// --- chunks.bin ---------------------------------------------------------------------------------

void put(std::string& bytes, std::uint64_t number, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(number >> (8 * i));
}

using Rows = std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>>;  // KiB, holders

std::string file_of(const Rows& rows, std::uint32_t replicas = 2, std::uint32_t servers = 3) {
  std::string bytes("GCHUNK1\0", 8);
  put(bytes, rows.size(), 8);
  put(bytes, replicas, 4);
  put(bytes, servers, 4);
  for (const auto& row : rows) put(bytes, row.first, 4);
  for (const auto& row : rows) {
    for (const std::uint32_t holder : row.second) put(bytes, holder, 4);
  }
  return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// What the file says, or what is wrong with it: all the way from bytes.
std::string read_back(const std::string& file, std::size_t servers = 3) {
  const auto first = bytes_of(file).first(std::min(file.size(), ChunksHeader::kBytes));
  const auto header = parse_header("c.bin", first, file.size(), servers);
  if (!header) return header.error().what;
  std::ostringstream text;
  const auto read = [&](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > file.size() || into.size() > file.size() - offset) return false;
    std::memcpy(into.data(), file.data() + offset, into.size());
    return true;
  };
  const auto all =
      read_chunks("c.bin", *header, read, [&](Bytes size, std::span<const std::uint32_t> holders) {
        text << size.count();
        for (const std::uint32_t holder : holders) text << ' ' << holder;
        text << ';';
      });
  return all ? text.str() : all.error().what;
}

const Rows kRows{{1, {0, 1}}, {0, {2, 0}}, {4'294'967'295, {1, 2}}};

std::string patched(std::string bytes, std::size_t offset, char value) {
  bytes[offset] = value;
  return bytes;
}

TEST(ChunksBin, IsReadChunkByChunk) {
  EXPECT_EQ(read_back(file_of(kRows)), "1024 0 1;0 2 0;4398046510080 1 2;");
}

TEST(ChunksBin, IsReadInBlocksThatFollowEachOther) {
  Rows rows;
  std::string expected;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    rows.push_back({i, {i % 3, (i + 1) % 3}});
    expected += std::to_string(std::uint64_t{i} * 1024) + ' ' + std::to_string(i % 3) + ' ' +
                std::to_string((i + 1) % 3) + ';';
  }
  EXPECT_TRUE(read_back(file_of(rows)) == expected);
}

TEST(ChunksBin, IsRefusedWithWhere) {
  const std::string sound = file_of(kRows);
  const std::pair<std::string, std::string> kCases[] = {
      {"", "c.bin: too short for its header"},
      {sound.substr(0, 23), "c.bin: too short for its header"},
      {patched(sound, 6, '2'), "c.bin: does not begin with GCHUNK1 and a zero"},
      {patched(sound, 7, 'x'), "c.bin: does not begin with GCHUNK1 and a zero"},
      {file_of({}), "c.bin: its header says 0 chunks, not 1 to 2^31"},
      {patched(sound, 15, 1), "c.bin: its header says 72057594037927939 chunks, not 1 to 2^31"},
      {patched(sound, 16, 0), "c.bin: its header says 0 replicas a chunk, not 1 to 16"},
      {patched(sound, 16, 17), "c.bin: its header says 17 replicas a chunk, not 1 to 16"},
      {patched(sound, 20, 4), "c.bin: its header says 4 servers, servers.csv has 3"},
      {sound + "x",
       "c.bin: its header says 3 chunks with 2 replicas, which is 60 bytes, but it has 61"},
      {sound.substr(0, 59),
       "c.bin: its header says 3 chunks with 2 replicas, which is 60 bytes, but it has 59"},
      {patched(sound, 8, 2),
       "c.bin: its header says 2 chunks with 2 replicas, which is 48 bytes, but it has 60"},
      {file_of({{1, {0, 1}}, {1, {2, 3}}}),
       "c.bin: chunk 1 is on server 3 (offset 44): there is no such server"},
      {file_of({{1, {0, 1}}, {1, {2, 2}}}),
       "c.bin: chunk 1 is on server 2 (offset 44): it is there already"},
  };
  for (const auto& [bytes, fault] : kCases) EXPECT_EQ(read_back(bytes), fault);
}

TEST(ChunksBin, HoldsNoMoreBytesThanCanBeCounted) {
  const Rows rows((1u << 19) + 1, {4'294'967'295, {0, 1}});
  EXPECT_EQ(read_back(file_of(rows)),
            "c.bin: up to chunk 524288 its replicas come to more than 2^62 bytes");
}

/// Whatever the bytes, there is an answer, and what is taken holds what the reader promises.
TEST(ClusterFiles, MayHoldAnything) {
  Rng rng(20261123);
  const std::string chunks = file_of(kRows), servers = kThree;
  for (int round = 0; round < 20'000; ++round) {
    std::string bad_chunks = chunks, bad_servers = servers;
    for (std::uint64_t flips = rng.below(4); flips > 0; --flips) {
      bad_chunks[rng.below(bad_chunks.size())] = static_cast<char>(rng.below(256));
      bad_servers[rng.below(bad_servers.size())] = static_cast<char>(rng.below(256));
    }
    if (rng.chance(1, 4)) bad_chunks.resize(rng.below(bad_chunks.size() + 8));
    if (rng.chance(1, 4)) bad_servers.resize(rng.below(bad_servers.size()));
    EXPECT_FALSE(read_back(bad_chunks).empty());
    const auto rows = parse_servers("s.csv", bad_servers);
    if (!rows) continue;
    for (const ServerRow& row : *rows) {
      EXPECT_GT(row.capacity.count(), 0U);
      EXPECT_EQ(std::count(row.location.begin(), row.location.end(), '/'), 2);
    }
  }
}

// --- the view -----------------------------------------------------------------------------------

/// What is wrong with the two files together; `view` holds what they say.
std::string load(ClusterView& view, const std::string& servers, const std::string& chunks) {
  const auto rows = parse_servers("s.csv", servers);
  EXPECT_TRUE(rows.has_value());
  const auto header = parse_header("c.bin", bytes_of(chunks), chunks.size(), rows->size());
  EXPECT_TRUE(header.has_value());
  load_servers(view, *rows);
  const auto loaded = load_chunks(view, *rows, "s.csv", "c.bin", *header,
                                  [&](std::uint64_t offset, std::span<std::byte> to) {
                                    std::memcpy(to.data(), chunks.data() + offset, to.size());
                                    return true;
                                  });
  return loaded ? "" : loaded.error().what;
}

TEST(Load, PutsEachThingAtTheSlotThatIsItsNumber) {
  ClusterView view;
  ASSERT_EQ(load(view, kThree, file_of({{1, {0, 1}}, {1, {2, 1}}, {1, {1, 0}}})), "");
  view.check();
  EXPECT_EQ(view.server(2).member.liveness, Liveness::kDead);
  EXPECT_EQ(view.server(1).admin, AdminState::kDraining);
  EXPECT_EQ(view.server(1).used, 3_KiB);
  const Chunk chunk = view.chunk(1);
  EXPECT_EQ(chunk.size, 1_KiB);
  EXPECT_EQ(chunk.goal, 2);
  ASSERT_EQ(chunk.replicas.size(), 2U);
  EXPECT_EQ(chunk.replicas[0].server, 2U);
  EXPECT_EQ(chunk.replicas[1].server, 1U);
}

TEST(Load, ComparesWhatIsUsedWithWhatIsThere) {
  ClusterView view;
  EXPECT_EQ(load(view, kThree, file_of({{1, {0, 1}}, {1, {2, 1}}, {1, {1, 0}}, {1, {1, 0}}})),
            "s.csv: server 0 is said to use 2048 bytes, but its chunks come to 3072");
}

}  // namespace
}  // namespace evenkeel::offline
