#include <gtest/gtest.h>
#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>

#include "source/dialect/generic.h"
#include "source/odbc/cell_parser.h"
#include "source/odbc/quirks.h"

namespace pulk {
namespace {

std::optional<LogicalType> meaning(int code, const char* name, std::int64_t size = 0,
                                   std::optional<std::int64_t> digits = std::nullopt) {
  return generic::meaning_of({code, name, size, digits}).logical;
}

LogicalType type(TypeKind kind, int precision = 0, int scale = 0) { return {kind, precision, scale, 0}; }

TEST(GenericTypes, IntegersWidenWhenTheyHaveNoSign) {
  EXPECT_EQ(meaning(SQL_TINYINT, "tinyint unsigned"), type(TypeKind::int16));
  EXPECT_EQ(meaning(SQL_SMALLINT, "smallint"), type(TypeKind::int16));
  EXPECT_EQ(meaning(SQL_SMALLINT, "smallint unsigned"), type(TypeKind::int32));
  EXPECT_EQ(meaning(SQL_INTEGER, "INT UNSIGNED"), type(TypeKind::int64));
  EXPECT_EQ(meaning(SQL_BIGINT, "bigint"), type(TypeKind::int64));
  EXPECT_EQ(meaning(SQL_BIGINT, "bigint unsigned"), type(TypeKind::decimal, 20, 0));
}

TEST(GenericTypes, DecimalsWithoutAPrecisionThatCanBeAreUnconstrained) {
  EXPECT_EQ(meaning(SQL_DECIMAL, "decimal", 10, 2), type(TypeKind::decimal, 10, 2));
  EXPECT_EQ(meaning(SQL_NUMERIC, "number", 38, 38), type(TypeKind::decimal, 38, 38));
  EXPECT_EQ(meaning(SQL_NUMERIC, "number", 39, 2), type(TypeKind::decimal));
  EXPECT_EQ(meaning(SQL_NUMERIC, "number", 0, 0), type(TypeKind::decimal));
  EXPECT_EQ(meaning(SQL_NUMERIC, "number", 10, -127), type(TypeKind::decimal));
  EXPECT_EQ(meaning(SQL_NUMERIC, "number", 10), type(TypeKind::decimal));
}

TEST(GenericTypes, WhatACodeDoesNotSayIsRefused) {
  EXPECT_EQ(meaning(SQL_BIT, "bit", 8), std::nullopt);
  EXPECT_EQ(meaning(SQL_TYPE_TIMESTAMP, "timestamptz"), std::nullopt);
  EXPECT_EQ(meaning(SQL_TYPE_TIMESTAMP, "TIMESTAMP WITH TIME ZONE"), std::nullopt);
  EXPECT_EQ(meaning(SQL_TYPE_TIME, "timetz"), std::nullopt);
  EXPECT_EQ(meaning(-155, "datetimeoffset"), std::nullopt);
  EXPECT_EQ(meaning(SQL_INTERVAL_DAY, "interval day"), std::nullopt);
  EXPECT_NE(generic::meaning_of({-155, "datetimeoffset", 0, 7}).refusal.find("-155"), std::string::npos);
}

TEST(GenericTypes, TheCodesOfOdbc2AreStillRead) {
  EXPECT_EQ(meaning(9, "date"), type(TypeKind::date));
  EXPECT_EQ(meaning(11, "datetime", 23, 3), type(TypeKind::timestamp, 3));
  EXPECT_EQ(meaning(SQL_TYPE_TIMESTAMP, "timestamp", 29, 9), type(TypeKind::timestamp, 9));
  EXPECT_EQ(meaning(SQL_TYPE_TIMESTAMP, "datetime2", 27, 7), type(TypeKind::timestamp, 7));
  EXPECT_EQ(meaning(SQL_TYPE_TIME, "time", 16, 7), type(TypeKind::time, 7));
  EXPECT_EQ(meaning(SQL_TYPE_TIMESTAMP, "timestamp"), type(TypeKind::timestamp, 6));
}

TEST(GenericTypes, QuotesAreThoseOfTheDriver) {
  EXPECT_EQ(generic::quote("a\"b", "\""), "\"a\"\"b\"");
  EXPECT_EQ(generic::quote("a`b", "`"), "`a``b`");
  EXPECT_EQ(generic::quote("plain", " "), "plain");
}

TEST(GenericTypes, Utf16) {
  const auto bytes = [](std::u16string_view text) {
    return std::string_view(reinterpret_cast<const char*>(text.data()), text.size() * 2);
  };
  EXPECT_EQ(odbc::to_utf8(bytes(u"aä€😀\u07ff\u0800\uffff")), "aä€😀\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
  EXPECT_EQ(odbc::to_utf8(""), "");
  const char16_t high[] = {0xD83D, u'x'}, low[] = {0xDE00}, cut[] = {u'x', 0xD83D};
  EXPECT_EQ(odbc::to_utf8(bytes({high, 2})), std::nullopt);
  EXPECT_EQ(odbc::to_utf8(bytes({low, 1})), std::nullopt);
  EXPECT_EQ(odbc::to_utf8(bytes({cut, 2})), std::nullopt);
}

TEST(Quirks, AFolderIsNoDriver) {
  EXPECT_EQ(odbc::find_quirks("/opt/mariadb/libother.so"), nullptr);
  ASSERT_NE(odbc::find_quirks("/opt/x/psqlodbcw.so"), nullptr);
  EXPECT_EQ(odbc::find_quirks("/opt/x/psqlodbcw.so")->codes, odbc::ErrorCodes::postgres);
  EXPECT_EQ(odbc::find_quirks("PostgreSQL Unicode")->codes, odbc::ErrorCodes::postgres);
  EXPECT_EQ(odbc::find_quirks("MariaDB Unicode")->codes, odbc::ErrorCodes::mariadb);
}

}  // namespace
}  // namespace pulk
