// A source of migrations as a source of exports: each export is one partition, the whole table or query.
#include <arrow/api.h>
#include <arrow/extension_type.h>

#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "catalog/arrow_schema.h"
#include "catalog/dotted_name.h"
#include "engine/counting_pool.h"
#include "exporter/export_source.h"
#include "warehouse/choose_type.h"

namespace pulk {
namespace {

TableRequest request_of(const ExportEntry& entry) {
  TableRequest request;
  request.query = entry.query;
  if (!entry.query.empty()) return request;
  const std::vector<WrittenName> names = parse_dotted_name(entry.table);
  request.table = names.back();
  if (names.size() > 1) request.schema = names[names.size() - 2];
  if (names.size() > 2) request.database = names[0];
  return request;
}

// Throws Error(refused) with all columns that have no exact carrier.
TablePlan plan_of(const ExportEntry& entry, const TableInfo& info) {
  TablePlan plan;
  plan.label = entry.table;
  plan.source = info.object;
  plan.schema_fingerprint = info.fingerprint;
  Problems refused;
  for (const SourceColumn& column : info.columns) {
    if (!column.logical) {
      refused.add("column " + column.name + " (" + column.native_type + ")",
                  column.refusal.empty() ? "pulk has no rule for this type" : column.refusal,
                  "convert it to text in a query");
      continue;
    }
    ColumnPlan planned;
    planned.source_name = planned.target_name = column.name;
    planned.source_type = column.native_type;
    planned.nullable = column.nullable;
    planned.logical = *column.logical;
    planned.carrier = choose_sql_type(*column.logical, "", "", "").carrier;
    if (planned.carrier.kind == CarrierKind::uuid && entry.type != FileType::parquet)
      planned.carrier = {.kind = CarrierKind::utf8};
    plan.columns.push_back(std::move(planned));
  }
  refused.throw_if_any(ErrorKind::refused);
  PartitionPlan whole;
  whole.ordinal = 1;
  whole.id = "export";
  whole.display = "whole";
  plan.partitions.push_back(std::move(whole));
  return plan;
}

// Text encoders know JSON by the name that Snowflake gives it.
std::shared_ptr<arrow::Field> as_text(const std::shared_ptr<arrow::Field>& field) {
  if (field->type()->id() != arrow::Type::EXTENSION) return field;
  const auto& type = static_cast<const arrow::ExtensionType&>(*field->type());
  return arrow::field(field->name(), type.storage_type(), field->nullable(),
                      arrow::key_value_metadata({{"logicalType", "VARIANT"}}));
}

class DatabaseRows : public ExportRows {
 public:
  DatabaseRows(std::shared_ptr<Snapshot> snapshot, const ExportEntry& entry, const TableInfo& info)
      : snapshot_(std::move(snapshot)), plan_(plan_of(entry, info)), text_(entry.type != FileType::parquet) {
    schema_ = arrow_schema(plan_.columns);
    if (text_) {
      arrow::FieldVector fields;
      for (const auto& field : schema_->fields()) fields.push_back(as_text(field));
      schema_ = arrow::schema(std::move(fields));
    }
    lane_ = snapshot_->open_lane();
    ReadLimits limits;
    limits.pool = counting_pool();
    rows_ = lane_->read(plan_, plan_.partitions.front(), limits);
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  std::shared_ptr<arrow::RecordBatch> next() override {
    auto batch = rows_->next();
    if (batch == nullptr || !text_) return batch;
    arrow::ArrayVector columns;
    for (const auto& column : batch->columns())
      columns.push_back(column->type_id() == arrow::Type::EXTENSION
                            ? static_cast<const arrow::ExtensionArray&>(*column).storage()
                            : column);
    return arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns));
  }

 private:
  const std::shared_ptr<Snapshot> snapshot_;
  const TablePlan plan_;
  const bool text_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<SourceLane> lane_;
  std::unique_ptr<BatchReader> rows_;  // of the lane
};

class DatabaseExportSource : public ExportSource {
 public:
  DatabaseExportSource(std::unique_ptr<Source> source, const std::vector<ExportEntry>& exports, int lanes)
      : source_(std::move(source)), lanes_(lanes) {
    for (const ExportEntry& entry : exports) wanted_.push_back({entry.where, request_of(entry), std::nullopt});
  }

  ExportShape describe(const ExportEntry& entry) override {
    const TablePlan plan = plan_of(entry, snapshot_for(entry)->describe(request_of(entry)));
    ExportShape shape;
    shape.columns = static_cast<int>(plan.columns.size());
    for (const ColumnPlan& column : plan.columns)
      if (column.carrier.kind == CarrierKind::utf8 && column.logical.kind != TypeKind::text)
        shape.notes.push_back("column " + column.source_name + ": " + column.source_type + " as text");
    return shape;
  }

  std::unique_ptr<ExportRows> open(const ExportEntry& entry, bool) override {
    if (!entry.partition_by.empty() && entry.query.empty())
      throw Error(ErrorKind::usage, "partition_by: the rows of a table come in no order", entry.table,
                  "write a query that ends with ORDER BY these columns");
    const std::shared_ptr<Snapshot> snapshot = snapshot_for(entry);
    const TableInfo info = snapshot->describe(request_of(entry));
    return std::make_unique<DatabaseRows>(snapshot, entry, info);
  }

 private:
  struct Wanted {
    std::string where;  // of the export
    TableRequest request;
    std::optional<Error> error;  // why it has no part in the snapshot
  };

  std::shared_ptr<Snapshot> snapshot_for(const ExportEntry& entry) {
    const std::lock_guard lock(mutex_);
    if (snapshot_ == nullptr || !snapshot_->alive()) take();
    for (const Wanted& wanted : wanted_)
      if (wanted.where == entry.where && wanted.error) throw Error(*wanted.error);
    return snapshot_;
  }

  void take() {
    if (snapshot_ != nullptr)
      log_warning("the moment that was read so far is lost: what is still to come is of a later one");
    snapshot_.reset();  // its connection may be the last one there is
    try {
      snapshot_ = source_->snapshot(requests(), lanes_);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::retryable || error.kind() == ErrorKind::internal) throw;
      leave_out_what_fails();
      snapshot_ = source_->snapshot(requests(), lanes_);
    }
  }

  std::vector<TableRequest> requests() const {
    std::vector<TableRequest> all;
    for (const Wanted& wanted : wanted_)
      if (!wanted.error) all.push_back(wanted.request);
    return all;
  }

  // One table that is not there must not stop the exports of the others.
  void leave_out_what_fails() {
    for (Wanted& wanted : wanted_) {
      try {
        source_->snapshot({wanted.request}, 1);
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::retryable || error.kind() == ErrorKind::internal) throw;
        wanted.error = error;
      }
    }
  }

  const std::unique_ptr<Source> source_;
  const int lanes_;
  std::mutex mutex_;
  std::vector<Wanted> wanted_;
  std::shared_ptr<Snapshot> snapshot_;
};

}  // namespace

std::unique_ptr<ExportSource> make_database_export_source(std::unique_ptr<Source> source,
                                                          const std::vector<ExportEntry>& exports, int lanes) {
  return std::make_unique<DatabaseExportSource>(std::move(source), exports, lanes);
}

}  // namespace pulk
