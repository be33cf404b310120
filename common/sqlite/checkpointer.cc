#include "common/sqlite/checkpointer.h"

#include <utility>

namespace evenkeel::sqlite {
namespace {

// So few are copied at once, beside nothing, to come to an end of the log: some ms. With 256 it was
// up to 70 where the disk was busy (tests/bench/load_bench.cc).
constexpr int kFewPages = 96;
// Of 4 KiB: 16 MiB, from where on an end of the log is sought; 64 MiB, from where on less is to be
// committed; 256 MiB, from where on commits have to wait.
constexpr std::uint64_t kLong = 16 << 20, kTooLong = 64 << 20, kLongest = 256 << 20;

}  // namespace

void Checkpointer::look(int pages_threshold) {
  if (!elsewhere_) {
    writer_.checkpoint_if_due(pages_threshold);
    return;
  }
  if (under_way_) return;
  const bool seek_end = some_left_ && writer_.log_bytes() >= kLong;
  if (seek_end && nearly_done()) {
    some_left_ = false;
    writer_.bound_log_file();
    if (const auto back = writer_.copy_log_back()) writer_.note_copied(*back);
    return;
  }
  if (writer_.checkpoint_due(seek_end ? kFewPages : pages_threshold)) begin();
}

bool Checkpointer::nearly_done() const {
  return writer_.wal_pages() <= kFewPages || (!held_ && writer_.log_bytes() >= kLongest);
}

bool Checkpointer::falls_behind() const {
  return elsewhere_ && !held_ && writer_.log_bytes() >= kTooLong;
}

void Checkpointer::begin() {
  under_way_ = true;
  if (!copier_) {
    copier_ = std::make_shared<Database>(sqlite3_db_filename(writer_.handle(), "main"),
                                         OpenMode::kCopyLog);
  }
  const auto back = std::make_shared<std::optional<Database::CopiedBack>>();
  elsewhere_([back, copier = copier_] { *back = copier->copy_log_back(); },
             [this, back, log = writer_.log_salt()] {
               under_way_ = false;
               some_left_ = false;
               if (!*back) return;
               held_ = (*back)->copied < (*back)->in_log;
               // It may have ended a while ago, and the log been begun anew since.
               if (writer_.log_salt() != log) return writer_.note_begun_anew();
               some_left_ = !writer_.note_copied(**back);
             });
}

}  // namespace evenkeel::sqlite
