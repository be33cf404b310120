#include "common/model/labels.h"

#include <algorithm>

namespace evenkeel {
namespace {

bool is_small(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./").find(c) != std::string_view::npos;
}

bool is_in_value(char c) {
  return is_small(c) || (c >= 'A' && c <= 'Z') ||
         std::string_view(":+@").find(c) != std::string_view::npos;
}

bool has_length(std::string_view text) {
  return !text.empty() && text.size() <= kLabelBytesMax;
}

}  // namespace

bool is_label_key(std::string_view text) {
  return has_length(text) && std::ranges::all_of(text, is_small);
}

bool is_label_value(std::string_view text) {
  return has_length(text) && std::ranges::all_of(text, is_in_value);
}

Result<Labels> labels_of(std::vector<std::pair<std::string, std::string>> pairs) {
  if (pairs.size() > kLabelsMax) {
    return fail(ErrorCode::kMalformed, "more than " + std::to_string(kLabelsMax) + " labels");
  }
  for (const auto& [key, value] : pairs) {
    if (!is_label_key(key)) {
      return fail(ErrorCode::kMalformed,
                  "label '" + key + "': the key must be 1 to 63 of a-z 0-9 - _ . /");
    }
    if (!is_label_value(value)) {
      return fail(ErrorCode::kMalformed,
                  "label '" + key + "': the value must be 1 to 63 of A-Z a-z 0-9 - _ . / : + @");
    }
  }
  std::sort(pairs.begin(), pairs.end());
  const auto twice = std::adjacent_find(
      pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != pairs.end()) {
    return fail(ErrorCode::kMalformed, "label '" + twice->first + "' is there twice");
  }
  return pairs;
}

const std::string* value_of(const Labels& labels, std::string_view key) {
  const auto found = std::lower_bound(
      labels.begin(), labels.end(), key,
      [](const auto& label, std::string_view wanted) { return label.first < wanted; });
  return found != labels.end() && found->first == key ? &found->second : nullptr;
}

std::string to_string(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += (text.empty() ? "" : ",") + key + "=" + value;
  return text;
}

Result<Labels> labels_from(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::kMalformed, "'" + std::string(pair) + "' is not key=value");
    }
    pairs.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return labels_of(std::move(pairs));
}

}  // namespace evenkeel
