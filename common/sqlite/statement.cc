#include "common/sqlite/statement.h"

#include "common/sqlite/database.h"
#include "common/sqlite/error.h"

namespace evenkeel::sqlite {

Statement::Statement(const Database& database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int rc = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (rc != SQLITE_OK) throw SqliteError(database.handle(), sql);
  statement_.reset(statement);
  EK_CHECK(statement != nullptr);             // empty, or only a comment
  EK_CHECK(rest == sql.data() + sql.size());  // a second statement would be dropped in silence
}

bool Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      reset();
      return false;
    default:
      const SqliteError error(db(), sqlite3_sql(statement_.get()));
      reset();  // a failed statement would hold its locks
      throw error;
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());  // repeats the error of the last step, which was thrown then
  sqlite3_clear_bindings(statement_.get());
}

void Statement::check_bound(int rc) const {
  if (rc != SQLITE_OK) throw SqliteError(db(), sqlite3_sql(statement_.get()));
}

void Statement::bind_integer(int index, std::int64_t value) {
  check_bound(sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind(int index, double value) {
  check_bound(sqlite3_bind_double(statement_.get(), index, value));
}

void Statement::bind(int index, std::string_view text) {
  const char* bytes = text.data() ? text.data() : "";  // a null pointer would bind NULL
  check_bound(sqlite3_bind_text64(statement_.get(), index, bytes, text.size(), SQLITE_TRANSIENT,
                                  SQLITE_UTF8));
}

void Statement::bind(int index, std::span<const std::uint8_t> blob) {
  const void* bytes = blob.empty() ? static_cast<const void*>("") : blob.data();
  check_bound(sqlite3_bind_blob64(statement_.get(), index, bytes, blob.size(), SQLITE_TRANSIENT));
}

void Statement::want(int column, int type) const {
  EK_CHECK(column >= 0 && column < sqlite3_data_count(statement_.get()));
  if (sqlite3_column_type(statement_.get(), column) == type) return;
  throw SqliteError(SQLITE_MISMATCH, std::string(sqlite3_db_filename(db(), "main")) + ": column " +
                                         std::to_string(column) + " is of another type in: " +
                                         sqlite3_sql(statement_.get()));
}

std::int64_t Statement::integer(int column) const {
  want(column, SQLITE_INTEGER);
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  want(column, SQLITE_FLOAT);
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  want(column, SQLITE_TEXT);
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::vector<std::uint8_t> Statement::blob(int column) const {
  want(column, SQLITE_BLOB);
  const auto* bytes =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes, bytes + sqlite3_column_bytes(statement_.get(), column)};
}

bool Statement::is_null(int column) const {
  EK_CHECK(column >= 0 && column < sqlite3_data_count(statement_.get()));
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

}  // namespace evenkeel::sqlite
