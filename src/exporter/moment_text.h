// Dates, times and moments as text, in the proleptic Gregorian calendar. Pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace pulk {

__extension__ typedef __int128 Int128;

struct MomentUnit {
  std::int64_t per_second;
  int digits;  // behind the point
};
inline constexpr MomentUnit kSecond{1, 0}, kMillisecond{1'000, 3}, kMicrosecond{1'000'000, 6},
    kNanosecond{1'000'000'000, 9};

// "2026-11-21"; a year that has not four digits has its sign and six, as ISO 8601 wants it. Days since 1970-01-01.
void append_date(std::int64_t days, std::string& out);
// "18:00:02.424560": units since midnight.
void append_time(std::int64_t count, MomentUnit unit, std::string& out);
// Both: units since 1970-01-01 00:00.
void append_moment(Int128 count, MomentUnit unit, char separator, std::string& out);

}  // namespace pulk
