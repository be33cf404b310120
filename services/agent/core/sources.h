#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "common/model/command.h"

namespace evenkeel::agent {

/// The sources of one copy, in the order to try. One that fails is blamed and not asked again; one
/// that is merely busy is asked again in the next round.
class Sources {
 public:
  explicit Sources(std::vector<Source> sources)
      : sources_(std::move(sources)), out_(sources_.size(), false) {}

  /// Nothing: this round is over.
  const Source* current() const;
  /// The current source could not serve: on to the next.
  void blame(Fault fault);
  /// The current source has no room now: on to the next.
  void skip_busy();
  /// Begins anew with those that were only busy. False: there are none, the copy has failed.
  bool next_round();

  /// These replace what there was. One that was blamed stays so; the current one stays the current
  /// one, even if it is no longer named, when a transfer from it is `in_use`.
  void renew(std::vector<Source> fresh, bool in_use);

  const std::vector<Blame>& blamed() const { return blamed_; }

 private:
  static constexpr std::size_t kBlamedMax = 16;  // as many as a result has room for
  void advance();
  std::vector<Source> sources_;
  std::vector<bool> out_;
  std::size_t at_ = 0;
  std::vector<Blame> blamed_;
};

}  // namespace evenkeel::agent
