#include "services/agent/store/words.h"

#include <array>
#include <utility>

namespace evenkeel::agent {
namespace {

template <class T, std::size_t N>
using Words = std::array<std::pair<T, std::string_view>, N>;

constexpr Words<Outcome, 3> kOutcomes{
    {{Outcome::kDone, "done"}, {Outcome::kFailed, "failed"}, {Outcome::kRefused, "refused"}}};
constexpr Words<Why, 13> kWhys{{{Why::kNone, ""},
                                {Why::kNoSpace, "no_space"},
                                {Why::kNoSource, "no_source"},
                                {Why::kCorrupt, "corrupt"},
                                {Why::kMissing, "missing"},
                                {Why::kVersion, "version"},
                                {Why::kStaleEpoch, "stale_epoch"},
                                {Why::kWrongStorage, "wrong_storage"},
                                {Why::kEvidence, "evidence"},
                                {Why::kExpired, "expired"},
                                {Why::kIo, "io"},
                                {Why::kCancelled, "cancelled"},
                                {Why::kUnknown, "unknown"}}};
constexpr Words<Fault, 4> kFaults{{{Fault::kCorrupt, "corrupt"},
                                   {Fault::kUnreachable, "unreachable"},
                                   {Fault::kMissing, "missing"},
                                   {Fault::kRefused, "refused"}}};
constexpr Words<ReplicaFinding, 4> kFindings{{{ReplicaFinding::kOk, "ok"},
                                              {ReplicaFinding::kCorrupt, "corrupt"},
                                              {ReplicaFinding::kShort, "short"},
                                              {ReplicaFinding::kUnreadable, "unreadable"}}};

template <class T, std::size_t N>
std::string_view word_in(const Words<T, N>& words, T value) {
  for (const auto& [one, word] : words) {
    if (one == value) return word;
  }
  return "?";
}

template <class T, std::size_t N>
std::optional<T> value_in(const Words<T, N>& words, std::string_view text) {
  for (const auto& [value, word] : words) {
    if (word == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view word(Outcome outcome) {
  return word_in(kOutcomes, outcome);
}
std::string_view word(Why why) {
  return word_in(kWhys, why);
}
std::string_view word(Fault fault) {
  return word_in(kFaults, fault);
}
std::string_view word(ReplicaFinding finding) {
  return word_in(kFindings, finding);
}

std::optional<Outcome> outcome_of(std::string_view text) {
  return value_in(kOutcomes, text);
}
std::optional<Why> why_of(std::string_view text) {
  return value_in(kWhys, text);
}
std::optional<Fault> fault_of(std::string_view text) {
  return value_in(kFaults, text);
}
std::optional<ReplicaFinding> finding_of(std::string_view text) {
  return value_in(kFindings, text);
}

}  // namespace evenkeel::agent
