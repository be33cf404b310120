# Writes the files of the page into a C++ source: cmake -DOUT=... -DFOLDER=... -P embed.cmake
set(pages / index.html text/html  /style.css style.css text/css  /charts.js charts.js text/javascript
    /app.js app.js text/javascript  /icon.svg icon.svg image/svg+xml)
set(arrays "")
set(table "")
set(count 0)
while(pages)
  list(POP_FRONT pages path file type)
  file(READ "${FOLDER}/${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
  string(APPEND arrays "constexpr std::array<char, ${bytes}> kContent${count}{${hex}};\n")
  string(APPEND table "    File{\"${path}\", \"${type}\", {kContent${count}.data(), kContent${count}.size()}},\n")
  math(EXPR count "${count} + 1")
endwhile()
file(WRITE "${OUT}" "// Made of services/console/web by its embed.cmake.
#include \"services/console/web/files.h\"

#include <algorithm>
#include <array>

namespace evenkeel::console::web {
namespace {

${arrays}
constexpr std::array<File, ${count}> kFiles{
${table}};

}  // namespace

const File* find(std::string_view path) {
  const auto found = std::find_if(kFiles.begin(), kFiles.end(),
                                  [&](const File& file) { return file.path == path; });
  return found == kFiles.end() ? nullptr : found;
}

}  // namespace evenkeel::console::web
")
