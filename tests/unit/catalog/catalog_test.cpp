#include <gtest/gtest.h>

#include "base/error.h"
#include "catalog/identifier.h"
#include "catalog/plan_json.h"

namespace pulk {
namespace {

TEST(WrittenName, QuotesMakeItExact) {
  EXPECT_EQ(parse_written_name("Orders").text, "Orders");
  EXPECT_FALSE(parse_written_name("Orders").exact);
  EXPECT_EQ(parse_written_name("\"Order \"\"x\"\"\"").text, "Order \"x\"");
  EXPECT_TRUE(parse_written_name("\"Orders\"").exact);
  EXPECT_EQ(parse_written_name("[a]]b]").text, "a]b");
  EXPECT_EQ(parse_written_name("`a b`").text, "a b");
  EXPECT_THROW(parse_written_name("\"open"), Error);
  EXPECT_THROW(parse_written_name("\"a\"b\""), Error);
  EXPECT_THROW(parse_written_name("\"\""), Error);
  EXPECT_THROW(parse_written_name(""), Error);
}

TEST(WrittenName, FollowsTheRuleOfItsSystem) {
  const WrittenName plain{"Orders", false}, exact{"Orders", true};
  EXPECT_TRUE(matches(plain, "orders", NameRule::lower));
  EXPECT_FALSE(matches(plain, "Orders", NameRule::lower));
  EXPECT_TRUE(matches(exact, "Orders", NameRule::lower));
  EXPECT_FALSE(matches(exact, "orders", NameRule::lower));
  EXPECT_TRUE(matches(plain, "ORDERS", NameRule::upper));
  EXPECT_TRUE(matches(exact, "oRDERS", NameRule::ignore_case));
  EXPECT_EQ(fold(plain, NameRule::upper), "ORDERS");
}

TEST(LogicalType, TextRoundTrips) {
  for (const char* text : {"boolean", "int16", "decimal(38,10)", "decimal", "text", "text(20)", "timestamp(6)",
                           "timestamp_tz(3)", "uuid", "json", "time(0)", "bytes"}) {
    const auto type = parse_logical_type(text);
    ASSERT_TRUE(type.has_value()) << text;
    EXPECT_EQ(to_string(*type), text);
  }
  EXPECT_FALSE(parse_logical_type("money").has_value());
  EXPECT_FALSE(parse_logical_type("decimal(x,2)").has_value());
}

TEST(LogicalType, WideDecimalsTravelAsText) {
  EXPECT_EQ(to_string(natural_carrier({TypeKind::decimal, 38, 2, 0})), "decimal128(38,2)");
  EXPECT_EQ(to_string(natural_carrier({TypeKind::decimal, 39, 2, 0})), "utf8");
  EXPECT_EQ(to_string(natural_carrier({TypeKind::decimal, 0, 0, 0})), "utf8");
}

TablePlan sample() {
  TablePlan plan;
  plan.label = "public.orders";
  plan.source = {{"db", "public", "orders"}, "", "deleted = 0"};
  plan.target = {"", "main", "orders"};
  ColumnPlan column;
  column.source_name = "a \"b\"";
  column.source_type = "numeric(10,2)";
  column.nullable = false;
  column.logical = {TypeKind::decimal, 10, 2, 0};
  column.carrier = {CarrierKind::decimal128, 10, 2};
  column.target_name = "a \"b\"";
  column.target_type = "DECIMAL(10,2)";
  column.load_expression = "\"a\"";
  plan.columns.push_back(column);
  plan.primary_key = {"a \"b\""};
  plan.partitions.push_back({1, "abc", PartitionKind::key_range, "\"k\" < 'x'", "k < x", 10, 20});
  plan.notes = {"a note"};
  return plan;
}

TEST(PlanJson, ReadingBackGivesTheSamePlan) {
  const TablePlan plan = sample();
  const TablePlan back = plan_from_json(plan_to_json(plan));
  EXPECT_EQ(plan_to_json(back), plan_to_json(plan));
  EXPECT_EQ(plan_hash(back), plan_hash(plan));
  EXPECT_EQ(back.partitions.at(0).predicate, "\"k\" < 'x'");
  EXPECT_EQ(back.columns.at(0).carrier, plan.columns.at(0).carrier);
  EXPECT_THROW(plan_from_json("{}"), Error);
}

TEST(PlanHash, ChangesWithWhatDecidesRowsAndValues) {
  const std::string before = plan_hash(sample());
  TablePlan other = sample();
  other.source.filter = "deleted = 1";
  EXPECT_NE(plan_hash(other), before);
  other = sample();
  other.columns[0].carrier.scale = 3;
  EXPECT_NE(plan_hash(other), before);
  other = sample();
  other.notes.clear();
  EXPECT_EQ(plan_hash(other), before);
}

}  // namespace
}  // namespace pulk
