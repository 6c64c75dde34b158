#include "warehouse/duckdb/duckdb_file.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "base/environment.h"
#include "base/log.h"
#include "base/strings.h"
#include "pulk/build_config.h"
#include "warehouse/duckdb/new_duckdb_file.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The commit and the checkpoint say it without the usual name of the error.
bool out_of_memory(const std::string& said) {
  return contains(said, "Out of Memory Error") || contains(said, "failed to pin block") ||
         contains(said, "could not allocate block");
}

// DuckDB's own lock is a POSIX one: it does not see a second opening in the same process, and the first close of any
// descriptor gives it up. So this process opens a file once.
class OpenedHere {
 public:
  bool add(const std::string& key, Clock::time_point deadline, const CancelToken* cancel) {
    std::unique_lock lock(mutex_);
    while (keys_.contains(key)) {
      if (cancel != nullptr) cancel->check();
      if (Clock::now() >= deadline) return false;
      changed_.wait_for(lock, std::chrono::milliseconds(50));
    }
    keys_.insert(key);
    return true;
  }
  void remove(const std::string& key) {
    std::lock_guard lock(mutex_);
    keys_.erase(key);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> keys_;
};

OpenedHere& opened_here() {
  static OpenedHere instance;
  return instance;
}

// "process 123 (python3)" out of "... Conflicting lock is held in /usr/bin/python3 (PID 123) ...".
std::string lock_holder(const std::string& message) {
  const auto at = message.find("(PID ");
  if (at == std::string::npos) return "another process";
  std::string pid;
  for (auto i = at + 5; i < message.size() && std::isdigit(static_cast<unsigned char>(message[i])) != 0; ++i)
    pid += message[i];
  std::string name;
  std::ifstream comm("/proc/" + pid + "/comm");
  std::getline(comm, name);
  return "process " + pid + (name.empty() ? "" : " (" + name + ")");
}

std::string memory_setting(std::int64_t bytes) { return std::to_string(bytes / 1024) + "KiB"; }

}  // namespace

std::string duckdb_library() {
  if (const std::string path = environment("PULK_DUCKDB_LIBRARY"); !path.empty()) return path;
  return adbc::installed_library("libduckdb.so").value_or(PULK_DUCKDB_LIBRARY_DEFAULT);
}

Error duckdb_error(const Error& raw, const std::string& path, const std::string& subject) {
  const std::string& said = raw.message();
  const auto make = [&](ErrorKind kind, const std::string& what, const std::string& hint) {
    return Error(kind, what + said, subject, hint);
  };
  if (raw.kind() != ErrorKind::internal && raw.kind() != ErrorKind::retryable) return raw.with_subject(subject);
  if (contains(said, "INTERRUPT")) return {ErrorKind::retryable, "interrupted", subject};
  if (contains(said, "No space left on device") || contains(said, "Out of disk space")) {
    struct statvfs room{};
    const std::string folder = fs::path(path).parent_path().string();
    std::string left;
    if (::statvfs(folder.c_str(), &room) == 0)
      left = " (" + folder + ", " + format_bytes(static_cast<std::int64_t>(room.f_bavail * room.f_frsize)) + " free)";
    return make(ErrorKind::retryable, "the disk is full" + left + ": ", "make room on this disk, then run again");
  }
  if (out_of_memory(said))
    return make(ErrorKind::refused, "",
                "give more memory with --memory; a primary key or another index on the target is kept in memory whole");
  if (contains(said, "Constraint Error"))
    return make(ErrorKind::refused, "the rows break a rule of the target table: ",
                "drop the constraint in the target, or load into another table");
  if (contains(said, "Dependency Error") || contains(said, "Could not drop the table"))
    return make(ErrorKind::refused, "", "something else in the target depends on this table");
  if (contains(said, "Conversion Error") || contains(said, "Out of Range Error"))
    return make(ErrorKind::refused,
                "a value does not fit its target column: ", "map the column to a wider type, or to VARCHAR");
  if (contains(said, "Catalog Error") || contains(said, "Binder Error"))
    return make(ErrorKind::drift, "the target is not as it was planned: ", "");
  if (contains(said, "IO Error")) return make(ErrorKind::retryable, "", "");
  return raw.with_subject(subject);
}

DuckdbFile::DuckdbFile(const std::string& path, std::chrono::milliseconds wait, std::int64_t memory, bool create,
                       CancelToken* cancel)
    : path_(fs::absolute(path).lexically_normal().string()),
      // Below this DuckDB cannot hold one row group of a table of ordinary width.
      memory_(std::max<std::int64_t>(memory, 32LL << 20)) {
  const auto deadline = Clock::now() + wait;
  std::error_code why;
  const fs::path folder = fs::path(path_).parent_path();
  if (!fs::is_directory(folder, why))
    throw Error(ErrorKind::usage, "the folder of the DuckDB file does not exist", path_, "mkdir -p " + folder.string());
  if (fs::is_directory(path_, why)) throw Error(ErrorKind::usage, "is a folder, not a DuckDB file", path_);
  if (!create && !fs::exists(path_, why))
    throw Error(ErrorKind::usage, "the DuckDB file does not exist", path_, "check the path in the connections file");
  const std::string library = duckdb_library();
  if (!fs::exists(library, why))
    throw Error(ErrorKind::usage, "libduckdb.so was not found", library,
                "set PULK_DUCKDB_LIBRARY to the path of the library");

  const std::string key = (fs::canonical(folder) / fs::path(path_).filename()).string();
  const std::string key_of_file = fs::exists(path_, why) ? fs::canonical(path_).string() : key;
  if (!opened_here().add(key_of_file, deadline, cancel))
    throw Error(ErrorKind::retryable, "the DuckDB file is in use by another part of this process", path_);
  lock_key_ = key_of_file;
  try {
    std::chrono::milliseconds pause{20};
    std::int64_t limit = memory_;
    while (true) {
      try {
        if (!fs::exists(path_, why)) make_new();
        open_once(limit);
        break;
      } catch (const Error& error) {
        // A process was killed between the commit of a very wide row and its checkpoint: the log holds the row whole.
        if (out_of_memory(error.message()) && limit == memory_) {
          limit += 4 * static_cast<std::int64_t>(fs::file_size(path_ + ".wal", why));
          continue;
        }
        if (!contains(error.message(), "Could not set lock")) throw;
        if (Clock::now() + pause > deadline)
          throw Error(ErrorKind::retryable, "the DuckDB file is locked by " + lock_holder(error.message()), path_,
                      "close it there, then run again");
      }
      if (cancel != nullptr) cancel->check();
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(500));
    }
    if (limit != memory_) {
      connection_->execute("CHECKPOINT");
      set_memory(memory_);
    }
    if (cancel != nullptr)
      on_cancel_ = std::make_unique<CancelToken::Registration>(*cancel, [this] { connection_->cancel(); });
  } catch (...) {
    connection_.reset();
    database_.reset();
    opened_here().remove(lock_key_);
    throw;
  }
}

DuckdbFile::~DuckdbFile() {
  on_cancel_.reset();
  connection_.reset();
  database_.reset();
  opened_here().remove(lock_key_);
}

void DuckdbFile::make_new() {
  try {
    make_duckdb_file(path_);
  } catch (const Error& error) {
    throw opening_error(error);
  }
}

// What keeps the file from being opened, with the next step.
Error DuckdbFile::opening_error(const Error& error) const {
  const std::string& said = error.message();
  if (contains(said, "Could not set lock")) return error;
  if (contains(said, "not a valid DuckDB database file"))
    return {ErrorKind::usage, "is not a DuckDB file", path_, "check the path in the connections file"};
  if (contains(said, "version number"))
    return {ErrorKind::usage, "was written by another version of DuckDB: " + said, path_,
            "use a libduckdb.so of that version (PULK_DUCKDB_LIBRARY), or export and import the file"};
  if (contains(said, "Permission denied") || contains(said, "Read-only file system") || contains(said, "read-only"))
    return {ErrorKind::usage, "the DuckDB file cannot be opened for writing: " + said, path_,
            "check who owns the file and its folder"};
  return duckdb_error(error, path_, path_);
}

void DuckdbFile::open_once(std::int64_t memory) {
  const std::string spill = path_ + ".pulk-tmp";
  try {
    database_ = std::make_unique<adbc::Database>(
        duckdb_library(), "duckdb_adbc_init",
        std::map<std::string, std::string>{{"path", path_},
                                           {"threads", "1"},
                                           {"memory_limit", memory_setting(memory)},
                                           {"preserve_insertion_order", "false"},
                                           {"temp_directory", spill},
                                           // Each file is read once: a cache of it, and row groups gathered
                                           // before they are written, would only hold memory.
                                           {"enable_external_file_cache", "false"},
                                           {"write_buffer_row_group_count", "1"},
                                           {"allocator_flush_threshold", "16MiB"},
                                           {"autoinstall_known_extensions", "false"},
                                           {"autoload_known_extensions", "false"}});
    connection_ = std::make_unique<adbc::Connection>(*database_);
    connection_->execute("SET TimeZone = 'UTC'");
    catalog_ = connection_->query("SELECT current_database()").text(0, 0);
  } catch (const Error& error) {
    connection_.reset();
    database_.reset();
    throw opening_error(error);
  }
  // The lock is ours now: what lies here was left by a process that was killed.
  std::error_code why;
  fs::remove_all(spill, why);
}

std::vector<std::vector<std::string>> DuckdbFile::query(const std::string& sql) {
  return connection_->query(sql).texts();
}

void DuckdbFile::set_memory(std::int64_t bytes) {
  connection_->execute("SET memory_limit = '" + memory_setting(bytes) + "'");
}

WideRows::WideRows(DuckdbFile& file, std::int64_t widest_row, std::size_t columns) : file_(file) {
  const std::int64_t for_row = (64LL << 20) + 4 * widest_row;
  const std::int64_t for_columns = (32LL << 20) + (1280LL << 10) * static_cast<std::int64_t>(columns);
  const std::int64_t wanted = std::max(for_row, for_columns);
  raised_ = wanted > file.memory();
  if (raised_) file_.set_memory(wanted);
}

WideRows::~WideRows() {
  if (!raised_) return;
  try {
    file_.execute("CHECKPOINT");
    file_.set_memory(file_.memory());
  } catch (const Error& error) {
    // What was committed is in the log, and opening the file takes it from there.
    log_warning("a checkpoint of " + file_.path() + " failed: " + error.message());
  }
}

DuckdbTransaction::~DuckdbTransaction() {
  if (!open_) return;
  try {
    file_.execute("ROLLBACK");
  } catch (const Error&) {
    // Nothing can be reported from here, and DuckDB rolls back what was open when the connection closes.
  }
}

void DuckdbTransaction::commit() {
  file_.execute("COMMIT");
  open_ = false;
}

}  // namespace pulk
