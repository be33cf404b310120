#pragma once
#include <string>

#include "common/base/result.h"
#include "common/model/control.h"
#include "tools/cli/picture.h"
#include "tools/cli/session.h"

namespace evenkeel::cli {

/// A picture, and what the rebalancer itself said.
struct Screen {
  Picture picture;
  Result<Pong> rebalancer = fail(ErrorCode::kBusy, "");
};

/// What is wrong first, then how much there is and how evenly it lies. For people.
std::string text_of(const Screen& screen, const Options& options, const Style& style);
/// The same for programs.
Fields fields_of(const Screen& screen);
/// As badly as the worst chunk.
Exit exit_of(const Picture& picture);

}  // namespace evenkeel::cli
