// What PostgreSQL's types mean to pulk, and how a column is read: which expression, which decoder. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/table_plan.h"
#include "source/source.h"

namespace pulk::postgres {

// A type that is made of no others.
struct TypePart {
  std::uint32_t type = 0;
  std::string name;
  std::string extension_type;  // "citext.citext"; empty for types of no extension
  bool is_enum = false;
};

// A column as the catalog has it; domains are followed to the type below them.
struct CatalogColumn {
  SourceColumn column;
  std::uint32_t type = 0;
  int typmod = -1;
  bool is_enum = false;
  int attnum = 0;  // 0 for queries
  bool may_select = true;
  std::vector<TypePart> parts;  // for types without a rule of their own: what they are made of
  std::string layout;           // fields of the row types among them
  int money_digits = 2;         // fraction digits of money in this database
};

// Built-in types that pulk knows by themselves.
bool has_rule(std::uint32_t type);

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
  printed,  // text that an output function made: what it does with bytes is its own affair
  bytes,
  jsonb,  // text after a version byte
  date,
  time,
  timestamp,
  uuid,
  unsigned32,
  unsigned64_decimal,
  money_decimal,
  money_text,
  char_byte,  // "char"
};

struct ReadColumn {
  ColumnPlan plan;
  std::string expression;  // in the SELECT of the COPY
  Decode decode = Decode::text;
};

// Throws Error(refused) when the carrier of the plan cannot be filled from the type.
ReadColumn read_column(const CatalogColumn& actual, const ColumnPlan& plan);

}  // namespace pulk::postgres
