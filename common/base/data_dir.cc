#include "common/base/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace evenkeel {
namespace {

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

}  // namespace

Result<DataDir> DataDir::hold(const std::filesystem::path& path, const std::string& who) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(ErrorCode::kDenied, "data_dir " + path.string() + ": " + error.message());
  const std::filesystem::path file = path / "lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return fail(ErrorCode::kDenied, file.string() + ": " + reason_of(errno));
  DataDir held(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return held;
  if (errno != EWOULDBLOCK) {
    return fail(ErrorCode::kDenied, file.string() + ": " + reason_of(errno));
  }
  return fail(ErrorCode::kBusy, "data_dir " + path.string() + " is in use by another " + who);
}

DataDir::DataDir(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace evenkeel
