#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "common/base/result.h"
#include "common/checksum/checksum.h"
#include "common/reactor/tcp.h"

/// Files of the machine that the CLI runs on. All of it blocks; what reads and writes bytes is for
/// the thread pool. Errors name the file.
namespace evenkeel::cli {

/// A file to be put; the descriptor is closed with the last share of it.
struct InputFile {
  std::shared_ptr<const int> fd;
  std::uint64_t size = 0;
};
Result<InputFile> open_input(const std::filesystem::path& path);
/// All that comes from `fd` (a pipe has no size, and a put must begin with one), in a file of its
/// own that is gone when it is closed.
Result<InputFile> spool(int fd);

/// A part of a file, and what it adds up to.
struct FilePart {
  std::shared_ptr<const Buffer> bytes;
  Manifest manifest;
};
/// Exactly `size` bytes; kConflict if they are not there any more: the file was changed.
Result<FilePart> read_part(const InputFile& file, std::uint64_t offset, std::uint64_t size);

/// Written aside and renamed when it is whole; removed if it never is.
class OutputFile {
 public:
  static Result<std::unique_ptr<OutputFile>> create(const std::filesystem::path& path);
  /// Writes to a descriptor that is there, such as stdout, and never closes it.
  static std::unique_ptr<OutputFile> of_descriptor(int fd);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Result<void> append(std::span<const std::uint8_t> bytes);
  /// Makes it durable, and gives it its name.
  Result<void> commit();

 private:
  OutputFile() = default;
  std::filesystem::path path_;
  std::string aside_;
  int fd_ = -1;
};

}  // namespace evenkeel::cli
