// SQL type names as people and catalogs write them, taken apart: aliases folded to one name, arguments as numbers. The
// embedded targets share one vocabulary, DuckDB's, which is close to everybody's. Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/logical_type.h"

namespace pulk {

enum class SqlBase {
  boolean, tinyint, smallint, integer, bigint, hugeint, utinyint, usmallint, uinteger, ubigint, uhugeint,
  float32, float64, decimal, varchar, blob, date, time, time_ns, timestamp, timestamp_s, timestamp_ms, timestamp_ns,
  timestamp_tz, uuid, json,
};

struct SqlType {
  SqlBase base = SqlBase::varchar;
  int precision = 0;  // decimal only
  int scale = 0;
};

// Empty for a type that is none of these (INTERVAL, lists, structs, ENUM ...) or whose arguments make no sense.
std::optional<SqlType> parse_sql_type(std::string_view text);
std::string to_string(const SqlType& type);  // "DECIMAL(10,2)", "TIMESTAMP WITH TIME ZONE"

// How well a target type holds the values of a logical type.
enum class Fit {
  exact,     // every value, unchanged
  checked,   // the values that it holds unchanged; for any other, reading or loading ends with an error
  never,     // some value would be changed without a word, or the meaning differs
};
struct Fitness {
  Fit fit = Fit::never;
  Carrier carrier;       // how the value must travel
  bool cast = false;     // the carrier is not the type itself: the target has to cast
  std::string why;       // for checked and never
};
Fitness fitness(const LogicalType& logical, const SqlType& target);

// The type that holds a logical type when nobody asks for another one.
struct NaturalType {
  SqlType type;
  Carrier carrier;
  std::string note;
};
NaturalType natural_type(const LogicalType& logical);

}  // namespace pulk
