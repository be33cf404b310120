#include "common/sqlite/migrate.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

namespace evenkeel::sqlite {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& what, const std::string& why) {
  throw SqliteError(SQLITE_SCHEMA, what.string() + ": " + why);
}

bool is_numbered(const std::string& name) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() > 9 && std::all_of(name.begin(), name.begin() + 4, digit) && name[4] == '_' &&
         name.ends_with(".sql");
}

/// The files in order. The first is number 1, and each is one more than the one before.
std::vector<std::filesystem::path> numbered_files(const std::filesystem::path& directory) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".md") continue;  // what is written about them stands beside
    files.push_back(entry.path());
  }
  if (error) refuse(directory, error.message());
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string name = files[i].filename().string();
    if (!is_numbered(name)) refuse(files[i], "not named NNNN_name.sql");
    const auto number = std::stoul(name.substr(0, 4));
    if (number != i + 1) refuse(files[i], "number " + std::to_string(i + 1) + " should be here");
  }
  if (files.empty()) refuse(directory, "no migrations");
  return files;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.is_open() || in.bad()) refuse(path, "cannot be read");
  return text;
}

void apply(Database& db, const std::filesystem::path& file, std::size_t number) {
  Transaction transaction(db);
  try {
    db.execute(contents(file));
  } catch (const SqliteError& error) {
    throw SqliteError(error.code(), file.string() + ": " + error.what());
  }
  if (sqlite3_get_autocommit(db.handle())) refuse(file, "must not end the transaction");
  db.execute("PRAGMA user_version = " + std::to_string(number));
  transaction.commit();
}

}  // namespace

int schema_version(const Database& db) {
  Statement version(db, "PRAGMA user_version");
  version.open();
  EK_CHECK(version.step());
  return static_cast<int>(version.integer(0));
}

void migrate(Database& db, const std::filesystem::path& directory) {
  const std::vector<std::filesystem::path> files = numbered_files(directory);
  const int found = schema_version(db);
  const auto applied = static_cast<std::size_t>(std::max(found, 0));
  if (found < 0 || applied > files.size()) {
    const char* file = sqlite3_db_filename(db.handle(), "main");
    refuse(file && *file ? file : ":memory:", "schema " + std::to_string(found) +
                                                  ", but this program knows only " +
                                                  std::to_string(files.size()));
  }
  for (std::size_t i = applied; i < files.size(); ++i) apply(db, files[i], i + 1);
}

std::filesystem::path schema_directory(std::string_view service) {
  const char* given = std::getenv("EVENKEEL_SCHEMA_DIR");
  const std::filesystem::path root = given && *given ? given : EVENKEEL_SCHEMA_DIR;
  return root / service;
}

}  // namespace evenkeel::sqlite
