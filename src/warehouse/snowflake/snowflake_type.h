// Snowflake's column types: as DESC TABLE and people write them, which of them holds a logical type, and the expression
// over a staged Parquet file that gives it. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/logical_type.h"
#include "warehouse/stored_type.h"
#include "warehouse/warehouse.h"

namespace pulk::snowflake {

inline constexpr std::int64_t kVarchar = 16777216, kBinary = 8388608;  // lengths where none is written
inline constexpr int kMostScale = 37;

enum class Base {
  number,
  real,
  boolean,
  varchar,
  binary,
  date,
  time,
  timestamp_ntz,
  timestamp_ltz,
  timestamp_tz,
  variant,
  object,
  array,
  geography,
  geometry,
};

struct Type {
  Base base = Base::varchar;
  int precision = 0;        // number
  int scale = 0;            // number; fractional digits of times
  std::int64_t length = 0;  // varchar, binary
};

// Empty for a type that is none of these or whose arguments make no sense. Aliases are folded: INTEGER is NUMBER(38,0),
// TEXT is VARCHAR(16777216), DATETIME is TIMESTAMP_NTZ(9).
std::optional<Type> parse_type(std::string_view text);
std::string to_string(const Type& type);  // as DESC TABLE writes it

// What rows of such a column can be compared in, and the expression that reads it so that every value arrives exactly:
// the driver's timestamps are nanoseconds in 64 bits, which end in 2262.
StoredType stored_type(const Type& type);
std::string read_expression(const Type& type, const std::string& column);

// The type of a column: the deployed one, else the mapped one, else the natural one; see Warehouse::choose_type.
TypeChoice choose_type(const LogicalType& logical, const std::string& column, const std::string& mapped,
                       const std::string& deployed);

}  // namespace pulk::snowflake
