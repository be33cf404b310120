#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "common/base/random.h"
#include "common/reactor/sockets.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "tests/membership/member_builder.h"
#include "tests/membership/service_process.h"
#include "tests/support/temp_dir.h"

namespace evenkeel::membership {
namespace {

using namespace std::chrono_literals;

constexpr int kTooLongMs = 60'000;  // bounds a test that has failed, and nothing else

/// A peer that waits for its answers.
class Peer {
 public:
  static Peer agent(zmq::context_t& context, const std::string& endpoint) {
    SocketSettings to;
    to.endpoint = endpoint;
    return Peer(make_dealer(context, to));
  }
  static Peer subscriber(zmq::context_t& context, const std::string& endpoint) {
    SocketSettings to;
    to.endpoint = endpoint;
    to.topics = {wire::kMemberTopics};
    to.receive_queue_messages = 100'000;
    return Peer(make_sub(context, to));
  }

  void send(const wire::Message& message) {
    socket_.send(zmq::buffer(wire::encode("evenkeel", message)), zmq::send_flags::none);
  }
  /// Nothing if nobody says anything for `wait_ms`.
  std::optional<wire::Message> receive(int wait_ms = kTooLongMs) {
    socket_.set(zmq::sockopt::rcvtimeo, wait_ms);
    zmq::message_t frame;
    if (!socket_.recv(frame)) return std::nullopt;
    while (frame.more()) {
      if (!socket_.recv(frame)) return std::nullopt;
    }
    return wire::decode("evenkeel", frame.to_string_view()).value();
  }
  template <class T>
  T receive_a() {
    return std::get<T>(receive().value());
  }
  HeartbeatReply beat(const std::string& member) {
    send(Heartbeat{member_of(member)});
    return receive_a<HeartbeatReply>();
  }
  MemberSnapshot snapshot() {
    send(SnapshotRequest{1});
    return receive_a<MemberSnapshot>();
  }

 private:
  explicit Peer(zmq::socket_t socket) : socket_(std::move(socket)) {}
  zmq::socket_t socket_;
};

class ProcessTest : public testing::Test {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"--set", "data_dir=" + dir_.path().string(),
                                 "--set", "events_endpoint=tcp://127.0.0.1:*",
                                 "--set", "requests_endpoint=tcp://127.0.0.1:*",
                                 "--set", "beacon_interval=20ms"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void start(const std::vector<std::string>& more = {}) {
    service_.emplace(words(more));
    const std::string started = service_->line_with("started");
    events_ = value_of(started, "events");
    requests_ = value_of(started, "requests");
  }
  Peer agent() { return Peer::agent(context_, requests_); }
  /// Ready: it has heard a beacon.
  Peer subscriber() {
    Peer peer = Peer::subscriber(context_, events_);
    peer.receive_a<MemberEvent>();
    return peer;
  }
  static MemberEvent next_event(Peer& subscriber) {
    for (;;) {
      const auto event = subscriber.receive_a<MemberEvent>();
      if (event.member) return event;
    }
  }

  TempDir dir_;
  zmq::context_t context_;
  std::optional<ServiceProcess> service_;
  std::string events_;
  std::string requests_;
};

TEST_F(ProcessTest, NumbersGoOnAfterKillNine) {
  start();
  EXPECT_EQ(agent().beat("7.1A").number, EventNumber(1));
  EXPECT_EQ(agent().beat("8.1B").number, EventNumber(2));
  const StorageId stream = agent().snapshot().stream;
  EXPECT_EQ(service_->end(SIGKILL), -SIGKILL);

  start();
  const MemberSnapshot whole = agent().snapshot();
  EXPECT_EQ(whole.stream, stream);
  EXPECT_EQ(whole.number, EventNumber(2));
  EXPECT_EQ(words_of(whole.members), "7.1A alive; 8.1B alive");
  Peer sub = subscriber();
  EXPECT_EQ(agent().beat("9.1C").number, EventNumber(3));
  const MemberEvent event = next_event(sub);
  EXPECT_EQ(event.number, EventNumber(3));
  EXPECT_EQ(event.stream, stream);
}

/// Killed at any moment under load: no number is ever told with two contents, none goes back, and
/// what was told or answered is in the snapshot of the next start.
TEST_F(ProcessTest, KilledAtAnyMomentNothingToldIsTakenBack) {
  Rng rng(20260203);
  std::map<std::uint64_t, MemberEvent> told;
  std::uint64_t highest = 0;
  std::uint64_t incarnation = 0;
  for (int round = 0; round < 8; ++round) {
    start();
    Peer sub = subscriber();
    Peer peer = agent();
    const std::uint64_t kill_after = rng.below(60);
    for (int i = 0; i < 200; ++i)
      peer.send(Heartbeat{member_of("7." + std::to_string(++incarnation) + "A")});
    for (std::uint64_t heard = 0; heard < kill_after; ++heard) {
      highest = std::max(highest, peer.receive_a<HeartbeatReply>().number.value());
    }
    service_->end(SIGKILL);
    for (auto said = sub.receive(500); said; said = sub.receive(500)) {
      const auto& event = std::get<MemberEvent>(*said);
      highest = std::max(highest, event.number.value());
      if (!event.member) continue;
      const auto [known, is_new] = told.emplace(event.number.value(), event);
      EXPECT_TRUE(is_new) << "number " << event.number.value() << " was told before a kill";
    }
    start();
    const MemberSnapshot whole = agent().snapshot();
    EXPECT_GE(whole.number.value(), highest) << "round " << round;
    highest = whole.number.value();
    service_->end(SIGTERM);
  }
  EXPECT_FALSE(told.empty());
}

TEST_F(ProcessTest, StoppedProcessDoesNotHoldItsOwnPauseAgainstOthers) {
  start();
  Peer peer = agent();
  peer.beat("7.1A");
  service_->signal(SIGSTOP);
  std::this_thread::sleep_for(3500ms);  // the pause itself: longer than suspect_after
  service_->signal(SIGCONT);
  service_->line_with("paused");
  EXPECT_EQ(service_->said().find("membership.suspect"), std::string::npos) << service_->said();
  EXPECT_EQ(peer.beat("7.1A").number, EventNumber(1)) << "nothing had become of it";
}

TEST_F(ProcessTest, EndsInGoodOrder) {
  start();
  EXPECT_EQ(agent().beat("7.1A").number, EventNumber(1));
  EXPECT_EQ(service_->end(SIGTERM), 0);
  EXPECT_NE(service_->rest().find("stopped"), std::string::npos);
}

TEST_F(ProcessTest, ASecondOneOnTheSameFolderIsRefused) {
  start();
  ServiceProcess second(words());
  EXPECT_NE(second.rest().find("in use by another evenkeel-membership"), std::string::npos)
      << second.said();
  EXPECT_EQ(second.wait(), 1);
  EXPECT_EQ(agent().beat("7.1A").number, EventNumber(1)) << "the first goes on";
}

TEST_F(ProcessTest, TheFolderOfAnotherClusterIsRefused) {
  start();
  service_->end(SIGTERM);
  ServiceProcess other(words({"--set", "cluster=other"}));
  EXPECT_NE(other.rest().find("is of the cluster"), std::string::npos) << other.said();
  EXPECT_EQ(other.wait(), 2);
}

TEST_F(ProcessTest, APortThatIsTakenIsNamed) {
  start();
  const TempDir elsewhere;
  ServiceProcess second(words({"--set", "data_dir=" + elsewhere.path().string(), "--set",
                               "requests_endpoint=" + requests_}));
  EXPECT_NE(second.rest().find(requests_), std::string::npos) << second.said();
  EXPECT_EQ(second.wait(), 1);
}

TEST_F(ProcessTest, SettingsThatAreWrongAreNamed) {
  struct Case {
    std::vector<std::string> words;
    const char* named;
    int code;
  };
  for (const Case& c :
       {Case{{}, "data_dir", 2},
        Case{{"--set", "data_dir=/x", "--set", "suspect_after=3"}, "suspect_after", 2},
        Case{{"--config", "/nowhere.toml"}, "/nowhere.toml", 2}, Case{{"--help"}, "--config", 0},
        Case{{"--version"}, "evenkeel-membership ", 0}}) {
    ServiceProcess process(c.words);
    EXPECT_NE(process.rest().find(c.named), std::string::npos) << process.said();
    EXPECT_EQ(process.wait(), c.code) << process.said();
  }
}

TEST_F(ProcessTest, WordsThatAreNotKnownAreRefused) {
  ServiceProcess process({"--no-such-word"});
  EXPECT_NE(process.rest().find("--no-such-word"), std::string::npos) << process.said();
  EXPECT_NE(process.wait(), 0);
}

}  // namespace
}  // namespace evenkeel::membership
