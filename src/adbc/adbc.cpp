#include "adbc/adbc.h"

#include <arrow-adbc/adbc.h>
#include <arrow-adbc/adbc_driver_manager.h>
#include <arrow/api.h>
#include <arrow/c/bridge.h>

#include <charconv>
#include <filesystem>

#include "base/error.h"

namespace pulk::adbc {

namespace {

ErrorKind kind_of(AdbcStatusCode code) {
  switch (code) {
    case ADBC_STATUS_IO:
    case ADBC_STATUS_CANCELLED:
    case ADBC_STATUS_TIMEOUT:
      return ErrorKind::retryable;
    case ADBC_STATUS_UNAUTHENTICATED:
    case ADBC_STATUS_UNAUTHORIZED:
      return ErrorKind::refused;
    default:
      return ErrorKind::internal;
  }
}

// The error structure of one call, freed with it.
class Call {
 public:
  ~Call() {
    if (error_.release != nullptr) error_.release(&error_);
  }
  AdbcError* out() { return &error_; }
  void check(AdbcStatusCode code, const char* doing) {
    if (code == ADBC_STATUS_OK) return;
    const std::string why = error_.message != nullptr ? error_.message : AdbcStatusCodeMessage(code);
    throw Error(kind_of(code), why, doing);
  }

 private:
  AdbcError error_ = ADBC_ERROR_INIT;
};

void check(const arrow::Status& status) {
  if (status.ok()) return;
  const ErrorKind kind = status.IsIOError() || status.IsCancelled() ? ErrorKind::retryable : ErrorKind::internal;
  throw Error(kind, status.message());
}

std::optional<std::string> value_text(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  switch (array.type_id()) {
    case arrow::Type::STRING: return std::string(static_cast<const arrow::StringArray&>(array).GetView(i));
    case arrow::Type::BINARY: return std::string(static_cast<const arrow::BinaryArray&>(array).GetView(i));
    case arrow::Type::INT64: return std::to_string(static_cast<const arrow::Int64Array&>(array).Value(i));
    default: break;
  }
  auto scalar = array.GetScalar(i);
  check(scalar.status());
  return (*scalar)->ToString();
}

}  // namespace

const std::string& Rows::text(std::size_t row, std::size_t column) const {
  static const std::string none;
  const auto& value = rows_.at(row).at(column);
  return value ? *value : none;
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  const std::string& digits = text(row, column);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size())
    throw Error(ErrorKind::internal, "the driver answered \"" + digits + "\" where a number was asked for");
  return number;
}

std::vector<std::vector<std::string>> Rows::texts() const {
  std::vector<std::vector<std::string>> all(rows_.size());
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (const auto& value : rows_[r]) all[r].push_back(value.value_or(""));
  return all;
}

std::optional<std::string> installed_library(const std::string& name) {
  std::error_code why;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", why);
  const std::filesystem::path installed = self.parent_path().parent_path() / "lib" / name;
  if (why || !std::filesystem::exists(installed, why)) return std::nullopt;
  return installed.string();
}

Database::Database(const std::string& driver, const std::string& entrypoint,
                   const std::map<std::string, std::string>& options)
    : handle_(std::make_unique<AdbcDatabase>()) {
  *handle_ = {};
  Call call;
  call.check(AdbcDatabaseNew(handle_.get(), call.out()), "");
  try {
    call.check(AdbcDatabaseSetOption(handle_.get(), "driver", driver.c_str(), call.out()), "");
    if (!entrypoint.empty())
      call.check(AdbcDatabaseSetOption(handle_.get(), "entrypoint", entrypoint.c_str(), call.out()), "");
    for (const auto& [name, value] : options)
      call.check(AdbcDatabaseSetOption(handle_.get(), name.c_str(), value.c_str(), call.out()), "");
    call.check(AdbcDatabaseInit(handle_.get(), call.out()), "");
  } catch (...) {
    AdbcDatabaseRelease(handle_.get(), nullptr);
    throw;
  }
}

Database::~Database() { AdbcDatabaseRelease(handle_.get(), nullptr); }

Connection::Connection(Database& database, const std::map<std::string, std::string>& options)
    : handle_(std::make_unique<AdbcConnection>()) {
  *handle_ = {};
  Call call;
  call.check(AdbcConnectionNew(handle_.get(), call.out()), "");
  try {
    for (const auto& [name, value] : options)
      call.check(AdbcConnectionSetOption(handle_.get(), name.c_str(), value.c_str(), call.out()), "");
    call.check(AdbcConnectionInit(handle_.get(), database.handle_.get(), call.out()), "");
  } catch (...) {
    AdbcConnectionRelease(handle_.get(), nullptr);
    throw;
  }
}

Connection::~Connection() { AdbcConnectionRelease(handle_.get(), nullptr); }

// One statement, registered with its connection while it may be cancelled.
class Statement {
 public:
  Statement(Connection& connection, std::string_view sql) : connection_(connection) {
    Call call;
    call.check(AdbcStatementNew(connection.handle_.get(), &handle_, call.out()), "");
    try {
      // The interface takes a C string: what follows a NUL would be lost without a word.
      if (sql.find('\0') != std::string_view::npos)
        throw Error(ErrorKind::refused, "an SQL statement cannot contain a NUL character");
      for (const auto& [name, value] : connection.statement_options_)
        call.check(AdbcStatementSetOption(&handle_, name.c_str(), value.c_str(), call.out()), "");
      call.check(AdbcStatementSetSqlQuery(&handle_, std::string(sql).c_str(), call.out()), "");
    } catch (...) {
      AdbcStatementRelease(&handle_, nullptr);
      throw;
    }
    std::lock_guard lock(connection_.running_mutex_);
    connection_.running_ = &handle_;
  }
  ~Statement() {
    {
      std::lock_guard lock(connection_.running_mutex_);
      connection_.running_ = nullptr;
    }
    AdbcStatementRelease(&handle_, nullptr);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  std::int64_t run(ArrowArrayStream* out) {
    Call call;
    std::int64_t affected = -1;
    call.check(AdbcStatementExecuteQuery(&handle_, out, &affected, call.out()), "");
    return affected;
  }

  void describe(ArrowSchema* out) {
    Call call;
    call.check(AdbcStatementExecuteSchema(&handle_, out, call.out()), "");
  }

 private:
  Connection& connection_;
  AdbcStatement handle_ = {};
};

std::int64_t Connection::execute(std::string_view sql) { return Statement(*this, sql).run(nullptr); }

Rows Connection::query(std::string_view sql) {
  Statement statement(*this, sql);
  ArrowArrayStream stream = {};
  statement.run(&stream);
  auto imported = arrow::ImportRecordBatchReader(&stream);
  check(imported.status());
  const auto reader = *imported;
  std::vector<Rows::Row> rows;
  const std::vector<std::string> names = reader->schema()->field_names();
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    check(reader->ReadNext(&batch));
    if (batch == nullptr) return Rows(names, std::move(rows));
    for (std::int64_t r = 0; r < batch->num_rows(); ++r) {
      Rows::Row& row = rows.emplace_back();
      for (const auto& column : batch->columns()) row.push_back(value_text(*column, r));
    }
  }
}

namespace {

// A result with the statement that it comes from: to release the statement of Snowflake's driver is to cut its result
// short, without an error.
class Stream : public arrow::RecordBatchReader {
 public:
  Stream(std::unique_ptr<Statement> statement, std::shared_ptr<arrow::RecordBatchReader> rows, std::int64_t expected)
      : statement_(std::move(statement)), rows_(std::move(rows)), expected_(expected) {}
  ~Stream() override { rows_.reset(); }

  std::shared_ptr<arrow::Schema> schema() const override { return rows_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    ARROW_RETURN_NOT_OK(rows_->ReadNext(batch));
    if (*batch != nullptr) {
      seen_ += (*batch)->num_rows();
    } else if (expected_ > 0 && seen_ != expected_) {
      return arrow::Status::IOError("the result ended after ", seen_, " of ", expected_, " rows");
    }
    return arrow::Status::OK();
  }

 private:
  std::unique_ptr<Statement> statement_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
  std::int64_t expected_, seen_ = 0;  // what the driver says, -1 or 0 where it does not
};

}  // namespace

std::shared_ptr<arrow::Schema> Connection::describe(std::string_view sql) {
  Statement statement(*this, sql);
  ArrowSchema schema = {};
  statement.describe(&schema);
  auto imported = arrow::ImportSchema(&schema);
  check(imported.status());
  return *imported;
}

std::shared_ptr<arrow::RecordBatchReader> Connection::stream(std::string_view sql) {
  auto statement = std::make_unique<Statement>(*this, sql);
  ArrowArrayStream stream = {};
  const std::int64_t expected = statement->run(&stream);
  auto imported = arrow::ImportRecordBatchReader(&stream);
  check(imported.status());
  return std::make_shared<Stream>(std::move(statement), *imported, expected);
}

void Connection::cancel() noexcept {
  std::lock_guard lock(running_mutex_);
  if (running_ == nullptr) return;
  // A driver that cannot cancel says so; there is nobody here to tell.
  if (AdbcStatementCancel(running_, nullptr) != ADBC_STATUS_OK) AdbcConnectionCancel(handle_.get(), nullptr);
}

}  // namespace pulk::adbc
