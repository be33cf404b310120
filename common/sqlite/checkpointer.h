#pragma once
#include <functional>
#include <memory>

#include "common/sqlite/database.h"

namespace evenkeel::sqlite {

/// Copies a writer's log back into its file, on another thread where there is one, so that commits
/// need not wait for it. Measured on ext4: a thousand pages from anywhere take 60 ms to sync, 120
/// at times; a commit beside that takes as long as without, 5 ms and 16 at times.
///
/// A second connection copies there. It begins only while there is something to copy, and nobody
/// else copies until it has ended: so the writer cannot begin the log anew under it, which SQLite
/// before 3.51.3 does not withstand (www.sqlite.org/wal.html, "The WAL-Reset Bug").
class Checkpointer {
 public:
  /// Has `work` done on another thread, and then `done` on the writer's. What `work` throws must
  /// end the process, as a commit that fails would.
  using Elsewhere = std::function<void(std::function<void()> work, std::function<void()> done)>;

  /// On the writer's own thread until there is another.
  explicit Checkpointer(Database& writer) : writer_(writer) {}
  void set_elsewhere(Elsewhere elsewhere) { elsewhere_ = std::move(elsewhere); }

  /// To be called between commits. Copies if that is due, as Database::checkpoint_if_due().
  void look(int pages_threshold);

  /// More is committed than can be copied beside it: the log can only be begun anew when all of it
  /// was copied, so less should be committed for a while. Never for a reader in the way.
  bool falls_behind() const;

 private:
  bool nearly_done() const;
  void begin();

  Database& writer_;
  Elsewhere elsewhere_;
  std::shared_ptr<Database> copier_;  // of one thread at a time: that of the job under way
  bool under_way_ = false;
  bool some_left_ = false;  // the last one did not copy what was committed meanwhile
  bool held_ = false;       // a reader was in its way
};

}  // namespace evenkeel::sqlite
