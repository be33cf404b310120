#include "tests/bench/transfer/bare_copy.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/checksum/checksum.h"

namespace evenkeel::bench {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr int kSocketBytes = 4 << 20;
constexpr std::size_t kNameMax = 255;

struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int fd;
};

int checked(long rc, const std::string& what) {
  if (rc < 0) throw std::runtime_error(what + ": " + std::strerror(errno));
  return static_cast<int>(rc);
}

/// What goes ahead of each file. The checksum follows its bytes.
struct Head {
  std::uint64_t size = 0;
  std::array<char, kNameMax + 1> name{};
};

void write_all(int fd, const void* bytes, std::size_t count) {
  const auto* at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::write(fd, at, count);
    if (done < 0 && errno == EINTR) continue;
    checked(done, "write");
    at += done;
    count -= static_cast<std::size_t>(done);
  }
}

/// False: the stream has ended, at its very beginning.
bool read_all(int fd, void* bytes, std::size_t count) {
  auto* at = static_cast<char*>(bytes);
  for (std::size_t left = count; left > 0;) {
    const ssize_t done = ::read(fd, at, left);
    if (done < 0 && errno == EINTR) continue;
    checked(done, "read");
    if (done == 0 && left == count) return false;
    if (done == 0) throw std::runtime_error("the stream ended in the middle");
    at += done;
    left -= static_cast<std::size_t>(done);
  }
  return true;
}

/// Fixed, and large: the kernel's own tuning made small files four times slower.
void set_buffers(int fd) {
  for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
    const int force = option == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
    if (::setsockopt(fd, SOL_SOCKET, force, &kSocketBytes, sizeof kSocketBytes) == 0) continue;
    checked(::setsockopt(fd, SOL_SOCKET, option, &kSocketBytes, sizeof kSocketBytes), "buffers");
  }
  const int yes = 1;
  checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "nodelay");
}

std::span<const std::uint8_t> span_of(const std::vector<char>& bytes, std::size_t count) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), count};
}

void send_files(const fs::path& from, int out) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(from)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<char> buffer(kPiece);
  ChunkHasher hasher;
  for (const fs::path& path : files) {
    const Descriptor file(checked(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.string()));
    const std::string name = path.filename().string();
    EK_CHECK(name.size() <= kNameMax);
    Head head{fs::file_size(path), {}};
    std::copy(name.begin(), name.end(), head.name.begin());
    write_all(out, &head, sizeof head);
    for (std::uint64_t left = head.size; left > 0;) {
      const std::size_t piece = std::min<std::uint64_t>(left, buffer.size());
      if (!read_all(file.fd, buffer.data(), piece)) throw std::runtime_error("a file got shorter");
      hasher.update(span_of(buffer, piece));
      write_all(out, buffer.data(), piece);
      left -= piece;
    }
    const Checksum checksum = chunk_checksum(hasher.finish());
    write_all(out, checksum.bytes().data(), checksum.bytes().size());
  }
}

void take_file(int in, const Head& head, const fs::path& to, std::vector<char>& buffer) {
  const fs::path path = to / head.name.data();
  const Descriptor file(
      checked(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640), path.string()));
  ChunkHasher hasher;
  for (std::uint64_t left = head.size; left > 0;) {
    const std::size_t piece = std::min<std::uint64_t>(left, buffer.size());
    if (!read_all(in, buffer.data(), piece)) throw std::runtime_error("the stream ended in a file");
    hasher.update(span_of(buffer, piece));
    write_all(file.fd, buffer.data(), piece);
    left -= piece;
  }
  Checksum::Array told{};
  if (!read_all(in, told.data(), told.size())) throw std::runtime_error("no checksum came");
  if (Checksum(told) != chunk_checksum(hasher.finish())) {
    throw std::runtime_error(path.string() + " came with other bytes than were sent");
  }
}

double processor_seconds(int who) {
  struct rusage used {};
  ::getrusage(who, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

BareCopy bare_copy(const fs::path& from, const fs::path& to) {
  const Descriptor listener(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  set_buffers(listener.fd);  // what it accepts has them too, from the first packet
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  checked(::bind(listener.fd, any, size), "bind");
  checked(::listen(listener.fd, 1), "listen");
  checked(::getsockname(listener.fd, any, &size), "getsockname");

  const int sender = checked(::fork(), "fork");
  if (sender == 0) {
    try {
      const Descriptor out(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
      set_buffers(out.fd);
      checked(::connect(out.fd, any, sizeof address), "connect");
      send_files(from, out.fd);
    } catch (const std::exception& fault) {
      std::fprintf(stderr, "sender: %s\n", fault.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  BareCopy result;
  {
    const Descriptor in(checked(::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC), "accept"));
    std::vector<char> buffer(kPiece);
    for (Head head; read_all(in.fd, &head, sizeof head);) {
      take_file(in.fd, head, to, buffer);
      ++result.files;
      result.bytes += head.size;
    }
  }
  int status = 0;
  checked(::waitpid(sender, &status, 0), "waitpid");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the sender failed");
  const Descriptor folder(checked(::open(to.c_str(), O_RDONLY | O_DIRECTORY), to.string()));
  checked(::syncfs(folder.fd), "syncfs");
  result.processor_s = processor_seconds(RUSAGE_SELF) + processor_seconds(RUSAGE_CHILDREN);
  return result;
}

}  // namespace evenkeel::bench
