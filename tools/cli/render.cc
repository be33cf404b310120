#include "tools/cli/render.h"

#include <algorithm>
#include <numeric>

#include "common/base/check.h"
#include "common/base/overloaded.h"
#include "common/base/time_text.h"

namespace evenkeel::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kTextMin = 12;  // a text is not made shorter than this before columns go

std::string shown(std::int64_t value, Kind kind) {
  const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  switch (kind) {
    case Kind::kText:
    case Kind::kShare:
      return std::to_string(value);
    case Kind::kNumber:
      return value < 0 ? std::to_string(value) : count_text(amount);
    case Kind::kBytes:
      return bytes_text(amount);
    case Kind::kTime:
      return iso8601(Timestamp(Duration(value))).substr(0, 19) + "Z";
    case Kind::kTruth:
      return value != 0 ? "yes" : "no";
    case Kind::kChunk:
      return "c" + std::to_string(value);
    case Kind::kServer:
      return "s" + std::to_string(value);
    case Kind::kCommand:
      return "k" + std::to_string(value);
    case Kind::kFile:
      return "f" + std::to_string(value);
    case Kind::kProposal:
      return "a" + std::to_string(value);
    case Kind::kDuration:
      return duration_text(Duration(value));
  }
  return {};
}

std::string shown(const Cell& cell, Kind kind) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string("-"); },
                 [&](std::int64_t value) { return shown(value, kind); },
                 [](double value) { return share_text(value); },
                 [](const std::string& text) { return text.empty() ? "-" : printable(text); }},
      cell);
}

/// Words that an operator should not have to look for.
Colour colour_of(const std::string& word) {
  for (const char* bad : {"lost", "dead", "corrupt", "failed"}) {
    if (word == bad) return Colour::kRed;
  }
  for (const char* odd : {"at_risk", "under_replicated", "over_replicated", "suspect", "refused",
                          "draining", "drained", "maintenance", "removed", "being_put"}) {
    if (word == odd) return Colour::kYellow;
  }
  return word == "healthy" || word == "alive" ? Colour::kGreen : Colour::kNone;
}

/// One column with its texts and the width that it is given.
struct Strip {
  const Column* column;
  std::vector<std::string> texts;  // the heading first
  std::size_t width = 0;

  std::size_t narrowest() const {
    const bool may_shrink = column->kind == Kind::kText;
    return may_shrink ? std::min(width, std::max(kTextMin, width_of(column->heading))) : width;
  }
  bool right() const {
    return column->kind == Kind::kNumber || column->kind == Kind::kBytes ||
           column->kind == Kind::kShare;
  }
};

std::vector<Strip> strips_of(const Rows& rows) {
  std::vector<Strip> strips;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    const Column& column = rows.columns[i];
    if (column.heading.empty()) continue;
    Strip strip{&column, {column.heading}};
    for (const auto& row : rows.rows) strip.texts.push_back(shown(row[i], column.kind));
    for (const std::string& text : strip.texts) strip.width = std::max(strip.width, width_of(text));
    strips.push_back(std::move(strip));
  }
  return strips;
}

template <class Width>
std::size_t total(const std::vector<Strip>& strips, Width width) {
  return std::transform_reduce(strips.begin(), strips.end(), kGap * (strips.size() - 1),
                               std::plus<>(), width);
}

/// Leaves out whole columns, from the least wanted and the right, until shortened texts can fit.
void leave_out(std::vector<Strip>& strips, std::size_t room) {
  while (strips.size() > 1 && total(strips, [](const Strip& s) { return s.narrowest(); }) > room) {
    std::size_t least = 0;
    for (std::size_t i = 1; i < strips.size(); ++i) {
      if (strips[i].column->keep <= strips[least].column->keep) least = i;
    }
    strips.erase(strips.begin() + static_cast<std::ptrdiff_t>(least));
  }
}

/// Takes from the widest text, column by column of the terminal, until all fit.
void shorten(std::vector<Strip>& strips, std::size_t room) {
  while (total(strips, [](const Strip& s) { return s.width; }) > room) {
    Strip* widest = nullptr;
    for (Strip& strip : strips) {
      const bool can = strip.width > strip.narrowest();
      if (can && (widest == nullptr || strip.width > widest->width)) widest = &strip;
    }
    if (widest == nullptr) return;  // one column that is wider than the terminal
    --widest->width;
  }
}

std::string padded(const Strip& strip, std::size_t line, bool last, const Style& style) {
  const std::string text = shortened(strip.texts[line], strip.width);
  const std::string gap(strip.width - width_of(text), ' ');
  const Colour colour = line == 0 ? Colour::kFaint : colour_of(text);
  if (strip.right()) return gap + style.paint(colour, text);
  return style.paint(colour, text) + (last ? "" : gap);
}

}  // namespace

std::string table(const Rows& rows, const Style& style) {
  std::vector<Strip> strips = strips_of(rows);
  EK_CHECK(!strips.empty());
  if (style.width > 0) {
    leave_out(strips, style.width);
    shorten(strips, style.width);
  }
  std::string text;
  for (std::size_t line = 0; line <= rows.rows.size(); ++line) {
    for (std::size_t i = 0; i < strips.size(); ++i) {
      if (i > 0) text.append(kGap, ' ');
      text += padded(strips[i], line, i + 1 == strips.size(), style);
    }
    text += '\n';
  }
  return text;
}

}  // namespace evenkeel::cli
