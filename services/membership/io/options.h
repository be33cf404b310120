#pragma once
#include <string>

#include "common/base/time.h"
#include "services/membership/core/failure_detector.h"

namespace evenkeel::membership {

/// What the service is told; main() takes it from the settings.
struct Options {
  std::string cluster = "evenkeel";
  std::string events_endpoint = "tcp://127.0.0.1:7401";
  std::string requests_endpoint = "tcp://127.0.0.1:7402";
  Patience patience;
  Duration judge_interval{250};
  Duration beacon_interval{1'000};
};

}  // namespace evenkeel::membership
