#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/time.h"

namespace evenkeel::membership {

/// Why a message has no effect.
enum class Refusal { kMalformed, kOtherCluster, kUnknownKind, kUnreachable };

/// Counts what is refused and says so in the log: the first of each kind at once, then at most one
/// line in ten seconds with how many there were. A peer that talks nonsense must not be able to
/// fill the disk with our own lines.
class Refusals {
 public:
  explicit Refusals(const Clock& clock) : clock_(clock) {}
  void add(Refusal refusal, std::string_view what);
  std::uint64_t count(Refusal refusal) const { return of(refusal).count; }

 private:
  struct Kind {
    std::uint64_t count = 0;
    std::uint64_t told = 0;  // of these, when the last line was written
    std::optional<Instant> told_at;
  };
  static constexpr std::size_t kKinds = 4;
  Kind& of(Refusal refusal) { return kinds_.at(static_cast<std::size_t>(refusal)); }
  const Kind& of(Refusal refusal) const { return kinds_.at(static_cast<std::size_t>(refusal)); }

  const Clock& clock_;
  std::array<Kind, kKinds> kinds_;
};

}  // namespace evenkeel::membership
