#include "base/strings.h"

#include <gtest/gtest.h>

namespace pulk {
namespace {

TEST(Strings, BytesAreBinaryUnlessTheUnitSaysOtherwise) {
  EXPECT_EQ(parse_bytes("1048576"), 1048576);
  EXPECT_EQ(parse_bytes("512MiB"), 536870912);
  EXPECT_EQ(parse_bytes("512m"), 536870912);
  EXPECT_EQ(parse_bytes("2GB"), 2000000000);
  EXPECT_EQ(parse_bytes(" 1.5 GiB "), 1610612736);
  EXPECT_EQ(parse_bytes("12 parsecs"), std::nullopt);
  EXPECT_EQ(parse_bytes("-1"), std::nullopt);
  EXPECT_EQ(parse_bytes(""), std::nullopt);
}

TEST(Strings, CountsAreGrouped) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(6001215), "6,001,215");
  EXPECT_EQ(format_count(-1234567), "-1,234,567");
}

TEST(Strings, SuggestionsAreNearOrAbsent) {
  const std::vector<std::string> keys = {"tableName", "schemaName", "whereClauseCriteria"};
  EXPECT_EQ(did_you_mean("tablename", keys), "tableName");
  EXPECT_EQ(did_you_mean("tabelName", keys), "tableName");
  EXPECT_EQ(did_you_mean("whereClause", keys), std::nullopt);
  EXPECT_EQ(did_you_mean("zzz", keys), std::nullopt);
}

TEST(Strings, Utf8IsCheckedByTheStandard) {
  EXPECT_TRUE(valid_utf8("plain"));
  EXPECT_TRUE(valid_utf8("\xF0\x9F\x9B\xB7"));                     // U+1F6F7
  EXPECT_TRUE(valid_utf8(std::string_view("a\0b", 3)));
  EXPECT_FALSE(valid_utf8("\xC0\x80"));                            // overlong
  EXPECT_FALSE(valid_utf8("\xE0\x80\x80"));                        // overlong
  EXPECT_FALSE(valid_utf8("\xED\xA0\x80"));                        // a surrogate
  EXPECT_FALSE(valid_utf8("\xF4\x90\x80\x80"));                    // above U+10FFFF
  EXPECT_FALSE(valid_utf8("\xF0\x9F\x9B"));                        // cut off
  EXPECT_FALSE(valid_utf8("\x80"));
}

TEST(Strings, BytesAsHexDigits) {
  EXPECT_EQ(hex(""), "");
  EXPECT_EQ(hex(std::string_view("\0\x7f\x80\xff\n", 5)), "007f80ff0a");
}

TEST(Strings, DigestIsThePublishedOne) {
  // From the XXH3 reference implementation: XXH3_128bits of the empty string.
  EXPECT_EQ(xxh128_hex(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Strings, LiteralsDoubleTheirQuotes) { EXPECT_EQ(sql_literal("it's"), "'it''s'"); }

}  // namespace
}  // namespace pulk
