#include "services/rebalancer/files.h"

#include <algorithm>
#include <set>

#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "services/rebalancer/core/brake.h"
#include "services/rebalancer/core/mode.h"
#include "services/rebalancer/core/put.h"
#include "services/rebalancer/explaining.h"
#include "services/rebalancer/operators.h"
#include "services/rebalancer/policies.h"
#include "services/rebalancer/store/histories.h"

namespace evenkeel {
namespace {

constexpr std::uint64_t kAllChunks = INT64_MAX;
constexpr std::size_t kHoldersMax = 16;
constexpr std::uint64_t kLocatedMax = 128;  // a page of an answer, well below a message's bound

Outcomes no(std::string code, std::string what) {
  return {{}, Refused{std::move(code), std::move(what)}};
}

Outcomes unknown_kind() {
  return no("unknown_kind", "proposals are not answered here");
}

class Answering {
 public:
  Answering(const ClusterView& view, Store& store, const Limits& limits, Instant now)
      : view_(view), store_(store), limits_(limits), now_(now) {}

  Outcomes operator()(const Ping&) const {
    const ModeNow mode = mode_of(view_);
    return {{}, Pong{"", view_.epoch(), to_string(mode.mode), mode.why, now_ - view_.started()}};
  }

  Outcomes operator()(const PutOpen& put) const {
    if (put.name.empty() || put.name.size() > 1024) {
      return no("malformed", "a file's name has 1 to 1,024 bytes");
    }
    if (put.goal < 0 || put.goal > 16) return no("malformed", "a goal is 1 to 16");
    if (view_.log_held()) return no(std::string(answer_code(ErrorCode::kBusy)), *view_.log_held());
    Outcomes result;
    const auto known = store_.file(put.name);
    if (known && known->complete) {
      return no("conflict", "'" + put.name + "' is there already; delete it first");
    }
    const PolicyBook& policies = view_.policies();
    const Policy* policy =
        put.policy.empty() ? policies.find(kDefaultPolicy) : policies.find(put.policy);
    if (!policy) return no("not_found", "there is no policy '" + put.policy + "'");
    const int goal = put.goal ? put.goal : policy->goal;
    if (known && is_repeated(put, goal, policy->id, *known)) {
      result.answer = PutOpened{known->id, limits_.chunk_size, goal};
      return result;
    }
    // A put that was cut off, begun anew: what it had stored is given back.
    if (known) result.changes = remove_file(view_, store_, limits_, now_, known->id);
    const FileId id = std::max(view_.next_file(), first_file_of(view_.epoch()));
    result.changes.push_back(FileOpened{id, put.name, put.size, goal, policy->id});
    result.answer = PutOpened{id, limits_.chunk_size, goal};
    return result;
  }

  Outcomes operator()(const PutPlace& put) const {
    const auto file = store_.file(put.file);
    if (!file || file->complete) return no("not_found", to_string(put.file) + " is not being put");
    std::vector<ToPlace> items;
    std::set<std::uint64_t> places;
    for (const PutPlace::Item& item : put.items) {
      if (!places.insert(item.index).second) {
        return no("malformed", "chunk " + std::to_string(item.index) + " is there twice");
      }
      if (item.size > limits_.chunk_size) {
        return no("malformed", "chunk " + std::to_string(item.index) + " is larger than " +
                                   std::to_string(limits_.chunk_size.count()) + " bytes");
      }
      const auto chunk = store_.chunk_at(file->id, item.index);
      const auto placed = chunk ? view_.find(*chunk) : std::nullopt;
      if (placed && (placed->size != item.size || placed->checksum != item.checksum)) {
        return no("conflict", "chunk " + std::to_string(item.index) + " of " + to_string(put.file) +
                                  " was placed with other content");
      }
      items.push_back({item, chunk});
    }
    PlacedChunks placed = place(view_, limits_, now_, {file->id, file->goal, file->policy}, items);
    PutPlaced answer{file->id, Epoch(0), {}};
    for (const Placement& placement : placed.placements) {
      if (placement.targets.empty()) {
        return no("unavailable", "no server can take chunk " + std::to_string(placement.index));
      }
      answer.items.push_back({placement.index, placement.content.chunk, placement.content.version,
                              sources(placement.targets)});
    }
    return {std::move(placed.changes), std::move(answer)};
  }

  /// The receipts themselves were checked, and came as an event of their own in the same batch.
  Outcomes operator()(const PutClose& put) const {
    const auto file = store_.file(put.file);
    if (!file) return no("not_found", to_string(put.file) + " is not being put");
    Outcomes result{{}, PutClosed{file->id, put.stored.size()}};
    if (!put.done || file->complete) return result;
    for (const ChunkId id : store_.chunks_of(file->id, 0, kAllChunks)) {
      const auto chunk = view_.find(id);
      if (view_.count(*chunk).valid == 0) {
        return no("conflict", to_string(id) + " of '" + file->name + "' is stored nowhere");
      }
      if (chunk->life != ChunkLife::kRetired) result.changes.push_back(ChunkPublished{id});
    }
    result.changes.push_back(FileCompleted{file->id});
    result.changes.push_back(Noted{"file", file->name, "put"});
    return result;
  }

  Outcomes operator()(const Explain& question) const {
    return explain(view_, store_, limits_, now_, question);
  }

  Outcomes operator()(const Locate& locate) const {
    Located answer;
    answer.first = locate.first;
    std::vector<ChunkId> chunks;
    if (const auto* id = std::get_if<ChunkId>(&locate.what)) {
      const auto chunk = view_.find(*id);
      if (!chunk || chunk->life == ChunkLife::kRetired) {
        return no("not_found", "there is no chunk " + to_string(*id));
      }
      answer.name = to_string(*id);
      answer.size = chunk->size;
      answer.total = 1;
      if (locate.first == 0) chunks = {*id};
    } else {
      const auto& name = std::get<std::string>(locate.what);
      const auto file = store_.file(name);
      if (!file || !file->complete) return no("not_found", "there is no file '" + name + "'");
      answer.name = file->name;
      answer.size = file->size;
      answer.total = store_.chunk_total(file->id);
      chunks = store_.chunks_of(file->id, locate.first, kLocatedMax);
    }
    for (const ChunkId id : chunks) answer.chunks.push_back(located(id));
    return {{}, std::move(answer)};
  }

  Outcomes operator()(const DeleteNamed& named) const {
    Outcomes result;
    if (const auto* id = std::get_if<ChunkId>(&named.what)) {
      const auto chunk = view_.find(*id);
      if (!chunk || chunk->life == ChunkLife::kRetired) {
        return no("not_found", "there is no chunk " + to_string(*id));
      }
      retire(*id, result.changes);
      result.answer = Deleted{1};
      return result;
    }
    const auto& name = std::get<std::string>(named.what);
    const auto file = store_.file(name);
    if (!file) return no("not_found", "there is no file '" + name + "'");
    result.answer = Deleted{store_.chunk_total(file->id)};
    result.changes = remove(file->id);
    result.changes.push_back(Noted{"file", name, "deleted"});
    return result;
  }

  Outcomes operator()(const ReleaseBrake&) const {
    if (!view_.braked()) return no("conflict", "the brake does not hold");
    Outcomes result{brake_released(view_), BrakeReleased{}};
    std::get<BrakeReleased>(result.answer).servers = static_cast<std::uint64_t>(std::count_if(
        result.changes.begin(), result.changes.end(),
        [](const Change& change) { return std::holds_alternative<ServerGone>(change); }));
    return result;
  }

  Changes remove(FileId file) const {
    Changes changes{FileRemoved{file}};
    for (const ChunkId id : store_.chunks_of(file, 0, kAllChunks)) retire(id, changes);
    return changes;
  }

 private:
  /// The same request once more, and not a put that is begun anew.
  bool is_repeated(const PutOpen& put, int goal, PolicyId policy, const Store::File& known) const {
    return known.size == put.size && known.goal == goal && known.policy == policy &&
           store_.chunk_total(known.id) == 0;
  }

  void retire(ChunkId id, Changes& changes) const {
    const ChunkSlot slot = *view_.slot_of(id);
    if (view_.chunk(slot).life == ChunkLife::kRetired) return;
    for (const CommandId command : view_.in_flight_of(slot)) {
      // A copy or check that is under way is of no use any more; a delete goes on (S3).
      if (view_.find(command)->kind == CommandKind::kDelete) continue;
      changes.push_back(CommandClosed{command, CommandEnd::kSuperseded, "the chunk was deleted"});
    }
    changes.push_back(ChunkRetired{id});
    changes.push_back(
        ChunkSetAside{id, "deleted by its owner; kept for a while", now_ + limits_.retire_after});
  }

  std::vector<Source> sources(const std::vector<ServerId>& servers) const {
    std::vector<Source> result;
    for (const ServerId id : servers) {
      const Member& member = view_.find(id)->member;
      result.push_back({member.server, member.storage, member.address, ""});
    }
    return result;
  }

  Located::Item located(ChunkId id) const {
    const Chunk chunk = *view_.find(id);
    Located::Item item{chunk.content(), {}};
    for (const Replica& replica : chunk.replicas) {
      const Member& member = view_.server(replica.server).member;
      if (!replica.valid() || member.liveness == Liveness::kDead) continue;
      if (view_.server(replica.server).admin == AdminState::kRemoved) continue;
      if (item.holders.size() == kHoldersMax) break;
      item.holders.push_back({member.server, member.storage, member.address, ""});
    }
    return item;
  }

  const ClusterView& view_;
  Store& store_;
  const Limits& limits_;
  const Instant now_;
};

}  // namespace

Outcomes answer_request(const ClusterView& view, Store& store, const Limits& limits, Instant now,
                        const Request& request, Parts parts) {
  return std::visit(
      Overloaded{Answering(view, store, limits, now), Operators(view, store, limits, now, parts),
                 PolicyRequests(view, store, parts),
                 // Whoever can tell one person from another answers these.
                 [](const ApproveProposal&) { return unknown_kind(); },
                 [](const RejectProposal&) { return unknown_kind(); }},
      request);
}

Changes remove_file(const ClusterView& view, Store& store, const Limits& limits, Instant now,
                    FileId file) {
  return Answering(view, store, limits, now).remove(file);
}

}  // namespace evenkeel
