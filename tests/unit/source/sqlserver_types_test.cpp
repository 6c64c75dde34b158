#include <gtest/gtest.h>

#include "source/dialect/sqlserver.h"

namespace pulk::sqlserver {
namespace {

ListedType listed(std::string name, std::int64_t length = 0, int precision = 0, int scale = 0) {
  ListedType type;
  type.name = std::move(name);
  type.max_length = length;
  type.precision = precision;
  type.scale = scale;
  return type;
}

TEST(SqlServerTypes, AreWrittenAsTheyAreDeclared) {
  EXPECT_EQ(written(listed("nvarchar", 100, 0, 0)), "nvarchar(50)");
  EXPECT_EQ(written(listed("varchar", 100)), "varchar(100)");
  EXPECT_EQ(written(listed("varbinary", -1)), "varbinary(max)");
  EXPECT_EQ(written(listed("decimal", 9, 10, 2)), "decimal(10,2)");
  EXPECT_EQ(written(listed("datetime2", 8, 27, 7)), "datetime2(7)");
  EXPECT_EQ(written(listed("datetime", 8, 23, 3)), "datetime");
  ListedType polish = listed("char", 5);
  polish.collation = "Polish_CI_AS";
  EXPECT_EQ(written(polish), "char(5) COLLATE Polish_CI_AS");
  EXPECT_EQ(bare(written(polish)), "char");
}

TEST(SqlServerTypes, ClrTypesAndVariantsAreRefused) {
  ListedType clr = listed("geography", -1);
  clr.assembly = true;
  EXPECT_FALSE(meaning_of(clr).logical);
  EXPECT_FALSE(meaning_of(clr).readable_as_text);
  EXPECT_FALSE(meaning_of(listed("sql_variant", 8016)).logical);
  EXPECT_FALSE(meaning_of(listed("sql_variant", 8016)).readable_as_text);
  ListedType hierarchy = listed("hierarchyid", 892);
  hierarchy.assembly = true;
  EXPECT_EQ(meaning_of(hierarchy).logical->kind, TypeKind::text);
}

TEST(SqlServerTypes, LiteralsHaveTheColumnsOwnType) {
  EXPECT_EQ(literal_of("int", "[k]"), "CONVERT(varchar(20), [k])");
  EXPECT_EQ(literal_of("decimal(20,5)", "[k]"), "'CAST(''' + CONVERT(varchar(41), [k]) + ''' AS decimal(20,5))'");
  EXPECT_EQ(literal_of("datetime2(7)", "[k]"), "'CAST(''' + CONVERT(varchar(30), [k], 126) + ''' AS datetime2(7))'");
  EXPECT_EQ(literal_of("nvarchar(9)", "[k]"), "N'N''' + REPLACE(CONVERT(nvarchar(4000), [k]) COLLATE Latin1_General_BIN2, N'''', N'''''') + N''''");
  EXPECT_EQ(literal_of("binary(8)", "[k]"), "CONVERT(varchar(max), CONVERT(varbinary(8000), [k]), 1)");
}

TEST(SqlServerTypes, NamesAndTextsAreQuoted) {
  EXPECT_EQ(quote("a]b\"c"), "[a]]b\"c]");
  EXPECT_EQ(text_literal("it's"), "N'it''s'");
}

}  // namespace
}  // namespace pulk::sqlserver
