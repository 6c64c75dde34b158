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

// Of text with an offset, and of Microsoft's structures (msodbcsql.h), whose fractions are in nanoseconds too.
std::string_view take_offset_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer, std::string_view& text);
std::string_view take_offset_utc(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_offset_struct_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                         std::string_view& text);
std::string_view take_offset_struct_utc(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_time2(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_time2_ns(const Cell& cell, const ColumnPlan& plan, std::int64_t& value);
std::string_view take_time2_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer, std::string_view& text);

// The structures, for who prints them.
struct Time2Cell {  // SQL_SS_TIME2_STRUCT
  std::uint16_t hour = 0, minute = 0, second = 0;
  std::uint32_t fraction = 0;
};
struct OffsetCell {  // SQL_SS_TIMESTAMPOFFSET_STRUCT
  std::int16_t year = 0;
  std::uint16_t month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::uint32_t fraction = 0;
  std::int16_t offset_hours = 0, offset_minutes = 0;  // both of the offset's sign
};

}  // namespace pulk::odbc
