// An opened DuckDB file: its lock, the loaded library, one connection with pulk's settings. Used by duckdb_session.
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "adbc/adbc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "warehouse/marks.h"

namespace pulk {

// PULK_DUCKDB_LIBRARY from the environment, else ../lib beside the executable, else the path known when pulk was built.
std::string duckdb_library();

// What DuckDB said, as an Error of the right kind with a next step.
Error duckdb_error(const Error& raw, const std::string& path, const std::string& subject);

class DuckdbFile : public SqlChannel {
 public:
  // Waits until the deadline while another process holds the file, then throws Error(retryable) that names it.
  DuckdbFile(const std::string& path, std::chrono::milliseconds wait, std::int64_t memory, bool create,
             CancelToken* cancel);
  ~DuckdbFile() override;

  // DuckDB's driver says "unknown" where no row was changed.
  std::int64_t execute(const std::string& sql) override { return std::max<std::int64_t>(0, connection_->execute(sql)); }
  std::vector<std::vector<std::string>> query(const std::string& sql) override;
  std::shared_ptr<arrow::RecordBatchReader> stream(const std::string& sql) { return connection_->stream(sql); }
  std::int64_t number(const std::string& sql) { return connection_->query(sql).integer(0, 0); }

  std::int64_t memory() const { return memory_; }
  const std::string& path() const { return path_; }
  const std::string& catalog() const { return catalog_; }  // the name DuckDB gives to this file

 private:
  friend class WideRows;
  void make_new();
  void open_once(std::int64_t memory);
  Error opening_error(const Error& error) const;
  void set_memory(std::int64_t bytes);

  std::string path_;
  std::int64_t memory_;
  std::string lock_key_;
  std::string catalog_;
  std::unique_ptr<adbc::Database> database_;
  std::unique_ptr<adbc::Connection> connection_;
  std::unique_ptr<CancelToken::Registration> on_cancel_;
};

// BEGIN ... COMMIT; rolls back when it goes without commit().
class DuckdbTransaction {
 public:
  explicit DuckdbTransaction(DuckdbFile& file) : file_(file) { file_.execute("BEGIN TRANSACTION"); }
  ~DuckdbTransaction();
  DuckdbTransaction(const DuckdbTransaction&) = delete;
  DuckdbTransaction& operator=(const DuckdbTransaction&) = delete;
  void commit();

 private:
  DuckdbFile& file_;
  bool open_ = true;
};

// While it lives, DuckDB may use more memory: reading, appending and checkpointing hold a very wide row about four
// times, and up to five blocks of 256 KiB for each column. The checkpoint is part of it: left to a later session, it
// would not have the room. Does nothing for ordinary rows of not too many columns.
class WideRows {
 public:
  WideRows(DuckdbFile& file, std::int64_t widest_row, std::size_t columns);
  ~WideRows();
  WideRows(const WideRows&) = delete;
  WideRows& operator=(const WideRows&) = delete;

 private:
  DuckdbFile& file_;
  bool raised_;
};

}  // namespace pulk
