#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/faults/fault_vfs.h"

namespace evenkeel::faults {

/// What a program says of itself while it runs: whose word the database has to keep.
class Ledger {
 public:
  virtual ~Ledger() = default;
  /// All that it has committed so far counts: it goes on as if it were there for ever.
  virtual void acknowledged() = 0;
  /// Something has become visible to others. `condition` is SQL that must be true of the database
  /// from now on, whatever happens.
  virtual void published(const std::string& condition) = 0;
};

/// A program that does the same at each run, and what is looked at after it has been ended.
struct Script {
  std::string name;
  std::string database;  ///< its file's name
  /// Makes what it starts from, without faults. None: it starts from nothing.
  std::function<void(const std::filesystem::path& folder)> prepare = nullptr;
  /// Throws SqliteError if its database fails it, and has then ended.
  std::function<void(const std::filesystem::path& folder, Ledger& ledger)> run;
  /// Starts anew as the real program does, looks at what it has loaded, commits something, calls
  /// `at_end`, and ends.
  std::function<void(const std::filesystem::path& folder, const std::function<void()>& at_end)>
      reopen;
};

/// How much is tried: of the calls of each kind in each script at most this many, evenly strewn.
struct Share {
  std::uint64_t calls = 1ull << 40;  ///< all
  std::uint64_t allocations = 60;    ///< the same, of memory: there are tens of thousands
  /// From the environment variable EVENKEEL_FAULTS: "all" or a number; else `otherwise`.
  static Share from_environment(std::uint64_t otherwise);
};

struct Tally {
  std::uint64_t calls = 0;     ///< that there are
  std::uint64_t runs = 0;      ///< in each of which one of them was failed, or the power went
  std::uint64_t refused = 0;   ///< ended with a SqliteError
  std::uint64_t survived = 0;  ///< went on as if nothing had been
};

/// Runs a script again and again, each time with another fault, and looks after each at what is
/// left. What is wrong is a failure of the test.
class Trial {
 public:
  Trial(Script script, Share share);

  /// Fails calls of this kind in turn.
  Tally fail_calls(Kind kind, bool for_good);
  /// Takes the power away at each change of the disk in turn.
  Tally lose_power(Unsynced unsynced);
  /// Killed by a sync that fails, another start, commits; and then the power goes.
  Tally lose_power_after_a_failed_sync();
  /// How many runs have lost what was acknowledged. Only with this are losses not a failure.
  std::uint64_t count_losses(const std::function<void(FaultVfs&)>& spoil);

  std::size_t states() const { return states_.size(); }

 private:
  struct Outcome {
    bool refused = false;
    std::size_t acknowledged = 0;
    std::vector<std::string> published;
  };
  class Recorder;
  void record();
  Outcome run_once(const std::function<void(FaultVfs&)>& spoil);
  void set_up();
  bool is_allowed(const std::string& state, std::size_t acknowledged) const;
  void look(const Outcome& outcome);
  static std::vector<std::uint64_t> chosen(std::uint64_t calls, std::uint64_t salt,
                                           std::uint64_t at_most);
  std::filesystem::path file() const { return folder_ / script_.database; }

  Script script_;
  Share share_;
  std::filesystem::path root_, start_, folder_;
  std::shared_ptr<void> clean_up_;
  std::vector<std::string> states_;        // one after each commit, in order
  std::vector<std::size_t> acknowledged_;  // after as many acknowledgements: which of states_
  std::map<Kind, std::uint64_t> calls_;
  std::uint64_t changes_ = 0;
};

/// All rows of all tables, but for what is drawn at random when a database is made.
std::string dump(const std::filesystem::path& database);
/// What integrity_check, foreign_key_check and the views that must be empty say; empty if all is
/// well.
std::string complaints(const std::filesystem::path& database);

/// Called for each connection that is opened for a script, as soon as it is open.
void on_each_connection(std::function<void(void* sqlite3_handle)> call);

}  // namespace evenkeel::faults
