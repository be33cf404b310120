#include "services/console/io/reader_pool.h"

#include <optional>

#include "common/sqlite/error.h"

namespace evenkeel::console {

Result<std::string> ReaderPool::with(const std::function<Result<std::string>(Reader&)>& ask) {
  try {
    std::optional<Reader> reader;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        reader.emplace(std::move(idle_.back()));
        idle_.pop_back();
      }
    }
    if (!reader || !reader->is_current()) {
      auto opened = Reader::open(database_, cluster_);
      if (!opened) return tl::unexpected(opened.error());
      reader.emplace(std::move(*opened));
    }
    auto answer = ask(*reader);
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdle) idle_.push_back(std::move(*reader));
    return answer;
  } catch (const sqlite::SqliteError& error) {
    return fail(ErrorCode::kBusy, error.what());
  }
}

}  // namespace evenkeel::console
