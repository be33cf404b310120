#pragma once
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/planner/numbers.h"
#include "tests/bench/planner/workload.h"

namespace evenkeel::workload {

/// A line of key=value words. Faults are added to a list with where the line stands, and reading
/// goes on, so that all are told at once; what is read means nothing if there were any.
class Words {
 public:
  /// `where` is "file:line". Both `faults` and what it belongs to outlive this object.
  Words(std::string where, std::string_view line, std::vector<std::string>& faults)
      : where_(std::move(where)), faults_(faults) {
    std::istringstream stream{std::string(line)};
    for (std::string word; stream >> word;) add(word);
  }

  enum class Empty { kMayBe, kMayNotBe };
  std::string text(const std::string& key, Empty empty = Empty::kMayNotBe) {
    const bool told = !asked_.insert(key).second;
    const auto found = values_.find(key);
    const bool missing = found == values_.end();
    if (!missing && (!found->second.empty() || empty == Empty::kMayBe)) return found->second;
    if (!told) fault(key, missing ? "is missing" : "is empty");
    return {};
  }

  template <class T>
  T number(const std::string& key, T min, T max) {
    const std::string given = text(key);
    if (given.empty()) return min;  // told of
    const auto value = parse_number<T>(given);
    if (value && *value >= min && *value <= max) return *value;
    std::ostringstream range;
    range << "'" << given << "' is not a number from " << min << " to " << max;
    fault(key, range.str());
    return min;
  }

  template <class T>
  T choice(const std::string& key, const std::vector<std::pair<std::string, T>>& choices) {
    const std::string given = text(key);
    std::string known;
    for (const auto& [name, value] : choices) {
      if (name == given) return value;
      known += (known.empty() ? "" : ", ") + name;
    }
    if (!given.empty()) fault(key, "'" + given + "' is none of " + known);
    return choices.front().second;
  }

  void fault(const std::string& key, const std::string& what) {
    faults_.push_back(where_ + ": '" + key + "': " + what);
  }

  /// Keys that nobody asked for are faults.
  void finish() {
    for (const auto& [key, value] : values_) {
      if (!asked_.contains(key)) fault(key, "unknown key");
    }
  }

 private:
  void add(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == word.npos) {
      fault(word, "is not key=value");
    } else if (!values_.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      fault(word.substr(0, equals), "is given twice");
    }
  }

  const std::string where_;
  std::vector<std::string>& faults_;
  std::map<std::string, std::string> values_;
  std::set<std::string> asked_;
};

/// The keys that a specification and meta.txt have in common.
inline Task task_of(Words& words) {
  return words.choice<Task>("task", {{to_string(Task::kRepair), Task::kRepair},
                                     {to_string(Task::kDrain), Task::kDrain},
                                     {to_string(Task::kRebalance), Task::kRebalance}});
}
inline Limit limit_of(Words& words) {
  const double value = words.number<double>("limit", 0.001, 1);
  return {value, words.text("limit", Words::Empty::kMayBe)};
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace evenkeel::workload
