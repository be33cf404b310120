#include "tests/rogue/watch.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/sqlite/database.h"
#include "services/agent/store/chunk_name.h"
#include "tests/faults/fault_vfs.h"

namespace evenkeel::rogue {
namespace fs = std::filesystem;
using agent::parse_name;
using agent::ReplicaKey;

namespace {

Buffer read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void leave(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace

ServerId server_of(const std::string& machine) {
  return ServerId(std::stoull(machine.substr(1)));
}

Watch::Watch(schedules::Town& town, Ledger& ledger) : town_(town), ledger_(ledger) {
  // What is nobody's chunk, and is named as nearly so as can be.
  const fs::path root = town.disks().root();
  const std::string chunk = agent::file_name(ledger.kinds.front().content);
  leave(root / chunk, "beside the agents' folders");
  leave(root / "elsewhere" / "live" / chunk, "in a folder that is no agent's");
  for (const std::string& agent : town.agents()) {
    leave(root / agent / "notes.txt", "of whoever keeps this machine");
    leave(root / agent / "live" / "README", "not named as a chunk is");
    leave(root / agent / "live" / (chunk + ".old"), "nearly named as a chunk is");
  }
  foreign_ = foreign_files();
  town.disks().on_rename = [this](const fs::path& from, const fs::path& to) { renamed(from, to); };
}

Watch::~Watch() {
  town_.disks().on_rename = nullptr;
}

fs::path Watch::folder(const std::string& machine) const {
  return town_.disks().root() / machine;
}

std::optional<Watch::Identity> Watch::identity(const std::string& machine) const {
  faults::FaultVfs::Quiet quiet;
  sqlite::Database db(folder(machine) / "journal.db", sqlite::OpenMode::kReadOnly);
  sqlite::Statement row(db, "SELECT storage, epoch FROM identity");
  row.open();
  if (!row.step()) return std::nullopt;
  const auto blob = row.blob(0);
  return Identity{*StorageId::from_raw(std::string(blob.begin(), blob.end())),
                  Epoch(static_cast<std::uint64_t>(row.integer(1)))};
}

/// By the bytes that were made for it in the beginning: no checksum of ours has a say in that.
bool Watch::is_valid(const fs::path& file, const ReplicaKey& key) const {
  const auto name = parse_name(file.filename().string());
  const Buffer bytes = read_file(file);
  for (const Kind& kind : ledger_.kinds) {
    if (agent::key_of(kind.content) != key || kind.bytes != bytes) continue;
    return !name || !name->checksum || *name->checksum == kind.content.checksum;
  }
  return false;
}

void Watch::renamed(const fs::path& from, const fs::path& to) {
  const std::string machine = town_.disks().machine_of(to);
  const std::string name = from.filename().string();
  town_.world().note(to.filename().string());
  if (town_.world().tracing())
    town_.world().trace(machine + " " + from.string() + " -> " + to.string());
  const auto below = [&](const fs::path& path) {
    return path.parent_path().parent_path() == folder(machine)
               ? path.parent_path().filename().string()
               : "";
  };
  const std::string was_in = below(from), is_in = below(to);
  if (name == "address.new" && from.parent_path() == folder(machine)) return;
  if (machine.empty() || was_in.empty() || is_in.empty()) {
    return ledger_.fault(from.string() + " became " + to.string() + ": not within one folder");
  }
  if (name.ends_with(agent::kManifestEnding)) return;
  if (is_in == "live" && was_in == "tmp") placed(machine, to.filename().string(), name);
  if (was_in == "live" && is_in != "live") {
    const auto parsed = parse_name(name);
    if (!parsed) return ledger_.fault(machine + " moved " + name + ", which is no chunk");
    is_in == "trash" ? deleted(machine, parsed->key, name) : put_away(machine, name);
  }
  if (was_in == "live" || is_in == "live")
    look_for_loss(machine + " moved " + name + " to " + is_in);
}

void Watch::deleted(const std::string& machine, const ReplicaKey& key, const std::string& name) {
  const auto own = identity(machine);
  std::string why = "no delete of it was sent";
  for (const auto& [which, orders] : ledger_.orders) {
    if (which.first != server_of(machine)) continue;
    for (const Order& order : orders) {
      const auto* deletion = std::get_if<Delete>(&order.command.order);
      if (!deletion || agent::key_of(deletion->content) != key) continue;
      const std::string id = to_string(order.command.id);
      if (order.ground == Ground::kWanting) {
        why = id + " says so, but " + order.wanting;
      } else if (order.command.storage != own->storage) {
        why = id + " says so to another storage";
      } else if (!order.epochs.contains(own->epoch)) {
        why = id + " says so, but not in epoch " + to_string(own->epoch);
      } else {
        ++ledger_.counts["replica deleted"];
        return;
      }
    }
  }
  ledger_.fault(machine + " deleted " + name + ": " + why);
}

void Watch::placed(const std::string& machine, const std::string& name, const std::string& aside) {
  const auto parsed = parse_name(name);
  const std::size_t dot = aside.rfind('.');
  if (!parsed || !parsed->checksum || !aside.starts_with(name + ".")) {
    return ledger_.fault(machine + " made " + name + " out of " + aside);
  }
  ++ledger_.counts["replica made"];
  if (!is_valid(folder(machine) / "live" / name, parsed->key)) {
    ledger_.fault(machine + " made " + name + ", whose bytes nobody had");
  }
  for (const auto& entry : fs::directory_iterator(folder(machine) / "live")) {
    const auto other = parse_name(entry.path().filename().string());
    if (other && other->key.chunk == parsed->key.chunk &&
        other->key.version > parsed->key.version) {
      ledger_.fault(machine + " made " + name + " where version " + to_string(other->key.version) +
                    " is");
    }
  }
  const auto own = identity(machine);
  const CommandId id(std::stoull(aside.substr(dot + 1)));
  std::string why = "was never sent";
  for (const Order& order : ledger_.orders[{server_of(machine), id}]) {
    const auto* copy = std::get_if<Replicate>(&order.command.order);
    if (!copy || agent::file_name(copy->content) != name) {
      why = "is about something else";
    } else if (order.command.storage != own->storage) {
      why = "is for another storage";
    } else if (!order.epochs.contains(own->epoch)) {
      why = "was not sent in epoch " + to_string(own->epoch);
    } else {
      return;
    }
  }
  ledger_.fault(machine + " made " + name + " for " + to_string(id) + ", which " + why);
}

/// Out of the way of a copy with the bytes that the command names: nothing that is valid, unless
/// there are two contents of that version.
void Watch::put_away(const std::string& machine, const std::string& name) {
  ++ledger_.counts["replica put away"];
  const auto parsed = parse_name(name);
  if (!ledger_.ambiguous.contains(parsed->key.chunk)) {
    ledger_.fault(machine + " put away " + name + ", which was valid");
  }
}

void Watch::look_for_loss(const std::string& when) {
  std::set<ChunkId> there;
  for (const std::string& machine : town_.agents()) {
    for (const char* where : {"live", "quarantine"}) {
      for (const auto& entry : fs::directory_iterator(folder(machine) / where)) {
        std::string name = entry.path().filename().string();
        const bool away = std::string_view(where) == "quarantine";
        if (away) name.resize(name.rfind('.'));  // the time
        const auto parsed = parse_name(name);
        if (!parsed || there.contains(parsed->key.chunk)) continue;
        if (away && !ledger_.ambiguous.contains(parsed->key.chunk)) continue;
        if (parsed->key.version < ledger_.newest.at(parsed->key.chunk)) continue;
        if (is_valid(entry.path(), parsed->key)) there.insert(parsed->key.chunk);
      }
    }
  }
  for (const auto& [chunk, version] : ledger_.newest) {
    if (there.contains(chunk) || ledger_.forsaken.contains(chunk)) continue;
    ledger_.fault("no valid replica of " + to_string(chunk) + " in version " + to_string(version) +
                  " is left when " + when);
    ledger_.forsaken.insert(chunk);  // said once
  }
}

/// Path and bytes of each file that is no agent's: outside of their folders, or not named as
/// theirs.
std::map<std::string, std::string> Watch::foreign_files() const {
  std::map<std::string, std::string> files;
  const fs::path root = town_.disks().root();
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const fs::path path = entry.path().lexically_relative(root);
    const std::string top = path.begin()->string();
    if (top == "membership" || top == "rebalancer") continue;
    const bool own =
        std::find(town_.agents().begin(), town_.agents().end(), top) != town_.agents().end();
    const std::string inner = path.lexically_relative(top).string();
    const std::string name = path.filename().string();
    const bool theirs = own && (!inner.starts_with("live/")
                                    ? inner != "notes.txt"
                                    : parse_name(name) || name.ends_with(agent::kManifestEnding));
    if (theirs) continue;
    const Buffer bytes = read_file(entry.path());
    files.emplace(path.string(), std::string(bytes.begin(), bytes.end()));
  }
  return files;
}

void Watch::look_at_the_rest() {
  const auto now = foreign_files();
  for (const auto& [path, bytes] : foreign_) {
    const auto found = now.find(path);
    if (found == now.end()) {
      ledger_.fault(path + ", which is no agent's, has gone");
    } else if (found->second != bytes) {
      ledger_.fault(path + ", which is no agent's, has been changed");
    }
  }
  for (const auto& [path, bytes] : now) {
    if (!foreign_.contains(path)) ledger_.fault(path + " was made, where no agent should");
  }
  look_for_loss("all is over");
}

}  // namespace evenkeel::rogue
