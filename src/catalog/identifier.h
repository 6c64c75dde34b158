// Names of tables and columns, and how the systems fold them. A name that a person wrote without quotes follows the
// unquoted rule of its system; written with its quotes ("x", [x] for SQL Server, `x` for MySQL) it is exact.
// Pure values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pulk {

// How a system treats a name that is written without quotes.
enum class NameRule {
  lower,        // PostgreSQL: folded to lower case
  upper,        // Snowflake: folded to upper case
  ignore_case,  // SQL Server, Redshift, DuckDB, SQLite: kept as written, compared without regard to ASCII case
};

// A name as a person wrote it, taken apart.
struct WrittenName {
  std::string text;     // without quotes, doubled quotes undone
  bool exact = false;   // it was quoted
  bool empty() const { return text.empty(); }
};

// Takes "abc", "\"A b\"", "[A b]", "`A b`" apart. Throws Error(usage) for an unbalanced quote or an empty name.
WrittenName parse_written_name(std::string_view written);

// Does the catalog name `actual` answer to what was written, under this rule?
bool matches(const WrittenName& written, std::string_view actual, NameRule rule);

// The name that an unquoted or exact spelling creates under this rule.
std::string fold(const WrittenName& written, NameRule rule);

// `name` in double quotes, inner quotes doubled: exact in PostgreSQL, DuckDB, SQLite and Snowflake.
std::string quote_double(std::string_view name);

// database.schema.table as exact catalog names; parts that a system does not have are empty.
struct QualifiedName {
  std::string database;
  std::string schema;
  std::string table;

  // "schema.table" for people: parts joined by dots, not quoted.
  std::string display() const;
  bool operator==(const QualifiedName&) const = default;
};

}  // namespace pulk
