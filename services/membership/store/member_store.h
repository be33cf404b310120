#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/model/member.h"
#include "common/sqlite/database.h"
#include "services/membership/core/member_table.h"

namespace evenkeel::membership {

/// The members, the stream and the number of its last event, in SQLite. What was committed here
/// is the truth; what was published is only news of it.
///
/// Throws sqlite::SqliteError when the database fails. The caller does not go on then: what it
/// knows may be ahead of the file.
class MemberStore {
 public:
  /// `fresh_stream` becomes the stream if the file is new. kConflict: the file is of another
  /// cluster.
  static Result<MemberStore> open(const std::filesystem::path& file, const std::string& cluster,
                                  StorageId fresh_stream);

  StorageId stream() const { return stream_; }
  EventNumber last_number() const { return last_number_; }
  std::vector<Member> members();  ///< by server

  /// Numbers the changes, in order, and commits them with their numbers, all or none. What is
  /// given back may be published. Without changes nothing is written.
  std::vector<MemberEvent> commit(const MemberChanges& changes, Timestamp at);

  /// Keeps the log of the database short. Takes some ms now and then; not to be called between a
  /// commit and its publication.
  void tidy();

 private:
  MemberStore(sqlite::Database db, StorageId stream, EventNumber last_number);
  void save(const MemberEvent& event);

  sqlite::Database db_;
  StorageId stream_;
  EventNumber last_number_;
};

}  // namespace evenkeel::membership
