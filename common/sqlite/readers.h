#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace evenkeel::sqlite {

/// Other processes that are in the midst of reading this database, "process 1234 (sqlite3)" each:
/// while they are, its log cannot be begun anew. As the system's table of locks has it; empty if
/// that does not tell. For people: they may have ended by now.
std::vector<std::string> readers_of(const std::filesystem::path& database);

}  // namespace evenkeel::sqlite
