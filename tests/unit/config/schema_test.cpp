// The printed schema and pulk's own check must say the same. An independent validator (Python's jsonschema) judges the
// schema itself and every example; the examples are judged by structure only.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/schema_check.h"
#include "config/workflow.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

using nlohmann::json;

json table_with(const json& extra) {
  json table{{"source", {{"tableName", "a"}}}, {"target", {{"tableName", "b"}}}};
  if (extra.is_object()) table.update(extra);
  return {{"tables", {table}}};
}

std::vector<json> documents() {
  std::vector<json> list{
      json::object(),
      json::array(),
      json(nullptr),
      json{{"tables", json::array()}},
      json{{"tables", nullptr}},
      json{{"tables", {nullptr}}},
      json{{"tables", json::object()}},
      json{{"tables", {json::object()}}},
  };
  for (const char* version : {"1", "1.0", "1.0.0", "1.12.3", "2", "0.9", "1.", "1.0.0.0", "v1", "", "1.01", " 1"}) {
    list.push_back(table_with({}));
    list.back()["schemaVersion"] = version;
  }
  for (const json& value : {json(1), json(1.0), json(nullptr), json(true)}) {
    list.push_back(table_with({}));
    list.back()["schemaVersion"] = value;
    list.push_back(table_with({}));
    list.back()["affinity"] = value;
    list.push_back(table_with({}));
    list.back()["defaultTableConfiguration"] = value;
    list.push_back(table_with({}));
    list.back()["unknown"] = value;
  }
  const json values = json::parse(R"([
    null, "auto", "", "none", "key", "regular", "checksum", 0, 1, -1, 1.0, 1.5, 1e300, 9007199254740991,
    9007199254740992, true, [], ["x"], [""], [1], [null], {}, {"strategy": "none"},
    {"strategy": "unload", "externalStage": "s"}, {"strategy": "unloaded"}, {"strategy": null},
    {"targetSizeMb": 1}, {"targetSizeMb": null}, {"maxRowsPerPartition": 2.0},
    {"targetSizeMb": 1, "maxRowsPerPartition": 2}, {"tableName": "t"}, {"query": "q"}, {"query": ""},
    {"tableType": "iceberg"}, {"tableType": "x"}, {"icebergConfig": {"sourceDataStage": "@s"}},
    {"icebergConfig": {"sourceDataStage": "s"}}, {"icebergConfig": {"migrationStrategy": "copy_files"}},
    {"watermarkColumn": "u", "trackModifications": true}])");
  for (const char* key : {"source", "target", "columnNamesToPartitionBy", "partitioning", "partitionSize",
                          "targetPartitionSizeMb", "targetPartitionSizeRows", "maxPartitionSizeRows", "primaryKeyColumns",
                          "whereClauseCriteria", "columnTypeMappings", "columnNameMappings", "sourceQuiet", "extraction",
                          "synchronization", "partitionsize"}) {
    for (const json& value : values) {
      list.push_back(table_with({{key, value}}));
      list.push_back(table_with({}));
      list.back()["defaultTableConfiguration"][key] = value;
    }
  }
  for (const char* text : {
           R"({"columnTypeMappings": [{"sourceType": "a", "targetType": "b"}]})",
           R"({"columnTypeMappings": [{"sourceType": "a"}]})",
           R"({"columnTypeMappings": [{"sourceType": "a", "targetType": ""}]})",
           R"({"columnTypeMappings": [{"sourceType": "a", "targetType": "b", "x": 1}]})",
           R"({"columnNameMappings": [{"sourceName": "a", "targetName": "b"}]})",
           R"({"columnNameMappings": [{"targetName": "b"}]})",
           R"({"columnNameMappings": [{"sourceName": null, "targetName": "b"}]})",
       }) {
    list.push_back(table_with(json::parse(text)));
  }
  return list;
}

bool accepted(const json& document) {
  Problems problems;
  check_against_schema(document, json::parse(workflow_schema()), "x.json", problems);
  return problems.empty();
}

std::optional<std::string> python_with_jsonschema() {
  for (auto folder = std::filesystem::current_path();; folder = folder.parent_path()) {
    const auto python = folder / ".deps/venv/bin/python3";
    if (std::filesystem::exists(python)) return python.string();
    if (folder == folder.root_path()) return std::nullopt;
  }
}

TEST(WorkflowSchema, agrees_with_an_independent_validator) {
  const auto python = python_with_jsonschema();
  if (!python) GTEST_SKIP() << "no .deps/venv above the current folder";
  const test::TempFolder folder;
  const std::vector<json> list = documents();
  const std::string schema = folder.write("schema.json", workflow_schema());
  const std::string examples = folder.write("examples.json", json(list).dump());
  const std::string script = folder.write("check.py", R"py(
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
print(json.dumps([validator.is_valid(document) for document in json.load(open(sys.argv[2]))]))
)py");
  const std::string command = *python + " " + script + " " + schema + " " + examples;
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 4096> block{};
  while (const std::size_t bytes = std::fread(block.data(), 1, block.size(), pipe)) output.append(block.data(), bytes);
  ASSERT_EQ(::pclose(pipe), 0) << output;
  const json verdicts = json::parse(output);
  ASSERT_EQ(verdicts.size(), list.size());
  int valid = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    EXPECT_EQ(accepted(list[i]), verdicts[i].get<bool>()) << list[i].dump();
    valid += verdicts[i].get<bool>() ? 1 : 0;
  }
  EXPECT_GT(valid, 100);
  EXPECT_GT(static_cast<int>(list.size()) - valid, 100);
}

// A keyword that the check does not know is an internal error, so that the schema cannot promise what nobody checks.
TEST(WorkflowSchema, refuses_unknown_keywords) {
  Problems problems;
  EXPECT_THROW(check_against_schema(json(1), json{{"exclusiveMinimum", 0}}, "x", problems), Error);
}

TEST(WorkflowSchema, every_setting_is_described) {
  const json schema = json::parse(workflow_schema());
  const auto described = [&](const json& properties) {
    for (const auto& [key, inner] : properties.items()) {
      const bool reference = inner.contains("$ref") &&
                             schema.at(json::json_pointer(inner.at("$ref").get<std::string>().substr(1))).contains("description");
      EXPECT_TRUE(inner.contains("description") || reference) << key;
    }
  };
  described(schema.at("properties"));
  for (const auto& [name, definition] : schema.at("$defs").items()) described(definition.value("properties", json::object()));
}

}  // namespace
}  // namespace pulk
