#include "common/reactor/sockets.h"

#include <functional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/reactor/tcp.h"
#include "common/reactor/zmq_channel.h"
#include "tests/reactor/watchdog.h"

namespace evenkeel {
namespace {

SocketSettings bind_anywhere() {
  return {.endpoint = "tcp://127.0.0.1:*", .attach = Attach::kBind};
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

void ignore(Frames&&) {}

TEST(Sockets, FailuresToBindNameTheEndpoint) {
  zmq::context_t context;
  const zmq::socket_t holder = make_router(context, bind_anywhere());
  const std::string taken = bound_endpoint(holder);
  EXPECT_EQ(taken.rfind("tcp://127.0.0.1:", 0), 0u) << taken;
  EXPECT_EQ(error_of([&] { make_pub(context, {.endpoint = taken, .attach = Attach::kBind}); }),
            "cannot bind " + taken + ": Address already in use");
  EXPECT_EQ(error_of([&] { make_dealer(context, {.endpoint = "nonsense"}); }),
            "cannot connect to nonsense: Invalid argument");
}

TEST(Sockets, ARouterSaysThatThereIsNoSuchPeer) {
  Loop loop;
  zmq::context_t context;
  ZmqChannel router(loop, make_router(context, bind_anywhere()), ignore);
  EXPECT_EQ(router.send({"nobody", "x"}), Sent::kUnreachable);
}

TEST(Sockets, ARouterSaysThatAPeersQueueIsFull) {
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  SocketSettings settings = bind_anywhere();
  settings.send_queue_messages = 5;
  std::string peer;
  ZmqChannel router(loop, make_router(context, settings), [&](Frames&& frames) {
    peer = bytes_of(frames[0]);
    loop.stop();
  });
  zmq::socket_t deaf = make_dealer(
      context, {.endpoint = router.endpoint(), .receive_queue_messages = 5, .routing_id = "deaf"});
  deaf.send(zmq::str_buffer("hello"));
  loop.run();
  EXPECT_EQ(peer, "deaf");
  const std::string payload(1'000'000, 'x');  // more than the kernel keeps in between
  Sent last = Sent::kTaken;
  for (int i = 0; i < 1000 && last == Sent::kTaken; ++i) last = router.send({peer, payload});
  EXPECT_EQ(last, Sent::kFull);
}

TEST(Sockets, ADealerWithoutAPeerFillsItsQueueAndSaysSo) {
  Loop loop;
  zmq::context_t context;
  ZmqChannel dealer(loop,
                    make_dealer(context, {.endpoint = "tcp://127.0.0.1:1",
                                          .send_queue_messages = 3,
                                          .linger = Duration(0)}),
                    ignore);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dealer.send({"x"}), Sent::kTaken);
  EXPECT_EQ(dealer.send({"x"}), Sent::kFull);
}

TEST(Sockets, APeerThatComesAgainTakesItsNameOver) {
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  std::string last;
  ZmqChannel router(loop, make_router(context, bind_anywhere()), [&](Frames&& frames) {
    last = bytes_of(frames[1]);
    loop.stop();
  });
  const SocketSettings settings{.endpoint = router.endpoint(), .routing_id = "s1"};
  zmq::socket_t first = make_dealer(context, settings);
  first.send(zmq::str_buffer("first"));
  loop.run();
  EXPECT_EQ(last, "first");
  bool answered = false;
  ZmqChannel second(loop, make_dealer(context, settings), [&](Frames&&) {
    answered = true;
    loop.stop();
  });
  EXPECT_EQ(second.send({"second"}), Sent::kTaken);
  loop.run();
  EXPECT_EQ(last, "second");
  EXPECT_EQ(router.send({"s1", "hello"}), Sent::kTaken);
  loop.run();
  EXPECT_TRUE(answered);
}

TEST(Sockets, AnXpubSeesEachSubscriptionAndReachesItsTopicOnly) {
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  int subscriptions = 0;
  ZmqChannel xpub(loop, make_xpub(context, bind_anywhere()), [&](Frames&& frames) {
    EXPECT_EQ(bytes_of(frames[0]), "\1s1");
    if (++subscriptions < 2) return;
    // A late joiner is known by its subscription: from here on it misses nothing.
    EXPECT_EQ(xpub.send({"s2", "for another"}), Sent::kTaken);
    EXPECT_EQ(xpub.send({"s1", "for both"}), Sent::kTaken);
  });
  int received = 0;
  const auto take = [&](Frames&& frames) {
    EXPECT_EQ(bytes_of(frames[1]), "for both");
    if (++received == 2) loop.stop();
  };
  const SocketSettings settings{.endpoint = xpub.endpoint(), .topics = {"s1"}};
  const ZmqChannel first(loop, make_sub(context, settings), take);
  const ZmqChannel second(loop, make_sub(context, settings), take);
  loop.run();
  EXPECT_EQ(subscriptions, 2);  // not swallowed as a repetition
  EXPECT_EQ(received, 2);
}

TEST(Sockets, WhatIsPublishedBeforeASubscriptionIsLost) {
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  ZmqChannel xpub(loop, make_xpub(context, bind_anywhere()),
                  [&](Frames&&) { EXPECT_EQ(xpub.send({"late"}), Sent::kTaken); });
  EXPECT_EQ(xpub.send({"early"}), Sent::kTaken);
  std::string got;
  const ZmqChannel sub(loop, make_sub(context, {.endpoint = xpub.endpoint(), .topics = {""}}),
                       [&](Frames&& frames) {
                         got = bytes_of(frames[0]);
                         loop.stop();
                       });
  loop.run();
  EXPECT_EQ(got, "late");
}

TEST(Sockets, APublisherDropsForASlowSubscriberInsteadOfWaiting) {
  constexpr int kMessages = 2000;
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  SocketSettings settings = bind_anywhere();
  settings.send_queue_messages = 10;
  ZmqChannel xpub(loop, make_xpub(context, settings), [&](Frames&&) { loop.stop(); });
  zmq::socket_t slow = make_sub(
      context, {.endpoint = xpub.endpoint(), .receive_queue_messages = 10, .topics = {""}});
  loop.run();
  const std::string payload(100'000, 'x');
  for (int i = 0; i < kMessages; ++i) EXPECT_EQ(xpub.send({payload}), Sent::kTaken);
  int received = 0;
  for (zmq::message_t message; slow.recv(message); ++received) {
    slow.set(zmq::sockopt::rcvtimeo, 500);  // the first comes for certain, then there is no last
  }
  EXPECT_GT(received, 0);
  EXPECT_LT(received, kMessages);
}

TEST(Sockets, AFrameThatIsTooLongCostsItsSenderTheConnectionAndNobodyElse) {
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  SocketSettings settings = bind_anywhere();
  settings.frame_max = 1_KiB;
  std::vector<std::string> from_good, from_bad;
  ZmqChannel router(loop, make_router(context, settings), [&](Frames&& frames) {
    auto& got = bytes_of(frames[0]) == "good" ? from_good : from_bad;
    got.emplace_back(bytes_of(frames[1]));
    if (got.back() == "again" && !from_good.empty()) loop.stop();
  });
  const SocketSettings as_good{.endpoint = router.endpoint(), .routing_id = "good"};
  const SocketSettings as_bad{.endpoint = router.endpoint(), .routing_id = "bad"};
  ZmqChannel good(loop, make_dealer(context, as_good), ignore);
  ZmqChannel bad(loop, make_dealer(context, as_bad), ignore);
  EXPECT_EQ(bad.send({std::string(1024, 'x')}), Sent::kTaken);
  EXPECT_EQ(bad.send({std::string(1025, 'x')}), Sent::kTaken);
  int sent = 0;
  Timer more(loop, [&] {
    EXPECT_EQ(good.send({std::to_string(sent++)}), Sent::kTaken);
    EXPECT_EQ(bad.send({"again"}), Sent::kTaken);  // comes over a new connection
  });
  more.start(Duration(1), Duration(1));
  loop.run();
  ASSERT_GE(from_bad.size(), 2u);
  EXPECT_EQ(from_bad[0], std::string(1024, 'x'));
  EXPECT_EQ(from_bad[1], "again");
  for (std::size_t i = 0; i < from_good.size(); ++i) EXPECT_EQ(from_good[i], std::to_string(i));
}

TEST(Sockets, GarbageOnThePortDoesNotHarmAGoodPeer) {
  constexpr int kStrangers = 100;
  Loop loop;
  const Watchdog watchdog(loop);
  zmq::context_t context;
  int answered = 0, gone = 0;
  ZmqChannel router(loop, make_router(context, bind_anywhere()), [&](Frames&& frames) {
    // Old protocols have no signature, so garbage may come through as a message. Answering it is
    // harmless, if the answer is allowed to fail.
    const Sent sent = router.send(std::move(frames));
    EXPECT_NE(sent, Sent::kFull);
  });
  ZmqChannel good(loop, make_dealer(context, {.endpoint = router.endpoint(), .routing_id = "good"}),
                  [&](Frames&& frames) {
                    EXPECT_EQ(bytes_of(frames[0]), "ping");
                    ++answered;
                    if (gone == kStrangers && answered >= 10) return loop.stop();
                    EXPECT_EQ(good.send(std::move(frames)), Sent::kTaken);
                  });
  EXPECT_EQ(good.send({"ping"}), Sent::kTaken);
  const std::string garbage[] = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
      std::string(300, '\xff'),
      std::string("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL", 16),
      std::string("\x01\x00\x05\x00hello", 9),
  };
  const std::string address = router.endpoint().substr(6);
  std::vector<std::unique_ptr<TcpStream>> strangers;
  for (std::size_t i = 0; i < kStrangers; ++i) {
    const std::string& bytes = garbage[i % std::size(garbage)];
    strangers.push_back(TcpStream::connect(
        loop, address,
        {.on_connected = {}, .on_data = {}, .on_close = [&](const auto&) { ++gone; }}));
    strangers.back()->write(Buffer(bytes.begin(), bytes.end()));
    strangers.back()->close_when_written();
  }
  loop.run();
  EXPECT_EQ(gone, kStrangers);
  EXPECT_GE(answered, 10);
}

TEST(Sockets, TheContextEndsAlthoughPeersAreGoneAndMessagesUnsent) {
  Loop loop;
  zmq::context_t context;
  {
    ZmqChannel dealer(loop, make_dealer(context, {.endpoint = "tcp://127.0.0.1:1"}), ignore);
    ZmqChannel xpub(loop, make_xpub(context, bind_anywhere()), ignore);
    EXPECT_EQ(dealer.send({"never delivered"}), Sent::kTaken);
  }
  context.close();  // hangs if a socket is open or would wait for ever; ctest then ends the test
  EXPECT_EQ(context.handle(), nullptr);
}

}  // namespace
}  // namespace evenkeel
