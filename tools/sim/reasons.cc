#include "tools/sim/reasons.h"

#include <regex>
#include <set>

namespace evenkeel::sim {

std::string reason_in_short(const std::string& why) {
  static const std::regex kServer(R"(\bs\d+: ([^,;]+))");
  std::set<std::string> kinds;
  std::string head;
  for (std::sregex_iterator it(why.begin(), why.end(), kServer), end; it != end; ++it) {
    if (head.empty()) head = it->prefix();
    kinds.insert((*it)[1]);
  }
  if (kinds.empty()) return std::regex_replace(why, std::regex(R"(\bs\d+\b)"), "a server");
  std::string text = head;
  for (const auto& kind : kinds) text += (&kind == &*kinds.begin() ? "" : ", ") + kind;
  return text;
}

}  // namespace evenkeel::sim
