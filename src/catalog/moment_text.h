// Dates, times of day and moments as text: the carrier of what 64 bits of nanoseconds do not hold. The canonical text
// is "2024-02-29 12:34:56.1234567", with an offset "2024-02-29 12:34:56.1234567 +05:30": years 0001 to 9999, and always
// as many fractional digits as the column's type has, so that texts sort as their moments do. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pulk {

inline constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
inline constexpr std::int64_t kNanosecondsPerDay = 86'400 * kNanosecondsPerSecond;

// Proleptic Gregorian days since 1970-01-01; nothing for what is no day of the calendar.
std::optional<std::int32_t> day_number(int year, unsigned month, unsigned day);

// Room for the longest canonical text.
using MomentBuffer = std::array<char, 40>;

// "12:34:56.1234567" of nanoseconds since midnight. `digits`: 0 to 9; those beyond must be zero.
std::string_view write_time(MomentBuffer& buffer, std::int64_t nanoseconds, int digits);
// `year` is 1 to 9999.
struct WallClock {
  int year = 1;
  unsigned month = 1, day = 1;
  std::int64_t nanoseconds = 0;       // since midnight
  std::optional<int> offset_minutes;  // of the zone that the clock hangs in, east of Greenwich
};
std::string_view write_moment(MomentBuffer& buffer, const WallClock& clock, int digits);

// "2026-11-21"; days since 1970-01-01.
std::optional<std::int32_t> parse_date(std::string_view text);
// "02:45", "02:45:01", "02:45:01.123456789"; nanoseconds since midnight. Nothing when digits after the ninth are not 0.
std::optional<std::int64_t> parse_time(std::string_view text);
// A date, a blank or T, and a time, with or without an offset.
struct ParsedMoment {
  std::int32_t day = 0;          // since 1970-01-01
  std::int64_t nanoseconds = 0;  // since midnight
  std::optional<int> offset_minutes;
};
std::optional<ParsedMoment> parse_moment(std::string_view text);

}  // namespace pulk
