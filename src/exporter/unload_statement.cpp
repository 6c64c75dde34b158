#include "exporter/unload_statement.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

#include "adbc/snowflake/client.h"
#include "base/error.h"
#include "base/strings.h"
#include "catalog/identifier.h"
#include "exporter/column_names.h"
#include "exporter/snowflake_query.h"

namespace pulk {
namespace {

constexpr std::int64_t kUsualFile = 256LL << 20;
constexpr std::int64_t kLargestFile = 5LL << 30;  // MAX_FILE_SIZE on S3

// Digits of a second as Snowflake's formats ask for them; the unit of a described column is that of its scale.
std::string fraction_of(const arrow::Field& field) {
  arrow::TimeUnit::type unit = arrow::TimeUnit::NANO;
  if (field.type()->id() == arrow::Type::TIMESTAMP)
    unit = static_cast<const arrow::TimestampType&>(*field.type()).unit();
  else if (field.type()->id() == arrow::Type::TIME32 || field.type()->id() == arrow::Type::TIME64)
    unit = static_cast<const arrow::TimeType&>(*field.type()).unit();
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return "";
    case arrow::TimeUnit::MILLI:
      return ".FF3";
    case arrow::TimeUnit::MICRO:
      return ".FF6";
    case arrow::TimeUnit::NANO:
      break;
  }
  return ".FF9";
}

struct Column {
  std::string expression;
  std::string note;  // "" when it travels as it is
};

Column column_of(const ExportEntry& entry, const arrow::Field& field) {
  const std::string name = quote_double(field.name()), type = snowflake_type(field);
  const auto text = [&](const std::string& format, const std::string& behind = "") {
    return "TO_VARCHAR(" + name + ", '" + format + "')" + behind;
  };
  const bool csv = entry.type == FileType::csv;
  if (type == "FIXED" || type == "TEXT" || type == "BOOLEAN" || type == "BINARY") return {name, ""};
  if (type == "REAL" || type == "DOUBLE" || type == "FLOAT") {
    if (csv)
      throw Error(ErrorKind::refused, "Snowflake cuts floating point numbers when it writes CSV", "column " + field.name(),
                  "write road: stream, file_type: parquet, or a cast to NUMBER or VARCHAR in a query");
    return {name, ""};
  }
  if (type == "DATE") return csv ? Column{text("YYYY-MM-DD"), ""} : Column{name, ""};
  if (type == "TIME") return {text("HH24:MI:SS" + fraction_of(field)), "TIME as text"};
  if (type == "TIMESTAMP_NTZ") return {text("YYYY-MM-DD HH24:MI:SS" + fraction_of(field)), "TIMESTAMP_NTZ as text"};
  // The session is in UTC.
  if (type == "TIMESTAMP_LTZ")
    return {text("YYYY-MM-DD HH24:MI:SS" + fraction_of(field), " || '+00:00'"), "TIMESTAMP_LTZ as text in UTC"};
  if (type == "TIMESTAMP_TZ")
    return {text("YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM"), "TIMESTAMP_TZ as text with its offset"};
  if (type == "VARIANT" || type == "OBJECT" || type == "ARRAY") return {"TO_JSON(" + name + ")", type + " as JSON"};
  throw Error(ErrorKind::refused, "there is no rule for unloading " + (type.empty() ? "this type" : type),
              "column " + field.name(), "write road: stream, or a conversion in a query");
}

std::string file_format(const ExportEntry& entry) {
  if (entry.type == FileType::parquet)
    return std::string("TYPE = PARQUET COMPRESSION = ") + (entry.compression == "none" ? "NONE" : "SNAPPY");
  const std::string codec = entry.compression.empty() ? "NONE" : to_upper(entry.compression);
  return fmt::format(
      "TYPE = CSV COMPRESSION = {} FIELD_DELIMITER = {} RECORD_DELIMITER = '{}' FIELD_OPTIONALLY_ENCLOSED_BY = '\"' "
      "NULL_IF = ({}) EMPTY_FIELD_AS_NULL = FALSE ESCAPE = NONE ESCAPE_UNENCLOSED_FIELD = NONE BINARY_FORMAT = HEX",
      codec, snowflake::literal(std::string(1, entry.csv.delimiter)), entry.csv.line_end == "\n" ? "\\n" : "\\r\\n",
      snowflake::literal(entry.csv.null_text));
}

}  // namespace

Unloader::Plan plan_unload(const ExportEntry& entry, const arrow::Schema& columns, const std::string& query) {
  check_column_names(entry, columns);
  Unloader::Plan plan;
  std::vector<std::string> list;
  Problems refused;
  for (const auto& field : columns.fields()) {
    try {
      const Column column = column_of(entry, *field);
      list.push_back(column.expression + " AS " + quote_double(field->name()));
      if (!column.note.empty()) plan.shape.notes.push_back("column " + field->name() + ": " + column.note);
    } catch (const Error& error) {
      refused.add(error.subject(), error.message(), error.hint());
    }
  }
  refused.throw_if_any(ErrorKind::refused);
  plan.shape.columns = columns.num_fields();
  plan.query = "SELECT " + join(list, ", ") + " FROM (" + query + "\n)";
  return plan;
}

std::string unload_statement(const ExportEntry& entry, const std::string& query, const std::string& place) {
  const bool single = !entry.path.ends_with('/');
  const std::int64_t largest =
      single ? kLargestFile : std::min(entry.max_file_bytes > 0 ? entry.max_file_bytes : kUsualFile, kLargestFile);
  return fmt::format(
      "COPY INTO {} FROM ({}) FILE_FORMAT = ({}) HEADER = {} SINGLE = {} OVERWRITE = {} MAX_FILE_SIZE = {} "
      "DETAILED_OUTPUT = TRUE",
      snowflake::stage_reference(place), query, file_format(entry),
      entry.type == FileType::csv && !entry.csv.header ? "FALSE" : "TRUE", single ? "TRUE" : "FALSE",
      single ? "TRUE" : "FALSE", largest);
}

}  // namespace pulk
