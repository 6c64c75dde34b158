// Which types are exact, which are refused, and what is said about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/warehouse/support.h"
#include "warehouse/sql_type.h"

namespace pulk::test {
namespace {

using testing::HasSubstr;

class ChooseType : public testing::Test {
 protected:
  TypeChoice duckdb(const LogicalType& logical, const std::string& mapped = "", const std::string& deployed = "") {
    return make_duckdb_warehouse({"x.duckdb"})->choose_type(logical, "a \"b", mapped, deployed);
  }
  TypeChoice files(const LogicalType& logical, const std::string& mapped = "", const std::string& deployed = "") {
    return make_files_warehouse({"x"})->choose_type(logical, "a", mapped, deployed);
  }
};

TEST_F(ChooseType, Natural) {
  const std::vector<std::tuple<LogicalType, std::string, std::string>> cases = {
      {{TypeKind::boolean}, "BOOLEAN", "boolean"},
      {{TypeKind::int16}, "SMALLINT", "int16"},
      {{TypeKind::int32}, "INTEGER", "int32"},
      {{TypeKind::int64}, "BIGINT", "int64"},
      {{TypeKind::float32}, "FLOAT", "float32"},
      {{TypeKind::float64}, "DOUBLE", "float64"},
      {{TypeKind::decimal, 38, 10}, "DECIMAL(38,10)", "decimal128(38,10)"},
      {{TypeKind::decimal}, "VARCHAR", "utf8"},
      {{TypeKind::decimal, 39, 0}, "VARCHAR", "utf8"},
      {{TypeKind::decimal, 3, 5}, "VARCHAR", "utf8"},
      {{TypeKind::decimal, 5, -2}, "VARCHAR", "utf8"},
      {{TypeKind::text, 0, 0, 10}, "VARCHAR", "utf8"},
      {{TypeKind::bytes}, "BLOB", "binary"},
      {{TypeKind::date}, "DATE", "date32"},
      {{TypeKind::time, 6}, "TIME", "time64_us"},
      {{TypeKind::timestamp, 6}, "TIMESTAMP", "timestamp_us"},
      {{TypeKind::time, 7}, "TIME_NS", "time64_ns"},
      {{TypeKind::timestamp, 7}, "VARCHAR", "utf8"},
      {{TypeKind::timestamp_tz, 9}, "VARCHAR", "utf8"},
      {{TypeKind::timestamp_tz, 6}, "TIMESTAMP WITH TIME ZONE", "timestamp_us_utc"},
      {{TypeKind::uuid}, "UUID", "uuid"},
      {{TypeKind::json}, "JSON", "json"},
  };
  for (const auto& [logical, type, carrier] : cases) {
    SCOPED_TRACE(to_string(logical));
    for (const TypeChoice& choice : {duckdb(logical), files(logical)}) {
      EXPECT_EQ(choice.target_type, type);
      EXPECT_EQ(to_string(choice.carrier), carrier);
      EXPECT_EQ(choice.refusal, "");
    }
    EXPECT_EQ(duckdb(logical).load_expression, "\"a \"\"b\"");
    EXPECT_EQ(files(logical).load_expression, "");
  }
  EXPECT_THAT(duckdb({TypeKind::decimal}).note, HasSubstr("DECIMAL(p,s)"));
}

TEST_F(ChooseType, TextHoldsEverything) {
  for (const TypeKind kind : {TypeKind::boolean, TypeKind::int64, TypeKind::float64, TypeKind::decimal, TypeKind::bytes,
                              TypeKind::date, TypeKind::timestamp_tz, TypeKind::uuid, TypeKind::json}) {
    for (const char* type : {"varchar", "TEXT", "VARCHAR(10)", "string"}) {
      EXPECT_EQ(duckdb({kind}, type).target_type, "VARCHAR");
      EXPECT_EQ(duckdb({kind}, type).carrier.kind, CarrierKind::utf8);
      EXPECT_EQ(files({kind}, type).carrier.kind, CarrierKind::utf8);
    }
  }
}

TEST_F(ChooseType, MappingsThatAreNotExactAreRefused) {
  const std::vector<std::pair<LogicalType, std::string>> refused = {
      {{TypeKind::int64}, "INTEGER"},        {{TypeKind::int64}, "DOUBLE"},        {{TypeKind::int32}, "REAL"},
      {{TypeKind::int64}, "DECIMAL(18,0)"},  {{TypeKind::int32}, "DECIMAL(11,2)"}, {{TypeKind::int16}, "UINTEGER"},
      {{TypeKind::float64}, "FLOAT"},        {{TypeKind::float64}, "DECIMAL(38,10)"},
      {{TypeKind::decimal, 10, 2}, "DOUBLE"}, {{TypeKind::decimal, 10, 2}, "BIGINT"},
      {{TypeKind::decimal, 19, 0}, "BIGINT"}, {{TypeKind::timestamp, 6}, "DATE"},
      {{TypeKind::timestamp, 6}, "TIMESTAMPTZ"}, {{TypeKind::timestamp_tz, 6}, "TIMESTAMP"},
      {{TypeKind::timestamp, 7}, "TIMESTAMP_MS"}, {{TypeKind::timestamp, 6}, "TIMESTAMP_MS"},
      {{TypeKind::timestamp, 6}, "TIMESTAMP_NS"}, {{TypeKind::timestamp_tz, 7}, "TIMESTAMPTZ"},
      {{TypeKind::timestamp_tz, 7}, "TIMESTAMP_NS"}, {{TypeKind::time, 7}, "TIME"},
      {{TypeKind::text}, "JSON"},            {{TypeKind::text}, "UUID"},           {{TypeKind::text}, "BLOB"},
      {{TypeKind::bytes}, "UUID"},           {{TypeKind::uuid}, "BLOB"},           {{TypeKind::boolean}, "INTEGER"},
      {{TypeKind::int32}, "INTERVAL"},       {{TypeKind::int32}, "INTEGER[]"},     {{TypeKind::int32}, "DECIMAL(50,2)"},
      {{TypeKind::int32}, "nonsense"},
  };
  for (const auto& [logical, mapped] : refused) {
    const TypeChoice choice = duckdb(logical, mapped);
    EXPECT_EQ(choice.target_type, "") << to_string(logical) << " to " << mapped;
    EXPECT_THAT(choice.refusal, HasSubstr(mapped));
    EXPECT_NE(choice.hint, "");
  }
}

TEST_F(ChooseType, DeployedTypes) {
  EXPECT_EQ(duckdb({TypeKind::int64}, "", "INTEGER").load_expression, "CAST(\"a \"\"b\" AS INTEGER)");
  EXPECT_EQ(duckdb({TypeKind::int64}, "VARCHAR", "INTEGER").target_type, "INTEGER");
  EXPECT_EQ(to_string(duckdb({TypeKind::decimal}, "", "DECIMAL(12,4)").carrier), "decimal128(12,4)");
  EXPECT_EQ(to_string(duckdb({TypeKind::decimal, 20, 6}, "", "DECIMAL(12,4)").carrier), "decimal128(12,4)");
  EXPECT_EQ(to_string(duckdb({TypeKind::decimal, 10, 2}, "", "DECIMAL(12,4)").carrier), "decimal128(10,2)");
  EXPECT_EQ(duckdb({TypeKind::text}, "", "VARCHAR").target_type, "VARCHAR");
  for (const char* deployed : {"ENUM('a', 'b')", "INTEGER[]", "DATE", "BIGINT"}) {
    const TypeChoice choice = duckdb({TypeKind::text}, "", deployed);
    EXPECT_EQ(choice.target_type, "");
    EXPECT_THAT(choice.refusal, HasSubstr(deployed));
    EXPECT_THAT(choice.refusal, HasSubstr("text"));
  }
  // A cast to fewer digits would round, so it must not be an INSERT's to make.
  EXPECT_EQ(duckdb({TypeKind::float64}, "", "DECIMAL(12,4)").target_type, "");
  EXPECT_EQ(duckdb({TypeKind::float64}, "", "FLOAT").target_type, "");
}

TEST_F(ChooseType, MomentsWithMoreThanSixDigits) {
  for (const TypeChoice& choice : {duckdb({TypeKind::timestamp, 7}, "TIMESTAMP_NS"),
                                   files({TypeKind::timestamp, 9}, "TIMESTAMP_NS"),
                                   duckdb({TypeKind::timestamp, 9}, "", "TIMESTAMP_NS")}) {
    EXPECT_EQ(choice.target_type, "TIMESTAMP_NS");
    EXPECT_EQ(to_string(choice.carrier), "timestamp_ns");
    EXPECT_EQ(choice.least, -9223286400000000000);  // 1677-09-22 00:00:00
    EXPECT_EQ(choice.most, 9223372036854775806);    // 2262-04-11 23:47:16.854775806
    EXPECT_THAT(choice.note, HasSubstr("1677 to 2262"));
  }
  EXPECT_EQ(duckdb({TypeKind::timestamp, 7}, "TIMESTAMP_NS").load_expression, "\"a \"\"b\"");
  EXPECT_THAT(duckdb({TypeKind::timestamp, 7}).note, HasSubstr("TIMESTAMP_NS"));
  // Asked for, microseconds are taken as long as they are enough.
  EXPECT_EQ(to_string(duckdb({TypeKind::timestamp, 7}, "TIMESTAMP").carrier), "timestamp_us");
  EXPECT_THAT(duckdb({TypeKind::timestamp, 7}, "TIMESTAMP").note, HasSubstr("refused by name"));
  EXPECT_EQ(duckdb({TypeKind::time, 3}, "TIME_NS").load_expression, "CAST(\"a \"\"b\" AS TIME_NS)");
  EXPECT_EQ(to_string(duckdb({TypeKind::time, 9}, "VARCHAR").carrier), "utf8");
}

TEST_F(ChooseType, FilesHaveNoCasts) {
  EXPECT_EQ(files({TypeKind::int16}, "BIGINT").target_type, "");
  EXPECT_EQ(files({TypeKind::int32}, "", "BIGINT").target_type, "");
  EXPECT_EQ(files({TypeKind::int32}, "INTEGER").target_type, "INTEGER");
  EXPECT_EQ(to_string(files({TypeKind::decimal}, "NUMERIC(12,4)").carrier), "decimal128(12,4)");
  EXPECT_EQ(files({TypeKind::decimal}, "NUMERIC(12,4)").target_type, "DECIMAL(12,4)");
}

TEST_F(ChooseType, NamesOfTypes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {" numeric ( 10 , 2 ) ", "DECIMAL(10,2)"},
      {"DECIMAL", "DECIMAL(18,3)"},
      {"dec(5)", "DECIMAL(5,0)"},
      {"timestamp  with time zone", "TIMESTAMP WITH TIME ZONE"},
      {"TIMESTAMP(6) WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"},
      {"int8", "BIGINT"},
      {"int1", "TINYINT"},
      {"real", "FLOAT"},
      {"character varying(3)", "VARCHAR"},
  };
  for (const auto& [written, name] : cases) {
    const auto type = parse_sql_type(written);
    ASSERT_TRUE(type) << written;
    EXPECT_EQ(to_string(*type), name);
  }
  for (const char* written : {"", "DECIMAL(0,0)", "DECIMAL(3,5)", "DECIMAL(39,1)", "DECIMAL(a)", "DECIMAL(1",
                              "TIMESTAMP(3)", "BIGINT(3)", "INTEGER[]", "VARCHAR(1,2)"})
    EXPECT_FALSE(parse_sql_type(written)) << written;
}

}  // namespace
}  // namespace pulk::test
