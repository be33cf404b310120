#include "common/reactor/tcp.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/reactor/work.h"

namespace evenkeel {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
// What is read before it has a place is moved. Where one piece with a place follows the other, only
// a little is read between them.
constexpr std::size_t kReadAheadOfPlace = 64 * 1024, kReadBetweenPlaces = 4 * 1024;
// What is short goes together with what else the same turn of the loop brings: a call of the kernel
// for each would cost more than the bytes.
constexpr std::size_t kShort = 16 * 1024;
constexpr std::size_t kTogether = 256 * 1024;
constexpr std::size_t kPiecesTogether = 1 << 20;
constexpr std::size_t kWaitWithBytes = 64 * 1024;
constexpr int kSocketBytes = 4 << 20;

struct HostPort {
  std::string host;
  std::string port;
};

std::optional<HostPort> split(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return std::nullopt;
  HostPort parts{text.substr(0, colon), text.substr(colon + 1)};
  if (parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  std::uint16_t number = 0;
  const char* end = parts.port.data() + parts.port.size();
  const auto [rest, error] = std::from_chars(parts.port.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return parts;
}

addrinfo stream_hints() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  return hints;
}

const addrinfo* preferred(const addrinfo* found) {
  for (const addrinfo* at = found; at; at = at->ai_next) {
    if (at->ai_family == AF_INET) return at;
  }
  return found;
}

std::string text_of(const sockaddr_storage& address) {
  char host[64] = "", port[16] = "";
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  const int rc = getnameinfo(any, sizeof address, host, sizeof host, port, sizeof port,
                             NI_NUMERICHOST | NI_NUMERICSERV);
  if (rc != 0) return "";
  const bool v6 = address.ss_family == AF_INET6;
  return (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

uv_buf_t buffer_of(Buffer& bytes) {
  uv_buf_t buffer{};  // uv_buf_init() would cut the size to 32 bits
  buffer.base = reinterpret_cast<char*>(bytes.data());
  buffer.len = bytes.size();
  return buffer;
}

/// A descriptor of the socket that no one else closes while a thread sends through it.
struct SocketCopy {
  explicit SocketCopy(int socket) : fd(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}
  ~SocketCopy() {
    if (fd >= 0) ::close(fd);
  }
  SocketCopy(const SocketCopy&) = delete;
  SocketCopy& operator=(const SocketCopy&) = delete;
  const int fd;
};

/// sendfile() cannot be told to raise no signal when the other side is gone.
void block_broken_pipe() {
  thread_local const bool blocked = [] {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    return pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0;
  }();
  EK_CHECK(blocked);
}

/// What one turn of a thread has come to: some pieces, each behind its head.
struct Sending {
  struct Part {
    Buffer head;
    FilePiece piece;  // what is left of it
  };
  std::vector<Part> parts = {};
  std::size_t at = 0;  // the part that is being sent
  std::size_t head_sent = 0;
  Buffer next = {};  // taken off its front, for libuv to wait with until there is room
  int error = 0;     // errno
  bool short_file = false;

  bool complete() const { return at == parts.size(); }
  Part& part() { return parts[at]; }

  /// Sends until the socket is full. On a thread of the pool.
  void go_on(int socket) {
    block_broken_pipe();
    next.clear();
    while (!complete() && send_head(socket) && send_piece(socket) && !short_file) end_part();
    if (error == EAGAIN || error == EWOULDBLOCK) {
      error = 0;
      take_next();
      if (error == 0 && !short_file && part().piece.length == 0) end_part();
    }
  }
  void end_part() {
    ++at;
    head_sent = 0;
  }
  bool send_head(int socket) {
    const Buffer& head = part().head;
    while (head_sent < head.size()) {
      const ssize_t sent = ::send(socket, head.data() + head_sent, head.size() - head_sent,
                                  MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return failed();
      head_sent += static_cast<std::size_t>(sent);
    }
    return true;
  }
  bool send_piece(int socket) {
    FilePiece& piece = part().piece;
    while (piece.length > 0) {
      auto offset = static_cast<off_t>(piece.offset);
      const ssize_t sent = ::sendfile(socket, piece.descriptor, &offset, piece.length);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return failed();
      short_file = sent == 0;
      if (short_file) return true;
      took(static_cast<std::uint64_t>(sent));
    }
    return true;
  }
  void take_next() {
    const Buffer& head = part().head;
    const FilePiece& piece = part().piece;
    next.assign(head.begin() + static_cast<std::ptrdiff_t>(head_sent), head.end());
    head_sent = head.size();
    const std::size_t begin = next.size();
    const std::size_t wanted = std::min<std::uint64_t>(piece.length, kWaitWithBytes);
    next.resize(begin + wanted);
    for (std::size_t had = 0; had < wanted;) {
      const ssize_t count = ::pread(piece.descriptor, next.data() + begin + had, wanted - had,
                                    static_cast<off_t>(piece.offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) error = errno;
      short_file = count == 0;
      if (count <= 0) return;
      had += static_cast<std::size_t>(count);
      took(static_cast<std::uint64_t>(count));
    }
  }
  void took(std::uint64_t bytes) {
    part().piece.offset += bytes;
    part().piece.length -= bytes;
  }
  bool failed() {
    error = errno;
    return false;
  }
};

}  // namespace

/// Lives as long as libuv or the owner needs it: libuv holds `self` until the handle has closed,
/// and each request under way holds a share.
struct TcpStream::State {
  uv_tcp_t uv;
  Loop* loop;
  Handlers handlers = {};
  Buffer incoming = {};
  std::span<std::uint8_t> reading_into = {};
  bool placed = false;          // that is a place of the owner
  bool between_places = false;  // such a place was given lately
  std::shared_ptr<State> self = nullptr;
  std::shared_ptr<std::size_t> counted_in = nullptr;  // the listener's number of connections
  std::size_t not_yet_sent = 0;  // given to write() while there was no connection
  struct Queued {                // bytes, and perhaps a piece of a file behind them
    Buffer bytes;
    std::optional<FilePiece> piece;
    std::function<void()> on_written;
    std::size_t size() const { return bytes.size() + (piece ? piece->length : 0); }
    bool is_short() const { return !piece && bytes.size() <= kShort; }
  };
  uv_prepare_t before_waiting = {};  // writes what the turn has brought
  int handles_open = 2;
  std::deque<Queued> queue = {};  // what waits for the connection, or for a piece of a file
  std::size_t writes = 0;         // given to libuv and not ended
  bool sending_file = false;
  std::shared_ptr<SocketCopy> socket_copy = nullptr;
  std::optional<Work> work = std::nullopt;
  bool misaddressed = false;
  bool connected = false;
  bool paused = false;
  bool closing_when_written = false;
  bool shutting_down = false;
  bool ended = false;
  bool owned = true;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&uv); }

  static std::shared_ptr<State> make(Loop& loop) {
    auto state = std::shared_ptr<State>(new State{{}, &loop});
    EK_CHECK(uv_tcp_init(loop.handle(), &state->uv) == 0);
    EK_CHECK(uv_prepare_init(loop.handle(), &state->before_waiting) == 0);
    state->uv.data = state->before_waiting.data = state.get();
    state->self = state;
    return state;
  }

  void resolve(const std::string& host_port);
  bool resolve(const HostPort& parts);
  void connect(const sockaddr* address);
  void connection_stands();
  void start_after_connect();
  void read();
  void enqueue(Queued next);
  void write_soon();
  void write_queued();
  Queued next_queued();
  void write(Buffer bytes, std::function<void()> on_written);
  void send_file(std::shared_ptr<Sending> sending);
  void sent(const std::shared_ptr<Sending>& sending);
  void files_sent(std::size_t count);
  std::shared_ptr<Sending> next_pieces() const;
  void shut_down();
  void end(const std::string& why);
  void close();
};

namespace {

template <class Request>
struct Held {  // a libuv request and what must stay until it is over
  Request uv;
  std::shared_ptr<void> state;
  Buffer bytes;
  std::function<void()> then;
};

/// Takes back what was given to libuv as the request's data.
template <class Request>
std::unique_ptr<Held<Request>> take_back(Request* uv) {
  return std::unique_ptr<Held<Request>>(static_cast<Held<Request>*>(uv->data));
}

template <class Request>
std::unique_ptr<Held<Request>> hold(std::shared_ptr<void> state) {
  auto held = std::unique_ptr<Held<Request>>(new Held<Request>{{}, std::move(state), {}, {}});
  held->uv.data = held.get();
  return held;
}

}  // namespace

/// A text that is no address goes the same way as a name that is not known: on_close must not be
/// called from inside connect().
void TcpStream::State::resolve(const std::string& host_port) {
  const std::optional<HostPort> parts = split(host_port);
  if (parts && resolve(*parts)) return;
  misaddressed = true;
  EK_CHECK(resolve(HostPort{"0.0.0.0", "0"}));
}

/// False if libuv refuses the name without asking anyone.
bool TcpStream::State::resolve(const HostPort& parts) {
  auto held = hold<uv_getaddrinfo_t>(self);
  const addrinfo hints = stream_hints();
  const auto resolved = [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
    const auto ended_request = take_back(request);
    auto* state = static_cast<State*>(ended_request->state.get());
    if (!state->ended && state->misaddressed) state->end("not an address");
    if (!state->ended && status < 0) state->end(std::string("resolve: ") + uv_strerror(status));
    if (!state->ended) state->connect(preferred(found)->ai_addr);
    uv_freeaddrinfo(found);
  };
  const int rc = uv_getaddrinfo(loop->handle(), &held->uv, resolved, parts.host.c_str(),
                                parts.port.c_str(), &hints);
  if (rc < 0) return false;
  held.release();
  return true;
}

void TcpStream::State::connect(const sockaddr* address) {
  auto held = hold<uv_connect_t>(self);
  const int rc = uv_tcp_connect(&held->uv, &uv, address, [](uv_connect_t* request, int status) {
    const auto ended_request = take_back(request);
    auto* state = static_cast<State*>(ended_request->state.get());
    if (state->ended) return;
    if (status < 0) return state->end(std::string("connect: ") + uv_strerror(status));
    state->start_after_connect();
  });
  if (rc < 0) return end(std::string("connect: ") + uv_strerror(rc));
  held.release();
}

void TcpStream::State::connection_stands() {
  connected = true;
  uv_tcp_nodelay(&uv, 1);
  uv_tcp_keepalive(&uv, 1, 5);  // s
  // Large and fixed where the system allows it: its own tuning begins small, and bulk data waits.
  uv_os_fd_t socket = -1;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(&uv), &socket) != 0) return;
  for (const int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, option, &kSocketBytes, sizeof kSocketBytes));
  }
}

void TcpStream::State::start_after_connect() {
  const auto keep = self;
  connection_stands();
  if (handlers.on_connected) loop->guard(handlers.on_connected);
  write_queued();
  if (!ended && !paused) read();
}

void TcpStream::State::read() {
  if (incoming.empty()) incoming.resize(handlers.place ? kReadAheadOfPlace : kReadBytes);
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto* state = static_cast<State*>(handle->data);
    state->reading_into =
        state->handlers.place ? state->handlers.place() : std::span<std::uint8_t>();
    state->placed = !state->reading_into.empty();
    if (state->placed) {
      state->between_places = true;
    } else {
      const std::span<std::uint8_t> all = state->incoming;
      state->reading_into = state->between_places ? all.first(kReadBetweenPlaces) : all;
    }
    buffer->base = reinterpret_cast<char*>(state->reading_into.data());
    buffer->len = state->reading_into.size();
  };
  const auto take = [](uv_stream_t* from, ssize_t count, const uv_buf_t*) {
    const std::shared_ptr<State> state = static_cast<State*>(from->data)->self;
    if (state->ended || count == 0) return;
    if (count == UV_EOF) return state->end("");
    if (count < 0) return state->end(std::string("read: ") + uv_strerror(static_cast<int>(count)));
    const std::span<const std::uint8_t> bytes =
        state->reading_into.first(static_cast<std::size_t>(count));
    const bool more = bytes.size() == state->reading_into.size();
    if (!state->placed && more) state->between_places = false;  // as of now; place() tells again
    if (state->handlers.on_data) state->loop->guard([&] { state->handlers.on_data(bytes); });
  };
  uv_read_start(stream(), allocate, take);  // already reading is fine
}

void TcpStream::State::enqueue(Queued next) {
  not_yet_sent += next.size();
  const bool soon = next.is_short() && not_yet_sent < kTogether;
  queue.push_back(std::move(next));
  if (connected) soon ? write_soon() : write_queued();
}

void TcpStream::State::write_soon() {
  uv_prepare_start(&before_waiting, [](uv_prepare_t* prepare) {
    uv_prepare_stop(prepare);
    const std::shared_ptr<State> state = static_cast<State*>(prepare->data)->self;
    state->write_queued();
  });
}

/// The first that waits, with those behind it that are short.
TcpStream::State::Queued TcpStream::State::next_queued() {
  Queued first = std::move(queue.front());
  queue.pop_front();
  std::vector<std::function<void()>> callbacks;
  if (first.is_short()) {  // once, not each time that it has grown too small
    std::size_t together = first.bytes.size();
    for (const Queued& next : queue) {
      if (!next.is_short() || together > kTogether) break;
      together += next.bytes.size();
    }
    first.bytes.reserve(together);
  }
  while (first.is_short() || !callbacks.empty()) {
    if (queue.empty() || !queue.front().is_short() || first.bytes.size() > kTogether) break;
    if (callbacks.empty()) callbacks.push_back(std::move(first.on_written));
    const Buffer& more = queue.front().bytes;
    const std::size_t had = first.bytes.size();
    // Not insert(), which goes byte by byte with this allocator.
    first.bytes.resize(had + more.size());
    std::memcpy(first.bytes.data() + had, more.data(), more.size());
    callbacks.push_back(std::move(queue.front().on_written));
    queue.pop_front();
  }
  if (callbacks.empty()) return first;
  first.on_written = [this, callbacks = std::move(callbacks)] {
    for (const auto& callback : callbacks) {
      if (!ended && callback) loop->guard(callback);
    }
  };
  return first;
}

/// In order: a piece of a file goes when all that was written before it is with the kernel, and
/// what comes behind it waits for its end.
void TcpStream::State::write_queued() {
  while (!ended && !sending_file && !queue.empty()) {
    Queued& next = queue.front();
    if (next.piece && writes > 0) return;  // the end of those calls again
    if (next.piece) {
      sending_file = true;
      return send_file(next_pieces());
    }
    Queued taken = next_queued();
    not_yet_sent -= taken.size();
    write(std::move(taken.bytes), std::move(taken.on_written));
  }
  const bool last = queue.empty() && closing_when_written;
  if (!ended && last && !std::exchange(shutting_down, true)) shut_down();
}

/// The first that waits and those right behind it, if they are small: to hand each to a thread by
/// itself would take longer than to send it. They stay in the queue, and count, until they are
/// sent.
std::shared_ptr<Sending> TcpStream::State::next_pieces() const {
  auto sending = std::make_shared<Sending>();
  std::size_t together = 0;
  for (const Queued& next : queue) {
    if (!next.piece || (together > 0 && together + next.size() > kPiecesTogether)) break;
    together += next.size();
    sending->parts.push_back({next.bytes, *next.piece});
  }
  return sending;
}

void TcpStream::State::send_file(std::shared_ptr<Sending> sending) {
  if (!socket_copy) {
    uv_os_fd_t socket = -1;
    EK_CHECK(uv_fileno(reinterpret_cast<uv_handle_t*>(&uv), &socket) == 0);
    socket_copy = std::make_shared<SocketCopy>(socket);
    if (socket_copy->fd < 0) return end("no descriptor is left to send a file with");
  }
  if (!work) work.emplace(*loop);
  work->run([sending, socket = socket_copy] { sending->go_on(socket->fd); },
            [keep = self, sending] { keep->sent(sending); });
}

void TcpStream::State::sent(const std::shared_ptr<Sending>& sending) {
  if (ended) return;
  if (sending->error != 0) return end(std::string("write: ") + uv_strerror(-sending->error));
  if (sending->short_file) return end("a file ended before what was to be sent of it");
  const std::size_t pieces = sending->parts.size();
  if (sending->next.empty()) return files_sent(pieces);
  write(std::move(sending->next),
        [this, sending, pieces] { sending->complete() ? files_sent(pieces) : send_file(sending); });
}

void TcpStream::State::files_sent(std::size_t count) {
  const auto keep = self;
  std::vector<Queued> done;
  for (; count > 0; --count) {
    not_yet_sent -= queue.front().size();
    done.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  sending_file = false;
  for (const Queued& each : done) {
    if (!ended && each.on_written) loop->guard(each.on_written);
  }
  write_queued();
}

void TcpStream::State::write(Buffer bytes, std::function<void()> on_written) {
  ++writes;
  auto held = hold<uv_write_t>(self);
  held->bytes = std::move(bytes);
  held->then = std::move(on_written);
  const uv_buf_t buffer = buffer_of(held->bytes);
  const int rc = uv_write(&held->uv, stream(), &buffer, 1, [](uv_write_t* request, int status) {
    const auto ended_request = take_back(request);
    auto* state = static_cast<State*>(ended_request->state.get());
    --state->writes;
    if (state->ended) return;
    if (status < 0) return state->end(std::string("write: ") + uv_strerror(status));
    if (ended_request->then) state->loop->guard(ended_request->then);
    if (!state->ended && state->writes == 0) state->write_queued();
  });
  EK_CHECK(rc == 0);  // the kernel's failures come by the callback
  held.release();
}

void TcpStream::State::shut_down() {
  auto held = hold<uv_shutdown_t>(self);
  const int rc = uv_shutdown(&held->uv, stream(), [](uv_shutdown_t* request, int status) {
    const auto ended_request = take_back(request);
    auto* state = static_cast<State*>(ended_request->state.get());
    if (!state->ended) state->end(status < 0 ? uv_strerror(status) : "");
  });
  if (rc < 0) return end(std::string("shutdown: ") + uv_strerror(rc));
  held.release();
}

/// What may not be said twice, and not to an owner that is gone.
void TcpStream::State::end(const std::string& why) {
  if (ended) return;
  const auto keep = self;
  close();
  if (owned && handlers.on_close) loop->guard([&] { handlers.on_close(why); });
}

void TcpStream::State::close() {
  if (ended) return;
  ended = true;
  queue.clear();
  not_yet_sent = 0;
  work.reset();
  if (counted_in) --*counted_in;
  const auto closed = [](uv_handle_t* handle) {
    auto* state = static_cast<State*>(handle->data);
    if (--state->handles_open == 0) state->self.reset();
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&before_waiting), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&uv), closed);
}

TcpStream::TcpStream(std::shared_ptr<State> state)
    : state_(new std::shared_ptr<State>(std::move(state))) {}

void TcpStream::Close::operator()(std::shared_ptr<State>* state) const {
  (*state)->owned = false;
  (*state)->close();
  delete state;
}

std::unique_ptr<TcpStream> TcpStream::connect(Loop& loop, const std::string& host_port,
                                              Handlers handlers) {
  auto state = State::make(loop);
  state->handlers = std::move(handlers);
  auto stream = std::unique_ptr<TcpStream>(new TcpStream(state));
  state->resolve(host_port);
  return stream;
}

void TcpStream::start(Handlers handlers) {
  State& state = **state_;
  EK_CHECK(!state.handlers.on_data);  // once, and not for streams made by connect()
  state.handlers = std::move(handlers);
  if (!state.ended && !state.paused) state.read();
}

void TcpStream::write(Buffer bytes, std::function<void()> on_written) {
  State& state = **state_;
  if (state.ended) return;
  EK_CHECK(!state.closing_when_written);
  state.enqueue({std::move(bytes), std::nullopt, std::move(on_written)});
}

void TcpStream::write_file(Buffer head, FilePiece piece, std::function<void()> on_written) {
  State& state = **state_;
  if (state.ended) return;
  EK_CHECK(!state.closing_when_written && piece.length > 0);
  state.enqueue({std::move(head), std::move(piece), std::move(on_written)});
}

std::size_t TcpStream::queued_bytes() const {
  State& state = **state_;
  return state.ended ? 0 : state.not_yet_sent + uv_stream_get_write_queue_size(state.stream());
}

void TcpStream::pause() {
  State& state = **state_;
  state.paused = true;
  if (!state.ended && state.connected) uv_read_stop(state.stream());
}

void TcpStream::resume() {
  State& state = **state_;
  state.paused = false;
  if (!state.ended && state.connected && state.handlers.on_data) state.read();
}

void TcpStream::close_when_written() {
  State& state = **state_;
  if (std::exchange(state.closing_when_written, true) || state.ended) return;
  if (state.connected) state.write_queued();
}

std::string TcpStream::peer() const {
  State& state = **state_;
  sockaddr_storage address{};
  int size = sizeof address;
  if (state.ended || uv_tcp_getpeername(&state.uv, reinterpret_cast<sockaddr*>(&address), &size))
    return "";
  return text_of(address);
}

struct TcpListener::State {
  uv_tcp_t uv;
  Loop* loop;
  OnAccept on_accept;
  std::size_t connections_max;
  std::shared_ptr<std::size_t> connections = std::make_shared<std::size_t>(0);
  std::uint64_t refused = 0;
};

TcpListener::TcpListener(Loop& loop, const Settings& settings, OnAccept on_accept)
    : state_(nullptr) {
  const auto check = [&](int rc) {
    if (rc < 0) {
      throw std::runtime_error("cannot listen on " + settings.host_port + ": " + uv_strerror(rc));
    }
  };
  const auto parts = split(settings.host_port);
  check(parts ? 0 : UV_EINVAL);
  const addrinfo hints = stream_hints();
  uv_getaddrinfo_t resolving;
  check(uv_getaddrinfo(loop.handle(), &resolving, nullptr, parts->host.c_str(), parts->port.c_str(),
                       &hints));
  const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> found(resolving.addrinfo,
                                                                    &uv_freeaddrinfo);
  auto state =
      std::unique_ptr<State>(new State{{}, &loop, std::move(on_accept), settings.connections_max});
  check(uv_tcp_init(loop.handle(), &state->uv));
  state_.reset(state.release());
  state_->uv.data = state_.get();
  check(uv_tcp_bind(&state_->uv, preferred(found.get())->ai_addr, 0));
  check(uv_listen(reinterpret_cast<uv_stream_t*>(&state_->uv), settings.backlog,
                  [](uv_stream_t* uv, int status) {
                    if (status == 0) accept(*static_cast<State*>(uv->data));
                  }));
}

TcpListener::~TcpListener() = default;

void TcpListener::accept(State& state) {
  auto stream = TcpStream::State::make(*state.loop);
  auto owner = std::unique_ptr<TcpStream>(new TcpStream(stream));
  if (uv_accept(reinterpret_cast<uv_stream_t*>(&state.uv), stream->stream()) < 0) return;
  if (*state.connections >= state.connections_max) {
    ++state.refused;
    return;
  }
  ++*state.connections;
  stream->counted_in = state.connections;
  stream->connection_stands();
  state.loop->guard([&] { state.on_accept(std::move(owner)); });
}

std::uint16_t TcpListener::port() const {
  sockaddr_storage address{};
  int size = sizeof address;
  EK_CHECK(uv_tcp_getsockname(&state_->uv, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto port = address.ss_family == AF_INET6
                        ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                        : reinterpret_cast<sockaddr_in*>(&address)->sin_port;
  return ntohs(port);
}

std::size_t TcpListener::connections() const {
  return *state_->connections;
}

std::uint64_t TcpListener::refused() const {
  return state_->refused;
}

}  // namespace evenkeel
