#pragma once
#include <string_view>

namespace evenkeel::console::web {

/// A file of this folder, as it was when the program was built.
struct File {
  std::string_view path;  ///< as it is asked for
  std::string_view type;
  std::string_view content;
};

/// None: there is no such file.
const File* find(std::string_view path);

}  // namespace evenkeel::console::web
