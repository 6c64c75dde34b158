#include "pg/error.h"

#include <gtest/gtest.h>

namespace pulk::pg {
namespace {

TEST(PgError, KindsBySqlState) {
  const std::pair<const char*, ErrorKind> cases[] = {
      {"08006", ErrorKind::retryable}, {"57P01", ErrorKind::retryable}, {"40001", ErrorKind::retryable},
      {"55P03", ErrorKind::retryable}, {"53300", ErrorKind::retryable}, {"57014", ErrorKind::retryable},
      {"28P01", ErrorKind::refused},   {"28000", ErrorKind::refused},   {"42501", ErrorKind::refused},
      {"0A000", ErrorKind::refused},   {"42P01", ErrorKind::usage},     {"42703", ErrorKind::usage},
      {"42601", ErrorKind::usage},     {"3D000", ErrorKind::usage},     {"22012", ErrorKind::usage},
      {"XX001", ErrorKind::integrity}, {"", ErrorKind::retryable},
  };
  for (const auto& [state, kind] : cases) EXPECT_EQ(kind_of_sqlstate(state), kind) << state;
}

TEST(PgError, InterruptedOnlyWhenWeAsked) {
  EXPECT_EQ(to_error({"57014", "canceling statement due to user request", "", ""}, true).message(), "interrupted");
  EXPECT_NE(to_error({"57014", "canceling statement due to statement timeout", "", ""}, false).message(),
            "interrupted");
}

TEST(PgError, PrivilegesHaveAHint) { EXPECT_FALSE(to_error({"42501", "denied", "", ""}, false).hint().empty()); }

TEST(PgError, LoginsByTheStateInTheirText) {
  const auto wrong = login_error(
      "connection to server on socket \"/tmp/x\" failed: FATAL:  28P01: password authentication failed for user \"u\"\n"
      "LOCATION:  auth_failed, auth.c:335\n",
      false);
  EXPECT_EQ(wrong.kind(), ErrorKind::refused);
  EXPECT_EQ(wrong.sqlstate(), "28P01");
  EXPECT_EQ(wrong.message().find("LOCATION"), std::string::npos);
  EXPECT_EQ(login_error("connection to server at \"h\", port 1 failed: Connection refused", false).kind(),
            ErrorKind::retryable);
  EXPECT_EQ(login_error("... FATAL:  57P03: the database system is starting up", false).kind(), ErrorKind::retryable);
  EXPECT_EQ(login_error("", true).kind(), ErrorKind::refused);
  EXPECT_EQ(login_error("SSL error: certificate verify failed", false).kind(), ErrorKind::refused);
}

}  // namespace
}  // namespace pulk::pg
