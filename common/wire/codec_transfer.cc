// Messages in the frames of the data port (schema/wire/README.md, section 7).
#include <algorithm>

#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

constexpr std::string_view kCodes[] = {"token", "epoch",     "missing", "corrupt", "no_space",
                                       "busy",  "malformed", "exists",  "io",      "version"};
constexpr std::size_t kBlockSumBytes = 8;

std::vector<std::uint64_t> read_blocks(const Value& value) {
  const std::string_view bytes = value.binary();
  if (bytes.size() % kBlockSumBytes != 0) value.refuse("not 8 bytes a block");
  if (bytes.size() / kBlockSumBytes > kBlocksMax) value.refuse("too many blocks");
  std::vector<std::uint64_t> blocks(bytes.size() / kBlockSumBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::uint64_t& block = blocks[i / kBlockSumBytes];
    block = block << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return blocks;
}

std::string packed(const std::vector<std::uint64_t>& blocks) {
  EK_CHECK(blocks.size() <= kBlocksMax);
  std::string bytes;
  bytes.reserve(blocks.size() * kBlockSumBytes);
  for (const std::uint64_t block : blocks) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(block >> shift & 0xFF);
  }
  return bytes;
}

/// One checksum for each block of the chunk, no more and no less.
bool covers(std::uint64_t blocks, std::uint64_t block_bytes, Bytes size) {
  return blocks == size.count() / block_bytes + (size.count() % block_bytes == 0 ? 0 : 1);
}

Message read_open(Fields& f, std::string_view) {
  const TransferOpen::Mode mode = f["mode"];
  const bool copy = mode == TransferOpen::Mode::kCopy;
  const auto only_in_copy = [&](const Value& value) {
    return value.number(copy ? 1 : 0, copy ? kNumberMax : 0);
  };
  const auto without_manifest = f.find("without_manifest");
  return TransferOpen{.mode = mode,
                      .epoch = f["epoch"],
                      .command = only_in_copy(f["command"]),
                      .chunk = f["chunk"],
                      .version = f["version"],
                      .source = f["source"],
                      .target = only_in_copy(f["target"]),
                      .token = f["token"].secret(),
                      .offset = f["offset"].amount(),
                      .length = f["length"].amount(),
                      .without_manifest = without_manifest && bool(*without_manifest)};
}

Message read_manifest(Fields& f, std::string_view) {
  TransferManifest manifest{.size = f["size_bytes"],
                            .checksum = f["checksum"],
                            .block_bytes = f["block_bytes"].number(1, kBlockBytesMax),
                            .blocks = read_blocks(f["blocks"])};
  if (!covers(manifest.blocks.size(), manifest.block_bytes, manifest.size)) {
    f.refuse("blocks do not make up size_bytes");
  }
  return manifest;
}

Message read_read(Fields& f, std::string_view) {
  return TransferRead{.offset = f["offset"].amount(), .length = f["length"].amount()};
}

Message read_done(Fields&, std::string_view) {
  return TransferDone{};
}

Message read_error(Fields& f, std::string_view) {
  return TransferError{.code = f["code"].word_of(kCodes),
                       .what = f["what"].any_text(kTextBytesRead)};
}

Message read_store(Fields& f, std::string_view) {
  TransferStore store{.content = read_content(f),
                      .storage = f["storage"],
                      .epoch = f["epoch"],
                      .token = f["token"].secret(),
                      .block_bytes = f["block_bytes"].number(1, kBlockBytesMax),
                      .blocks = read_blocks(f["blocks"])};
  if (!covers(store.blocks.size(), store.block_bytes, store.content.size)) {
    f.refuse("blocks do not make up size_bytes");
  }
  return store;
}

Message read_stored(Fields& f, std::string_view) {
  return TransferStored{.chunk = f["chunk"],
                        .version = f["version"],
                        .server = f["server"],
                        .storage = f["storage"],
                        .journal = f["journal"],
                        .receipt = f["receipt"].secret()};
}

void check_blocks(std::uint64_t blocks, std::uint64_t block_bytes, Bytes size) {
  EK_CHECK(block_bytes >= 1 && block_bytes <= kBlockBytesMax);
  EK_CHECK(covers(blocks, block_bytes, size));
}

}  // namespace

std::string_view name_of(const TransferOpen&) {
  return "transfer.open";
}
std::string_view name_of(const TransferManifest&) {
  return "transfer.manifest";
}
std::string_view name_of(const TransferRead&) {
  return "transfer.read";
}
std::string_view name_of(const TransferDone&) {
  return "transfer.done";
}
std::string_view name_of(const TransferError&) {
  return "transfer.error";
}
std::string_view name_of(const TransferStore&) {
  return "transfer.store";
}
std::string_view name_of(const TransferStored&) {
  return "transfer.stored";
}

void put(Packer& p, const TransferOpen& open) {
  const bool copy = open.mode == TransferOpen::Mode::kCopy;
  EK_CHECK((open.command != 0) == copy && (open.target != 0) == copy);
  const auto without_manifest = open.without_manifest ? std::optional<bool>(true) : std::nullopt;
  put_map(p, "mode", open.mode, "epoch", open.epoch, "command", open.command,   //
          "chunk", open.chunk, "version", open.version, "source", open.source,  //
          "target", open.target, "token", Secret{open.token},                   //
          "offset", Amount{open.offset}, "length", Amount{open.length},         //
          "without_manifest", AbsentIfNone{without_manifest});
}

void put(Packer& p, const TransferManifest& manifest) {
  check_blocks(manifest.blocks.size(), manifest.block_bytes, manifest.size);
  put_map(p, "size_bytes", manifest.size, "checksum", manifest.checksum,  //
          "block_bytes", manifest.block_bytes, "blocks", Binary{packed(manifest.blocks)});
}

void put(Packer& p, const TransferRead& read) {
  put_map(p, "offset", Amount{read.offset}, "length", Amount{read.length});
}

void put(Packer& p, const TransferDone&) {
  put_map(p);
}

void put(Packer& p, const TransferError& error) {
  EK_CHECK(std::ranges::find(kCodes, error.code) != std::end(kCodes));
  put_map(p, "code", Text{error.code, kNameBytesMax}, "what", ForPeople{error.what, kTextBytesMax});
}

void put(Packer& p, const TransferStore& store) {
  check_blocks(store.blocks.size(), store.block_bytes, store.content.size);
  put_map(p, "chunk", store.content.chunk, "version", store.content.version,             //
          "size_bytes", store.content.size, "checksum", store.content.checksum,          //
          "storage", store.storage, "epoch", store.epoch, "token", Secret{store.token},  //
          "block_bytes", store.block_bytes, "blocks", Binary{packed(store.blocks)});
}

void put(Packer& p, const TransferStored& stored) {
  put_map(p, "chunk", stored.chunk, "version", stored.version, "server", stored.server,  //
          "storage", stored.storage, "journal", stored.journal,                          //
          "receipt", Secret{stored.receipt});
}

std::span<const Kind> transfer_kinds() {
  static constexpr Kind kKinds[] = {
      {"transfer.open", read_open},    {"transfer.manifest", read_manifest},
      {"transfer.read", read_read},    {"transfer.done", read_done},
      {"transfer.error", read_error},  {"transfer.store", read_store},
      {"transfer.stored", read_stored}};
  return kKinds;
}

}  // namespace evenkeel::wire
