#pragma once
#include <map>
#include <string>

namespace evenkeel::console {

/// What of an HTTP request matters here. Header fields that were not sent are empty.
struct Request {
  std::string method;  ///< upper case
  std::string path;    ///< decoded, without the query
  std::map<std::string, std::string> query;
  std::string host, origin, fetch_site, content_type, token;
  std::string operator_token;  ///< of the person at the browser, for the rebalancer
  std::string body;
  std::string from;  ///< the peer's address, for the log
};

struct Response {
  int status = 200;
  std::string body;
  std::string type = "application/json";
};

}  // namespace evenkeel::console
