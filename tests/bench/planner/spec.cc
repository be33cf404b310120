#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "tests/bench/planner/numbers.h"
#include "tests/bench/planner/words.h"
#include "tests/bench/planner/workload.h"

namespace evenkeel::workload {
namespace {

constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
// A chunk in more places than this is a slip of the pen.
constexpr std::uint32_t kMostReplicas = 16;

std::vector<std::uint32_t> capacity_classes(Words& words) {
  std::vector<std::uint32_t> classes;
  const std::string text = words.text("caps");
  if (text.empty()) return {1};  // told of
  for (const std::string_view part : split(text, ':')) {
    const auto value = parse_number<std::uint32_t>(part);
    if (!value || *value == 0) {
      words.fault("caps", "'" + text + "' is not a list of capacities such as 4:2:1");
      return {1};
    }
    classes.push_back(*value);
  }
  return classes;
}

/// "3,17,140-159", or nothing at all.
std::set<ServerIndex> server_list(Words& words, const std::string& key, std::uint32_t servers) {
  std::set<ServerIndex> ids;
  const std::string text = words.text(key, Words::Empty::kMayBe);
  if (text.empty()) return ids;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = parse_number<ServerIndex>(part.substr(0, dash));
    const auto last = dash == part.npos ? first : parse_number<ServerIndex>(part.substr(dash + 1));
    if (!first || !last || *first > *last) {
      words.fault(key, "'" + text + "' is not a list of servers such as 3,17 or 140-159");
      return {};
    }
    if (*last >= servers) {
      words.fault(key, "there is no server " + std::to_string(*last));
      return {};
    }
    for (ServerIndex id = *first; id <= *last; ++id) ids.insert(id);
  }
  return ids;
}

void check_together(const Spec& spec, Words& words) {
  for (const ServerIndex id : spec.down) {
    if (spec.draining.contains(id)) {
      words.fault("drain", "server " + std::to_string(id) + " is down");
    }
  }
  if (std::uint64_t{spec.servers} + spec.new_servers > kMost) {
    words.fault("new", "too many servers");
  }
}

Spec spec_of(Words& words) {
  Spec spec;
  spec.name = words.text("name");
  spec.servers = words.number<std::uint32_t>("servers", 1, kMost);
  spec.rack_size = words.number<std::uint32_t>("rack_size", 1, kMost);
  spec.racks_per_zone = words.number<std::uint32_t>("racks_per_zone", 1, kMost);
  spec.new_servers = words.number<std::uint32_t>("new", 0, kMost);
  spec.new_rack_size = words.number<std::uint32_t>("new_rack_size", 1, kMost);
  spec.chunks = words.number<std::uint32_t>("chunks", 1, kMost);
  spec.replicas = words.number<std::uint32_t>("r", 1, kMostReplicas);
  spec.size_law = words.choice<SizeLaw>(
      "size", {{"fixed", SizeLaw::kFixed}, {"lognormal", SizeLaw::kLognormal}});
  spec.chunk_kib = words.number<std::uint32_t>("chunk_kib", 1, kMost);
  spec.sigma = words.number<double>("sigma", 0, 10);
  spec.fill = words.number<double>("fill", 0.001, 1);
  spec.capacity_classes = capacity_classes(words);
  spec.spread = words.number<double>("spread", 0, 0.99);
  spec.level = words.choice<Level>("key", {{"bytes", Level::kBytes}, {"count", Level::kCount}});
  spec.down = server_list(words, "down", spec.servers);
  spec.draining = server_list(words, "drain", spec.servers);
  spec.limit = limit_of(words);
  spec.seed = words.number<std::uint64_t>("seed", 0, std::numeric_limits<std::uint64_t>::max());
  spec.task = task_of(words);
  check_together(spec, words);
  words.finish();
  return spec;
}

std::set<ServerIndex> folded(const std::set<ServerIndex>& ids, std::uint32_t servers) {
  std::set<ServerIndex> within;
  for (const ServerIndex id : ids) within.insert(id % servers);
  return within;
}

}  // namespace

Result<std::vector<Spec>> parse_specs(const std::string& name, std::string_view text) {
  std::vector<Spec> specs;
  std::vector<std::string> faults;
  std::set<std::string> names;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    Words words(name + ":" + std::to_string(number), line, faults);
    Spec spec = spec_of(words);
    if (!spec.name.empty() && !names.insert(spec.name).second) {
      words.fault("name", "'" + spec.name + "' is there already");
    }
    specs.push_back(std::move(spec));
  }
  if (!faults.empty()) return fail(ErrorCode::kMalformed, joined(faults));
  return specs;
}

Result<std::vector<Spec>> read_specs(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, path.string() + ": cannot be read");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return parse_specs(path.string(), text);
}

Result<Spec> find_spec(const std::vector<Spec>& specs, const std::string& name) {
  std::string known;
  for (const Spec& spec : specs) {
    if (spec.name == name) return spec;
    known += " " + spec.name;
  }
  return fail(ErrorCode::kNotFound, "no workload '" + name + "'; there are:" + known);
}

Result<Spec> scaled(const Spec& spec, std::uint32_t scale) {
  if (scale == 0 || spec.servers / scale == 0 || spec.chunks / scale == 0) {
    return fail(ErrorCode::kMalformed,
                spec.name + ": scale " + std::to_string(scale) + " leaves no servers or no chunks");
  }
  Spec small = spec;
  small.servers /= scale;
  small.chunks /= scale;
  small.rack_size = std::max(1U, spec.rack_size / scale);
  small.new_servers = spec.new_servers / scale + (spec.new_servers % scale == 0 ? 0 : 1);
  small.new_rack_size = std::max(1U, spec.new_rack_size / scale);
  small.down = folded(spec.down, small.servers);
  small.draining = folded(spec.draining, small.servers);
  return small;
}

}  // namespace evenkeel::workload
