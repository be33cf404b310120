#include "services/rebalancer/io/keys.h"

#include "common/model/tokens.h"
#include "common/token/token.h"

namespace evenkeel {

std::string Keys::copy_key(const StorageId& storage) const {
  return hmac_sha256(secret_, "copy-key|" + to_string(storage));
}

std::string Keys::copy_token(Epoch epoch, const CommandRecord& command,
                             const StorageId& source) const {
  return hmac_sha256(copy_key(source), copy_token_text(cluster_, epoch, command.id, *command.chunk,
                                                       command.version, source, command.server));
}

std::string Keys::get_token(Epoch epoch, const ChunkContent& content,
                            const StorageId& source) const {
  return hmac_sha256(copy_key(source),
                     get_token_text(cluster_, epoch, content.chunk, content.version, source));
}

std::string Keys::put_token(Epoch epoch, const ChunkContent& content,
                            const StorageId& target) const {
  return hmac_sha256(copy_key(target), put_token_text(cluster_, epoch, content, target));
}

bool Keys::is_receipt(const Receipt& receipt, const ChunkContent& content) const {
  const std::string text = receipt_text(cluster_, content, receipt.storage, receipt.journal);
  return equal_in_constant_time(receipt.receipt, hmac_sha256(copy_key(receipt.storage), text));
}

}  // namespace evenkeel
