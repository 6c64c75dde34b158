// auth = "kerberos" in the table of a connection.
#include "config/kerberos_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "config/connections.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kKeytab("\x05\x02\x00\x00\x00\x01x", 7);
constexpr const char* kInBase64 = "BQIAAAABeA==";  // of it, as `base64` prints it

class KerberosKeys : public testing::Test {
 protected:
  PostgresConnection load(const std::string& keys, const std::string& value = "") {
    const std::string path = folder_.write("c.toml", "[connections.source.postgresql]\n" + keys);
    ::chmod(path.c_str(), 0600);
    const ConnectionsFile file =
        load_connections(path, [&](std::string_view text) { return text == "vault:a#b" ? value : std::string(text); });
    return std::get<PostgresConnection>(file.sources.at("postgresql"));
  }
  std::string problems(const std::string& keys, const std::string& value = "") {
    try {
      load(keys, value);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }
  static std::string text(const std::string& key, const std::string& value) { return key + " = \"" + value + "\"\n"; }

  test::TempFolder folder_;
  const std::string auth_ = "auth = \"kerberos\"\n";
  const std::string who_ = "principal = \"svc_loader@CORP.COM\"\n";
};

TEST_F(KerberosKeys, AKeytabInAFile) {
  const std::string keytab = folder_.write("x.keytab", kKeytab), conf = folder_.write("krb5.conf", "[libdefaults]\n");
  const PostgresConnection connection =
      load(auth_ + who_ + text("keytab", "FILE:" + keytab) + text("krb5_conf", conf) + "renew_every = 1800\n" +
           text("krbsrvname", "pg") + text("gssencmode", "require"));
  EXPECT_TRUE(connection.kerberos.given());
  EXPECT_THAT(connection.kerberos.where, HasSubstr("c.toml:connections.source.postgresql.auth"));
  EXPECT_EQ(connection.kerberos.principal, "svc_loader@CORP.COM");
  EXPECT_EQ(connection.kerberos.keytab_file, keytab);
  EXPECT_TRUE(connection.kerberos.keytab.empty());
  EXPECT_EQ(connection.kerberos.krb5_conf, conf);
  EXPECT_EQ(connection.kerberos.renew_every, 1800);
  EXPECT_EQ(connection.username, "svc_loader");
  EXPECT_EQ(connection.krbsrvname, "pg");
  EXPECT_EQ(connection.gssencmode, "require");
}

TEST_F(KerberosKeys, AKeytabAsAValue) {
  for (const std::string& value : {std::string(kInBase64), std::string("BQIA\nAAAB\r\n eA==\n")}) {
    const PostgresConnection connection =
        load(auth_ + who_ + text("keytab_base64", "vault:a#b") + text("username", "etl"), value);
    EXPECT_EQ(connection.kerberos.keytab.reveal(), kKeytab);
    EXPECT_EQ(connection.username, "etl");
  }
}

TEST_F(KerberosKeys, TicketsOfSomeoneElse) {
  const std::string cache = folder_.write("cc", "x");
  EXPECT_EQ(load(auth_ + text("ccache", cache)).kerberos.ccache, "FILE:" + cache);
  EXPECT_EQ(load(auth_ + text("ccache", "KCM:")).kerberos.ccache, "KCM:");
  const KerberosIdentity none = load(auth_).kerberos;
  EXPECT_TRUE(none.given());
  EXPECT_FALSE(none.has_keytab());
  EXPECT_FALSE(load("").kerberos.given());
}

TEST_F(KerberosKeys, WhatIsNoKeytab) {
  const std::string file = folder_.write("k", "secret text"), coded = folder_.write("k64", kInBase64);
  EXPECT_THAT(problems(auth_ + who_ + text("keytab", file)), HasSubstr(file + " is no keytab"));
  EXPECT_THAT(problems(auth_ + who_ + text("keytab", coded)), HasSubstr("keytab_base64 = \"file:" + coded));
  EXPECT_THAT(problems(auth_ + who_ + text("keytab", "/no/such")),
              HasSubstr("/no/such: cannot read the file: No such file"));
  for (const char* wrong : {"BQIAAAABeA=", "BQIAAAABeA===", "BQIAAAABe", "BQIA!AAB", "BQI=AAAA"})
    EXPECT_THAT(problems(auth_ + who_ + text("keytab_base64", "vault:a#b"), wrong),
                AllOf(HasSubstr("is not base64"), Not(HasSubstr(wrong))));
  EXPECT_THAT(problems(auth_ + who_ + text("keytab_base64", "vault:a#b"), "c2VjcmV0IHRleHQ="),
              AllOf(HasSubstr("something that is no keytab"), Not(HasSubstr("secret text"))));
  EXPECT_THAT(problems(auth_ + who_ + text("keytab_base64", "vault:a#b"), kKeytab), HasSubstr("keytab = PATH"));
}

TEST_F(KerberosKeys, EverythingIsToldAtOnce) {
  const std::string keytab = folder_.write("x.keytab", kKeytab);
  const std::string said =
      problems(auth_ + text("keytab", keytab) + text("keytab_base64", kInBase64) + text("ccache", "/no/cache") +
               text("krb5_conf", "/no/krb5.conf") + text("pasword", "x") + text("gssencmode", "on") +
               "renew_every = 0\n" + text("keytap", "x") + text("password", "x"));
  for (const char* text :
       {"keytab_base64: keytab is there too", "principal: is missing", "/no/cache is no file",
        "/no/krb5.conf: cannot read", "ccache: is for tickets that someone else gets", "did you mean \"keytab\"?",
        "gssencmode: must be one of", "renew_every: must be between 1 and", "password: is not used with auth"})
    EXPECT_THAT(said, HasSubstr(text));
}

TEST_F(KerberosKeys, Principals) {
  EXPECT_THAT(problems(auth_ + "principal = 'CORP\\svc'\n"), HasSubstr("write svc@REALM"));
  for (const char* wrong : {"@CORP.COM", "svc@", "a@b@c", "svc loader@CORP.COM"})
    EXPECT_THAT(problems(auth_ + text("principal", wrong)), HasSubstr("principal"));
  EXPECT_EQ(load(auth_ + text("principal", "etl/host.corp.com@CORP.COM")).username, "etl");
}

TEST_F(KerberosKeys, WithoutKerberosTheyHaveNoEffect) {
  const std::string said = problems(text("principal", "a@B") + text("krbsrvname", "x"));
  EXPECT_THAT(said, HasSubstr("principal: has an effect with auth = \"kerberos\" only"));
  EXPECT_THAT(said, HasSubstr("krbsrvname: has an effect"));
  EXPECT_THAT(problems(text("auth", "kerberso")), HasSubstr("did you mean \"kerberos\"?"));
  EXPECT_THAT(problems(auth_ + "renew_every = 60\n"), HasSubstr("is for keytabs"));
}

}  // namespace
}  // namespace pulk
