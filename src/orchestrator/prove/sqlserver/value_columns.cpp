#include "orchestrator/prove/sqlserver/value_columns.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/identifier.h"
#include "engine/planner.h"
#include "exporter/cell_text.h"
#include "source/odbc/sqlserver_source.h"
#include "warehouse/files/files_warehouse.h"

namespace pulk::prove {
namespace {

// A holder, and a lane.
constexpr int kConnections = 2;
constexpr std::size_t kShown = 60;

using Rows = std::map<std::int64_t, std::vector<std::string>>;

std::string with_dashes(const std::string& digits) {
  std::string text = digits;
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, "-");
  return text;
}

std::vector<std::string> texts_of(const arrow::Field& field, const std::shared_ptr<arrow::Array>& array) {
  std::shared_ptr<arrow::Array> plain = array;
  const bool uuid = array->type_id() == arrow::Type::EXTENSION;
  if (uuid) plain = static_cast<const arrow::ExtensionArray&>(*array).storage();
  const auto cells = cell_text(*field.WithType(plain->type()), plain, ' ');
  std::vector<std::string> texts(static_cast<std::size_t>(array->length()), "NULL");
  for (std::int64_t row = 0; row < array->length(); ++row) {
    if (cells->null(row)) continue;
    std::string& text = texts[static_cast<std::size_t>(row)];
    text.clear();
    cells->append(row, text);
    if (uuid) text = with_dashes(text);
  }
  return texts;
}

// By the first column, which is a number.
Rows rows_of(SqlServerBench& bench, const std::string& table) {
  const auto source = make_sqlserver_source(bench.connection(), kConnections, bench.cancel());
  TableRequest request;
  request.schema = {bench.schema(), true};
  request.table = {table, true};
  const auto snapshot = source->snapshot({request}, 1);
  // Files keep every carrier as it is; none is written.
  const auto warehouse = make_files_warehouse({"."});
  TableConfig config;
  config.target.table = "T";
  std::vector<pulk::Finding> findings;
  const TablePlan plan =
      plan_columns(config, snapshot->describe(request), source->name_rule(), *warehouse, std::nullopt, findings);
  if (!findings.empty()) throw Error(ErrorKind::refused, findings[0].problem.where + ": " + findings[0].problem.what);
  ReadLimits limits;
  limits.pool = arrow::default_memory_pool();
  const auto lane = snapshot->open_lane();
  PartitionPlan whole;
  whole.ordinal = 1;
  const auto reader = lane->read(plan, whole, limits);
  Rows rows;
  while (const auto batch = reader->next()) {
    std::vector<std::vector<std::string>> columns;
    for (int i = 0; i < batch->num_columns(); ++i)
      columns.push_back(texts_of(*batch->schema()->field(i), batch->column(i)));
    for (std::size_t row = 0; row < columns.at(0).size(); ++row) {
      std::vector<std::string>& cells = rows[std::stoll(columns[0][row])];
      for (const auto& column : columns) cells.push_back(column[row]);
    }
  }
  return rows;
}

std::string shown(const std::string& text) {
  return text.size() <= kShown ? text : text.substr(0, kShown) + fmt::format("… ({} bytes)", text.size());
}

}  // namespace

Finding same_values(SqlServerBench& bench, const std::string& table, const std::vector<ValueColumn>& columns) {
  std::string definition = "id int PRIMARY KEY";
  for (std::size_t i = 0; i < columns.size(); ++i) definition += fmt::format(", c{} {} NULL", i, columns[i].type);
  const std::string full = bench.table(table, definition);
  const std::size_t rows = columns.at(0).literals.size();
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<std::string> literals = {std::to_string(row)};
    for (const ValueColumn& column : columns) literals.push_back(column.literals.at(row));
    bench.writer().execute("INSERT INTO " + full + " VALUES (" + join(literals, ", ") + ")");
  }
  bench.writer().execute("INSERT INTO " + full + " (id) VALUES (" + std::to_string(rows) + ")");

  Rows seen = rows_of(bench, table);
  std::vector<std::string> wrong;
  if (seen.size() != rows + 1) wrong.push_back(fmt::format("{} rows were read of {}", seen.size(), rows + 1));
  for (std::size_t row = 0; row <= rows && wrong.empty(); ++row)
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string expected = row < rows ? columns[i].expected.at(row) : "NULL";
      const std::string& read = seen.at(static_cast<std::int64_t>(row)).at(i + 1);
      if (read != expected)
        wrong.push_back(fmt::format("{}: {} was read as {}", columns[i].type, shown(expected), shown(read)));
    }
  return decide(wrong.empty(), wrong.empty() ? fmt::format("{} types, {} each, unchanged", columns.size(),
                                                           plural(static_cast<std::int64_t>(rows + 1), "value"))
                                             : join(wrong, "; "));
}

}  // namespace pulk::prove
