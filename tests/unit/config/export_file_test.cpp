#include "config/export_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

class ExportsFile : public testing::Test {
 protected:
  ExportFile load(const std::string& content, const std::string& name = "e.yaml") {
    return load_export_file(folder_.write(name, content));
  }
  // One export with what is given beside table and s3_path, in YAML's flow style.
  static std::string one(const std::string& path, const std::string& more = "") {
    return "exports: [{table: T, s3_path: \"" + path + "\"" + (more.empty() ? "" : ", " + more) + "}]";
  }
  ExportEntry entry(const std::string& path, const std::string& more = "") {
    return load(one(path, more)).exports.at(0);
  }
  // What the error says, with the folder taken out of the paths.
  std::string problems(const std::string& content, const std::string& name = "e.yaml") {
    try {
      load(content, name);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      std::string text = error.what();
      for (std::size_t at; (at = text.find(folder_.path() + "/")) != text.npos;)
        text.erase(at, folder_.path().size() + 1);
      return text;
    }
    ADD_FAILURE() << "nothing is wrong with " << content;
    return "";
  }
  void expect(const std::string& content, const std::vector<std::string>& texts) {
    const std::string said = problems(content);
    for (const std::string& text : texts) EXPECT_NE(said.find(text), said.npos) << said << "\nis without: " << text;
  }

  test::TempFolder folder_;
};

// Expected values by hand, after yaml.org/type/merge.html.
TEST_F(ExportsFile, MergeKeys) {
  const std::string base = "exports:\n  - &a {table: A, s3_path: a.csv, file_type: csv, csv: {delimiter: ';'}}\n"
                           "  - &b {<<: *a, table: B, s3_path: b.csv}\n";
  const ExportFile file = load(base + "  - {s3_path: c.csv, <<: [*b, *a]}\n");
  ASSERT_EQ(file.exports.size(), 3U);
  EXPECT_EQ(file.exports[1].table, "B");
  EXPECT_EQ(file.exports[1].path, "b.csv");
  EXPECT_EQ(file.exports[1].type, FileType::csv);
  EXPECT_EQ(file.exports[1].csv.delimiter, ';');
  EXPECT_EQ(file.exports[2].table, "B");
  EXPECT_EQ(file.exports[2].path, "c.csv");
  expect(base + "  - {<<: [a, b], table: C, s3_path: c}\n", {"e.yaml:4:", "<< takes a map"});
  expect(base + "  - {<<: *a, <<: *b, s3_path: c}\n", {"twice"});
  expect(base + "  - {'<<': *a, table: C, s3_path: c}\n", {"<<"});
}

TEST_F(ExportsFile, WhatIsLeftOutIsTheDefault) {
  const ExportFile file = load("exports:\n  - table: ORDERS\n    s3_path: o.parquet\n    query: null\n");
  EXPECT_EQ(file.source + file.destination + file.stage, "");
  ASSERT_EQ(file.exports.size(), 1U);
  const ExportEntry& entry = file.exports[0];
  EXPECT_EQ(entry.where, folder_.file("e.yaml") + ":exports[0]");
  EXPECT_EQ(entry.table, "ORDERS");
  EXPECT_EQ(entry.query, "");
  EXPECT_EQ(entry.type, FileType::parquet);
  EXPECT_EQ(entry.road, ExportRoad::automatic);
  EXPECT_EQ(entry.compression, "");
  EXPECT_EQ(entry.max_file_bytes, 0);
  EXPECT_TRUE(entry.partition_by.empty());
  EXPECT_FALSE(entry.refuse_existing);
  EXPECT_FALSE(entry.manifest);
  EXPECT_FALSE(entry.json_array);
  EXPECT_TRUE(entry.csv.header);
  EXPECT_FALSE(entry.csv.quote_all);
  EXPECT_EQ(entry.csv.delimiter, ',');
  EXPECT_EQ(entry.csv.null_text, "");
  EXPECT_EQ(entry.csv.line_end, "\n");
}

TEST_F(ExportsFile, EveryKeyIsRead) {
  const ExportFile file = load(R"(
destination: s3://lake/raw
exports:
  - table: " SALES.ORDERS "
    s3_path: raw/orders/
    file_type: csv
    query: "SELECT 1 ; "
    road: stream
    compression: gzip
    max_file_size: 1GiB
    partition_by: [C, '"d"']
    if_exists: refuse
    manifest: false
    csv: {header: false, delimiter: "\t", quoting: all, null_text: '\N', line_end: crlf}
  - table: J
    s3_path: j.json
    file_type: json
    json: {array: true}
)");
  EXPECT_EQ(file.destination, "s3://lake/raw");
  const ExportEntry& entry = file.exports.at(0);
  EXPECT_EQ(entry.table, "SALES.ORDERS");
  EXPECT_EQ(entry.path, "raw/orders/");
  EXPECT_EQ(entry.type, FileType::csv);
  EXPECT_EQ(entry.query, "SELECT 1");
  EXPECT_EQ(entry.road, ExportRoad::stream);
  EXPECT_EQ(entry.compression, "gzip");
  EXPECT_EQ(entry.max_file_bytes, 1LL << 30);
  EXPECT_EQ(entry.partition_by, (std::vector<std::string>{"C", "\"d\""}));
  EXPECT_TRUE(entry.refuse_existing);
  EXPECT_FALSE(entry.manifest);
  EXPECT_FALSE(entry.csv.header);
  EXPECT_TRUE(entry.csv.quote_all);
  EXPECT_EQ(entry.csv.delimiter, '\t');
  EXPECT_EQ(entry.csv.null_text, "\\N");
  EXPECT_EQ(entry.csv.line_end, "\r\n");
  EXPECT_TRUE(file.exports.at(1).json_array);
}

TEST_F(ExportsFile, AFolderHasAManifestUnlessItIsSwitchedOff) {
  EXPECT_TRUE(entry("x/").manifest);
  EXPECT_FALSE(entry("x/", "manifest: false").manifest);
  EXPECT_FALSE(entry("x").manifest);
}

TEST_F(ExportsFile, TheSameAsJson) {
  const std::string text = R"({"exports": [{"table": "T", "s3_path": "t.csv", "file_type": "csv"}]})";
  EXPECT_EQ(load(text, "e.json").exports.at(0).type, FileType::csv);
}

TEST_F(ExportsFile, AllProblemsAreToldAtOnceWithWhatWasMeant) {
  expect(
      R"(destnation: s3://x
exports:
  - table: A
    s3_path: /a.parquet
    file_type: parqet
    querry: SELECT 1
  - s3_path: b
    if_exists: replace
  - table: C
    s3_path: 7
)",
      {"e.yaml", "destnation", "did you mean \"destination\"?", "exports[0].s3_path", "begins with a slash",
       "write \"a.parquet\"", "exports[0].file_type", "did you mean \"parquet\"?", "querry", "did you mean \"query\"?",
       "exports[1]", "\"table\" is missing", "exports[1].if_exists", "exports[2].s3_path"});
}

TEST_F(ExportsFile, WhatIsNoYamlIsToldByLineAndColumn) {
  expect("exports:\n  - table: A\n   s3_path: b\n", {"e.yaml:3:"});
  expect("exports: [\n", {"e.yaml:2:"});
  expect("", {"e.yaml"});
  EXPECT_NE(problems("{\"exports\": [}", "e.json").find("e.json:1:14"), std::string::npos);
}

TEST_F(ExportsFile, OneExportAtLeast) {
  expect("exports: []", {"e.yaml:exports"});
  expect("exports: null", {"e.yaml:exports"});
  expect("source: x", {"\"exports\" is missing"});
  expect("exports: {table: T, s3_path: x}", {"e.yaml:exports"});
}

TEST_F(ExportsFile, KeysThatAreNone) {
  for (const char* path : {"s3://b/x", "file:///x"}) expect(one(path), {"exports[0].s3_path", "is a whole address"});
  for (const char* path : {"/x", "//x"}) expect(one(path), {"begins with a slash", "write \"x\""});
  for (const char* path : {"a//b", "./b", "a/../b", "a/.", "..", "a//"}) expect(one(path), {"has an empty part"});
  expect(one("a\\u0007b"), {"has a control character"});
  expect(one(std::string(1025, 'x')), {"has 1025 bytes; a key has at most 1024"});
  EXPECT_EQ(entry(std::string(1024, 'x')).path.size(), 1024U);
  EXPECT_EQ(entry("a b/ü..x/.hidden/c").path, "a b/ü..x/.hidden/c");
  expect(one(""), {"exports[0].s3_path"});
}

TEST_F(ExportsFile, TwoExportsToOnePlace) {
  const auto both = [](const std::string& a, const std::string& b) {
    return "exports: [{table: A, s3_path: " + a + "}, {table: M, s3_path: m}, {table: B, s3_path: " + b + "}]";
  };
  expect(both("x", "x"), {"exports[2].s3_path: \"x\" is where exports[0] writes too"});
  expect(both("x/", "x/y"), {"exports[2].s3_path", "\"x/y\" and \"x/\" of exports[0] are one inside the other"});
  expect(both("x/y/z", "x/"), {"exports[2].s3_path", "are one inside the other"});
  EXPECT_EQ(load(both("x/", "xy")).exports.size(), 3U);
  EXPECT_EQ(load(both("x", "x/")).exports.size(), 3U);  // a key and a prefix: two places in a bucket
}

TEST_F(ExportsFile, OptionsThatNeedAFolder) {
  expect(one("x.parquet", "max_file_size: 1GiB, partition_by: [A], manifest: true"),
         {"exports[0].max_file_size", "exports[0].partition_by", "makes several files, and s3_path names one",
          "write a folder: \"x/\"", "exports[0].manifest", "has no effect"});
}

TEST_F(ExportsFile, Sizes) {
  expect(one("x/", "max_file_size: 5 apples"), {"exports[0].max_file_size", "is no size", "256MiB"});
  expect(one("x/", "max_file_size: 1023KiB"), {"is too small: at least 1MiB"});
  EXPECT_EQ(entry("x/", "max_file_size: 1MiB").max_file_bytes, 1 << 20);
}

TEST_F(ExportsFile, CompressionOfEachType) {
  for (const char* codec : {"zstd", "snappy", "gzip", "lz4", "none"})
    EXPECT_EQ(entry("x", std::string("compression: ") + codec).compression, codec);
  for (const char* type : {"csv", "json"}) {
    for (const char* codec : {"gzip", "zstd", "none"})
      EXPECT_EQ(entry("x", std::string("file_type: ") + type + ", compression: " + codec).compression, codec);
    for (const char* codec : {"snappy", "lz4"})
      expect(one("x", std::string("file_type: ") + type + ", compression: " + codec),
             {"exports[0].compression", std::string(codec) + " is not for " + type, "one of none, gzip, zstd"});
  }
  expect(one("x", "compression: gzipp"), {"exports[0].compression", "did you mean \"gzip\"?"});
}

TEST_F(ExportsFile, OptionsOfAnotherType) {
  expect(one("x", "csv: {header: false}, json: {array: true}"),
         {"exports[0].csv", "has no effect: file_type is parquet", "exports[0].json"});
  expect(one("x", "file_type: csv, json: {array: true}"), {"has no effect: file_type is csv"});
}

TEST_F(ExportsFile, OptionsOfCsv) {
  for (const char* wrong : {"\"\"", "\",,\"", "\"\\\"\"", "\"\\n\"", "\"\\r\"", "\"é\""})
    expect(one("x", std::string("file_type: csv, csv: {delimiter: ") + wrong + "}"), {"exports[0].csv.delimiter"});
  for (const char* wrong : {"\"a\\nb\"", "\"a\\\"b\""})
    expect(one("x", std::string("file_type: csv, csv: {null_text: ") + wrong + "}"), {"exports[0].csv.null_text"});
  expect(one("x", "file_type: csv, csv: {null_text: \"a;b\", delimiter: \";\"}"), {"has the delimiter in it"});
  expect(one("x", "file_type: csv, csv: {quoting: none, line_end: cr, heder: true}"),
         {"exports[0].csv.quoting", "exports[0].csv.line_end", "heder", "did you mean \"header\"?"});
}

TEST_F(ExportsFile, QueriesAndColumns) {
  expect(one("x", "query: \" ; \""), {"exports[0].query", "must not be empty", "write null"});
  expect(one("x/", "partition_by: [A, B, A]"), {"exports[0].partition_by", "names \"A\" twice"});
}

TEST_F(ExportsFile, Places) {
  for (const char* wrong : {"s3:/b", "s3://", "file://x", "/tmp/x", "gs://b"})
    expect("destination: \"" + std::string(wrong) + "\"\n" + one("x"), {"e.yaml:destination"});
  for (const char* right : {"s3://b", "s3://b/p/q/", "file:///tmp"})
    EXPECT_EQ(load("destination: \"" + std::string(right) + "\"\n" + one("x")).destination, right);
}

TEST_F(ExportsFile, AFileThatIsNotThere) {
  try {
    load_export_file(folder_.file("none.yaml"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("none.yaml"), std::string::npos);
  }
}

// Each property says what it is for.
void expect_descriptions(const nlohmann::json& object, const std::string& path) {
  if (!object.contains("properties")) return;
  for (const auto& [name, property] : object["properties"].items()) {
    EXPECT_TRUE(property.contains("description")) << path << "." << name;
    expect_descriptions(property, path + "." + name);
  }
}

TEST(ExportSchema, IsJsonWithADescriptionOfEachKey) {
  const auto schema = nlohmann::json::parse(export_schema());
  expect_descriptions(schema, "");
  expect_descriptions(schema["$defs"]["export"], "export");
  EXPECT_EQ(schema["$defs"]["export"]["required"], nlohmann::json({"table", "s3_path"}));
}

}  // namespace
}  // namespace pulk
