// PostgreSQL's dates and times as numbers since 2000-01-01, and as text for messages. Pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace pulk::postgres {

inline constexpr std::int64_t days_1970_to_2000 = 10957;
inline constexpr std::int64_t micros_per_day = 86'400'000'000;
inline constexpr std::int64_t micros_1970_to_2000 = days_1970_to_2000 * micros_per_day;

// The extreme numbers stand for infinity.
inline bool is_infinite(std::int32_t days) {
  return days == std::numeric_limits<std::int32_t>::max() || days == std::numeric_limits<std::int32_t>::min();
}
inline bool is_infinite(std::int64_t micros) {
  return micros == std::numeric_limits<std::int64_t>::max() || micros == std::numeric_limits<std::int64_t>::min();
}

// "2024-02-29", "0044-03-15 BC", "infinity"; days since 2000-01-01.
std::string date_text(std::int32_t days);
// "294276-12-31 23:59:59.999999", "-infinity"; microseconds since 2000-01-01.
std::string timestamp_text(std::int64_t micros);
// "24:00:00"; microseconds since midnight.
std::string time_text(std::int64_t micros);

}  // namespace pulk::postgres
