#include "common/model/tokens.h"

#include <fstream>

#include <gtest/gtest.h>

#include "common/base/hex.h"
#include "common/token/token.h"

namespace evenkeel {
namespace {

const StorageId kStorage = *StorageId::parse("00112233445566778899aabbccddeeff");
const StorageId kOther = *StorageId::parse("ffeeddccbbaa99887766554433221100");
const ChunkContent kContent{ChunkId(42), ChunkVersion(3), Bytes(67'108'864),
                            *Checksum::parse("000102030405060708090a0b0c0d0e0f")};
const std::string kKey(32, '\x6b');

std::string signed_line(const std::string& text) {
  const std::string token = hmac_sha256(kKey, text);
  return text + ' ' + to_hex({reinterpret_cast<const std::uint8_t*>(token.data()), token.size()});
}

std::vector<std::string> examples() {
  std::ifstream file(EVENKEEL_SCHEMA_DIR "/wire/golden/tokens.txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Tokens, AreSignedAsTheExamplesAre) {
  const std::vector<std::string> lines{
      signed_line(copy_token_text("golden", Epoch(9), CommandId(1001), ChunkId(42), ChunkVersion(3),
                                  kOther, ServerId(7))),
      signed_line(get_token_text("golden", Epoch(9), ChunkId(42), ChunkVersion(3), kOther)),
      signed_line(put_token_text("golden", Epoch(9), kContent, kStorage)),
      signed_line(receipt_text("golden", kContent, kStorage, JournalNumber(314)))};
  EXPECT_EQ(lines, examples());
}

}  // namespace
}  // namespace evenkeel
