// PostgreSQL's binary NUMERIC: base 10000 digits with a weight, turned into scaled 128-bit integers without text or
// floating point between (I5). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pulk::postgres {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

enum class NumericResult {
  exact,
  does_not_fit,  // too many digits before or after the point
  not_a_number,  // NaN, Infinity, -Infinity
  malformed,     // not a numeric
};

// 10^exponent, 0 <= exponent <= 38.
UInt128 power_of_ten(int exponent);

// value * 10^scale, when that is an integer below 10^precision.
NumericResult decode_numeric(const std::uint8_t* bytes, std::size_t size, int precision, int scale, Int128& out);

// value / 10^scale, with all digits of the scale: "-0.05".
std::string decimal_text(Int128 value, int scale);

// The value as PostgreSQL prints it; "?" when malformed. Values longer than a person reads are cut.
std::string numeric_text(const std::uint8_t* bytes, std::size_t size);

}  // namespace pulk::postgres
