// A thin RAII client of SQLite, for the ledger and for the marks of the `files` target. SQLite's results become Error:
// busy -> retryable, full disk -> retryable, damaged or not a database -> usage, all else internal.
// One SqliteDb belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace pulk {

class SqliteDb;

// Settings of the library for the whole process, before its first use: connections are used by one thread at a time, so
// that SQLite's own locking and its memory statistics are only cost (a quarter of the time of an ODBC read).
void tune_sqlite();

// A prepared statement. Bind in order with arg(), then step rows. Text columns are copied.
class SqliteStatement {
 public:
  SqliteStatement(SqliteDb& db, std::string_view sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  SqliteStatement& arg(std::string_view value);
  SqliteStatement& arg(std::int64_t value);
  SqliteStatement& arg(double value);

  bool step();   // true: a row is there
  void run();    // to the end, rows ignored
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;

 private:
  SqliteDb& db_;
  sqlite3_stmt* handle_ = nullptr;
  int next_ = 1;
};

class SqliteDb {
 public:
  // The file is created (0600) unless read_only.
  SqliteDb(const std::string& path, bool read_only, std::chrono::milliseconds busy_timeout);
  ~SqliteDb();
  SqliteDb(const SqliteDb&) = delete;
  SqliteDb& operator=(const SqliteDb&) = delete;

  void execute(std::string_view sql);  // one or more statements without arguments
  std::int64_t changes() const;        // rows of the last INSERT, UPDATE or DELETE
  sqlite3* handle() { return handle_; }
  const std::string& path() const { return path_; }
  [[noreturn]] void fail(int code) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

// BEGIN IMMEDIATE ... COMMIT; rolls back when it goes without commit().
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDb& db);
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  void commit();

 private:
  SqliteDb& db_;
  bool open_ = true;
};

}  // namespace pulk
