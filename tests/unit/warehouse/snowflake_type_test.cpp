// Which types Snowflake's columns get, what they are given, and what is refused.
#include "warehouse/snowflake/snowflake_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pulk::snowflake {
namespace {

using testing::HasSubstr;

TypeChoice choose(const LogicalType& logical, const std::string& mapped = "", const std::string& deployed = "") {
  return choose_type(logical, "A \"B", mapped, deployed);
}

// A cast without a length: the column's own refuses what is too long.
std::string without_length(const std::string& type) {
  return type.starts_with("VARCHAR") || type.starts_with("BINARY") ? type.substr(0, type.find('(')) : type;
}

TEST(SnowflakeType, Natural) {
  const std::vector<std::tuple<LogicalType, std::string, std::string>> cases = {
      {{TypeKind::boolean}, "BOOLEAN", "boolean"},
      {{TypeKind::int16}, "NUMBER(5,0)", "int16"},
      {{TypeKind::int32}, "NUMBER(10,0)", "int32"},
      {{TypeKind::int64}, "NUMBER(19,0)", "int64"},
      {{TypeKind::float32}, "FLOAT", "float32"},
      {{TypeKind::float64}, "FLOAT", "float64"},
      {{TypeKind::decimal, 38, 10}, "NUMBER(38,10)", "decimal128(38,10)"},
      {{TypeKind::decimal, 38, 37}, "NUMBER(38,37)", "decimal128(38,37)"},
      {{TypeKind::decimal, 38, 38}, "VARCHAR(16777216)", "utf8"},
      {{TypeKind::decimal}, "VARCHAR(16777216)", "utf8"},
      {{TypeKind::text, 0, 0, 10}, "VARCHAR(10)", "utf8"},
      {{TypeKind::text}, "VARCHAR(16777216)", "utf8"},
      {{TypeKind::bytes}, "BINARY(8388608)", "binary"},
      {{TypeKind::date}, "DATE", "date32"},
      {{TypeKind::time, 6}, "TIME(6)", "time64_us"},
      {{TypeKind::timestamp, 3}, "TIMESTAMP_NTZ(3)", "timestamp_us"},
      {{TypeKind::timestamp_tz, 6}, "TIMESTAMP_TZ(6)", "timestamp_us_utc"},
      {{TypeKind::uuid}, "VARCHAR(36)", "utf8"},
      {{TypeKind::json}, "VARCHAR(16777216)", "utf8"},
  };
  for (const auto& [logical, type, carrier] : cases) {
    SCOPED_TRACE(pulk::to_string(logical));
    const TypeChoice choice = choose(logical);
    EXPECT_EQ(choice.target_type, type);
    EXPECT_EQ(pulk::to_string(choice.carrier), carrier);
    EXPECT_EQ(choice.refusal, "");
    EXPECT_EQ(choice.load_expression, "$1:\"A \"\"B\"::" + without_length(type));
  }
}

TEST(SnowflakeType, SpellingsOfPeopleAndOfDescTable) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"int", "NUMBER(38,0)"},
      {"decimal(10, 2)", "NUMBER(10,2)"},
      {"number(5)", "NUMBER(5,0)"},
      {"text", "VARCHAR(16777216)"},
      {"char", "VARCHAR(1)"},
      {"string(7)", "VARCHAR(7)"},
      {"double precision", "FLOAT"},
      {"varbinary", "BINARY(8388608)"},
      {"datetime", "TIMESTAMP_NTZ(9)"},
      {"timestamp_ltz(3)", "TIMESTAMP_LTZ(3)"},
      {"timestamp(6) with time zone", "TIMESTAMP_TZ(6)"},
      {"variant", "VARIANT"},
  };
  for (const auto& [written, canonical] : cases) {
    const auto type = parse_type(written);
    ASSERT_TRUE(type) << written;
    EXPECT_EQ(to_string(*type), canonical);
  }
  for (const char* wrong : {"NUMBER(39)", "NUMBER(38,38)", "NUMBER(5,6)", "INT(4)", "VARCHAR(0)", "TIME(10)", "DATE(1)",
                            "MONEY", "VECTOR(FLOAT, 3)", "NUMBER(5", ""})
    EXPECT_FALSE(parse_type(wrong)) << wrong;
}

TEST(SnowflakeType, MappingsThatLoseSomethingAreRefused) {
  const std::vector<std::tuple<LogicalType, std::string, std::string>> cases = {
      {{TypeKind::int64}, "NUMBER(10,0)", "outside its range"},
      {{TypeKind::int64}, "FLOAT", "rounded"},
      {{TypeKind::decimal, 10, 2}, "FLOAT", "rounded"},
      {{TypeKind::text}, "VARCHAR(10)", "longer than"},
      {{TypeKind::timestamp, 6}, "TIMESTAMP_NTZ(3)", "cut off"},
      {{TypeKind::timestamp, 6}, "TIMESTAMP_LTZ(6)", "instant"},
      {{TypeKind::timestamp_tz, 6}, "TIMESTAMP_NTZ(6)", "wall clock"},
      {{TypeKind::time, 6}, "TIME(0)", "cut off"},
      {{TypeKind::text}, "VARIANT", "JSON"},
      {{TypeKind::int32}, "MONEY", "none that Snowflake"},
  };
  for (const auto& [logical, mapped, why] : cases) {
    const TypeChoice choice = choose(logical, mapped);
    EXPECT_THAT(choice.refusal, HasSubstr(why)) << pulk::to_string(logical) << " to " << mapped;
    EXPECT_NE(choice.hint, "");
  }
}

TEST(SnowflakeType, DocumentsAndShapesWhereTheyAreAskedFor) {
  EXPECT_EQ(choose({TypeKind::json}, "VARIANT").load_expression, "PARSE_JSON($1:\"A \"\"B\"::VARCHAR)::VARIANT");
  EXPECT_THAT(choose({TypeKind::json}, "VARIANT").note, HasSubstr("order of keys"));
  EXPECT_EQ(choose({TypeKind::text}, "GEOGRAPHY").load_expression, "TO_GEOGRAPHY($1:\"A \"\"B\"::VARCHAR)");
}

TEST(SnowflakeType, WhatIsDeployedDecides) {
  EXPECT_EQ(choose({TypeKind::int32}, "VARCHAR", "NUMBER(38,0)").target_type, "NUMBER(38,0)");
  EXPECT_EQ(choose({TypeKind::int64}, "", "NUMBER(5,0)").refusal, "");
  EXPECT_EQ(pulk::to_string(choose({TypeKind::decimal, 0, 0}, "", "NUMBER(12,3)").carrier), "decimal128(12,3)");
  EXPECT_THAT(choose({TypeKind::timestamp, 6}, "", "TIMESTAMP_NTZ(0)").refusal, HasSubstr("TIMESTAMP_NTZ(0)"));
  EXPECT_THAT(choose({TypeKind::int32}, "", "VECTOR(FLOAT, 3)").refusal, HasSubstr("VECTOR"));
}

TEST(SnowflakeType, MomentsWithMoreThanSixDigits) {
  const std::string value = "($1:\"A \"\"B\"::VARCHAR, '";
  const std::vector<std::tuple<LogicalType, std::string, std::string, std::string>> cases = {
      {{TypeKind::time, 7}, "", "TIME(7)", "TO_TIME" + value + "HH24:MI:SS.FF9')"},
      {{TypeKind::timestamp, 7}, "", "TIMESTAMP_NTZ(7)", "TO_TIMESTAMP_NTZ" + value + "YYYY-MM-DD HH24:MI:SS.FF9')"},
      {{TypeKind::timestamp, 9}, "", "TIMESTAMP_NTZ(9)", "TO_TIMESTAMP_NTZ" + value + "YYYY-MM-DD HH24:MI:SS.FF9')"},
      {{TypeKind::timestamp_tz, 7}, "", "TIMESTAMP_TZ(7)",
       "TO_TIMESTAMP_TZ" + value + "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')"},
      {{TypeKind::timestamp_tz, 7}, "TIMESTAMP_LTZ", "TIMESTAMP_LTZ(9)",
       "TO_TIMESTAMP_LTZ" + value + "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')"},
      {{TypeKind::timestamp, 7}, "VARCHAR", "VARCHAR(16777216)", "$1:\"A \"\"B\"::VARCHAR"},
  };
  for (const auto& [logical, mapped, type, expression] : cases) {
    SCOPED_TRACE(pulk::to_string(logical) + " to " + type);
    const TypeChoice choice = choose(logical, mapped);
    EXPECT_EQ(choice.target_type, type);
    EXPECT_EQ(pulk::to_string(choice.carrier), "utf8");
    EXPECT_EQ(choice.load_expression, expression);
  }
  EXPECT_THAT(choose({TypeKind::timestamp, 9}, "TIMESTAMP_NTZ(7)").refusal, HasSubstr("cut off"));
  EXPECT_THAT(choose({TypeKind::time, 7}, "", "TIME(6)").refusal, HasSubstr("cut off"));
  EXPECT_EQ(pulk::to_string(choose({TypeKind::timestamp, 9}, "", "TIMESTAMP_NTZ(6)").carrier), "timestamp_us");
}

TEST(SnowflakeType, LengthsAreTheColumns) {
  EXPECT_EQ(choose({TypeKind::text}, "", "VARCHAR(3)").load_expression, "$1:\"A \"\"B\"::VARCHAR");
  EXPECT_EQ(choose({TypeKind::bytes}, "", "BINARY(3)").load_expression, "$1:\"A \"\"B\"::BINARY");
  // Without it, a cast has the default length.
  EXPECT_EQ(choose({TypeKind::text}, "", "VARCHAR(134217728)").load_expression,
            "$1:\"A \"\"B\"::VARCHAR(134217728)");
}

TEST(SnowflakeType, YearsOneToNineThousand) {
  const TypeChoice day = choose({TypeKind::date});
  EXPECT_EQ(day.least, -719162);  // 0001-01-01
  EXPECT_EQ(day.most, 2932896);   // 9999-12-31
  const TypeChoice moment = choose({TypeKind::timestamp, 6});
  EXPECT_EQ(moment.least, -62135596800000000);
  EXPECT_EQ(moment.most, 253402300799999999);
  EXPECT_EQ(choose({TypeKind::time, 6}).most, 86399999999);
  EXPECT_FALSE(choose({TypeKind::timestamp, 6}, "VARCHAR").least);
  EXPECT_FALSE(choose({TypeKind::int64}).least);
}

}  // namespace
}  // namespace pulk::snowflake
