#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

/// Clusters at the moment after an event (a server lost, to be emptied, or new), for comparing
/// planners: how they are described, and how they lie on disk. Servers and chunks are numbered from
/// 0 without gaps, so that ids are 32-bit places in vectors: the largest workload has 30 million
/// replicas.
namespace evenkeel::workload {

using ServerIndex = std::uint32_t;
using ChunkIndex = std::uint32_t;

enum class Task : std::uint8_t { kRepair, kDrain, kRebalance };
enum class SizeLaw : std::uint8_t { kFixed, kLognormal };
enum class Level : std::uint8_t { kBytes, kCount };

const char* to_string(Task task);

/// A share in (0, 1], with the text it was read from: it is handed on as it was written.
struct Limit {
  double value = 0;
  std::string text;
};

/// One line of a specification; `workloads.txt` explains the keys.
struct Spec {
  std::string name;
  std::uint32_t servers = 0, rack_size = 0, racks_per_zone = 0;
  std::uint32_t new_servers = 0, new_rack_size = 0;
  std::uint32_t chunks = 0, replicas = 0;
  SizeLaw size_law = SizeLaw::kFixed;
  std::uint32_t chunk_kib = 0;
  double sigma = 0, fill = 0;
  std::vector<std::uint32_t> capacity_classes;
  double spread = 0;
  Level level = Level::kBytes;
  std::set<ServerIndex> down, draining;
  Limit limit;
  std::uint64_t seed = 0;
  Task task = Task::kRepair;
};

/// All lines of a specification. kNotFound: the file cannot be read. kMalformed: all that is wrong
/// with it, one fault a line, each with file, line and key.
Result<std::vector<Spec>> read_specs(const std::filesystem::path& path);
/// The same from text; `name` is what faults call it.
Result<std::vector<Spec>> parse_specs(const std::string& name, std::string_view text);
/// kNotFound if there is none, with the names there are.
Result<Spec> find_spec(const std::vector<Spec>& specs, const std::string& name);
/// The same kind of cluster, `scale` times smaller: servers, racks and chunks alike. kMalformed if
/// nothing would be left of it.
Result<Spec> scaled(const Spec& spec, std::uint32_t scale);

enum class ServerState : std::uint8_t {
  kUp,
  kNew,       // empty and usable
  kDraining,  // may be read from, has to be emptied
  kDown       // neither read nor written
};

/// Whether replicas may be put there.
constexpr bool usable(ServerState state) {
  return state == ServerState::kUp || state == ServerState::kNew;
}

struct Server {
  std::uint32_t zone = 0, rack = 0, host = 0;
  Bytes capacity, used;
  ServerState state = ServerState::kUp;
  friend bool operator==(const Server&, const Server&) = default;
};

struct Workload {
  std::string name;
  Task task = Task::kRepair;
  Limit limit;
  std::uint32_t replicas = 0;           // of each chunk
  std::vector<Server> servers;          // by id
  std::vector<std::uint32_t> size_kib;  // by chunk
  std::vector<ServerIndex> holders;     // `replicas` for each chunk

  std::span<const ServerIndex> holders_of(ChunkIndex chunk) const {
    return std::span(holders).subspan(std::size_t{chunk} * replicas, replicas);
  }
  Bytes size_of(ChunkIndex chunk) const { return Bytes(std::uint64_t{size_kib[chunk]} * 1024); }
};

/// Writes servers.csv, chunks.bin and meta.txt, and makes the folder if need be. Throws if the disk
/// refuses.
void save(const Workload& workload, const std::filesystem::path& folder);

/// Reads what save() wrote. kNotFound: a file is missing. kMalformed: a file is not what it should
/// be, or two of them do not belong together.
Result<Workload> load(const std::filesystem::path& folder);

}  // namespace evenkeel::workload
