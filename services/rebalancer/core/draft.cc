#include "services/rebalancer/core/draft.h"

#include <algorithm>

namespace evenkeel {
namespace {

std::int64_t signed_count(Bytes bytes) {
  return static_cast<std::int64_t>(bytes.count());
}

}  // namespace

Draft::Draft(const ClusterView& view, const Limits& limits, Instant now)
    : view_(view), limits_(limits), now_(now), next_(view.next_command()) {
  budgets_.reserve(view.server_slots());
  double bytes = 0, capacity = 0;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    const Server& server = view.server(slot);
    const Bytes arrived = server.used + server.incoming + server.promised;
    budgets_.push_back({signed_count(server.projected()), signed_count(arrived), server.copies_in,
                        server.copies_out, server.incoming, server.bytes_out, server.checks});
    bytes += static_cast<double>(server.projected().count());
    capacity += static_cast<double>(server.member.capacity.count());
  }
  if (capacity <= 0) return;
  mean_capacity_ = capacity / static_cast<double>(view.server_slots());
  mean_use_ = bytes / capacity;
}

double Draft::use_step(Bytes size) const {
  const double one_chunk = static_cast<double>(size.count()) / mean_capacity_;
  return std::max({one_chunk, mean_use_ * limits_.dead_band.value(), 1e-12});
}

std::int64_t Draft::room_limit(ServerSlot slot) const {
  const Member& member = view_.server(slot).member;
  const auto capacity = signed_count(member.capacity);
  const auto reserve = signed_count(member.reserve);
  // What it says it can hold may be more than its disk has left: others write there too.
  const auto disk = signed_count(member.used) + signed_count(member.free);
  const auto after_reserve = std::max<std::int64_t>(0, std::min(capacity, disk) - reserve);
  return std::min(signed_count(member.capacity * limits_.fill_limit), after_reserve);
}

double Draft::use(ServerSlot slot) const {
  const auto capacity = static_cast<double>(view_.server(slot).member.capacity.count());
  return capacity > 0 ? static_cast<double>(budgets_[slot].projected) / capacity : 1.0;
}

bool Draft::fits(ServerSlot slot, Bytes size) const {
  const auto& until = view_.server(slot).full_until;
  if (until && *until > now_) return false;
  // What is to leave is still there: a delete may take long, and may be refused.
  return budgets_[slot].arrived + signed_count(size) <= room_limit(slot);
}

bool Draft::may_copy_in(ServerSlot slot, Bytes size) const {
  const Budget& budget = budgets_[slot];
  if (budget.copies_in == 0) return true;  // one chunk goes through whatever its size
  return budget.copies_in < limits_.copies_in && budget.bytes_in + size <= limits_.bytes_in;
}

bool Draft::may_copy_out(ServerSlot slot, Bytes size) const {
  const Budget& budget = budgets_[slot];
  if (budget.copies_out == 0) return true;
  return budget.copies_out < limits_.copies_out && budget.bytes_out + size <= limits_.bytes_out;
}

bool Draft::may_check(ServerSlot slot) const {
  return budgets_[slot].checks < limits_.checks;
}

void Draft::book(ServerSlot slot, Bytes size) {
  budgets_[slot].arrived += signed_count(size);
  budgets_[slot].projected += signed_count(size);
}

CommandRecord Draft::command(ChunkSlot chunk_slot, ServerSlot server, CommandKind kind,
                             Reason reason, std::string because) {
  const Chunk& chunk = view_.chunk(chunk_slot);
  const Member& member = view_.server(server).member;
  CommandRecord record{.id = next_,
                       .epoch = view_.epoch(),
                       .kind = kind,
                       .reason = reason,
                       .chunk = chunk.id,
                       .version = chunk.version,
                       .size = chunk.size,
                       .server = member.server,
                       .storage = member.storage,
                       .evidence = {},
                       .because = std::move(because),
                       .issued = now_};
  return record;
}

void Draft::issue(CommandRecord command, ChunkSlot chunk) {
  next_ = CommandId(next_.value() + 1);
  ++commands_;
  touched_.insert(chunk);
  changes_.push_back(CommandIssued{std::move(command)});
}

void Draft::replicate(ChunkSlot chunk, ServerSlot source, ServerSlot target, Reason reason,
                      std::optional<ServerSlot> drop, std::string because) {
  CommandRecord record =
      command(chunk, target, CommandKind::kReplicate, reason, std::move(because));
  record.source = view_.server(source).id();
  Budget& in = budgets_[target];
  ++in.copies_in;
  in.bytes_in += record.size;
  in.projected += signed_count(record.size);
  in.arrived += signed_count(record.size);
  Budget& out = budgets_[source];
  ++out.copies_out;
  out.bytes_out += record.size;
  if (drop) {
    record.drop = view_.server(*drop).id();
    budgets_[*drop].projected -= signed_count(record.size);
  }
  issue(std::move(record), chunk);
}

void Draft::verify(ChunkSlot chunk, ServerSlot holder, VerifyLevel level, std::string because) {
  CommandRecord record =
      command(chunk, holder, CommandKind::kVerify, Reason::kVerify, std::move(because));
  record.level = level;
  ++budgets_[holder].checks;
  issue(std::move(record), chunk);
}

void Draft::remove(ChunkSlot chunk, ServerSlot holder, ChunkVersion version, Reason reason,
                   std::vector<Holder> evidence, bool retired, std::string because) {
  CommandRecord record = command(chunk, holder, CommandKind::kDelete, reason, std::move(because));
  record.version = version;
  record.evidence = std::move(evidence);
  record.retired = retired;
  ++budgets_[holder].checks;
  issue(std::move(record), chunk);
}

void Draft::report(ServerSlot server, std::string because) {
  const Member& member = view_.server(server).member;
  changes_.push_back(InventoryAsked{member.server, now_});
  changes_.push_back(CommandIssued{CommandRecord{.id = next_,
                                                 .epoch = view_.epoch(),
                                                 .kind = CommandKind::kReport,
                                                 .reason = Reason::kReport,
                                                 .server = member.server,
                                                 .storage = member.storage,
                                                 .evidence = {},
                                                 .because = std::move(because),
                                                 .issued = now_}});
  next_ = CommandId(next_.value() + 1);
  ++commands_;
}

void Draft::keep_surplus(ChunkSlot slot) {
  const Chunk& chunk = view_.chunk(slot);
  for (const Replica& replica : chunk.replicas) {
    if (replica.state != ReplicaState::kSurplus) continue;
    const auto commands = view_.in_flight_of(slot);
    const bool going = std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
      const CommandRecord* command = view_.find(id);
      return command->kind == CommandKind::kDelete &&
             command->server == view_.server(replica.server).id();
    });
    if (going) continue;
    touched_.insert(slot);
    changes_.push_back(ReplicaChanged{chunk.id, view_.server(replica.server).id(),
                                      ReplicaState::kValid, chunk.version});
  }
}

void Draft::set_aside(ChunkSlot chunk, std::string why, Duration pause) {
  touched_.insert(chunk);
  changes_.push_back(ChunkSetAside{view_.chunk(chunk).id, std::move(why), now_ + pause});
}

}  // namespace evenkeel
