#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/rebalancer.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/rebalancer/rows.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {

/// A rebalancer with four servers and a file of two chunks, asked as over the control port.
class AskedTest : public testing::Test {
 protected:
  AskedTest() {
    start();
    put("f");
  }
  /// A file of two chunks, each with two replicas.
  void put(const std::string& name) {
    const FileId file = std::get<PutOpened>(ask(PutOpen{name, 2, Bytes(20)})).file;
    ChunksStored stored;
    for (std::uint64_t index : {0, 1}) {
      const auto placed =
          std::get<PutPlaced>(ask(PutPlace{file, {{{index, Bytes(10), checksum_of(index), {}}}}}));
      for (const Source& target : placed.items.at(0).targets) {
        stored.items.push_back(
            {placed.items[0].chunk, target.server, target.storage, JournalNumber(++journal_)});
      }
    }
    rebalancer_->handle(std::vector<Event>{stored});
    ask(PutClose{file, {}, true});
  }

  /// As after a restart: the store is opened anew, and everybody reports again.
  void start() {
    rebalancer_.reset();
    store_.emplace(dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel");
    rebalancer_.emplace(*store_, clock_, limits_);
    const MembersListed listed = members_listed(4);
    rebalancer_->handle(std::vector<Event>{listed});
    ++reports_;
    for (const Member& member : listed.members) report(member);
    pass_time(Duration(0));
  }
  void report(const Member& member) {
    InventoryRead read = full_inventory(member, reports_, journal_, clock_.now());
    for (const ChunkSlot slot : view().find(member.server)->chunks) {
      const Chunk& chunk = view().chunk(slot);
      read.rows.push_back({chunk.content(), ReplicaFinding::kOk, Duration(0)});
      read.listed.push_back(chunk.id);
    }
    std::sort(read.listed.begin(), read.listed.end());
    rebalancer_->handle(std::vector<Event>{read});
  }
  void pass_time(Duration length) {
    clock_.advance(length);
    rebalancer_->handle(std::vector<Event>{TimePassed{}});
    view().check();
  }
  /// All that is ordered is done, and so on until nothing is ordered any more.
  void work() {
    for (int turn = 0; turn < 10; ++turn) {
      std::vector<Event> done;
      for (const auto& [id, command] : view().in_flight()) done.push_back(ack(command));
      rebalancer_->handle(done);
    }
    pass_time(Duration(250));
  }
  CommandAcknowledged ack(const CommandRecord& command) {
    const Member& member = view().find(command.server)->member;
    return {
        {command.server, member.incarnation, command.storage, view().epoch()},
        {.command = command.id, .detail = "", .journal = JournalNumber(++journal_), .blamed = {}}};
  }
  Answer ask(Request request, const std::string& who = "") {
    std::optional<Answer> answer;
    const std::vector<Asked> asked{
        {std::move(request), [&](Answer a) { answer = std::move(a); }, who}};
    rebalancer_->handle({}, asked);
    view().check();
    return std::move(answer).value();
  }
  std::string refused(Request request, const std::string& who = "") {
    const Answer answer = ask(std::move(request), who);
    const auto* no = std::get_if<Refused>(&answer);
    return no ? no->code : "";
  }
  ServerAdmin admin(Request request) { return std::get<ServerAdmin>(ask(std::move(request))); }
  std::string rows(const std::string& sql) { return rows_of(dir_.path() / "r.db", sql); }
  const ClusterView& view() const { return rebalancer_->view(); }
  AdminState state(ServerId server) const { return view().find(server)->admin; }
  /// A server that holds a chunk.
  ServerId holder() const {
    for (const auto& [id, slot] : view().servers()) {
      if (view().server(slot).chunks.size() > 0) return id;
    }
    ADD_FAILURE();
    return ServerId(1);
  }

  TempDir dir_;
  ManualClock clock_;
  Limits limits_;
  std::optional<Store> store_;
  std::optional<Rebalancer> rebalancer_;
  std::uint64_t journal_ = 2000;
  std::uint64_t reports_ = 0;
};

}  // namespace evenkeel
