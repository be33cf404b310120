#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tests/rogue/ledger.h"
#include "tests/schedules/town.h"

namespace evenkeel::rogue {

/// Looks at the disks only, at every rename, and holds what agents do there against the ledger: it
/// was ordered, by a command that may be obeyed, and a valid replica of every chunk is left.
class Watch {
 public:
  Watch(schedules::Town& town, Ledger& ledger);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// Of each chunk there is a valid replica, of its newest version.
  void look_for_loss(const std::string& when);
  /// In the end: whatever is not the agents' is as it was, and nothing is in live/ but replicas.
  void look_at_the_rest();

 private:
  struct Identity {
    StorageId storage;
    Epoch epoch;
  };
  void renamed(const std::filesystem::path& from, const std::filesystem::path& to);
  void deleted(const std::string& machine, const agent::ReplicaKey& key, const std::string& name);
  void placed(const std::string& machine, const std::string& name, const std::string& aside);
  void put_away(const std::string& machine, const std::string& name);
  std::optional<Identity> identity(const std::string& machine) const;
  bool is_valid(const std::filesystem::path& file, const agent::ReplicaKey& key) const;
  std::map<std::string, std::string> foreign_files() const;
  std::filesystem::path folder(const std::string& machine) const;

  schedules::Town& town_;
  Ledger& ledger_;
  std::map<std::string, std::string> foreign_;
};

ServerId server_of(const std::string& machine);

}  // namespace evenkeel::rogue
