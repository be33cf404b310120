#include "tests/bench/transfer/watch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace evenkeel::bench {
namespace fs = std::filesystem;
namespace {

constexpr double kSampleEvery = 0.005;  // s; no pause is told of more exactly
// Once something has come, many files are taken in at a time: to be woken by each would take
// processors away from what is measured.
constexpr int kLookEveryMs = 2;

double monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::uint64_t size_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// The kernel counts what comes over sockets, too.
std::uint64_t read_by(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/io");
  std::string word;
  std::uint64_t count = 0;
  return file >> word >> count && word == "rchar:" ? count : 0;
}

class Watcher {
 public:
  Watcher(const std::vector<fs::path>& directories, std::uint64_t expected,
          const std::vector<int>& processes)
      : expected_(expected), processes_(processes), fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (fd_ < 0) throw std::runtime_error("inotify: " + std::string(std::strerror(errno)));
    for (const fs::path& directory : directories) {
      live_[add(directory / "live", IN_MOVED_TO)] = directory / "live";
      tmp_[add(directory / "tmp", IN_MODIFY)] = directory / "tmp";
    }
  }
  ~Watcher() { ::close(fd_); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  Watched run() {
    bool wanted = true;
    for (double next = 0; wanted && now_.files < expected_;) {
      std::array<pollfd, 2> bells{{{fd_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
      const bool begun = result_.first_byte_s > 0;
      if (begun) {
        ::poll(&bells[1], 1, kLookEveryMs);
      } else {
        ::poll(bells.data(), bells.size(), static_cast<int>(kSampleEvery * 1000));
      }
      wanted = bells[1].revents == 0;
      drain();
      if (monotonic() < next) continue;
      next = monotonic() + kSampleEvery;
      sample();
    }
    sample();
    return std::move(result_);
  }

 private:
  int add(const fs::path& folder, std::uint32_t mask) {
    const int wd = ::inotify_add_watch(fd_, folder.c_str(), mask);
    if (wd < 0) throw std::runtime_error(folder.string() + ": " + std::strerror(errno));
    return wd;
  }

  void drain() {
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;
    for (ssize_t count; (count = ::read(fd_, buffer.data(), buffer.size())) > 0;) {
      for (const char* at = buffer.data(); at < buffer.data() + count;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        at += sizeof *event + event->len;
        if (event->mask & IN_Q_OVERFLOW) throw std::runtime_error("events were lost");
        take(*event);
      }
    }
  }

  void take(const inotify_event& event) {
    if (tmp_.contains(event.wd)) return first_byte();
    const auto folder = live_.find(event.wd);
    if (folder == live_.end() || std::string_view(event.name).ends_with(".manifest")) return;
    // One that is moved on to another server has been made up for before.
    if (!names_.insert(event.name).second) return;
    ++now_.files;
    now_.bytes += size_of(folder->second / event.name);
    result_.last_file_s = monotonic();
  }

  /// Later writes are not listened to: that would cost what is being measured.
  void first_byte() {
    if (result_.first_byte_s == 0) result_.first_byte_s = monotonic();
    for (const auto& [wd, folder] : tmp_) ::inotify_rm_watch(fd_, wd);
  }

  void sample() {
    now_.read = 0;
    for (const int process : processes_) now_.read += read_by(process);
    now_.at_s = monotonic();
    result_.samples.push_back(now_);
  }

  const std::uint64_t expected_;
  const std::vector<int> processes_;
  const int fd_;
  std::map<int, fs::path> live_, tmp_;
  std::unordered_set<std::string> names_;
  Sample now_;
  Watched result_;
};

}  // namespace

Watched watch(const std::vector<fs::path>& directories, std::uint64_t expected,
              const std::vector<int>& processes, void (*ready)()) {
  Watcher watcher(directories, expected, processes);
  ready();
  return watcher.run();
}

}  // namespace evenkeel::bench
