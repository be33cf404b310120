#include "services/membership/store/member_store.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/model/text.h"
#include "common/sqlite/migrate.h"

namespace evenkeel::membership {
namespace {

constexpr int kWalPages = 1000;  // 4 MiB, copied back in some ms

constexpr const char* kSaveMember =
    "INSERT INTO member (server_id, incarnation, storage, liveness, planned, location, address,"
    " capacity_bytes, reserve_bytes, free_bytes, used_bytes, labels, event_number, event_at_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (server_id) DO UPDATE SET incarnation = excluded.incarnation,"
    " storage = excluded.storage, liveness = excluded.liveness, planned = excluded.planned,"
    " location = excluded.location, address = excluded.address,"
    " capacity_bytes = excluded.capacity_bytes, reserve_bytes = excluded.reserve_bytes,"
    " free_bytes = excluded.free_bytes, used_bytes = excluded.used_bytes,"
    " labels = excluded.labels,"
    " event_number = excluded.event_number, event_at_ms = excluded.event_at_ms";

constexpr const char* kMembers =
    "SELECT server_id, incarnation, storage, liveness, planned, location, address,"
    " capacity_bytes, reserve_bytes, free_bytes, used_bytes, labels FROM member ORDER BY server_id";

/// The schema allows no other words.
Liveness liveness_of(const std::string& word) {
  const auto liveness = from_text<Liveness>(word);
  EK_CHECK(liveness.has_value());
  return *liveness;
}

/// The schema allows no other length.
StorageId id_of(const std::vector<std::uint8_t>& blob) {
  EK_CHECK(blob.size() == StorageId::kSize);
  StorageId::Array bytes{};
  std::copy(blob.begin(), blob.end(), bytes.begin());
  return StorageId(bytes);
}

/// Nothing else is written there.
Labels labels_in(const std::string& text) {
  auto labels = labels_from(text);
  EK_CHECK(labels.has_value());
  return std::move(*labels);
}

std::uint64_t unsigned_of(const sqlite::Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

Member member_of(const sqlite::Statement& row) {
  return Member{.server = ServerId(unsigned_of(row, 0)),
                .incarnation = Incarnation(unsigned_of(row, 1)),
                .storage = id_of(row.blob(2)),
                .liveness = liveness_of(row.text(3)),
                .planned = row.integer(4) != 0,
                .location = row.text(5),
                .address = row.text(6),
                .capacity = Bytes(unsigned_of(row, 7)),
                .reserve = Bytes(unsigned_of(row, 8)),
                .free = Bytes(unsigned_of(row, 9)),
                .used = Bytes(unsigned_of(row, 10)),
                .labels = labels_in(row.text(11))};
}

void begin_stream(sqlite::Database& db, const std::string& cluster, StorageId stream) {
  db.cached(
        "INSERT INTO meta (only_row, cluster, stream, last_number) VALUES (1, ?, ?, 0)"
        " ON CONFLICT DO NOTHING")
      .run(cluster, stream);
}

}  // namespace

Result<MemberStore> MemberStore::open(const std::filesystem::path& file, const std::string& cluster,
                                      StorageId fresh_stream) {
  sqlite::Database db(file);
  sqlite::migrate(db, sqlite::schema_directory("membership"));
  begin_stream(db, cluster, fresh_stream);
  sqlite::Statement meta(db, "SELECT cluster, stream, last_number FROM meta");
  meta.open();
  EK_CHECK(meta.step());
  if (meta.text(0) != cluster) {
    return fail(ErrorCode::kConflict, file.string() + " is of the cluster '" + meta.text(0) +
                                          "', but the settings say '" + cluster + "'");
  }
  const StorageId stream = id_of(meta.blob(1));
  const EventNumber last(unsigned_of(meta, 2));
  meta.reset();
  return MemberStore(std::move(db), stream, last);
}

MemberStore::MemberStore(sqlite::Database db, StorageId stream, EventNumber last_number)
    : db_(std::move(db)), stream_(stream), last_number_(last_number) {}

std::vector<Member> MemberStore::members() {
  std::vector<Member> all;
  sqlite::Statement& rows = db_.cached(kMembers);
  rows.open();
  while (rows.step()) all.push_back(member_of(rows));
  return all;
}

std::vector<MemberEvent> MemberStore::commit(const MemberChanges& changes, Timestamp at) {
  std::vector<MemberEvent> events;
  if (changes.empty()) return events;
  sqlite::Transaction transaction(db_);
  EventNumber number = last_number_;
  for (const MemberChange& change : changes) {
    number = number.next();
    events.push_back({change.kind, stream_, number, change.member, at});
    save(events.back());
  }
  db_.cached("UPDATE meta SET last_number = ?").run(number);
  transaction.commit();
  last_number_ = number;
  return events;
}

void MemberStore::save(const MemberEvent& event) {
  EK_CHECK(event.member.has_value());
  const Member& m = *event.member;
  db_.cached(kSaveMember)
      .run(m.server, m.incarnation, m.storage, to_text(m.liveness), m.planned, m.location,
           m.address, m.capacity, m.reserve, m.free, m.used, to_string(m.labels), event.number,
           event.at.time_since_epoch().count());
}

void MemberStore::tidy() {
  db_.checkpoint_if_due(kWalPages);
}

}  // namespace evenkeel::membership
