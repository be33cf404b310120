#include "common/sqlite/readers.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

namespace evenkeel::sqlite {
namespace {

/// The bytes of the -shm file that stand for reading (the format of SQLite's WAL index).
constexpr long kFirstReadLock = 123, kLastReadLock = 127;

std::string named(long pid) {
  std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(comm, name);
  return "process " + std::to_string(pid) + (name.empty() ? "" : " (" + name + ")");
}

}  // namespace

std::vector<std::string> readers_of(const std::filesystem::path& database) {
  // The file is only looked at: to open and close it would drop our own locks on it.
  struct stat shared {};
  if (::stat((database.string() + "-shm").c_str(), &shared) != 0) return {};
  const std::string inode = ":" + std::to_string(shared.st_ino);
  std::vector<long> found;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // 12: POSIX  ADVISORY  READ 1234 fe:01:4711 123 123
    std::istringstream words(line);
    std::string number, family, advisory, kind, file;
    long pid = 0, first = 0, last = 0;
    if (!(words >> number >> family >> advisory >> kind >> pid >> file >> first >> last)) continue;
    const bool reads =
        kind == "READ" && file.ends_with(inode) && first >= kFirstReadLock && last <= kLastReadLock;
    if (reads && pid != ::getpid()) found.push_back(pid);
  }
  std::ranges::sort(found);
  const auto twice = std::ranges::unique(found);
  found.erase(twice.begin(), twice.end());
  std::vector<std::string> names;
  for (const long pid : found) names.push_back(named(pid));
  return names;
}

}  // namespace evenkeel::sqlite
