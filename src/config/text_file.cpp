#include "config/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace pulk {
namespace {

// Ten thousand tables take a few megabytes; more is the wrong file, or a device without an end.
constexpr std::size_t kMaxBytes = 64 << 20;

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& path, const std::string& hint = "") {
  throw Error(ErrorKind::usage, std::string("cannot read the file: ") + std::strerror(errno), path, hint);
}

}  // namespace

std::string read_text_file(const std::string& path, const std::string& missing_hint) {
  const Descriptor file(path);
  if (file.get() < 0) fail(path, errno == ENOENT ? missing_hint : "");
  std::string text;
  char block[16 * 1024];
  for (;;) {
    const ssize_t bytes = ::read(file.get(), block, sizeof block);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) fail(path);
    if (bytes == 0) return text;
    text.append(block, static_cast<std::size_t>(bytes));
    if (text.size() > kMaxBytes) throw Error(ErrorKind::usage, "the file is larger than 64 MiB", path);
  }
}

}  // namespace pulk
