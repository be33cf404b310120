#include "common/config/file.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>
#include <optional>
#include <sstream>

#include <toml++/toml.h>

#include "common/config/units.h"

namespace evenkeel::config {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || text.empty()) return std::nullopt;
  return number;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

bool is_port(std::string_view text) {
  const auto number = whole_number(text);
  return number && *number >= 0 && *number <= 65535 && text.front() != '+';
}

bool is_host_port(std::string_view text, bool any_port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (!bracketed && host.find_first_of(":[] /") != std::string_view::npos) return false;
  return is_port(port) || (any_port && port == "*");
}

Result<std::string> checked_host_port(const std::string& text) {
  if (is_host_port(text, false)) return text;
  return fail(ErrorCode::kMalformed, "'" + text + "' is not an address such as \"10.0.0.7:7401\"");
}

Result<std::string> checked_endpoint(const std::string& text) {
  const std::string_view view = text;
  const bool tcp = view.starts_with("tcp://") && is_host_port(view.substr(6), true);
  const bool ipc = view.starts_with("ipc://") && view.size() > 6;
  const bool inproc = view.starts_with("inproc://") && view.size() > 9;
  if (tcp || ipc || inproc) return text;
  return fail(ErrorCode::kMalformed,
              "'" + text + "' is not an endpoint such as \"tcp://10.0.0.7:7401\"");
}

/// How many letters have to be put in, left out or changed to make one word of the other.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

}  // namespace

/// Flattens TOML's tables to dotted keys, so that nothing else has to know the library.
struct Reader::Loader {
  Reader& reader;

  void load(std::string_view text) {
    try {
      take(toml::parse(text), "");
    } catch (const toml::parse_error& error) {
      reader.readable_ = false;
      reader.faults_.push_back(where(error.source()) + ": " + std::string(error.description()));
    }
  }

  std::string where(const toml::source_region& source) const {
    return reader.name_ + ":" + std::to_string(source.begin.line);
  }

  void take(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      const toml::table* inner = node.as_table();
      if (inner && !inner->empty()) {
        take(*inner, key + ".");
      } else {
        reader.entries_[key] = {where(node.source()), value(node)};
      }
    }
  }

  static Value value(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto number = node.value_exact<std::int64_t>()) return *number;
    if (const auto truth = node.value_exact<bool>()) return *truth;
    if (const toml::array* array = node.as_array()) return list(*array);
    std::ostringstream type;
    type << node.type();
    return Other{type.str()};
  }

  static Value list(const toml::array& array) {
    std::vector<std::string> items;
    for (const toml::node& item : array) {
      const auto text = item.value_exact<std::string>();
      if (!text) return Other{"array of other things than text"};
      items.push_back(*text);
    }
    return items;
  }
};

Reader::Reader(const std::filesystem::path& path, const Overrides& overrides)
    : name_(path.string()) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();  // a folder opens well and then fails here
  if (!in.is_open() || in.bad() || std::filesystem::is_directory(path)) {
    readable_ = false;
    faults_.push_back(name_ + ": cannot be read");
    return;
  }
  Loader{*this}.load(text.view());
  apply(overrides);
}

Reader Reader::of_text(std::string name, std::string_view text, const Overrides& overrides) {
  Reader reader(std::move(name));
  Loader{reader}.load(text);
  reader.apply(overrides);
  return reader;
}

void Reader::apply(const Overrides& overrides) {
  for (const std::string& word : overrides) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      faults_.push_back("--set " + word + ": not of the form key=value");
      continue;
    }
    entries_[word.substr(0, equals)] = {"--set", Word{word.substr(equals + 1)}};
  }
}

const Reader::Entry* Reader::find(const std::string& key) {
  asked_.insert(key);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

const Reader::Entry* Reader::required(const std::string& key) {
  const Entry* entry = find(key);
  if (!entry && readable_) fault_at(name_, key, "missing, and there is no default");
  return entry;
}

void Reader::keep(const std::string& key, std::string value) {
  in_force_.insert_or_assign(key, InForce{std::move(value), has(key)});
}

template <class T, class Parse>
T Reader::of_text_value(const Entry* entry, const std::string& key, T fallback, Parse parse) {
  T value = parsed_value(entry, key, std::move(fallback), parse);
  if constexpr (std::is_same_v<T, std::string>) {
    keep(key, value);
  } else {
    keep(key, text_of(value));
  }
  return value;
}

template <class T, class Parse>
T Reader::parsed_value(const Entry* entry, const std::string& key, T fallback, Parse parse) {
  if (!entry) return fallback;
  std::string text;
  if (const auto* word = std::get_if<Word>(&entry->value)) {
    text = word->text;
  } else if (const auto* quoted = std::get_if<std::string>(&entry->value)) {
    text = *quoted;
  } else if (const auto* number = std::get_if<std::int64_t>(&entry->value)) {
    const auto parsed = parse(std::to_string(*number));  // says what should be there instead
    fault_at(entry->where, key,
             parsed ? "must be text in quotes" : parsed.error().what + ", in quotes");
    return fallback;
  } else {
    fault_at(entry->where, key, "must be text in quotes");
    return fallback;
  }
  auto parsed = parse(text);
  if (parsed) return *parsed;
  fault_at(entry->where, key, parsed.error().what);
  return fallback;
}

namespace {
Result<std::string> any_text(const std::string& text) {
  return text;
}
}  // namespace

std::string Reader::string(const std::string& key) {
  return of_text_value(required(key), key, std::string(), any_text);
}
std::string Reader::string(const std::string& key, std::string fallback) {
  return of_text_value(find(key), key, std::move(fallback), any_text);
}
Duration Reader::duration(const std::string& key) {
  return of_text_value(required(key), key, Duration(0), config::duration);
}
Duration Reader::duration(const std::string& key, Duration fallback) {
  return of_text_value(find(key), key, fallback, config::duration);
}
Bytes Reader::bytes(const std::string& key) {
  return of_text_value(required(key), key, Bytes(0), config::bytes);
}
Bytes Reader::bytes(const std::string& key, Bytes fallback) {
  return of_text_value(find(key), key, fallback, config::bytes);
}
Ratio Reader::ratio(const std::string& key) {
  return of_text_value(required(key), key, Ratio(0), config::ratio);
}
Ratio Reader::ratio(const std::string& key, Ratio fallback) {
  return of_text_value(find(key), key, fallback, config::ratio);
}
std::string Reader::endpoint(const std::string& key) {
  return of_text_value(required(key), key, std::string(), checked_endpoint);
}
std::string Reader::endpoint(const std::string& key, std::string fallback) {
  return of_text_value(find(key), key, std::move(fallback), checked_endpoint);
}
std::string Reader::host_port(const std::string& key) {
  return of_text_value(required(key), key, std::string(), checked_host_port);
}
std::string Reader::host_port(const std::string& key, std::string fallback) {
  return of_text_value(find(key), key, std::move(fallback), checked_host_port);
}

std::int64_t Reader::integer(const std::string& key, Range range) {
  return required(key) ? integer(key, range.min, range) : range.min;
}

std::int64_t Reader::integer(const std::string& key, std::int64_t fallback, Range range) {
  const Entry* entry = find(key);
  keep(key, std::to_string(fallback));
  if (!entry) return fallback;
  std::optional<std::int64_t> number;
  if (const auto* word = std::get_if<Word>(&entry->value)) number = whole_number(word->text);
  if (const auto* given = std::get_if<std::int64_t>(&entry->value)) number = *given;
  if (number && *number >= range.min && *number <= range.max) {
    keep(key, std::to_string(*number));
    return *number;
  }
  fault_at(entry->where, key,
           (number ? std::to_string(*number) + " is not" : std::string("must be")) +
               " a whole number from " + std::to_string(range.min) + " to " +
               std::to_string(range.max));
  return fallback;
}

bool Reader::boolean(const std::string& key, bool fallback) {
  const Entry* entry = find(key);
  std::optional<bool> truth = fallback;
  if (entry) {
    truth = std::nullopt;
    if (const auto* given = std::get_if<bool>(&entry->value)) truth = *given;
    const auto* word = std::get_if<Word>(&entry->value);
    if (word && (word->text == "true" || word->text == "false")) truth = word->text == "true";
    if (!truth) fault_at(entry->where, key, "must be true or false");
  }
  const bool value = truth.value_or(fallback);
  keep(key, value ? "true" : "false");
  return value;
}

std::vector<std::string> Reader::strings(const std::string& key,
                                         std::vector<std::string> fallback) {
  const Entry* entry = find(key);
  std::vector<std::string> value = std::move(fallback);
  if (entry) {
    if (const auto* items = std::get_if<std::vector<std::string>>(&entry->value)) {
      value = *items;
    } else if (const auto* word = std::get_if<Word>(&entry->value)) {
      value = split_at_commas(word->text);
    } else {
      fault_at(entry->where, key, "must be a list of texts such as [\"a\", \"b\"]");
    }
  }
  std::string all;
  for (const std::string& each : value) all += (all.empty() ? "" : ",") + each;
  keep(key, all);
  return value;
}

std::map<std::string, std::string> Reader::string_table(const std::string& key) {
  const std::string prefix = key + ".";
  asked_tables_.insert(prefix);
  std::map<std::string, std::string> table;
  for (auto at = entries_.lower_bound(prefix); at != entries_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    table[at->first.substr(prefix.size())] = string(at->first, "");
  }
  return table;
}

void Reader::fault(const std::string& key, const std::string& what) {
  const auto found = entries_.find(key);
  fault_at(found == entries_.end() ? name_ : found->second.where, key, what);
}

void Reader::fault_at(const std::string& where, const std::string& key, const std::string& what) {
  const bool from_command_line = where == "--set";
  faults_.push_back(from_command_line ? "--set " + key + ": " + what
                                      : where + ": '" + key + "': " + what);
}

void Reader::report_unknown() {
  for (const auto& [key, entry] : entries_) {
    if (asked_.contains(key)) continue;
    const bool is_table = std::holds_alternative<Other>(entry.value);
    const auto next_asked = asked_.lower_bound(key + ".");
    const bool has_keys = next_asked != asked_.end() && next_asked->starts_with(key + ".");
    if (is_table && (has_keys || asked_tables_.contains(key + "."))) continue;  // an empty table
    const auto nearest = std::min_element(
        asked_.begin(), asked_.end(),
        [&wrong = key](const auto& a, const auto& b) { return edits(wrong, a) < edits(wrong, b); });
    const bool near = nearest != asked_.end() && edits(key, *nearest) <= 1 + key.size() / 4;
    fault_at(entry.where, key, "unknown key" + (near ? "; did you mean '" + *nearest + "'?" : ""));
  }
}

Result<void> Reader::finish() {
  if (readable_) report_unknown();
  if (faults_.empty()) return {};
  std::string all;
  for (const std::string& fault : faults_) all += (all.empty() ? "" : "\n") + fault;
  return fail(ErrorCode::kMalformed, all);
}

}  // namespace evenkeel::config
