// Tables of Snowflake read back, for validation: one SELECT, which sees one moment.
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "adbc/snowflake/error.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/strings.h"
#include "warehouse/snowflake/snowflake_names.h"
#include "warehouse/snowflake/snowflake_session.h"
#include "warehouse/snowflake/snowflake_type.h"

namespace pulk {
namespace {

class SnowflakeReader : public TargetReader {
 public:
  SnowflakeReader(std::shared_ptr<arrow::RecordBatchReader> rows, std::string subject, CancelToken* cancel)
      : subject_(std::move(subject)), rows_(std::move(rows)), cancel_(cancel) {}

  std::shared_ptr<arrow::RecordBatch> next() override {
    if (cancel_ != nullptr) cancel_->check();
    auto batch = rows_->Next();
    // A driver that was told to stop may just end the rows.
    if (cancel_ != nullptr) cancel_->check();
    if (batch.ok()) return *batch;
    throw Error(ErrorKind::retryable, "reading from Snowflake stopped: " + batch.status().message(), subject_);
  }
  bool wide() const override { return false; }

 private:
  const std::string subject_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
  CancelToken* cancel_;
};

}  // namespace

std::unique_ptr<TargetReader> SnowflakeSession::read(const QualifiedName& table,
                                                     const std::vector<DeployedColumn>& columns, arrow::MemoryPool*) {
  std::unique_ptr<TargetReader> reader;
  guarded(table.display(), [&] {
    std::vector<std::string> list;
    for (const DeployedColumn& column : columns) {
      const auto type = snowflake::parse_type(column.type);
      if (!type) throw Error(ErrorKind::internal, "a column of the type " + column.type + " cannot be read");
      list.push_back(snowflake::read_expression(*type, column.name) + " AS C" + std::to_string(list.size()));
    }
    reader = std::make_unique<SnowflakeReader>(
        client_->stream("SELECT " + join(list, ", ") + " FROM " + snowflake::full_name(table)), table.display(), cancel_);
  });
  return reader;
}

}  // namespace pulk
