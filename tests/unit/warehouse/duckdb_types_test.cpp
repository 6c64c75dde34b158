// I5 for the DuckDB target: what Arrow wrote as Parquet is in the table, value for value.
#include <arrow/extension/uuid.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/warehouse/support.h"

namespace pulk::test {
namespace {

using Lines = std::vector<std::string>;

class DuckdbTypes : public testing::Test {
 protected:
  DuckdbTypes() : target_(make_target("duckdb", folder_.path())) {}

  static std::shared_ptr<arrow::Array> from_json(const Carrier& carrier, const std::string& json) {
    std::shared_ptr<arrow::DataType> type = arrow_type(carrier);
    const bool extension = type->id() == arrow::Type::EXTENSION;
    const auto storage = extension ? static_cast<const arrow::ExtensionType&>(*type).storage_type() : type;
    auto array = *arrow::json::ArrayFromJSONString(storage, json);
    return extension ? arrow::ExtensionType::WrapArray(type, array) : array;
  }

  // Moves one column of values and asks DuckDB for `expression` over the column "v", in order of writing.
  Lines through(const LogicalType& logical, const std::shared_ptr<arrow::Array>& values, const std::string& expression,
                const std::string& mapped = "", const std::string& deployed = "") {
    const std::string run = "r" + std::to_string(++runs_);
    TablePlan plan = plan_of(*target_.warehouse, {"", "main", "t_" + run}, 1);
    plan.columns[1] = column_of(*target_.warehouse, "v", logical, true, mapped, deployed);
    EXPECT_EQ(plan.columns[1].refusal, "");
    if (!plan.columns[1].refusal.empty()) return {};
    arrow::Int64Builder id;
    for (std::int64_t i = 0; i < values->length(); ++i) EXPECT_TRUE(id.Append(i).ok());
    const auto table = arrow::Table::Make(arrow_schema(plan.columns), {*id.Finish(), values});
    const auto stage = target_.stage(run, plan);
    auto file = stage->create("p00001-a1-001.parquet");
    parquet::WriterProperties::Builder properties;
    properties.enable_store_decimal_as_integer();
    properties.version(parquet::ParquetVersion::PARQUET_2_6);
    EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file->stream(), 1 << 20,
                                           properties.build())
                    .ok());
    StagedFile staged = file->finish();
    staged.rows = values->length();

    auto session = target_.open();
    const RunIdentity who{run, "test"};
    session->take(who, plan);
    session->load(who, plan, *stage, load_of(plan, 1, 1, {staged}));
    session->publish(who, plan, PublishMode::replace, 1);
    session->clean(who, plan.target, true);
    session.reset();
    return ask_duckdb(target_.place, "SELECT " + expression + " FROM main.t_" + run + " ORDER BY id");
  }
  Lines through(const LogicalType& logical, const std::string& json, const std::string& expression,
                const std::string& mapped = "", const std::string& deployed = "") {
    const Carrier carrier = target_.warehouse->choose_type(logical, "v", mapped, deployed).carrier;
    return through(logical, from_json(carrier, json), expression, mapped, deployed);
  }
  TempFolder folder_;
  Target target_;
  int runs_ = 0;
};

TEST_F(DuckdbTypes, BooleansAndIntegers) {
  EXPECT_EQ(through({TypeKind::boolean}, "[true, false, null]", "typeof(v), v::VARCHAR"),
            (Lines{"BOOLEAN|true", "BOOLEAN|false", "BOOLEAN|NULL"}));
  EXPECT_EQ(through({TypeKind::int16}, "[-32768, 32767, null]", "typeof(v), v::VARCHAR"),
            (Lines{"SMALLINT|-32768", "SMALLINT|32767", "SMALLINT|NULL"}));
  EXPECT_EQ(through({TypeKind::int32}, "[-2147483648, 2147483647]", "typeof(v), v::VARCHAR"),
            (Lines{"INTEGER|-2147483648", "INTEGER|2147483647"}));
  EXPECT_EQ(through({TypeKind::int64}, "[-9223372036854775808, 9223372036854775807]", "typeof(v), v::VARCHAR"),
            (Lines{"BIGINT|-9223372036854775808", "BIGINT|9223372036854775807"}));
}

TEST_F(DuckdbTypes, FloatsKeepEveryBit) {
  arrow::DoubleBuilder doubles;
  const double inf = std::numeric_limits<double>::infinity();
  for (const double v : {-0.0, 0.1, std::nan(""), inf, -inf, std::numeric_limits<double>::denorm_min(),
                         std::numeric_limits<double>::max()})
    ASSERT_TRUE(doubles.Append(v).ok());
  EXPECT_EQ(through({TypeKind::float64}, *doubles.Finish(), "typeof(v), v::VARCHAR"),
            (Lines{"DOUBLE|-0.0", "DOUBLE|0.1", "DOUBLE|nan", "DOUBLE|inf", "DOUBLE|-inf", "DOUBLE|5e-324",
                   "DOUBLE|1.7976931348623157e+308"}));
  arrow::FloatBuilder floats;
  for (const float v : {-0.0F, 0.1F, std::nanf(""), std::numeric_limits<float>::infinity()})
    ASSERT_TRUE(floats.Append(v).ok());
  EXPECT_EQ(through({TypeKind::float32}, *floats.Finish(), "typeof(v), v::VARCHAR"),
            (Lines{"FLOAT|-0.0", "FLOAT|0.1", "FLOAT|nan", "FLOAT|inf"}));
}

TEST_F(DuckdbTypes, Decimals) {
  EXPECT_EQ(through({TypeKind::decimal, 4, 2}, R"(["99.99", "-99.99", "0.01"])", "typeof(v), v::VARCHAR"),
            (Lines{"DECIMAL(4,2)|99.99", "DECIMAL(4,2)|-99.99", "DECIMAL(4,2)|0.01"}));
  EXPECT_EQ(through({TypeKind::decimal, 18, 0}, R"(["999999999999999999", "-999999999999999999"])", "v::VARCHAR"),
            (Lines{"999999999999999999", "-999999999999999999"}));
  const std::string nines(38, '9');
  EXPECT_EQ(
      through({TypeKind::decimal, 38, 0}, "[\"" + nines + "\", \"-" + nines + "\", null]", "typeof(v), v::VARCHAR"),
      (Lines{"DECIMAL(38,0)|" + nines, "DECIMAL(38,0)|-" + nines, "DECIMAL(38,0)|NULL"}));
  EXPECT_EQ(through({TypeKind::decimal, 38, 38}, "[\"0." + nines + "\", \"-0." + nines + "\"]", "v::VARCHAR"),
            (Lines{"." + nines, "-." + nines}));
}

TEST_F(DuckdbTypes, TextAndBytes) {
  EXPECT_EQ(through({TypeKind::text}, R"(["", null, "a\u0000b", "\u0000", "🐘é", "line\nend "])",
                    "typeof(v), hex(encode(v)), (v IS NULL)::VARCHAR"),
            (Lines{"VARCHAR||false", "VARCHAR|NULL|true", "VARCHAR|610062|false", "VARCHAR|00|false",
                   "VARCHAR|F09F9098C3A9|false", "VARCHAR|6C696E650A656E6420|false"}));
  arrow::BinaryBuilder blobs;
  ASSERT_TRUE(blobs.Append(std::string("\x00\xff\x80\x5c'", 5)).ok());
  ASSERT_TRUE(blobs.Append("").ok());
  ASSERT_TRUE(blobs.AppendNull().ok());
  EXPECT_EQ(through({TypeKind::bytes}, *blobs.Finish(), "typeof(v), hex(v), (v IS NULL)::VARCHAR"),
            (Lines{"BLOB|00FF805C27|false", "BLOB||false", "BLOB|NULL|true"}));
}

TEST_F(DuckdbTypes, DatesBeforeChristAndAfterTheYear9999) {
  EXPECT_EQ(through({TypeKind::date}, "[-735160, 3789548, 0, -2440588, 2145042905, -2147483646, null]",
                    "typeof(v), v::VARCHAR, (v - DATE '1970-01-01')::VARCHAR"),
            (Lines{"DATE|0044-03-15 (BC)|-735160", "DATE|12345-06-07|3789548", "DATE|1970-01-01|0",
                   "DATE|4714-11-24 (BC)|-2440588", "DATE|5874897-12-31|2145042905",
                   "DATE|5877642-06-25 (BC)|-2147483646", "DATE|NULL|NULL"}));
}

TEST_F(DuckdbTypes, TimesAndTimestampsToTheEdgesOfMicroseconds) {
  EXPECT_EQ(through({TypeKind::time, 6}, "[0, 86399999999, 86400000000, 1, null]", "typeof(v), v::VARCHAR"),
            (Lines{"TIME|00:00:00", "TIME|23:59:59.999999", "TIME|24:00:00", "TIME|00:00:00.000001", "TIME|NULL"}));
  const std::string moments = "[-9223372022400000000, 9223372036854775806, -1, 253402300800000000, null]";
  EXPECT_EQ(through({TypeKind::timestamp, 6}, moments, "typeof(v), v::VARCHAR, epoch_us(v)::VARCHAR"),
            (Lines{"TIMESTAMP|290309-12-22 (BC) 00:00:00|-9223372022400000000",
                   "TIMESTAMP|294247-01-10 04:00:54.775806|9223372036854775806",
                   "TIMESTAMP|1969-12-31 23:59:59.999999|-1", "TIMESTAMP|10000-01-01 00:00:00|253402300800000000",
                   "TIMESTAMP|NULL|NULL"}));
  EXPECT_EQ(through({TypeKind::timestamp_tz, 6}, moments, "typeof(v), epoch_us(v)::VARCHAR"),
            (Lines{"TIMESTAMP WITH TIME ZONE|-9223372022400000000", "TIMESTAMP WITH TIME ZONE|9223372036854775806",
                   "TIMESTAMP WITH TIME ZONE|-1", "TIMESTAMP WITH TIME ZONE|253402300800000000",
                   "TIMESTAMP WITH TIME ZONE|NULL"}));
}

TEST_F(DuckdbTypes, UuidAndJson) {
  arrow::FixedSizeBinaryBuilder uuids(arrow::fixed_size_binary(16));
  ASSERT_TRUE(uuids.Append(std::string("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16)).ok());
  ASSERT_TRUE(uuids.Append(std::string(16, '\xff')).ok());
  ASSERT_TRUE(uuids.AppendNull().ok());
  EXPECT_EQ(through({TypeKind::uuid}, arrow::ExtensionType::WrapArray(arrow::extension::uuid(), *uuids.Finish()),
                    "typeof(v), v::VARCHAR"),
            (Lines{"UUID|00112233-4455-6677-8899-aabbccddeeff", "UUID|ffffffff-ffff-ffff-ffff-ffffffffffff",
                   "UUID|NULL"}));
  EXPECT_EQ(through({TypeKind::json}, R"(["{\"b\": 1,  \"a\":1.50, \"a\": 2}", "null", null, "\"\\u0000\"", "1e400"])",
                    "typeof(v), v::VARCHAR"),
            (Lines{R"(JSON|{"b": 1,  "a":1.50, "a": 2})", "JSON|null", "JSON|NULL", R"(JSON|"\u0000")", "JSON|1e400"}));
}

TEST_F(DuckdbTypes, MappedTypesAreExact) {
  EXPECT_EQ(through({TypeKind::decimal}, R"(["1234.5000"])", "typeof(v), v::VARCHAR"), (Lines{"VARCHAR|1234.5000"}));
  EXPECT_EQ(through({TypeKind::decimal}, R"(["1234.50"])", "typeof(v), v::VARCHAR", "numeric(20,2)"),
            (Lines{"DECIMAL(20,2)|1234.50"}));
  EXPECT_EQ(through({TypeKind::decimal, 10, 2}, R"(["12345678.90"])", "typeof(v), v::VARCHAR", "DECIMAL(38,10)"),
            (Lines{"DECIMAL(38,10)|12345678.9000000000"}));
  EXPECT_EQ(through({TypeKind::decimal, 18, 0}, R"(["-999999999999999999"])", "typeof(v), v::VARCHAR", "int8"),
            (Lines{"BIGINT|-999999999999999999"}));
  EXPECT_EQ(through({TypeKind::int64}, "[-9223372036854775808]", "typeof(v), v::VARCHAR", "decimal(21,2)"),
            (Lines{"DECIMAL(21,2)|-9223372036854775808.00"}));
  EXPECT_EQ(through({TypeKind::int16}, "[-32768]", "typeof(v), v::VARCHAR", "Bigint"), (Lines{"BIGINT|-32768"}));
  EXPECT_EQ(through({TypeKind::int32}, "[2147483647]", "typeof(v), v::VARCHAR", "double precision"),
            (Lines{"DOUBLE|2147483647.0"}));
  EXPECT_EQ(through({TypeKind::float32}, "[0.5]", "typeof(v), v::VARCHAR", "float8"), (Lines{"DOUBLE|0.5"}));
  EXPECT_EQ(through({TypeKind::timestamp, 6}, R"(["2020-02-30?"])", "typeof(v), v", "text"),
            (Lines{"VARCHAR|2020-02-30?"}));
}

TEST_F(DuckdbTypes, ADeployedTypeIsTakenOrEndsWithAnError) {
  EXPECT_EQ(through({TypeKind::int64}, "[2147483647]", "typeof(v), v::VARCHAR", "", "INTEGER"),
            (Lines{"INTEGER|2147483647"}));
  const Error narrow = error_of([&] { through({TypeKind::int64}, "[2147483648]", "v", "", "INTEGER"); });
  EXPECT_EQ(narrow.kind(), ErrorKind::refused) << narrow.what();
  EXPECT_EQ(error_of([&] { through({TypeKind::int64}, "[1000]", "v", "", "DECIMAL(5,2)"); }).kind(),
            ErrorKind::refused);
  EXPECT_EQ(error_of([&] { through({TypeKind::text}, R"(["{no json"])", "v", "", "JSON"); }).kind(),
            ErrorKind::refused);
  EXPECT_EQ(error_of([&] { through({TypeKind::date}, "[2145042905]", "v", "", "TIMESTAMP"); }).kind(),
            ErrorKind::refused);
  EXPECT_EQ(through({TypeKind::timestamp, 3}, "[1234567000]", "v::VARCHAR", "", "TIMESTAMP_MS"),
            (Lines{"1970-01-01 00:20:34.567"}));
  EXPECT_EQ(
      error_of([&] { through({TypeKind::timestamp, 6}, "[253402300800000000]", "v", "", "TIMESTAMP_NS"); }).kind(),
      ErrorKind::refused);
  EXPECT_EQ(through({TypeKind::timestamp, 6}, "[-1]", "v::VARCHAR", "", "TIMESTAMP_NS"),
            (Lines{"1969-12-31 23:59:59.999999"}));
}

}  // namespace
}  // namespace pulk::test
