#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace evenkeel {

/// What operators say of a server, such as {disk, ssd}: by key, each key once. Policies ask for
/// them.
using Labels = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::size_t kLabelsMax = 32;      ///< of one server
inline constexpr std::size_t kLabelBytesMax = 63;  ///< of a key, and of a value

/// 1 to 63 of `a-z 0-9 - _ . /`.
bool is_label_key(std::string_view text);
/// 1 to 63 of `A-Z a-z 0-9 - _ . / : + @`.
bool is_label_value(std::string_view text);

/// In their order. kMalformed, naming the label, if one is not allowed, if a key is there twice or
/// if there are too many.
Result<Labels> labels_of(std::vector<std::pair<std::string, std::string>> pairs);

/// The value of a label; nothing if there is none of that key.
const std::string* value_of(const Labels& labels, std::string_view key);

/// "disk=ssd,tier=hot"; empty without labels.
std::string to_string(const Labels& labels);
/// The other way; kMalformed as labels_of() has it.
Result<Labels> labels_from(std::string_view text);

}  // namespace evenkeel
