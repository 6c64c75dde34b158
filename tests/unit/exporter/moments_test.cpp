#include "exporter/moments.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/exporter/arrays.h"

namespace pulk {
namespace {

using namespace test;

std::vector<std::string> as_text(const ArrayPtr& array) {
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < array->length(); ++i)
    all.push_back(array->IsNull(i) ? "NULL" : array->GetScalar(i).ValueOrDie()->ToString());
  return all;
}

// Seconds of 0001-01-01 and 9999-12-31 23:59:59, by Python's datetime.
const std::string kFirst = "-62135596800", kLast = "253402300799";

TEST(Moments, OfEveryYearAsMicroseconds) {
  const auto field = moment_field("T", false, true);
  EXPECT_TRUE(field->type()->Equals(arrow::timestamp(arrow::TimeUnit::MICRO)));
  const auto made = moments_of(*decimals(38, 0, {kFirst + "000000000", kLast + "999999000", "-1000", std::nullopt}),
                               *field, ' ', "T1");
  const auto& values = static_cast<const arrow::TimestampArray&>(*made);
  EXPECT_EQ(values.Value(0), -62135596800000000);
  EXPECT_EQ(values.Value(1), 253402300799999999);
  EXPECT_EQ(values.Value(2), -1);
  EXPECT_TRUE(values.IsNull(3));
  EXPECT_TRUE(moment_field("T", true, true)->type()->Equals(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")));
}

TEST(Moments, ADigitThatMicrosecondsHaveNotIsRefusedByName) {
  try {
    moments_of(*integers({1000, -1}), *moment_field("T", false, true), ' ', "T1");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_EQ(error.subject(), "T1, column T");
    EXPECT_NE(error.message().find("1969-12-31 23:59:59.999999999"), std::string::npos) << error.what();
  }
}

TEST(Moments, AsTextWithAllDigits) {
  EXPECT_EQ(as_text(moments_of(*decimals(38, 0, {kFirst + "000000000", kLast + "999999999", "-1", "0", std::nullopt}),
                               *moment_field("T", false, false), ' ', "T1")),
            (std::vector<std::string>{"0001-01-01 00:00:00.000000000", "9999-12-31 23:59:59.999999999",
                                      "1969-12-31 23:59:59.999999999", "1970-01-01 00:00:00.000000000", "NULL"}));
  EXPECT_EQ(as_text(moments_of(*integers({1'795'197'602'424'560'000}), *moment_field("T", true, false), 'T', "T1")),
            (std::vector<std::string>{"2026-11-20T18:00:02.424560000+00:00"}));
}

}  // namespace
}  // namespace pulk
