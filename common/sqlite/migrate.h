#pragma once
#include <filesystem>
#include <string_view>

#include "common/sqlite/database.h"

namespace evenkeel::sqlite {

/// Brings the schema up to date with the files NNNN_name.sql in `directory`, numbered from 0001
/// without gaps, in order, each in a transaction of its own. A file that has landed is never
/// edited. Throws SqliteError, with the schema as the last good file left it, if a file fails, if
/// the files are not numbered so, or if the database is newer than they are: an old program must
/// not touch it.
void migrate(Database& db, const std::filesystem::path& directory);

/// The number of the last file applied, 0 in a new database.
int schema_version(const Database& db);

/// Where the migrations of `service` are: below the folder that the environment variable
/// EVENKEEL_SCHEMA_DIR names, or else the one that the program was built with.
std::filesystem::path schema_directory(std::string_view service);

}  // namespace evenkeel::sqlite
