#include "tools/cli/control_client.h"

#include <gtest/gtest.h>

#include "common/wire/codec.h"
#include "tests/cli/fake_rebalancer.h"
#include "tests/cli/watchdog.h"

namespace evenkeel::cli {
namespace {

const Pong kPong{"1.0", Epoch(7), "running", "", Duration(5)};

struct ControlClientTest : testing::Test {
  zmq::context_t context;
  Loop loop;

  /// Asks for a pong, and runs until `then` has had it.
  Result<Pong> pong_from(FakeRebalancer& rebalancer, Duration timeout = Duration(20'000)) {
    ControlClient client(loop, context, {rebalancer.endpoint(), "test", timeout});
    Result<Pong> got = fail(ErrorCode::kBusy, "not called");
    int calls = 0;
    client.ask<Pong>(Ping{}, [&](Result<Pong> pong) {
      got = std::move(pong);
      ++calls;
      loop.stop();
    });
    run_until_stopped(loop);
    EXPECT_EQ(calls, 1);
    return got;
  }
};

TEST_F(ControlClientTest, AnAnswerReachesWhoAsked) {
  FakeRebalancer rebalancer(loop, context, [](const ControlRequest& request) {
    return std::vector{answer(request, kPong)};
  });
  const auto pong = pong_from(rebalancer);
  ASSERT_TRUE(pong.has_value()) << pong.error().what;
  EXPECT_EQ(pong->epoch, Epoch(7));
}

TEST_F(ControlClientTest, ARequestIsRepeatedOnceUnderItsNumber) {
  int heard = 0;
  FakeRebalancer rebalancer(loop, context, [&](const ControlRequest& request) {
    return ++heard == 1 ? std::vector<std::string>{} : std::vector{answer(request, kPong)};
  });
  ASSERT_TRUE(pong_from(rebalancer, Duration(400)).has_value());
  ASSERT_EQ(rebalancer.heard.size(), 2u);
  EXPECT_EQ(rebalancer.heard[0].request, rebalancer.heard[1].request);
}

TEST_F(ControlClientTest, SilenceIsAnErrorThatNamesTheEndpoint) {
  FakeRebalancer rebalancer(loop, context,
                            [](const ControlRequest&) { return std::vector<std::string>{}; });
  const auto pong = pong_from(rebalancer, Duration(50));
  ASSERT_FALSE(pong.has_value());
  EXPECT_EQ(pong.error().code, ErrorCode::kBusy);
  EXPECT_NE(pong.error().what.find(rebalancer.endpoint() + " does not answer"), std::string::npos)
      << pong.error().what;
}

TEST_F(ControlClientTest, AFileIsNotOpenedTwice) {
  FakeRebalancer rebalancer(loop, context,
                            [](const ControlRequest&) { return std::vector<std::string>{}; });
  ControlClient client(loop, context, {rebalancer.endpoint(), "test", Duration(400)});
  client.ask<PutOpened>(PutOpen{"f", 0, 0_B}, [&](const Result<PutOpened>& opened) {
    EXPECT_FALSE(opened.has_value());
    loop.stop();
  });
  run_until_stopped(loop);
  EXPECT_EQ(rebalancer.heard.size(), 1u);
}

TEST_F(ControlClientTest, AnswersTwiceOrUnaskedOrDamagedAreDropped) {
  FakeRebalancer rebalancer(loop, context, [](const ControlRequest& request) {
    ControlRequest other = request;
    other.request += 1000;
    return std::vector<std::string>{
        "",
        "no message",
        wire::encode("elsewhere", ControlAnswer{request.request, kPong}),
        answer(other, kPong),
        answer(request, kPong),
        answer(request, kPong)};
  });
  EXPECT_TRUE(pong_from(rebalancer).has_value());
}

TEST_F(ControlClientTest, ANoIsAnErrorWithItsWords) {
  FakeRebalancer rebalancer(loop, context, [](const ControlRequest& request) {
    return std::vector{answer(request, Refused{"not_found", "no file of that name"})};
  });
  const auto pong = pong_from(rebalancer);
  ASSERT_FALSE(pong.has_value());
  EXPECT_EQ(pong.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(pong.error().what, "no file of that name (not_found)");
}

TEST_F(ControlClientTest, AnAnswerOfAnotherKindIsAnError) {
  FakeRebalancer rebalancer(loop, context, [](const ControlRequest& request) {
    return std::vector{answer(request, Deleted{3})};
  });
  const auto pong = pong_from(rebalancer);
  ASSERT_FALSE(pong.has_value());
  EXPECT_EQ(pong.error().code, ErrorCode::kMalformed);
}

TEST_F(ControlClientTest, ManyRequestsAreUnderWayAtOnceAndAnsweredInAnyOrder) {
  std::vector<std::string> held;
  FakeRebalancer rebalancer(loop, context, [&](const ControlRequest& request) {
    const auto first = std::get<Locate>(request.what).first;
    held.insert(held.begin(), answer(request, Located{"f", 0_B, 0, first, Epoch(7), {}}));
    return held.size() == 500 ? held : std::vector<std::string>{};
  });
  ControlClient client(loop, context, {rebalancer.endpoint(), "test", Duration(20'000)});
  int right = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    client.ask<Located>(Locate{std::string("f"), i}, [&, i](const Result<Located>& located) {
      right += located.has_value() && located->first == i ? 1 : 0;
      if (right == 500) loop.stop();
    });
  }
  run_until_stopped(loop);
  EXPECT_EQ(right, 500);
}

}  // namespace
}  // namespace evenkeel::cli
