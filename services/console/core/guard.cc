#include "services/console/core/guard.h"

#include <algorithm>

namespace evenkeel::console {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// In a time that does not tell where they differ.
bool same(const std::string& a, const std::string& b) {
  unsigned differs = a.size() != b.size();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    differs |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return differs == 0;
}

bool is_json(const std::string& type) {
  return lower(type.substr(0, type.find(';'))) == "application/json";
}

}  // namespace

Guard::Guard(std::vector<std::string> hosts, std::string token)
    : hosts_(std::move(hosts)), token_(std::move(token)) {
  for (std::string& host : hosts_) host = lower(host);
}

std::optional<Refusal> Guard::refusal(const Request& request) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads && request.method != "POST") {
    return Refusal{405, "method", "only GET and POST are answered"};
  }
  // A name that leads to this machine and is somebody else's: DNS rebinding.
  const std::string host = lower(request.host);
  if (std::find(hosts_.begin(), hosts_.end(), host) == hosts_.end()) {
    return Refusal{421, "host",
                   "not a name of this console: '" + request.host.substr(0, 100) +
                       "'; the setting 'hosts' lists more"};
  }
  if (reads) return std::nullopt;
  const bool same_site = request.fetch_site.empty() || request.fetch_site == "same-origin";
  const std::string origin = lower(request.origin);
  if (!same_site || (origin != "http://" + host && origin != "https://" + host)) {
    return Refusal{403, "origin", "not asked by this console's own page"};
  }
  if (!same(request.token, token_)) {
    return Refusal{403, "token",
                   "the page is of another run of the console: load it again to go on"};
  }
  if (!is_json(request.content_type)) return Refusal{415, "type", "must be application/json"};
  return std::nullopt;
}

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::vector<std::string> hosts_of(const std::string& address, int port,
                                  const std::vector<std::string>& more) {
  const std::string tail = ":" + std::to_string(port);
  std::vector<std::string> hosts;
  const auto add = [&](const std::string& name) {
    hosts.push_back(name + tail);
    if (port == 80) hosts.push_back(name);
  };
  const bool anywhere = address == "0.0.0.0" || address == "::";
  if (!anywhere) add(address.find(':') == std::string::npos ? address : "[" + address + "]");
  if (anywhere || is_loopback(address)) {
    add("localhost");
    add("127.0.0.1");
    add("[::1]");
  }
  hosts.insert(hosts.end(), more.begin(), more.end());
  return hosts;
}

}  // namespace evenkeel::console
