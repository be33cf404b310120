#pragma once
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace evenkeel::config {

/// "250ms", "30s", "5min", "2h", "7d". A bare number is refused: it would leave the unit to be
/// guessed.
Result<Duration> duration(std::string_view text);

/// "64MiB", "2GiB", "512B". Powers of two only; "MB" is refused, for it means two things.
Result<Bytes> bytes(std::string_view text);

/// "92.5%", from 0% to 100%. A bare number is refused: 1 could be the whole or a hundredth.
Result<Ratio> ratio(std::string_view text);

/// The same the other way round, in the largest unit that leaves nothing over.
std::string text_of(Duration duration);
std::string text_of(Bytes bytes);
std::string text_of(Ratio ratio);

}  // namespace evenkeel::config
