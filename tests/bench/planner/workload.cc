#include "tests/bench/planner/workload.h"

#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "tests/bench/planner/numbers.h"
#include "tests/bench/planner/words.h"

namespace evenkeel::workload {
namespace {

static_assert(std::endian::native == std::endian::little,
              "chunks.bin is little-endian and read as it lies");

constexpr std::array<char, 8> kMagic = {'G', 'C', 'H', 'U', 'N', 'K', '1', '\0'};
constexpr char kServersHeader[] = "id,zone,rack,host,capacity_bytes,used_bytes,state";

/// chunks.bin begins with this; then come n sizes in KiB and n * replicas server ids.
struct ChunksHeader {
  std::array<char, 8> magic;
  std::uint64_t chunks;
  std::uint32_t replicas;
  std::uint32_t servers;
};
static_assert(sizeof(ChunksHeader) == 24);

const char* to_string(ServerState state) {
  switch (state) {
    case ServerState::kUp:
      return "up";
    case ServerState::kNew:
      return "new";
    case ServerState::kDraining:
      return "draining";
    case ServerState::kDown:
      return "down";
  }
  return "?";
}

std::optional<ServerState> parse_state(std::string_view text) {
  for (const auto state :
       {ServerState::kUp, ServerState::kNew, ServerState::kDraining, ServerState::kDown}) {
    if (text == to_string(state)) return state;
  }
  return std::nullopt;
}

// --- writing ------------------------------------------------------------------------------------

template <class Write>
void write_file(const std::filesystem::path& path, const Write& write) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  write(file);
  file.close();
  if (!file) throw std::runtime_error(path.string() + ": cannot be written");
}

void write_servers(std::ostream& out, const Workload& workload) {
  out << kServersHeader << '\n';
  for (std::size_t id = 0; id < workload.servers.size(); ++id) {
    const Server& server = workload.servers[id];
    out << id << ",z" << server.zone << ",r" << server.rack << ",h" << server.host << ','
        << server.capacity.count() << ',' << server.used.count() << ',' << to_string(server.state)
        << '\n';
  }
}

void write_numbers(std::ostream& out, const std::vector<std::uint32_t>& numbers) {
  out.write(reinterpret_cast<const char*>(numbers.data()),
            static_cast<std::streamsize>(numbers.size() * sizeof(std::uint32_t)));
}

void write_chunks(std::ostream& out, const Workload& workload) {
  const ChunksHeader header{.magic = kMagic,
                            .chunks = workload.size_kib.size(),
                            .replicas = workload.replicas,
                            .servers = static_cast<std::uint32_t>(workload.servers.size())};
  out.write(reinterpret_cast<const char*>(&header), sizeof header);
  write_numbers(out, workload.size_kib);
  write_numbers(out, workload.holders);
}

// --- reading ------------------------------------------------------------------------------------

tl::unexpected<Error> malformed(const std::filesystem::path& path, const std::string& what) {
  return fail(ErrorCode::kMalformed, path.string() + ": " + what);
}

Result<std::ifstream> opened(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, path.string() + ": cannot be read");
  return file;
}

Result<void> read_meta(const std::filesystem::path& path, Workload& workload) {
  auto file = opened(path);
  if (!file) return tl::unexpected(file.error());
  std::string line;
  std::getline(*file, line);
  std::vector<std::string> faults;
  Words words(path.string() + ":1", line, faults);
  workload.name = words.text("name");
  workload.task = task_of(words);
  workload.limit = limit_of(words);
  workload.replicas = words.number<std::uint32_t>("r", 1, UINT32_MAX);
  words.finish();
  if (!faults.empty()) return fail(ErrorCode::kMalformed, joined(faults));
  return {};
}

/// "r17" -> 17
std::optional<std::uint32_t> parse_place(std::string_view text, char letter) {
  if (!text.starts_with(letter)) return std::nullopt;
  return parse_number<std::uint32_t>(text.substr(1));
}

std::optional<Server> parse_server(std::string_view row, std::size_t id) {
  const auto fields = split(row, ',');
  if (fields.size() != 7 || parse_number<std::size_t>(fields[0]) != id) return std::nullopt;
  const auto zone = parse_place(fields[1], 'z'), rack = parse_place(fields[2], 'r'),
             host = parse_place(fields[3], 'h');
  const auto capacity = parse_number<std::uint64_t>(fields[4]),
             used = parse_number<std::uint64_t>(fields[5]);
  const auto state = parse_state(fields[6]);
  if (!zone || !rack || !host || !capacity || *capacity == 0 || !used || !state)
    return std::nullopt;
  return Server{*zone, *rack, *host, Bytes(*capacity), Bytes(*used), *state};
}

Result<void> read_servers(const std::filesystem::path& path, Workload& workload) {
  auto file = opened(path);
  if (!file) return tl::unexpected(file.error());
  std::string row;
  std::getline(*file, row);
  if (row != kServersHeader)
    return malformed(path, "does not begin with " + std::string(kServersHeader));
  bool any_usable = false;
  while (std::getline(*file, row)) {
    const std::size_t id = workload.servers.size();
    const auto server = parse_server(row, id);
    if (!server) {
      return malformed(path.string() + ":" + std::to_string(id + 2),
                       "'" + row + "' is not a row for server " + std::to_string(id));
    }
    any_usable = any_usable || usable(server->state);
    workload.servers.push_back(*server);
  }
  if (!any_usable) return malformed(path, "no server is usable");
  return {};
}

Result<void> check_header(const std::filesystem::path& path, const ChunksHeader& header,
                          std::uint64_t file_bytes, const Workload& workload) {
  const auto differs = [&](const char* what, std::uint64_t here, std::uint64_t there,
                           const char* other) {
    return malformed(path, std::to_string(here) + " " + what + ", but " + std::to_string(there) +
                               " in " + other);
  };
  if (header.magic != kMagic) return malformed(path, "does not begin with GCHUNK1");
  if (header.servers != workload.servers.size()) {
    return differs("servers", header.servers, workload.servers.size(), "servers.csv");
  }
  if (header.replicas != workload.replicas) {
    return differs("replicas a chunk", header.replicas, workload.replicas, "meta.txt");
  }
  // Before memory is taken for them: what the header claims must be there.
  const std::uint64_t numbers = (file_bytes - sizeof header) / sizeof(std::uint32_t);
  const std::uint64_t per_chunk = 1 + std::uint64_t{header.replicas};
  if (header.chunks == 0 || header.chunks > UINT32_MAX || numbers / per_chunk < header.chunks) {
    return malformed(path, "too short for " + std::to_string(header.chunks) + " chunks");
  }
  if (file_bytes != sizeof header + header.chunks * per_chunk * sizeof(std::uint32_t)) {
    return malformed(path, "longer than its " + std::to_string(header.chunks) + " chunks");
  }
  return {};
}

bool read_numbers(std::istream& in, std::vector<std::uint32_t>& numbers, std::size_t count) {
  numbers.resize(count);
  in.read(reinterpret_cast<char*>(numbers.data()),
          static_cast<std::streamsize>(count * sizeof(std::uint32_t)));
  return in.good();
}

Result<void> read_chunks(const std::filesystem::path& path, Workload& workload) {
  auto file = opened(path);
  if (!file) return tl::unexpected(file.error());
  ChunksHeader header{};
  if (!file->read(reinterpret_cast<char*>(&header), sizeof header)) {
    return malformed(path, "too short for its header");
  }
  const auto sound = check_header(path, header, std::filesystem::file_size(path), workload);
  if (!sound) return sound;
  if (!read_numbers(*file, workload.size_kib, header.chunks) ||
      !read_numbers(*file, workload.holders, header.chunks * header.replicas)) {
    return malformed(path, "cannot be read to its end");
  }
  return {};
}

/// That all holders exist, and that what is said to be used is what the chunks come to.
Result<void> check_holders(const std::filesystem::path& folder, const Workload& workload) {
  std::vector<Bytes> held(workload.servers.size());
  for (std::size_t chunk = 0; chunk < workload.size_kib.size(); ++chunk) {
    for (const ServerIndex server : workload.holders_of(static_cast<ChunkIndex>(chunk))) {
      if (server >= held.size()) {
        return malformed(folder / "chunks.bin", "chunk " + std::to_string(chunk) +
                                                    " is on server " + std::to_string(server) +
                                                    " of " + std::to_string(held.size()));
      }
      held[server] += workload.size_of(static_cast<ChunkIndex>(chunk));
    }
  }
  for (std::size_t id = 0; id < held.size(); ++id) {
    if (held[id] == workload.servers[id].used) continue;
    return malformed(folder / "servers.csv", "server " + std::to_string(id) + " is said to use " +
                                                 std::to_string(workload.servers[id].used.count()) +
                                                 " bytes, but its chunks have " +
                                                 std::to_string(held[id].count()));
  }
  return {};
}

}  // namespace

const char* to_string(Task task) {
  switch (task) {
    case Task::kRepair:
      return "repair";
    case Task::kDrain:
      return "drain";
    case Task::kRebalance:
      return "rebalance";
  }
  return "?";
}

void save(const Workload& workload, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "servers.csv", [&](std::ostream& out) { write_servers(out, workload); });
  write_file(folder / "chunks.bin", [&](std::ostream& out) { write_chunks(out, workload); });
  write_file(folder / "meta.txt", [&](std::ostream& out) {
    out << "name=" << workload.name << " task=" << to_string(workload.task)
        << " limit=" << workload.limit.text << " r=" << workload.replicas << '\n';
  });
}

Result<Workload> load(const std::filesystem::path& folder) {
  Workload workload;
  auto read = read_meta(folder / "meta.txt", workload);
  if (read) read = read_servers(folder / "servers.csv", workload);
  if (read) read = read_chunks(folder / "chunks.bin", workload);
  if (read) read = check_holders(folder, workload);
  if (!read) return tl::unexpected(read.error());
  return workload;
}

}  // namespace evenkeel::workload
