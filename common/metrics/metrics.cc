#include "common/metrics/metrics.h"

#include <mutex>
#include <stdexcept>

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace evenkeel::metrics {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

prometheus::MetricFamily family_of(const Page::Family& from) {
  prometheus::MetricFamily family;
  family.name = from.name;
  family.help = from.help;
  family.type = from.grows ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  for (const Page::Value& value : from.values) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : value.labels) metric.label.push_back({name, text});
    (from.grows ? metric.counter.value : metric.gauge.value) = value.value;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

/// The last page, for the threads that answer.
class Published : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    return families_;
  }
  void set(std::vector<prometheus::MetricFamily> families) {
    const std::lock_guard lock(mutex_);
    families_ = std::move(families);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace

void Page::add(const std::string& name, const std::string& help, bool grows, double value,
               Labels labels) {
  for (Family& family : families_) {
    if (family.name != name) continue;
    family.values.push_back({std::move(labels), value});
    return;
  }
  families_.push_back({name, help, grows, {{std::move(labels), value}}});
}

struct Timing::Parts {
  prometheus::Histogram& histogram;
};

void Timing::took(Duration length) {
  parts_->histogram.Observe(std::chrono::duration<double>(length).count());
}

struct Exporter::Parts {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  std::shared_ptr<Published> published = std::make_shared<Published>();
  std::unique_ptr<prometheus::Exposer> exposer;
};

Exporter::Exporter(const std::string& listen, const std::string& service,
                   const std::string& version)
    : parts_(std::make_unique<Parts>()) {
  try {
    parts_->exposer = std::make_unique<prometheus::Exposer>(listen, 2);
  } catch (const std::exception& error) {
    throw std::runtime_error("metrics_listen: cannot listen on " + listen + ": " + error.what());
  }
  prometheus::BuildGauge()
      .Name("evenkeel_build_info")
      .Help("Always 1; the labels say which service of which version this is.")
      .Register(*parts_->registry)
      .Add({{"service", service}, {"version", version}})
      .Set(1);
  parts_->exposer->RegisterCollectable(parts_->registry);
  parts_->exposer->RegisterCollectable(parts_->published);
}

Exporter::~Exporter() = default;

int Exporter::port() const {
  return parts_->exposer->GetListeningPorts().at(0);
}

Timing Exporter::timing(const std::string& name, const std::string& help) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(*parts_->registry);
  return Timing(std::make_shared<Timing::Parts>(Timing::Parts{family.Add({}, kSeconds)}));
}

void Exporter::publish(const Page& page) {
  std::vector<prometheus::MetricFamily> families;
  for (const Page::Family& family : page.families()) families.push_back(family_of(family));
  parts_->published->set(std::move(families));
}

}  // namespace evenkeel::metrics
