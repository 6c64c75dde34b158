#include "exporter/snowflake_query.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/strings.h"
#include "catalog/dotted_name.h"
#include "exporter/snowflake_session.h"

namespace pulk {
namespace {

std::string metadata(const arrow::Field& field, const std::string& key) {
  if (field.metadata() == nullptr) return "";
  return field.metadata()->Get(key).ValueOr("");
}

std::string quoted(const WrittenName& name) { return quote_double(fold(name, NameRule::upper)); }

}  // namespace

std::string export_tag(const ExportEntry& entry) {
  return nlohmann::json{{"application", "pulk"}, {"export", entry.table}}.dump();
}

std::unique_ptr<snowflake::Client> open_export_session(const SnowflakeConnection& connection, const ExportEntry& entry,
                                                       CancelToken* cancel) {
  return open_session(connection, export_tag(entry), cancel);
}

std::string query_of(const ExportEntry& entry) {
  if (!entry.query.empty()) return entry.query;
  std::vector<std::string> names;
  for (const WrittenName& name : parse_dotted_name(entry.table)) names.push_back(quoted(name));
  return "SELECT * FROM " + join(names, ".");
}

// The driver names the type of a described column otherwise than that of one that arrives.
std::string snowflake_type(const arrow::Field& field) {
  const std::string arriving = metadata(field, "logicalType");
  return arriving.empty() ? to_upper(metadata(field, "SNOWFLAKE_TYPE")) : arriving;
}

}  // namespace pulk
