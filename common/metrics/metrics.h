#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"

/// What a service tells Prometheus. Names follow its conventions: evenkeel_, base units (bytes,
/// seconds), _total for what only grows.
namespace evenkeel::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// All that is told at one moment. What has the same name is one family: the first help counts.
class Page {
 public:
  struct Value {
    Labels labels;
    double value;
  };
  struct Family {
    std::string name, help;
    bool grows;  ///< a counter; otherwise a gauge
    std::vector<Value> values;
  };

  void gauge(const std::string& name, const std::string& help, double value, Labels labels = {}) {
    add(name, help, false, value, std::move(labels));
  }
  void counter(const std::string& name, const std::string& help, double value, Labels labels = {}) {
    add(name, help, true, value, std::move(labels));
  }
  const std::vector<Family>& families() const { return families_; }

 private:
  void add(const std::string& name, const std::string& help, bool grows, double value,
           Labels labels);
  std::vector<Family> families_;
};

/// How long something takes, as a histogram from a tenth of a millisecond to ten seconds.
class Timing {
 public:
  void took(Duration length);

 private:
  friend class Exporter;
  struct Parts;
  explicit Timing(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<Parts> parts_;
};

/// Answers GET /metrics on threads of its own: whoever scrapes never makes the service wait. What
/// it answers is what was published last.
class Exporter {
 public:
  /// `listen`: "host:port"; port 0: any that is free. `service` and `version` are told as
  /// evenkeel_build_info. Throws std::runtime_error if it cannot listen.
  Exporter(const std::string& listen, const std::string& service, const std::string& version);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  int port() const;
  Timing timing(const std::string& name, const std::string& help);
  /// Instead of what was published before. May be called by any thread.
  void publish(const Page& page);

 private:
  struct Parts;  // knows the library
  std::unique_ptr<Parts> parts_;
};

}  // namespace evenkeel::metrics
