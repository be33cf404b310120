#include "services/membership/core/member_table.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "common/base/random.h"
#include "tests/membership/member_builder.h"

namespace evenkeel::membership {
namespace {

using namespace std::chrono_literals;

constexpr Patience kPatience{.suspect_after = 3s, .dead_after = 30s};

/// Plays a history, one step a line, and tells what came of its last step:
///
///     beat 7.2A | leave 7.2A      "ok 2: joined 7.2A": status, incarnation, changes
///     at 3000                     judges at that time, ms since the beginning: "suspect 7.2A"
///     restart                     a new table from what the old one knew: ""
std::string answer_of(const std::string& history, std::string* members = nullptr) {
  ManualClock clock;
  MemberTable table(kPatience, {}, clock.now());
  std::string answer;
  std::istringstream lines(history);
  for (std::string verb, object; lines >> verb;) {
    answer.clear();
    if (verb == "restart") {
      table = MemberTable(kPatience, table.members(), clock.now());
      continue;
    }
    lines >> object;
    if (verb == "at") {
      clock.advance(Duration(std::stoll(object)) - clock.now().time_since_epoch());
      answer = words_of(table.judge(clock.now()));
      continue;
    }
    const Member said = member_of(object);
    const Verdict verdict =
        verb == "beat" ? table.heartbeat(said, clock.now())
                       : table.leave({said.server, said.incarnation, said.storage}, clock.now());
    const std::string changes = words_of(verdict.changes);
    answer = std::string(to_text(verdict.status)) + " " + to_string(verdict.incarnation) +
             (changes.empty() ? "" : ": " + changes);
  }
  if (members != nullptr) *members = words_of(table.members());
  return answer;
}

struct History {
  const char* name;
  const char* history;
  const char* answer;   // to the last step
  const char* members;  // in the end
};

const History kCases[] = {
    // joined
    {"FirstHeartbeatOfAServer", "beat 7.2A", "ok 2: joined 7.2A", "7.2A alive"},
    {"NewIncarnationOfOneThatWasDead", "beat 7.2A at 30000 beat 7.3A", "ok 3: joined 7.3A",
     "7.3A alive"},
    {"NewIncarnationOfOneThatLeft", "beat 7.2A leave 7.2A beat 7.3A", "ok 3: joined 7.3A",
     "7.3A alive"},
    {"NewStorageOfOneThatIsAlive", "beat 7.2A beat 7.3B", "ok 3: joined 7.3B", "7.3B alive"},
    {"NewStorageOfASuspect", "beat 7.2A at 3000 beat 7.3B", "ok 3: joined 7.3B", "7.3B alive"},
    {"NewStorageOfOneThatWasDead", "beat 7.2A at 30000 beat 7.3B", "ok 3: joined 7.3B",
     "7.3B alive"},
    {"NewStorageOfOneThatLeft", "beat 7.2A leave 7.2A beat 7.3B", "ok 3: joined 7.3B",
     "7.3B alive"},
    {"TwoServersAreTwoMembers", "beat 7.2A beat 8.2B", "ok 2: joined 8.2B",
     "7.2A alive; 8.2B alive"},
    // suspect, failed
    {"NotYetSuspect", "beat 7.2A at 2999", "", "7.2A alive"},
    {"Suspect", "beat 7.2A at 3000", "suspect 7.2A", "7.2A suspect"},
    {"SuspectIsToldOnce", "beat 7.2A at 3000 at 3250", "", "7.2A suspect"},
    {"NotYetFailed", "beat 7.2A at 3000 at 29999", "", "7.2A suspect"},
    {"Failed", "beat 7.2A at 3000 at 30000", "failed 7.2A", "7.2A dead"},
    {"FailedIsToldOnce", "beat 7.2A at 30000 at 60000", "", "7.2A dead"},
    {"FailedWithoutALookInBetween", "beat 7.2A at 30000", "failed 7.2A", "7.2A dead"},
    {"HeartbeatsKeepAlive", "beat 7.2A at 2000 beat 7.2A at 4000", "", "7.2A alive"},
    {"SilenceIsOfEachServerAlone", "beat 7.2A beat 8.2B at 2000 beat 8.2B at 3000", "suspect 7.2A",
     "7.2A suspect; 8.2B alive"},
    {"JudgedInTheOrderOfServers", "beat 9.1A beat 8.1B beat 7.1C at 3000",
     "suspect 7.1C, suspect 8.1B, suspect 9.1A", "7.1C suspect; 8.1B suspect; 9.1A suspect"},
    {"SilenceOfOneThatLeftMeansNothing", "beat 7.2A leave 7.2A at 30000", "", "7.2A left"},
    // recovered
    {"SuspectHeardAgain", "beat 7.2A at 3000 beat 7.2A", "ok 2: recovered 7.2A", "7.2A alive"},
    {"SuspectHeardAgainRestarted", "beat 7.2A at 3000 beat 7.3A", "ok 3: recovered 7.3A",
     "7.3A alive"},
    {"RestartedWhileAlive", "beat 7.2A beat 7.3A", "ok 3: recovered 7.3A", "7.3A alive"},
    {"DeadHeardAgainWasCutOff", "beat 7.2A at 30000 beat 7.2A", "ok 2: recovered 7.2A",
     "7.2A alive"},
    {"SilenceOfTheRecoveredBeginsAnew", "beat 7.2A at 3000 beat 7.2A at 5999", "", "7.2A alive"},
    // left
    {"Leave", "beat 7.2A leave 7.2A", "ok 2: left 7.2A", "7.2A left"},
    {"LeaveOfASuspect", "beat 7.2A at 3000 leave 7.2A", "ok 2: left 7.2A", "7.2A left"},
    {"LeaveOfOneGivenUp", "beat 7.2A at 30000 leave 7.2A", "ok 2: left 7.2A", "7.2A left"},
    {"LeavingTwiceIsLeavingOnce", "beat 7.2A leave 7.2A leave 7.2A", "ok 2", "7.2A left"},
    {"LeaveOfAnOlderIncarnation", "beat 7.3A leave 7.2A", "stale 3", "7.3A alive"},
    {"LeaveOfAnIncarnationNeverHeard", "beat 7.2A leave 7.3A", "ok 3: left 7.3A", "7.3A left"},
    {"LeaveOfAnotherStorage", "beat 7.2A leave 7.3B", "ok 2", "7.2A alive"},
    {"LeaveOfAnUnknownServer", "leave 7.2A", "ok 2", ""},
    // no news
    {"Repeated", "beat 7.2A beat 7.2A", "ok 2", "7.2A alive"},
    {"OlderIncarnation", "beat 7.3A beat 7.2A", "stale 3", "7.3A alive"},
    {"OlderIncarnationOfAnotherStorage", "beat 7.3A beat 7.2B", "stale 3", "7.3A alive"},
    {"OlderIncarnationOfTheDead", "beat 7.3A at 30000 beat 7.2A", "stale 3", "7.3A dead"},
    {"StaleIsNotHeard", "beat 7.3A at 2000 beat 7.2A at 3000", "suspect 7.3A", "7.3A suspect"},
    {"HeartbeatOvertakenByItsLeave", "beat 7.2A leave 7.2A beat 7.2A", "stale 2", "7.2A left"},
    {"AnotherStorageWithTheSameIncarnation", "beat 7.2A beat 7.2B", "stale 2", "7.2A alive"},
    {"TheOldStorageDoesNotComeBack", "beat 7.2A beat 7.3B beat 7.2A", "stale 3", "7.3B alive"},
    // conflict
    {"StorageAliveElsewhere", "beat 7.2A beat 8.5A", "conflict 5", "7.2A alive"},
    {"StorageSuspectElsewhere", "beat 7.2A at 3000 beat 8.5A", "conflict 5", "7.2A suspect"},
    {"StorageDeadElsewhere", "beat 7.2A at 30000 beat 8.5A", "ok 5: joined 8.5A",
     "7.2A dead; 8.5A alive"},
    {"StorageThatLeftElsewhere", "beat 7.2A leave 7.2A beat 8.5A", "ok 5: joined 8.5A",
     "7.2A left; 8.5A alive"},
    {"StorageGivenUpElsewhere", "beat 7.2A beat 7.3B beat 8.5A", "ok 5: joined 8.5A",
     "7.3B alive; 8.5A alive"},
    {"ConflictOfAKnownServer", "beat 7.2A beat 8.5B beat 8.6A", "conflict 5",
     "7.2A alive; 8.5B alive"},
    {"ConflictIsNotHeard", "beat 7.2A beat 8.5B at 2000 beat 7.2A beat 8.6A at 3000",
     "suspect 8.5B", "7.2A alive; 8.5B suspect"},
    {"TheFirstHolderReturnsTooLate", "beat 7.2A at 30000 beat 8.5A beat 7.3A", "conflict 2",
     "7.2A dead; 8.5A alive"},
    {"TheFirstHolderReturnsInTime", "beat 7.2A beat 8.5A beat 7.2A", "ok 2", "7.2A alive"},
    {"TheFirstHolderComesWithAnotherDisk", "beat 7.2A at 30000 beat 8.5A beat 7.3B",
     "ok 3: joined 7.3B", "7.3B alive; 8.5A alive"},
    {"LeaveOfTheFirstHolderDoesNotTouchTheSecond",
     "beat 7.2A at 30000 beat 8.5A leave 7.2A beat 9.1A", "conflict 1", "7.2A left; 8.5A alive"},
    // the service restarts
    {"RestartTellsNothing", "beat 7.2A restart at 0", "", "7.2A alive"},
    {"RestartKeepsLiveness",
     "beat 7.1A beat 8.1B beat 9.1C leave 9.1C at 29000 beat 8.1B at 30000 restart at 30000", "",
     "7.1A dead; 8.1B alive; 9.1C left"},
    {"SilenceCountsFromTheRestart", "beat 7.2A at 2900 restart at 5899", "", "7.2A alive"},
    {"SilenceAfterTheRestart", "beat 7.2A at 2900 restart at 5900", "suspect 7.2A", "7.2A suspect"},
    {"ASuspectStaysSuspect", "beat 7.2A at 3000 restart at 3000", "", "7.2A suspect"},
    {"ASuspectIsGivenAllItsTimeAgain", "beat 7.2A at 20000 restart at 49999", "", "7.2A suspect"},
    {"ASuspectFailsAfterAllItsTime", "beat 7.2A at 20000 restart at 50000", "failed 7.2A",
     "7.2A dead"},
    {"TheDeadStaysDeadUntilHeard", "beat 7.2A at 30000 restart at 90000", "", "7.2A dead"},
    {"TheDeadIsHeardAfterTheRestart", "beat 7.2A at 30000 restart beat 7.2A",
     "ok 2: recovered 7.2A", "7.2A alive"},
    {"ConflictsOutliveTheRestart", "beat 7.2A restart beat 8.1A", "conflict 1", "7.2A alive"},
    {"IncarnationsOutliveTheRestart", "beat 7.2A leave 7.2A restart beat 7.2A", "stale 2",
     "7.2A left"},
};

class MemberTableCases : public testing::TestWithParam<History> {};

TEST_P(MemberTableCases, Answers) {
  std::string members;
  EXPECT_EQ(answer_of(GetParam().history, &members), GetParam().answer) << GetParam().history;
  EXPECT_EQ(members, GetParam().members) << GetParam().history;
}

INSTANTIATE_TEST_SUITE_P(Histories, MemberTableCases, testing::ValuesIn(kCases),
                         [](const auto& given) { return std::string(given.param.name); });

/// What a heartbeat of a known server must differ in to be told.
TEST(MemberTable, UpdatesAreToldWhenTheyMatter) {
  struct Case {
    const char* name;
    void (*alter)(Member&);
    bool told;
  };
  const Case cases[] = {
      {"nothing", [](Member&) {}, false},
      {"location", [](Member& m) { m.location = "zone1/rack2/host7"; }, true},
      {"address", [](Member& m) { m.address = "10.0.0.2:7007"; }, true},
      {"capacity grows", [](Member& m) { m.capacity = Bytes(1001); }, true},
      {"capacity shrinks", [](Member& m) { m.capacity = Bytes(999); }, true},
      {"reserve", [](Member& m) { m.reserve = Bytes(51); }, true},
      {"a label",
       [](Member& m) {
         m.labels = {{"disk", "ssd"}};
       },
       true},
      {"a hundredth less free", [](Member& m) { m.free = Bytes(490); }, false},
      {"more than a hundredth less free", [](Member& m) { m.free = Bytes(489); }, true},
      {"a hundredth more free", [](Member& m) { m.free = Bytes(510); }, false},
      {"more than a hundredth more free", [](Member& m) { m.free = Bytes(511); }, true},
      {"a hundredth more used", [](Member& m) { m.used = Bytes(410); }, false},
      {"more than a hundredth more used", [](Member& m) { m.used = Bytes(411); }, true},
      {"liveness is not theirs to say", [](Member& m) { m.liveness = Liveness::kDead; }, false},
      {"planned is not theirs to say", [](Member& m) { m.planned = true; }, false},
  };
  for (const Case& c : cases) {
    MemberTable table(kPatience, {}, Instant{});
    Member said = member_of("7.1A");
    table.heartbeat(said, Instant{});
    c.alter(said);
    const Verdict verdict = table.heartbeat(said, Instant{});
    EXPECT_EQ(words_of(verdict.changes), c.told ? "updated 7.1A" : "") << c.name;
    EXPECT_EQ(words_of(table.members()), "7.1A alive") << c.name;
  }
}

TEST(MemberTable, FreeSpaceThatCreepsIsToldInTheEnd) {
  MemberTable table(kPatience, {}, Instant{});
  Member said = member_of("7.1A");
  table.heartbeat(said, Instant{});
  int told = 0;
  for (int i = 0; i < 22; ++i) {
    said.free -= Bytes(1);
    told += static_cast<int>(table.heartbeat(said, Instant{}).changes.size());
  }
  EXPECT_EQ(told, 2) << "after 11 and 22 bytes of 1,000";
}

TEST(MemberTable, WhatWasNotToldIsNotKnown) {
  MemberTable table(kPatience, {}, Instant{});
  Member said = member_of("7.1A");
  table.heartbeat(said, Instant{});
  said.free = Bytes(495);
  table.heartbeat(said, Instant{});
  EXPECT_EQ(table.members().at(0).free, Bytes(500)) << "a snapshot is what the events add up to";
}

TEST(MemberTable, EveryEventCarriesWhatTheAgentSaidLast) {
  MemberTable table(kPatience, {}, Instant{});
  Member said = member_of("7.1A");
  table.heartbeat(said, Instant{});
  table.judge(Instant{} + 3s);
  said.free = Bytes(495);
  const Verdict verdict = table.heartbeat(said, Instant{} + 3s);
  ASSERT_EQ(words_of(verdict.changes), "recovered 7.1A");
  EXPECT_EQ(verdict.changes.at(0).member.free, Bytes(495));
}

TEST(MemberTable, WhatAnAgentSaysOfItsLivenessIsPassedOver) {
  MemberTable table(kPatience, {}, Instant{});
  Member said = member_of("7.1A");
  said.liveness = Liveness::kDead;
  said.planned = true;
  const Verdict verdict = table.heartbeat(said, Instant{});
  EXPECT_EQ(verdict.changes.at(0).member, member_of("7.1A"));
}

TEST(MemberTable, AfterAPauseSilenceBeginsAnew) {
  MemberTable table(kPatience, {}, Instant{});
  table.heartbeat(member_of("7.1A"), Instant{});
  table.restart_silence(Instant{} + 1h);
  EXPECT_EQ(words_of(table.judge(Instant{} + 1h + 2999ms)), "");
  EXPECT_EQ(words_of(table.judge(Instant{} + 1h + 3s)), "suspect 7.1A");
}

TEST(MemberTable, SizesAtTheLimitOfTheWireAreCompared) {
  Member before = member_of("7.1A");
  before.capacity = before.free = Bytes((std::uint64_t{1} << 63) - 1);
  Member after = before;
  after.free = Bytes(0);
  EXPECT_TRUE(worth_telling(before, after));
  after.free = before.free - Bytes(1);
  EXPECT_FALSE(worth_telling(before, after));
}

/// Whatever is heard in whatever order: the events add up to the table, and repeating the last
/// message changes nothing.
TEST(MemberTable, EventsAddUpToTheTable) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    ManualClock clock;
    MemberTable table(kPatience, {}, clock.now());
    std::map<ServerId, Member> heard;
    const auto follow = [&heard](const MemberChanges& changes) {
      for (const MemberChange& change : changes) {
        heard.insert_or_assign(change.member.server, change.member);
      }
    };
    for (int step = 0; step < 200; ++step) {
      clock.advance(Duration(rng.below(2000)));
      follow(table.judge(clock.now()));
      const std::string name = std::to_string(rng.between(1, 4)) + "." +
                               std::to_string(rng.between(1, 1 + step / 20)) +
                               static_cast<char>('A' + rng.below(4));
      const Member said = member_of(name);
      const bool leaves = rng.chance(1, 8);
      const auto say = [&] {
        return leaves ? table.leave({said.server, said.incarnation, said.storage}, clock.now())
                      : table.heartbeat(said, clock.now());
      };
      follow(say().changes);
      ASSERT_TRUE(say().changes.empty()) << "seed " << seed << " step " << step << " " << name;
      std::vector<Member> sum;
      for (const auto& [server, member] : heard) sum.push_back(member);
      ASSERT_EQ(sum, table.members()) << "seed " << seed << " step " << step << " " << name;
    }
  }
}

}  // namespace
}  // namespace evenkeel::membership
