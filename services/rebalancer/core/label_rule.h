#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/model/labels.h"

namespace evenkeel {

/// One condition on a server's labels.
struct LabelTerm {
  enum class Is {
    kIn,      ///< the label is there and has one of `values`
    kNotIn,   ///< the label is not there, or has none of `values`
    kExists,  ///< whatever its value
    kAbsent
  };
  std::string key;
  Is is = Is::kExists;
  std::vector<std::string> values;  ///< of kIn and kNotIn: one at least, none twice, in order

  friend bool operator==(const LabelTerm&, const LabelTerm&) = default;
};

/// What a policy asks of a server's labels: all of its terms. Without terms it asks nothing.
///
///     disk = ssd, tier in (hot, warm), vendor != acme, exists bay, not exists retired
///
/// A label that is called `exists` or `not` can be asked for by `exists` only.
struct LabelRule {
  static constexpr std::size_t kTermsMax = 16;
  static constexpr std::size_t kValuesMax = 16;  ///< of one term

  std::vector<LabelTerm> terms;

  bool empty() const { return terms.empty(); }
  friend bool operator==(const LabelRule&, const LabelRule&) = default;
};

/// Reads a rule as it is written above. kMalformed if it is none, with the place counted from 1:
/// "at 8: ')' should be here, not the end". An empty text is the rule that asks nothing.
Result<LabelRule> parse_label_rule(std::string_view text);

/// The rule as it is written; parsing it gives the same rule.
std::string to_string(const LabelTerm& term);
std::string to_string(const LabelRule& rule);

bool holds(const LabelTerm& term, const Labels& labels);
bool holds(const LabelRule& rule, const Labels& labels);
/// The first term that does not hold; nullptr if all do.
const LabelTerm* broken_term(const LabelRule& rule, const Labels& labels);

}  // namespace evenkeel
