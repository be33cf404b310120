#pragma once
#include <optional>
#include <string>
#include <vector>

#include "services/console/core/exchange.h"

namespace evenkeel::console {

/// Why a request is not answered.
struct Refusal {
  int status;
  std::string code;  ///< for the page: host, method, origin, token, type
  std::string what;  ///< for people
};

/// Keeps other people's pages out: what a browser sends because of them must neither change
/// anything nor read anything. Who may reach the port at all is for the network, or a proxy, to
/// say.
class Guard {
 public:
  /// `hosts`: "name:port" or "name", as browsers put it into Host when they mean us. `token`: what
  /// our own page sends back, and another's cannot know.
  Guard(std::vector<std::string> hosts, std::string token);

  std::optional<Refusal> refusal(const Request& request) const;
  const std::string& token() const { return token_; }

 private:
  std::vector<std::string> hosts_;
  std::string token_;
};

/// The names under which one that listens on "127.0.0.1:7430" is reached, and `more`.
std::vector<std::string> hosts_of(const std::string& address, int port,
                                  const std::vector<std::string>& more);
/// Whether it is reached from this machine alone.
bool is_loopback(const std::string& address);

}  // namespace evenkeel::console
