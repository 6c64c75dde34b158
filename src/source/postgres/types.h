// What PostgreSQL's types mean to pulk, and how a column is read: which expression, which decoder. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "catalog/table_plan.h"
#include "source/source.h"

namespace pulk::postgres {

// Oids of built-in types are fixed for all servers (pg_type.dat).
namespace oid {
inline constexpr std::uint32_t boolean = 16, bytea = 17, name = 19, int8 = 20, int2 = 21, int4 = 23, text = 25,
                               json = 114, float4 = 700, float8 = 701, bpchar = 1042, varchar = 1043, date = 1082,
                               time = 1083, timestamp = 1114, timestamptz = 1184, numeric = 1700, uuid = 2950,
                               jsonb = 3802;
}  // namespace oid

// A column as the catalog has it; domains are followed to the type below them.
struct CatalogColumn {
  SourceColumn column;
  std::uint32_t type = 0;
  int typmod = -1;
  bool is_enum = false;
  int attnum = 0;  // 0 for queries
  bool may_select = true;
};

// Fills logical, refusal, readable_as_text and note of the column from its type.
void classify(CatalogColumn& column);

// How the bytes of one column in COPY BINARY become Arrow values.
enum class Decode {
  boolean,
  int16,
  int32,
  int64,
  integer,          // any width to any other, range checked
  integer_decimal,  // any width to decimal128
  numeric_decimal,
  numeric_integer,
  float32,
  float64,
  float32_to_64,
  text,
  bytes,
  jsonb,  // text after a version byte
  date,
  time,
  timestamp,
  uuid,
};

struct ReadColumn {
  ColumnPlan plan;
  std::string expression;  // in the SELECT of the COPY
  Decode decode = Decode::text;
};

// Throws Error(refused) when the carrier of the plan cannot be filled from the type.
ReadColumn read_column(const CatalogColumn& actual, const ColumnPlan& plan);

}  // namespace pulk::postgres
