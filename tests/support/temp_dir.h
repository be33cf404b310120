#pragma once
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace evenkeel {

/// A folder of a test's own, gone with it.
class TempDir {
 public:
  /// In memory where there is such a file system, since what most tests write need not outlast a
  /// loss of power.
  TempDir() : TempDir(in_memory()) {}
  explicit TempDir(const std::filesystem::path& base) {
    std::string name = (base / "evenkeel-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path in_memory() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

/// One on a disk, with what disks alone can do.
class DiskDir : public TempDir {
 public:
  DiskDir() : TempDir(std::filesystem::temp_directory_path()) {}
};

}  // namespace evenkeel
