#include "common/reactor/tcp.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/reactor/watchdog.h"

namespace evenkeel {
namespace {

constexpr std::size_t kMiB = 1 << 20;

std::string address_of(const TcpListener& listener) {
  return "127.0.0.1:" + std::to_string(listener.port());
}

Buffer bytes_of_text(const std::string& text) {
  return Buffer(text.begin(), text.end());
}

/// Answers with what it gets, and takes no more while much of that is unsent.
class Echo {
 public:
  explicit Echo(Loop& loop, std::size_t connections_max = 256)
      : listener(loop, {.host_port = "127.0.0.1:0", .connections_max = connections_max},
                 [this](std::unique_ptr<TcpStream> stream) { serve(std::move(stream)); }) {}

  TcpListener listener;
  std::size_t most_queued = 0;
  std::size_t paused = 0;
  std::vector<std::string> ends;

 private:
  void serve(std::unique_ptr<TcpStream> accepted) {
    TcpStream* stream = accepted.get();
    streams_.push_back(std::move(accepted));
    stream->start({
        .on_connected = {},
        .on_data =
            [this, stream](std::span<const std::uint8_t> bytes) {
              stream->write(Buffer(bytes.begin(), bytes.end()), [stream] {
                if (stream->queued_bytes() < kMiB / 2) stream->resume();
              });
              most_queued = std::max(most_queued, stream->queued_bytes());
              if (stream->queued_bytes() > kMiB) {
                stream->pause();
                ++paused;
              }
            },
        .on_close = [this](const std::string& why) { ends.push_back(why); },
    });
  }
  std::vector<std::unique_ptr<TcpStream>> streams_;
};

TEST(Tcp, EchoesMuchWithLittleInMemory) {
  constexpr std::size_t kAll = 64 * kMiB;
  Loop loop;
  const Watchdog watchdog(loop);
  Echo echo(loop);
  Rng rng(1);
  Buffer sent(kAll);
  for (std::size_t i = 0; i + 8 <= kAll; i += 8) {
    const std::uint64_t word = rng.next();
    std::memcpy(&sent[i], &word, 8);
  }
  std::size_t received = 0;
  bool same = true;
  std::unique_ptr<TcpStream> client;
  client = TcpStream::connect(loop, address_of(echo.listener),
                              {
                                  .on_connected = {},
                                  .on_data =
                                      [&](std::span<const std::uint8_t> bytes) {
                                        same = same && std::equal(bytes.begin(), bytes.end(),
                                                                  &sent[received]);
                                        received += bytes.size();
                                        if (received == kAll) loop.stop();
                                      },
                                  .on_close = [&](const std::string& why) { ADD_FAILURE() << why; },
                              });
  client->pause();  // so that the other side has to hold back
  client->write(sent);
  EXPECT_EQ(client->queued_bytes(), kAll);
  Timer until_held_back(loop, [&] {
    if (echo.paused > 0) client->resume();
  });
  until_held_back.start(Duration(1), Duration(1));
  loop.run();
  EXPECT_EQ(received, kAll);
  EXPECT_TRUE(same);
  EXPECT_GT(echo.paused, 0u);
  EXPECT_LT(echo.most_queued, 2 * kMiB);
  EXPECT_EQ(client->queued_bytes(), 0u);
}

TEST(Tcp, ConnectsByName) {
  Loop loop;
  const Watchdog watchdog(loop);
  Echo echo(loop);
  std::string got;
  auto client = TcpStream::connect(loop, "localhost:" + std::to_string(echo.listener.port()),
                                   {
                                       .on_connected = {},
                                       .on_data =
                                           [&](std::span<const std::uint8_t> bytes) {
                                             got.assign(bytes.begin(), bytes.end());
                                             loop.stop();
                                           },
                                       .on_close = {},
                                   });
  client->write(bytes_of_text("hello"));
  loop.run();
  EXPECT_EQ(got, "hello");
  EXPECT_EQ(client->peer(), address_of(echo.listener));
}

TEST(Tcp, FailuresComeByOnCloseAndFromTheLoop) {
  Loop loop;
  const Watchdog watchdog(loop);
  std::string closed_port;
  {
    const TcpListener gone(loop, {.host_port = "127.0.0.1:0"}, [](auto) {});
    closed_port = address_of(gone);
  }
  struct Case {
    std::string address;
    const char* why;
  };
  const Case cases[] = {
      {closed_port, "connect: connection refused"},
      {"127.0.0.1", "not an address"},
      {"127.0.0.1:", "not an address"},
      {":80", "not an address"},
      {"127.0.0.1:99999", "not an address"},
      {"", "not an address"},
      {std::string(5000, 'x') + ":80", "not an address"},
  };
  for (const auto& [address, why] : cases) {
    std::string got;
    const auto client = TcpStream::connect(loop, address,
                                           {.on_connected = [] { ADD_FAILURE(); },
                                            .on_data = {},
                                            .on_close =
                                                [&](const std::string& text) {
                                                  got = text;
                                                  loop.stop();
                                                }});
    client->write(bytes_of_text("never sent"));
    EXPECT_EQ(got, "");
    loop.run();
    EXPECT_EQ(got, why) << address.substr(0, 40);
    EXPECT_EQ(client->queued_bytes(), 0u);
    EXPECT_EQ(client->peer(), "");
  }
}

TEST(Tcp, AListenerThatCannotListenNamesTheAddress) {
  Loop loop;
  const TcpListener holder(loop, {.host_port = "127.0.0.1:0"}, [](auto) {});
  for (const std::string& address : {address_of(holder), std::string("nonsense")}) {
    try {
      const TcpListener second(loop, {.host_port = address}, [](auto) {});
      ADD_FAILURE() << address;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()).rfind("cannot listen on " + address + ": ", 0), 0u);
    }
  }
}

TEST(Tcp, EndsInOrderWhenAllIsWritten) {
  Loop loop;
  const Watchdog watchdog(loop);
  std::size_t received = 0;
  std::string peer_end = "none", own_end = "none";
  std::unique_ptr<TcpStream> server;
  const TcpListener listener(loop, {.host_port = "127.0.0.1:0"}, [&](auto stream) {
    server = std::move(stream);
    server->start({
        .on_connected = {},
        .on_data = [&](std::span<const std::uint8_t> bytes) { received += bytes.size(); },
        .on_close =
            [&](const std::string& why) {
              peer_end = why;
              loop.stop();
            },
    });
  });
  bool written = false;
  auto client = TcpStream::connect(
      loop, address_of(listener),
      {.on_connected = {}, .on_data = {}, .on_close = [&](const auto& why) { own_end = why; }});
  client->write(Buffer(5 * kMiB), [&] { written = true; });
  client->close_when_written();
  loop.run();
  EXPECT_EQ(received, 5 * kMiB);
  EXPECT_EQ(peer_end, "");
  EXPECT_EQ(own_end, "");
  EXPECT_TRUE(written);
  client->write({});  // after the end: nothing
}

TEST(Tcp, MayBeDestroyedInAnyOfItsCallbacks) {
  enum Where { kConnected, kData, kWritten, kClosed, kAtOnce };
  for (const Where where : {kConnected, kData, kWritten, kClosed, kAtOnce}) {
    Loop loop;
    const Watchdog watchdog(loop);
    Echo echo(loop);
    std::unique_ptr<TcpStream> client;
    bool called_after = false;
    const auto at = [&](Where here) {
      called_after = called_after || !client;
      if (here != where) return;
      client.reset();
      loop.stop();
    };
    client = TcpStream::connect(loop, address_of(echo.listener),
                                {.on_connected = [&] { at(kConnected); },
                                 .on_data = [&](auto) { at(kData); },
                                 .on_close = [&](const auto&) { at(kClosed); }});
    client->write(bytes_of_text("x"), [&] { at(kWritten); });
    if (where == kClosed) client->close_when_written();
    if (where == kAtOnce) at(kAtOnce);
    loop.run();
    EXPECT_EQ(client, nullptr) << where;
    // The other end notices, so all callbacks that are under way have come by then.
    Timer until_noticed(loop, [&] {
      if (echo.listener.connections() == 0) loop.stop();
    });
    until_noticed.start(Duration(1), Duration(1));
    loop.run();
    EXPECT_FALSE(called_after) << where;
  }
}

TEST(Tcp, AHandlersExceptionComesOutOfTheLoop) {
  Loop loop;
  const Watchdog watchdog(loop);
  Echo echo(loop);
  auto client = TcpStream::connect(
      loop, address_of(echo.listener),
      {.on_connected = [] { throw std::runtime_error("no"); }, .on_data = {}, .on_close = {}});
  EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(Tcp, OneConnectionTooManyIsClosedAndALaterOneIsNot) {
  Loop loop;
  const Watchdog watchdog(loop);
  Echo echo(loop, 2);
  std::vector<std::unique_ptr<TcpStream>> clients;
  int connected = 0, closed = 0, echoed = 0;
  const auto connect = [&] {
    clients.push_back(TcpStream::connect(loop, address_of(echo.listener),
                                         {.on_connected = [&] { ++connected; },
                                          .on_data =
                                              [&](auto) {
                                                ++echoed;
                                                loop.stop();
                                              },
                                          .on_close =
                                              [&](const auto&) {
                                                ++closed;
                                                loop.stop();
                                              }}));
  };
  for (int i = 0; i < 3; ++i) connect();
  loop.run();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(echo.listener.refused(), 1u);
  EXPECT_EQ(echo.listener.connections(), 2u);
  clients.clear();
  Timer until_gone(loop, [&] {
    if (echo.listener.connections() == 0) loop.stop();
  });
  until_gone.start(Duration(1), Duration(1));
  loop.run();
  until_gone.stop();
  connect();
  clients.back()->write(bytes_of_text("x"));
  loop.run();
  EXPECT_EQ(echoed, 1);
}

}  // namespace
}  // namespace evenkeel
