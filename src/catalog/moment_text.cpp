#include "catalog/moment_text.h"

#include <chrono>

namespace pulk {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// All characters digits, or nothing.
std::optional<int> digits_of(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// The last `width` decimal digits of `value`.
char* put(char* at, std::int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return at + width;
}

char* put_time(char* at, std::int64_t nanoseconds, int digits) {
  const std::int64_t seconds = nanoseconds / kNanosecondsPerSecond;
  at = put(at, seconds / 3600, 2);
  *at++ = ':';
  at = put(at, seconds / 60 % 60, 2);
  *at++ = ':';
  at = put(at, seconds % 60, 2);
  if (digits == 0) return at;
  *at++ = '.';
  std::int64_t fraction = nanoseconds % kNanosecondsPerSecond;
  for (int i = digits; i < 9; ++i) fraction /= 10;
  return put(at, fraction, digits);
}

std::string_view until(const MomentBuffer& buffer, const char* end) {
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

// " +05:30", "+05:30", "+0530", "+05", " Z": taken off the end of `time`.
std::optional<int> take_offset(std::string_view& time, bool& wrong) {
  std::size_t at = time.find_first_of("+-Z");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view zone = time.substr(at);
  if (at > 0 && time[at - 1] == ' ') --at;
  time = time.substr(0, at);
  if (zone == "Z") return 0;
  const bool west = zone.front() == '-';
  zone.remove_prefix(1);
  const bool colon = zone.size() == 5 && zone[2] == ':';
  const auto hours = digits_of(zone.substr(0, 2));
  const auto minutes = colon ? digits_of(zone.substr(3)) : zone.size() == 4 ? digits_of(zone.substr(2)) : 0;
  wrong = !(colon || zone.size() == 4 || zone.size() == 2) || !hours || !minutes || *hours > 15 || *minutes > 59;
  if (wrong) return std::nullopt;
  const int offset = *hours * 60 + *minutes;
  return west ? -offset : offset;
}

}  // namespace

std::optional<std::int32_t> day_number(int year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok()) return std::nullopt;
  return static_cast<std::int32_t>(std::chrono::sys_days{date}.time_since_epoch().count());
}

std::string_view write_time(MomentBuffer& buffer, std::int64_t nanoseconds, int digits) {
  return until(buffer, put_time(buffer.data(), nanoseconds, digits));
}

std::string_view write_moment(MomentBuffer& buffer, const WallClock& clock, int digits) {
  char* at = put(buffer.data(), clock.year, 4);
  *at++ = '-';
  at = put(at, clock.month, 2);
  *at++ = '-';
  at = put(at, clock.day, 2);
  *at++ = ' ';
  at = put_time(at, clock.nanoseconds, digits);
  if (clock.offset_minutes) {
    const int offset = *clock.offset_minutes, minutes = offset < 0 ? -offset : offset;
    *at++ = ' ';
    *at++ = offset < 0 ? '-' : '+';
    at = put(at, minutes / 60, 2);
    *at++ = ':';
    at = put(at, minutes % 60, 2);
  }
  return until(buffer, at);
}

std::optional<std::int32_t> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits_of(text.substr(0, 4));
  const auto month = digits_of(text.substr(5, 2));
  const auto day = digits_of(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  return day_number(*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day));
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  if (text.size() < 5 || text[2] != ':') return std::nullopt;
  const auto hour = digits_of(text.substr(0, 2));
  const auto minute = digits_of(text.substr(3, 2));
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  std::int64_t value = (*hour * std::int64_t{60} + *minute) * 60 * kNanosecondsPerSecond;
  text.remove_prefix(5);
  if (text.empty()) return value;
  if (text.size() < 3 || text.front() != ':') return std::nullopt;
  const auto second = digits_of(text.substr(1, 2));
  if (!second || *second > 59) return std::nullopt;
  value += *second * kNanosecondsPerSecond;
  text.remove_prefix(3);
  if (text.empty()) return value;
  if (text.size() < 2 || text.front() != '.') return std::nullopt;
  text.remove_prefix(1);
  std::int64_t unit = kNanosecondsPerSecond;
  for (const char c : text) {
    unit /= 10;
    if (!is_digit(c) || (unit == 0 && c != '0')) return std::nullopt;
    value += (c - '0') * unit;
  }
  return value;
}

std::optional<ParsedMoment> parse_moment(std::string_view text) {
  if (text.size() < 11 || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  const auto day = parse_date(text.substr(0, 10));
  std::string_view clock = text.substr(11);
  bool wrong = false;
  const auto offset = take_offset(clock, wrong);
  const auto time = parse_time(clock);
  if (!day || !time || wrong) return std::nullopt;
  return ParsedMoment{*day, *time, offset};
}

}  // namespace pulk
