#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/rebalancer.h"
#include "tests/faults/trial.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel::faults {

/// The real rebalancer on its real store, and agents that do at once what they are told: short
/// stories for trials, the same at each telling.
class Scene {
 public:
  Scene(const std::filesystem::path& folder, Ledger& ledger)
      : ledger_(ledger),
        limits_(quick()),
        store_(folder / "rebalancer.db", sqlite::schema_directory("rebalancer"), "evenkeel"),
        rebalancer_(store_, clock_, limits_) {
    ledger_.acknowledged();
    for (const auto& [id, slot] : view().servers()) {
      const Server& server = view().server(slot);
      const auto journal = std::max(server.acked_journal, server.report_journal).value() + 1;
      servers_.insert_or_assign(id,
                                Agent{server.member, journal, server.inventory_number.value(), {}});
    }
    for (ChunkSlot slot = 0; slot < view().chunk_count(); ++slot) {
      const Chunk chunk = view().chunk(slot);
      for (const Replica& replica : chunk.replicas) {
        servers_.at(view().server(replica.server).id())
            .disk.insert_or_assign(chunk.id, chunk.content());
      }
    }
  }

  const ClusterView& view() const { return rebalancer_.view(); }
  Store& store() { return store_; }

  void handle(const std::vector<Event>& events, const std::vector<Asked>& asked = {}) {
    const Committed committed = rebalancer_.handle(events, asked);
    ledger_.acknowledged();
    for (const CommandId id : committed.issued) {
      const std::string number = std::to_string(id.value());
      ledger_.published("EXISTS(SELECT 1 FROM command WHERE command_id = " + number +
                        ") OR (SELECT command_floor FROM meta) > " + number);
    }
  }
  Answer ask(Request request) {
    std::optional<Answer> answer;
    handle({}, {Asked{std::move(request), [&](Answer given) { answer = std::move(given); }}});
    return std::move(answer).value();
  }
  void pass(Duration time) {
    clock_.advance(time);
    handle({TimePassed{}});
  }

  /// There are that many servers, on hosts and racks of their own, and all have reported.
  void meet(std::uint64_t servers) {
    for (std::uint64_t i = 1; i <= servers; ++i) {
      servers_.try_emplace(
          ServerId(i),
          Agent{member_of(i, "r" + std::to_string(i % 3) + "/h" + std::to_string(i), 1'000'000),
                1,
                0,
                {}});
    }
    MembersListed listed{storage_of(99), EventNumber(view().membership_number().value() + 1), {}};
    for (const auto& [id, agent] : servers_) listed.members.push_back(agent.member);
    handle({listed});
    std::vector<Event> greetings;
    for (const auto& [id, agent] : servers_) {
      greetings.push_back(AgentGreeted{{from(id), JournalNumber(agent.journal), std::nullopt}});
      greetings.push_back(inventory(id));
    }
    handle(greetings);
  }
  void set_liveness(std::uint64_t server, Liveness liveness) {
    Agent& agent = servers_.at(ServerId(server));
    agent.member.liveness = liveness;
    tell(agent);
  }
  /// Its disk was replaced by an empty one.
  void wipe(std::uint64_t server) {
    Agent& agent = servers_.at(ServerId(server));
    agent.member.storage = storage_of(server, 'W');
    agent.member.incarnation = agent.member.incarnation.next();
    agent.disk.clear();
    agent.inventory = 0;
    tell(agent);
    handle({AgentGreeted{{from(agent.member.server), JournalNumber(agent.journal), std::nullopt}},
            inventory(agent.member.server)});
  }
  /// A newer version of one of its chunks, and another that is damaged.
  void report_changed(std::uint64_t server) {
    const ServerId id(server);
    Agent& agent = servers_.at(id);
    InventoryRead read = inventory(id);
    if (read.rows.size() >= 2) {
      read.rows[0].content.version = read.rows[0].content.version.next();
      read.rows[0].content.checksum = checksum_of(4711, 2);
      agent.disk.insert_or_assign(read.rows[0].content.chunk, read.rows[0].content);
      read.rows[1].finding = ReplicaFinding::kCorrupt;
    }
    handle({read});
  }

  FileId put(const std::string& name, int goal) {
    const FileId file = std::get<PutOpened>(ask(PutOpen{name, goal, Bytes(1'000)})).file;
    const Checksum checksum = checksum_of(++contents_ + 1000 * file.value());
    const PutPlaced placed =
        std::get<PutPlaced>(ask(PutPlace{file, {{0, Bytes(1'000), checksum, {}}}}));
    ChunksStored stored;
    for (const Source& target : placed.items.at(0).targets) {
      Agent& agent = servers_.at(target.server);
      const ChunkId chunk = placed.items[0].chunk;
      agent.disk.insert_or_assign(
          chunk, ChunkContent{chunk, placed.items[0].version, Bytes(1'000), checksum});
      stored.items.push_back(
          {chunk, target.server, target.storage, JournalNumber(++agent.journal)});
    }
    handle({stored});
    ask(PutClose{file, {}, true});
    return file;
  }

  /// All agents do what they were told, and say so.
  void obey() {
    std::vector<Event> events;
    const auto orders = view().in_flight();
    std::map<ServerId, StorageId> spoke;
    for (const auto& [id, order] : orders) {
      Agent& agent = servers_.at(order.server);
      if (agent.member.liveness == Liveness::kDead || agent.member.storage != order.storage) {
        continue;
      }
      events.push_back(CommandAcknowledged{from(order.server), done(agent, order)});
      spoke.insert_or_assign(order.server, order.storage);
      if (order.kind == CommandKind::kReport) events.push_back(inventory(order.server));
    }
    for (const auto& [server, storage] : spoke) {
      events.push_back(
          JournalAcknowledged{server, storage, JournalNumber(servers_.at(server).journal)});
    }
    handle(events);
  }
  /// A second goes by and what was ordered is done, that many times.
  void live(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      pass(Duration(1'000));
      if (!view().in_flight().empty()) obey();
    }
  }

 private:
  struct Agent {
    Member member;
    std::uint64_t journal = 1;
    std::uint64_t inventory = 0;
    std::map<ChunkId, ChunkContent> disk;
  };

  static Limits quick() {
    Limits limits;
    limits.retire_after = Duration(3'000);
    limits.safe_mode_time = Duration(2'000);
    return limits;
  }
  AgentIdentity from(ServerId server) const {
    const Member& member = servers_.at(server).member;
    return {server, member.incarnation, member.storage, view().epoch()};
  }
  void tell(const Agent& agent) {
    handle({MemberChanged{storage_of(99), EventNumber(view().membership_number().value() + 1),
                          MemberEventKind::kUpdated, agent.member}});
  }
  InventoryRead inventory(ServerId server) {
    Agent& agent = servers_.at(server);
    const Server* known = view().find(server);
    InventoryRead read{
        .server = server,
        .incarnation = agent.member.incarnation,
        .storage = agent.member.storage,
        .number = InventoryNumber(++agent.inventory),
        .full = true,
        .last = true,
        .journal = JournalNumber(agent.journal),
        .asked = known && known->inventory_asked ? *known->inventory_asked : view().started()};
    for (const auto& [chunk, content] : agent.disk) {
      read.rows.push_back({content, ReplicaFinding::kOk, Duration(0)});
      read.listed.push_back(chunk);
    }
    return read;
  }
  CommandResult done(Agent& agent, const CommandRecord& order) {
    CommandResult result{
        .command = order.id, .detail = "", .journal = JournalNumber(0), .blamed = {}};
    if (order.kind == CommandKind::kReplicate) {
      agent.disk.insert_or_assign(*order.chunk, view().find(*order.chunk)->content());
    }
    if (order.kind == CommandKind::kDelete) agent.disk.erase(*order.chunk);
    result.journal = JournalNumber(++agent.journal);
    return result;
  }

  Ledger& ledger_;
  ManualClock clock_{Timestamp(Duration(1'000'000))};
  const Limits limits_;
  Store store_;
  Rebalancer rebalancer_;
  std::map<ServerId, Agent> servers_;
  std::uint64_t contents_ = 0;
};

}  // namespace evenkeel::faults
