// Names of stages as people write them.
#include "warehouse/snowflake/named_stage.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pulk::snowflake {
namespace {

std::string parsed(const std::string& written, const std::string& database = "", const std::string& schema = "") {
  SnowflakeConnection connection;
  connection.database = database;
  connection.schema = schema;
  try {
    const StageName name = parse_stage_name(written, connection);
    return name.database + "|" + name.schema + "|" + name.name + "|" + name.path;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.message();
  }
}

TEST(StageNames, AreFoldedAndFilledUp) {
  EXPECT_EQ(parsed("@db.s.ext"), "DB|S|EXT|");
  EXPECT_EQ(parsed("@db.s.ext/"), "DB|S|EXT|");
  EXPECT_EQ(parsed("@db.s.ext/In/x"), "DB|S|EXT|In/x/");
  EXPECT_EQ(parsed("@db.s.ext//in/"), "DB|S|EXT|in/");
  EXPECT_EQ(parsed(R"(@"Db"."a.b/c".ext/in.d)"), "Db|a.b/c|EXT|in.d/");
  EXPECT_EQ(parsed("@s.ext", "sales"), "SALES|S|EXT|");
  EXPECT_EQ(parsed("@ext", "sales"), "SALES|PUBLIC|EXT|");
  EXPECT_EQ(parsed("@ext", "sales", "\"lower\""), "SALES|lower|EXT|");
}

TEST(StageNames, ThatAreNone) {
  EXPECT_EQ(parsed("@a.b.c.d"), "has more than three names");
  EXPECT_EQ(parsed("@a..c"), "has an empty name");
  EXPECT_EQ(parsed("@s.ext"), "does not say which database, and neither does the connection");
}

}  // namespace
}  // namespace pulk::snowflake
