// A thin RAII client of ADBC drivers (DuckDB, Snowflake), through the driver manager that is
// compiled in: it wraps result streams, which one of the drivers leaves unreleased. Driver errors become Error where
// they enter. Arrow's headers stay out of here.
//
// Threads: a Database may be shared, a Connection belongs to one thread at a time; only cancel() may be called from
// another one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct AdbcConnection;
struct AdbcDatabase;
struct AdbcStatement;

namespace arrow {
class RecordBatchReader;
class Schema;
}

namespace pulk::adbc {

// The driver's library of an installed pulk, in ../lib beside the executable; nothing when it is not there.
std::optional<std::string> installed_library(const std::string& name);

// A small result, every value as text. Numbers read from it are checked.
class Rows {
 public:
  using Row = std::vector<std::optional<std::string>>;
  Rows(std::vector<std::string> names, std::vector<Row> rows) : names_(std::move(names)), rows_(std::move(rows)) {}
  const std::vector<std::string>& names() const { return names_; }
  std::size_t size() const { return rows_.size(); }
  std::size_t width() const { return rows_.empty() ? 0 : rows_.front().size(); }
  bool empty() const { return rows_.empty(); }
  bool is_null(std::size_t row, std::size_t column) const { return !rows_.at(row).at(column).has_value(); }
  const std::string& text(std::size_t row, std::size_t column) const;  // "" for NULL
  std::int64_t integer(std::size_t row, std::size_t column) const;     // throws Error(internal) when it is none
  std::vector<std::vector<std::string>> texts() const;                 // all of it; "" for NULL

 private:
  std::vector<std::string> names_;
  std::vector<Row> rows_;
};

class Database {
 public:
  // `driver` is the path of the driver's library, loaded here and never unloaded (Go runtimes cannot be). `options`
  // are the driver's own; their values never go into an error (I4).
  Database(const std::string& driver, const std::string& entrypoint, const std::map<std::string, std::string>& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

 private:
  friend class Connection;
  std::unique_ptr<AdbcDatabase> handle_;
};

// One session in autocommit mode; transactions are plain SQL: execute("BEGIN").
class Connection {
 public:
  explicit Connection(Database& database, const std::map<std::string, std::string>& options = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Rows inserted, updated or deleted; -1 when the driver does not say.
  std::int64_t execute(std::string_view sql);
  // The whole result: for catalogs, counts and marks.
  Rows query(std::string_view sql);
  // What the result would look like; nothing is run.
  std::shared_ptr<arrow::Schema> describe(std::string_view sql);
  // The result as it arrives; must be gone before the connection is. One that ends before the driver's own number of
  // rows ends with an error.
  std::shared_ptr<arrow::RecordBatchReader> stream(std::string_view sql);
  // An option of the driver's that every following statement gets.
  void set_statement_option(const std::string& name, const std::string& value) { statement_options_[name] = value; }
  // Asks the driver to stop the running statement. Does nothing when none runs.
  void cancel() noexcept;

 private:
  std::unique_ptr<AdbcConnection> handle_;
  std::map<std::string, std::string> statement_options_;
  std::mutex running_mutex_;
  AdbcStatement* running_ = nullptr;

  friend class Statement;
};

}  // namespace pulk::adbc
