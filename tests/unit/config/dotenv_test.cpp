// Expected values: what python-dotenv 1.2 gives for the same text.
#include "config/dotenv.h"

#include <gtest/gtest.h>

#include <map>

namespace pulk::test {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

Dotenv parse(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  return parse_dotenv(text, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Dotenv, PlainLines) {
  EXPECT_EQ(parse("A=1\nB = two words \n\n# comment\nC=\r\nD=x#y\nE=x #y\n  F=indented").values,
            (Values{{"A", "1"}, {"B", "two words"}, {"C", ""}, {"D", "x#y"}, {"E", "x"}, {"F", "indented"}}));
}

TEST(Dotenv, ExportAndQuotedNames) {
  EXPECT_EQ(parse("export A=1\nexport\tB=2\n'C D'=3\nexportE=4").values,
            (Values{{"A", "1"}, {"B", "2"}, {"C D", "3"}, {"exportE", "4"}}));
}

TEST(Dotenv, Quotes) {
  EXPECT_EQ(parse("A='it\\'s $x \\n'\nB=\"a\\tb\\\"c\\q\" # why\nC=\"two\nlines\"\nD='  '\nE=\"\"").values,
            (Values{{"A", "it's $x \\n"}, {"B", "a\tb\"c\\q"}, {"C", "two\nlines"}, {"D", "  "}, {"E", ""}}));
}

TEST(Dotenv, NamesWithoutAValueSetNothing) { EXPECT_EQ(parse("A\nB=1").values, (Values{{"B", "1"}})); }

TEST(Dotenv, Expansion) {
  EXPECT_EQ(parse("A=1\nB=${A}2\nC='${A}'\nD=$A\nE=${NONE}\nF=${NONE:-x}\nG=${A:-x}\nH=${OUT}\nI=${A").values,
            (Values{{"A", "1"}, {"B", "12"}, {"C", "1"}, {"D", "$A"}, {"E", ""}, {"F", "x"}, {"G", "1"}, {"H", ""}, {"I", "${A"}}));
}

TEST(Dotenv, TheEnvironmentWins) {
  EXPECT_EQ(parse("A=file\nB=${A}", {{"A", "outside"}}).values, (Values{{"A", "file"}, {"B", "outside"}}));
}

TEST(Dotenv, WhatIsNoAssignmentIsSkippedWithItsLine) {
  const Dotenv file = parse("A=1\n=2\nB='open\nC=3\nD=\"x\" y\nE=5");
  EXPECT_EQ(file.values, (Values{{"A", "1"}, {"C", "3"}, {"E", "5"}}));
  EXPECT_EQ(file.bad_lines, (std::vector<int>{2, 3, 5}));
}

TEST(Dotenv, ByteOrderMark) { EXPECT_EQ(parse("\xEF\xBB\xBF" "A=1").values, (Values{{"A", "1"}})); }

}  // namespace
}  // namespace pulk::test
