#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "common/reactor/sockets.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "services/membership/io/membership.h"
#include "tests/membership/member_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel::membership {

/// The service with real sockets and a clock that is moved by hand; its peers are on the same loop.
/// Nothing waits for a time: until() runs the loop until something has come about, and what bounds
/// it is the time allowed to the whole test.
class ServiceFixture : public testing::Test {
 protected:
  ServiceFixture() {
    options_.events_endpoint = options_.requests_endpoint = "tcp://127.0.0.1:*";
    options_.judge_interval =
        Duration(10);  // of real time; by the clock of the test it stands still
    options_.beacon_interval = Duration(10);
  }

  void start() {
    store_.emplace(std::move(
        MemberStore::open(dir_.path() / "membership.db", options_.cluster, storage_of('S'))
            .value()));
    service_ = std::make_unique<Membership>(options_, loop_, context_, clock_, *store_);
  }
  void stop() {
    service_.reset();
    store_.reset();
  }

  void until(const std::function<bool()>& come_about) {
    Timer look(loop_, [&] {
      if (come_about()) loop_.stop();
    });
    look.start(Duration(0), Duration(1));
    loop_.run();
  }

  /// Time goes by in steps that are no pauses, and the service looks after each.
  void pass(Duration time) {
    const Duration step = options_.patience.suspect_after / 2;
    for (; time > Duration::zero(); time -= std::min(time, step)) {
      clock_.advance(std::min(time, step));
      look();
    }
  }
  void look() {
    const std::uint64_t seen = service_->looks();
    until([&] { return service_->looks() > seen; });
  }

  /// A DEALER; what it receives is kept.
  struct Asker {
    std::deque<wire::Message> received;
    std::optional<ZmqChannel> channel;
  };
  std::unique_ptr<Asker> asker() {
    auto asker = std::make_unique<Asker>();
    Asker* self = asker.get();
    SocketSettings to;
    to.endpoint = service_->requests_endpoint();
    to.send_queue_messages = 100'000;
    to.receive_queue_messages = 100'000;
    asker->channel.emplace(loop_, make_dealer(context_, to), [self, this](Frames&& frames) {
      self->received.push_back(decoded(bytes_of(frames.at(0))));
    });
    return asker;
  }
  void send(Asker& asker, const wire::Message& message, const std::string& cluster = "evenkeel") {
    send_bytes(asker, wire::encode(cluster, message));
  }
  void send_bytes(Asker& asker, const std::string& bytes) {
    EXPECT_EQ(asker.channel->send({bytes}), Sent::kTaken);
  }
  wire::Message answer(Asker& asker) {
    until([&] { return !asker.received.empty(); });
    wire::Message first = asker.received.front();
    asker.received.pop_front();
    return first;
  }
  HeartbeatReply beat(Asker& asker, const Member& member) {
    send(asker, Heartbeat{member});
    return std::get<HeartbeatReply>(answer(asker));
  }
  HeartbeatReply leave(Asker& asker, const Member& member) {
    send(asker, Leave{member.server, member.incarnation, member.storage});
    return std::get<HeartbeatReply>(answer(asker));
  }
  /// All parts, checked to be of one answer.
  MemberSnapshot snapshot(Asker& asker) {
    send(asker, SnapshotRequest{++request_});
    auto whole = std::get<MemberSnapshot>(answer(asker));
    EXPECT_EQ(whole.part, 1U);
    EXPECT_EQ(whole.request, request_);
    for (std::uint64_t part = 2; part <= whole.parts; ++part) {
      const auto next = std::get<MemberSnapshot>(answer(asker));
      EXPECT_EQ(next.part, part);
      EXPECT_EQ(next.parts, whole.parts);
      EXPECT_EQ(next.request, request_);
      EXPECT_EQ(next.number, whole.number);
      EXPECT_EQ(next.stream, whole.stream);
      whole.members.insert(whole.members.end(), next.members.begin(), next.members.end());
    }
    return whole;
  }

  /// A SUB of all events, beacons apart.
  struct Follower {
    std::vector<MemberEvent> events;
    std::vector<MemberEvent> beacons;
    std::optional<ZmqChannel> channel;
  };
  /// Ready: its subscription has arrived.
  std::unique_ptr<Follower> follower() {
    auto follower = std::make_unique<Follower>();
    Follower* self = follower.get();
    SocketSettings to;
    to.endpoint = service_->events_endpoint();
    to.topics = {wire::kMemberTopics};
    to.receive_queue_messages = 100'000;
    follower->channel.emplace(loop_, make_sub(context_, to), [self, this](Frames&& frames) {
      ASSERT_EQ(frames.size(), 2U);
      const auto event = std::get<MemberEvent>(decoded(bytes_of(frames[1])));
      EXPECT_EQ(bytes_of(frames[0]), wire::member_topic(event.kind));
      (event.member ? self->events : self->beacons).push_back(event);
    });
    until([self] { return !self->beacons.empty(); });
    return follower;
  }
  /// "1 joined 7.1A, 2 suspect 7.1A", when there are as many.
  std::string story(Follower& follower, std::size_t events) {
    until([&] { return follower.events.size() >= events; });
    std::string all;
    for (const MemberEvent& event : follower.events) {
      all += (all.empty() ? "" : ", ") + to_string(event.number) + " " +
             words_of(MemberChanges{{event.kind, *event.member}});
    }
    return all;
  }
  MemberEvent next_beacon(Follower& follower) {
    follower.beacons.clear();
    until([&] { return !follower.beacons.empty(); });
    return follower.beacons.front();
  }

  wire::Message decoded(std::string_view bytes) {
    auto message = wire::decode(options_.cluster, bytes);
    EXPECT_TRUE(message.has_value()) << message.error().what;
    return *message;
  }

  TempDir dir_;
  log::Capture log_;
  ManualClock clock_{Timestamp(Duration(1'000'000))};
  zmq::context_t context_;
  Loop loop_;
  Options options_;
  std::optional<MemberStore> store_;
  std::unique_ptr<Membership> service_;
  std::uint64_t request_ = 0;
};

}  // namespace evenkeel::membership
