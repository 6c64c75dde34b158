#include "importer/text_rows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace pulk {
namespace {

class File {
 public:
  explicit File(const std::string& content)
      : path_(std::filesystem::path(testing::TempDir()) / ("text_rows." + std::to_string(::getpid()))) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~File() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// "line: cells", NULL as ~, or "line! problem".
std::vector<std::string> shown(TextRows& rows) {
  std::vector<std::string> all;
  TextRow row;
  while (rows.next(row)) {
    std::string text = std::to_string(row.line) + (row.problem.empty() ? ":" : "! " + row.problem);
    if (row.problem.empty())
      for (const TextCell& cell : row.cells) text += cell.null ? " ~" : " [" + std::string(cell.text) + "]";
    all.push_back(text);
  }
  return all;
}

std::vector<std::string> csv(const std::string& content, const CsvInput& options = {},
                             const std::vector<std::string>& columns = {}) {
  const File file(content);
  return shown(*open_csv(file.path(), options, columns));
}

using Lines = std::vector<std::string>;

TEST(CsvRows, QuotesAndLineEnds) {
  EXPECT_EQ(csv("a,b\n1,2\r\n\"x\",\"\"\r\n,\"a\"\"b\"\n"), (Lines{"2: [1] [2]", "3: [x] []", "4: ~ [a\"b]"}));
  EXPECT_EQ(csv("a,b\n\"one\ntwo\r\n\",2\n3,4"), (Lines{"2: [one\ntwo\r\n] [2]", "5: [3] [4]"}));
  EXPECT_EQ(csv("a,b\n5\" disk,x\ry\n"), (Lines{"2: [5\" disk] [x\ry]"}));
  EXPECT_EQ(csv("a,b\n\"\"\"\",\",\"\n"), (Lines{"2: [\"] [,]"}));
  EXPECT_EQ(csv("a,b\n1,\n"), (Lines{"2: [1] ~"}));
  EXPECT_EQ(csv("a,b\n1,"), (Lines{"2: [1] ~"}));
}

TEST(CsvRows, BlankLinesAreRowsOfOneFieldOnly) {
  EXPECT_EQ(csv("a,b\n\n1,2\r\n\r\n\n"), (Lines{"3: [1] [2]"}));
  EXPECT_EQ(csv("a\n\n1\n\"\"\n"), (Lines{"2: ~", "3: [1]", "4: []"}));
  EXPECT_EQ(csv("a\n"), Lines{});
}

TEST(CsvRows, WithoutHeaderAndWithOtherSigns) {
  EXPECT_EQ(csv("1;NULL\n;\"NULL\"\n", {';', false, "NULL"}, {"a", "b"}), (Lines{"1: [1] ~", "2: [] [NULL]"}));
}

TEST(CsvRows, WhatIsNoRowIsSaidAndTheNextOneIsRead) {
  EXPECT_EQ(csv("a,b\n1\n1,2,3\n\"x\"y,2\n\xff,1\n4,5\n"),
            (Lines{"2! has 1 field where 2 are expected", "3! has 3 fields where 2 are expected",
                   "4! there is text behind a quote that closes a field", "5! is not UTF-8", "6: [4] [5]"}));
  EXPECT_EQ(csv("a,b\n1,\"2\n3,4\n"), (Lines{"2! a quote is not closed"}));
  EXPECT_THROW(csv(""), Error);
}

// A row is found whole wherever the pieces that are read end.
TEST(CsvRows, PiecesEndAnywhere) {
  for (std::size_t length = (1U << 20U) - 12; length < (1U << 20U) + 4; ++length) {
    const std::string text(length, 'x');
    EXPECT_EQ(csv("a,b\n" + text + ",\"q\"\"\r\n\"\r\n3,4\r\n"), (Lines{"2: [" + text + "] [q\"\r\n]", "4: [3] [4]"}));
  }
}

Lines json(const std::string& content, std::vector<std::string>* names = nullptr) {
  const File file(content);
  const auto rows = open_json_lines(file.path());
  Lines lines = shown(*rows);
  if (names != nullptr) *names = rows->names();
  return lines;
}

TEST(JsonRows, NumbersKeepTheirDigits) {
  Lines names;
  EXPECT_EQ(json("{\"a\": 1.10, \"b\": 123456789012345678901234567890, \"c\": 1E5}\n{\"b\": true, \"d\": null}\n\n{}",
                 &names),
            (Lines{"1: [1.10] [123456789012345678901234567890] [1E5]", "2: ~ [true] ~ ~", "4: ~ ~ ~ ~"}));
  EXPECT_EQ(names, (Lines{"a", "b", "c", "d"}));
}

TEST(JsonRows, WhatIsInsideIsJsonAgain) {
  EXPECT_EQ(json(R"({"a": [1.10, {"x\"": [], "y": {}}, "\u00e4\n", [[]], null, false], "b": "\u00e4\n"})"),
            (Lines{"1: [[1.10,{\"x\\\"\":[],\"y\":{}},\"ä\\n\",[[]],null,false]] [ä\n]"}));
}

TEST(JsonRows, WhatIsNoRowIsSaidAndTheNextOneIsRead) {
  EXPECT_EQ(json("[1]\n7\n{\"a\": 1, \"a\": 2}\n{\"a\": 1} {}\n{\"a\":\n{\"a\": 3}\n"),
            (Lines{"1! is no object; write one object on each line, as jq -c '.[]' does of an array",
                   "2! is no object; write one object on each line, as jq -c '.[]' does of an array",
                   "3! names \"a\" twice", "4! is no JSON (at byte 10)", "5! is no JSON (at byte 6)", "6: [3]"}));
}

}  // namespace
}  // namespace pulk
