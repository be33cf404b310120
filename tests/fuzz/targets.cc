#include "tests/fuzz/targets.h"

#include <array>
#include <cstring>
#include <string>

#include "common/base/check.h"
#include "common/config/file.h"
#include "common/wire/codec.h"
#include "services/agent/io/frame_reader.h"
#include "services/agent/store/chunk_name.h"
#include "services/agent/store/manifest_file.h"
#include "tools/plan/cluster_files.h"

namespace evenkeel::fuzz {
namespace {

using Span = std::span<const std::uint8_t>;

std::string_view text_of(Span bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::string_view kCluster = "golden";

/// Whatever is taken can be said again, and is then the same: nobody who passes a message on can be
/// brought to a check by it.
void wire(Span bytes) {
  static_cast<void>(wire::request_of(text_of(bytes)));
  const auto message = wire::decode(kCluster, text_of(bytes));
  if (!message) return;
  // Commands of kinds that we do not know are only ever received.
  const auto* commands = std::get_if<Commands>(&*message);
  if (commands && !commands->unknown.empty()) return;
  const std::string said = wire::encode(kCluster, *message);
  const auto again = wire::decode(kCluster, said);
  EK_CHECK(again.has_value());
  EK_CHECK(wire::encode(kCluster, *again) == said);
}

/// The first byte says in what pieces the rest arrives; where they are cut makes no difference, nor
/// whether they are put where the reader wants them.
void frames(Span bytes) {
  if (bytes.empty()) return;
  const auto read = [](Span stream, std::size_t piece, bool in_place) {
    agent::FrameReader reader;
    std::string seen;
    while (!stream.empty()) {
      std::size_t count = std::min(piece, stream.size());
      Span arrived = stream.first(count);
      if (const auto place = reader.place(); in_place && !place.empty()) {
        count = std::min(count, place.size());
        std::copy_n(stream.begin(), count, place.begin());
        arrived = place.first(count);
      }
      const auto fault =
          reader.feed(arrived, [&](const wire::FrameHeader& header, Buffer&& payload) {
            EK_CHECK(header.length == payload.size());
            seen += std::to_string(static_cast<int>(header.type)) + ":" +
                    std::to_string(header.transfer) + ":" + std::string(agent::text_of(payload));
            return true;
          });
      if (fault) return seen + "!" + *fault;
      stream = stream.subspan(count);
    }
    return seen;
  };
  const Span stream = bytes.subspan(1);
  const std::string whole = read(stream, stream.size() + 1, false);
  EK_CHECK(read(stream, 1 + bytes[0], false) == whole);
  EK_CHECK(read(stream, 1 + bytes[0], true) == whole);
}

/// A settings file and, after a zero byte, words of the command line, one a line.
void settings(Span bytes) {
  std::string_view text = text_of(bytes);
  config::Reader::Overrides overrides;
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    for (std::string_view rest = text.substr(zero + 1); !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      overrides.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    text = text.substr(0, zero);
  }
  config::Reader reader = config::Reader::of_text("fuzz.toml", text, overrides);
  reader.string("name", "");
  reader.integer("port", 7, {1, 65535});
  reader.boolean("json", false);
  reader.duration("detector.suspect_after", Duration(1));
  reader.bytes("chunk_max", 1_MiB);
  reader.ratio("fill_limit", Ratio(0.9));
  reader.endpoint("events", "tcp://127.0.0.1:1");
  reader.host_port("listen", "127.0.0.1:1");
  reader.strings("racks", {});
  reader.string_table("labels");
  const auto read = reader.finish();
  EK_CHECK(read.has_value() || !read.error().what.empty());
}

void servers_csv(Span bytes) {
  const auto rows = offline::parse_servers("s.csv", text_of(bytes));
  EK_CHECK(rows.has_value() ? !rows->empty() : !rows.error().what.empty());
}

/// The first two bytes say how many servers there are.
void chunks_bin(Span bytes) {
  if (bytes.size() < 2) return;
  const std::size_t servers = bytes[0] + 256u * bytes[1];
  const auto file = std::as_bytes(bytes.subspan(2));
  const auto header = offline::parse_header(
      "c.bin", file.first(std::min(file.size(), offline::ChunksHeader::kBytes)), file.size(),
      servers);
  if (!header) return;
  std::uint64_t taken = 0;
  const auto read = offline::read_chunks(
      "c.bin", *header,
      [&](std::uint64_t offset, std::span<std::byte> into) {
        if (offset > file.size() || into.size() > file.size() - offset) return false;
        std::memcpy(into.data(), file.data() + offset, into.size());
        return true;
      },
      [&](Bytes, std::span<const std::uint32_t> holders) {
        ++taken;
        for (const std::uint32_t holder : holders) EK_CHECK(holder < servers);
      });
  EK_CHECK(!read || taken == header->chunks);
}

/// Names of files and manifests: there is one spelling of each.
void disk(Span bytes) {
  const std::string_view name = text_of(bytes);
  const auto parsed = agent::parse_name(name);
  if (parsed && parsed->checksum) {
    EK_CHECK(agent::file_name(parsed->key, *parsed->checksum) == name);
  }
  if (const auto manifest = agent::parse_manifest(bytes)) {
    const auto again = agent::manifest_bytes(*manifest);
    EK_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  }
}

constexpr std::array kTargets{Target{"wire", wire},
                              Target{"frames", frames},
                              Target{"settings", settings},
                              Target{"servers_csv", servers_csv},
                              Target{"chunks_bin", chunks_bin},
                              Target{"disk", disk}};

}  // namespace

std::span<const Target> targets() {
  return kTargets;
}

}  // namespace evenkeel::fuzz
