// SQL Server's SQL: what its types mean, and how names, texts and values are written. Pure functions, no connection.
// Sources: "Data types (Transact-SQL)", "CAST and CONVERT (Transact-SQL)", "sys.columns (Transact-SQL)".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/logical_type.h"

namespace pulk::sqlserver {

// A row of sys.columns with its type, as far as types go.
struct ListedType {
  std::string name;             // of the system type: "nvarchar", lower case; of a CLR type its own name
  std::int64_t max_length = 0;  // bytes, -1: max
  int precision = 0, scale = 0;
  std::string collation;  // "" when it is the database's, and for types without one
  bool assembly = false;  // a CLR type
};

// "decimal(10,2)", "nvarchar(max)", "varchar(20) COLLATE Latin1_General_CS_AS"
std::string written(const ListedType& type);

struct MeaningOfType {
  std::optional<LogicalType> logical;
  std::string refusal;  // when there is no logical type
  bool readable_as_text = true;
  std::string note;
};

MeaningOfType meaning_of(const ListedType& type);

// The type's name without arguments and collation, of what written() gives.
std::string_view bare(std::string_view written);

// The value as text that CAST turns back into the same value: what a VARCHAR column of a target gets. `type` is what
// written() gave.
std::string text_of(std::string_view type, const std::string& quoted);
// SQL that gives a literal of the column's own type, for comparisons that an index answers.
std::string literal_of(std::string_view type, const std::string& quoted);

// [name]
std::string quote(std::string_view name);
// N'text'
std::string text_literal(std::string_view text);

}  // namespace pulk::sqlserver
