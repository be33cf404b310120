#include "services/rebalancer/core/draft.h"

#include <algorithm>

#include "services/rebalancer/core/placement.h"

namespace evenkeel {
namespace {

std::int64_t signed_count(Bytes bytes) {
  return static_cast<std::int64_t>(bytes.count());
}

constexpr CommandId kLater{0};  // given out at the end

}  // namespace

Draft::Draft(const ClusterView& view, const Limits& limits, Instant now)
    : view_(view),
      limits_(limits),
      now_(now),
      metered_(view.metering().any()),
      looks_left_(limits.looks_per_turn) {
  touched_.loosen();
}

std::vector<Draft::Budget>& Draft::budgets() const {
  if (budgets_.empty()) draw_up_budgets();
  return budgets_;
}

void Draft::draw_up_budgets() const {
  budgets_.reserve(view_.server_slots());
  double bytes = 0, capacity = 0;
  for (ServerSlot slot = 0; slot < view_.server_slots(); ++slot) {
    const Server& server = view_.server(slot);
    const bool full = server.full_until && *server.full_until > now_;
    Budget budget;
    budget.projected = signed_count(server.projected());
    budget.arrived = signed_count(server.used + server.incoming + server.promised);
    budget.limit = full ? 0 : room_limit(slot);
    budget.capacity = static_cast<double>(server.member.capacity.count());
    budget.copies_in = server.copies_in;
    budget.copies_out = server.copies_out;
    budget.window = server.window.value_or(limits_.bytes_in);
    budget.most_in = limits_.copies_in;
    if (budget.window > limits_.bytes_in) {  // its pace is that of its acknowledgements
      const auto times = static_cast<double>(budget.window.count()) /
                         static_cast<double>(limits_.bytes_in.count());
      budget.most_in = static_cast<int>(times * limits_.copies_in);
    }
    budget.bytes_in = server.incoming;
    budget.bytes_out = server.bytes_out;
    budget.checks = server.checks;
    budget.target = view_.works(slot) && view_.in_service(slot) && !full;
    budgets_.push_back(budget);
    bytes += static_cast<double>(budget.projected);
    capacity += budget.capacity;
  }
  if (capacity <= 0) return;
  mean_capacity_ = capacity / static_cast<double>(view_.server_slots());
  mean_use_ = bytes / capacity;
}

const ServerHeap& Draft::by_use() const {
  if (by_use_made_) return by_use_;
  by_use_made_ = true;
  SlotSet zones;
  for (ServerSlot slot = 0; slot < view_.server_slots(); ++slot) {
    if (!budget(slot).target) continue;
    by_use_.add(slot, use(slot));
    const std::uint32_t zone = view_.place(slot).zone;
    if (!zones.contains(zone)) zones.insert(zone);
  }
  by_use_.order();
  target_zones_ = zones.size();
  return by_use_;
}

std::size_t Draft::target_zones() const {
  by_use();
  return target_zones_;
}

void Draft::looked(std::size_t servers) const {
  looks_left_ -= std::min(looks_left_, servers);
}

double Draft::use_step(Bytes size) const {
  budgets();
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
  const Budget& of = budget(slot);
  return of.capacity > 0 ? static_cast<double>(of.projected) / of.capacity : 1.0;
}

bool Draft::fits(ServerSlot slot, Bytes size) const {
  // What is to leave is still there: a delete may take long, and may be refused.
  const Budget& of = budget(slot);
  return of.arrived + signed_count(size) <= of.limit;
}

bool Draft::may_copy_in(ServerSlot slot, Bytes size) const {
  const Budget& of = budget(slot);
  if (metered_ && !metering().may_take(slot, urgency_, now_)) return false;
  if (of.copies_in == 0) return true;  // one chunk goes through whatever its size
  return of.copies_in < of.most_in && of.bytes_in + size <= of.window;
}

bool Draft::may_copy_out(ServerSlot slot, Bytes size) const {
  const Budget& of = budget(slot);
  if (metered_ && !metering().may_give(slot, urgency_, now_)) return false;
  if (of.copies_out == 0) return true;
  return of.copies_out < limits_.copies_out && of.bytes_out + size <= limits_.bytes_out;
}

bool Draft::may_cross(ServerSlot source, ServerSlot target) const {
  return !metered_ ||
         metering().may_cross(view_.place(source).rack, view_.place(target).rack, urgency_, now_);
}

void Draft::meter(const Copy& copy, ServerSlot target) {
  if (!metered_) return;
  if (!metering_) metering_ = view_.metering();
  metering_->spend({.source = copy.source,
                    .target = target,
                    .source_rack = view_.place(copy.source).rack,
                    .target_rack = view_.place(target).rack,
                    .size = view_.table().bytes(copy.chunk),
                    .urgency = urgency_},
                   now_);
}

bool Draft::may_check(ServerSlot slot) const {
  return budget(slot).checks < limits_.checks;
}

void Draft::on_projected(ServerSlot slot, std::int64_t more) {
  budget(slot).projected += more;
  if (by_use_made_) by_use_.update(slot, use(slot));
}

void Draft::book(ServerSlot slot, Bytes size) {
  budget(slot).arrived += signed_count(size);
  on_projected(slot, signed_count(size));
}

void Draft::replicate(ChunkSlot chunk, ServerSlot source, ServerSlot target, Reason reason,
                      std::optional<ServerSlot> drop, int valid) {
  const Bytes size = view_.table().bytes(chunk);
  copies_.push_back({chunk, source, target, drop.value_or(kNoServer), reason,
                     static_cast<std::uint8_t>(valid), static_cast<float>(use(target)),
                     drop ? static_cast<float>(use(*drop)) : 0.0F});
  meter(copies_.back(), target);
  Budget& in = budget(target);
  ++in.copies_in;
  in.bytes_in += size;
  in.planned_in += size;
  book(target, size);
  Budget& out = budget(source);
  ++out.copies_out;
  out.bytes_out += size;
  if (drop) on_projected(*drop, -signed_count(size));
  ++commands_;
  if (!touched_.contains(chunk)) touched_.insert(chunk);
}

void Draft::retarget(std::size_t index, ServerSlot target) {
  Copy& copy = copies_[index];
  const Bytes size = view_.table().bytes(copy.chunk);
  Budget &from = budget(copy.target), &to = budget(target);
  --from.copies_in;
  from.bytes_in -= size;
  from.planned_in -= size;
  from.arrived -= signed_count(size);
  on_projected(copy.target, -signed_count(size));
  ++to.copies_in;
  to.bytes_in += size;
  to.planned_in += size;
  copy.target = target;
  copy.target_use = static_cast<float>(use(target));
  book(target, size);
}

void Draft::instead_of(const Losers& losers) {
  if (losers.begin() != losers.end()) losers_.emplace_back(copies_.size() - 1, losers);
}

/// As the column `candidates` has it.
std::string Draft::candidates(const Losers& losers, ServerSlot chosen) const {
  std::string text = "[";
  for (const Loser& loser : losers) {
    if (loser.server == chosen) continue;  // it was, in the end
    const auto millionths = static_cast<std::int64_t>(loser.use * 1e6F);
    text += (text.size() == 1 ? "[" : ",[") +
            std::to_string(view_.server(loser.server).id().value()) + "," +
            (loser.refusal ? "\"" + std::string(to_string(*loser.refusal)) + "\""
                           : std::to_string(millionths)) +
            "]";
  }
  return text + "]";
}

namespace {

std::string percent(float share) {
  const int permille = static_cast<int>(share * 1000);
  return std::to_string(permille / 10) + "." + std::to_string(permille % 10) + " %";
}

}  // namespace

std::string Draft::because(const Copy& copy) const {
  const auto named = [&](ServerSlot slot) { return to_string(view_.server(slot).id()); };
  const std::string from_to = "from " + named(copy.source) + " (fewest bytes out) to " +
                              named(copy.target) + " (use " + percent(copy.target_use) + ")";
  switch (copy.reason) {
    case Reason::kRepair:
      return std::to_string(copy.valid) + " of " + std::to_string(view_.table().goal(copy.chunk)) +
             " replicas valid; " + from_to;
    case Reason::kDrain:
      return "a holder is leaving; " + from_to;
    case Reason::kSpread:
      return named(copy.drop) + " shares a failure domain with another holder; " + from_to;
    default:
      return named(copy.drop) + " is at " + percent(copy.drop_use) + ", " + named(copy.target) +
             " at " + percent(copy.target_use);
  }
}

CommandRecord Draft::command(const Copy& copy) const {
  CommandRecord record =
      command(copy.chunk, copy.target, CommandKind::kReplicate, copy.reason, because(copy));
  record.source = view_.server(copy.source).id();
  if (copy.drop != kNoServer) record.drop = view_.server(copy.drop).id();
  return record;
}

CommandRecord Draft::command(ChunkSlot chunk_slot, ServerSlot server, CommandKind kind,
                             Reason reason, std::string because) const {
  const ChunkContent chunk = view_.table().content(chunk_slot);
  const Member& member = view_.server(server).member;
  CommandRecord record{.id = kLater,
                       .epoch = view_.epoch(),
                       .kind = kind,
                       .reason = reason,
                       .chunk = chunk.chunk,
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
  ++commands_;
  if (!touched_.contains(chunk)) touched_.insert(chunk);
  changes_.push_back(CommandIssued{std::move(command)});
}

void Draft::verify(ChunkSlot chunk, ServerSlot holder, VerifyLevel level, std::string because) {
  CommandRecord record =
      command(chunk, holder, CommandKind::kVerify, Reason::kVerify, std::move(because));
  record.level = level;
  ++budget(holder).checks;
  issue(std::move(record), chunk);
}

void Draft::remove(ChunkSlot chunk, ServerSlot holder, ChunkVersion version, Reason reason,
                   std::vector<Holder> evidence, bool retired, std::string because) {
  CommandRecord record = command(chunk, holder, CommandKind::kDelete, reason, std::move(because));
  record.version = version;
  record.evidence = std::move(evidence);
  record.retired = retired;
  ++budget(holder).checks;
  count_out(chunk, holder);
  issue(std::move(record), chunk);
}

void Draft::count_out(ChunkSlot chunk, ServerSlot holder) {
  for (const PackedReplica replica : view_.table().replicas(chunk)) {
    if (replica.server() != holder || replica.leaving()) continue;
    on_projected(holder, -signed_count(view_.table().bytes(chunk)));
  }
}

void Draft::report(ServerSlot server, std::string because) {
  changes_.push_back(InventoryAsked{view_.server(server).id(), now_});
  ask_for_report(server, std::move(because));
}

void Draft::report_again(ServerSlot server, bool ask, Instant next) {
  // Not InventoryAsked: one that it made before may be on its way, and is no answer to this.
  changes_.push_back(InventoryWanted{view_.server(server).id(), next});
  if (ask) ask_for_report(server, "what is known of it may be out of date");
}

void Draft::ask_for_report(ServerSlot server, std::string because) {
  const Member& member = view_.server(server).member;
  changes_.push_back(CommandIssued{CommandRecord{.id = kLater,
                                                 .epoch = view_.epoch(),
                                                 .kind = CommandKind::kReport,
                                                 .reason = Reason::kReport,
                                                 .server = member.server,
                                                 .storage = member.storage,
                                                 .evidence = {},
                                                 .because = std::move(because),
                                                 .issued = now_}});
  ++commands_;
}

void Draft::keep_surplus(ChunkSlot slot) {
  const Chunk chunk = view_.chunk(slot);
  for (const Replica& replica : chunk.replicas) {
    if (replica.state != ReplicaState::kSurplus) continue;
    const auto commands = view_.in_flight_of(slot);
    const bool going = std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
      const CommandRecord* command = view_.find(id);
      return command->kind == CommandKind::kDelete &&
             command->server == view_.server(replica.server).id();
    });
    if (going) continue;
    keep_surplus(slot, replica.server);
  }
}

void Draft::keep_surplus(ChunkSlot slot, ServerSlot holder) {
  const ChunkContent chunk = view_.table().content(slot);
  if (!touched_.contains(slot)) touched_.insert(slot);
  on_projected(holder, signed_count(chunk.size));
  changes_.push_back(
      ReplicaChanged{chunk.chunk, view_.server(holder).id(), ReplicaState::kValid, chunk.version});
}

void Draft::set_aside(ChunkSlot chunk, std::string why, Duration pause) {
  if (!touched_.contains(chunk)) touched_.insert(chunk);
  changes_.push_back(ChunkSetAside{view_.table().id(chunk), std::move(why), now_ + pause});
}

Changes Draft::changes() && {
  Changes all;
  all.reserve(copies_.size() + changes_.size());
  auto losers = losers_.begin();
  const auto issue_copy = [&](std::size_t i) {
    CommandRecord record = command(copies_[i]);
    if (losers != losers_.end() && losers->first == i) {
      record.candidates = candidates((losers++)->second, copies_[i].target);
    }
    all.push_back(CommandIssued{std::move(record)});
  };
  // Balancing is the last of the passes: it counts on what the others order.
  std::size_t i = 0;
  for (; i < copies_.size() && copies_[i].reason != Reason::kBalance; ++i) issue_copy(i);
  for (Change& change : changes_) all.push_back(std::move(change));
  for (; i < copies_.size(); ++i) issue_copy(i);
  CommandId next = view_.next_command();
  for (Change& change : all) {
    auto* issued = std::get_if<CommandIssued>(&change);
    if (issued == nullptr) continue;
    issued->command.id = next;
    next = CommandId(next.value() + 1);
  }
  return all;
}

}  // namespace evenkeel
