#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "unit/exporter/arrays.h"

namespace pulk {
namespace {

using namespace test;

ExportEntry csv(CsvOptions options = {}) {
  ExportEntry entry;
  entry.type = FileType::csv;
  entry.csv = std::move(options);
  return entry;
}

// The lines of one column of values beside a column of ones, without header.
std::string lines(const ArrayPtr& array, CsvOptions options = {}) {
  options.header = false;
  std::vector<std::optional<std::int64_t>> ones(static_cast<std::size_t>(array->length()), 1);
  return encoded(csv(options), {column("N", integers(ones)), column("V", array)});
}

TEST(Csv, Texts) {
  EXPECT_EQ(lines(texts({"plain", "", std::nullopt, "a,b", "say \"hi\"", "\"", "two\nlines", "cr\rhere", " left",
                         "right ", "in side", std::string("nul\0here", 8), "\xF0\x9F\x98\x80 \xC3\xBC", ";", "NULL"})),
            "1,plain\n1,\"\"\n1,\n1,\"a,b\"\n1,\"say \"\"hi\"\"\"\n1,\"\"\"\"\n1,\"two\nlines\"\n1,\"cr\rhere\"\n"
            "1,\" left\"\n1,\"right \"\n1,in side\n" +
                std::string("1,nul\0here\n", 11) + "1,\xF0\x9F\x98\x80 \xC3\xBC\n1,;\n1,NULL\n");
}

TEST(Csv, ATextThatReadsLikeTheNullTextIsQuoted) {
  CsvOptions options;
  options.null_text = "NULL";
  EXPECT_EQ(lines(texts({"NULL", std::nullopt, "", "null", "NULLS"}), options),
            "1,\"NULL\"\n1,NULL\n1,\"\"\n1,null\n1,NULLS\n");
  options.null_text = "7";
  EXPECT_EQ(lines(integers({7, std::nullopt, 77}), options), "1,\"7\"\n1,7\n1,77\n");
}

TEST(Csv, ADelimiterThatNumbersAndDatesHave) {
  CsvOptions options;
  options.delimiter = '.';
  EXPECT_EQ(lines(decimals(5, 2, {"150", "-5"}), options), "1.\"1.50\"\n1.\"-0.05\"\n");
  options.delimiter = '-';
  EXPECT_EQ(lines(dates({0}), options), "1-\"1970-01-01\"\n");
  EXPECT_EQ(lines(integers({-3, 3}), options), "1-\"-3\"\n1-3\n");
  options.delimiter = ' ';
  EXPECT_EQ(lines(moments(arrow::TimeUnit::SECOND, "", {0}), options), "1 \"1970-01-01 00:00:00\"\n");
}

TEST(Csv, AllQuoted) {
  CsvOptions options;
  options.quote_all = true;
  options.null_text = "none";
  options.line_end = "\r\n";
  EXPECT_EQ(encoded(csv(options), {column("N", integers({1, std::nullopt})), column("a\"b", texts({"x", ""})),
                                   column("D", dates({0, std::nullopt}))}),
            "\"N\",\"a\"\"b\",\"D\"\r\n\"1\",\"x\",\"1970-01-01\"\r\nnone,\"\",none\r\n");
}

TEST(Csv, HeadersAreQuotedLikeTexts) {
  EXPECT_EQ(encoded(csv(), {column("A", integers({1})), column("a,b", integers({2})), column("", integers({3})),
                            column("A", integers({4}))}),
            "A,\"a,b\",\"\",A\n1,2,3,4\n");
}

TEST(Csv, NullInAFileOfOneColumn) {
  EXPECT_EQ(encoded(csv(), {column("A", texts({"x", std::nullopt, ""}))}), "A\nx\n\"\"\n\"\"\n");
  CsvOptions options;
  options.null_text = "NULL";
  EXPECT_EQ(encoded(csv(options), {column("A", texts({"x", std::nullopt, ""}))}), "A\nx\nNULL\n\"\"\n");
}

TEST(Csv, NumbersWithAllTheirDigits) {
  EXPECT_EQ(
      lines(integers({0, -1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()})),
      "1,0\n1,-1\n1,9223372036854775807\n1,-9223372036854775808\n");
  const std::string nines(38, '9');
  EXPECT_EQ(lines(decimals(38, 0,
                           {nines, "-" + nines, "0", "9223372036854775807", "9223372036854775808",
                            "-9223372036854775808", "-9223372036854775809"})),
            "1," + nines + "\n1,-" + nines +
                "\n1,0\n1,9223372036854775807\n1,9223372036854775808\n1,-9223372036854775808\n"
                "1,-9223372036854775809\n");
  EXPECT_EQ(lines(decimals(38, 37, {nines, "-" + nines, "1", "-1", "0"})),
            "1,9." + std::string(37, '9') + "\n1,-9." + std::string(37, '9') + "\n1,0." + std::string(36, '0') +
                "1\n1,-0." + std::string(36, '0') + "1\n1,0." + std::string(37, '0') + "\n");
  EXPECT_EQ(lines(decimals(3, 5, {"123", "-7", "0"})), "1,0.00123\n1,-0.00007\n1,0.00000\n");
  EXPECT_EQ(lines(decimals(3, -2, {"123", "-7", "0"})), "1,12300\n1,-700\n1,0\n");
}

TEST(Csv, FloatingPoint) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(lines(doubles({0.1, -0.0, 0.0, 1e300, 5e-324, 1.7976931348623157e308, std::nan(""), inf, -inf, 100000.0})),
            "1,0.1\n1,-0.0\n1,0\n1,1e+300\n1,5e-324\n1,1.7976931348623157e+308\n1,NaN\n1,Infinity\n1,-Infinity\n"
            "1,100000\n");
  EXPECT_EQ(lines(array_of<arrow::FloatBuilder, float>(arrow::float32(), {0.1F, 16777216.0F})), "1,0.1\n1,16777216\n");
}

TEST(Csv, DatesOfEveryYear) {
  // Days by Python: (date(y, m, d) - date(1970, 1, 1)).days; before 1 and after 9999 by 400 years of 146,097 days.
  EXPECT_EQ(lines(dates({0, -719'162, 2'932'896, -719'163, 2'932'897, 11'016, -719'528, -719'529 - 146'097})),
            "1,1970-01-01\n1,0001-01-01\n1,9999-12-31\n1,0000-12-31\n1,+010000-01-01\n1,2000-02-29\n1,0000-01-01\n"
            "1,-000401-12-31\n");
}

TEST(Csv, Moments) {
  using arrow::TimeUnit;
  EXPECT_EQ(lines(moments(TimeUnit::NANO, "", {0, -1, 1'000'000'001})),
            "1,1970-01-01 00:00:00.000000000\n1,1969-12-31 23:59:59.999999999\n1,1970-01-01 00:00:01.000000001\n");
  EXPECT_EQ(lines(moments(TimeUnit::MICRO, "UTC", {-62'135'596'800'000'000, 253'402'300'799'999'999})),
            "1,0001-01-01 00:00:00.000000+00:00\n1,9999-12-31 23:59:59.999999+00:00\n");
  EXPECT_EQ(lines(moments(TimeUnit::MILLI, "", {-1})), "1,1969-12-31 23:59:59.999\n");
  EXPECT_EQ(lines(moments(TimeUnit::SECOND, "", {86'399})), "1,1970-01-01 23:59:59\n");
  EXPECT_EQ(lines(array_of<arrow::Time64Builder, std::int64_t>(arrow::time64(TimeUnit::NANO), {0, 86'399'999'999'999})),
            "1,00:00:00.000000000\n1,23:59:59.999999999\n");
  EXPECT_EQ(lines(array_of<arrow::Time32Builder, std::int32_t>(arrow::time32(TimeUnit::SECOND), {3'661})),
            "1,01:01:01\n");
}

TEST(Csv, BytesAndTruth) {
  EXPECT_EQ(lines(array_of<arrow::BinaryBuilder, std::string>(arrow::binary(),
                                                              {std::string("\x00\xff\x10", 3), "", std::nullopt})),
            "1,00FF10\n1,\"\"\n1,\n");
  EXPECT_EQ(lines(array_of<arrow::BooleanBuilder, bool>(arrow::boolean(), {true, false, std::nullopt})),
            "1,true\n1,false\n1,\n");
}

TEST(Csv, ASliceIsItsOwnRows) {
  EXPECT_EQ(lines(texts({"a", "b", "c"})->Slice(1, 2)), "1,b\n1,c\n");
  EXPECT_EQ(lines(decimals(5, 1, {"1", "2", "3"})->Slice(2)), "1,0.3\n");
}

TEST(Csv, ColumnsWithoutAFormAreRefusedAllAtOnce) {
  const auto schema = arrow::schema({arrow::field("A", arrow::list(arrow::int32())), arrow::field("B", arrow::int32()),
                                     arrow::field("C", arrow::struct_({arrow::field("x", arrow::int32())}))});
  try {
    make_text_encoder(csv(), schema);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    const std::string said = error.what();
    EXPECT_NE(said.find("column A"), said.npos) << said;
    EXPECT_NE(said.find("column C"), said.npos) << said;
    EXPECT_EQ(said.find("column B"), said.npos) << said;
  }
}

}  // namespace
}  // namespace pulk
