#include "exporter/moment_text.h"

#include <cstdlib>

#include "catalog/moment_text.h"

namespace pulk {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

void append_padded(std::uint64_t value, int width, std::string& out) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits, static_cast<std::size_t>(width));
}

}  // namespace

// By eras of 400 years that begin in March.
void append_date(std::int64_t days, std::string& out) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
  const std::int64_t calendar_month = month < 10 ? month + 3 : month - 9;
  const std::int64_t year = year_of_era + era * 400 + (calendar_month <= 2 ? 1 : 0);
  if (year >= 0 && year <= 9999) {
    append_padded(static_cast<std::uint64_t>(year), 4, out);
  } else {
    out += year < 0 ? '-' : '+';
    append_padded(static_cast<std::uint64_t>(std::abs(year)), 6, out);
  }
  out += '-';
  append_padded(static_cast<std::uint64_t>(calendar_month), 2, out);
  out += '-';
  append_padded(static_cast<std::uint64_t>(day), 2, out);
}

void append_time(std::int64_t count, MomentUnit unit, std::string& out) {
  MomentBuffer buffer;
  out += write_time(buffer, count * (kNanosecondsPerSecond / unit.per_second), unit.digits);
}

void append_moment(Int128 count, MomentUnit unit, char separator, std::string& out) {
  const Int128 per_day = static_cast<Int128>(unit.per_second) * kSecondsPerDay;
  auto days = static_cast<std::int64_t>(count / per_day);
  auto rest = static_cast<std::int64_t>(count % per_day);
  if (rest < 0) {
    rest += static_cast<std::int64_t>(per_day);
    --days;
  }
  append_date(days, out);
  out += separator;
  append_time(rest, unit, out);
}

}  // namespace pulk
