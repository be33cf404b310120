#pragma once
#include <string>

#include "common/model/control.h"
#include "services/rebalancer/core/change.h"

namespace evenkeel {

/// Signs the rights that commands and answers carry, and checks what agents sign
/// (schema/wire/README.md, section 7). The key of a storage is derived from the database's secret,
/// so that none has to be kept.
class Keys {
 public:
  Keys(std::string cluster, std::string secret)
      : cluster_(std::move(cluster)), secret_(std::move(secret)) {}

  std::string copy_key(const StorageId& storage) const;  ///< 32 bytes

  /// For reading `content` from `source`, in the name of a command.
  std::string copy_token(Epoch epoch, const CommandRecord& command, const StorageId& source) const;
  std::string get_token(Epoch epoch, const ChunkContent& content, const StorageId& source) const;
  std::string put_token(Epoch epoch, const ChunkContent& content, const StorageId& target) const;
  bool is_receipt(const Receipt& receipt, const ChunkContent& content) const;

 private:
  std::string cluster_;
  std::string secret_;
};

}  // namespace evenkeel
