#include "tools/cli/view.h"

#include <utility>

#include "common/sqlite/backup.h"
#include "common/sqlite/error.h"
#include "common/sqlite/statement.h"

namespace evenkeel::cli {
namespace {

Cell cell_of(const sqlite::Statement& row, int column, Kind kind) {
  if (row.is_null(column)) return {};
  if (kind == Kind::kText) return row.text(column);
  if (kind == Kind::kShare) return row.real(column);
  return row.integer(column);
}

bool is_rebalancers(const sqlite::Database& db) {
  sqlite::Statement query(db,
                          "SELECT count(*) FROM sqlite_master "
                          "WHERE name IN ('meta', 'server_status', 'chunk_health')");
  query.open();
  return query.step() && query.integer(0) == 3;
}

bool has_all_views(const sqlite::Database& db) {
  sqlite::Statement query(db,
                          "SELECT count(*) FROM sqlite_master "
                          "WHERE name IN ('cluster_state', 'proposals')");
  query.open();
  return query.step() && query.integer(0) == 2;
}

std::string cluster_of(const sqlite::Database& db) {
  sqlite::Statement query(db, "SELECT coalesce(max(cluster), '') FROM meta");
  query.open();
  return query.step() ? query.text(0) : "";
}

}  // namespace

View::View(const std::filesystem::path& path) : db_(path, sqlite::OpenMode::kReadOnly) {}

Result<View> View::open(const std::filesystem::path& path, const std::string& cluster) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) {
    return fail(ErrorCode::kNotFound, path.string() + ": " +
                                          (unknown ? unknown.message() : "no such file") +
                                          " (--database names the rebalancer's)");
  }
  try {
    View view(path);
    if (!is_rebalancers(view.db_)) {
      return fail(ErrorCode::kMalformed, path.string() + ": not the database of a rebalancer");
    }
    if (!has_all_views(view.db_)) {
      return fail(ErrorCode::kConflict, path.string() +
                                            ": of an older rebalancer; it is brought up to date "
                                            "when one of this version starts");
    }
    const std::string owner = cluster_of(view.db_);
    if (owner != cluster) {
      return fail(ErrorCode::kConflict, path.string() + ": of the cluster '" + owner +
                                            "' and not of '" + cluster + "' (see --cluster)");
    }
    return view;
  } catch (const sqlite::SqliteError& error) {
    if (error.code() == SQLITE_NOTADB) {
      return fail(ErrorCode::kMalformed, path.string() + ": not an SQLite database");
    }
    return fail(ErrorCode::kDenied, error.what());
  }
}

Rows View::rows(std::vector<Column> columns, const std::string& from) const {
  std::string names;
  for (const Column& column : columns) {
    names += names.empty() ? "" : ", ";
    if (!column.expression.empty()) names += column.expression + " AS ";
    names += column.name;
  }
  sqlite::Statement query(db_, "SELECT " + names + " FROM " + from);
  query.open();
  Rows rows{std::move(columns), {}};
  while (query.step()) {
    std::vector<Cell> row;
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      row.push_back(cell_of(query, static_cast<int>(i), rows.columns[i].kind));
    }
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

void View::each(const std::string& sql, const std::function<void(const Numbers&)>& look) const {
  sqlite::Statement query(db_, sql);
  query.open();
  const Numbers numbers = [&](int column) { return query.integer(column); };
  while (query.step()) look(numbers);
}

std::int64_t View::number(const std::string& sql) const {
  sqlite::Statement query(db_, sql);
  query.open();
  return query.step() && !query.is_null(0) ? query.integer(0) : 0;
}

void View::back_up(const std::filesystem::path& to) const {
  sqlite::back_up(db_, to);
  // So that whoever starts from it knows that more may have happened since than agents can tell.
  sqlite::Database copy(to);
  copy.execute(
      "UPDATE meta SET hold_deletes = 'this database was restored from a backup' "
      "WHERE hold_deletes IS NULL");
}

}  // namespace evenkeel::cli
