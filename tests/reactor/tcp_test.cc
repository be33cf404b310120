#include "common/reactor/tcp.h"

#include <algorithm>
#include <cstdio>
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

/// A file of a test's own, whose name is gone already.
struct NamelessFile {
  explicit NamelessFile(const Buffer& bytes) : file(std::tmpfile()) {
    EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
    EXPECT_EQ(std::fflush(file), 0);
  }
  ~NamelessFile() { std::fclose(file); }
  int descriptor() const { return ::fileno(file); }
  std::FILE* file;
};

Buffer drawn_bytes(std::size_t count) {
  Rng rng(count);
  Buffer bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

TEST(Tcp, PiecesOfFilesAndBytesArriveInTheOrderInWhichTheyWereGiven) {
  constexpr std::size_t kAll = 24 * kMiB;
  Loop loop;
  const Watchdog watchdog(loop);
  const Buffer content = drawn_bytes(kAll);
  const auto file = std::make_shared<NamelessFile>(content);
  std::unique_ptr<TcpStream> server;
  int written = 0;
  Buffer expected;
  TcpListener listener(loop, {"127.0.0.1:0"}, [&](std::unique_ptr<TcpStream> accepted) {
    server = std::move(accepted);
    std::size_t queued = 0;
    for (std::size_t at = 0, size = 1; at < kAll; at += size, size = size * 3 + 1) {
      const std::size_t length = std::min(size, kAll - at);
      const Buffer head = bytes_of_text("head " + std::to_string(at));
      const Buffer tail = bytes_of_text("tail " + std::to_string(at));
      expected.insert(expected.end(), head.begin(), head.end());
      expected.insert(expected.end(), content.begin() + static_cast<std::ptrdiff_t>(at),
                      content.begin() + static_cast<std::ptrdiff_t>(at + length));
      expected.insert(expected.end(), tail.begin(), tail.end());
      server->write_file(head, {file->descriptor(), file, at, length}, [&] { ++written; });
      server->write(tail, [&] { ++written; });
      queued += head.size() + length + tail.size();
      EXPECT_EQ(server->queued_bytes(), queued);
    }
    server->close_when_written();
  });
  Buffer received;
  std::string why = "not closed";
  auto client =
      TcpStream::connect(loop, address_of(listener),
                         {
                             .on_connected = {},
                             .on_data =
                                 [&](std::span<const std::uint8_t> bytes) {
                                   received.insert(received.end(), bytes.begin(), bytes.end());
                                 },
                             .on_close =
                                 [&](const std::string& end) {
                                   why = end;
                                   loop.stop();
                                 },
                         });
  client->pause();  // longer than the kernel has room: the file has to wait in the middle
  Timer until_it_waits(loop, [&] { client->resume(); });
  until_it_waits.start(Duration(100));
  loop.run();
  EXPECT_EQ(why, "");
  EXPECT_TRUE(received == expected);
  EXPECT_GT(written, 20);
  EXPECT_EQ(server->queued_bytes(), 0U);
}

TEST(Tcp, ManySmallPiecesArriveInTheirOrderThoughTheReaderWaits) {
  constexpr std::size_t kPieces = 1500, kSize = 20'000;
  Loop loop;
  const Watchdog watchdog(loop);
  const Buffer content = drawn_bytes(kPieces * kSize);
  const auto file = std::make_shared<NamelessFile>(content);
  std::unique_ptr<TcpStream> server;
  std::size_t written = 0;
  Buffer expected;
  TcpListener listener(loop, {"127.0.0.1:0"}, [&](std::unique_ptr<TcpStream> accepted) {
    server = std::move(accepted);
    for (std::size_t i = 0; i < kPieces; ++i) {
      const Buffer head = bytes_of_text("head " + std::to_string(i));
      expected.insert(expected.end(), head.begin(), head.end());
      expected.insert(expected.end(), content.begin() + static_cast<std::ptrdiff_t>(i * kSize),
                      content.begin() + static_cast<std::ptrdiff_t>((i + 1) * kSize));
      server->write_file(head, {file->descriptor(), file, i * kSize, kSize}, [&, i] {
        EXPECT_EQ(written, i);
        ++written;
      });
    }
    server->close_when_written();
  });
  Buffer received;
  auto client =
      TcpStream::connect(loop, address_of(listener),
                         {
                             .on_connected = {},
                             .on_data =
                                 [&](std::span<const std::uint8_t> bytes) {
                                   received.insert(received.end(), bytes.begin(), bytes.end());
                                 },
                             .on_close = [&](const std::string&) { loop.stop(); },
                         });
  client->pause();  // more than the kernel has room for: some piece has to wait in its middle
  Timer until_it_waits(loop, [&] { client->resume(); });
  until_it_waits.start(Duration(100));
  loop.run();
  EXPECT_TRUE(received == expected);
  EXPECT_EQ(written, kPieces);
}

TEST(Tcp, AFileThatEndsTooEarlyEndsTheConnection) {
  Loop loop;
  const Watchdog watchdog(loop);
  const auto file = std::make_shared<NamelessFile>(drawn_bytes(1000));
  std::unique_ptr<TcpStream> server;
  std::string why;
  TcpListener listener(loop, {"127.0.0.1:0"}, [&](std::unique_ptr<TcpStream> accepted) {
    server = std::move(accepted);
    server->start({.on_connected = {},
                   .on_data = [](auto) {},
                   .on_close =
                       [&](const auto& end) {
                         why = end;
                         loop.stop();
                       }});
    server->write_file(bytes_of_text("head"), {file->descriptor(), file, 0, 1001});
  });
  auto client = TcpStream::connect(loop, address_of(listener),
                                   {.on_connected = {}, .on_data = [](auto) {}, .on_close = {}});
  loop.run();
  EXPECT_NE(why.find("file"), std::string::npos) << why;
}

TEST(Tcp, AReaderThatGoesInTheMiddleOfAFileIsNoDeath) {
  Loop loop;
  const Watchdog watchdog(loop);
  const auto file = std::make_shared<NamelessFile>(drawn_bytes(32 * kMiB));
  std::unique_ptr<TcpStream> server, client;
  TcpListener listener(loop, {"127.0.0.1:0"}, [&](std::unique_ptr<TcpStream> accepted) {
    server = std::move(accepted);
    server->start({.on_connected = {},
                   .on_data = [](auto) {},
                   .on_close = [&](const auto&) { loop.stop(); }});
    for (int i = 0; i < 4; ++i) server->write_file({}, {file->descriptor(), file, 0, 32 * kMiB});
  });
  client = TcpStream::connect(
      loop, address_of(listener),
      {.on_connected = {}, .on_data = [&](auto) { client.reset(); }, .on_close = {}});
  loop.run();
  EXPECT_FALSE(client);
}

TEST(Tcp, BytesGoWhereTheyHaveAPlace) {
  constexpr std::size_t kAll = 3 * kMiB;
  Loop loop;
  const Watchdog watchdog(loop);
  const Buffer sent = drawn_bytes(kAll);
  std::unique_ptr<TcpStream> server;
  TcpListener listener(loop, {"127.0.0.1:0"}, [&](std::unique_ptr<TcpStream> accepted) {
    server = std::move(accepted);
    server->write(sent);
  });
  Buffer place(kAll);
  std::size_t had = 0;
  bool in_place = true;
  auto client = TcpStream::connect(loop, address_of(listener),
                                   {.on_connected = {},
                                    .on_data =
                                        [&](std::span<const std::uint8_t> bytes) {
                                          in_place = in_place && bytes.data() == &place[had];
                                          had += bytes.size();
                                          if (had == kAll) loop.stop();
                                        },
                                    .place = [&] { return std::span(place).subspan(had); },
                                    .on_close = {}});
  loop.run();
  EXPECT_TRUE(in_place);
  EXPECT_TRUE(place == sent);
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
