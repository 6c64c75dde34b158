// What both roads out of Snowflake share: the session, the query of an export, and the types of its columns.
#pragma once

#include <memory>
#include <string>

#include "adbc/snowflake/client.h"
#include "base/cancel.h"
#include "config/export_file.h"
#include "config/snowflake_connection.h"

namespace arrow {
class Field;
}

namespace pulk {

// What the query history shows of the statements of an export.
std::string export_tag(const ExportEntry& entry);

// A session of its own that knows the database and the schema that names may leave out. `cancel` may be null.
std::unique_ptr<snowflake::Client> open_export_session(const SnowflakeConnection& connection, const ExportEntry& entry,
                                                       CancelToken* cancel);

// The query as it is written, or a SELECT of the whole table, every name in quotes. Throws Error(usage) for a name that
// is none.
std::string query_of(const ExportEntry& entry);

// The type of a column that was described or that arrives: FIXED, TEXT, TIMESTAMP_TZ …
std::string snowflake_type(const arrow::Field& field);

}  // namespace pulk
