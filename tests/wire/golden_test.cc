#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "common/base/hex.h"
#include "tests/wire/samples.h"

// One message of each kind lies in schema/wire/golden, byte for byte. A change here is a change of
// the protocol. EVENKEEL_WRITE_GOLDEN=1 writes the files anew and fails, so that it cannot pass
// unseen.
namespace evenkeel::wire {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(EVENKEEL_SCHEMA_DIR) / "wire/golden";
constexpr std::size_t kDigitsInLine = 96;

std::string in_lines(std::string_view bytes) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::string hex = to_hex({raw, bytes.size()});
  std::string lines;
  for (std::size_t at = 0; at < hex.size(); at += kDigitsInLine) {
    lines += hex.substr(at, kDigitsInLine) + '\n';
  }
  return lines;
}

std::filesystem::path file_of(const Message& message) {
  return kGolden / (std::string(kind_of(message)) + ".hex");
}

std::string text_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Golden, EveryKindHasTheBytesThatWerePromised) {
  const bool write = std::getenv("EVENKEEL_WRITE_GOLDEN") != nullptr;
  for (const Message& message : samples()) {
    const std::string lines = in_lines(encode(kCluster, message));
    if (write) std::ofstream(file_of(message)) << lines;
    EXPECT_EQ(text_in(file_of(message)), lines) << kind_of(message);
  }
  EXPECT_FALSE(write) << "written; now look at what has changed";
}

TEST(Golden, ThereAreNoOtherFiles) {
  std::set<std::string> expected;
  for (const Message& message : samples()) expected.insert(file_of(message).filename().string());
  EXPECT_EQ(expected.size(), samples().size()) << "one of each kind";
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
    if (entry.path().extension() == ".hex") found.insert(entry.path().filename().string());
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace evenkeel::wire
