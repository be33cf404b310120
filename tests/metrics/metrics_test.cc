#include "common/metrics/metrics.h"

#include <gmock/gmock.h>
#include <httplib.h>

namespace evenkeel::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string scraped(const Exporter& exporter) {
  const auto answer = httplib::Client("127.0.0.1", exporter.port()).Get("/metrics");
  EXPECT_TRUE(answer && answer->status == 200);
  return answer ? answer->body : "";
}

TEST(Metrics, WhatWasPublishedLastIsTold) {
  Exporter exporter("127.0.0.1:0", "test", "1.2");
  EXPECT_THAT(scraped(exporter),
              HasSubstr("evenkeel_build_info{service=\"test\",version=\"1.2\"} 1"));
  Page page;
  page.gauge("evenkeel_chunks", "Chunks by health.", 12, {{"health", "lost"}});
  page.gauge("evenkeel_chunks", "ignored", 3, {{"health", "at_risk"}});
  page.counter("evenkeel_copied_bytes_total", "Bytes copied.", 1e15);
  exporter.publish(page);
  const std::string text = scraped(exporter);
  EXPECT_THAT(text, HasSubstr("# HELP evenkeel_chunks Chunks by health.\n"
                              "# TYPE evenkeel_chunks gauge\n"
                              "evenkeel_chunks{health=\"lost\"} 12\n"
                              "evenkeel_chunks{health=\"at_risk\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE evenkeel_copied_bytes_total counter"));
  exporter.publish({});
  EXPECT_THAT(scraped(exporter), Not(HasSubstr("evenkeel_chunks")));
}

TEST(Metrics, TimesAreAHistogram) {
  Exporter exporter("127.0.0.1:0", "test", "1");
  Timing timing = exporter.timing("evenkeel_turn_seconds", "How long.");
  timing.took(Duration(3));
  timing.took(Duration(700));
  const std::string text = scraped(exporter);
  EXPECT_THAT(text, HasSubstr("evenkeel_turn_seconds_count 2"));
  EXPECT_THAT(text, HasSubstr("evenkeel_turn_seconds_bucket{le=\"0.005\"} 1"));
  EXPECT_THAT(text, HasSubstr("evenkeel_turn_seconds_bucket{le=\"1\"} 2"));
}

TEST(Metrics, APortThatIsTakenIsNamed) {
  const Exporter exporter("127.0.0.1:0", "test", "1");
  const std::string listen = "127.0.0.1:" + std::to_string(exporter.port());
  try {
    const Exporter second(listen, "test", "1");
    FAIL() << "two on one port";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("metrics_listen: cannot listen on " + listen));
  }
}

}  // namespace
}  // namespace evenkeel::metrics
