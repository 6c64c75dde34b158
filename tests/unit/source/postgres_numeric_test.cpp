#include <gtest/gtest.h>

#include <random>

#include "source/postgres/numeric.h"
#include "source/postgres/temporal.h"
#include "unit/source/postgres_wire_values.h"

namespace pulk::postgres {
namespace {

using test::wire_numeric;

constexpr int plus = 0, minus = 0x4000, nan = 0xC000, plus_inf = 0xD000, minus_inf = 0xF000;

const std::uint8_t* bytes_of(const std::string& text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

std::string digits_of(Int128 value) {
  const bool negative = value < 0;
  std::string text;
  do {
    const int digit = static_cast<int>(value % 10);
    text.insert(text.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    value /= 10;
  } while (value != 0);
  return (negative ? "-" : "") + text;
}

std::string decoded(const std::string& wire, int precision, int scale) {
  Int128 value = 0;
  switch (decode_numeric(bytes_of(wire), wire.size(), precision, scale, value)) {
    case NumericResult::exact:
      return digits_of(value);
    case NumericResult::does_not_fit:
      return "does not fit";
    case NumericResult::not_a_number:
      return "not a number";
    case NumericResult::malformed:
      return "malformed";
  }
  return "";
}

TEST(PostgresNumeric, Values) {
  EXPECT_EQ(decoded(wire_numeric({}, 0, plus, 0), 10, 2), "0");
  EXPECT_EQ(decoded(wire_numeric({1}, 0, plus, 0), 10, 2), "100");
  EXPECT_EQ(decoded(wire_numeric({1}, 0, minus, 0), 10, 0), "-1");
  EXPECT_EQ(decoded(wire_numeric({1, 2345, 6700}, 1, plus, 2), 15, 2), "1234567");
  EXPECT_EQ(decoded(wire_numeric({100}, -1, plus, 2), 15, 2), "1");               // 0.01
  EXPECT_EQ(decoded(wire_numeric({1}, -2, plus, 8), 15, 8), "1");                 // 1e-8
  EXPECT_EQ(decoded(wire_numeric({1}, 2, plus, 0), 15, 2), "10000000000");        // 1e8
  EXPECT_EQ(decoded(wire_numeric({1, 0, 0}, 2, plus, 0), 15, 2), "10000000000");  // zeros that are written out
  EXPECT_EQ(decoded(wire_numeric({0, 0, 5}, 2, plus, 0), 15, 0), "5");
  const std::vector<int> all_nines = {99, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999};
  EXPECT_EQ(decoded(wire_numeric(all_nines, 9, plus, 0), 38, 0), std::string(38, '9'));
  EXPECT_EQ(decoded(wire_numeric(all_nines, 9, minus, 0), 38, 0), "-" + std::string(38, '9'));
  // 38 digits behind the point need a group that is cut in the middle.
  EXPECT_EQ(decoded(wire_numeric({9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9900}, -1, plus, 38), 38, 38),
            std::string(38, '9'));
  EXPECT_EQ(decoded(wire_numeric({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 5, plus, 20), 38, 16), "does not fit");
}

TEST(PostgresNumeric, WhatDoesNotFitIsNotRounded) {
  EXPECT_EQ(decoded(wire_numeric({1, 5550}, 0, plus, 3), 5, 2), "does not fit");
  EXPECT_EQ(decoded(wire_numeric({1, 5500}, 0, plus, 3), 5, 2), "155");
  EXPECT_EQ(decoded(wire_numeric({1000}, 0, plus, 0), 5, 2), "does not fit");
  EXPECT_EQ(decoded(wire_numeric({999}, 0, plus, 0), 5, 2), "99900");
  EXPECT_EQ(decoded(wire_numeric({1}, -10, plus, 40), 38, 38), "does not fit");
  EXPECT_EQ(decoded(wire_numeric({1}, 32767, plus, 0), 38, 0), "does not fit");
  EXPECT_EQ(decoded(wire_numeric({1}, -32768, plus, 0), 38, 0), "does not fit");
  EXPECT_EQ(
      decoded(wire_numeric({9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999}, 10, plus, 0), 38, 0),
      "does not fit");
  for (const int sign : {nan, plus_inf, minus_inf}) {
    EXPECT_EQ(decoded(wire_numeric({}, 0, sign, 0), 10, 2), "not a number");
  }
}

TEST(PostgresNumeric, Malformed) {
  EXPECT_EQ(decoded("", 10, 2), "malformed");
  EXPECT_EQ(decoded("1234567", 10, 2), "malformed");
  EXPECT_EQ(decoded(wire_numeric({1, 2}, 0, plus, 0).substr(0, 10), 10, 2), "malformed");
  EXPECT_EQ(decoded(wire_numeric({10000}, 0, plus, 0), 10, 2), "malformed");
  EXPECT_EQ(decoded(wire_numeric({1}, 0, 0x1234, 0), 10, 2), "malformed");
  std::mt19937 random(7);
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (bytes.size() >= 8) {
      bytes[0] = 0;
      bytes[1] = static_cast<char>((bytes.size() - 8) / 2);
      if (i % 2 == 0) bytes[4] = bytes[5] = 0;
    }
    decoded(bytes, 1 + i % 38, i % 38 % (1 + i % 38));
    numeric_text(bytes_of(bytes), bytes.size());
  }
}

TEST(PostgresNumeric, TextForMessages) {
  const auto text = [](const std::string& wire) { return numeric_text(bytes_of(wire), wire.size()); };
  EXPECT_EQ(text(wire_numeric({1, 2345, 6700}, 1, minus, 2)), "-12345.67");
  EXPECT_EQ(text(wire_numeric({100}, -1, plus, 3)), "0.010");
  EXPECT_EQ(text(wire_numeric({1}, -2, plus, 8)), "0.00000001");
  EXPECT_EQ(text(wire_numeric({}, 0, plus, 2)), "0.00");
  EXPECT_EQ(text(wire_numeric({1}, 1, plus, 0)), "10000");
  EXPECT_EQ(text(wire_numeric({}, 0, nan, 0)), "NaN");
  EXPECT_EQ(text(wire_numeric({}, 0, minus_inf, 0)), "-Infinity");
  EXPECT_LT(text(wire_numeric({1}, 32767, plus, 0)).size(), 80u);
}

TEST(PostgresTemporal, TextForMessages) {
  EXPECT_EQ(date_text(0), "2000-01-01");
  EXPECT_EQ(date_text(-730119), "0001-01-01");
  EXPECT_EQ(date_text(-730120), "0001-12-31 BC");
  EXPECT_EQ(date_text(8825), "2024-02-29");
  EXPECT_EQ(date_text(2145031948), "5874897-12-31");
  EXPECT_EQ(date_text(2147483647), "infinity");
  EXPECT_EQ(timestamp_text(-1), "1999-12-31 23:59:59.999999");
  EXPECT_EQ(timestamp_text(9223371331199999999), "294276-12-31 23:59:59.999999");
  EXPECT_EQ(time_text(micros_per_day), "24:00:00");
}

}  // namespace
}  // namespace pulk::postgres
