#include "source/odbc/cell_parser.h"

#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/strings.h"
#include "catalog/moment_text.h"

namespace pulk::odbc {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_zero_or_one(std::string_view text) {
  if (text == "0") return false;
  if (text == "1") return true;
  return std::nullopt;
}

std::optional<double> parse_real(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "Inf") return kInfinity;
  if (text == "-Inf") return -kInfinity;
  // from_chars also takes "nan" and "infinity".
  const std::string_view unsigned_part = text.starts_with('-') ? text.substr(1) : text;
  if (unsigned_part.empty() || !is_digit(unsigned_part.front())) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string shortest_fixed(double value) {
  // The library's fixed notation writes large numbers with all digits of the double; the shortest ones are those of the
  // scientific notation: "-1.25e+20".
  std::array<char, 40> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  if (error != std::errc()) return "";
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  std::string fixed;
  if (text.starts_with('-')) {
    fixed = "-";
    text.remove_prefix(1);
  }
  const auto e = text.find('e');
  std::string all(text.substr(0, 1));
  if (e > 2) all += text.substr(2, e - 2);
  int exponent = 0;
  const bool plus = text[e + 1] == '+';
  std::from_chars(text.data() + e + (plus ? 2 : 1), text.data() + text.size(), exponent);
  const int whole = exponent + 1;  // digits before the point
  if (whole <= 0) return fixed + "0." + std::string(static_cast<std::size_t>(-whole), '0') + all;
  const auto before = static_cast<std::size_t>(whole);
  if (all.size() <= before) return fixed + all + std::string(before - all.size(), '0');
  return fixed + all.substr(0, before) + "." + all.substr(before);
}

bool is_decimal_text(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  bool point = false;
  bool digit_before = false;
  bool digit_last = false;
  for (const char c : text) {
    if (c == '.') {
      if (point || !digit_before) return false;
      point = true;
      digit_last = false;
    } else if (is_digit(c)) {
      digit_before = digit_before || !point;
      digit_last = true;
    } else {
      return false;
    }
  }
  return digit_last;
}

std::optional<Int128> parse_decimal(std::string_view text, int precision, int scale) {
  if (!is_decimal_text(text)) return std::nullopt;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  while (fraction.size() > static_cast<std::size_t>(scale)) {
    if (fraction.back() != '0') return std::nullopt;
    fraction.remove_suffix(1);
  }
  Int128 value = 0;
  int used = 0;
  const auto push = [&](char c) {
    if (value != 0 || c != '0') ++used;
    if (used > precision) return false;
    value = value * 10 + (c - '0');
    return true;
  };
  for (const char c : whole) {
    if (!push(c)) return std::nullopt;
  }
  for (int i = 0; i < scale; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!push(at < fraction.size() ? fraction[at] : '0')) return std::nullopt;
  }
  return negative ? -value : value;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  const auto nanoseconds = pulk::parse_time(text);
  if (!nanoseconds || *nanoseconds % 1000 != 0) return std::nullopt;
  return *nanoseconds / 1000;
}

std::optional<std::size_t> to_utf8(std::string_view utf16, char* out) {
  // Four units at a time as long as they are ASCII.
  constexpr std::uint64_t kBeyondAscii = 0xFF80'FF80'FF80'FF80;
  char* to = out;
  const auto unit = [&](std::size_t at) {
    char16_t value = 0;
    std::memcpy(&value, utf16.data() + at, sizeof value);
    return static_cast<std::uint32_t>(value);
  };
  for (std::size_t at = 0; at + 1 < utf16.size();) {
    while (at + 8 <= utf16.size()) {
      std::uint64_t four = 0;
      std::memcpy(&four, utf16.data() + at, sizeof four);
      if ((four & kBeyondAscii) != 0) break;
      for (int i = 0; i < 4; ++i) *to++ = static_cast<char>(four >> static_cast<unsigned>(16 * i));
      at += 8;
    }
    if (at + 1 >= utf16.size()) break;
    std::uint32_t code = unit(at);
    at += 2;
    if (code >= 0xDC00 && code < 0xE000) return std::nullopt;
    if (code >= 0xD800 && code < 0xDC00) {
      const std::uint32_t low = at + 1 < utf16.size() ? unit(at) : 0;
      if (low < 0xDC00 || low >= 0xE000) return std::nullopt;
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      at += 2;
    }
    const auto tail = [&](unsigned shift) { *to++ = static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
    if (code < 0x80) {
      *to++ = static_cast<char>(code);
    } else if (code < 0x800) {
      *to++ = static_cast<char>(0xC0U | (code >> 6U));
      tail(0);
    } else if (code < 0x10000) {
      *to++ = static_cast<char>(0xE0U | (code >> 12U));
      tail(6);
      tail(0);
    } else {
      *to++ = static_cast<char>(0xF0U | (code >> 18U));
      tail(12);
      tail(6);
      tail(0);
    }
  }
  return static_cast<std::size_t>(to - out);
}

std::optional<std::string> to_utf8(std::string_view utf16) {
  std::string out(most_utf8(utf16), '\0');
  const auto size = to_utf8(utf16, out.data());
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

std::optional<std::u16string> to_utf16(std::string_view utf8) {
  if (!valid_utf8(utf8)) return std::nullopt;
  std::u16string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto first = static_cast<unsigned char>(utf8[at]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = length == 1 ? first : first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) code = code << 6U | (static_cast<unsigned char>(utf8[at + i]) & 0x3FU);
    at += length;
    if (code < 0x10000) {
      out += static_cast<char16_t>(code);
    } else {
      out += static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10U));
      out += static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FFU));
    }
  }
  return out;
}

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  const auto moment = parse_moment(text);
  if (!moment || moment->offset_minutes || moment->nanoseconds % 1000 != 0) return std::nullopt;
  return moment->day * (kNanosecondsPerDay / 1000) + moment->nanoseconds / 1000;
}

}  // namespace pulk::odbc
