// What fuzzing has found, and where it begins, read by every build; and bytes drawn at random,
// since not every machine has libFuzzer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "common/base/random.h"
#include "tests/fuzz/targets.h"

namespace evenkeel::fuzz {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> corpus_of(const Target& target) {
  std::vector<Bytes> all;
  const auto folder = std::filesystem::path(EVENKEEL_FUZZ_CORPUS) / target.name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    all.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return all;
}

TEST(Corpus, IsReadWithoutHarm) {
  for (const Target& target : targets()) {
    SCOPED_TRACE(target.name);
    const auto corpus = corpus_of(target);
    EXPECT_FALSE(corpus.empty());
    for (const Bytes& bytes : corpus) target.read(bytes);
  }
}

TEST(Corpus, IsReadWithoutHarmWhenItIsDamaged) {
  for (const Target& target : targets()) {
    SCOPED_TRACE(target.name);
    const auto corpus = corpus_of(target);
    Rng rng(1);
    for (int round = 0; round < 20'000; ++round) {
      Bytes bytes = rng.pick(corpus);
      for (std::uint64_t change = rng.below(4); change > 0 && !bytes.empty(); --change) {
        const auto at = static_cast<std::ptrdiff_t>(rng.below(bytes.size()));
        switch (rng.below(4)) {
          case 0:
            bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(rng.next());
            break;
          case 1:
            bytes.erase(bytes.begin() + at);
            break;
          case 2:
            bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(rng.next()));
            break;
          default:
            bytes.resize(static_cast<std::size_t>(at));
        }
      }
      target.read(bytes);
    }
  }
}

}  // namespace
}  // namespace evenkeel::fuzz
