// The decision which type a column gets in an embedded target: the one that stands there, else the one that the user
// mapped, else the natural one. Used by duckdb/ and files/.
#pragma once

#include <string>

#include "warehouse/warehouse.h"

namespace pulk {

// For targets with SQL: `column` is the quoted name of the file's column, casts are written into load_expression.
// For targets without (`column` empty) a file's column is the type itself, and what would need a cast is refused.
TypeChoice choose_sql_type(const LogicalType& logical, const std::string& mapped, const std::string& deployed,
                           const std::string& column);

}  // namespace pulk
