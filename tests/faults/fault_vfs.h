#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/random.h"

namespace evenkeel::faults {

/// What a call of SQLite to the system can be made to answer.
enum class Kind {
  kRead,       ///< an I/O error
  kShortRead,  ///< half of what was asked for; the rest can be had when it is asked for again
  kWrite,      ///< an I/O error, nothing written
  kFull,       ///< no space, half of it written
  kSync,       ///< an I/O error; what was not synced yet is dropped from the cache and never comes
  kTruncate,
  kDelete,
  kOpen,   ///< neither a file nor the shared index of the log can be opened
  kLock,   ///< an I/O error
  kBusy,   ///< somebody else has the lock
  kMemory  ///< no memory
};
inline constexpr std::array kAllKinds{Kind::kRead, Kind::kShortRead, Kind::kWrite,  Kind::kFull,
                                      Kind::kSync, Kind::kTruncate,  Kind::kDelete, Kind::kOpen,
                                      Kind::kLock, Kind::kBusy,      Kind::kMemory};
const char* to_text(Kind kind);

/// What becomes, at a loss of power, of what was written and not synced.
enum class Unsynced {
  kLost,  ///< all of it, and all names made or removed since their folder was synced
  kTorn,  ///< each sector of 512 bytes is kept or not, by chance; so is each name
  kSome,  ///< each write is kept or not, by chance; so is each name
  kKept   ///< nothing is lost: only the process is gone
};
inline constexpr std::array kAllUnsynced{Unsynced::kLost, Unsynced::kTorn, Unsynced::kSome,
                                         Unsynced::kKept};
const char* to_text(Unsynced unsynced);

/// Stands between SQLite and the unix VFS, and knows of each file what of it has been synced. Fails
/// calls, and takes the power away in the midst of one. For one thread.
///
/// There is one in a process, and it is the default VFS from install() on: what is tested opens its
/// database as it always does. Only files below the folder that watch() names count.
class FaultVfs {
 public:
  /// To be called before anything else of SQLite.
  static FaultVfs& install();

  /// Begins anew with the files that are in `folder` now: they are taken for synced. No connection
  /// may be open.
  void watch(const std::filesystem::path& folder);

  /// Calls that could have been failed in this way, since watch().
  std::uint64_t calls(Kind kind) const { return calls_[static_cast<std::size_t>(kind)]; }
  /// Calls that change the disk, since watch().
  std::uint64_t changes() const { return changes_; }
  std::uint64_t syncs() const { return syncs_; }

  /// Fails the nth call from watch() on, from 1: once, or that one and all after it.
  void fail(Kind kind, std::uint64_t nth, bool for_good);
  /// How often a call was failed.
  std::uint64_t failed() const { return failed_; }
  /// The power goes in the midst of the nth change, from 1. Every call fails from then on.
  void lose_power_at(std::uint64_t nth_change) { power_goes_at_ = nth_change; }
  void lose_power() { power_lost_ = true; }
  /// The power goes in the midst of the next sync.
  void lose_power_at_sync() { power_goes_at_sync_ = true; }
  bool power_lost() const { return power_lost_; }
  /// No call fails any more. After a loss of power: writes to the disk what is left there, once
  /// all connections are closed.
  void heal(Unsynced unsynced, Rng& rng);
  void heal() {
    fail_.reset();
    dead_ = dies_of_sync_ = false;
  }
  /// The process is killed by the first sync that fails: it does nothing to the disk any more.
  void die_of_failed_sync() { dies_of_sync_ = true; }
  /// A disk that says that it has synced, and has not.
  void ignore_syncs(bool ignore) { ignore_syncs_ = ignore; }

  /// While there is one of these nothing is counted and nothing fails.
  class Quiet {
   public:
    Quiet() { ++install().quiet_; }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet() { --install().quiet_; }
  };

  // Several programs, each with a folder of its own below the one that is watched.

  enum class Cut { kNone, kKilled, kPower };
  /// Asked before each change of a file or a folder. Other than kNone: whoever does that is cut off
  /// here, and all of its folder fails until bring_back(). Killed: this change has not happened.
  std::function<Cut(const std::string& path, bool is_sync)> on_change;
  /// Nothing in `folder` can be read or changed any more: its program is being ended.
  void cut_off(const std::filesystem::path& folder);
  /// It can be again. After a loss of power: with what is left of it. No connection may be open.
  void bring_back(const std::filesystem::path& folder, Unsynced unsynced, Rng& rng);
  /// A file that was put there by other means is durable as it is.
  void take_for_synced(const std::filesystem::path& file);
  /// It was removed by other means.
  void forget(const std::filesystem::path& file);

  // For the C functions that SQLite calls.
  struct Write {
    std::uint64_t offset;
    std::vector<std::uint8_t> bytes;
    bool truncates = false;  ///< to `offset`
  };
  struct Inode {
    std::vector<std::uint8_t> synced;
    std::vector<Write> unsynced;
    bool dead = false;  ///< of a program that is being ended
  };
  struct Verdict {
    bool fails = false;
    bool dead = false;
  };
  Verdict judge(Kind kind);
  /// Counts a change; other than kNone: whoever makes it is cut off with it.
  Cut change(const std::string& path, bool is_sync = false);
  bool is_cut_off(const std::string& path) const;
  bool watches(const char* path) const;
  std::shared_ptr<Inode> opened(const std::string& path, bool is_new);
  void sync(Inode& inode);
  void sync_failed(Inode& inode);
  void sync_folder();
  void removed(const std::string& path, bool folder_synced);
  bool quiet() const { return quiet_ > 0; }

 private:
  struct Fail {
    Kind kind;
    std::uint64_t nth;
    bool for_good;
  };
  static std::vector<std::uint8_t> survivors(const Inode& inode, Unsynced unsynced, Rng& rng);
  void leave_what_is_left(const std::string& below, Unsynced unsynced, Rng& rng);

  std::string folder_;
  std::map<std::string, std::shared_ptr<Inode>> there_;   // as programs see it
  std::map<std::string, std::shared_ptr<Inode>> synced_;  // as the folder on the disk has it
  std::array<std::uint64_t, kAllKinds.size()> calls_{};
  std::uint64_t changes_ = 0, syncs_ = 0, failed_ = 0;
  std::optional<Fail> fail_;
  std::set<std::string> cut_off_;  // folders, with a slash at the end
  std::optional<std::uint64_t> power_goes_at_;
  bool power_lost_ = false, ignore_syncs_ = false, dies_of_sync_ = false, dead_ = false;
  bool power_goes_at_sync_ = false;
  int quiet_ = 0;
};

}  // namespace evenkeel::faults
