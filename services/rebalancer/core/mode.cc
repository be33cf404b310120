#include "services/rebalancer/core/mode.h"

#include "common/base/check.h"

namespace evenkeel {
namespace {

struct Reports {
  int alive = 0;
  int reported = 0;
};

Reports reports(const ClusterView& view) {
  Reports result;
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    if (server.member.liveness != Liveness::kAlive || server.admin == AdminState::kRemoved)
      continue;
    ++result.alive;
    result.reported += server.standing == Standing::kReported;
  }
  return result;
}

}  // namespace

bool safe_mode_over(const ClusterView& view, const Limits& limits, Instant now) {
  if (now - view.started() >= limits.safe_mode_time) return true;
  const Reports count = reports(view);
  return count.reported >= limits.safe_mode_share.value() * count.alive;
}

std::vector<ModeNow> held_by(const ClusterView& view) {
  std::vector<ModeNow> all;
  if (!view.synced()) all.push_back({Mode::kUnsynced, "membership's snapshot has not come"});
  if (view.in_safe_mode()) {
    const Reports count = reports(view);
    all.push_back({Mode::kSafeMode, std::to_string(count.reported) + " of " +
                                        std::to_string(count.alive) +
                                        " live servers have reported"});
  }
  if (view.braked()) all.push_back({Mode::kBraked, *view.braked()});
  if (view.log_held()) all.push_back({Mode::kLogFull, *view.log_held()});
  return all;
}

ModeNow mode_of(const ClusterView& view) {
  auto held = held_by(view);
  if (!held.empty()) return std::move(held.front());
  return {Mode::kRunning, view.deletes_held().value_or("")};
}

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::kUnsynced:
      return "unsynced";
    case Mode::kSafeMode:
      return "safe_mode";
    case Mode::kBraked:
      return "braked";
    case Mode::kLogFull:
      return "log_full";
    case Mode::kRunning:
      return "running";
  }
  EK_CHECK(false);
}

}  // namespace evenkeel
