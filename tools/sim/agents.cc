#include "tools/sim/agents.h"

#include <algorithm>

#include "common/base/check.h"

namespace evenkeel::sim {
namespace {

constexpr Nanos kNobodyServes = std::chrono::seconds(1);  // an agent tries its sources for a while

Nanos time_for(std::uint64_t bytes, std::uint64_t rate) {
  if (rate == 0) return Nanos(0);
  return Nanos(
      static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate)));
}

}  // namespace

Nanos Agents::Way::book(std::uint64_t bytes, Nanos now) {
  free_at = std::max(free_at, now) + time_for(bytes, rate);
  return free_at;
}

Agents::Agents(const Rates& rates, OtherSource other_source)
    : rates_(rates), other_source_(std::move(other_source)) {
  EK_CHECK(rates.copies_at_once > 0);
}

void Agents::add(ServerId server, const std::string& machine) {
  const std::uint64_t network = rates_.network.count();
  auto& at = machines_.emplace(machine, Machine{{network}, {network}}).first->second;
  EK_CHECK(servers_.emplace(server, Server{&at, {rates_.disk.count()}, 0, {}}).second);
}

void Agents::lose(ServerId server, Nanos now) {
  servers_.erase(server);
  std::vector<Copy> anew;
  for (auto run = running_.begin(); run != running_.end();) {
    const Copy& copy = run->second.copy;
    const bool writes = copy.target == server;
    if (!writes && copy.source == server) anew.push_back(copy);
    run = writes || copy.source == server ? running_.erase(run) : std::next(run);
  }
  for (const Copy& copy : anew) begin(copy, now);
}

void Agents::take(const Copy& copy, Nanos now) {
  const auto server = servers_.find(copy.target);
  if (server == servers_.end()) return;  // nobody is there to hear of it
  server->second.waiting.push_back(copy);
  begin_waiting(copy.target, now);
}

void Agents::drop(CommandId command, ServerId target, Nanos now) {
  const auto server = servers_.find(target);
  if (server == servers_.end()) return;
  if (running_.erase(command) > 0) {
    --server->second.running;
    return begin_waiting(target, now);
  }
  std::erase_if(server->second.waiting, [&](const Copy& copy) { return copy.command == command; });
}

void Agents::begin_waiting(ServerId id, Nanos now) {
  Server& server = servers_.at(id);
  while (server.running < rates_.copies_at_once && !server.waiting.empty()) {
    const Copy copy = server.waiting.front();
    server.waiting.pop_front();
    ++server.running;
    begin(copy, now);
  }
}

void Agents::begin(const Copy& wished, Nanos now) {
  Copy copy = wished;
  if (!serves(copy.source)) copy.source = other_source_(copy.command).value_or(copy.source);
  const bool served = serves(copy.source);
  Nanos end = now + kNobodyServes;
  if (served) {
    Server& from = servers_.at(copy.source);
    Server& to = servers_.at(copy.target);
    const std::uint64_t bytes = copy.size.count();
    end = std::max({from.disk.book(bytes, now), from.machine->out.book(bytes, now),
                    to.machine->in.book(bytes, now), to.disk.book(bytes, now),
                    now + time_for(bytes, copy.rate.count())}) +
          rates_.copy_cost;
  }
  const std::uint64_t begun = ++begun_;
  running_.insert_or_assign(copy.command, Run{copy, begun, served});
  ends_.emplace(end, begun, copy.command);
}

void Agents::skip_old_ends() {
  while (!ends_.empty()) {
    const auto& [at, begun, command] = ends_.top();
    const auto run = running_.find(command);
    if (run != running_.end() && run->second.begun == begun) return;
    ends_.pop();
  }
}

std::optional<Nanos> Agents::next() {
  skip_old_ends();
  if (ends_.empty()) return std::nullopt;
  return std::get<Nanos>(ends_.top());
}

std::vector<Agents::Ended> Agents::ended(Nanos now) {
  std::vector<Ended> all;
  for (auto at = next(); at && *at <= now; at = next()) {
    const CommandId command = std::get<CommandId>(ends_.top());
    ends_.pop();
    const Run run = running_.at(command);
    running_.erase(command);
    all.push_back({command, run.copy.target, run.copy.source, run.served});
    --servers_.at(run.copy.target).running;
    begin_waiting(run.copy.target, *at);
  }
  return all;
}

}  // namespace evenkeel::sim
