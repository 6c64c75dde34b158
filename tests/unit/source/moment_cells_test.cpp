// Cells of moments at the ends of what each carrier holds; numbers by Python's datetime and by hand.
#include "source/odbc/moment_cells.h"

#include <gtest/gtest.h>
#include <sql.h>
#include <sqlext.h>

#include <cstring>
#include <limits>
#include <string>

namespace pulk::odbc {
namespace {

ColumnPlan column(TypeKind kind, int digits, CarrierKind carrier) {
  ColumnPlan plan;
  plan.logical = {kind, digits, 0, 0};
  plan.carrier = {carrier, 0, 0};
  return plan;
}

Cell cell_of(const SQL_TIMESTAMP_STRUCT& value) {
  return {{reinterpret_cast<const char*>(&value), sizeof value}, sizeof value, false};
}

Cell cell_of(std::string_view text) { return {text, text.size(), false}; }

std::string as_text(const SQL_TIMESTAMP_STRUCT& value, int digits) {
  MomentBuffer buffer{};
  std::string_view text;
  const ColumnPlan plan = column(TypeKind::timestamp, digits, CarrierKind::utf8);
  const std::string_view why = take_timestamp_struct_text(cell_of(value), plan, buffer, text);
  return std::string(why.empty() ? text : why);
}

// The value, or why not.
template <auto Take>
std::string number(const Cell& cell, TypeKind kind, int digits, CarrierKind carrier) {
  std::int64_t value = 0;
  const std::string_view why = Take(cell, column(kind, digits, carrier), value);
  return why.empty() ? std::to_string(value) : std::string(why);
}

TEST(MomentCells, Text) {
  EXPECT_EQ(as_text({1, 1, 1, 0, 0, 0, 100}, 7), "0001-01-01 00:00:00.0000001");
  EXPECT_EQ(as_text({9999, 12, 31, 23, 59, 59, 999999900}, 7), "9999-12-31 23:59:59.9999999");
  EXPECT_EQ(as_text({9999, 12, 31, 23, 59, 59, 999999999}, 9), "9999-12-31 23:59:59.999999999");
  EXPECT_EQ(as_text({2024, 2, 29, 12, 0, 0, 0}, 8), "2024-02-29 12:00:00.00000000");
  EXPECT_EQ(as_text({2024, 2, 29, 12, 0, 0, 10}, 7), "has more digits of a second than the column was described with");
  EXPECT_EQ(as_text({0, 1, 1, 0, 0, 0, 0}, 7), "is outside of the years 1 to 9999");
  EXPECT_EQ(as_text({-44, 3, 15, 0, 0, 0, 0}, 7), "is outside of the years 1 to 9999");
  EXPECT_EQ(as_text({10000, 1, 1, 0, 0, 0, 0}, 7), "is outside of the years 1 to 9999");
  EXPECT_EQ(as_text({2023, 2, 29, 0, 0, 0, 0}, 7), "is no date and time of the calendar");
  EXPECT_EQ(as_text({2024, 2, 29, 0, 0, 0, 1'000'000'000}, 9), "is no date and time of the calendar");
}

TEST(MomentCells, Nanoseconds) {
  const auto ns = [](const SQL_TIMESTAMP_STRUCT& value) {
    return number<take_timestamp_struct_ns>(cell_of(value), TypeKind::timestamp, 9, CarrierKind::timestamp_ns);
  };
  EXPECT_EQ(ns({1970, 1, 1, 0, 0, 0, 0}), "0");
  EXPECT_EQ(ns({1969, 12, 31, 23, 59, 59, 999999999}), "-1");
  EXPECT_EQ(ns({1969, 12, 31, 0, 0, 0, 0}), "-86400000000000");
  EXPECT_EQ(ns({2262, 4, 11, 23, 47, 16, 854775807}), "9223372036854775807");
  EXPECT_EQ(ns({1677, 9, 21, 0, 12, 43, 145224192}), "-9223372036854775808");
  const std::string outside = "is outside of the years 1677 to 2262, which nanoseconds in 64 bits end with";
  EXPECT_EQ(ns({2262, 4, 11, 23, 47, 16, 854775808}), outside);
  EXPECT_EQ(ns({1677, 9, 21, 0, 12, 43, 145224191}), outside);
  EXPECT_EQ(ns({1, 1, 1, 0, 0, 0, 0}), outside);
  EXPECT_EQ(ns({9999, 12, 31, 0, 0, 0, 0}), outside);
}

TEST(MomentCells, Microseconds) {
  const auto us = [](const SQL_TIMESTAMP_STRUCT& value, int digits) {
    return number<take_timestamp_struct>(cell_of(value), TypeKind::timestamp, digits, CarrierKind::timestamp_us);
  };
  EXPECT_EQ(us({1, 1, 1, 0, 0, 0, 0}, 6), "-62135596800000000");
  EXPECT_EQ(us({9999, 12, 31, 23, 59, 59, 999999000}, 6), "253402300799999999");
  EXPECT_EQ(us({2024, 2, 29, 0, 0, 0, 100}, 6), "has more digits of a second than its type in the target");
  EXPECT_EQ(us({2024, 2, 29, 0, 0, 0, 100}, 9), "has more digits of a second than its type in the target");
  EXPECT_EQ(us({1970, 1, 1, 0, 0, 0, 120000000}, 3), "120000");
  EXPECT_EQ(us({1970, 1, 1, 0, 0, 0, 120100000}, 3), "has more digits of a second than the column was described with");
}

TEST(MomentCells, Times) {
  const auto ns = [](std::string_view text, int digits) {
    return number<take_time_ns>(cell_of(text), TypeKind::time, digits, CarrierKind::time64_ns);
  };
  EXPECT_EQ(ns("23:59:59.999999999", 9), "86399999999999");
  EXPECT_EQ(ns("00:00:00.0000001", 7), "100");
  EXPECT_EQ(ns("00:00:00.00000001", 7), "has more digits of a second than the column was described with");
  EXPECT_EQ(ns("24:00:00", 7), "is no time of a day");
  MomentBuffer buffer{};
  std::string_view text;
  EXPECT_EQ(take_time_text(cell_of("12:34:56.5"), column(TypeKind::time, 7, CarrierKind::utf8), buffer, text), "");
  EXPECT_EQ(text, "12:34:56.5000000");
  const auto us = number<take_time>(cell_of("12:34:56.1234567"), TypeKind::time, 9, CarrierKind::time64_us);
  EXPECT_EQ(us, "is no time of a day");
}

}  // namespace
}  // namespace pulk::odbc
