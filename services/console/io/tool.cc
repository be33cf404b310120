#include "services/console/io/tool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>

extern char** environ;

namespace evenkeel::console {
namespace {

constexpr std::size_t kOutputMax = 32u << 20;

[[noreturn]] void give_up(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read, write;
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe");
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

struct Actions {
  posix_spawn_file_actions_t raw;
  Actions() { posix_spawn_file_actions_init(&raw); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { posix_spawn_file_actions_destroy(&raw); }
};

/// Ours, but for who asks. A token is not among the words, which every process of this machine can
/// read.
std::vector<std::string> environment_with(const std::string& token) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry(*each);
    const bool names_somebody =
        entry.starts_with("EVENKEEL_TOKEN=") || entry.starts_with("EVENKEEL_TOKEN_FILE=");
    if (!names_somebody) all.emplace_back(entry);
  }
  if (!token.empty()) all.push_back("EVENKEEL_TOKEN=" + token);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& words,
            const std::string& token, int out, int err) {
  std::vector<std::string> all{program.string()};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<std::string> environment = environment_with(token);
  const std::vector<char*> argv = pointers_to(all), envp = pointers_to(environment);
  Actions actions;
  posix_spawn_file_actions_addopen(&actions.raw, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions.raw, out, 1);
  posix_spawn_file_actions_adddup2(&actions.raw, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions.raw, 3);  // browsers' connections, the database
  pid_t pid = 0;
  errno = posix_spawn(&pid, program.c_str(), &actions.raw, nullptr, argv.data(), envp.data());
  if (errno != 0) give_up(program.string());
  return pid;
}

/// False once there is nothing more to come.
bool take(int fd, std::string& into) {
  std::array<char, 65536> some{};
  const ssize_t got = read(fd, some.data(), some.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  into.append(some.data(), static_cast<std::size_t>(got));
  return into.size() <= kOutputMax;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Tool::Tool(std::filesystem::path program)
    : program_(std::move(program)), stop_(eventfd(0, EFD_CLOEXEC)) {
  if (stop_ < 0) give_up("eventfd");
}

Tool::~Tool() {
  close(stop_);
}

void Tool::stop() {
  const std::uint64_t one = 1;
  // It stays readable: nobody takes it out. It cannot fail on a counter so far from its end.
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof one);
}

Ran Tool::run(const std::vector<std::string>& words, Duration allowed, const std::string& token) {
  using Steady = std::chrono::steady_clock;
  Pipe out, err;
  Ran ran;
  const pid_t pid = spawn(program_, words, token, out.write.get(), err.write.get());
  out.write.reset();
  err.write.reset();
  const auto end = Steady::now() + allowed;
  std::array<pollfd, 3> watched{
      {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<Duration>(end - Steady::now()).count();
    if (left <= 0) {
      ran.timed_out = true;
      break;
    }
    if (poll(watched.data(), watched.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
      give_up("poll");
    }
    if ((watched[2].revents & POLLIN) != 0) {
      ran.stopped = true;
      break;
    }
    if (watched[0].revents != 0 && !take(watched[0].fd, ran.out)) watched[0].fd = -1;
    if (watched[1].revents != 0 && !take(watched[1].fd, ran.err)) watched[1].fd = -1;
  }
  if (ran.timed_out || ran.stopped) kill(pid, SIGKILL);
  out.read.reset();  // should it have said more than we take, it is told so
  err.read.reset();
  ran.exit_code = wait_for(pid);
  return ran;
}

}  // namespace evenkeel::console
