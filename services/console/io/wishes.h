#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace evenkeel::console {

/// What an operator asks for with a click, as words for the command line tool.
struct Wish {
  std::vector<std::string> words;
  bool changes = false;  ///< something, as opposed to only telling
  bool is_long = false;  ///< a simulation: takes processor time, so one at a time
};

/// `name`: the last part of the path; `body`: a JSON object. kNotFound for a name that there is
/// not, kMalformed for anything in the body that is not as it should be.
Result<Wish> wish_of(const std::string& name, const std::string& body);

}  // namespace evenkeel::console
