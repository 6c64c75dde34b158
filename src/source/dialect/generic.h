// SQL that every database with an ODBC driver understands, and what ODBC's types mean. For drivers that pulk does not
// know. Pure functions, no connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/logical_type.h"

namespace pulk::generic {

// A column as SQLColumns or SQLDescribeCol tell it.
struct ListedType {
  int code = 0;      // SQL data type
  std::string name;  // the source's own, "" when unknown
  std::int64_t size = 0;
  std::optional<std::int64_t> digits;
};

struct MeaningOfType {
  std::optional<LogicalType> logical;
  std::string refusal;  // when there is no logical type
};

MeaningOfType meaning_of(const ListedType& type);

// "numeric(10,2)", with what ODBC tells beside the name.
std::string native_name(const ListedType& type);

// `mark`: SQL_IDENTIFIER_QUOTE_CHAR, a blank where there are no quotes.
std::string quote(std::string_view name, std::string_view mark);

}  // namespace pulk::generic
