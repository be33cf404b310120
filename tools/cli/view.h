#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/sqlite/database.h"
#include "tools/cli/render.h"

namespace evenkeel::cli {

/// The rebalancer's database, to look at: opened read only, which never stands in the way of the
/// rebalancer, whether that runs or not.
class View {
 public:
  /// An error says whether there is no such file, it is not a rebalancer's, or it belongs to
  /// another cluster than `cluster`.
  static Result<View> open(const std::filesystem::path& path, const std::string& cluster);

  /// The columns of `from`, which is what follows FROM: a view, conditions, order, limit. It is
  /// never made of words that came from outside.
  Rows rows(std::vector<Column> columns, const std::string& from) const;
  /// Calls with each row that `sql` gives, of whole numbers only; for more rows than memory should
  /// hold.
  using Numbers = std::function<std::int64_t(int column)>;
  void each(const std::string& sql, const std::function<void(const Numbers&)>& look) const;
  /// The first cell of the only row that `sql` gives.
  std::int64_t number(const std::string& sql) const;
  /// All that is true at one moment, as the new file `to`.
  void back_up(const std::filesystem::path& to) const;

 private:
  explicit View(const std::filesystem::path& path);
  sqlite::Database db_;
};

}  // namespace evenkeel::cli
