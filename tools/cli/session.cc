#include "tools/cli/session.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <sys/stat.h>

#include "common/base/hex.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {

Exit error(const std::string& what) {
  std::fprintf(stderr, "evenkeel: %s\n", printable(what).c_str());
  return Exit::kError;
}

namespace {

[[noreturn]] void no_token(const std::string& where, const std::string& why) {
  throw std::runtime_error(where + ": " + why);
}

std::string token_in(const std::string& where, std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.pop_back();
  }
  const auto raw = from_hex<32>(text);
  if (!raw) no_token(where, "is no token: 64 hex digits, as 'evenkeel token' writes them");
  return {raw->begin(), raw->end()};
}

}  // namespace

std::string operator_token(const Options& options) {
  if (options.token_file.empty()) {
    const char* set = std::getenv("EVENKEEL_TOKEN");
    return set != nullptr && *set != '\0' ? token_in("EVENKEEL_TOKEN", set) : "";
  }
  const std::string& path = options.token_file;
  struct stat is {};
  if (::stat(path.c_str(), &is) != 0) no_token(path, std::strerror(errno));
  if (!S_ISREG(is.st_mode)) no_token(path, "is no file");
  if ((is.st_mode & 077) != 0) {
    no_token(path, "others can read this token, and be you: chmod 600");
  }
  std::ifstream file(path);
  std::string text;
  if (!std::getline(file, text)) no_token(path, "cannot be read, or is empty");
  return token_in(path, text);
}

Session::Session(const Options& options)
    : signals_(loop_),
      control_(loop_, context_,
               {options.control, options.cluster, options.timeout, operator_token(options)}) {}

bool Session::run() {
  ended_ = false;
  loop_.run();
  return ended_;
}

void Session::end() {
  ended_ = true;
  loop_.stop();
}

}  // namespace evenkeel::cli
