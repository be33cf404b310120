#include "tests/schedules/disks.h"

#include <unistd.h>

#include <algorithm>

#include "common/base/check.h"
#include "tests/schedules/world.h"

namespace evenkeel::schedules {
namespace fs = std::filesystem;
namespace {

Disks* the_disks = nullptr;

}  // namespace

Disks::Disks(fs::path root) : root_(std::move(root)) {
  EK_CHECK(the_disks == nullptr);
  the_disks = this;
}

Disks::~Disks() {
  the_disks = nullptr;
}

Disks* Disks::here() {
  return the_disks;
}

std::string Disks::machine_of(const fs::path& path) const {
  const std::string text = path.string(), root = root_.string() + "/";
  if (!text.starts_with(root)) return "";
  return text.substr(root.size(), text.find('/', root.size()) - root.size());
}

void Disks::renamed(const fs::path& from, const fs::path& to) {
  if (unsynced_.erase(from.string()) > 0) unsynced_.insert(to.string());
  renames_.emplace_back(from.string(), to.string());
  if (on_rename) on_rename(from, to);
}

void Disks::synced_folder(const fs::path& folder) {
  // A rename is one transaction of the file system: it is durable as soon as the place where the
  // file arrives is.
  std::erase_if(renames_, [&](const auto& rename) {
    return fs::path(rename.second).parent_path() == folder;
  });
}

void Disks::synced_all(const fs::path& below) {
  const std::string prefix = below.string() + "/";
  std::erase_if(unsynced_, [&](const auto& file) { return file.starts_with(prefix); });
  std::erase_if(renames_, [&](const auto& rename) { return rename.second.starts_with(prefix); });
}

void Disks::lose_power(const std::string& machine, Rng& rng) {
  const std::string prefix = (root_ / machine).string() + "/";
  for (auto rename = renames_.rbegin(); rename != renames_.rend(); ++rename) {
    if (!rename->second.starts_with(prefix) || rng.chance(1, 2)) continue;
    std::error_code ignored;
    if (!fs::exists(rename->second, ignored) || fs::exists(rename->first, ignored)) continue;
    fs::rename(rename->second, rename->first, ignored);
    if (unsynced_.erase(rename->second) > 0) unsynced_.insert(rename->first);
    World::here().fire("rename lost with the power");
  }
  std::erase_if(renames_, [&](const auto& rename) { return rename.second.starts_with(prefix); });
  for (const std::string& file : unsynced_) {
    if (!file.starts_with(prefix)) continue;
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size == 0 || rng.chance(1, 3)) continue;
    // The file has its length and not its bytes, or neither.
    const auto kept = static_cast<off_t>(rng.below(size));
    EK_CHECK(::truncate(file.c_str(), kept) == 0);
    if (rng.chance(1, 2)) EK_CHECK(::truncate(file.c_str(), static_cast<off_t>(size)) == 0);
    World::here().fire("bytes lost with the power");
  }
  std::erase_if(unsynced_, [&](const auto& file) { return file.starts_with(prefix); });
}

}  // namespace evenkeel::schedules
