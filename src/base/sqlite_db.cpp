#include "base/sqlite_db.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/error.h"

namespace pulk {

void tune_sqlite() {
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

SqliteDb::SqliteDb(const std::string& path, bool read_only, std::chrono::milliseconds busy_timeout) : path_(path) {
  // 0600 from the first byte: the ledger holds configuration and staged file names.
  const mode_t old_mask = ::umask(0077);
  const int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const int code = sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_FULLMUTEX, nullptr);
  ::umask(old_mask);
  if (code != SQLITE_OK) {
    const std::string why = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    sqlite3_close(handle_);
    handle_ = nullptr;
    throw Error(ErrorKind::usage, "cannot open: " + why, path);
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout.count()));
}

SqliteDb::~SqliteDb() { sqlite3_close(handle_); }

void SqliteDb::fail(int code) const {
  const std::string why = sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorKind::retryable, "locked by another process: " + why, path_);
    case SQLITE_FULL:
    case SQLITE_IOERR:
      throw Error(ErrorKind::retryable, "cannot write: " + why, path_, "make room on this disk, then run again");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      throw Error(ErrorKind::usage, "is no SQLite database or is damaged: " + why, path_);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      throw Error(ErrorKind::usage, "cannot be opened for writing: " + why, path_);
    default:
      throw Error(ErrorKind::internal, "SQLite: " + why, path_);
  }
}

void SqliteDb::execute(std::string_view sql) {
  const int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t SqliteDb::changes() const { return sqlite3_changes64(handle_); }

SqliteStatement::SqliteStatement(SqliteDb& db, std::string_view sql) : db_(db) {
  const int code =
      sqlite3_prepare_v2(db.handle(), sql.data(), static_cast<int>(sql.size()), &handle_, nullptr);
  if (code != SQLITE_OK) db.fail(code);
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(handle_); }

SqliteStatement& SqliteStatement::arg(std::string_view value) {
  sqlite3_bind_text64(handle_, next_++, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::arg(std::int64_t value) {
  sqlite3_bind_int64(handle_, next_++, value);
  return *this;
}

SqliteStatement& SqliteStatement::arg(double value) {
  sqlite3_bind_double(handle_, next_++, value);
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  db_.fail(code);
}

void SqliteStatement::run() {
  while (step()) {
  }
}

std::string SqliteStatement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (bytes == nullptr) return "";
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
double SqliteStatement::real(int column) const { return sqlite3_column_double(handle_, column); }
bool SqliteStatement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

SqliteTransaction::SqliteTransaction(SqliteDb& db) : db_(db) { db_.execute("BEGIN IMMEDIATE"); }

SqliteTransaction::~SqliteTransaction() {
  if (!open_) return;
  // Nothing can be reported from here; SQLite rolls back by itself when the connection closes.
  sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteTransaction::commit() {
  db_.execute("COMMIT");
  open_ = false;
}

}  // namespace pulk
