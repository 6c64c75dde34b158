#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/exporter/arrays.h"

namespace pulk {
namespace {

using namespace test;

ExportEntry json(bool array = false) {
  ExportEntry entry;
  entry.type = FileType::json;
  entry.json_array = array;
  return entry;
}

std::string objects(const ArrayPtr& array) { return encoded(json(), {column("V", array)}); }

TEST(Json, Texts) {
  EXPECT_EQ(objects(texts({"plain", "", std::nullopt, "say \"hi\" \\", "a\nb\r\t\b\f", std::string("\0\x01\x1f\x7f", 4),
                           "\xF0\x9F\x98\x80/\xE2\x80\xA8"})),
            "{\"V\":\"plain\"}\n{\"V\":\"\"}\n{\"V\":null}\n{\"V\":\"say \\\"hi\\\" \\\\\"}\n"
            "{\"V\":\"a\\nb\\r\\t\\b\\f\"}\n{\"V\":\"\\u0000\\u0001\\u001f\x7f\"}\n"
            "{\"V\":\"\xF0\x9F\x98\x80/\xE2\x80\xA8\"}\n");
}

TEST(Json, NamesAreEscapedLikeTexts) {
  EXPECT_EQ(encoded(json(), {column("a\"b\n", integers({1})), column("", integers({2}))}),
            "{\"a\\\"b\\n\":1,\"\":2}\n");
}

TEST(Json, NumbersStayNumbers) {
  const std::string nines(38, '9');
  EXPECT_EQ(objects(decimals(38, 0, {nines, "-1", std::nullopt})), "{\"V\":" + nines + "}\n{\"V\":-1}\n{\"V\":null}\n");
  EXPECT_EQ(objects(decimals(10, 2, {"-5", "150"})), "{\"V\":-0.05}\n{\"V\":1.50}\n");
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(objects(doubles({-0.0, 1e300, std::nan(""), inf, -inf})),
            "{\"V\":-0.0}\n{\"V\":1e+300}\n{\"V\":\"NaN\"}\n{\"V\":\"Infinity\"}\n{\"V\":\"-Infinity\"}\n");
  EXPECT_EQ(objects(array_of<arrow::BooleanBuilder, bool>(arrow::boolean(), {true, false})),
            "{\"V\":true}\n{\"V\":false}\n");
}

TEST(Json, MomentsAndBytesAreTexts) {
  EXPECT_EQ(objects(dates({2'932'897})), "{\"V\":\"+010000-01-01\"}\n");
  EXPECT_EQ(objects(moments(arrow::TimeUnit::MICRO, "", {-1})), "{\"V\":\"1969-12-31T23:59:59.999999\"}\n");
  EXPECT_EQ(objects(moments(arrow::TimeUnit::SECOND, "UTC", {0})), "{\"V\":\"1970-01-01T00:00:00+00:00\"}\n");
  EXPECT_EQ(objects(array_of<arrow::BinaryBuilder, std::string>(arrow::binary(), {"\x0a"})), "{\"V\":\"0A\"}\n");
}

TEST(Json, AnArray) {
  EXPECT_EQ(encoded(json(true), {column("V", integers({1, std::nullopt}))}), "[\n{\"V\":1},\n{\"V\":null}\n]\n");
  EXPECT_EQ(encoded(json(true), {column("V", integers({}))}), "[\n]\n");
}

TEST(Json, DocumentsStandOnOneLineAsTheyAre) {
  const auto document = [](const std::string& text) {
    const std::string line = encoded(json(), {{json_field("V"), texts({text})}});
    return line.substr(5, line.size() - 7);
  };
  EXPECT_EQ(document("{\n  \"a b\": [\n    1,\n    -2.5e+10,\n    true,\tnull\r\n  ]\n}"),
            "{\"a b\":[1,-2.5e+10,true,null]}");
  EXPECT_EQ(document("\"a \\\" \\\\ { , : \\n \""), "\"a \\\" \\\\ { , : \\n \"");
  EXPECT_EQ(document("{\"k\\\\\": \" }\"}"), "{\"k\\\\\":\" }\"}");
  EXPECT_EQ(document("12345678901234567890123.5"), "12345678901234567890123.5");
  EXPECT_EQ(document("[]"), "[]");
  // Words that JSON has not.
  EXPECT_EQ(document("[\n  undefined,\n  1,\n  NaN, -Infinity ]"), "[null,1,\"NaN\",\"-Infinity\"]");
}

}  // namespace
}  // namespace pulk
