#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <system_error>

#include "tools/plan/cluster_files.h"

namespace evenkeel::offline {
namespace {

constexpr std::string_view kHeader = "id,zone,rack,host,capacity_bytes,used_bytes,state";
enum Field { kId, kZone, kRack, kHost, kCapacity, kUsed, kState, kFields };
using Fields = std::array<std::string_view, kFields>;

/// What is wrong with a row, for people; none: nothing.
using Fault = std::optional<std::string>;

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string shown = "'";
  for (const char c : text.substr(0, kShown)) shown += c < ' ' || c == '\x7f' ? '?' : c;
  return shown + (text.size() > kShown ? "...'" : "'");
}

std::optional<Fields> fields_of(std::string_view row) {
  Fields fields;
  for (std::size_t i = 0; i < kFields; ++i) {
    const std::size_t comma = row.find(',');
    const bool last = i + 1 == kFields;
    if ((comma == row.npos) != last) return std::nullopt;
    fields[i] = row.substr(0, comma);
    if (!last) row.remove_prefix(comma + 1);
  }
  return fields;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::optional<ServerState> state_of(std::string_view text) {
  constexpr std::pair<std::string_view, ServerState> kStates[] = {
      {"up", ServerState::kUp},
      {"new", ServerState::kNew},
      {"draining", ServerState::kDraining},
      {"down", ServerState::kDown}};
  for (const auto& [name, state] : kStates) {
    if (text == name) return state;
  }
  return std::nullopt;
}

/// A name that can be a part of a location.
bool is_name(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  if (text.empty() || text.size() > kLongest) return false;
  return text.find_first_of("/\"\\ ") == text.npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

class ServersCsv {
 public:
  explicit ServersCsv(const std::string& name) : name_(name) {}

  Result<std::vector<ServerRow>> parse(std::string_view text) {
    bool any_usable = false;
    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::size_t end = text.find('\n');
      const std::string_view row = without_return(text.substr(0, end));
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      if (const Fault fault = line == 1 ? of_header(row) : of_row(row)) {
        return fail(ErrorCode::kMalformed, name_ + ":" + std::to_string(line) + ": " + *fault);
      }
      any_usable = any_usable || (!rows_.empty() && usable(rows_.back().state));
    }
    if (!any_usable) return fail(ErrorCode::kMalformed, name_ + ": no server is up or new");
    return std::move(rows_);
  }

 private:
  static std::string_view without_return(std::string_view row) {
    if (row.ends_with('\r')) row.remove_suffix(1);
    return row;
  }

  static Fault of_header(std::string_view row) {
    if (row == kHeader) return std::nullopt;
    return quoted(row) + " is not the heading " + std::string(kHeader);
  }

  Fault of_row(std::string_view row) {
    if (rows_.size() == kServersMax) {
      return "more than " + std::to_string(kServersMax) + " servers";
    }
    const auto fields = fields_of(row);
    if (!fields) return quoted(row) + " has not the seven fields of the heading";
    if (number((*fields)[kId]) != rows_.size()) {
      return "id " + quoted((*fields)[kId]) + " is not " + std::to_string(rows_.size()) +
             ", the number of the row from 0";
    }
    return add(*fields);
  }

  Fault add(const Fields& fields) {
    for (const Field field : {kZone, kRack, kHost}) {
      if (!is_name(fields[field])) return quoted(fields[field]) + " is not the name of a place";
    }
    const auto [known, fresh] =
        zone_of_rack_.try_emplace(std::string(fields[kRack]), std::string(fields[kZone]));
    if (!fresh && known->second != fields[kZone]) {
      return "rack " + quoted(fields[kRack]) + " is in zone " + quoted(known->second) + " already";
    }
    const auto capacity = number(fields[kCapacity]), used = number(fields[kUsed]);
    const auto state = state_of(fields[kState]);
    if (!capacity || *capacity == 0 || *capacity > kCapacityMax) {
      return "capacity_bytes " + quoted(fields[kCapacity]) + " is not a number from 1 to 2^56";
    }
    if (!used) return "used_bytes " + quoted(fields[kUsed]) + " is not a number";
    if (!state) {
      return "state " + quoted(fields[kState]) + " is none of up, new, draining, down";
    }
    rows_.push_back({std::string(fields[kZone]) + '/' + std::string(fields[kRack]) + '/' +
                         std::string(fields[kHost]),
                     Bytes(*capacity), Bytes(*used), *state});
    return std::nullopt;
  }

  const std::string& name_;
  std::vector<ServerRow> rows_;
  /// A rack that is in two zones would be two racks here and one to whoever judges the plan.
  std::map<std::string, std::string> zone_of_rack_;
};

}  // namespace

Result<std::vector<ServerRow>> parse_servers(const std::string& name, std::string_view text) {
  return ServersCsv(name).parse(text);
}

}  // namespace evenkeel::offline
