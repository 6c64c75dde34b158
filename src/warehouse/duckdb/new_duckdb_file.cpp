#include "warehouse/duckdb/new_duckdb_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "adbc/adbc.h"
#include "base/error.h"
#include "base/strings.h"
#include "stage/local/local_file.h"
#include "warehouse/duckdb/duckdb_file.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;

constexpr const char* kNewSuffix = ".pulk-new-";
constexpr int kTries = 20;

// DuckDB holds a POSIX lock on a file that it has open: one without was left by a process that was killed.
bool is_open_elsewhere(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return errno != ENOENT;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool locked = ::fcntl(file, F_SETLK, &lock) != 0;
  ::close(file);
  return locked;
}

void sweep(const fs::path& path) {
  const std::string prefix = path.filename().string() + kNewSuffix;
  std::error_code why;
  for (fs::directory_iterator entry(path.parent_path(), why), end; !why && entry != end; entry.increment(why)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(prefix) && !is_open_elsewhere(entry->path().string())) fs::remove(entry->path(), why);
  }
}

void write_empty(const std::string& path) {
  adbc::Database database(duckdb_library(), "duckdb_adbc_init", {{"path", path}, {"threads", "1"}});
  adbc::Connection(database).execute("CHECKPOINT");
}

}  // namespace

void make_duckdb_file(const std::string& path) {
  sweep(path);
  for (int attempt = 0;; ++attempt) {
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    const std::string made =
        path + kNewSuffix + xxh128_hex(std::to_string(::getpid()) + ":" + std::to_string(now)).substr(0, 12);
    write_empty(made);
    int failed = ::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
    // File systems that cannot tell, as NFS: two runs that make the same file at once would not see each other there.
    if (failed == EINVAL || failed == ENOSYS)
      failed = fs::exists(path) ? EEXIST : ::rename(made.c_str(), path.c_str()) == 0 ? 0 : errno;
    if (failed == EEXIST) {
      ::unlink(made.c_str());
      failed = 0;
    }
    if (failed == 0) break;
    // Between DuckDB's closing and the rename, another process may have taken it for left behind.
    if (failed != ENOENT || attempt >= kTries) throw_file_error(failed, "create", path);
  }
  sync_folder(fs::path(path).parent_path().string());
}

}  // namespace pulk
