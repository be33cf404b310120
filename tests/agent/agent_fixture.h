#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/system_clock.h"
#include "common/log/log.h"
#include "common/model/tokens.h"
#include "common/reactor/sockets.h"
#include "common/token/token.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "services/agent/io/agent.h"
#include "tests/agent/builder.h"

namespace evenkeel::agent {

/// A membership and a rebalancer made of bare sockets, and real agents, all on one loop. Nothing
/// waits for a time: until() runs the loop until something has come about, and what bounds it is
/// the time allowed to the whole test.
class AgentFixture : public testing::Test {
 protected:
  AgentFixture()
      : membership_(loop_, make_router(context_, bound()),
                    [this](Frames&& frames) { on_membership(std::move(frames)); }),
        agents_(loop_, make_router(context_, bound()),
                [this](Frames&& frames) { on_agent(std::move(frames)); }),
        commands_(loop_, make_xpub(context_, bound()), [](Frames&&) {}) {}

  static SocketSettings bound() {
    SocketSettings settings{"tcp://127.0.0.1:*"};
    settings.attach = Attach::kBind;
    return settings;
  }

  /// An agent and the folder that it keeps when it is started again.
  struct Seat {
    TempDir dir;
    Settings settings;
    std::unique_ptr<Agent> agent;
    std::string route;  // how the ROUTER names it
    std::vector<Inventory> inventories;
    std::vector<Pull> pulls;
    std::vector<Hello> hellos;
    std::map<std::uint64_t, std::vector<CommandResult>>
        results;  // by command, each time it is said
  };

  Seat& seat(std::uint64_t server) {
    Seat& seat = seats_[server];
    seat.settings.server = ServerId(server);
    seat.settings.location = "z/r/h" + std::to_string(server);
    seat.settings.labels = {{"disk", "ssd"}};
    seat.settings.directory.data_dir = seat.dir.path();
    seat.settings.directory.reserve = 1_MiB;
    seat.settings.directory.capacity = 1_GiB;
    seat.settings.membership = {membership_.endpoint(), Duration(50)};
    seat.settings.rebalancer = {commands_.endpoint(), agents_.endpoint()};
    seat.settings.scrub.rate = Bytes();
    return seat;
  }
  Seat& start(std::uint64_t server) {
    Seat& s = seat(server);
    return start(s);
  }
  /// Ready: it has been welcomed and has sent its first inventory.
  Seat& start(Seat& s) {
    s.inventories.clear();
    s.route.clear();
    s.agent = std::make_unique<Agent>(loop_, context_, clock_, s.settings);
    until([&] { return !s.inventories.empty(); });
    return s;
  }
  /// As a kill would: nothing is said, nothing is finished.
  void kill(Seat& s) { s.agent.reset(); }

  void until(const std::function<bool()>& come_about) {
    Timer look(loop_, [&] {
      if (come_about()) loop_.stop();
    });
    look.start(Duration(0), Duration(1));
    loop_.run();
  }

  StorageId storage(Seat& s) { return s.agent->storage().identity().storage; }
  std::string key(Seat& s) { return std::string(32, static_cast<char>('A' + number(s))); }
  static std::uint64_t number(const Seat& s) { return s.settings.server.value(); }

  Source source(Seat& from, Seat& to, std::uint64_t command, const Sample& chunk) {
    const std::string text =
        copy_token_text("evenkeel", epoch_, CommandId(command), chunk.content.chunk,
                        chunk.content.version, storage(from), to.settings.server);
    return {from.settings.server, storage(from), from.agent->address(),
            hmac_sha256(key(from), text)};
  }
  Command replicate(Seat& to, std::uint64_t id, const Sample& chunk, std::vector<Seat*> from) {
    Replicate order{chunk.content, {}, Bytes()};
    for (Seat* seat : from) order.sources.push_back(source(*seat, to, id, chunk));
    return {CommandId(id), Reason::kRepair, storage(to), std::chrono::minutes(10), order};
  }
  Command remove(Seat& s, std::uint64_t id, const Sample& chunk, std::vector<Seat*> holders) {
    Delete order{chunk.content};
    order.goal = std::max(1, static_cast<int>(holders.size()));
    order.domains = order.goal;
    for (Seat* holder : holders) {
      order.evidence.push_back({holder->settings.server, storage(*holder),
                                holder->settings.location, chunk.content.version,
                                chunk.content.checksum, Duration(1), Duration(1)});
    }
    return {CommandId(id), Reason::kTrim, storage(s), Duration(0), order};
  }
  Command verify(Seat& s, std::uint64_t id, const Sample& chunk, VerifyLevel level) {
    return {CommandId(id), Reason::kVerify, storage(s), std::chrono::minutes(1),
            Verify{chunk.content, level}};
  }

  /// Published once; what is lost is pulled.
  void publish(Seat& s, const Command& command) {
    open_[number(s)].push_back(command);
    tell(s, Commands{epoch_, s.settings.server, std::nullopt, false, {command}});
  }
  void tell(Seat& s, const wire::Message& message) {
    EXPECT_EQ(
        commands_.send({wire::command_topic(s.settings.server), wire::encode("evenkeel", message)}),
        Sent::kTaken);
  }
  /// Its result, when it is said for the first time.
  CommandResult result(Seat& s, std::uint64_t command) {
    until([&] { return !s.results[command].empty(); });
    return s.results[command].front();
  }
  CommandResult run(Seat& s, const Command& command) {
    publish(s, command);
    return result(s, command.id.value());
  }

  /// Puts a replica into the folder of an agent that is not running.
  void put(Seat& s, const Sample& chunk) {
    const ChunkFiles files(s.dir.path());
    const auto aside = files.aside(chunk.content, 0);
    write_file(aside, chunk.bytes);
    ASSERT_TRUE(files.write_manifest(aside, chunk.manifest));
    ASSERT_TRUE(files.place(aside, chunk.content));
  }
  std::filesystem::path live(Seat& s, const Sample& chunk) {
    return s.dir.path() / "live" / file_name(chunk.content);
  }
  bool holds(Seat& s, const Sample& chunk) {
    return read_file(live(s, chunk)) == chunk.bytes && std::filesystem::exists(live(s, chunk));
  }
  void spoil(Seat& s, const Sample& chunk, std::size_t at) {
    std::string bytes = read_file(live(s, chunk));
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(live(s, chunk), bytes);
  }

  SystemClock clock_;
  log::Capture log_;
  zmq::context_t context_;
  Loop loop_;
  Epoch epoch_{3};
  bool confirm_ = true;  // whether results are confirmed
  bool welcome_ = true;  // whether hello is answered
  int pulls_lost_ = 0;   // so many of the next ones are not answered
  std::size_t page_ = 128;
  HeartbeatReply::Status heartbeat_status_ = HeartbeatReply::Status::kOk;
  std::vector<Member> heartbeats_;
  std::vector<Leave> leaves_;
  std::map<std::uint64_t, std::vector<Command>> open_;
  std::map<std::uint64_t, Seat> seats_;
  ZmqChannel membership_, agents_, commands_;

 private:
  void on_membership(Frames&& frames) {
    const auto message = wire::decode("evenkeel", bytes_of(frames.at(1)));
    ASSERT_TRUE(message) << message.error().what;
    HeartbeatReply reply{ServerId(1), heartbeat_status_, Incarnation(0), EventNumber(1)};
    if (const auto* heartbeat = std::get_if<Heartbeat>(&*message)) {
      heartbeats_.push_back(heartbeat->member);
      reply.server = heartbeat->member.server;
      reply.incarnation = heartbeat->member.incarnation;
    }
    if (const auto* leave = std::get_if<Leave>(&*message)) {
      leaves_.push_back(*leave);
      reply.server = leave->server;
      reply.incarnation = leave->incarnation;
    }
    answer(membership_, frames.at(0), reply);
  }

  void answer(ZmqChannel& channel, const zmq::message_t& route, const wire::Message& message) {
    static_cast<void>(channel.send({bytes_of(route), wire::encode("evenkeel", message)}));
  }

  void on_agent(Frames&& frames) {
    const zmq::message_t& route = frames.at(0);
    const auto message = wire::decode("evenkeel", bytes_of(frames.at(1)));
    ASSERT_TRUE(message) << message.error().what;
    if (const auto* hello = std::get_if<Hello>(&*message)) {
      Seat& s = seats_[hello->from.server.value()];
      s.route = bytes_of(route);
      s.hellos.push_back(*hello);
      if (!welcome_) return;
      answer(agents_, route,
             Welcome{epoch_, hello->from.server, hello->from.storage, key(s), true});
    } else if (const auto* inventory = std::get_if<Inventory>(&*message)) {
      seats_[inventory->from.server.value()].inventories.push_back(*inventory);
      answer(agents_, route,
             InventoryReply{inventory->number, inventory->part, InventoryReply::Status::kOk});
    } else if (const auto* ack = std::get_if<Ack>(&*message)) {
      AckReply reply;
      for (const CommandResult& result : ack->results) {
        seats_[ack->from.server.value()].results[result.command.value()].push_back(result);
        reply.commands.push_back(result.command);
      }
      if (confirm_) answer(agents_, route, reply);
    } else if (const auto* pull = std::get_if<Pull>(&*message)) {
      Seat& s = seats_[pull->from.server.value()];
      s.pulls.push_back(*pull);
      if (pulls_lost_ > 0) {
        --pulls_lost_;
        return;
      }
      Commands commands{epoch_, pull->from.server, pull->after, false, {}};
      for (const Command& command : open_[pull->from.server.value()]) {
        if (pull->after && command.id <= *pull->after) continue;
        commands.more = commands.items.size() == page_;
        if (commands.more) break;
        commands.items.push_back(command);
      }
      answer(agents_, route, commands);
    }
  }
};

}  // namespace evenkeel::agent
