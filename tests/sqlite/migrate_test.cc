#include "common/sqlite/migrate.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace evenkeel::sqlite {
namespace {

namespace fs = std::filesystem;

class MigrateTest : public testing::Test {
 protected:
  MigrateTest() {
    std::string made = (fs::path(testing::TempDir()) / "evenkeel_migrate_XXXXXX").string();
    EK_CHECK(mkdtemp(made.data()) != nullptr);
    directory_ = made;
  }
  ~MigrateTest() override { fs::remove_all(directory_); }

  void file(const std::string& name, const std::string& sql) {
    std::ofstream(directory_ / name) << sql;
  }
  /// What migrate() throws, empty if nothing.
  std::string refusal() {
    try {
      migrate(db_, directory_);
      return "";
    } catch (const SqliteError& error) {
      return error.what();
    }
  }
  bool has_table(const std::string& name) {
    Statement query(db_, "SELECT 1 FROM sqlite_schema WHERE name = ?");
    query.open(name);
    return query.step();
  }

  fs::path directory_;
  Database db_{":memory:"};
};

TEST_F(MigrateTest, AppliesEachFileOnceAndInOrder) {
  file("0001_initial.sql", "CREATE TABLE a (i INTEGER); INSERT INTO a VALUES (1);");
  migrate(db_, directory_);
  EXPECT_EQ(schema_version(db_), 1);
  file("0002_more.sql", "CREATE TABLE b AS SELECT i FROM a; -- stands on the first");
  migrate(db_, directory_);
  migrate(db_, directory_);
  EXPECT_EQ(schema_version(db_), 2);
  Statement count(db_, "SELECT count(*) FROM a");
  count.open();
  ASSERT_TRUE(count.step());
  EXPECT_EQ(count.integer(0), 1);
}

TEST_F(MigrateTest, AFileThatFailsLeavesNothingBehind) {
  file("0001_good.sql", "CREATE TABLE a (i INTEGER);");
  file("0002_bad.sql", "CREATE TABLE b (i INTEGER); CREATE TABEL c (i INTEGER);");
  const std::string why = refusal();
  EXPECT_NE(why.find("0002_bad.sql"), std::string::npos) << why;
  EXPECT_EQ(schema_version(db_), 1);
  EXPECT_TRUE(has_table("a"));
  EXPECT_FALSE(has_table("b"));
}

TEST_F(MigrateTest, RefusesADatabaseThatIsNewer) {
  file("0001_a.sql", "CREATE TABLE a (i INTEGER);");
  db_.execute("PRAGMA user_version = 2");
  EXPECT_EQ(refusal(), ":memory:: schema 2, but this program knows only 1");
  EXPECT_FALSE(has_table("a"));
}

TEST_F(MigrateTest, RefusesGapsDoublesAndOtherNames) {
  EXPECT_NE(refusal().find("no migrations"), std::string::npos);
  struct Case {
    std::vector<std::string> names;
    const char* why;
  };
  const Case cases[] = {
      {{"0002_a.sql"}, "number 1 should be here"},
      {{"0001_a.sql", "0003_a.sql"}, "number 2 should be here"},
      {{"0001_a.sql", "0001_b.sql"}, "number 2 should be here"},
      {{"0001_a.sql", "notes.txt"}, "not named NNNN_name.sql"},
      {{"1_a.sql"}, "not named NNNN_name.sql"},
      {{"0001.sql"}, "not named NNNN_name.sql"},
  };
  for (const auto& [names, why] : cases) {
    for (const std::string& name : names) file(name, "SELECT 1;");
    const std::string refused = refusal();
    EXPECT_NE(refused.find(why), std::string::npos) << names.back() << ": " << refused;
    EXPECT_EQ(schema_version(db_), 0);
    for (const std::string& name : names) fs::remove(directory_ / name);
  }
  EXPECT_NE(refusal().find(directory_.string()), std::string::npos);
}

TEST_F(MigrateTest, PassesOverWhatIsWrittenAboutTheFiles) {
  file("0001_a.sql", "CREATE TABLE a (i INTEGER);");
  file("views.md", "# Views");
  sqlite::migrate(db_, directory_);
  EXPECT_EQ(schema_version(db_), 1);
}

TEST_F(MigrateTest, RefusesAFileThatEndsItsTransaction) {
  file("0001_a.sql", "CREATE TABLE a (i INTEGER); COMMIT;");
  EXPECT_NE(refusal().find("must not end the transaction"), std::string::npos);
  EXPECT_EQ(schema_version(db_), 0);
}

TEST_F(MigrateTest, TheEnvironmentSaysWhereTheFilesAre) {
  ASSERT_EQ(setenv("EVENKEEL_SCHEMA_DIR", "/elsewhere", 1), 0);
  EXPECT_EQ(schema_directory("agent"), "/elsewhere/agent");
  ASSERT_EQ(unsetenv("EVENKEEL_SCHEMA_DIR"), 0);
  EXPECT_EQ(schema_directory("agent").filename(), "agent");
  EXPECT_NE(schema_directory("agent"), "/elsewhere/agent");
}

}  // namespace
}  // namespace evenkeel::sqlite
