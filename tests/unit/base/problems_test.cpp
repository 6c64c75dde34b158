#include <gtest/gtest.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/steps.h"
#include "base/text_table.h"

namespace pulk {
namespace {

TEST(Problems, AllAreListedInOneError) {
  Problems problems;
  EXPECT_NO_THROW(problems.throw_if_any());
  problems.add("a.json:tables[0]", "has no source", "add one");
  problems.add("a.json:tables[1]", "has no target");
  try {
    problems.throw_if_any(ErrorKind::usage);
    FAIL();
  } catch (const Error& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("2 problems"), std::string::npos);
    EXPECT_NE(text.find("a.json:tables[0]: has no source"), std::string::npos);
    EXPECT_NE(text.find("hint: add one"), std::string::npos);
    EXPECT_NE(text.find("a.json:tables[1]: has no target"), std::string::npos);
    EXPECT_EQ(e.exit_code(), 1);
  }
}

TEST(Error, AnOuterSubjectKeepsTheInnerOne) {
  const Error inner(ErrorKind::refused, "NaN has no decimal", "column price");
  EXPECT_STREQ(inner.with_subject("orders").what(), "orders: column price: NaN has no decimal");
}

TEST(CancelToken, CallbacksRunOnceAndNotAfterTheyAreGone) {
  CancelToken token;
  int first = 0, second = 0;
  {
    const CancelToken::Registration gone(token, [&] { ++first; });
  }
  const CancelToken::Registration here(token, [&] { ++second; });
  token.cancel();
  token.cancel();
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  int late = 0;
  const CancelToken::Registration after(token, [&] { ++late; });
  EXPECT_EQ(late, 1);
  EXPECT_THROW(token.check(), Error);
}

TEST(TextTable, AlignsByCodePoints) {
  TextTable table({"name", ">rows"});
  table.add({"zażółć", "1"});
  table.add({"b", "1,000"});
  EXPECT_EQ(table.render(),
            "name     rows\n"
            "------  -----\n"
            "zażółć      1\n"
            "b       1,000\n");
}

}  // namespace
}  // namespace pulk
