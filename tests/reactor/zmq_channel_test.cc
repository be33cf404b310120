#include "common/reactor/zmq_channel.h"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/reactor/sockets.h"
#include "tests/reactor/watchdog.h"

namespace evenkeel {
namespace {

constexpr int kUnbounded = 0;

/// A DEALER and a ROUTER that speak over TCP, as services do.
struct Pair {
  zmq::context_t context;
  zmq::socket_t router = make_router(context, {.endpoint = "tcp://127.0.0.1:*",
                                               .attach = Attach::kBind,
                                               .send_queue_messages = kUnbounded,
                                               .receive_queue_messages = kUnbounded});
  zmq::socket_t dealer = make_dealer(context, {.endpoint = bound_endpoint(router),
                                               .send_queue_messages = kUnbounded,
                                               .receive_queue_messages = kUnbounded});
};

std::string text(const Frames& frames, std::size_t index) {
  return std::string(bytes_of(frames.at(index)));
}

TEST(ZmqChannel, NoMessageIsLostOrOutOfOrderHoweverMuchIsSentMeanwhile) {
  constexpr int kEarly = 10, kMessages = 100'000, kWindow = 500;
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  // What came in before the descriptor was watched does not ring it.
  for (int i = 0; i < kEarly; ++i) pair.dealer.send(zmq::buffer(std::to_string(i)));

  int echoed = 0;
  ZmqChannel server(loop, std::move(pair.router), [&](Frames&& frames) {
    ASSERT_EQ(text(frames, 1), std::to_string(echoed++));
    ASSERT_EQ(server.send(std::move(frames)), Sent::kTaken);  // uses up edges of what comes in
  });
  int sent = kEarly, received = 0;
  ZmqChannel client(loop, std::move(pair.dealer), [&](Frames&& frames) {
    ASSERT_EQ(text(frames, 0), std::to_string(received++));
    if (received == kMessages) loop.stop();
  });
  Timer feed(loop, [&] {  // sends from outside the handlers, where no drain follows by itself
    for (; sent < kMessages && sent - received < kWindow; ++sent) {
      ASSERT_EQ(client.send({std::to_string(sent)}), Sent::kTaken);
    }
  });
  feed.start(Duration(0), Duration(1));
  loop.run();
  EXPECT_EQ(echoed, kMessages);
  EXPECT_EQ(received, kMessages);
}

TEST(ZmqChannel, AnAnswerToEachMessageNeedsNoTimerToGoOn) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  int rounds = 0;
  ZmqChannel server(loop, std::move(pair.router), [&](Frames&& frames) {
    EXPECT_EQ(server.send(std::move(frames)), Sent::kTaken);
  });
  ZmqChannel client(loop, std::move(pair.dealer), [&](Frames&& frames) {
    if (++rounds == 5000) return loop.stop();
    EXPECT_EQ(client.send(std::move(frames)), Sent::kTaken);
  });
  EXPECT_EQ(client.send({"a", "", "c"}), Sent::kTaken);
  loop.run();
  EXPECT_EQ(rounds, 5000);
}

TEST(ZmqChannel, AFloodDoesNotStarveTimersNorTheOtherSocket) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair flooded, other;
  int ticks = 0, flood = 0, answers = 0;
  const auto stop_when_all_were_served = [&] {
    if (ticks >= 20 && answers >= 20 && flood >= 20) loop.stop();
  };
  // Each message taken brings two more, so there is never a turn without any.
  ZmqChannel sink(loop, std::move(flooded.router), [&](Frames&&) { ++flood; },
                  {.messages_per_turn = 16});
  ZmqChannel source(loop, std::move(flooded.dealer), [](Frames&&) {});
  int queued = 0;
  Timer pump(loop, [&] {
    for (; queued - flood < 20'000; ++queued) EXPECT_EQ(source.send({"flood"}), Sent::kTaken);
  });
  pump.start(Duration(0), Duration(1));
  ZmqChannel server(loop, std::move(other.router), [&](Frames&& frames) {
    EXPECT_EQ(server.send(std::move(frames)), Sent::kTaken);
  });
  ZmqChannel client(loop, std::move(other.dealer), [&](Frames&& frames) {
    ++answers;
    stop_when_all_were_served();
    EXPECT_EQ(client.send(std::move(frames)), Sent::kTaken);
  });
  EXPECT_EQ(client.send({"ping"}), Sent::kTaken);
  Timer tick(loop, [&] {
    ++ticks;
    stop_when_all_were_served();
  });
  tick.start(Duration(1), Duration(1));
  loop.run();
  EXPECT_GE(ticks, 20);
  EXPECT_GE(answers, 20);
}

TEST(ZmqChannel, TakesNoMoreInOneTurnThanItsLimit) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  for (int i = 0; i < 100; ++i) pair.dealer.send(zmq::str_buffer("x"));
  int in_turn = 0, most = 0, all = 0;
  struct Begin {
    uv_prepare_t uv;
    int* in_turn;
  };
  UvOwner<Begin> begin(new Begin{{}, &in_turn});
  uv_prepare_init(loop.handle(), &begin->uv);
  begin->uv.data = begin.get();
  uv_prepare_start(&begin->uv,
                   [](uv_prepare_t* uv) { *static_cast<Begin*>(uv->data)->in_turn = 0; });
  ZmqChannel channel(loop, std::move(pair.router),
                     [&](Frames&&) {
                       most = std::max(most, ++in_turn);
                       if (++all == 100) loop.stop();
                     },
                     {.messages_per_turn = 7});
  loop.run();
  EXPECT_EQ(all, 100);
  EXPECT_LE(most, 7);
}

TEST(ZmqChannel, MayBeDestroyedInItsOwnHandler) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  for (int i = 0; i < 10; ++i) pair.dealer.send(zmq::str_buffer("x"));
  int received = 0;
  std::unique_ptr<ZmqChannel> channel;
  channel = std::make_unique<ZmqChannel>(loop, std::move(pair.router), [&](Frames&&) {
    ++received;
    channel.reset();
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(received, 1);
}

TEST(ZmqChannel, WhatAHandlerThrowsComesOutOfTheLoop) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  pair.dealer.send(zmq::str_buffer("x"));
  ZmqChannel channel(loop, std::move(pair.router),
                     [](Frames&&) { throw std::runtime_error("handler"); });
  EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(ZmqChannel, AMessageOfTooManyFramesIsDroppedAndTheNextIsNot) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  Frames got;
  ZmqChannel server(loop, std::move(pair.router),
                    [&](Frames&& frames) {
                      got = std::move(frames);
                      loop.stop();
                    },
                    {.frames_per_message = 3});
  ZmqChannel client(loop, std::move(pair.dealer), [](Frames&&) {});
  EXPECT_EQ(client.send({"1", "2", "3"}), Sent::kTaken);  // and the frame that names the peer
  EXPECT_EQ(client.send({"1", "2"}), Sent::kTaken);
  loop.run();
  EXPECT_EQ(server.refused(), 1u);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(text(got, 2), "2");
}

TEST(ZmqChannel, FramesAreKeptApart) {
  Loop loop;
  const Watchdog watchdog(loop);
  Pair pair;
  std::vector<std::string> got;
  ZmqChannel server(loop, std::move(pair.router), [&](Frames&& frames) {
    for (const auto& frame : frames) got.emplace_back(bytes_of(frame));
    loop.stop();
  });
  ZmqChannel client(loop, std::move(pair.dealer), [](Frames&&) {});
  EXPECT_EQ(client.send({"a", "", std::string_view("\0z", 2)}), Sent::kTaken);
  loop.run();
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[1], "a");
  EXPECT_EQ(got[2], "");
  EXPECT_EQ(got[3], std::string("\0z", 2));
}

}  // namespace
}  // namespace evenkeel
