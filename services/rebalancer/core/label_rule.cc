#include "services/rebalancer/core/label_rule.h"

#include <algorithm>
#include <optional>

namespace evenkeel {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_mark(char c) {
  return c == '=' || c == '!' || c == ',' || c == '(' || c == ')' || is_space(c);
}

std::string quoted(std::string_view text) {
  return text.empty() ? std::string("the end") : "'" + std::string(text) + "'";
}

/// Reads from left to right, one look ahead. What is wrong is kept with its place; after that
/// nothing more is read.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { next(); }

  Result<LabelRule> run() {
    LabelRule rule;
    if (!token_.empty()) {
      do rule.terms.push_back(term());
      while (!fault_ && rule.terms.size() <= LabelRule::kTermsMax && took(","));
      if (rule.terms.size() > LabelRule::kTermsMax) {
        wrong("more than " + std::to_string(LabelRule::kTermsMax) + " conditions");
      }
      if (!token_.empty()) wrong("',' or the end should be here, not " + quoted(token_));
    }
    if (fault_) return fail(ErrorCode::kMalformed, *fault_);
    return rule;
  }

 private:
  LabelTerm term() {
    if (took("not")) {
      if (!took("exists")) wrong("'exists' should follow 'not', not " + quoted(token_));
      return {key(), LabelTerm::Is::kAbsent, {}};
    }
    if (took("exists")) return {key(), LabelTerm::Is::kExists, {}};
    LabelTerm term{key(), LabelTerm::Is::kIn, {}};
    if (took("=")) {
      term.values = {value()};
    } else if (took("!=")) {
      term.is = LabelTerm::Is::kNotIn;
      term.values = {value()};
    } else if (took("in")) {
      term.values = values();
    } else if (took("not")) {
      term.is = LabelTerm::Is::kNotIn;
      if (!took("in")) wrong("'in' should follow 'not', not " + quoted(token_));
      term.values = values();
    } else {
      wrong("'=', '!=', 'in' or 'not in' should follow the key, not " + quoted(token_));
    }
    return term;
  }

  std::string key() {
    if (!is_label_key(token_)) {
      wrong("a key of 1 to 63 of a-z 0-9 - _ . / should be here, not " + quoted(token_));
    }
    return taken();
  }

  std::string value() {
    if (!is_label_value(token_)) {
      wrong("a value of 1 to 63 of A-Z a-z 0-9 - _ . / : + @ should be here, not " +
            quoted(token_));
    }
    return taken();
  }

  std::vector<std::string> values() {
    std::vector<std::string> all;
    if (!took("(")) wrong("'(' should be here, not " + quoted(token_));
    do all.push_back(value());
    while (!fault_ && all.size() <= LabelRule::kValuesMax && took(","));
    if (all.size() > LabelRule::kValuesMax) {
      wrong("more than " + std::to_string(LabelRule::kValuesMax) + " values");
    }
    if (!took(")")) wrong("',' or ')' should be here, not " + quoted(token_));
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  bool took(std::string_view word) {
    if (fault_ || token_ != word) return false;
    next();
    return true;
  }

  std::string taken() {
    std::string word(token_);
    if (!fault_) next();
    return word;
  }

  void next() {
    at_ += token_.size();
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    std::size_t end = at_;
    if (end < text_.size() && is_mark(text_[end])) {
      end += text_.substr(end).starts_with("!=") ? 2 : 1;
    } else {
      while (end < text_.size() && !is_mark(text_[end])) ++end;
    }
    token_ = text_.substr(at_, end - at_);
  }

  void wrong(const std::string& what) {
    if (!fault_) fault_ = "at " + std::to_string(at_ + 1) + ": " + what;
  }

  std::string_view text_;
  std::string_view token_;  // the one looked at; empty at the end
  std::size_t at_ = 0;      // where it begins
  std::optional<std::string> fault_;
};

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : ", ") + value;
  return all;
}

}  // namespace

Result<LabelRule> parse_label_rule(std::string_view text) {
  return Parser(text).run();
}

std::string to_string(const LabelTerm& term) {
  const bool one = term.values.size() == 1;
  switch (term.is) {
    case LabelTerm::Is::kIn:
      return term.key + (one ? " = " + term.values[0] : " in (" + joined(term.values) + ")");
    case LabelTerm::Is::kNotIn:
      return term.key + (one ? " != " + term.values[0] : " not in (" + joined(term.values) + ")");
    case LabelTerm::Is::kExists:
      return "exists " + term.key;
    case LabelTerm::Is::kAbsent:
      return "not exists " + term.key;
  }
  return {};
}

std::string to_string(const LabelRule& rule) {
  std::string all;
  for (const LabelTerm& term : rule.terms) all += (all.empty() ? "" : ", ") + to_string(term);
  return all;
}

bool holds(const LabelTerm& term, const Labels& labels) {
  const std::string* value = value_of(labels, term.key);
  const auto listed = [&] {
    return std::binary_search(term.values.begin(), term.values.end(), *value);
  };
  switch (term.is) {
    case LabelTerm::Is::kIn:
      return value && listed();
    case LabelTerm::Is::kNotIn:
      return !value || !listed();
    case LabelTerm::Is::kExists:
      return value != nullptr;
    case LabelTerm::Is::kAbsent:
      return value == nullptr;
  }
  return false;
}

const LabelTerm* broken_term(const LabelRule& rule, const Labels& labels) {
  for (const LabelTerm& term : rule.terms) {
    if (!holds(term, labels)) return &term;
  }
  return nullptr;
}

bool holds(const LabelRule& rule, const Labels& labels) {
  return broken_term(rule, labels) == nullptr;
}

}  // namespace evenkeel
