// SQLite's SQL: declared types, quoting, and the expressions that carry each cell as text without loss. Pure functions,
// no connection. SQLite lets any value stand in any column: what a column may hold is therefore checked row by row, in
// the SELECT where the storage class is known, and by strict parsing where the text shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/logical_type.h"
#include "catalog/table_plan.h"

namespace pulk::sqlite {

struct DeclaredType {
  std::optional<LogicalType> logical;
  std::string bare;     // "varchar"
  std::string refusal;  // when there is no logical type
  std::string note;
};

DeclaredType declared_type(std::string_view declared);

// How the text of a cell is to be read.
enum class CellForm {
  integer,
  boolean,    // 0 or 1
  real,       // 20 significant digits, "Inf" or "-Inf"
  decimal,    // "123": already multiplied by 10^scale; "t12.30": text or a large integer; "r1.5": 20 digits of a real
  text,
  tagged,     // any class but blob as text: "t..." as it is, "r..." 20 digits of a real
  bytes,      // the driver's X'hex'
  date,
  time,
  timestamp,
};

CellForm cell_form(const ColumnPlan& column);

// The SELECT of a partition. Its first column is the row's check: -n when column n (from 1) holds a value of a wrong
// storage class, else the number of bytes that the cells of `counted` columns have. The driver ends text at its first
// NUL character, so that a smaller sum at this side is a cell that was cut.
struct RowSelect {
  std::string sql;
  std::vector<CellForm> forms;
  std::vector<bool> counted;  // by column
};

// `from` is a quoted table or a bracketed query; `conditions` are joined by AND, empty ones left out. utf8: the
// database's encoding is UTF-8, so that SQLite's byte counts are the driver's. max_rows < 0: all.
RowSelect select_rows(const std::vector<ColumnPlan>& columns, const std::string& from,
                      const std::vector<std::string>& conditions, bool utf8, std::int64_t max_rows);

std::string quote(std::string_view name);
// main."table", or the query in brackets.
std::string from_item(const SourceObject& object);

// A file name as SQLite's URI that opens an existing file for reading: no character of it means anything to an ODBC
// driver, a misspelled name makes no empty database, and no statement can change the source.
std::string file_uri(std::string_view path);

}  // namespace pulk::sqlite
