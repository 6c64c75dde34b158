// Where a Snowflake connection's settings come from, and what is said when they do not do.
#include "config/snowflake_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

using testing::HasSubstr;
using testing::Not;

class SnowflakeSettings : public testing::Test {
 protected:
  SnowflakeSettings() {
    forget_environment();
    ::setenv("SNOWFLAKE_HOME", folder_.path().c_str(), 1);
  }
  ~SnowflakeSettings() override { forget_environment(); }
  static void forget_environment() {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string name = std::string(*entry).substr(0, std::string(*entry).find('='));
      if (name.starts_with("SNOWFLAKE_") || name == "PRIVATE_KEY_PASSPHRASE") names.push_back(name);
    }
    for (const std::string& name : names) ::unsetenv(name.c_str());
  }
  void write(const std::string& name, const std::string& content, mode_t mode = 0600) {
    ::chmod(folder_.write(name, content).c_str(), mode);
  }
  static SnowflakeTarget named(const std::string& name = "") {
    SnowflakeTarget target;
    target.where = "c.toml:connections.target.snowflake_connection_name";
    target.by_name = true;
    target.connection_name = name;
    return target;
  }
  static SnowflakeTarget direct(std::map<std::string, std::string> keys) {
    SnowflakeTarget target;
    target.where = "c.toml:connections.target.snowflake";
    for (const auto& [key, value] : keys) target.keys[key] = {Secret(value), "c.toml:" + key};
    return target;
  }
  static std::string problems(const SnowflakeTarget& target) {
    try {
      resolve_snowflake(target);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }
  test::TempFolder folder_;
};

TEST_F(SnowflakeSettings, ANamedConnection) {
  write("connections.toml", "[dev]\naccount = 'ORG-ACC'\nuser = 'u'\npassword = 'p'\nport = 8443\nclient_x = 3\n");
  const SnowflakeConnection found = resolve_snowflake(named("dev"));
  EXPECT_EQ(found.account, "ORG-ACC");
  EXPECT_EQ(found.username, "u");
  EXPECT_EQ(found.password.reveal(), "p");
  EXPECT_EQ(found.port, 8443);
  EXPECT_EQ(found.origin, "connection dev of " + folder_.path() + "/connections.toml");
  EXPECT_TRUE(found.warnings.empty());
}

TEST_F(SnowflakeSettings, ConnectionsTomlTakesThePlaceOfConfigToml) {
  write("config.toml",
        "default_connection_name = 'b'\n[connections.a]\naccount='A'\nuser='u'\npassword='p'\n"
        "[connections.b]\naccount='B'\nuser='u'\npassword='p'\n");
  EXPECT_EQ(resolve_snowflake(named("a")).account, "A");
  EXPECT_EQ(resolve_snowflake(named()).account, "B");
  ::setenv("SNOWFLAKE_CONNECTION_NAME", "a", 1);
  EXPECT_EQ(resolve_snowflake(named()).account, "A");
  write("connections.toml", "[b]\naccount='C'\nuser='u'\npassword='p'\n");
  EXPECT_EQ(resolve_snowflake(named("b")).account, "C");
  EXPECT_THAT(problems(named("a")), HasSubstr("there is no connection named a"));
}

TEST_F(SnowflakeSettings, TheEnvironmentSetsOnlyTheSessionsDefaultsOfANamedConnection) {
  write("connections.toml", "[dev]\naccount='A'\nuser='u'\npassword='p'\ndatabase='D'\nschema='S'\n");
  for (const char* name : {"SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_DATABASE", "SNOWFLAKE_SCHEMA"})
    ::setenv(name, "ENV", 1);
  const SnowflakeConnection found = resolve_snowflake(named("dev"));
  EXPECT_EQ(found.account, "A");
  EXPECT_EQ(found.username, "u");
  EXPECT_EQ(found.database, "ENV");
  EXPECT_EQ(found.schema, "ENV");
}

TEST_F(SnowflakeSettings, TheEnvironmentAlone) {
  ::setenv("SNOWFLAKE_ACCOUNT", "A", 1);
  ::setenv("SNOWFLAKE_USER", "u", 1);
  ::setenv("SNOWFLAKE_PASSWORD", "p", 1);
  ::setenv("SNOWFLAKE_WAREHOUSE", "W", 1);
  const SnowflakeConnection found = resolve_snowflake(direct({{"warehouse", "MINE"}}));
  EXPECT_EQ(found.account, "A");
  EXPECT_EQ(found.warehouse, "MINE");
}

TEST_F(SnowflakeSettings, FilesThatOthersMayWriteAreRefused) {
  write("connections.toml", "[dev]\naccount='A'\nuser='u'\npassword='p'\n", 0620);
  EXPECT_THAT(problems(named("dev")), HasSubstr("chmod 600"));
  write("connections.toml", "[dev]\naccount='A'\nuser='u'\npassword='p'\n", 0644);
  EXPECT_EQ(resolve_snowflake(named("dev")).warnings.size(), 1u);
}

TEST_F(SnowflakeSettings, EveryProblemAtOnceAndNoSecret) {
  const std::string text = problems(direct({{"account", "https://org-acc.snowflakecomputing.com"},
                                            {"authenticator", "oath"},
                                            {"port", "99999"},
                                            {"protocol", "ftp"},
                                            {"password", "geheim"}}));
  EXPECT_THAT(text, HasSubstr("write account = \"org-acc\""));
  EXPECT_THAT(text, HasSubstr("did you mean \"oauth\""));
  EXPECT_THAT(text, HasSubstr("c.toml:port"));
  EXPECT_THAT(text, HasSubstr("c.toml:protocol"));
  EXPECT_THAT(text, HasSubstr("the user is missing"));
  EXPECT_THAT(text, Not(HasSubstr("geheim")));
}

TEST_F(SnowflakeSettings, WithoutAFileHintsNameVariables) {
  SnowflakeTarget target;
  target.where = kTheEnvironment;
  std::string text = problems(target);
  EXPECT_THAT(text, HasSubstr("set SNOWFLAKE_ACCOUNT to ORGANIZATION-ACCOUNT"));
  EXPECT_THAT(text, HasSubstr("set SNOWFLAKE_USER"));
  EXPECT_THAT(text, HasSubstr("set SNOWFLAKE_PASSWORD, or SNOWFLAKE_PRIVATE_KEY_FILE"));
  EXPECT_THAT(text, Not(HasSubstr(" = ")));
  ::setenv("SNOWFLAKE_ACCOUNT", "https://org-acc.snowflakecomputing.com", 1);
  ::setenv("SNOWFLAKE_USER", "u", 1);
  ::setenv("SNOWFLAKE_AUTHENTICATOR", "snowflake", 1);
  text = problems(target);
  EXPECT_THAT(text, HasSubstr("set SNOWFLAKE_ACCOUNT to org-acc"));
  EXPECT_THAT(text, HasSubstr("the password is missing"));
  EXPECT_THAT(text, HasSubstr("set SNOWFLAKE_PASSWORD"));
  EXPECT_THAT(text, Not(HasSubstr(" = ")));
}

TEST_F(SnowflakeSettings, WhatEachLoginNeeds) {
  const std::map<std::string, std::string> base{{"account", "A"}, {"user", "u"}};
  const auto with = [&](std::map<std::string, std::string> more) {
    more.insert(base.begin(), base.end());
    return direct(more);
  };
  EXPECT_THAT(problems(with({})), HasSubstr("nothing to log in with"));
  EXPECT_THAT(problems(with({{"token", "t"}})), HasSubstr("what kind of token"));
  EXPECT_THAT(problems(with({{"authenticator", "oauth"}})), HasSubstr("the token is missing"));
  EXPECT_THAT(problems(with({{"authenticator", "snowflake_jwt"}})), HasSubstr("the private key is missing"));
  EXPECT_THAT(problems(with({{"authenticator", "WORKLOAD_IDENTITY"}, {"workload_identity_provider", "IBM"}})),
              HasSubstr("AWS, AZURE, GCP, OIDC"));
  EXPECT_THAT(problems(with({{"private_key_file", "/no/such.p8"}})), HasSubstr("/no/such.p8"));
  EXPECT_THAT(problems(with({{"token_file_path", "/no/token"}, {"authenticator", "oauth"}})), HasSubstr("/no/token"));
  EXPECT_EQ(
      resolve_snowflake(with({{"authenticator", "PROGRAMMATIC_ACCESS_TOKEN"}, {"password", "pat"}})).token.reveal(),
      "pat");
}

TEST_F(SnowflakeSettings, KeysThatCannotBeUsed) {
  const auto with_key = [&](const std::string& pem) {
    return direct({{"account", "A"}, {"user", "u"}, {"private_key_file", folder_.write("key", pem)}});
  };
  EXPECT_THAT(problems(with_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")), HasSubstr("there is no passphrase"));
  EXPECT_THAT(problems(with_key("-----BEGIN PUBLIC KEY-----\n")), HasSubstr("is a public key"));
  EXPECT_THAT(problems(with_key("-----BEGIN RSA PRIVATE KEY-----\n")), HasSubstr("openssl pkcs8"));
  EXPECT_EQ(resolve_snowflake(with_key("-----BEGIN PRIVATE KEY-----\n")).login, SnowflakeLogin::key_pair);
  ::setenv("PRIVATE_KEY_PASSPHRASE", "x", 1);
  EXPECT_EQ(resolve_snowflake(with_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")).private_key_passphrase.reveal(),
            "x");
}

}  // namespace
}  // namespace pulk
