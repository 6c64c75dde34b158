// Snowflake as a source of exports. The query runs as it is written unless a column has no exact carrier; then it is
// wrapped in a SELECT that converts those columns.
#include <arrow/api.h>

#include <mutex>
#include <utility>
#include <vector>

#include "adbc/snowflake/client.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "catalog/identifier.h"
#include "exporter/column_names.h"
#include "exporter/export_source.h"
#include "exporter/moments.h"
#include "exporter/snowflake_query.h"
#include "exporter/snowflake_session.h"

namespace pulk {
namespace {

using snowflake::Client;

// How one column is read, and what it is made of what arrives.
struct Plan {
  std::string expression;
  bool counted_nanoseconds = false;  // arrives as a whole number, see moments.h
};

Plan plan_of(const arrow::Field& field, bool exact_moments) {
  const std::string name = quote_double(field.name()), type = snowflake_type(field);
  if (type == "TIMESTAMP_TZ") return {"TO_VARCHAR(" + name + ", 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')"};
  const bool moment = type == "TIMESTAMP_NTZ" || type == "TIMESTAMP_LTZ";
  if (moment && exact_moments)
    // Cut to the second first: what EPOCH_SECOND does with a fraction before 1970 is not documented.
    return {
        "DATE_PART(EPOCH_SECOND, DATE_TRUNC(SECOND, " + name + ")) * 1000000000 + DATE_PART(NANOSECOND, " + name + ")",
        true};
  return {name};
}

void check_unique(const ExportEntry& entry, const arrow::Schema& schema) {
  for (const std::string& name : schema.field_names())
    if (schema.GetAllFieldIndices(name).size() > 1)
      throw Error(ErrorKind::refused,
                  "several columns have the name " + name + ", and one is read by another expression", entry.table,
                  "give each a name of its own with AS in the query");
}

class SnowflakeRows : public ExportRows {
 public:
  SnowflakeRows(std::unique_ptr<Client> client, const std::string& query, const ExportEntry& entry, bool exact_moments,
                CancelToken* cancel)
      : client_(std::move(client)), entry_(entry), exact_moments_(exact_moments), cancel_(cancel) {
    std::shared_ptr<arrow::Schema> described;
    send_as_written(*client_, [&] { described = client_->describe(query); });
    std::vector<std::string> list;
    bool as_it_is = true;
    arrow::FieldVector fields;
    for (const auto& field : described->fields()) {
      plans_.push_back(plan_of(*field, exact_moments));
      as_it_is = as_it_is && plans_.back().expression == quote_double(field->name());
      list.push_back(plans_.back().expression + " AS " + quote_double(field->name()));
    }
    std::vector<std::string> order;
    for (const int column : partition_columns(entry_, *described))
      order.push_back(quote_double(described->field(column)->name()));
    const bool wrapped = !as_it_is || !order.empty();
    // Around the query a name says which column is meant.
    if (wrapped) check_unique(entry_, *described);
    std::string sql = !wrapped ? query : "SELECT " + join(list, ", ") + " FROM (" + query + "\n)";
    if (!order.empty()) sql += " ORDER BY " + join(order, ", ");
    if (wrapped && order.empty() && contains(to_upper(query), "ORDER BY"))
      log_warning(entry_.table +
                  ": a column is converted by another SELECT around the query, whose ORDER BY need not last; write "
                  "TO_VARCHAR for it in the query to be sure of the order");
    send_as_written(*client_, [&] { rows_ = client_->stream(sql); });
    const auto arriving = rows_->schema();
    for (int i = 0; i < arriving->num_fields(); ++i) {
      auto field = arriving->field(i);
      if (plans_.at(static_cast<std::size_t>(i)).counted_nanoseconds)
        field = moment_field(described->field(i)->name(), snowflake_type(*described->field(i)) == "TIMESTAMP_LTZ",
                             entry_.type == FileType::parquet);
      else if (field->name() != described->field(i)->name())
        field = field->WithName(described->field(i)->name());
      fields.push_back(std::move(field));
    }
    schema_ = arrow::schema(std::move(fields));
  }
  ~SnowflakeRows() override { rows_.reset(); }  // before the session

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  std::shared_ptr<arrow::RecordBatch> next() override {
    if (cancel_ != nullptr) cancel_->check();
    auto batch = rows_->Next();
    // A driver that was told to stop may just end the rows.
    if (cancel_ != nullptr) cancel_->check();
    if (!batch.ok()) {
      if (!exact_moments_ && contains(batch.status().message(), "overflow")) throw MomentDoesNotFit();
      throw Error(ErrorKind::retryable, "reading from Snowflake stopped: " + batch.status().message(), entry_.table);
    }
    if (*batch == nullptr) return nullptr;
    arrow::ArrayVector columns;
    for (int i = 0; i < (*batch)->num_columns(); ++i) {
      auto column = (*batch)->column(i);
      if (plans_[static_cast<std::size_t>(i)].counted_nanoseconds)
        column = moments_of(*column, *schema_->field(i), entry_.type == FileType::json ? 'T' : ' ', entry_.table);
      columns.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(schema_, (*batch)->num_rows(), std::move(columns));
  }

 private:
  const std::unique_ptr<Client> client_;
  const ExportEntry entry_;
  const bool exact_moments_;
  CancelToken* const cancel_;
  std::vector<Plan> plans_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
  std::shared_ptr<arrow::Schema> schema_;
};

class SnowflakeExportSource : public ExportSource {
 public:
  SnowflakeExportSource(const SnowflakeConnection& connection, CancelToken* cancel)
      : connection_(connection), cancel_(cancel), first_(open_export_session(connection, {}, cancel)) {}

  ExportShape describe(const ExportEntry& entry) override {
    const auto client = session(entry);
    std::shared_ptr<arrow::Schema> columns;
    send_as_written(*client, [&] { columns = client->describe(query_of(entry)); });
    check_column_names(entry, *columns);
    partition_columns(entry, *columns);
    ExportShape shape;
    shape.columns = columns->num_fields();
    for (const auto& field : columns->fields())
      if (snowflake_type(*field) == "TIMESTAMP_TZ")
        shape.notes.push_back("column " + field->name() + ": TIMESTAMP_TZ as text with its offset");
    return shape;
  }

  std::unique_ptr<ExportRows> open(const ExportEntry& entry, bool exact_moments) override {
    return std::make_unique<SnowflakeRows>(session(entry), query_of(entry), entry, exact_moments, cancel_);
  }

 private:
  std::unique_ptr<Client> session(const ExportEntry& entry) {
    {
      const std::lock_guard lock(mutex_);
      if (first_ != nullptr) {
        first_->tag(export_tag(entry));
        return std::move(first_);
      }
    }
    return open_export_session(connection_, entry, cancel_);
  }

  const SnowflakeConnection& connection_;
  CancelToken* const cancel_;
  std::mutex mutex_;
  // Logged in by the constructor: a password that is wrong is tried once and not by every export, because the account
  // locks a user after a few attempts.
  std::unique_ptr<Client> first_;
};

}  // namespace

std::unique_ptr<ExportSource> make_snowflake_export_source(const SnowflakeConnection& connection, CancelToken* cancel) {
  return std::make_unique<SnowflakeExportSource>(connection, cancel);
}

}  // namespace pulk
