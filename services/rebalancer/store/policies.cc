// Store, the part that keeps policies, and which servers their label rules refuse.
#include "common/base/check.h"
#include "common/model/text.h"
#include "services/rebalancer/store/rows.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {
namespace {

using rows::number;

/// Written by save_policy() alone, so that it can be read.
LabelRule rule(const sqlite::Statement& row, int column) {
  auto read = parse_label_rule(row.text(column));
  EK_CHECK(read.has_value());
  return std::move(*read);
}

}  // namespace

std::vector<Policy> Store::policies() {
  auto& row = db_.cached(
      "SELECT policy_id, name, goal, spread, required, preferred FROM policy ORDER BY policy_id");
  std::vector<Policy> all;
  for (row.open(); row.step();) {
    const auto spread = from_text<SpreadLevel>(row.text(3));
    EK_CHECK(spread.has_value());
    all.push_back({PolicyId(number(row, 0)), row.text(1), static_cast<int>(row.integer(2)), *spread,
                   rule(row, 4), rule(row, 5)});
  }
  return all;
}

void Store::load_policies(ClusterView& view) {
  for (Policy& policy : policies()) view.apply(PolicySet{std::move(policy)});
}

void Store::save_policy(const Policy& policy) {
  db_.cached(
         "INSERT INTO policy (policy_id, name, goal, spread, required, preferred) "
         "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (policy_id) DO UPDATE SET "
         "name = ?2, goal = ?3, spread = ?4, required = ?5, preferred = ?6")
      .run(policy.id, policy.name, policy.goal, to_text(policy.spread), to_string(policy.required),
           to_string(policy.preferred));
  work_out_refusals(policy);
}

bool Store::uses(PolicyId policy) {
  // "<> 0" lets the partial index be used.
  auto& row = db_.cached(
      "SELECT EXISTS (SELECT 1 FROM chunk WHERE policy = ?1 AND policy <> 0) "
      "OR EXISTS (SELECT 1 FROM file WHERE state = 0 AND policy = ?1)");
  row.open(policy);
  EK_CHECK(row.step());
  const bool used = row.integer(0) != 0;
  row.reset();
  return used;
}

std::optional<std::string> Store::labels_in_tables(ServerId server) {
  auto& row = db_.cached("SELECT labels FROM server WHERE server_id = ?");
  row.open(server);
  std::optional<std::string> labels;
  if (row.step()) labels = row.text(0);
  row.reset();
  return labels;
}

void Store::work_out_refusals(const Policy& policy) {
  db_.cached("DELETE FROM policy_refusal WHERE policy_id = ?").run(policy.id);
  if (policy.required.empty()) return;
  auto& insert = db_.cached("INSERT INTO policy_refusal VALUES (?, ?)");
  auto& row = db_.cached("SELECT server_id, labels FROM server");
  for (row.open(); row.step();) {
    if (!holds(policy.required, rows::labels(row, 1))) {
      insert.run(policy.id, ServerId(number(row, 0)));
    }
  }
}

void Store::work_out_refusals(ServerId server, const Labels& labels) {
  db_.cached("DELETE FROM policy_refusal WHERE server_id = ?").run(server);
  for (const Policy& policy : policies()) {
    if (holds(policy.required, labels)) continue;
    db_.cached("INSERT INTO policy_refusal VALUES (?, ?)").run(policy.id, server);
  }
}

}  // namespace evenkeel
