#include "orchestrator/run_config.h"

#include <gtest/gtest.h>

namespace pulk {
namespace {

TEST(RunConfig, DifferencesAreNamedByPath) {
  TableConfig table;
  table.source = {"db", "public", "orders"};
  table.target = {"db", "main", "orders"};
  MigrateOptions options;
  const std::string before = run_config({table}, options, "pg:1", "duckdb x");
  EXPECT_TRUE(config_differences(before, before).empty());
  table.filter = "a = 1";
  table.partition_columns = {"id"};
  const auto lines = config_differences(before, run_config({table}, options, "pg:1", "duckdb x"));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1], "tables[0].whereClauseCriteria: was \"\", is now \"a = 1\"");
}

TEST(RunConfig, WhatOnlyMakesItFasterMayChange) {
  MigrateOptions options;
  const std::string before = run_config({}, options, "s", "t");
  options.memory = 1;
  options.parallel = 7;
  options.encode.level = 3;
  EXPECT_TRUE(config_differences(before, run_config({}, options, "s", "t")).empty());
}

}  // namespace
}  // namespace pulk
