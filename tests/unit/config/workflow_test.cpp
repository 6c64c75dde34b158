#include "config/workflow.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

class WorkflowFile : public testing::Test {
 protected:
  Workflow load(std::string_view content, std::string_view name = "orders.json") {
    return load_workflow(folder_.write(name, content));
  }

  // What the error says, with the folder taken out of the paths.
  std::string problems(std::string_view content, ErrorKind kind = ErrorKind::usage,
                       std::string_view name = "orders.json") {
    try {
      load(content, name);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      std::string text = error.what();
      const std::string prefix = folder_.path() + "/";
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
      return text;
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  void expect_problem(std::string_view content, std::string_view expected, ErrorKind kind = ErrorKind::usage) {
    const std::string text = problems(content, kind);
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nis without: " << expected;
  }

  // One table with `extra` members.
  static std::string table(std::string_view extra) {
    return R"({"tables": [{"source": {"tableName": "a"}, "target": {"tableName": "b"})" +
           std::string(extra.empty() ? "" : ", ") + std::string(extra) + "}]}";
  }

  test::TempFolder folder_;
};

TEST_F(WorkflowFile, smallest) {
  const Workflow workflow = load(table(""));
  EXPECT_EQ(workflow.name, "orders");
  EXPECT_EQ(workflow.schema_version, "1.0.0");
  EXPECT_EQ(workflow.affinity, "");
  ASSERT_EQ(workflow.tables.size(), 1U);
  const TableConfig& config = workflow.tables[0];
  EXPECT_EQ(config.where, folder_.file("orders.json") + ":tables[0]");
  EXPECT_EQ(config.source.table, "a");
  EXPECT_EQ(config.source.schema, "");
  EXPECT_EQ(config.target.table, "b");
  EXPECT_TRUE(config.partition_columns.empty());
  EXPECT_EQ(config.partitioning, Partitioning::automatic);
  EXPECT_EQ(config.partition_size.kind, PartitionSize::Kind::automatic);
  EXPECT_FALSE(config.source_quiet);
}

TEST_F(WorkflowFile, defaults_are_merged) {
  const Workflow workflow = load(R"json({
    "schemaVersion": "1.2", "affinity": "blue",
    "defaultTableConfiguration": {
      "source": {"databaseName": "D", "schemaName": "S"},
      "target": {"databaseName": "T", "schemaName": "\"Exact\""},
      "columnNamesToPartitionBy": ["id"],
      "columnTypeMappings": [{"sourceType": "MONEY", "targetType": "DECIMAL(19,4)"}],
      "whereClauseCriteria": "x = 0", "partitionSize": {"targetSizeMb": 7}, "sourceQuiet": true,
      "extraction": {"strategy": "regular"}, "synchronization": {"strategy": "none"}
    },
    "tables": [
      {"source": {"tableName": "a"}, "target": {"tableName": "a"}},
      {"source": {"tableName": "b", "schemaName": "other", "databaseName": null}, "target": {"tableName": "b"},
       "columnNamesToPartitionBy": ["x", "y"], "columnTypeMappings": [], "whereClauseCriteria": "",
       "partitionSize": "auto", "sourceQuiet": false, "partitioning": "key",
       "columnNameMappings": [{"sourceName": "id", "targetName": "old_id"}], "primaryKeyColumns": ["x"]},
      {"source": {"tableName": "c"}, "target": {"tableName": "c"}, "columnNamesToPartitionBy": null,
       "maxPartitionSizeRows": 5, "extraction": null}
    ]})json");
  ASSERT_EQ(workflow.tables.size(), 3U);
  EXPECT_EQ(workflow.schema_version, "1.2");
  EXPECT_EQ(workflow.affinity, "blue");
  const TableConfig& a = workflow.tables[0];
  EXPECT_EQ(a.source.database, "D");
  EXPECT_EQ(a.source.schema, "S");
  EXPECT_EQ(a.target.schema, "\"Exact\"");
  EXPECT_EQ(a.partition_columns, std::vector<std::string>{"id"});
  ASSERT_EQ(a.type_mappings.size(), 1U);
  EXPECT_EQ(a.type_mappings[0].target_type, "DECIMAL(19,4)");
  EXPECT_EQ(a.filter, "x = 0");
  EXPECT_EQ(a.partition_size.kind, PartitionSize::Kind::target_size_mb);
  EXPECT_EQ(a.partition_size.value, 7);
  EXPECT_TRUE(a.source_quiet);
  const TableConfig& b = workflow.tables[1];
  EXPECT_EQ(b.source.database, "D");
  EXPECT_EQ(b.source.schema, "other");
  EXPECT_EQ(b.partition_columns, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(b.type_mappings.empty());
  EXPECT_EQ(b.filter, "");
  EXPECT_EQ(b.partition_size.kind, PartitionSize::Kind::automatic);
  EXPECT_FALSE(b.source_quiet);
  EXPECT_EQ(b.partitioning, Partitioning::key);
  ASSERT_EQ(b.name_mappings.size(), 1U);
  EXPECT_EQ(b.name_mappings[0].target_name, "old_id");
  EXPECT_EQ(b.primary_key_columns, std::vector<std::string>{"x"});
  const TableConfig& c = workflow.tables[2];
  EXPECT_EQ(c.partition_columns, std::vector<std::string>{"id"});
  EXPECT_EQ(c.partition_size.kind, PartitionSize::Kind::max_rows);
  EXPECT_EQ(c.partition_size.value, 5);
}

TEST_F(WorkflowFile, every_spelling_of_the_partition_size) {
  const auto size = [&](std::string_view extra) { return load(table(extra)).tables[0].partition_size; };
  using Kind = PartitionSize::Kind;
  EXPECT_EQ(size(R"("partitionSize": "auto")").kind, Kind::automatic);
  EXPECT_EQ(size(R"("partitionSize": {"targetSizeMb": 2048})").value, 2048);
  EXPECT_EQ(size(R"("partitionSize": {"maxRowsPerPartition": 500000})").kind, Kind::max_rows);
  EXPECT_EQ(size(R"("targetPartitionSizeMb": 12.0)").value, 12);
  EXPECT_EQ(size(R"("targetPartitionSizeRows": 3)").kind, Kind::max_rows);
  EXPECT_EQ(size(R"("maxPartitionSizeRows": 4)").value, 4);
  expect_problem(table(R"("partitionSize": "auto", "targetPartitionSizeMb": 1)"), "more than once");
  expect_problem(table(R"("targetPartitionSizeMb": 1, "maxPartitionSizeRows": 1)"), "more than once");
  expect_problem(table(R"("partitionSize": {"targetSizeMb": 1, "maxRowsPerPartition": 1})"),
                 "orders.json:tables[0].partitionSize: has too many keys");
  expect_problem(table(R"("partitionSize": {})"), "Exactly one of targetSizeMb and maxRowsPerPartition");
  expect_problem(table(R"("partitionSize": {"targetSizeMb": 0})"),
                 "orders.json:tables[0].partitionSize.targetSizeMb: 0 is too small: at least 1");
  expect_problem(table(R"("partitionSize": {"targetSizeMb": 1e300})"), "too large");
  expect_problem(table(R"("partitionSize": {"targetSizeMb": 1.5})"), "must be a whole number, not 1.5");
  expect_problem(table(R"("partitionSize": 5)"), "must be a string or an object, not 5");
  expect_problem(table(R"("partitionSize": "Auto")"), "did you mean \"auto\"?");
}

TEST_F(WorkflowFile, a_query_in_place_of_a_table) {
  const Workflow workflow =
      load(R"({"tables": [{"source": {"query": " SELECT 1 AS x "}, "target": {"tableName": "b"}}]})");
  EXPECT_EQ(workflow.tables[0].query, "SELECT 1 AS x");
  expect_problem(R"({"tables": [{"source": {"query": "SELECT 1", "tableName": "a"}, "target": {"tableName": "b"}}]})",
                 "orders.json:tables[0].source.query: tableName and query are both there");
  expect_problem(R"({"tables": [{"source": {"query": "  "}, "target": {"tableName": "b"}}]})", "the query is empty");
}

TEST_F(WorkflowFile, says_everything_at_once) {
  const std::string text = problems(R"({
    "schemaVersion": "2.0", "tabels": [],
    "defaultTableConfiguration": {"columnTypeMappings": [{"sourceType": "money"}]},
    "tables": [
      {"source": {"tableName": "a"}},
      {"source": {"schemaName": "s"}, "target": {"tableName": "\"b"}, "columnNamesToPartitionBy": ["x", 3, "X"]},
      {"source": {"tableName": "a"}, "target": {"tablename": "c"}, "whereClauseCriteria": "WHERE x = 1"},
      null
    ]})");
  for (const char* expected : {
           "orders.json:schemaVersion: \"2.0\" does not have the form of \"1\", \"1.0\" or \"1.0.0\"",
           "reads major version 1",
           "orders.json:tabels: the key is not known\n    hint: did you mean \"tables\"?",
           "orders.json:defaultTableConfiguration.columnTypeMappings[0]: \"targetType\" is missing",
           "orders.json:tables[0]: \"target\" is missing",
           "orders.json:tables[1].source: \"tableName\" is missing",
           "orders.json:tables[1].target.tableName: the quote of the name \"b is not closed",
           "orders.json:tables[1].columnNamesToPartitionBy[1]: must be a string, not 3",
           "orders.json:tables[1].columnNamesToPartitionBy[2]: the column \"X\" is there twice",
           "orders.json:tables[2].target.tablename: the key is not known\n    hint: did you mean \"tableName\"?",
           "orders.json:tables[2].whereClauseCriteria: begins with WHERE",
           "orders.json:tables[3]: must be an object, not null",
       }) {
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nis without: " << expected;
  }
}

TEST_F(WorkflowFile, two_tables_into_one_target) {
  expect_problem(R"({"tables": [{"source": {"tableName": "a"}, "target": {"tableName": "t"}},
                                {"source": {"tableName": "b"}, "target": {"tableName": "T"}}]})",
                 "orders.json:tables[1].target: the same target as in orders.json:tables[0]");
  expect_problem(R"({"tables": [{"source": {"tableName": "a"}, "target": {"tableName": "t"}},
                                {"source": {"tableName": "A"}, "target": {"tableName": "t"}}]})",
                 "orders.json:tables[1]: the same source and target as in orders.json:tables[0]");
  load(R"({"tables": [{"source": {"tableName": "a"}, "target": {"tableName": "t"}},
                      {"source": {"tableName": "a"}, "target": {"tableName": "t", "schemaName": "s"}},
                      {"source": {"tableName": "a"}, "target": {"tableName": "\"T\""}}]})");
}

TEST_F(WorkflowFile, duplicate_mappings) {
  expect_problem(table(R"j("columnTypeMappings": [{"sourceType": "numeric(10, 2)", "targetType": "A"},
                                                  {"sourceType": "NUMERIC(10,2)", "targetType": "B"}])j"),
                 "tables[0].columnTypeMappings[1].sourceType: \"NUMERIC(10,2)\" is already in columnTypeMappings[0]");
  expect_problem(table(R"("columnNameMappings": [{"sourceName": "a", "targetName": "x"},
                                                 {"sourceName": "A", "targetName": "y"}])"),
                 "columnNameMappings[1].sourceName");
  expect_problem(table(R"("columnNameMappings": [{"sourceName": "a", "targetName": "x"},
                                                 {"sourceName": "b", "targetName": "x"}])"),
                 "columnNameMappings[1].targetName");
}

TEST_F(WorkflowFile, duplicate_keys) {
  expect_problem(R"({"tables": [{"source": {"tableName": "a", "tableName": "b"}, "target": {"tableName": "b"}}]})",
                 "orders.json:tables[0].source.tableName: the key is there twice");
  expect_problem(R"({"tables": [], "tables": [{"source": {"tableName": "a"}, "target": {"tableName": "b"}}]})",
                 "orders.json:tables: the key is there twice");
}

TEST_F(WorkflowFile, positions_of_syntax_errors) {
  const auto where = [&](std::string_view content, std::string_view name = "orders.json") {
    const std::string text = problems(content, ErrorKind::usage, name);
    return text.substr(0, text.find(": "));
  };
  EXPECT_EQ(where("{\n  \"tables\": [\n    }\n}"), "orders.json:3:5");
  EXPECT_EQ(where("{\"a\": 1 \"tables\": []}"), "orders.json:1:9");
  EXPECT_EQ(where("{\"ä\": tru}"), "orders.json:1:10");
  EXPECT_EQ(where("{\"tables\": ["), "orders.json:1:13");
  EXPECT_EQ(where("\n{'tables': []}"), "orders.json:2:2");
  EXPECT_EQ(where("tables:\n  - source: [1\n", "orders.yaml"), "orders.yaml:3:1");
  EXPECT_EQ(where(std::string(100, '[')), "orders.json:" + [] {
    std::string path;
    for (int i = 0; i < 63; ++i) path += "[0]";
    return path;
  }());
  expect_problem("", "the file is empty");
  expect_problem("[]", "orders.json: must be an object, not a list");
  expect_problem("{}", "orders.json: \"tables\" is missing");
  expect_problem(R"({"tables": []})", "orders.json:tables: must not be empty");
  EXPECT_THROW(load_workflow(folder_.file("missing.json")), Error);
  EXPECT_THROW(load_workflow(folder_.path()), Error);
}

TEST_F(WorkflowFile, yaml_has_the_same_structure) {
  const Workflow workflow = load(R"(# a comment
schemaVersion: "1.0"
defaultTableConfiguration: &d
  source: {databaseName: D}
tables:
  - source: {tableName: 'on'}
    target: {tableName: "\"T\""}
    columnNamesToPartitionBy: [id]
    partitionSize: {maxRowsPerPartition: 0x10}
    sourceQuiet: true
    whereClauseCriteria: >-
      a = 1
      and b = 2
  - source: {tableName: no}
    target: {tableName: !!str 7}
)",
                                 "orders.yml");
  ASSERT_EQ(workflow.tables.size(), 2U);
  EXPECT_EQ(workflow.name, "orders");
  EXPECT_EQ(workflow.tables[0].source.table, "on");
  EXPECT_EQ(workflow.tables[0].source.database, "D");
  EXPECT_EQ(workflow.tables[0].target.table, "\"T\"");
  EXPECT_EQ(workflow.tables[0].partition_size.value, 16);
  EXPECT_EQ(workflow.tables[0].filter, "a = 1 and b = 2");
  EXPECT_TRUE(workflow.tables[0].source_quiet);
  EXPECT_EQ(workflow.tables[1].source.table, "no");
  EXPECT_EQ(workflow.tables[1].target.table, "7");

  const auto yaml = [&](std::string_view content) { return problems(content, ErrorKind::usage, "orders.yaml"); };
  EXPECT_NE(yaml("schemaVersion: 1.0\ntables: []").find("orders.yaml:schemaVersion: must be a string, not 1.0"),
            std::string::npos);
  EXPECT_NE(yaml("tables: []\ntables: []").find("orders.yaml:tables: the key is there twice"), std::string::npos);
  EXPECT_NE(yaml("a: 1\n---\nb: 1").find("2 documents"), std::string::npos);
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ",";
    bomb += "]\n";
  }
  EXPECT_NE(yaml(bomb).find("too large"), std::string::npos);
}

TEST_F(WorkflowFile, features_of_the_contract_that_are_absent) {
  const std::string text = problems(R"({
    "defaultTableConfiguration": {"synchronization": {"strategy": "watermark", "watermarkColumn": "u"}},
    "tables": [
      {"source": {"tableName": "a"}, "target": {"tableName": "a"}},
      {"source": {"tableName": "b"}, "target": {"tableName": "b", "tableType": "iceberg",
        "icebergConfig": {"externalVolume": "v"}}, "synchronization": {"strategy": "checksum"}},
      {"source": {"tableName": "c"}, "target": {"tableName": "c"},
       "extraction": {"strategy": "unload", "externalStage": "s"}}
    ]})",
                                   ErrorKind::refused);
  for (const char* expected : {"4 problems", "orders.json:defaultTableConfiguration.synchronization.strategy: \"watermark\"",
                               "orders.json:tables[1].target.tableType: \"iceberg\"",
                               "orders.json:tables[1].synchronization.strategy: \"checksum\"",
                               "orders.json:tables[2].extraction.strategy: \"unload\""}) {
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nis without: " << expected;
  }
  // A usage problem comes first, and what the absent features need is checked all the same.
  const std::string usage = problems(R"({"tables": [{"source": {"tableName": "a"},
    "target": {"tableName": "a", "tableType": "iceberg"}, "extraction": {"strategy": "unload"},
    "synchronization": {"strategy": "watermark", "trackModifications": true}}]})");
  for (const char* expected : {"\"icebergConfig\" is missing", "\"externalStage\" is missing",
                               "\"watermarkColumn\" is missing", "\"primaryKeyColumns\" is missing"}) {
    EXPECT_NE(usage.find(expected), std::string::npos) << usage << "\nis without: " << expected;
  }
}

}  // namespace
}  // namespace pulk
