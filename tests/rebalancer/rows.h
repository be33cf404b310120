#pragma once
#include <filesystem>
#include <string>

#include "common/sqlite/database.h"

namespace evenkeel {

/// All rows of a query, as an operator gets them beside the writer: "1|healthy, 2|lost".
inline std::string rows_of(const std::filesystem::path& database, const std::string& sql) {
  sqlite::Database reader(database, sqlite::OpenMode::kReadOnly);
  sqlite::Statement row(reader, "SELECT " + sql);
  std::string all;
  for (row.open(); row.step();) all += (all.empty() ? "" : ", ") + row.text(0);
  return all;
}

}  // namespace evenkeel
