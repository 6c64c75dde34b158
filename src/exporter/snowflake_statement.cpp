#include "exporter/snowflake_statement.h"

#include <arrow/api.h>

#include <utility>

#include "base/error.h"
#include "exporter/snowflake_session.h"

namespace pulk {
namespace {

class StatementRows : public ExportRows {
 public:
  StatementRows(std::unique_ptr<snowflake::Client> client, const std::string& sql, CancelToken* cancel)
      : client_(std::move(client)), cancel_(cancel) {
    client_->execute("ALTER SESSION SET AUTOCOMMIT = TRUE");
    send_as_written(*client_, [&] { rows_ = client_->stream(sql); });
  }
  ~StatementRows() override { rows_.reset(); }  // before the session

  std::shared_ptr<arrow::Schema> schema() const override { return rows_->schema(); }

  std::shared_ptr<arrow::RecordBatch> next() override {
    auto batch = rows_->Next();
    if (cancel_ != nullptr) cancel_->check();
    if (!batch.ok()) throw Error(ErrorKind::retryable, "reading from Snowflake stopped: " + batch.status().message());
    return *batch;
  }

 private:
  const std::unique_ptr<snowflake::Client> client_;
  CancelToken* const cancel_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
};

}  // namespace

std::unique_ptr<ExportRows> run_statement(const SnowflakeConnection& connection, const std::string& sql,
                                          CancelToken* cancel) {
  return std::make_unique<StatementRows>(
      open_session(connection, R"({"application":"pulk","command":"query"})", cancel), sql, cancel);
}

}  // namespace pulk
