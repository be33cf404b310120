#include "services/rebalancer/io/metrics_page.h"

#include <algorithm>
#include <map>

#include "common/model/text.h"
#include "services/rebalancer/core/mode.h"

namespace evenkeel {
namespace {

using metrics::Labels;
using metrics::Page;

double number(std::uint64_t value) {
  return static_cast<double>(value);
}
double seconds(std::uint64_t ms) {
  return static_cast<double>(ms) / 1000;
}

void add_chunks(Page& page, const HealthBook& book) {
  for (std::size_t i = 0; i < kChunkHealths; ++i) {
    const auto health = static_cast<ChunkHealth>(i);
    page.gauge("evenkeel_chunks", "Chunks by what their valid replicas amount to.",
               number(book.count(health)), {{"health", std::string(to_text(health))}});
  }
  page.gauge("evenkeel_replicas", "Replicas in any state, on any server.", number(book.replicas()));
  page.gauge("evenkeel_chunks_unsorted",
             "Chunks still to be looked at after a server went or came back.",
             number(book.behind()));
}

void add_risk(Page& page, const RiskTotals& risk) {
  page.counter("evenkeel_chunk_lost_seconds_total",
               "Chunks without a valid replica, times how long, in all runs.",
               seconds(risk.lost_ms));
  page.counter("evenkeel_chunk_at_risk_seconds_total",
               "Chunks with one valid replica left, times how long, in all runs.",
               seconds(risk.at_risk_ms));
  page.counter("evenkeel_chunk_below_goal_seconds_total",
               "Chunks with fewer valid replicas than their goal, times how long, in all runs.",
               seconds(risk.below_goal_ms));
}

void add_commands(Page& page, const Tally& tally) {
  for (const auto& [key, count] : tally.commands()) {
    const Labels of{{"kind", std::string(to_text(key.first))},
                    {"reason", std::string(to_text(key.second))}};
    page.gauge("evenkeel_commands_open", "Commands that are under way.", number(count.open), of);
    page.gauge("evenkeel_commands_open_bytes", "Bytes of the chunks of commands under way.",
               number(count.open_bytes.count()), of);
    for (const auto& [outcome, ended] :
         {std::pair("done", count.done), std::pair("failed", count.failed),
          std::pair("refused", count.refused), std::pair("superseded", count.superseded)}) {
      Labels with = of;
      with.emplace_back("outcome", outcome);
      page.counter("evenkeel_commands_total", "Commands that ended, in all runs.", number(ended),
                   std::move(with));
    }
    if (key.first != CommandKind::kReplicate) continue;
    page.counter("evenkeel_copied_bytes_total", "Bytes of copies that were done, in all runs.",
                 number(count.done_bytes.count()), {{"reason", std::string(to_text(key.second))}});
  }
}

void add_servers(Page& page, const ClusterView& view) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> states;
  Bytes used, capacity;
  double lowest = 1, highest = 0;
  bool any = false;
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    if (server.admin == AdminState::kRemoved) continue;
    ++states[{std::string(to_text(server.member.liveness)), std::string(to_text(server.admin))}];
    if (server.member.liveness == Liveness::kDead || server.member.capacity.count() == 0) continue;
    used += server.used;
    capacity += server.member.capacity;
    const double use = number(server.used.count()) / number(server.member.capacity.count());
    lowest = std::min(lowest, use);
    highest = std::max(highest, use);
    any = true;
  }
  for (const auto& [state, count] : states) {
    page.gauge("evenkeel_servers", "Chunk servers by liveness and by what operators want of them.",
               number(count), {{"liveness", state.first}, {"admin", state.second}});
  }
  page.gauge("evenkeel_used_bytes", "Bytes of replicas on servers that are not dead.",
             number(used.count()));
  page.gauge("evenkeel_capacity_bytes", "Capacity of servers that are not dead.",
             number(capacity.count()));
  if (!any) return;
  page.gauge("evenkeel_server_use_lowest_ratio", "Use of the emptiest server, of its capacity.",
             lowest);
  page.gauge("evenkeel_server_use_highest_ratio", "Use of the fullest server, of its capacity.",
             highest);
}

}  // namespace

metrics::Page metrics_page(const Rebalancer& rebalancer) {
  const ClusterView& view = rebalancer.view();
  Page page;
  add_chunks(page, rebalancer.watch().health());
  add_risk(page, rebalancer.watch().tally().risk());
  add_commands(page, rebalancer.watch().tally());
  add_servers(page, view);
  const std::string now = to_string(mode_of(view).mode);
  for (const char* mode : {"running", "braked", "log_full", "safe_mode", "unsynced"}) {
    page.gauge("evenkeel_mode", "1 for the mode in which the rebalancer is.", now == mode,
               {{"mode", mode}});
  }
  page.gauge("evenkeel_deletes_held", "1 while nothing is deleted until an operator says so.",
             view.deletes_held().has_value());
  for (const Reason pass : kPasses) {
    page.gauge("evenkeel_pass_paused", "1 for each pass that operators have paused.",
               view.paused(pass), {{"pass", std::string(to_text(pass))}});
  }
  page.gauge("evenkeel_rebalancer_log_bytes",
             "Length of the database's log, which is short unless somebody reads for long.",
             number(rebalancer.log_size().count()));
  page.gauge("evenkeel_rebalancer_epoch", "Raised by each start.", number(view.epoch().value()));
  return page;
}

}  // namespace evenkeel
