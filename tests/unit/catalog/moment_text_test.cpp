// Moments as text: at both ends of the years, and what is no moment.
#include "catalog/moment_text.h"

#include <gtest/gtest.h>

#include <string>

namespace pulk {
namespace {

TEST(MomentText, WhatIsWritten) {
  MomentBuffer buffer{};
  EXPECT_EQ(write_time(buffer, 0, 7), "00:00:00.0000000");
  EXPECT_EQ(write_time(buffer, 86'399'999'999'999, 9), "23:59:59.999999999");
  EXPECT_EQ(write_time(buffer, 45'296'120'000'000, 7), "12:34:56.1200000");
  EXPECT_EQ(write_time(buffer, 45'296'000'000'000, 0), "12:34:56");
  EXPECT_EQ(write_moment(buffer, {1, 1, 1, 100, {}}, 7), "0001-01-01 00:00:00.0000001");
  EXPECT_EQ(write_moment(buffer, {9999, 12, 31, 86'399'999'999'900, {}}, 7), "9999-12-31 23:59:59.9999999");
  EXPECT_EQ(write_moment(buffer, {2024, 2, 29, 1, 330}, 9), "2024-02-29 00:00:00.000000001 +05:30");
  EXPECT_EQ(write_moment(buffer, {2024, 2, 29, 0, -(14 * 60)}, 7), "2024-02-29 00:00:00.0000000 -14:00");
  EXPECT_EQ(write_moment(buffer, {2024, 2, 29, 0, -5}, 8), "2024-02-29 00:00:00.00000000 -00:05");
}

// Days since 1970 by another calendar's arithmetic: Python's date.toordinal() - 719163.
TEST(MomentText, WhatIsRead) {
  const auto first = parse_moment("0001-01-01 00:00:00.0000001");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->day, -719162);
  EXPECT_EQ(first->nanoseconds, 100);
  EXPECT_FALSE(first->offset_minutes);
  const auto last = parse_moment("9999-12-31T23:59:59.999999999 -12:00");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->day, 2932896);
  EXPECT_EQ(last->nanoseconds, 86'399'999'999'999);
  EXPECT_EQ(last->offset_minutes, -720);
  for (const char* text : {"2024-02-29 12:34:56 +05:30", "2024-02-29 12:34:56+05:30", "2024-02-29 12:34:56+0530"})
    EXPECT_EQ(parse_moment(text)->offset_minutes, 330) << text;
  EXPECT_EQ(parse_moment("2024-02-29 12:34Z")->offset_minutes, 0);
  EXPECT_EQ(parse_moment("2024-02-29 12:34:56+05")->offset_minutes, 300);
  EXPECT_EQ(parse_time("12:34:56.1234567890"), 45'296'123'456'789);
  for (const char* wrong : {"", "2024-02-29", "2023-02-29 00:00:00", "2024-02-29 24:00:00", "2024-02-29 00:60:00",
                            "2024-02-29 00:00:60", "2024-02-29 00:00:00.", "2024-02-29 00:00:00.1234567891",
                            "2024-02-29 00:00:00 +5", "2024-02-29 00:00:00 +16:00", "2024-02-29 00:00:00 +05:60",
                            "2024-02-29 00:00:00 +05:3", "2024-02-29 00:00:00 05:30", "24-02-29 00:00:00",
                            "2024-02-29 00:00:00+", "2024-02-29  00:00:00", "2024-02-29 00:00:00 +05:30x"})
    EXPECT_FALSE(parse_moment(wrong)) << wrong;
}

}  // namespace
}  // namespace pulk
