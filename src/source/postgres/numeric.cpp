#include "source/postgres/numeric.h"

#include <array>

#include "source/postgres/wire.h"

namespace pulk::postgres {
namespace {

constexpr std::uint16_t sign_negative = 0x4000, sign_nan = 0xC000, sign_plus_inf = 0xD000, sign_minus_inf = 0xF000;
constexpr std::size_t header_bytes = 8;

constexpr std::array<UInt128, 39> make_powers() {
  std::array<UInt128, 39> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr std::array<UInt128, 39> powers_of_ten = make_powers();
constexpr std::array<std::uint32_t, 4> small_powers = {1, 10, 100, 1000};

// A constant divisor is a multiplication.
bool divide_exactly(std::uint64_t& value, int decimal_digits) {
  const std::uint64_t before = value;
  switch (decimal_digits) {
    case 1:
      value /= 10;
      return value * 10 == before;
    case 2:
      value /= 100;
      return value * 100 == before;
    default:
      value /= 1000;
      return value * 1000 == before;
  }
}

// Up to four groups, which is most values: all in 64 bits but the last step. False: not decided here.
bool decode_short(const std::uint8_t* digits, int count, int weight, int scale, UInt128& value) {
  std::uint64_t number = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint16_t group = read_u16(digits + 2 * i);
    if (group > 9999) return false;
    number = number * 10000 + group;
  }
  const int exponent = 4 * (weight - count + 1) + scale;
  if (exponent < 0) {
    if (exponent <= -4 || !divide_exactly(number, -exponent)) return false;
    value = number;
    return true;
  }
  if (exponent > 19) return false;
  value = number * powers_of_ten[static_cast<std::size_t>(exponent)];  // below 10^35
  return true;
}

}  // namespace

UInt128 power_of_ten(int exponent) { return powers_of_ten[static_cast<std::size_t>(exponent)]; }

NumericResult decode_numeric(const std::uint8_t* bytes, std::size_t size, int precision, int scale, Int128& out) {
  if (size < header_bytes) return NumericResult::malformed;
  int count = read_u16(bytes);
  const int weight = read_i16(bytes + 2);
  const std::uint16_t sign = read_u16(bytes + 4);
  if (size != header_bytes + 2 * static_cast<std::size_t>(count)) return NumericResult::malformed;
  if (sign != 0 && sign != sign_negative) {
    const bool special = sign == sign_nan || sign == sign_plus_inf || sign == sign_minus_inf;
    return special ? NumericResult::not_a_number : NumericResult::malformed;
  }
  const std::uint8_t* digits = bytes + header_bytes;
  if (UInt128 value = 0; count <= 4 && decode_short(digits, count, weight, scale, value)) {
    if (value >= power_of_ten(precision)) return NumericResult::does_not_fit;
    out = sign == sign_negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
    return NumericResult::exact;
  }
  for (int i = 0; i < count; ++i) {
    if (read_u16(digits + 2 * i) > 9999) return NumericResult::malformed;
  }
  while (count > 0 && read_u16(digits + 2 * (count - 1)) == 0) --count;
  int first = 0;
  while (first < count && read_u16(digits + 2 * first) == 0) ++first;
  if (first == count) {
    out = 0;
    return NumericResult::exact;
  }
  // 38 decimal digits lie in at most 11 groups of four.
  if (count - first > 11) return NumericResult::does_not_fit;

  // The integer made of all groups, times 10^exponent, is the scaled value.
  const int exponent = 4 * (weight - count + 1) + scale;
  int plain = count;
  int drop = 0;  // decimal digits of the last group that lie below the scale and must be zero
  if (exponent < 0) {
    if (exponent <= -4) return NumericResult::does_not_fit;
    drop = -exponent;
    plain = count - 1;
  }
  UInt128 value = 0;
  for (int i = first; i < plain; ++i) {
    if (__builtin_mul_overflow(value, UInt128{10000}, &value)) return NumericResult::does_not_fit;
    if (__builtin_add_overflow(value, UInt128{read_u16(digits + 2 * i)}, &value)) return NumericResult::does_not_fit;
  }
  if (drop > 0) {
    const std::uint32_t last = read_u16(digits + 2 * plain);
    const std::uint32_t divisor = small_powers[static_cast<std::size_t>(drop)];
    if (last % divisor != 0) return NumericResult::does_not_fit;
    if (__builtin_mul_overflow(value, UInt128{10000 / divisor}, &value)) return NumericResult::does_not_fit;
    if (__builtin_add_overflow(value, UInt128{last / divisor}, &value)) return NumericResult::does_not_fit;
  } else if (exponent > 0) {
    if (exponent > 38) return NumericResult::does_not_fit;
    if (__builtin_mul_overflow(value, power_of_ten(exponent), &value)) return NumericResult::does_not_fit;
  }
  if (value >= power_of_ten(precision)) return NumericResult::does_not_fit;
  out = sign == sign_negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
  return NumericResult::exact;
}

std::string decimal_text(Int128 value, int scale) {
  auto rest = value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
  std::string reversed;
  for (int digit = 0; rest != 0 || digit <= scale; ++digit) {
    if (digit == scale && scale > 0) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (value < 0) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

std::string numeric_text(const std::uint8_t* bytes, std::size_t size) {
  constexpr int readable = 60;
  if (size < header_bytes) return "?";
  const int count = read_u16(bytes);
  const int weight = read_i16(bytes + 2);
  const std::uint16_t sign = read_u16(bytes + 4);
  const int display_scale = read_u16(bytes + 6) & 0x3fff;
  if (size != header_bytes + 2 * static_cast<std::size_t>(count)) return "?";
  if (sign == sign_nan) return "NaN";
  if (sign == sign_plus_inf) return "Infinity";
  if (sign == sign_minus_inf) return "-Infinity";
  const auto group = [&](int index) {
    return index >= 0 && index < count ? read_u16(bytes + header_bytes + 2 * index) : 0;
  };
  const auto four = [](int value) {
    std::string text = std::to_string(value);
    return text.size() < 4 ? std::string(4 - text.size(), '0') + text : text;
  };

  std::string whole;
  for (int i = 0; i <= weight && whole.size() <= readable; ++i)
    whole += i == 0 ? std::to_string(group(i)) : four(group(i));
  if (whole.empty()) whole = "0";
  std::string text = (sign == sign_negative ? "-" : "") + whole;
  if (whole.size() > readable) return text.substr(0, readable) + "...";
  std::string fraction;
  for (int i = weight + 1; static_cast<int>(fraction.size()) < display_scale && fraction.size() <= readable; ++i) {
    fraction += i < 0 ? "0000" : four(group(i));
  }
  if (static_cast<int>(fraction.size()) > display_scale) fraction.resize(static_cast<std::size_t>(display_scale));
  if (!fraction.empty()) text += "." + fraction;
  return fraction.size() > readable ? text + "..." : text;
}

}  // namespace pulk::postgres
