#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace evenkeel::config {

/// Reads a settings file into a struct and tells of all that is wrong with it at once, each fault
/// with file, line and key:
///
///     Reader reader(path, overrides);
///     settings.listen = reader.host_port("listen", "127.0.0.1:7401");
///     settings.suspect_after = reader.duration("detector.suspect_after", settings.suspect_after);
///     if (const auto read = reader.finish(); !read) return tl::unexpected(read.error());
///
///     agent.toml:12: 'detector.suspect_after': '30' is not a duration such as ...
///     agent.toml:14: 'lisen': unknown key; did you mean 'listen'?
///
/// A dot in a key means a table of TOML. Without a fallback a key is required. What is read means
/// nothing until finish() has said that all is well: at a fault the fallback or an empty value is
/// given. Overrides are words of the command line, "key=value" with the value as it stands,
/// lists with commas; they win over the file, and their faults are named "--set key".
class Reader {
 public:
  using Overrides = std::vector<std::string>;

  explicit Reader(const std::filesystem::path& path, const Overrides& overrides = {});
  /// From text instead of a file; `name` is what faults call it.
  static Reader of_text(std::string name, std::string_view text, const Overrides& overrides = {});

  std::string string(const std::string& key);
  std::string string(const std::string& key, std::string fallback);

  struct Range {
    std::int64_t min;
    std::int64_t max;
  };
  std::int64_t integer(const std::string& key, Range range);
  std::int64_t integer(const std::string& key, std::int64_t fallback, Range range);

  bool boolean(const std::string& key, bool fallback);

  Duration duration(const std::string& key);
  Duration duration(const std::string& key, Duration fallback);
  Bytes bytes(const std::string& key);
  Bytes bytes(const std::string& key, Bytes fallback);
  Ratio ratio(const std::string& key);
  Ratio ratio(const std::string& key, Ratio fallback);

  /// For ZeroMQ: "tcp://host:port" (also "*" for either), "ipc://path" or "inproc://name".
  std::string endpoint(const std::string& key);
  std::string endpoint(const std::string& key, std::string fallback);
  /// For plain TCP and HTTP: "host:port" or "[v6 address]:port". Port 0 takes any that is free.
  std::string host_port(const std::string& key);
  std::string host_port(const std::string& key, std::string fallback);

  std::vector<std::string> strings(const std::string& key, std::vector<std::string> fallback);
  /// A table whose keys are free and whose values are text, such as labels.
  std::map<std::string, std::string> string_table(const std::string& key);

  /// Whether the file or an override says anything of `key`.
  bool has(const std::string& key) const { return entries_.contains(key); }

  /// A setting as it is in force, in the words of a settings file.
  struct InForce {
    std::string value;
    bool given = false;  ///< the file or an override says so; otherwise it is the default
  };
  /// All that were read so far, by key.
  const std::map<std::string, InForce>& in_force() const { return in_force_; }

  /// Adds a fault of the caller's own, found after reading: "must be less than dead_after".
  void fault(const std::string& key, const std::string& what);

  /// All faults, one a line, as one kMalformed. Keys that nobody asked for are faults.
  Result<void> finish();

 private:
  struct Word {  // from the command line: of whatever type is wanted
    std::string text;
  };
  struct Other {  // something that no setting can be
    std::string type;
  };
  using Value =
      std::variant<Word, std::string, std::int64_t, bool, std::vector<std::string>, Other>;
  struct Entry {
    std::string where;  // "agent.toml:12" or "--set"
    Value value;
  };
  struct Loader;  // knows the TOML library

  explicit Reader(std::string name) : name_(std::move(name)) {}
  void apply(const Overrides& overrides);
  const Entry* find(const std::string& key);
  const Entry* required(const std::string& key);
  void keep(const std::string& key, std::string value);
  template <class T, class Parse>
  T of_text_value(const Entry* entry, const std::string& key, T fallback, Parse parse);
  template <class T, class Parse>
  T parsed_value(const Entry* entry, const std::string& key, T fallback, Parse parse);
  void fault_at(const std::string& where, const std::string& key, const std::string& what);
  void report_unknown();

  std::string name_;
  std::map<std::string, Entry> entries_;
  std::set<std::string> asked_;
  std::set<std::string> asked_tables_;
  std::map<std::string, InForce> in_force_;
  std::vector<std::string> faults_;
  bool readable_ = true;  // otherwise one fault says so, and what is missing is no news
};

}  // namespace evenkeel::config
