#include "source/odbc/moment_cells.h"

#include <sql.h>
#include <sqlext.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "source/odbc/cell_parser.h"

namespace pulk::odbc {
namespace {

constexpr std::string_view kNoTime = "is no time of a day";
constexpr std::string_view kNoMoment = "is no date and time of the calendar";
constexpr int kMicroseconds = 6;

template <typename T>
T value_in(const Cell& cell) {
  T value;
  std::memcpy(&value, cell.text.data(), sizeof value);
  return value;
}

// "" when nothing but zeros stands behind the digit `most`, or behind the last one that the column was described with.
std::string_view too_fine(std::int64_t nanoseconds, const ColumnPlan& plan, int most) {
  std::int64_t unit = 1;
  for (int i = std::min(plan.logical.precision, most); i < 9; ++i) unit *= 10;
  if (nanoseconds % unit == 0) return "";
  return plan.logical.precision < most ? "has more digits of a second than the column was described with"
                                       : "has more digits of a second than its type in the target";
}

struct Moment {
  SQL_TIMESTAMP_STRUCT cell{};
  std::int32_t day = 0;
  std::int64_t nanoseconds = 0;  // since midnight
};

std::optional<Moment> moment_of(const Cell& cell) {
  Moment moment;
  moment.cell = value_in<SQL_TIMESTAMP_STRUCT>(cell);
  const auto& c = moment.cell;
  const auto day = day_number(c.year, c.month, c.day);
  if (!day || c.hour > 23 || c.minute > 59 || c.second > 59 || c.fraction > 999'999'999) return std::nullopt;
  moment.day = *day;
  moment.nanoseconds = ((c.hour * std::int64_t{60} + c.minute) * 60 + c.second) * kNanosecondsPerSecond +
                       static_cast<std::int64_t>(c.fraction);
  return moment;
}

}  // namespace

std::string_view take_time(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto parsed = cell.is_whole() ? parse_time(cell.text) : std::nullopt;
  if (!parsed) return kNoTime;
  value = *parsed;
  return too_fine(value * 1000, plan, kMicroseconds);
}

std::string_view take_time_ns(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto parsed = cell.is_whole() ? pulk::parse_time(cell.text) : std::nullopt;
  if (!parsed) return kNoTime;
  value = *parsed;
  return too_fine(value, plan, 9);
}

std::string_view take_time_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                std::string_view& text) {
  std::int64_t value = 0;
  if (const std::string_view why = take_time_ns(cell, plan, value); !why.empty()) return why;
  text = write_time(buffer, value, plan.logical.precision);
  return "";
}

std::string_view take_timestamp(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto parsed = cell.is_whole() ? parse_timestamp(cell.text) : std::nullopt;
  if (!parsed) return kNoMoment;
  value = *parsed;
  return too_fine((value % 1'000'000) * 1000, plan, kMicroseconds);
}

std::string_view take_date_struct(const Cell& cell, const ColumnPlan&, std::int32_t& value) {
  const auto date = value_in<SQL_DATE_STRUCT>(cell);
  const auto day = day_number(date.year, date.month, date.day);
  if (!day) return "is no date of the calendar";
  value = *day;
  return "";
}

std::string_view take_timestamp_struct(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto moment = moment_of(cell);
  if (!moment) return kNoMoment;
  value = moment->day * (kNanosecondsPerDay / 1000) + moment->nanoseconds / 1000;
  return too_fine(moment->nanoseconds, plan, kMicroseconds);
}

std::string_view take_timestamp_struct_ns(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto moment = moment_of(cell);
  if (!moment) return kNoMoment;
  // Of a negative day, the last nanosecond first: the product alone may leave the range that the sum is in.
  const std::int64_t day = moment->day < 0 ? moment->day + 1 : moment->day;
  const std::int64_t rest = moment->day < 0 ? moment->nanoseconds - kNanosecondsPerDay : moment->nanoseconds;
  if (__builtin_mul_overflow(day, kNanosecondsPerDay, &value) || __builtin_add_overflow(value, rest, &value))
    return "is outside of the years 1677 to 2262, which nanoseconds in 64 bits end with";
  return too_fine(moment->nanoseconds, plan, 9);
}

std::string_view take_timestamp_struct_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                            std::string_view& text) {
  const auto moment = moment_of(cell);
  if (!moment) return kNoMoment;
  if (moment->cell.year < 1 || moment->cell.year > 9999) return "is outside of the years 1 to 9999";
  if (const std::string_view why = too_fine(moment->nanoseconds, plan, 9); !why.empty()) return why;
  text =
      write_moment(buffer, {moment->cell.year, moment->cell.month, moment->cell.day, moment->nanoseconds, std::nullopt},
                   plan.logical.precision);
  return "";
}

namespace {

constexpr std::string_view kNoOffsetMoment = "is no date and time with an offset";
constexpr std::string_view kOffset = "has an offset other than +00:00, which its type in the target does not keep";

struct OffsetMoment {
  WallClock clock;
  std::int32_t day = 0;  // of the wall clock
};

std::string_view write_offset(const OffsetMoment& moment, const ColumnPlan& plan, MomentBuffer& buffer,
                              std::string_view& text) {
  if (const std::string_view why = too_fine(moment.clock.nanoseconds, plan, 9); !why.empty()) return why;
  text = write_moment(buffer, moment.clock, plan.logical.precision);
  return "";
}

std::string_view utc_of(const OffsetMoment& moment, const ColumnPlan& plan, std::int64_t& value) {
  if (moment.clock.offset_minutes != 0) return kOffset;
  value = moment.day * (kNanosecondsPerDay / 1000) + moment.clock.nanoseconds / 1000;
  return too_fine(moment.clock.nanoseconds, plan, kMicroseconds);
}

std::optional<OffsetMoment> offset_of_text(const Cell& cell) {
  const auto parsed = cell.is_whole() ? parse_moment(cell.text) : std::nullopt;
  if (!parsed || !parsed->offset_minutes || cell.text.size() < 10) return std::nullopt;
  // parse_moment has found a date there.
  const auto digits = [&](std::size_t at, std::size_t count) {
    int number = 0;
    for (const char c : cell.text.substr(at, count)) number = number * 10 + (c - '0');
    return number;
  };
  OffsetMoment moment;
  moment.clock = {digits(0, 4), static_cast<unsigned>(digits(5, 2)), static_cast<unsigned>(digits(8, 2)),
                  parsed->nanoseconds, parsed->offset_minutes};
  moment.day = parsed->day;
  return moment;
}

std::optional<OffsetMoment> offset_of_struct(const Cell& cell) {
  const auto c = value_in<OffsetCell>(cell);
  const auto day = day_number(c.year, c.month, c.day);
  if (!day || c.year < 1 || c.year > 9999 || c.hour > 23 || c.minute > 59 || c.second > 59 || c.fraction > 999'999'999)
    return std::nullopt;
  OffsetMoment moment;
  moment.clock = {c.year, c.month, c.day,
                  ((c.hour * std::int64_t{60} + c.minute) * 60 + c.second) * kNanosecondsPerSecond + c.fraction,
                  c.offset_hours * 60 + c.offset_minutes};
  moment.day = *day;
  return moment;
}

bool time2_of(const Cell& cell, std::int64_t& nanoseconds) {
  const auto c = value_in<Time2Cell>(cell);
  if (c.hour > 23 || c.minute > 59 || c.second > 59 || c.fraction > 999'999'999) return false;
  nanoseconds = ((c.hour * std::int64_t{60} + c.minute) * 60 + c.second) * kNanosecondsPerSecond + c.fraction;
  return true;
}

}  // namespace

std::string_view take_offset_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                  std::string_view& text) {
  const auto moment = offset_of_text(cell);
  return moment ? write_offset(*moment, plan, buffer, text) : kNoOffsetMoment;
}

std::string_view take_offset_utc(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto moment = offset_of_text(cell);
  return moment ? utc_of(*moment, plan, value) : kNoOffsetMoment;
}

std::string_view take_offset_struct_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                         std::string_view& text) {
  const auto moment = offset_of_struct(cell);
  return moment ? write_offset(*moment, plan, buffer, text) : kNoOffsetMoment;
}

std::string_view take_offset_struct_utc(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  const auto moment = offset_of_struct(cell);
  return moment ? utc_of(*moment, plan, value) : kNoOffsetMoment;
}

std::string_view take_time2(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  std::int64_t nanoseconds = 0;
  if (!time2_of(cell, nanoseconds)) return kNoTime;
  value = nanoseconds / 1000;
  return too_fine(nanoseconds, plan, kMicroseconds);
}

std::string_view take_time2_ns(const Cell& cell, const ColumnPlan& plan, std::int64_t& value) {
  return time2_of(cell, value) ? too_fine(value, plan, 9) : kNoTime;
}

std::string_view take_time2_text(const Cell& cell, const ColumnPlan& plan, MomentBuffer& buffer,
                                 std::string_view& text) {
  std::int64_t value = 0;
  if (const std::string_view why = take_time2_ns(cell, plan, value); !why.empty()) return why;
  text = write_time(buffer, value, plan.logical.precision);
  return "";
}

}  // namespace pulk::odbc
