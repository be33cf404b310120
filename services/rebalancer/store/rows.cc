#include "services/rebalancer/store/rows.h"

#include <array>

#include "common/base/check.h"

namespace evenkeel::rows {
namespace {

constexpr std::array<CommandKind, 4> kKinds{CommandKind::kReplicate, CommandKind::kDelete,
                                            CommandKind::kVerify, CommandKind::kReport};

}  // namespace

int kind_number(CommandKind kind) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == kind) return static_cast<int>(i);
  }
  EK_CHECK(false);
}

CommandKind kind_from(std::int64_t number) {
  EK_CHECK(number >= 0 && number < std::int64_t{kKinds.size()});
  return kKinds[static_cast<std::size_t>(number)];
}

std::uint64_t number(const sqlite::Statement& row, int column) {
  const std::int64_t value = row.integer(column);
  EK_CHECK(value >= 0);
  return static_cast<std::uint64_t>(value);
}

StorageId storage(const sqlite::Statement& row, int column) {
  const auto id = StorageId::parse(row.text(column));
  EK_CHECK(id.has_value());
  return *id;
}

Labels labels(const sqlite::Statement& row, int column) {
  auto read = labels_from(row.text(column));
  EK_CHECK(read.has_value());
  return std::move(*read);
}

Checksum checksum(const sqlite::Statement& row, int column) {
  const auto bytes = row.blob(column);
  const auto value =
      Checksum::from_raw({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  EK_CHECK(value.has_value());
  return *value;
}

}  // namespace evenkeel::rows
