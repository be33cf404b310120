#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/base/check.h"

namespace evenkeel::membership {

/// The real program as a child, and what it writes to stdout and stderr. Killed with this object.
class ServiceProcess {
 public:
  explicit ServiceProcess(std::vector<std::string> words) {
    words.insert(words.begin(), MEMBERSHIP_BINARY);
    std::vector<char*> argv;  // made before fork(): the child of a process with threads only execs
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    EK_CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_ = fork();
    EK_CHECK(pid_ >= 0);
    if (pid_ == 0) become(ends[1], argv.data());
    ::close(ends[1]);
    output_.reset(fdopen(ends[0], "r"));
  }
  ServiceProcess(const ServiceProcess&) = delete;
  ServiceProcess& operator=(const ServiceProcess&) = delete;
  ~ServiceProcess() {
    if (pid_ > 0) end(SIGKILL);
  }

  void signal(int number) { EK_CHECK(::kill(pid_, number) == 0); }
  int end(int number) {
    signal(number);
    return wait();
  }
  /// Its exit code, or the negative number of the signal that it died of.
  int wait() {
    int status = 0;
    EK_CHECK(waitpid(pid_, &status, 0) == pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  /// Reads on to the first line that holds `word`. Throws with all that was said if none does.
  std::string line_with(const std::string& word) {
    for (;;) {
      const std::string line = next_line();
      if (line.empty()) throw std::runtime_error("no '" + word + "' in: " + said_);
      if (line.find(word) != std::string::npos) return line;
    }
  }
  /// All that it says up to its end.
  std::string rest() {
    while (!next_line().empty()) {}
    return said_;
  }
  const std::string& said() const { return said_; }  ///< what was read so far

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  [[noreturn]] static void become(int output, char** argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // not left behind by a test that crashes
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(argv[0], argv);
    _exit(127);
  }
  std::string next_line() {
    std::string line;
    for (int c = 0; (c = std::fgetc(output_.get())) != EOF;) {
      line += static_cast<char>(c);
      if (c == '\n') break;
    }
    said_ += line;
    return line;
  }

  pid_t pid_ = 0;
  std::unique_ptr<std::FILE, Close> output_;
  std::string said_;
};

/// The value of `key` in a line of the log, without quotes.
inline std::string value_of(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(" " + key + "=");
  if (at == std::string::npos) throw std::runtime_error("no " + key + " in " + line);
  std::string value = line.substr(at + key.size() + 2);
  value = value.substr(0, value.find_first_of(" \n"));
  std::erase(value, '"');
  return value;
}

}  // namespace evenkeel::membership
