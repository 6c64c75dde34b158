#include "source/odbc/sqlite_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace pulk::odbc {
namespace {

// POSIX drops all locks of a process on a file when the process closes any descriptor of it, SQLite's included
// (sqlite.org/howtocorrupt.html, 2.2). So a descriptor of a database, once opened, stays open.
int descriptor_of(const std::string& path, const struct stat& status) {
  static std::mutex mutex;
  static std::map<std::pair<dev_t, ino_t>, int> open_files;
  const std::lock_guard lock(mutex);
  const auto key = std::pair(status.st_dev, status.st_ino);
  if (const auto known = open_files.find(key); known != open_files.end()) return known->second;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  struct stat opened {};
  if (::fstat(descriptor, &opened) != 0) return -1;
  // Another file may have taken the name since: its descriptor must not be closed either.
  const bool same = opened.st_dev == status.st_dev && opened.st_ino == status.st_ino;
  open_files.emplace(std::pair(opened.st_dev, opened.st_ino), descriptor);
  return same ? descriptor : -1;
}

// sqlite.org/fileformat2.html: big-endian numbers in the header.
std::uint32_t big_endian(const unsigned char* bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24U | static_cast<std::uint32_t>(bytes[1]) << 16U |
         static_cast<std::uint32_t>(bytes[2]) << 8U | bytes[3];
}

}  // namespace

std::optional<SqliteFileState> read_file_state(const std::string& path) {
  struct stat status {};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return std::nullopt;
  const int descriptor = descriptor_of(path, status);
  unsigned char header[100];
  if (descriptor < 0 || ::pread(descriptor, header, sizeof header, 0) != sizeof header) return std::nullopt;
  if (::fstat(descriptor, &status) != 0) return std::nullopt;
  SqliteFileState state;
  state.device = status.st_dev;
  state.inode = status.st_ino;
  state.size = status.st_size;
  state.modified_ns = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
  // 24: the file change counter, which every transaction that writes in rollback-journal mode increments.
  state.change_counter = big_endian(header + 24);
  state.schema_cookie = big_endian(header + 40);
  return state;
}

}  // namespace pulk::odbc
