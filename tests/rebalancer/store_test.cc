#include <gmock/gmock.h>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/rebalancer.h"
#include "services/rebalancer/store/histories.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/rebalancer/rows.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {
namespace {

class Tables : public testing::Test {
 protected:
  Tables() {
    Changes changes{EpochRaised{Epoch(1)}};
    for (std::uint64_t server = 1; server <= 4; ++server) {
      changes.push_back(ServerAdded{member_of(server, "r/h" + std::to_string(server), 1000)});
      changes.push_back(ServerReported{ServerId(server), InventoryNumber(1), JournalNumber(0), {}});
    }
    changes.push_back(ChunkAdded{
        {ChunkId(1), ChunkVersion(3), Bytes(10), checksum_of(1, 3)}, 2, ChunkLife::kLive});
    for (std::uint64_t server = 1; server <= 3; ++server) {
      changes.push_back(ReplicaAdded{ChunkId(1), ServerId(server), ReplicaState::kValid,
                                     ChunkVersion(3), JournalNumber(0)});
    }
    save(changes, Epoch(0));
  }

  void save(const Changes& changes, Epoch mine = Epoch(1)) {
    Store::Transaction transaction(store_, mine, Timestamp(Duration(7)), Duration(0));
    for (const Change& change : changes) transaction.save(change);
    transaction.commit();
  }
  std::string refusal(const Changes& changes) {
    try {
      save(changes);
    } catch (const sqlite::SqliteError& error) {
      return error.what();
    }
    return "";
  }

  static CommandRecord command(std::uint64_t id, CommandKind kind, std::uint64_t server) {
    return {.id = CommandId(id),
            .epoch = Epoch(1),
            .kind = kind,
            .reason = Reason::kTrim,
            .chunk = ChunkId(1),
            .version = ChunkVersion(3),
            .size = Bytes(10),
            .server = ServerId(server),
            .storage = storage_of(server)};
  }
  static CommandRecord removal(std::uint64_t id, std::uint64_t server,
                               const std::vector<std::uint64_t>& witnesses) {
    CommandRecord record = command(id, CommandKind::kDelete, server);
    for (const std::uint64_t witness : witnesses) {
      record.evidence.push_back({.server = ServerId(witness),
                                 .storage = storage_of(witness),
                                 .location = "r/h" + std::to_string(witness),
                                 .version = ChunkVersion(3),
                                 .checksum = checksum_of(1, 3),
                                 .vouched = 1});
    }
    return record;
  }

  std::string rows(const std::string& sql) { return rows_of(dir_.path() / "r.db", sql); }

  TempDir dir_;
  Store store_{dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel"};
};

TEST_F(Tables, ADeleteNeedsEvidence) {
  EXPECT_THAT(refusal({CommandIssued{removal(1, 3, {})}}), testing::HasSubstr("S1"));
  EXPECT_THAT(refusal({CommandIssued{removal(1, 3, {1})}}), testing::HasSubstr("S1"));
  EXPECT_THAT(refusal({CommandIssued{removal(1, 3, {1, 3})}}), testing::HasSubstr("S1"))
      << "not on the word of the one that goes";
  EXPECT_THAT(refusal({CommandIssued{removal(1, 3, {1, 4})}}), testing::HasSubstr("S1"))
      << "not on the word of one that holds nothing";
  EXPECT_EQ(refusal({CommandIssued{removal(1, 3, {1, 2})}}), "");
}

TEST_F(Tables, EvidenceHoldsAtThatMoment) {
  CommandRecord old = removal(1, 3, {1, 2});
  old.evidence[0].presence_age = Duration(600'001);
  EXPECT_THAT(refusal({CommandIssued{old}}), testing::HasSubstr("S1"));
  CommandRecord wiped = removal(1, 3, {1, 2});
  wiped.evidence[0].storage = storage_of(1, 'T');
  EXPECT_THAT(refusal({CommandIssued{wiped}}), testing::HasSubstr("S1"));
  CommandRecord together = removal(1, 3, {1, 2});
  together.evidence[1].location = together.evidence[0].location;
  EXPECT_THAT(refusal({CommandIssued{together}}), testing::HasSubstr("S1"));
  const Changes suspect{
      ReplicaChanged{ChunkId(1), ServerId(1), ReplicaState::kSuspect, ChunkVersion(3)},
      CommandIssued{removal(1, 3, {1, 2})}};
  EXPECT_THAT(refusal(suspect), testing::HasSubstr("S1"));
  EXPECT_THAT(refusal({EpochRaised{Epoch(2)}, CommandIssued{removal(1, 3, {1, 2})}}),
              testing::HasSubstr("S1"))
      << "nobody has reported to this epoch";
}

TEST_F(Tables, WhoWasDeadHasToReportAnew) {
  Member member = member_of(1, "r/h1", 1000);
  member.liveness = Liveness::kDead;
  save({ServerUpdated{member}});
  member.liveness = Liveness::kAlive;
  save({ServerUpdated{member}});
  EXPECT_THAT(refusal({CommandIssued{removal(1, 3, {1, 2})}}), testing::HasSubstr("S1"));
}

TEST_F(Tables, OneDeleteOfAChunkAtATime) {
  save({CommandIssued{removal(1, 3, {1, 2})}});
  EXPECT_THAT(refusal({CommandIssued{removal(2, 2, {1, 3})}}), testing::HasSubstr("UNIQUE"));
}

TEST_F(Tables, ADeleteNeverExpires) {
  save({CommandIssued{removal(1, 3, {1, 2})}});
  const CommandClosed given_up{CommandId(1), CommandEnd::kSuperseded, "for a test"};
  EXPECT_THAT(refusal({given_up}), testing::HasSubstr("S3"));
  Member replaced = member_of(3, "r/h3", 1000);
  replaced.storage = storage_of(3, 'T');
  EXPECT_EQ(refusal({ServerReplaced{replaced}, given_up}), "");
}

TEST_F(Tables, OneCopyOfAChunkToAServerAtATime) {
  save({CommandIssued{command(1, CommandKind::kReplicate, 4)}});
  EXPECT_THAT(refusal({CommandIssued{command(2, CommandKind::kReplicate, 4)}}),
              testing::HasSubstr("UNIQUE"));
}

TEST_F(Tables, AVersionNeverGoesBack) {
  EXPECT_THAT(refusal({ChunkRaised{{ChunkId(1), ChunkVersion(2), Bytes(10), checksum_of(1, 2)}}}),
              testing::HasSubstr("S19"));
}

TEST_F(Tables, WhatFailsLeavesNothingBehind) {
  const std::string before = rows("count(*) || '' FROM event");
  EXPECT_NE(refusal({Noted{"mode", "x", "y"}, CommandIssued{removal(1, 3, {})}}), "");
  EXPECT_EQ(rows("count(*) || '' FROM event"), before);
}

TEST_F(Tables, WhoLostTheEpochWritesNoMore) {
  Store other(dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel");
  {
    Store::Transaction transaction(other, Epoch(1), Timestamp{}, Duration(0));
    transaction.save(EpochRaised{Epoch(2)});
    transaction.commit();
  }
  EXPECT_THROW(save({Noted{"mode", "x", "y"}}), Superseded);
}

TEST_F(Tables, OfAnotherClusterAreRefused) {
  EXPECT_THROW(Store(dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "another"),
               std::runtime_error);
}

TEST_F(Tables, ViewsTellOfHealth) {
  EXPECT_EQ(rows("health || ' ' || valid_replicas FROM chunk_health"), "over_replicated 3");
  save({ReplicaLost{ChunkId(1), ServerId(3), JournalNumber(0)}});
  EXPECT_EQ(rows("health FROM chunk_health"), "healthy");
  EXPECT_EQ(rows("chunk_id || '' FROM violations"), "");
  Member dead = member_of(2, "r/h2", 1000);
  dead.liveness = Liveness::kDead;
  save({ServerUpdated{dead}});
  EXPECT_EQ(rows("health || ' ' || other_replicas FROM chunk_health"), "at_risk 1");
  EXPECT_EQ(rows("why FROM violations"), "waiting for its turn");
  save({ChunkSetAside{ChunkId(1), "no room", {}}});
  EXPECT_EQ(rows("why FROM violations"), "no room");
  save({CommandIssued{command(1, CommandKind::kReplicate, 3)}});
  EXPECT_EQ(rows("why FROM violations"), "being copied");
  EXPECT_EQ(rows("kind || ' ' || state FROM open_commands"), "replicate open");
  save({ReplicaLost{ChunkId(1), ServerId(1), JournalNumber(0)}});
  EXPECT_EQ(rows("health FROM chunk_health"), "lost");
}

TEST_F(Tables, ViewsTellOfServers) {
  {
    Store::Transaction transaction(store_, Epoch(1), Timestamp(Duration(7)), Duration(0));
    for (std::uint64_t server = 1; server <= 3; ++server) {
      transaction.save(ServerId(server), ServerLoad{.replicas = 1, .used = Bytes(10)});
    }
    transaction.commit();
  }
  EXPECT_EQ(rows("server_id || ' ' || replicas || ' ' || used_bytes || ' ' || reported "
                 "FROM server_status ORDER BY server_id"),
            "1 1 10 1, 2 1 10 1, 3 1 10 1, 4 0 0 1");
}

TEST_F(Tables, LabelsOfServersComeBackAndAreAViewOfTheirOwn) {
  EXPECT_EQ(rows("count(*) || '' FROM server_labels"), "0");
  Member member = member_of(2, "r/h2", 1000);
  member.labels = {{"disk", "ssd"}, {"tier", "a/b:c@d+e.f-g_h"}};
  save({ServerUpdated{member}});
  EXPECT_EQ(rows("server_id || ' ' || key || ' ' || value FROM server_labels ORDER BY 1"),
            "2 disk ssd, 2 tier a/b:c@d+e.f-g_h");
  EXPECT_EQ(store_.load_view({}).find(ServerId(2))->member.labels, member.labels);
  EXPECT_EQ(store_.load_view({}).find(ServerId(1))->member.labels, Labels{});
}

TEST_F(Tables, PoliciesComeBackAndViewsTellWhoIsRefused) {
  const auto refused = [&] {
    return rows("name || ' ' || servers_refused || ' ' || chunks FROM policies ORDER BY policy_id");
  };
  EXPECT_EQ(refused(), "default 0 1");
  const Policy fast{PolicyId(7),
                    "fast",
                    2,
                    SpreadLevel::kRack,
                    *parse_label_rule("disk in (ssd, nvme)"),
                    *parse_label_rule("tier = hot")};
  Member labelled = member_of(2, "r/h2", 1000);
  labelled.labels = {{"disk", "ssd"}};
  save({PolicySet{fast}, ServerUpdated{labelled}, ChunkPolicySet{ChunkId(1), PolicyId(7), 2}});
  EXPECT_EQ(refused(), "default 0 0, fast 3 1");
  EXPECT_EQ(rows("policy || ' ' || spread || ' ' || replicas || ' ' || domains || ' ' || crowded "
                 "|| ' ' || refused FROM chunk_placement"),
            "fast rack 3 1 2 2");
  const ClusterView view = store_.load_view({});
  EXPECT_EQ(*view.policies().find("fast"), fast);
  EXPECT_EQ(view.find(ChunkId(1))->policy, PolicyId(7));
  EXPECT_TRUE(view.allows(PolicyId(7), *view.slot_of(ServerId(2))));
  EXPECT_FALSE(view.allows(PolicyId(7), *view.slot_of(ServerId(1))));
  Policy slow = fast;
  slow.required = *parse_label_rule("disk != ssd");
  save({PolicySet{slow}});
  EXPECT_EQ(refused(), "default 0 0, fast 1 1");
  labelled.labels.clear();
  save({ServerUpdated{labelled}, ServerAdded{member_of(5, "r/h5", 1000)}});
  EXPECT_EQ(refused(), "default 0 0, fast 0 1");
}

TEST_F(Tables, APolicyThatChunksHaveStays) {
  save({PolicySet{{PolicyId(1), "p", 2, SpreadLevel::kHost, {}, {}}},
        ChunkPolicySet{ChunkId(1), PolicyId(1), 2}});
  EXPECT_TRUE(store_.uses(PolicyId(1)));
  EXPECT_THAT(refusal({PolicyRemoved{PolicyId(1)}}), testing::HasSubstr("stays"));
  EXPECT_THAT(refusal({ChunkPolicySet{ChunkId(1), PolicyId(2), 2}}),
              testing::HasSubstr("must be there"));
  save({ChunkRetired{ChunkId(1)}});
  EXPECT_FALSE(store_.uses(PolicyId(1)));
  EXPECT_EQ(refusal({PolicyRemoved{PolicyId(1)}}), "");
  EXPECT_THAT(refusal({PolicyRemoved{kDefaultPolicy}}), testing::HasSubstr("stays"));
}

TEST_F(Tables, InvariantsShowWhatBreaksThem) {
  EXPECT_EQ(rows("count(*) || '' FROM invariant_replica_ahead_of_chunk"), "0");
  save({ReplicaChanged{ChunkId(1), ServerId(1), ReplicaState::kCorrupt, ChunkVersion(9)}});
  EXPECT_EQ(rows("server_id || '' FROM invariant_replica_ahead_of_chunk"), "1");
  save({CommandIssued{command(1, CommandKind::kReplicate, 2)}});
  EXPECT_EQ(rows("server_id || '' FROM invariant_copy_onto_holder"), "2");
}

TEST_F(Tables, IdsOfCommandsAreNotGivenOutAgainAfterTheirRowsAreGone) {
  save({CommandIssued{command(500, CommandKind::kVerify, 1)},
        CommandClosed{CommandId(500), CommandEnd::kDone, ""}});
  store_.prune({.decisions = 720h, .rows = 0}, 100);
  EXPECT_EQ(store_.load_view({}).next_command(), CommandId(501));
}

/// What agents have seen since the backup was made counts as seen.
TEST(Rebalancer, OfARestoredDatabaseHasAnEpochThatNoneBeforeItHad) {
  const TempDir dir;
  const auto file = dir.path() / "r.db", backup = dir.path() / "backup.db";
  ManualClock clock(Timestamp(std::chrono::hours(24 * 365 * 57)));
  const auto start = [&](const std::filesystem::path& path) {
    Store store(path, sqlite::schema_directory("rebalancer"), "evenkeel",
                epoch_at(clock.wall_now()));
    clock.advance(1s);
    return Rebalancer(store, clock, Limits{}).view().epoch();
  };
  const Epoch first = start(file);
  std::filesystem::copy_file(file, backup);
  const Epoch second = start(file), third = start(file);
  const Epoch restored = start(backup);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_LT(third, restored);
}

TEST(Rebalancer, RaisesTheEpochWhereTheClockIsBehind) {
  const TempDir dir;
  ManualClock clock;
  Store store(dir.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel", Epoch(7));
  const Epoch first = Rebalancer(store, clock, Limits{}).view().epoch();
  EXPECT_GT(first, Epoch(7));
  EXPECT_GT(Rebalancer(store, clock, Limits{}).view().epoch(), first);
}

/// What one of them orders must not be taken for an order of the other.
TEST(Rebalancer, TwoHistoriesOfADatabaseHaveNoNumbersInCommon) {
  const TempDir dir;
  ManualClock clock;  // long behind
  std::set<Epoch> epochs;
  std::set<CommandId> commands;
  std::set<ChunkId> chunks;
  constexpr int kHistories = 20;
  for (int i = 0; i < kHistories; ++i) {
    Store store(dir.path() / (std::to_string(i) + ".db"), sqlite::schema_directory("rebalancer"),
                "evenkeel", Epoch(7));
    Rebalancer rebalancer(store, clock, Limits{});
    const Member member = members_listed(1).members.at(0);
    rebalancer.handle(std::vector<Event>{members_listed(1)});
    const Hello hello{.from = {member.server, member.incarnation, member.storage, Epoch(1 << 30)},
                      .journal = JournalNumber(1),
                      .last_command = CommandId(5)};
    rebalancer.handle(std::vector<Event>{AgentGreeted{hello}});
    EXPECT_GT(rebalancer.view().epoch(), Epoch(1 << 30));
    EXPECT_GT(rebalancer.view().next_command(), CommandId(5));
    epochs.insert(rebalancer.view().epoch());
    commands.insert(rebalancer.view().next_command());
    chunks.insert(rebalancer.view().next_chunk());
  }
  EXPECT_GT(epochs.size(), kHistories - 2U) << "two of twenty meet once in five thousand times";
  EXPECT_EQ(commands.size(), kHistories);
  EXPECT_EQ(chunks.size(), kHistories);
}

class Files : public testing::Test {
 protected:
  Files() {
    std::vector<Event> events;
    const MembersListed listed = members_listed(3);
    rebalancer_.handle(std::vector<Event>{listed});
    for (const Member& member : listed.members) {
      events.push_back(full_inventory(member, 1, 0, {}));
    }
    rebalancer_.handle(events);
  }
  Answer ask(Request request) {
    std::optional<Answer> answer;
    const std::vector<Asked> asked{{std::move(request), [&](Answer a) { answer = std::move(a); }}};
    rebalancer_.handle({}, asked);
    rebalancer_.view().check();
    return std::move(answer).value();
  }
  std::string refused(Request request) {
    const Answer answer = ask(std::move(request));
    const auto* no = std::get_if<Refused>(&answer);
    return no ? no->code : "";
  }
  FileId open(const std::string& name, int goal = 2) {
    return std::get<PutOpened>(ask(PutOpen{name, goal, Bytes(10)})).file;
  }
  PutPlaced::Item placed(FileId file, std::vector<ServerId> avoid = {}) {
    return std::get<PutPlaced>(ask(PutPlace{file, {item(0, std::move(avoid))}})).items.at(0);
  }
  static PutPlace::Item item(std::uint64_t index, std::vector<ServerId> avoid = {}) {
    return {index, Bytes(10), checksum_of(index + 1), std::move(avoid)};
  }
  void store_on(const PutPlaced::Item& item) {
    ChunksStored stored;
    for (const Source& target : item.targets) {
      stored.items.push_back({item.chunk, target.server, target.storage, JournalNumber(5)});
    }
    rebalancer_.handle(std::vector<Event>{stored});
  }

  TempDir dir_;
  Store store_{dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel"};
  ManualClock clock_;
  Rebalancer rebalancer_{store_, clock_, Limits{}};
};

TEST_F(Files, ArePutLookedUpAndDeleted) {
  const FileId file = open("a");
  const auto item = placed(file);
  EXPECT_EQ(item.targets.size(), 2U);
  EXPECT_EQ(refused(Locate{"a"}), "not_found") << "not before it is closed";
  EXPECT_EQ(refused(PutClose{file, {}, true}), "conflict") << "it is stored nowhere";
  store_on(item);
  EXPECT_EQ(refused(PutClose{file, {}, true}), "");
  const Located located = std::get<Located>(ask(Locate{"a"}));
  EXPECT_EQ(located.total, 1U);
  EXPECT_EQ(located.chunks.at(0).holders.size(), 2U);
  EXPECT_EQ(refused(PutOpen{"a", 2, Bytes(10)}), "conflict");
  EXPECT_EQ(std::get<Deleted>(ask(DeleteNamed{"a"})).chunks, 1U);
  EXPECT_EQ(refused(Locate{"a"}), "not_found");
  EXPECT_EQ(rebalancer_.view().find(item.chunk)->life, ChunkLife::kRetired);
}

TEST_F(Files, AnIndexThatIsThereTwiceIsMalformed) {
  const FileId file = open("a");
  EXPECT_EQ(refused(PutPlace{file, {item(0), item(0)}}), "malformed");
}

TEST_F(Files, PlacingAgainIsTheSameChunkElsewhere) {
  const FileId file = open("a", 1);
  const auto first = placed(file);
  const auto second = placed(file, {first.targets.at(0).server});
  EXPECT_EQ(second.chunk, first.chunk);
  EXPECT_NE(second.targets.at(0).server, first.targets.at(0).server);
  PutPlace other{file, {item(0)}};
  other.items[0].checksum = checksum_of(77);
  EXPECT_EQ(refused(other), "conflict");
}

/// The first answer may be the one that the client goes by: what is promised is to be what it says.
TEST_F(Files, TheSameQuestionOnceMoreIsTheSamePlace) {
  const FileId file = open("a", 1);
  const ServerId first = placed(file).targets.at(0).server;
  const Bytes promised = rebalancer_.view().find(first)->promised;
  EXPECT_EQ(placed(file).targets.at(0).server, first);
  EXPECT_EQ(rebalancer_.view().find(first)->promised, promised);
}

TEST_F(Files, APutThatIsBegunAnewGivesBackWhatItHad) {
  const auto item = placed(open("a"));
  store_on(item);
  open("a", 3);
  EXPECT_EQ(rebalancer_.view().find(item.chunk)->life, ChunkLife::kRetired);
}

TEST_F(Files, APutThatNobodyEndsIsGivenUp) {
  const auto item = placed(open("a"));
  clock_.advance(2h);
  rebalancer_.handle(std::vector<Event>{TimePassed{}});
  clock_.advance(2min);
  rebalancer_.handle(std::vector<Event>{TimePassed{}});
  EXPECT_EQ(rebalancer_.view().find(item.chunk)->life, ChunkLife::kRetired);
}

/// A database that was restored takes a file for half put that was ended long since.
TEST_F(Files, APutIsNotGivenUpByADatabaseThatHasFallenBehind) {
  const auto item = placed(open("a"));
  const Server& server = *rebalancer_.view().find(ServerId(1));
  Hello hello{
      {server.id(), server.member.incarnation, server.member.storage, rebalancer_.view().epoch()},
      JournalNumber(1),
      CommandId(rebalancer_.view().next_command().value() + 7)};
  rebalancer_.handle(std::vector<Event>{AgentGreeted{hello}});
  for (int i = 0; i < 2; ++i) {
    clock_.advance(2h);
    rebalancer_.handle(std::vector<Event>{TimePassed{}});
  }
  EXPECT_EQ(rebalancer_.view().find(item.chunk)->life, ChunkLife::kCreating);
}

/// Agents may have done nothing since a backup was made, and clients all the more.
TEST_F(Files, APutIsNotGivenUpByADatabaseThatSaysThatItIsABackup) {
  const auto item = placed(open("a"));
  const ChunkId next = rebalancer_.view().next_chunk();
  const CommandId command = rebalancer_.view().next_command();
  sqlite::Database(dir_.path() / "r.db").execute("UPDATE meta SET hold_deletes = 'a backup'");
  Rebalancer restored(store_, clock_, Limits{});
  EXPECT_TRUE(restored.view().deletes_held());
  EXPECT_GT(restored.view().next_chunk(), next);
  EXPECT_GT(restored.view().next_command(), command);
  for (int i = 0; i < 2; ++i) {
    clock_.advance(2h);
    restored.handle(std::vector<Event>{TimePassed{}});
  }
  EXPECT_EQ(restored.view().find(item.chunk)->life, ChunkLife::kCreating);
}

/// A client that opened a put before a database was lost goes on with nobody else's.
TEST(Rebalancer, FilesOfTwoEpochsHaveNoNumbersInCommon) {
  std::set<FileId> files;
  for (const int later : {0, 1, 1000}) {
    const TempDir dir;
    ManualClock clock(Timestamp(std::chrono::hours(24 * 365 * 57) + std::chrono::seconds(later)));
    Store store(dir.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel");
    Rebalancer rebalancer(store, clock, Limits{});
    for (const char* name : {"a", "b"}) {
      const std::vector<Asked> asked{{PutOpen{name, 1, Bytes(10)}, [&](Answer answer) {
                                        files.insert(std::get<PutOpened>(answer).file);
                                      }}};
      rebalancer.handle({}, asked);
    }
  }
  EXPECT_EQ(files.size(), 6U);
}

/// A client may be heard before the agents that hold what a lost database had numbered.
TEST(Rebalancer, ChunksPlacedBeforeAllHaveReportedToANewDatabaseHaveNoNumbersInCommon) {
  std::set<ChunkId> chunks;
  for (int i = 0; i < 3; ++i) {
    const TempDir dir;
    ManualClock clock;
    Store store(dir.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel");
    Rebalancer rebalancer(store, clock, Limits{});
    const MembersListed listed = members_listed(3);
    rebalancer.handle(std::vector<Event>{listed});
    for (const Member& member : {listed.members[0], listed.members[1]}) {
      rebalancer.handle(std::vector<Event>{full_inventory(member, 1, 0, {})});
    }
    const auto ask = [&](Request request) {
      std::optional<Answer> answer;
      const std::vector<Asked> asked{
          {std::move(request), [&](Answer a) { answer = std::move(a); }}};
      rebalancer.handle({}, asked);
      return std::move(answer).value();
    };
    const FileId file = std::get<PutOpened>(ask(PutOpen{"a", 2, Bytes(20)})).file;
    for (const std::uint64_t index : {0, 1}) {
      const PutPlace one{file, {{index, Bytes(10), checksum_of(index), {}}}};
      chunks.insert(std::get<PutPlaced>(ask(one)).items.at(0).chunk);
    }
  }
  EXPECT_EQ(chunks.size(), 6U);
}

TEST_F(Files, ChunksAreCountedFromOneWhereAllHaveReportedThatTheyHoldNone) {
  rebalancer_.handle(std::vector<Event>{TimePassed{}});  // ends safe mode
  EXPECT_EQ(placed(open("a")).chunk, ChunkId(1));
}

TEST_F(Files, ArePlacedAsTheirPolicyHasIt) {
  Member ssd = rebalancer_.view().find(ServerId(3))->member;
  ssd.labels = {{"disk", "ssd"}};
  rebalancer_.handle(std::vector<Event>{
      MemberChanged{storage_of(99), EventNumber(8), MemberEventKind::kUpdated, ssd}});
  const Answer set = ask(SetPolicy{"fast", 1, std::nullopt, "disk = ssd", std::nullopt});
  ASSERT_TRUE(std::holds_alternative<PolicyTold>(set)) << std::get<Refused>(set).what;
  EXPECT_EQ(refused(PutOpen{"a", 0, Bytes(10), "slow"}), "not_found");
  const PutOpened opened = std::get<PutOpened>(ask(PutOpen{"a", 0, Bytes(10), "fast"}));
  EXPECT_EQ(opened.goal, 1);
  EXPECT_EQ(refused(RemovePolicy{"fast"}), "conflict") << "a file is being put with it";
  const auto item = placed(opened.file);
  ASSERT_EQ(item.targets.size(), 1U);
  EXPECT_EQ(item.targets[0].server, ServerId(3));
  store_on(item);
  ask(PutClose{opened.file, {}, true});
  EXPECT_EQ(rebalancer_.view().find(item.chunk)->policy,
            rebalancer_.view().policies().find("fast")->id);
  EXPECT_EQ(refused(RemovePolicy{"fast"}), "conflict") << "its chunk has it";
  const auto applied = std::get<PolicyApplied>(ask(ApplyPolicy{"default", "a", 0}));
  EXPECT_EQ(applied.total, 1U);
  EXPECT_EQ(applied.next, 1U);
  EXPECT_EQ(applied.changed, 1U);
  EXPECT_EQ(rebalancer_.view().find(item.chunk)->goal, 3);
  EXPECT_EQ(std::get<PolicyApplied>(ask(ApplyPolicy{"default", item.chunk, 0})).changed, 0U);
  EXPECT_EQ(refused(ApplyPolicy{"slow", "a", 0}), "not_found");
  EXPECT_EQ(refused(ApplyPolicy{"fast", "b", 0}), "not_found");
  EXPECT_EQ(refused(ApplyPolicy{"fast", ChunkId(99), 0}), "not_found");
  EXPECT_EQ(refused(ApplyPolicy{"fast", "a", 7}), "malformed");
  EXPECT_EQ(refused(RemovePolicy{"fast"}), "");
  EXPECT_EQ(refused(RemovePolicy{"fast"}), "not_found");
}

TEST_F(Files, PoliciesAreSetPieceByPiece) {
  const auto told = [&](SetPolicy wish) { return std::get<PolicyTold>(ask(std::move(wish))); };
  const auto fresh = told({"p", std::nullopt, std::nullopt, std::nullopt, std::nullopt});
  EXPECT_EQ(fresh.goal, 3) << "default_goal";
  EXPECT_EQ(fresh.spread, SpreadLevel::kHost);
  told({"p", 2, SpreadLevel::kRack, "disk=ssd", std::nullopt});
  const auto more = told({"p", std::nullopt, std::nullopt, std::nullopt, "exists bay"});
  EXPECT_EQ(more.goal, 2);
  EXPECT_EQ(more.spread, SpreadLevel::kRack);
  EXPECT_EQ(more.require, "disk = ssd");
  EXPECT_EQ(more.prefer, "exists bay");
  EXPECT_EQ(told({"p", std::nullopt, std::nullopt, "", std::nullopt}).require, "");
  const Answer bad = ask(SetPolicy{"p", std::nullopt, std::nullopt, "disk", std::nullopt});
  EXPECT_EQ(std::get<Refused>(bad).code, "malformed");
  EXPECT_EQ(std::get<Refused>(bad).what.substr(0, 14), "require: at 5:");
  EXPECT_EQ(refused(SetPolicy{"P", 1, {}, {}, {}}), "malformed");
  EXPECT_EQ(refused(SetPolicy{"default", 2, {}, {}, {}}), "conflict");
  EXPECT_EQ(told({"default", std::nullopt, SpreadLevel::kRack, {}, {}}).spread, SpreadLevel::kRack);
  EXPECT_EQ(refused(RemovePolicy{"default"}), "conflict");
}

TEST_F(Files, NoServerThatCanTakeItIsSaid) {
  const FileId file = open("a");
  const ServerId all[] = {ServerId(1), ServerId(2), ServerId(3)};
  EXPECT_EQ(refused(PutPlace{file, {item(0, {all, all + 3})}}), "unavailable");
}

}  // namespace
}  // namespace evenkeel
