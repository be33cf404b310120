/// The parts of the transfer benchmark that Python would be too slow for, or in the way of what is
/// measured (tests/bench/transfer/run).
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "common/checksum/checksum.h"
#include "tests/bench/transfer/bare_copy.h"
#include "tests/bench/transfer/watch.h"

namespace {

namespace fs = std::filesystem;
using namespace evenkeel;

constexpr const char* kUsage =
    "usage: evenkeel-transfer-bench bare FROM TO\n"
    "           copies over TCP\n"
    "       evenkeel-transfer-bench watch NUMBER [PID | DIRECTORY]...\n"
    "           until so many chunks have come, or standard input ends\n"
    "       evenkeel-transfer-bench check FOLDER...\n"
    "           files against their names\n";

int bare(const std::vector<std::string>& words) {
  const auto copy = bench::bare_copy(words[1], words[2]);
  std::printf("{\"files\": %llu, \"bytes\": %llu, \"cpu_s\": %.3f}\n",
              static_cast<unsigned long long>(copy.files),
              static_cast<unsigned long long>(copy.bytes), copy.processor_s);
  return 0;
}

int watch(const std::vector<std::string>& words) {
  std::vector<fs::path> directories;
  std::vector<int> processes;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const bool number = words[i].find_first_not_of("0123456789") == std::string::npos;
    if (number) processes.push_back(std::stoi(words[i]));
    if (!number) directories.push_back(words[i]);
  }
  const auto seen = bench::watch(directories, std::stoull(words[1]), processes, [] {
    std::puts("ready");
    std::fflush(stdout);
  });
  std::printf("{\"first_byte_s\": %.6f, \"last_file_s\": %.6f, \"samples\": [", seen.first_byte_s,
              seen.last_file_s);
  const char* comma = "";
  for (const bench::Sample& sample : seen.samples) {
    std::printf("%s[%.3f, %llu, %llu, %llu]", comma, sample.at_s,
                static_cast<unsigned long long>(sample.files),
                static_cast<unsigned long long>(sample.bytes),
                static_cast<unsigned long long>(sample.read));
    comma = ", ";
  }
  std::puts("]}");
  return 0;
}

/// Whether the bytes of the file add up to the checksum that its name ends with.
bool is_right(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::vector<std::uint8_t> buffer(1 << 20);
  ChunkHasher hasher;
  ssize_t count = 0;
  while ((count = ::read(fd, buffer.data(), buffer.size())) > 0) {
    hasher.update({buffer.data(), static_cast<std::size_t>(count)});
  }
  ::close(fd);
  const std::string name = path.filename().string();
  const auto told = Checksum::parse(name.substr(name.rfind('.') + 1));
  return count == 0 && told && *told == chunk_checksum(hasher.finish());
}

int check(const std::vector<std::string>& words) {
  std::uint64_t right = 0, wrong = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    for (const auto& entry : fs::directory_iterator(words[i])) {
      if (entry.path().extension() == ".manifest") continue;
      const bool good = is_right(entry.path());
      good ? ++right : ++wrong;
      if (!good) std::fprintf(stderr, "wrong: %s\n", entry.path().c_str());
    }
  }
  std::printf("{\"right\": %llu, \"wrong\": %llu}\n", static_cast<unsigned long long>(right),
              static_cast<unsigned long long>(wrong));
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "bare") return bare(words);
    if (words.size() >= 3 && words[0] == "watch") return watch(words);
    if (words.size() >= 2 && words[0] == "check") return check(words);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "evenkeel-transfer-bench: %s\n", fault.what());
    return 2;
  }
  std::fputs(kUsage, stderr);
  return 2;
}
