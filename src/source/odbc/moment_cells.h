// Times of day and moments out of a driver's cells, each as the value of one carrier. A function gives "" and the
// value, or why the cell has no place in its column: never fewer digits than the cell has. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "catalog/moment_text.h"
#include "catalog/table_plan.h"
#include "source/odbc/block_reader.h"

namespace pulk::odbc {

// Of text cells: microseconds, nanoseconds, canonical text.
std::string_view take_time(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_time_ns(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_time_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer, std::string_view& text);
std::string_view take_timestamp(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);

// Of SQL_DATE_STRUCT and SQL_TIMESTAMP_STRUCT, whose fraction is in nanoseconds.
std::string_view take_date_struct(const Cell& cell, const ColumnPlan& plan, std::int32_t& value);
std::string_view take_timestamp_struct(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_timestamp_struct_ns(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_timestamp_struct_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                            std::string_view& text);

}  // namespace pulk::odbc
