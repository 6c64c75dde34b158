#include "orchestrator/prove/value_table.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include <numeric>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "warehouse/snowflake/copy_statement.h"
#include "warehouse/snowflake/snowflake_type.h"

namespace pulk::prove {
namespace {

template <typename T>
T must(arrow::Result<T> result) {
  if (!result.ok())
    throw Error(ErrorKind::internal, "a file for a probe cannot be made: " + result.status().ToString());
  return std::move(result).ValueUnsafe();
}

}  // namespace

std::shared_ptr<arrow::Array> array_of(const Carrier& carrier, const std::string& json) {
  return must(arrow::json::ArrayFromJSONString(arrow_type(carrier), json));
}

std::shared_ptr<arrow::RecordBatch> numbered(const std::shared_ptr<arrow::Array>& values) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(values->length()));
  std::iota(numbers.begin(), numbers.end(), 1);
  arrow::Int64Builder builder;
  if (!builder.AppendValues(numbers).ok()) throw Error(ErrorKind::retryable, "out of memory");
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("N", arrow::int64()), arrow::field("V", values->type())}),
                                  values->length(), {must(builder.Finish()), values});
}

std::string load(Bench& bench, const std::string& table, const LogicalType& type, const std::string& mapped,
                 const std::string& deployed, const std::shared_ptr<arrow::RecordBatch>& batch) {
  const TypeChoice choice = snowflake::choose_type(type, "V", mapped, deployed);
  if (!choice.refusal.empty())
    throw Error(ErrorKind::internal, "a probe has a type that pulk refuses: " + choice.refusal);
  const std::string full =
      bench.table(table, "N NUMBER(19,0), V " + choice.target_type + ", \"_PULK_PARTITION\" NUMBER(10,0)");
  std::vector<std::string> files;
  for (const StagedFile& file : bench.put(bench.stage(), "values-" + to_lower(table), batch))
    files.push_back(file.name);
  begin(bench.worker());
  bench.worker().query(snowflake::copy_statement(full, {"N", "V"}, {"$1:\"N\"::NUMBER(19,0)", choice.load_expression},
                                                 1, bench.stage().location(), files));
  bench.worker().execute("COMMIT");
  return full;
}

Finding same_values(Bench& bench, const std::string& table, const Values& values) {
  const TypeChoice choice = snowflake::choose_type(values.type, "V", values.mapped, "");
  const std::string full =
      load(bench, table, values.type, values.mapped, "", numbered(array_of(choice.carrier, values.json)));
  // The marker is in the second column: a text may be empty.
  const auto rows = bench.watcher().query("SELECT " + (values.read.empty() ? "V" : values.read) +
                                          ", CASE WHEN V IS NULL THEN 'NULL' ELSE '' END FROM " + full + " ORDER BY N");
  std::vector<std::string> wrong;
  for (std::size_t i = 0; i < values.expected.size(); ++i) {
    const std::string seen = i >= rows.size() ? "no row" : rows[i][1] == "NULL" ? "NULL" : rows[i][0];
    if (seen != values.expected[i]) wrong.push_back(seen + " for " + values.expected[i]);
  }
  if (rows.size() != values.expected.size()) wrong.push_back(plural(static_cast<std::int64_t>(rows.size()), "row"));
  return decide(wrong.empty(), wrong.empty() ? plural(static_cast<std::int64_t>(rows.size()), "value") + " as " +
                                                   choice.target_type + ", none changed"
                                             : "read " + join(wrong, "; "));
}

}  // namespace pulk::prove
