#include <arrow/api.h>

#include <filesystem>
#include <limits>
#include <utility>

#include "adbc/adbc.h"
#include "base/error.h"
#include "base/strings.h"
#include "catalog/dotted_name.h"
#include "exporter/column_names.h"
#include "exporter/export_source.h"
#include "warehouse/duckdb/duckdb_file.h"
#include "warehouse/sql_type.h"

namespace pulk {
namespace {

// How one column of DuckDB's leaves.
struct Column {
  std::string name;
  std::string expression;
  std::string note;  // "" when it leaves as it is
  bool json = false;
};

// What a column is called within the query around the user's, where a name may stand twice.
std::string alias(std::size_t number) { return "c" + std::to_string(number); }

Column column_of(const std::string& column, const std::string& type, const std::string& name) {
  const auto known = parse_sql_type(type);
  if (known && known->base == SqlBase::json) return {column, name, "", true};
  // Sums are HUGEINT; one of more than 38 digits ends the export.
  if (known && (known->base == SqlBase::hugeint || known->base == SqlBase::uhugeint))
    return {column, "CAST(" + name + " AS DECIMAL(38, 0))", type + " as DECIMAL(38,0)"};
  if (known) return {column, name, ""};
  const bool nested =
      type.ends_with(']') || type.starts_with("STRUCT") || type.starts_with("MAP") || type.starts_with("UNION");
  if (nested) return {column, "CAST(to_json(" + name + ") AS VARCHAR)", "a nested type as JSON", true};
  return {column, "CAST(" + name + " AS VARCHAR)", type + " as text"};
}

std::vector<Column> columns_of(adbc::Connection& connection, const std::string& query) {
  const adbc::Rows described = connection.query("DESCRIBE " + query);
  if (described.names().empty() || described.names().front() != "column_name")
    throw Error(ErrorKind::usage, "is not one query: write one SELECT", "", "one export for each");
  std::vector<Column> columns;
  for (std::size_t i = 0; i < described.size(); ++i)
    columns.push_back(column_of(described.text(i, 0), described.text(i, 1), alias(i)));
  return columns;
}

std::string query_of(const ExportEntry& entry) {
  if (!entry.query.empty()) return entry.query;
  std::vector<std::string> names;
  for (const WrittenName& name : parse_dotted_name(entry.table)) names.push_back(quote_double(name.text));
  return "SELECT * FROM " + join(names, ".");
}

Error wrong(const Error& error, const std::string& path, const std::string& table) {
  for (const char* kind : {"Catalog Error", "Binder Error", "Parser Error"})
    if (contains(error.message(), kind)) return {ErrorKind::refused, error.message(), table};
  return duckdb_error(error, path, table);
}

// DuckDB's 'infinity' of dates and moments is the last number of its carrier.
void refuse_infinity(const arrow::Array& array, const std::string& column, const std::string& table) {
  const auto look = [&]<typename Typed>(const Typed& values) {
    using Value = typename Typed::value_type;
    for (std::int64_t row = 0; row < values.length(); ++row) {
      const Value value = values.Value(row);
      if ((value == std::numeric_limits<Value>::max() || value == -std::numeric_limits<Value>::max()) &&
          !values.IsNull(row))
        throw Error(ErrorKind::refused, "infinity has no form in files", table + ", column " + column,
                    "write a query that says what it is to be");
    }
  };
  if (array.type_id() == arrow::Type::TIMESTAMP) look(static_cast<const arrow::TimestampArray&>(array));
  if (array.type_id() == arrow::Type::DATE32) look(static_cast<const arrow::Date32Array&>(array));
}

class DuckdbRows : public ExportRows {
 public:
  DuckdbRows(adbc::Database& database, const std::string& path, const std::string& query, const ExportEntry& entry,
             CancelToken* cancel)
      : connection_(database), path_(path), table_(entry.table), cancel_(cancel) {
    if (cancel_ != nullptr)
      on_cancel_ = std::make_unique<CancelToken::Registration>(*cancel_, [this] { connection_.cancel(); });
    try {
      open(query, entry);
    } catch (const Error& error) {
      throw wrong(error, path_, table_);
    }
  }
  ~DuckdbRows() override { rows_.reset(); }  // before the connection

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  std::shared_ptr<arrow::RecordBatch> next() override {
    if (cancel_ != nullptr) cancel_->check();
    auto batch = rows_->Next();
    if (cancel_ != nullptr) cancel_->check();
    if (!batch.ok()) throw wrong(Error(ErrorKind::internal, batch.status().message()), path_, table_);
    if (*batch == nullptr) return nullptr;
    for (int i = 0; i < (*batch)->num_columns(); ++i)
      refuse_infinity(*(*batch)->column(i), schema_->field(i)->name(), table_);
    return arrow::RecordBatch::Make(schema_, (*batch)->num_rows(), (*batch)->columns());
  }

 private:
  void open(const std::string& query, const ExportEntry& entry) {
    connection_.execute("SET TimeZone = 'UTC'");
    const std::vector<Column> columns = columns_of(connection_, query);
    std::vector<std::string> list, aliases;
    for (const Column& column : columns) {
      list.push_back(column.expression + " AS " + quote_double(column.name));
      aliases.push_back(alias(aliases.size()));
    }
    std::string sql = "SELECT " + join(list, ", ") + " FROM (" + query + "\n) AS q(" + join(aliases, ", ") + ")";
    std::vector<std::string> order;
    arrow::FieldVector named;
    for (const Column& column : columns) named.push_back(arrow::field(column.name, arrow::utf8()));
    for (const int column : partition_columns(entry, arrow::Schema(named)))
      order.push_back(alias(static_cast<std::size_t>(column)));
    if (!order.empty()) sql += " ORDER BY " + join(order, ", ");
    rows_ = connection_.stream(sql);
    arrow::FieldVector fields;
    for (int i = 0; i < rows_->schema()->num_fields(); ++i) {
      const auto& field = rows_->schema()->field(i);
      fields.push_back(columns.at(static_cast<std::size_t>(i)).json
                           ? arrow::field(field->name(), arrow::utf8(), true,
                                          arrow::key_value_metadata({{"logicalType", "VARIANT"}}))
                           : arrow::field(field->name(), field->type()));
    }
    schema_ = arrow::schema(std::move(fields));
  }

  adbc::Connection connection_;
  const std::string path_, table_;
  CancelToken* const cancel_;
  std::unique_ptr<CancelToken::Registration> on_cancel_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;
  std::shared_ptr<arrow::Schema> schema_;
};

class DuckdbExportSource : public ExportSource {
 public:
  DuckdbExportSource(const std::string& path, std::int64_t memory, CancelToken* cancel)
      : path_(std::filesystem::absolute(path).lexically_normal().string()), cancel_(cancel) {
    std::error_code why;
    if (!std::filesystem::is_regular_file(path_, why))
      throw Error(ErrorKind::usage, "there is no such DuckDB file", path_, "check the path in the connections file");
    try {
      database_ = std::make_unique<adbc::Database>(
          duckdb_library(), "duckdb_adbc_init",
          std::map<std::string, std::string>{{"path", path_},
                                             {"access_mode", "READ_ONLY"},
                                             {"memory_limit", std::to_string(memory / 1024) + "KiB"},
                                             {"autoinstall_known_extensions", "false"},
                                             {"autoload_known_extensions", "false"}});
    } catch (const Error& error) {
      throw duckdb_error(error, path_, path_);
    }
  }

  ExportShape describe(const ExportEntry& entry) override {
    adbc::Connection connection(*database_);
    ExportShape shape;
    try {
      for (const Column& column : columns_of(connection, query_of(entry))) {
        ++shape.columns;
        if (!column.note.empty()) shape.notes.push_back("column " + column.name + ": " + column.note);
      }
    } catch (const Error& error) {
      throw wrong(error, path_, entry.table);
    }
    return shape;
  }

  std::unique_ptr<ExportRows> open(const ExportEntry& entry, bool) override {
    return std::make_unique<DuckdbRows>(*database_, path_, query_of(entry), entry, cancel_);
  }

 private:
  const std::string path_;
  CancelToken* const cancel_;
  std::unique_ptr<adbc::Database> database_;
};

}  // namespace

std::unique_ptr<ExportSource> make_duckdb_export_source(const std::string& path, std::int64_t memory,
                                                        CancelToken* cancel) {
  return std::make_unique<DuckdbExportSource>(path, memory, cancel);
}

}  // namespace pulk
