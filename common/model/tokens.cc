#include "common/model/tokens.h"

namespace evenkeel {
namespace {

template <class... Parts>
std::string joined(std::string_view first, const Parts&... parts) {
  std::string text(first);
  ((text += '|', text += parts), ...);
  return text;
}

template <class Number>
std::string decimal(Number number) {
  return std::to_string(number.value());
}

}  // namespace

std::string copy_token_text(std::string_view cluster, Epoch epoch, CommandId command, ChunkId chunk,
                            ChunkVersion version, StorageId source, ServerId target) {
  return joined("copy", cluster, decimal(epoch), decimal(command), decimal(chunk), decimal(version),
                to_string(source), decimal(target));
}

std::string get_token_text(std::string_view cluster, Epoch epoch, ChunkId chunk,
                           ChunkVersion version, StorageId source) {
  return joined("get", cluster, decimal(epoch), decimal(chunk), decimal(version),
                to_string(source));
}

std::string put_token_text(std::string_view cluster, Epoch epoch, const ChunkContent& content,
                           StorageId target) {
  return joined("put", cluster, decimal(epoch), decimal(content.chunk), decimal(content.version),
                std::to_string(content.size.count()), to_string(content.checksum),
                to_string(target));
}

std::string receipt_text(std::string_view cluster, const ChunkContent& content, StorageId target,
                         JournalNumber journal) {
  return joined("stored", cluster, decimal(content.chunk), decimal(content.version),
                to_string(content.checksum), to_string(target), decimal(journal));
}

}  // namespace evenkeel
