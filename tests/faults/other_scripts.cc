#include "services/agent/store/journal.h"
#include "services/membership/store/member_store.h"
#include "tests/faults/scripts.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel::faults {
namespace {

using std::filesystem::path;

membership::MemberStore open_members(const path& folder) {
  return membership::MemberStore::open(folder / "membership.db", "evenkeel", storage_of(7)).value();
}

void some_members(const path& folder, Ledger& ledger) {
  membership::MemberStore store = open_members(folder);
  ledger.acknowledged();
  for (std::uint64_t round = 1; round <= 6; ++round) {
    membership::MemberChanges changes;
    for (std::uint64_t server = 1; server <= 4; ++server) {
      Member member = member_of(server, "r/h", 1'000);
      if (round % 3 == 0 && server == 2) member.liveness = Liveness::kDead;
      member.free = Bytes(100 * round);
      changes.push_back(
          {round == 1 ? MemberEventKind::kJoined : MemberEventKind::kUpdated, member});
    }
    const auto events = store.commit(changes, Timestamp(Duration(static_cast<int>(round))));
    ledger.acknowledged();
    ledger.published("(SELECT last_number FROM meta) >= " +
                     std::to_string(events.back().number.value()));
    store.tidy();
  }
}

agent::Journal open_journal(const path& folder) {
  return agent::Journal(folder / "journal.db", {"evenkeel", ServerId(1)}, storage_of(9));
}

void some_commands(const path& folder, Ledger& ledger) {
  agent::Journal journal = open_journal(folder);
  ledger.acknowledged();
  journal.raise_epoch(Epoch(3));
  journal.set_copy_key(std::string(32, 'k'));
  ledger.acknowledged();
  for (std::uint64_t id = 1; id <= 6; ++id) {
    const agent::ReplicaKey key{ChunkId(id), ChunkVersion(1)};
    if (id % 2 == 0) {
      agent::Journal::Batch intention(journal, Timestamp{});
      intention.intend_delete(key, CommandId(id));
      intention.commit();
      ledger.acknowledged();
      ledger.published("EXISTS(SELECT 1 FROM tombstone WHERE chunk = " + std::to_string(id) + ")");
    }
    agent::Journal::Batch batch(journal, Timestamp{});
    const CommandResult result = batch.add(
        {.command = CommandId(id), .detail = "", .journal = JournalNumber(0), .blamed = {}});
    if (id % 2 == 0) {
      batch.went(key);
    } else {
      batch.came(key);
      batch.add_stored(key);
      batch.checked(key, {checksum_of(id), ReplicaFinding::kOk, std::nullopt});
    }
    if (id > 2) batch.confirm(CommandId(id - 2));
    if (id == 5) batch.forget({CommandId(1)}, CommandId(1));
    batch.commit();
    ledger.acknowledged();
    const std::string number = std::to_string(id);
    ledger.published("EXISTS(SELECT 1 FROM result WHERE command = " + number +
                     " AND journal = " + std::to_string(result.journal.value()) +
                     ") OR coalesce((SELECT watermark FROM identity), 0) >= " + number);
    journal.checkpoint();
  }
  journal.raise_incarnation(journal.identity().incarnation.next());
  ledger.acknowledged();
}

}  // namespace

Script membership_script() {
  return {"members", "membership.db", nullptr, some_members,
          [](const path& folder, const std::function<void()>& at_end) {
            membership::MemberStore store = open_members(folder);
            store.members();
            store.commit({{MemberEventKind::kUpdated, member_of(1, "r/h", 1'000)}}, Timestamp{});
            at_end();
          }};
}

Script journal_script() {
  return {"journal", "journal.db", nullptr, some_commands,
          [](const path& folder, const std::function<void()>& at_end) {
            agent::Journal journal = open_journal(folder);
            journal.past();
            journal.checks();
            journal.age_mark();
            journal.raise_epoch(journal.identity().epoch.next());
            at_end();
          }};
}

}  // namespace evenkeel::faults
