#include <gtest/gtest.h>

#include <cstdio>

#include <sqlite3.h>

#include "common/sqlite/database.h"
#include "tests/faults/scripts.h"

namespace evenkeel::faults {
namespace {

/// Before main(): SQLite takes another memory and another file system only before its first use.
[[maybe_unused]] FaultVfs& installed = FaultVfs::install();

void say(const std::string& script, const std::string& what, const Tally& tally) {
  std::printf("%-18s %-24s %6llu calls %6llu runs %6llu refused %6llu survived\n", script.c_str(),
              what.c_str(), static_cast<unsigned long long>(tally.calls),
              static_cast<unsigned long long>(tally.runs),
              static_cast<unsigned long long>(tally.refused),
              static_cast<unsigned long long>(tally.survived));
}

}  // namespace

void PrintTo(const Script& script, std::ostream* out) {  // found by googletest
  *out << script.name;
}

namespace {

class Faults : public testing::TestWithParam<Script> {};

TEST_P(Faults, OfEveryKindLoseNothingThatWasAcknowledged) {
  const std::string name = GetParam().name;
  Trial trial(GetParam(), Share::from_environment(16));
  for (const Kind kind : kAllKinds) {
    for (const bool for_good : {false, true}) {
      const Tally tally = trial.fail_calls(kind, for_good);
      say(name, std::string(to_text(kind)) + (for_good ? " for good" : " once"), tally);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_P(Faults, OfPowerLoseNothingThatWasAcknowledged) {
  const std::string name = GetParam().name;
  Trial trial(GetParam(), Share::from_environment(24));
  for (const Unsynced unsynced : kAllUnsynced) {
    const Tally tally = trial.lose_power(unsynced);
    say(name, std::string("power lost, ") + to_text(unsynced), tally);
    ASSERT_FALSE(HasFailure());
  }
  say(name, "power after bad FSYNC", trial.lose_power_after_a_failed_sync());
}

std::vector<Script> all_scripts() {
  std::vector<Script> all = store_scripts();
  all.push_back(membership_script());
  all.push_back(journal_script());
  return all;
}
INSTANTIATE_TEST_SUITE_P(Of, Faults, testing::ValuesIn(all_scripts()),
                         [](const auto& script) { return script.param.name; });

/// A check that cannot fail checks nothing: what is not synced must be found to be lost.
TEST(FaultVfs, FindsTheLossesOfADatabaseThatDoesNotSync) {
  Trial trial(store_scripts().at(0), Share{60});
  const std::uint64_t losses = trial.count_losses([](FaultVfs&) {
    on_each_connection([](void* handle) {
      // The pragma of the program comes later and would win; the authorizer makes it do nothing.
      sqlite3_exec(static_cast<sqlite3*>(handle), "PRAGMA synchronous = OFF", nullptr, nullptr,
                   nullptr);
      sqlite3_set_authorizer(
          static_cast<sqlite3*>(handle),
          [](void*, int action, const char* what, const char* value, const char*, const char*) {
            const bool full = action == SQLITE_PRAGMA && value &&
                              std::string(what) == "synchronous" && std::string(value) == "FULL";
            return full ? SQLITE_IGNORE : SQLITE_OK;
          },
          nullptr);
    });
  });
  std::printf("synchronous=OFF: %llu losses found\n", static_cast<unsigned long long>(losses));
  EXPECT_GT(losses, 0U);
  EXPECT_EQ(trial.count_losses([](FaultVfs&) {}), 0U);
}

TEST(FaultVfs, FindsTheLossesOfADiskThatLies) {
  Trial trial(store_scripts().at(2), Share{60});
  EXPECT_GT(trial.count_losses([](FaultVfs& vfs) { vfs.ignore_syncs(true); }), 0U);
}

}  // namespace
}  // namespace evenkeel::faults
