#pragma once
#include <functional>
#include <memory>
#include <string>

#include "services/console/core/exchange.h"

namespace evenkeel::console {

/// HTTP, on threads of its own: a request is answered on one of them. Everything that a browser is
/// to be told of how it may treat our pages is said with each answer.
class HttpServer {
 public:
  static constexpr std::size_t kBodyMax = 64u << 10;

  /// Listens from now on. `address`: "127.0.0.1", "::1", "localhost", ... Port 0: any that is free.
  /// Throws std::runtime_error if it cannot.
  HttpServer(const std::string& address, int port);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  /// Once. `answer` is called by several threads at once until stop() has returned.
  void start(std::function<Response(const Request&)> answer);
  void stop();

 private:
  struct Parts;  // knows the HTTP library
  std::unique_ptr<Parts> parts_;
};

}  // namespace evenkeel::console
