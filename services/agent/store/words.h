#pragma once
#include <optional>
#include <string_view>

#include "common/model/report.h"

/// The words that the journal and the log have for the closed lists of the model.
namespace evenkeel::agent {

std::string_view word(Outcome outcome);
std::string_view word(Why why);
std::string_view word(Fault fault);
std::string_view word(ReplicaFinding finding);

/// Nothing: not a word of that list.
std::optional<Outcome> outcome_of(std::string_view word);
std::optional<Why> why_of(std::string_view word);
std::optional<Fault> fault_of(std::string_view word);
std::optional<ReplicaFinding> finding_of(std::string_view word);

}  // namespace evenkeel::agent
