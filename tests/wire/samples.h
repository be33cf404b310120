#pragma once
#include <string>
#include <vector>

#include "common/wire/codec.h"

namespace evenkeel::wire {

inline const std::string kCluster = "golden";

/// One message of each kind, always the same. Their bytes are in schema/wire/golden; what they say
/// is written down a second time, in Python, in expected.py.
std::vector<Message> samples();

/// Further ones, for what one of each kind leaves out: empty lists, absent fields, the other words.
std::vector<Message> variants();

}  // namespace evenkeel::wire
