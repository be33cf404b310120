#include "tools/cli/local_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace evenkeel::cli {
namespace {

tl::unexpected<Error> failed(const std::string& name) {
  const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kDenied;
  return fail(code, name + ": " + std::strerror(errno));
}

std::shared_ptr<const int> owned(int fd) {
  return {new int(fd), [](const int* held) {
            close(*held);
            delete held;
          }};
}

Result<void> write_all(int fd, std::span<const std::uint8_t> bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(name);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

std::string temporary_name() {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder != nullptr && *folder != '\0' ? folder : "/var/tmp") +
         "/evenkeel.XXXXXX";
}

}  // namespace

Result<InputFile> open_input(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(path);
  InputFile file{owned(fd)};
  struct stat info {};
  if (fstat(fd, &info) != 0) return failed(path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kDenied, path.string() + ": not a file");
  file.size = static_cast<std::uint64_t>(info.st_size);
  return file;
}

Result<InputFile> spool(int from) {
  std::string name = temporary_name();
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return failed(name);
  InputFile file{owned(fd)};
  unlink(name.c_str());
  Buffer buffer(std::size_t{1} << 20);
  for (;;) {
    const ssize_t count = read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("standard input");
    if (count == 0) return file;
    const auto got = std::span(buffer).first(static_cast<std::size_t>(count));
    if (auto written = write_all(fd, got, name); !written) return tl::unexpected(written.error());
    file.size += got.size();
  }
}

Result<FilePart> read_part(const InputFile& file, std::uint64_t offset, std::uint64_t size) {
  auto bytes = std::make_shared<Buffer>(size);
  ChunkHasher hasher;
  for (std::uint64_t done = 0; done < size;) {
    const std::size_t wanted = std::min<std::uint64_t>(size - done, std::uint64_t{1} << 20);
    const ssize_t count =
        pread(*file.fd, bytes->data() + done, wanted, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read");
    if (count == 0) return fail(ErrorCode::kConflict, "it became shorter while it was read");
    hasher.update(std::span(*bytes).subspan(done, static_cast<std::size_t>(count)));
    done += static_cast<std::uint64_t>(count);
  }
  return FilePart{std::move(bytes), hasher.finish()};
}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::filesystem::path& path) {
  auto file = std::unique_ptr<OutputFile>(new OutputFile);
  file->path_ = path;
  std::string aside = path.string() + ".XXXXXX";
  file->fd_ = mkostemp(aside.data(), O_CLOEXEC);
  if (file->fd_ < 0) return failed(aside);
  file->aside_ = std::move(aside);
  return file;
}

std::unique_ptr<OutputFile> OutputFile::of_descriptor(int fd) {
  auto file = std::unique_ptr<OutputFile>(new OutputFile);
  file->fd_ = fd;
  return file;
}

OutputFile::~OutputFile() {
  if (path_.empty()) return;
  if (fd_ >= 0) close(fd_);
  if (!aside_.empty()) unlink(aside_.c_str());
}

Result<void> OutputFile::append(std::span<const std::uint8_t> bytes) {
  return write_all(fd_, bytes, path_.empty() ? "standard output" : path_.string());
}

Result<void> OutputFile::commit() {
  if (path_.empty()) return {};
  const mode_t mask = umask(0);  // what open() would have given; mkostemp() gives 0600
  umask(mask);
  if (fchmod(fd_, 0666 & ~mask) != 0 || fsync(fd_) != 0) return failed(aside_);
  if (rename(aside_.c_str(), path_.c_str()) != 0) return failed(path_);
  aside_.clear();
  return {};
}

}  // namespace evenkeel::cli
