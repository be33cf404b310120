// One of the targets, EVENKEEL_FUZZ_TARGET, for libFuzzer.
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const evenkeel::fuzz::Target* const target = [] {
    for (const auto& one : evenkeel::fuzz::targets()) {
      if (one.name == EVENKEEL_FUZZ_TARGET) return &one;
    }
    EK_CHECK(false && "no such target");
    return static_cast<const evenkeel::fuzz::Target*>(nullptr);
  }();
  target->read({data, size});
  return 0;
}
