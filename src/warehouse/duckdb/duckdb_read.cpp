#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "base/strings.h"
#include "warehouse/duckdb/duckdb_catalog.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/sql_type.h"

namespace pulk {

namespace {

class DuckdbReader : public TargetReader {
 public:
  DuckdbReader(DuckdbFile& file, std::string subject, std::int64_t widest_row, std::size_t columns,
               const std::string& sql, CancelToken* cancel)
      : file_(file), subject_(std::move(subject)), wide_(widest_row > 0), room_(file, widest_row, columns),
        rows_(file.stream(sql)), cancel_(cancel) {}

  std::shared_ptr<arrow::RecordBatch> next() override {
    if (cancel_ != nullptr) cancel_->check();
    auto batch = rows_->Next();
    if (!batch.ok())
      throw duckdb_error(Error(ErrorKind::internal, batch.status().message()), file_.path(), subject_);
    return *batch;
  }
  bool wide() const override { return wide_; }

 private:
  DuckdbFile& file_;
  const std::string subject_;
  const bool wide_;  // only the width of tables with wide rows is remembered
  const WideRows room_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
  CancelToken* cancel_;
};

// What Arrow has no type for leaves as text.
std::string expression(const DeployedColumn& column) {
  const auto type = parse_sql_type(column.type);
  const bool as_text = !type || type->base == SqlBase::uhugeint;
  return as_text ? "CAST(" + quote_double(column.name) + " AS VARCHAR)" : quote_double(column.name);
}

}  // namespace

std::unique_ptr<TargetReader> DuckdbSession::read(const QualifiedName& table,
                                                  const std::vector<DeployedColumn>& columns, arrow::MemoryPool*) {
  std::unique_ptr<TargetReader> reader;
  guarded(table.display(), false, [&] {
    std::vector<std::string> list;
    for (const DeployedColumn& column : columns)
      list.push_back(expression(column) + " AS c" + std::to_string(list.size()));
    const std::int64_t widest = has_own_tables() ? duckdb::widest_row(file_, table) : 0;
    reader = std::make_unique<DuckdbReader>(
        file_, table.display(), widest, columns.size(),
        "SELECT " + join(list, ", ") + " FROM " + duckdb::full_name(file_, table.schema, table.table), cancel_);
  });
  return reader;
}

}  // namespace pulk
