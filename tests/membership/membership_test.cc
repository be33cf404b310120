#include "services/membership/io/membership.h"

#include <algorithm>
#include <map>

#include "common/base/random.h"
#include "tests/membership/service_fixture.h"

namespace evenkeel::membership {
namespace {

using namespace std::chrono_literals;
using Status = HeartbeatReply::Status;

class MembershipTest : public ServiceFixture {};

TEST_F(MembershipTest, ALifeIsToldInConsecutiveNumbers) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  beat(*agent, member_of("7.1A"));
  pass(3s);
  pass(27s);
  beat(*agent, member_of("7.1A"));
  leave(*agent, member_of("7.1A"));
  beat(*agent, member_of("7.2A"));
  EXPECT_EQ(story(*sub, 6),
            "1 joined 7.1A, 2 suspect 7.1A, 3 failed 7.1A, 4 recovered 7.1A, 5 left 7.1A, "
            "6 joined 7.2A");
}

TEST_F(MembershipTest, AnEventCarriesMemberStreamAndTime) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  beat(*agent, member_of("7.1A"));
  story(*sub, 1);
  EXPECT_EQ(sub->events[0].member, member_of("7.1A"));
  EXPECT_EQ(sub->events[0].stream, storage_of('S'));
  EXPECT_EQ(sub->events[0].at, clock_.wall_now());
}

TEST_F(MembershipTest, HeartbeatsAreAnsweredWithTheNumberOfTheirEvent) {
  start();
  const auto agent = asker();
  HeartbeatReply reply = beat(*agent, member_of("7.2A"));
  EXPECT_EQ(reply.status, Status::kOk);
  EXPECT_EQ(reply.server, ServerId(7));
  EXPECT_EQ(reply.incarnation, Incarnation(2));
  EXPECT_EQ(reply.number, EventNumber(1)) << "answered after the commit";
  reply = beat(*agent, member_of("7.1A"));
  EXPECT_EQ(reply.status, Status::kStale);
  EXPECT_EQ(reply.incarnation, Incarnation(2)) << "one above this has to be taken";
  reply = beat(*agent, member_of("8.1A"));
  EXPECT_EQ(reply.status, Status::kConflict);
  EXPECT_EQ(reply.number, EventNumber(1));
}

TEST_F(MembershipTest, HeartbeatsWithoutNewsAreNotWritten) {
  start();
  const auto agent = asker();
  beat(*agent, member_of("7.1A"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(beat(*agent, member_of("7.1A")).number, EventNumber(1));
  EXPECT_EQ(service_->commits(), 1U);
}

TEST_F(MembershipTest, HeartbeatsOfOneTurnShareACommit) {
  start();
  const auto agent = asker();
  for (int i = 1; i <= 500; ++i) {
    Member member = member_of(std::to_string(i) + ".1A");
    StorageId::Array bytes{};
    bytes[0] = static_cast<std::uint8_t>(i >> 8), bytes[1] = static_cast<std::uint8_t>(i);
    member.storage = StorageId(bytes);
    send(*agent, Heartbeat{member});
  }
  until([&] { return agent->received.size() == 500; });
  EXPECT_EQ(store_->last_number(), EventNumber(500));
  EXPECT_LT(service_->commits(), 250U);
}

TEST_F(MembershipTest, TheBeaconNamesTheLastNumber) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  EXPECT_EQ(next_beacon(*sub).number, EventNumber(0)) << "none yet";
  beat(*agent, member_of("7.1A"));
  const MemberEvent beacon = next_beacon(*sub);
  EXPECT_EQ(beacon.number, EventNumber(1));
  EXPECT_EQ(beacon.stream, storage_of('S'));
}

TEST_F(MembershipTest, ASnapshotOfManyComesInParts) {
  start();
  MemberChanges joined;
  for (int i = 1; i <= 2500; ++i) {
    Member member = member_of(std::to_string(i) + ".1A");
    StorageId::Array bytes{};
    bytes[0] = static_cast<std::uint8_t>(i >> 8), bytes[1] = static_cast<std::uint8_t>(i);
    member.storage = StorageId(bytes);
    joined.push_back({MemberEventKind::kJoined, member});
  }
  store_->commit(joined, {});
  stop();
  start();
  const auto agent = asker();
  const MemberSnapshot whole = snapshot(*agent);
  EXPECT_EQ(whole.parts, 3U);
  EXPECT_EQ(whole.number, EventNumber(2500));
  ASSERT_EQ(whole.members.size(), 2500U);
  for (std::size_t i = 0; i < 2500; ++i) ASSERT_EQ(whole.members[i], joined[i].member);
}

TEST_F(MembershipTest, AnEmptySnapshotIsAnAnswer) {
  start();
  const auto agent = asker();
  const MemberSnapshot whole = snapshot(*agent);
  EXPECT_EQ(whole.parts, 1U);
  EXPECT_EQ(whole.number, EventNumber(0));
  EXPECT_TRUE(whole.members.empty());
}

/// Subscribe, then ask, then take only what has a higher number: nothing is missed and nothing
/// counts twice, wherever the snapshot falls.
TEST_F(MembershipTest, SnapshotAndLaterEventsAddUp) {
  start();
  const auto agent = asker();
  beat(*agent, member_of("7.1A"));
  beat(*agent, member_of("8.1B"));
  const auto sub = follower();
  const auto other = asker();
  send(*other, SnapshotRequest{1});
  send(*agent, Heartbeat{member_of("9.1C")});
  leave(*agent, member_of("7.1A"));
  const auto basis = std::get<MemberSnapshot>(answer(*other));
  until([&] { return !sub->events.empty() && sub->events.back().number == EventNumber(4); });
  std::map<ServerId, Member> sum;
  for (const Member& member : basis.members) sum.insert({member.server, member});
  EventNumber last = basis.number;
  for (const MemberEvent& event : sub->events) {
    if (event.number <= last) continue;
    ASSERT_EQ(event.number, last.next());
    last = event.number;
    sum.insert_or_assign(event.member->server, *event.member);
  }
  std::vector<Member> members;
  for (const auto& [server, member] : sum) members.push_back(member);
  EXPECT_EQ(members, store_->members());
}

TEST_F(MembershipTest, RestartGoesOnWithNumbersAndTellsNothingByItself) {
  start();
  {
    const auto agent = asker();
    beat(*agent, member_of("7.1A"));
    beat(*agent, member_of("8.1B"));
    pass(3s);
  }
  stop();
  clock_.advance(24h);  // nobody was heard, as we were away
  start();
  const auto agent = asker();
  const auto sub = follower();
  look();
  EXPECT_EQ(words_of(snapshot(*agent).members), "7.1A suspect; 8.1B suspect");
  beat(*agent, member_of("7.1A"));
  pass(2s);
  beat(*agent, member_of("7.1A"));
  pass(1s);
  EXPECT_EQ(story(*sub, 1), "5 recovered 7.1A");
  EXPECT_EQ(next_beacon(*sub).number, EventNumber(5));
}

/// Killed after the commit and before the publication: the event is lost on the wire for ever, and
/// who follows finds out by the beacon, or by the gap, and reads the truth from the snapshot.
TEST_F(MembershipTest, AnEventThatWasCommittedAndNotPublishedIsFound) {
  start();
  {
    const auto agent = asker();
    beat(*agent, member_of("7.1A"));
  }
  service_.reset();
  Member dead = member_of("7.1A");
  dead.liveness = Liveness::kDead;
  store_->commit({{MemberEventKind::kFailed, dead}}, {});  // number 2, told to nobody
  store_.reset();
  start();
  const auto agent = asker();
  const auto sub = follower();
  const EventNumber seen(1);
  EXPECT_GT(next_beacon(*sub).number, seen) << "found by the beacon, though nothing follows";
  beat(*agent, member_of("8.1B"));
  EXPECT_EQ(story(*sub, 1), "3 joined 8.1B") << "found by the gap";
  const MemberSnapshot whole = snapshot(*agent);
  EXPECT_EQ(whole.stream, storage_of('S'));
  EXPECT_EQ(whole.number, EventNumber(3));
  EXPECT_EQ(words_of(whole.members), "7.1A dead; 8.1B alive");
}

/// This process stood still for ten minutes, while the heartbeats of all went nowhere.
TEST_F(MembershipTest, OurOwnPauseIsNobodysSilence) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  beat(*agent, member_of("7.1A"));
  look();
  clock_.advance(10min);
  look();
  pass(2999ms);
  EXPECT_EQ(words_of(snapshot(*agent).members), "7.1A alive");
  pass(1ms);
  EXPECT_EQ(story(*sub, 2), "1 joined 7.1A, 2 suspect 7.1A");
  const auto lines = log_.lines();
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                          [](const std::string& line) { return line.starts_with("warn paused"); }));
}

TEST_F(MembershipTest, WhoIsHeardStaysAlive) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  beat(*agent, member_of("7.1A"));
  for (int i = 0; i < 4; ++i) {
    pass(1500ms);
    beat(*agent, member_of("7.1A"));
  }
  EXPECT_EQ(store_->last_number(), EventNumber(1));
}

TEST_F(MembershipTest, EachPublishedEventIsALine) {
  start();
  const auto agent = asker();
  beat(*agent, member_of("7.1A"));
  leave(*agent, member_of("7.1A"));
  std::vector<std::string> events;
  for (const std::string& line : log_.lines()) {
    if (line.starts_with("info event ")) events.push_back(line);
  }
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NE(events[0].find("number=1 kind=membership.joined server=s7"), std::string::npos);
  EXPECT_NE(events[1].find("number=2 kind=membership.left server=s7"), std::string::npos);
}

TEST_F(MembershipTest, WhatIsRefusedHasNoEffectAndIsCounted) {
  start();
  const auto agent = asker();
  const std::string good = wire::encode("evenkeel", Heartbeat{member_of("7.1A")});
  int sent = 0;
  for (std::size_t length = 0; length < good.size(); ++length, ++sent) {
    send_bytes(*agent, good.substr(0, length));
  }
  send_bytes(*agent, good + "x");
  send_bytes(*agent, std::string(wire::kMessageBytesMax + 1, '\xc0'));
  send_bytes(*agent, "\xdd\xff\xff\xff\xff");  // claims four billion elements
  EXPECT_EQ(agent->channel->send({"", good}), Sent::kTaken) << "as a REQ would";
  send(*agent, Heartbeat{member_of("7.1A")}, "other");
  send(*agent, ControlAnswer{1, Refused{"unknown_kind", "x"}});
  snapshot(*agent);  // what was sent before it has been looked at
  const Refusals& refusals = service_->refusals();
  EXPECT_EQ(refusals.count(Refusal::kMalformed), static_cast<std::uint64_t>(sent) + 4);
  EXPECT_EQ(refusals.count(Refusal::kOtherCluster), 1U);
  EXPECT_EQ(refusals.count(Refusal::kUnknownKind), 1U);
  EXPECT_EQ(store_->last_number(), EventNumber(0));
  const auto lines = log_.lines();
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return line.find("why=malformed") != std::string::npos;
                          }),
            1)
      << "said once, not a hundred times";
}

TEST_F(MembershipTest, RefusalsAreSaidAgainAfterAWhileWithTheirNumber) {
  Refusals refusals(clock_);
  for (int i = 0; i < 5; ++i) refusals.add(Refusal::kMalformed, "x");
  clock_.advance(10s);
  refusals.add(Refusal::kMalformed, "y");
  const auto lines = log_.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "warn refused why=malformed what=x messages=1 total=1");
  EXPECT_EQ(lines[1], "warn refused why=malformed what=y messages=5 total=6");
}

TEST_F(MembershipTest, AKindThatIsNotForUsIsAnsweredSo) {
  start();
  const auto agent = asker();
  send(*agent, ControlRequest{42, Ping{}});
  const auto error = std::get<ControlAnswer>(answer(*agent));
  EXPECT_EQ(error.request, 42U);
  EXPECT_EQ(std::get<Refused>(error.what).code, "unknown_kind");
  EXPECT_EQ(service_->refusals().count(Refusal::kUnknownKind), 1U);
}

/// Bytes that are no ZeroMQ at all, and frames beyond what the socket takes, on both ports: the
/// service goes on for those who behave.
TEST_F(MembershipTest, GarbageOnThePortsHarmsNobody) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  zmq::socket_t raw[2] = {{context_, zmq::socket_type::stream},
                          {context_, zmq::socket_type::stream}};
  const std::string ports[2] = {service_->events_endpoint(), service_->requests_endpoint()};
  Rng rng(1);
  for (int i = 0; i < 2; ++i) {
    raw[i].set(zmq::sockopt::linger, 0);
    raw[i].connect(ports[i]);
    const auto id = raw[i].get(zmq::sockopt::routing_id);
    std::string noise = "GET / HTTP/1.1\r\n\r\n";
    for (int n = 0; n < 5000; ++n) noise += static_cast<char>(rng.below(256));
    raw[i].send(zmq::buffer(id), zmq::send_flags::sndmore);
    raw[i].send(zmq::buffer(noise), zmq::send_flags::none);
  }
  const auto huge = asker();
  send_bytes(*huge, std::string(3 * wire::kMessageBytesMax, 'x'));  // ZeroMQ hangs up
  EXPECT_EQ(beat(*agent, member_of("7.1A")).status, Status::kOk);
  EXPECT_EQ(story(*sub, 1), "1 joined 7.1A");
  EXPECT_EQ(next_beacon(*sub).number, EventNumber(1));
}

TEST_F(MembershipTest, APortThatIsTakenIsSaid) {
  start();
  Options second = options_;
  second.requests_endpoint = service_->requests_endpoint();
  try {
    const Membership other(second, loop_, context_, clock_, *store_);
    FAIL() << "two on one port";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find(second.requests_endpoint), std::string::npos);
  }
}

/// A commit that fails ends the service, and nothing that it would have told is told.
TEST_F(MembershipTest, WhatCannotBeCommittedIsNotPublished) {
  start();
  const auto agent = asker();
  const auto sub = follower();
  sqlite::Database(dir_.path() / "membership.db").execute("DROP TABLE member");
  send(*agent, Heartbeat{member_of("7.1A")});
  EXPECT_THROW(loop_.run(), sqlite::SqliteError);
  EXPECT_TRUE(sub->events.empty());
  EXPECT_TRUE(agent->received.empty());
}

}  // namespace
}  // namespace evenkeel::membership
