#pragma once
#include <string>

#include "common/sqlite/statement.h"
#include "services/rebalancer/core/change.h"

namespace evenkeel::rows {

/// The numbers that the tables keep for closed lists; both ways. The tables' CHECKs let
/// nothing else in, so that reading something else is a failure of our own.
int kind_number(CommandKind kind);
CommandKind kind_from(std::int64_t number);

std::uint64_t number(const sqlite::Statement& row, int column);
StorageId storage(const sqlite::Statement& row, int column);
Labels labels(const sqlite::Statement& row, int column);
Checksum checksum(const sqlite::Statement& row, int column);

}  // namespace evenkeel::rows
