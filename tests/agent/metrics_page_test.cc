#include "services/agent/io/metrics_page.h"

#include <algorithm>

#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

/// What an agent tells Prometheus is what has come about in it.
class MetricsPage : public AgentFixture {
 protected:
  /// -1: it is not told.
  static double told(const Seat& s, const std::string& name, const metrics::Labels& labels = {}) {
    metrics::Labels all{{"server", std::to_string(number(s))}};
    all.insert(all.end(), labels.begin(), labels.end());
    const metrics::Page page = metrics_page(*s.agent);
    for (const auto& family : page.families()) {
      if (family.name != name) continue;
      for (const auto& value : family.values) {
        if (value.labels == all) return value.value;
      }
    }
    return -1;
  }
};

TEST_F(MetricsPage, ACopyIsToldByBothSides) {
  const Sample chunk = sample(1, 300'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  Seat& two = start(2);
  EXPECT_EQ(told(two, "evenkeel_agent_copied_bytes_total"), 0);
  ASSERT_EQ(run(two, replicate(two, 10, chunk, {&one})).outcome, Outcome::kDone);
  EXPECT_EQ(told(one, "evenkeel_agent_sent_bytes_total"), 300'000);
  EXPECT_EQ(told(one, "evenkeel_agent_transfers_total"), 1);
  EXPECT_EQ(told(two, "evenkeel_agent_copied_bytes_total"), 300'000);
  EXPECT_EQ(
      told(two, "evenkeel_agent_commands_total", {{"kind", "replicate"}, {"outcome", "done"}}), 1);
  EXPECT_EQ(told(two, "evenkeel_agent_commands_open"), 0);
  EXPECT_EQ(told(two, "evenkeel_agent_used_bytes"), 300'000);
  EXPECT_EQ(told(two, "evenkeel_agent_replicas", {{"finding", "ok"}}), 1);
  EXPECT_EQ(told(two, "evenkeel_agent_epoch"), 3);
}

TEST_F(MetricsPage, WhatIsRefusedAndWhatIsCorruptIsTold) {
  const Sample chunk = sample(1, 300'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  ASSERT_EQ(run(one, remove(one, 10, chunk, {})).outcome, Outcome::kRefused);
  EXPECT_EQ(
      told(one, "evenkeel_agent_commands_total", {{"kind", "delete"}, {"outcome", "refused"}}), 1);
  spoil(one, chunk, 70'000);
  ASSERT_EQ(run(one, verify(one, 11, chunk, VerifyLevel::kContent)).outcome, Outcome::kFailed);
  EXPECT_EQ(told(one, "evenkeel_agent_replicas", {{"finding", "corrupt"}}), 1);
  EXPECT_EQ(told(one, "evenkeel_agent_replicas", {{"finding", "ok"}}), 0);
}

TEST_F(MetricsPage, ReadingInTheBackgroundTellsWhatItReadAndFound) {
  const Sample good = sample(1, 300'000), bad = sample(2, 300'000);
  Seat& s = seat(1);
  s.settings.scrub.rate = 100_MiB;
  put(s, good);
  put(s, bad);
  spoil(s, bad, 10);
  start(s);
  until([&] {
    return told(s, "evenkeel_agent_scrub_faults_total") == 1 &&
           told(s, "evenkeel_agent_scrubbed_bytes_total") >= 300'000;
  });
  EXPECT_EQ(told(s, "evenkeel_agent_replicas", {{"finding", "corrupt"}}), 1);
}

}  // namespace
}  // namespace evenkeel::agent
