// MariaDB's SQL: what its types mean, and how names and texts are written. Pure functions, no connection. Statements must
// mean the same under every sql_mode: texts are written in hexadecimal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/logical_type.h"

namespace pulk::mariadb {

// A row of information_schema.COLUMNS, as far as types go.
struct ListedType {
  std::string data_type;      // "decimal", lower case
  std::string column_type;    // "decimal(10,2) unsigned"
  std::int64_t precision = 0;
  std::int64_t scale = 0;
  std::int64_t characters = 0;
  std::int64_t fraction = 0;  // DATETIME_PRECISION
};

struct MeaningOfType {
  std::optional<LogicalType> logical;
  std::string refusal;        // when there is no logical type
  bool readable_as_text = true;
  std::string note;
};

MeaningOfType meaning_of(const ListedType& type);

// `name`
std::string quote(std::string_view name);
// _utf8mb4 x'...'
std::string text_literal(std::string_view text);

}  // namespace pulk::mariadb
