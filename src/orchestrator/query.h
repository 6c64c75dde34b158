// `pulk query`: one statement on Snowflake, or on a DuckDB file, its rows as a table, CSV or JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "config/snowflake_connection.h"
#include "orchestrator/snowflake_login.h"

namespace pulk {

enum class QueryFormat { table, csv, json };

struct QueryOptions {
  std::string sql;
  QueryFormat format = QueryFormat::table;
  // A statement without rows says in a sentence what it did, whatever the format.
  bool sentences = true;
  std::int64_t max_rows = 1000;  // of a table; 0 for all
};

// One of the two.
struct QueryPlace {
  std::optional<SnowflakeConnection> snowflake;
  std::string duckdb;  // the file, opened for reading only
};

// A connections file may name a DuckDB target; else as log_in_by().
QueryPlace find_query_place(const SnowflakeLoginOptions& options);

// Takes the next bytes of the output; false when nobody reads them any more, which ends the query.
using TakeBytes = std::function<bool(std::string_view)>;

// CSV and JSON stream, a table is held until its last row is known. Throws Error.
void run_query(const QueryPlace& place, const QueryOptions& options, const TakeBytes& out, CancelToken& cancel);

}  // namespace pulk
