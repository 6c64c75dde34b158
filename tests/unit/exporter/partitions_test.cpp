#include <arrow/io/memory.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "exporter/column_names.h"
#include "exporter/file_writer.h"
#include "unit/exporter/arrays.h"

namespace pulk {
namespace {

using namespace test;

// Files in memory, by their paths.
struct Memory {
  class File : public OutputFile {
   public:
    File(std::string& content) : content_(content) {}
    std::shared_ptr<arrow::io::OutputStream> stream() override { return stream_; }
    StagedFile seal() override {
      content_ = stream_->Finish().ValueOrDie()->ToString();
      return {};
    }
    void publish() override {}

   private:
    std::string& content_;
    std::shared_ptr<arrow::io::BufferOutputStream> stream_ = arrow::io::BufferOutputStream::Create().ValueOrDie();
  };
  FileWriter::Create create() {
    return [this](const std::string& folder, int number) {
      return std::make_unique<File>(files[folder + std::to_string(number)]);
    };
  }
  std::map<std::string, std::string> files;
};

std::map<std::string, std::string> written(ExportEntry entry, const std::vector<Column>& columns) {
  entry.type = FileType::csv;
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const Column& one : columns) fields.push_back(one.field), arrays.push_back(one.array);
  Memory memory;
  const auto schema = arrow::schema(fields);
  const auto writer = make_file_writer(entry, schema, memory.create(), arrow::default_memory_pool());
  writer->write(arrow::RecordBatch::Make(schema, arrays[0]->length(), arrays));
  std::int64_t rows = 0;
  for (const StagedFile& file : writer->finish()) rows += file.rows;
  EXPECT_EQ(rows, arrays[0]->length());
  return memory.files;
}

ExportEntry by(std::vector<std::string> columns) {
  ExportEntry entry;
  entry.table = "T";
  entry.path = "t/";
  entry.partition_by = std::move(columns);
  return entry;
}

TEST(Partitions, AFolderForEachValue) {
  EXPECT_EQ(
      written(by({"C"}), {column("N", integers({1, 2, 3, 4})), column("C", texts({"a", "a", "b", std::nullopt}))}),
      (std::map<std::string, std::string>{
          {"C=a/1", "N\n1\n2\n"}, {"C=b/1", "N\n3\n"}, {"C=__HIVE_DEFAULT_PARTITION__/1", "N\n4\n"}}));
}

TEST(Partitions, RowsThatAreNotInOrderLoseNothing) {
  EXPECT_EQ(written(by({"C"}), {column("N", integers({1, 2, 3})), column("C", texts({"a", "b", "a"}))}),
            (std::map<std::string, std::string>{{"C=a/1", "N\n1\n"}, {"C=b/1", "N\n2\n"}, {"C=a/2", "N\n3\n"}}));
}

TEST(Partitions, WhatHasAMeaningInPathsIsEscaped) {
  // Each by hand: % and two hex digits, as Hive's FileUtils.escapePathName does it.
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a/b", "a%2Fb"},  {"a=b", "a%3Db"},   {"100%", "100%25"}, {"a:b", "a%3Ab"}, {"a?b*", "a%3Fb%2A"},
      {"\"'", "%22%27"}, {"[x]", "%5Bx%5D"}, {"{x}", "%7Bx}"},   {"\\", "%5C"},    {"^#", "%5E%23"},
      {"a\nb", "a%0Ab"}, {"\x7f", "%7F"},    {"a b", "a b"},     {"..", ".."},     {"\xC3\xBC", "\xC3\xBC"}};
  for (const auto& [value, folder] : cases)
    EXPECT_EQ(written(by({"C"}), {column("N", integers({1})), column("C", texts({value}))}).begin()->first,
              "C=" + folder + "/1");
  EXPECT_EQ(written(by({"a/b"}), {column("N", integers({1})), column("a/b", integers({-1}))}).begin()->first,
            "a%2Fb=-1/1");
}

TEST(Partitions, ValuesOfOtherTypes) {
  EXPECT_EQ(written(by({"D", "M"}),
                    {column("N", integers({1})), column("D", dates({0})), column("M", decimals(4, 2, {"-5"}))})
                .begin()
                ->first,
            "D=1970-01-01/M=-0.05/1");
}

TEST(Partitions, AnEmptyTextIsRefused) {
  for (const char* value : {"", "__HIVE_DEFAULT_PARTITION__"}) {
    try {
      written(by({"C"}), {column("N", integers({1})), column("C", texts({value}))});
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::refused);
      EXPECT_NE(std::string(error.what()).find("T: partition_by C"), std::string::npos) << error.what();
    }
  }
}

class Names : public testing::Test {
 protected:
  const arrow::Schema schema_{{arrow::field("ID", arrow::int32()), arrow::field("Day", arrow::int32()),
                               arrow::field("DAY", arrow::int32()), arrow::field("a\"b", arrow::int32())}};
};

TEST_F(Names, OfPartitions) {
  EXPECT_EQ(partition_columns(by({"id", "Day"}), schema_), (std::vector<int>{0, 1}));
  EXPECT_EQ(partition_columns(by({"\"DAY\"", "a\"b"}), schema_), (std::vector<int>{2, 3}));
  try {
    partition_columns(by({"day", "IDD", "ID", "id"}), schema_);
    FAIL();
  } catch (const Error& error) {
    const std::string said = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    for (const char* text : {"\"day\" could be 2 columns", "no column \"IDD\"", "did you mean ID?", "\"ID\" twice"})
      EXPECT_NE(said.find(text), said.npos) << said << "\nis without: " << text;
  }
  EXPECT_THROW(partition_columns(by({"ID", "Day", "DAY", "a\"b"}), schema_), Error);
}

TEST_F(Names, ThatStandTwiceOrAreNone) {
  const arrow::Schema odd({arrow::field("A", arrow::int32()), arrow::field("", arrow::int32()),
                           arrow::field("a", arrow::int32()), arrow::field("A", arrow::int32())});
  ExportEntry entry = by({});
  for (const FileType type : {FileType::parquet, FileType::json}) {
    entry.type = type;
    try {
      check_column_names(entry, odd);
      FAIL();
    } catch (const Error& error) {
      const std::string said = error.what();
      EXPECT_EQ(error.kind(), ErrorKind::refused);
      EXPECT_NE(said.find("T: column 2: has no name"), said.npos) << said;
      EXPECT_NE(said.find("T: column 4: has the name of column 1, \"A\""), said.npos) << said;
    }
    check_column_names(entry, schema_);
  }
  entry.type = FileType::csv;
  check_column_names(entry, odd);
}

}  // namespace
}  // namespace pulk
