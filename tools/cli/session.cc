#include "tools/cli/session.h"

#include <cstdio>

#include "tools/cli/text.h"

namespace evenkeel::cli {

Exit error(const std::string& what) {
  std::fprintf(stderr, "evenkeel: %s\n", printable(what).c_str());
  return Exit::kError;
}

Session::Session(const Options& options)
    : signals_(loop_),
      control_(loop_, context_, {options.control, options.cluster, options.timeout}) {}

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
