// Questions to a DuckDB file's catalog and the names that pulk gives to its own things in it. Used by duckdb_session
// and duckdb_publish.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "warehouse/duckdb/duckdb_file.h"
#include "warehouse/warehouse.h"

namespace pulk::duckdb {

// The schema of pulk's own tables: mark, lease, made, width.
inline constexpr const char* kOwnSchema = "_pulk";
// The column of a staging table that says which partition a row came with.
inline constexpr const char* kPartitionColumn = "_pulk_partition";

// DuckDB tells names apart without regard to ASCII case; no other spelling gives another key.
Marks::Target target_of(const QualifiedName& table);

// "catalog"."schema"."table": with the catalog, because a file sales.db with a schema sales makes "sales"."t"
// ambiguous.
std::string full_name(const DuckdbFile& file, const std::string& schema, const std::string& table);
std::string own_prefix(const DuckdbFile& file);

// Staging stands in the target's schema: from there it can become the target by a rename, without copying a row.
std::string staging_name(const std::string& run, const QualifiedName& target);

bool schema_exists(DuckdbFile& file, const std::string& schema);
bool table_exists(DuckdbFile& file, const std::string& schema, const std::string& table);
// Throws Error(refused) when the name is a view's.
void refuse_view(DuckdbFile& file, const QualifiedName& table);
std::optional<DeployedTable> describe(DuckdbFile& file, const QualifiedName& table);

// The statement that would create the table again, when nothing hangs on the table that this statement does not say
// (indexes, comments, foreign keys of other tables); else "".
std::string plain_ddl(DuckdbFile& file, const QualifiedName& table);

// pulk made this table and nobody has changed it since: it may be replaced as a whole.
bool made_by_pulk(DuckdbFile& file, const QualifiedName& table);
void remember_made(DuckdbFile& file, const QualifiedName& table);

// The widest row that was ever loaded into a table, when it was a wide one: what touches the table needs room for it.
std::int64_t widest_row(DuckdbFile& file, const QualifiedName& table);
void remember_width(DuckdbFile& file, const QualifiedName& table, std::int64_t bytes);

}  // namespace pulk::duckdb
