#include "services/membership/store/member_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/membership/member_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel::membership {
namespace {

class MemberStoreTest : public testing::Test {
 protected:
  Result<MemberStore> try_open(const std::string& cluster = "evenkeel", char stream = 'S') {
    return MemberStore::open(dir_.path() / "membership.db", cluster, storage_of(stream));
  }
  MemberStore open() { return std::move(try_open().value()); }

  static MemberChange change(MemberEventKind kind, const std::string& member) {
    return {kind, member_of(member)};
  }
  static std::string numbers_of(const std::vector<MemberEvent>& events) {
    std::string all;
    for (const MemberEvent& event : events) all += to_string(event.number) + " ";
    return all;
  }

  TempDir dir_;
};

TEST_F(MemberStoreTest, ANewFileIsEmptyAndBeginsAtNumberNone) {
  MemberStore store = open();
  EXPECT_EQ(store.last_number(), EventNumber(0));
  EXPECT_EQ(store.stream(), storage_of('S'));
  EXPECT_TRUE(store.members().empty());
}

TEST_F(MemberStoreTest, NumbersBeginAtOneAndHaveNoGaps) {
  MemberStore store = open();
  const auto events = store.commit(
      {change(MemberEventKind::kJoined, "7.1A"), change(MemberEventKind::kJoined, "8.1B")}, {});
  EXPECT_EQ(numbers_of(events), "1 2 ");
  EXPECT_EQ(numbers_of(store.commit({change(MemberEventKind::kLeft, "7.1A")}, {})), "3 ");
  EXPECT_EQ(store.last_number(), EventNumber(3));
}

TEST_F(MemberStoreTest, EventsAreTheChangesWithStreamAndTime) {
  MemberStore store = open();
  const Timestamp at{Duration(1234)};
  const MemberEvent event = store.commit({change(MemberEventKind::kJoined, "7.1A")}, at).at(0);
  EXPECT_EQ(event.kind, MemberEventKind::kJoined);
  EXPECT_EQ(event.stream, storage_of('S'));
  EXPECT_EQ(event.member, member_of("7.1A"));
  EXPECT_EQ(event.at, at);
}

TEST_F(MemberStoreTest, WithoutChangesThereIsNoEvent) {
  MemberStore store = open();
  EXPECT_TRUE(store.commit({}, {}).empty());
  EXPECT_EQ(store.last_number(), EventNumber(0));
}

TEST_F(MemberStoreTest, NumbersAndStreamGoOnOverRestarts) {
  open().commit({change(MemberEventKind::kJoined, "7.1A")}, {});
  MemberStore store = std::move(try_open("evenkeel", 'T').value());
  EXPECT_EQ(store.stream(), storage_of('S')) << "a stream is made once";
  EXPECT_EQ(store.last_number(), EventNumber(1));
  EXPECT_EQ(numbers_of(store.commit({change(MemberEventKind::kLeft, "7.1A")}, {})), "2 ");
}

TEST_F(MemberStoreTest, EveryFieldOfAMemberComesBack) {
  Member member = member_of("7.2A");
  member.liveness = Liveness::kDead;
  member.planned = true;
  member.location = "zone1/Räck 3/host'7";
  member.capacity = Bytes((std::uint64_t{1} << 63) - 1);
  member.labels = {{"disk", "ssd"}, {"tier", "hot"}};
  Member suspect = member_of("9.3B");
  suspect.liveness = Liveness::kSuspect;
  open().commit({{MemberEventKind::kLeft, member}, {MemberEventKind::kSuspect, suspect}}, {});
  EXPECT_EQ(open().members(), (std::vector<Member>{member, suspect}));
}

TEST_F(MemberStoreTest, TheLastChangeOfAMemberStands) {
  MemberStore store = open();
  Member later = member_of("7.2B");
  later.free = Bytes(1);
  store.commit({change(MemberEventKind::kJoined, "7.1A"), {MemberEventKind::kJoined, later}}, {});
  EXPECT_EQ(store.members(), std::vector<Member>{later});
}

TEST_F(MemberStoreTest, ACommitIsAllOrNothing) {
  MemberStore store = open();
  store.commit({change(MemberEventKind::kJoined, "7.1A")}, {});
  // One storage at two servers: the table never says so, and the file would not have it.
  const MemberChanges wrong{change(MemberEventKind::kJoined, "8.1B"),
                            change(MemberEventKind::kJoined, "9.1A")};
  EXPECT_THROW(store.commit(wrong, {}), sqlite::SqliteError);
  EXPECT_EQ(store.last_number(), EventNumber(1));
  EXPECT_EQ(words_of(open().members()), "7.1A alive");
  EXPECT_EQ(open().last_number(), EventNumber(1));
}

TEST_F(MemberStoreTest, AStorageMayBeDeadAtOneServerAndAliveAtAnother) {
  Member dead = member_of("7.1A");
  dead.liveness = Liveness::kDead;
  open().commit({{MemberEventKind::kFailed, dead}, change(MemberEventKind::kJoined, "8.1A")}, {});
  EXPECT_EQ(words_of(open().members()), "7.1A dead; 8.1A alive");
}

TEST_F(MemberStoreTest, TheFileItselfRefusesNumbersThatGoBack) {
  open().commit({change(MemberEventKind::kJoined, "7.1A")}, {});
  sqlite::Database db(dir_.path() / "membership.db");
  EXPECT_THROW(db.execute("UPDATE meta SET last_number = 0"), sqlite::SqliteError);
  EXPECT_THROW(db.execute("UPDATE meta SET last_number = 1"), sqlite::SqliteError);
  EXPECT_THROW(db.execute("UPDATE meta SET stream = zeroblob(16)"), sqlite::SqliteError);
}

TEST_F(MemberStoreTest, TheFileOfAnotherClusterIsRefused) {
  open();
  const auto other = try_open("other");
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  EXPECT_NE(other.error().what.find("'evenkeel'"), std::string::npos) << other.error().what;
}

/// The table goes on from the file as from its own members, wherever the service was stopped.
TEST_F(MemberStoreTest, ATableFromTheFileIsTheTableThatWasCommitted) {
  using namespace std::chrono_literals;
  const Patience patience{.suspect_after = 3s, .dead_after = 30s};
  MemberTable table(patience, {}, Instant{});
  const auto save = [this](const MemberChanges& changes) { open().commit(changes, {}); };
  save(table.heartbeat(member_of("7.1A"), Instant{}).changes);
  save(table.heartbeat(member_of("8.1B"), Instant{}).changes);
  save(table.judge(Instant{} + 3s));
  save(table.heartbeat(member_of("8.1B"), Instant{} + 3s).changes);
  save(table.judge(Instant{} + 30s));
  EXPECT_EQ(MemberTable(patience, open().members(), Instant{}).members(), table.members());
  EXPECT_EQ(words_of(table.members()), "7.1A dead; 8.1B suspect");
}

}  // namespace
}  // namespace evenkeel::membership
