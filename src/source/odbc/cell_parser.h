// Values out of their text, strictly: what is not wholly and exactly the value is nothing. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pulk::odbc {

__extension__ typedef __int128 Int128;

std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<bool> parse_zero_or_one(std::string_view text);
// Decimal notation, "Inf", "-Inf"; the nearest double.
std::optional<double> parse_real(std::string_view text);
// The shortest decimal text, without exponent, that gives this finite double again.
std::string shortest_fixed(double value);
// "-12.30": digits with at most one point, no exponent.
bool is_decimal_text(std::string_view text);
// The value times 10^scale; nothing when digits other than 0 would be lost or more than `precision` are left.
std::optional<Int128> parse_decimal(std::string_view text, int precision, int scale);

// As in catalog/moment_text.h, in microseconds: since midnight, since 1970-01-01 00:00. Nothing for finer values, and for
// moments with an offset.
std::optional<std::int64_t> parse_time(std::string_view text);
std::optional<std::int64_t> parse_timestamp(std::string_view text);

// SQLWCHARs in the machine's order, which ODBC means to be UTF-16; nothing when a surrogate stands alone.
std::optional<std::string> to_utf8(std::string_view utf16);
// The same into `out`, which has room for most_utf8() bytes; how many it took.
std::optional<std::size_t> to_utf8(std::string_view utf16, char* out);
inline std::size_t most_utf8(std::string_view utf16) { return utf16.size() / 2 * 3; }
// Nothing for what is no UTF-8.
std::optional<std::u16string> to_utf16(std::string_view utf8);

}  // namespace pulk::odbc
