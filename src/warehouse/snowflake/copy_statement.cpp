#include "warehouse/snowflake/copy_statement.h"

#include "adbc/snowflake/client.h"
#include "catalog/identifier.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk::snowflake {

std::string copy_statement(const std::string& table, const std::vector<std::string>& columns,
                           const std::vector<std::string>& expressions, int partition, const std::string& place,
                           const std::vector<std::string>& files) {
  std::string names, values, list;
  for (const std::string& column : columns) names += quote_double(column) + ", ";
  for (const std::string& expression : expressions) values += expression + ", ";
  for (const std::string& file : files) list += (list.empty() ? "" : ", ") + literal(file);
  return "COPY INTO " + table + " (" + names + quote_double(kPartitionColumn) + ") FROM (SELECT " + values +
         std::to_string(partition) + " FROM " + stage_reference(place) + ") FILES = (" + list +
         ") FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE TRIM_SPACE = FALSE "
         "REPLACE_INVALID_CHARACTERS = FALSE NULL_IF = ()) ON_ERROR = ABORT_STATEMENT FORCE = TRUE "
         "TRUNCATECOLUMNS = FALSE PURGE = FALSE RETURN_FAILED_ONLY = FALSE";
}

}  // namespace pulk::snowflake
