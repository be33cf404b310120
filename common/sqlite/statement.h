#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <sqlite3.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/fixed_bytes.h"
#include "common/base/strong_id.h"

namespace evenkeel::sqlite {

class Database;

/// One prepared statement, prepared once and run many times. Must not outlive its Database.
/// Everything throws SqliteError when it fails.
///
///     Statement insert(db, "INSERT INTO server (id, rack) VALUES (?, ?)");
///     insert.run(id, "rack7");
///
///     Statement servers(db, "SELECT id, rack FROM server WHERE rack = ?");
///     servers.open("rack7");
///     while (servers.step()) use(servers.integer(0), servers.text(1));
///
/// A query that is left before step() has said false holds its read lock until reset(), the next
/// open() or its end.
class Statement {
 public:
  Statement(const Database& db, std::string_view sql);

  /// For statements that give no rows. Gives how many rows it inserted, changed or deleted.
  template <class... Args>
  std::int64_t run(const Args&... args) {
    open(args...);
    EK_CHECK(!step());
    return sqlite3_changes64(db());
  }

  /// Binds all parameters, in order, and begins anew: integers, ids, counters, Bytes, double, text,
  /// blobs (span of bytes or FixedBytes), std::nullopt and std::optional of these. Unsigned numbers
  /// must fit into 63 bits.
  template <class... Args>
  void open(const Args&... args) {
    EK_CHECK(sizeof...(args) == static_cast<std::size_t>(parameters()));
    reset();
    [[maybe_unused]] int index = 0;
    (bind(++index, args), ...);
  }

  bool step();   ///< true while there is a row to read
  void reset();  ///< lets go of rows and parameters

  /// Columns of the current row, from 0. A column of another type than asked for, NULL included,
  /// is a SqliteError.
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::vector<std::uint8_t> blob(int column) const;
  bool is_null(int column) const;

 private:
  template <std::integral T>
  void bind(int index, T value) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
      EK_CHECK(value <= static_cast<std::uint64_t>(INT64_MAX));
    }
    bind_integer(index, static_cast<std::int64_t>(value));
  }
  template <class Tag>
  void bind(int index, StrongId<Tag> id) {
    bind(index, id.value());
  }
  template <class Tag>
  void bind(int index, StrongCounter<Tag> counter) {
    bind(index, counter.value());
  }
  void bind(int index, Bytes size) { bind(index, size.count()); }
  void bind(int index, double value);
  void bind(int index, std::string_view text);
  void bind(int index, std::span<const std::uint8_t> blob);
  template <class Tag, std::size_t N>
  void bind(int index, const FixedBytes<Tag, N>& value) {
    bind(index, std::span<const std::uint8_t>(value.bytes()));
  }
  void bind(int, std::nullopt_t) {}  // what is not bound is NULL
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) bind(index, *value);
  }
  void bind_integer(int index, std::int64_t value);
  void check_bound(int rc) const;
  void want(int column, int type) const;
  int parameters() const { return sqlite3_bind_parameter_count(statement_.get()); }
  sqlite3* db() const { return sqlite3_db_handle(statement_.get()); }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace evenkeel::sqlite
