#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tools/cli/text.h"

/// Rows of a view or fields of an answer, and the two ways to show them: a table that fits the
/// terminal, and JSON.
namespace evenkeel::cli {

/// How a column is stored in SQLite and shown in a table.
enum class Kind {
  kText,
  kNumber,
  kBytes,
  kShare,  // the one that is not an integer
  kTime,   // ms since 1970
  kTruth,  // 0 or 1, shown as yes or no
  kChunk,
  kServer,
  kCommand,
  kFile,
  kProposal,
  kDuration,
};

/// A column of a view.
struct Column {
  std::string name;     ///< in the view, and in JSON
  std::string heading;  ///< in the table; empty: in JSON only
  Kind kind = Kind::kText;
  int keep = 1;  ///< columns with a lower one go first where the terminal is too narrow; 0 first
  std::string expression = {};  ///< in SQL, if it is not simply its name
};

using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

/// What a query gave.
struct Rows {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

/// A heading, then a line for each row. If they are too wide for the style, texts are shortened,
/// and columns left out if that does not suffice.
std::string table(const Rows& rows, const Style& style);

/// The rows as an array of objects with the names of the columns.
std::string json(const Rows& rows);

/// One object, in the order given; a list of texts, or rows, may be a value.
using Field = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                           std::vector<std::string>, Rows>;
using Fields = std::vector<std::pair<std::string, Field>>;
std::string json(const Fields& fields);
/// The same in one line.
std::string json_line(const Fields& fields);

}  // namespace evenkeel::cli
