#include <gtest/gtest.h>

#include "warehouse/snowflake/snowflake_type.h"

namespace pulk::snowflake {
namespace {

std::string expression(const char* type) { return read_expression(*parse_type(type), "a\"b"); }

TEST(SnowflakeStored, WhatValuesMean) {
  EXPECT_EQ(stored_type(*parse_type("NUMBER(38,20)")).meaning, Meaning::number);
  EXPECT_EQ(stored_type(*parse_type("NUMBER(38,20)")).scale, 20);
  EXPECT_EQ(stored_type(*parse_type("FLOAT")).meaning, Meaning::real);
  EXPECT_EQ(stored_type(*parse_type("TIMESTAMP_LTZ(3)")).meaning, Meaning::moment);
  for (const char* type : {"VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY"})
    EXPECT_EQ(stored_type(*parse_type(type)).meaning, Meaning::presence) << type;
}

TEST(SnowflakeStored, HowValuesAreRead) {
  EXPECT_EQ(expression("VARCHAR"), "\"a\"\"b\"");
  EXPECT_EQ(expression("TIMESTAMP_TZ(9)"),
            "DATE_PART(EPOCH_SECOND, DATE_TRUNC(SECOND, \"a\"\"b\")) * 1000000000 + DATE_PART(NANOSECOND, \"a\"\"b\")");
  EXPECT_EQ(expression("TIME(7)"), "\"a\"\"b\"::TIME(9)");
  EXPECT_EQ(expression("VARIANT"), "IFF(\"a\"\"b\" IS NULL, NULL, 1)");
}

}  // namespace
}  // namespace pulk::snowflake
