// COPY INTO a stage, and what becomes of each column there. Pure functions. Sources: "COPY INTO <location>" of
// Snowflake's SQL reference, "Data unloading considerations" of its user guide.
//
// What is not told by these pages is not relied upon: how finely TIME and TIMESTAMP are written into Parquet is not
// said, so they travel as text with all their digits; floating point numbers are cut in CSV (about 15 digits), so that
// is refused; TIMESTAMP_LTZ and TIMESTAMP_TZ cannot be unloaded to Parquet at all.
#pragma once

#include <memory>
#include <string>

#include "config/export_file.h"
#include "exporter/unloader.h"

namespace arrow {
class Schema;
}

namespace pulk {

// `columns` are those of the query as Snowflake describes them.
Unloader::Plan plan_unload(const ExportEntry& entry, const arrow::Schema& columns, const std::string& query);

// `place` as COPY reads it: @"DB"."SCHEMA"."STAGE"/path.
std::string unload_statement(const ExportEntry& entry, const std::string& query, const std::string& place);

}  // namespace pulk
