#include "services/rebalancer/settings.h"

#include <algorithm>

#include "common/base/hex.h"
#include "common/model/text.h"
#include "common/program/program.h"

namespace evenkeel {
namespace {

using config::Reader;

void read_endpoints(Reader& reader, RebalancerSettings& settings) {
  settings.membership.events = reader.endpoint("membership_events", "tcp://127.0.0.1:7401");
  settings.membership.requests = reader.endpoint("membership_requests", "tcp://127.0.0.1:7402");
  settings.commands.endpoint = reader.endpoint("commands_endpoint", "tcp://127.0.0.1:7411");
  settings.agents.endpoint = reader.endpoint("agents_endpoint", "tcp://127.0.0.1:7412");
  settings.control.endpoint = reader.endpoint("control_endpoint", "tcp://127.0.0.1:7413");
  settings.events_endpoint = reader.endpoint("events_endpoint", "tcp://127.0.0.1:7414");
}

void read_limits(Reader& reader, Limits& limits) {
  const auto count = [&](const char* key, int fallback, int most) {
    return static_cast<int>(reader.integer(key, fallback, {1, most}));
  };
  limits.default_goal = count("default_goal", limits.default_goal, 16);
  limits.chunk_size = reader.bytes("chunk_size", limits.chunk_size);
  limits.log_limit = reader.bytes("log_limit", limits.log_limit);
  if (limits.log_limit < 64_MiB) reader.fault("log_limit", "must be at least 64MiB");
  limits.commands_per_turn = count("commands_per_turn", limits.commands_per_turn, 100'000);
  limits.copies_in = count("copies_in", limits.copies_in, 100'000);
  limits.copies_out = count("copies_out", limits.copies_out, 100'000);
  limits.bytes_in = reader.bytes("bytes_in", limits.bytes_in);
  limits.bytes_out = reader.bytes("bytes_out", limits.bytes_out);
  limits.checks = count("checks", limits.checks, 100'000);
  limits.copy_rate = reader.bytes("copy_rate", limits.copy_rate);
  limits.copy_pace = reader.duration("copy_pace", limits.copy_pace);
  limits.budgets.server_in = reader.bytes("budget.server_in", limits.budgets.server_in);
  limits.budgets.server_out = reader.bytes("budget.server_out", limits.budgets.server_out);
  limits.budgets.rack_in = reader.bytes("budget.rack_in", limits.budgets.rack_in);
  limits.budgets.rack_out = reader.bytes("budget.rack_out", limits.budgets.rack_out);
  limits.budgets.background = reader.ratio("budget.background", limits.budgets.background);
  limits.scatter_width =
      static_cast<int>(reader.integer("scatter_width", limits.scatter_width, {0, 10'000}));
  limits.fill_limit = reader.ratio("fill_limit", limits.fill_limit);
  limits.dead_band = reader.ratio("dead_band", limits.dead_band);
  limits.copy_allowed = reader.duration("copy_allowed", limits.copy_allowed);
  limits.verify_allowed = reader.duration("verify_allowed", limits.verify_allowed);
  limits.content_fresh = reader.duration("content_fresh", limits.content_fresh);
  limits.retire_after = reader.duration("retire_after", limits.retire_after);
  limits.put_allowed = reader.duration("put_allowed", limits.put_allowed);
  limits.aside = reader.duration("set_aside", limits.aside);
  limits.full_for = reader.duration("full_for", limits.full_for);
  limits.safe_mode_share = reader.ratio("safe_mode_share", limits.safe_mode_share);
  limits.safe_mode_time = reader.duration("safe_mode_time", limits.safe_mode_time);
  limits.patience_planned_stop =
      reader.duration("patience.planned_stop", limits.patience_planned_stop);
  limits.patience_server = reader.duration("patience.server", limits.patience_server);
  limits.patience_rack = reader.duration("patience.rack", limits.patience_rack);
  limits.patience_report = reader.duration("patience.report", limits.patience_report);
  limits.brake_share = reader.ratio("brake.share", limits.brake_share);
  limits.brake_servers = count("brake.servers", limits.brake_servers, 100'000);
  limits.brake_window = reader.duration("brake.window", limits.brake_window);
  if (limits.chunk_size < 1_KiB || limits.chunk_size > 1_GiB) {
    reader.fault("chunk_size", "must be from 1KiB to 1GiB");
  }
  if (limits.budgets.background < Ratio(0.01)) {
    reader.fault("budget.background", "must be at least 1%: pause what is to stand still");
  }
  if (limits.content_fresh < 6h || limits.content_fresh > 384h) {
    reader.fault("content_fresh", "must be between 6h and 384h");
  }
}

/// What is not taken back by another command, or takes data away.
constexpr Operation kDestructive[] = {Operation::kDecommission, Operation::kGoalLowered,
                                      Operation::kReleaseBrake, Operation::kDelete};

bool is_operator(const std::string& name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void read_operators(Reader& reader, std::map<std::string, std::string>& operators) {
  for (const auto& [name, hex] : reader.string_table("operators")) {
    const std::string key = "operators." + name;
    if (!is_operator(name)) reader.fault(key, "an operator's name has 1 to 63 of a-z 0-9 - _");
    const auto digest = from_hex<32>(hex);
    if (!digest) {
      reader.fault(key, "must be the 64 hex digits that 'evenkeel token' tells");
      continue;
    }
    const std::string raw(digest->begin(), digest->end());
    for (const auto& [other, known] : operators) {
      if (known == raw) reader.fault(key, "is the token of '" + other + "': each has his own");
    }
    operators[name] = raw;
  }
}

void read_approval(Reader& reader, const std::map<std::string, std::string>& operators,
                   Limits& limits) {
  for (const std::string& word : reader.strings("approval.operations", {})) {
    if (word == "destructive") {
      for (const Operation each : kDestructive) limits.two_people.add(each);
    } else if (const auto operation = from_text<Operation>(word)) {
      limits.two_people.add(*operation);
    } else {
      reader.fault("approval.operations",
                   "'" + word +
                       "' is none of drain, undrain, decommission, maintenance, goal_lowered, "
                       "cancel, pause, resume, resume_brake, delete and destructive");
    }
  }
  limits.approval_expires = reader.duration("approval.expires", limits.approval_expires);
  if (limits.approval_expires < 1min || limits.approval_expires > 720h) {
    reader.fault("approval.expires", "must be between 1min and 720h");
  }
  if (!limits.two_people.empty() && operators.size() < 2) {
    reader.fault("approval.operations", "wants two people at least in [operators]");
  }
}

}  // namespace

Result<RebalancerSettings> read_settings(Reader& reader) {
  RebalancerSettings settings;
  settings.cluster = reader.string("cluster", settings.cluster);
  if (!is_cluster(settings.cluster)) reader.fault("cluster", "must be 1 to 63 of a-z 0-9 -");
  settings.data_dir = reader.string("data_dir");
  read_endpoints(reader, settings);
  read_limits(reader, settings.limits);
  read_operators(reader, settings.control.operators);
  read_approval(reader, settings.control.operators, settings.limits);
  settings.keep.decisions = reader.duration("decisions", 720h);
  settings.keep.rows =
      static_cast<std::uint64_t>(reader.integer("history", 4'000'000, {1'000, INT64_MAX}));
  settings.metrics_listen = read_metrics_listen(reader);
  settings.log = read_log_settings(reader);
  settings.membership.cluster = settings.commands.cluster = settings.agents.cluster =
      settings.control.cluster = settings.cluster;
  settings.control.version = EVENKEEL_VERSION;
  if (const auto read = reader.finish(); !read) return tl::unexpected(read.error());
  return settings;
}

}  // namespace evenkeel
