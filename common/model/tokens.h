#pragma once
#include <string>
#include <string_view>

#include "common/model/command.h"

namespace evenkeel {

/// The texts that tokens and receipts sign (schema/wire/README.md, section 7). The signature is
/// HMAC-SHA256 under the copy key of the storage that is asked.
std::string copy_token_text(std::string_view cluster, Epoch epoch, CommandId command, ChunkId chunk,
                            ChunkVersion version, StorageId source, ServerId target);
std::string get_token_text(std::string_view cluster, Epoch epoch, ChunkId chunk,
                           ChunkVersion version, StorageId source);
std::string put_token_text(std::string_view cluster, Epoch epoch, const ChunkContent& content,
                           StorageId target);
std::string receipt_text(std::string_view cluster, const ChunkContent& content, StorageId target,
                         JournalNumber journal);

}  // namespace evenkeel
