#include "source/postgres/temporal.h"

#include <fmt/format.h>

namespace pulk::postgres {
namespace {

struct Day {
  std::int64_t year;  // 0 is 1 BC
  int month, day;
};

// Days since 1970-01-01 to the proleptic Gregorian calendar, for every 64-bit year; std::chrono stops at 32767.
Day civil(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto of_era = static_cast<int>(days - era * 146097);
  const int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted = (5 * of_year + 2) / 153;
  const int month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, of_year - (153 * shifted + 2) / 5 + 1};
}

std::string day_text(const Day& day) {
  return fmt::format("{:04}-{:02}-{:02}", day.year > 0 ? day.year : 1 - day.year, day.month, day.day);
}

}  // namespace

std::string date_text(std::int32_t days) {
  if (is_infinite(days)) return days > 0 ? "infinity" : "-infinity";
  const Day day = civil(days + days_1970_to_2000);
  return day_text(day) + (day.year > 0 ? "" : " BC");
}

std::string time_text(std::int64_t micros) {
  const std::int64_t seconds = micros / 1'000'000;
  std::string text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (micros % 1'000'000 != 0) text += fmt::format(".{:06}", micros % 1'000'000);
  return text;
}

std::string timestamp_text(std::int64_t micros) {
  if (is_infinite(micros)) return micros > 0 ? "infinity" : "-infinity";
  std::int64_t days = micros / micros_per_day;
  std::int64_t rest = micros % micros_per_day;
  if (rest < 0) {
    rest += micros_per_day;
    --days;
  }
  const Day day = civil(days + days_1970_to_2000);
  return day_text(day) + " " + time_text(rest) + (day.year > 0 ? "" : " BC");
}

}  // namespace pulk::postgres
