#include "services/console/io/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <httplib.h>

#include "common/log/log.h"

namespace evenkeel::console {
namespace {

constexpr std::size_t kThreads = 16;

/// Nothing from elsewhere, into no frame, and nothing is kept.
const httplib::Headers kHeaders{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"}};

/// The library would let a second server have the same port, and its sockets go to child processes.
void set_options(socket_t socket) {
  const int one = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  fcntl(socket, F_SETFD, FD_CLOEXEC);
}

/// Offered Brotli, the library takes it at its slowest: half a second for what gzip does in twenty
/// milliseconds. The request that it hands to its handlers as const is its own, and is not.
httplib::Server::HandlerResponse without_brotli(const httplib::Request& from, httplib::Response&) {
  auto& headers = const_cast<httplib::Request&>(from).headers;
  const bool gzip = from.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
  headers.erase("Accept-Encoding");
  if (gzip) headers.emplace("Accept-Encoding", "gzip");
  return httplib::Server::HandlerResponse::Unhandled;
}

Request request_of(const httplib::Request& from) {
  Request request;
  request.method = from.method;
  request.path = from.path;
  for (const auto& [key, value] : from.params) request.query[key] = value;
  request.host = from.get_header_value("Host");
  request.origin = from.get_header_value("Origin");
  request.fetch_site = from.get_header_value("Sec-Fetch-Site");
  request.content_type = from.get_header_value("Content-Type");
  request.token = from.get_header_value("X-Evenkeel-Token");
  request.operator_token = from.get_header_value("X-Evenkeel-Operator");
  request.body = from.body;
  request.from = from.remote_addr;
  return request;
}

}  // namespace

struct HttpServer::Parts {
  httplib::Server server;
  std::thread thread;
  int port = 0;
};

HttpServer::HttpServer(const std::string& address, int port) : parts_(std::make_unique<Parts>()) {
  httplib::Server& server = parts_->server;
  server.set_socket_options(set_options);
  server.set_payload_max_length(kBodyMax);
  server.set_default_headers(kHeaders);
  server.set_read_timeout(5);
  server.set_write_timeout(10);
  server.set_keep_alive_timeout(5);
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  errno = 0;
  if (port == 0) {
    parts_->port = server.bind_to_any_port(address);
  } else if (server.bind_to_port(address, port)) {
    parts_->port = port;
  }
  if (parts_->port <= 0) {
    throw std::runtime_error("cannot listen on " + address + ":" + std::to_string(port) +
                             (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
  }
}

HttpServer::~HttpServer() {
  stop();
}

int HttpServer::port() const {
  return parts_->port;
}

void HttpServer::start(std::function<Response(const Request&)> answer) {
  const auto handle = [answer = std::move(answer)](const httplib::Request& from,
                                                   httplib::Response& to) {
    try {
      const Response response = answer(request_of(from));
      to.status = response.status;
      to.set_content(response.body, response.type.c_str());
    } catch (const std::exception& error) {
      log::error("request_failed", {{"path", from.path}, {"why", error.what()}});
      to.status = 500;
      to.set_content(R"({"code":"failed","error":"the console failed; its log says why"})",
                     "application/json");
    }
  };
  httplib::Server& server = parts_->server;
  server.set_pre_routing_handler(without_brotli);
  // What the library refuses by itself: bodies that are too large, requests that are none.
  server.set_error_handler([](const httplib::Request&, httplib::Response& to) {
    if (!to.body.empty()) return;
    to.set_content(R"({"code":"http","error":"HTTP status )" + std::to_string(to.status) + R"("})",
                   "application/json");
  });
  server.Get(".*", handle);
  server.Post(".*", handle);
  server.Put(".*", handle);
  server.Patch(".*", handle);
  server.Delete(".*", handle);
  server.Options(".*", handle);
  parts_->thread = std::thread([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
}

void HttpServer::stop() {
  if (!parts_->thread.joinable()) return;
  parts_->server.stop();
  parts_->thread.join();
}

}  // namespace evenkeel::console
