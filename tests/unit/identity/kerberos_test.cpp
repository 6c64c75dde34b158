#include "identity/kerberos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "identity/kerberos_look.h"
#include "unit/config/temp_folder.h"

namespace pulk {

TEST(KerberosTickets, OneProcessHasOneIdentity) {
  KerberosIdentity one, other;
  one.where = "c.toml:connections.source.postgresql.auth";
  one.principal = "one@LAB.TEST";
  one.keytab_file = "/no/such.keytab";
  one.krb5_conf = "/no/such.conf";
  other = one;
  other.where = "c.toml:connections.source.sqlserver.auth";
  other.principal = "other@LAB.TEST";
  KerberosTickets& tickets = kerberos_tickets(one);
  EXPECT_STREQ(std::getenv("KRB5CCNAME"), "MEMORY:pulk");
  EXPECT_STREQ(std::getenv("KRB5_CONFIG"), "/no/such.conf");
  EXPECT_EQ(&kerberos_tickets(one), &tickets);
  try {
    kerberos_tickets(other);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_EQ(error.subject(), other.where);
    EXPECT_THAT(error.message(), testing::HasSubstr(one.where));
  }
}

TEST(KerberosRealm, KdcsAsTheFileNamesThem) {
  const test::TempFolder folder;
  const std::string file =
      folder.write("krb5.conf",
                   "[libdefaults]\n default_realm = LAB.TEST\n dns_lookup_kdc = false\n"
                   "[realms]\n LAB.TEST = {\n  kdc = dc1.lab.test\n  kdc = dc2.lab.test:8888\n"
                   "  kdc = [fe80::1]:99\n  kdc = fe80::2\n  kdc = tcp/dc3.lab.test\n"
                   "  kdc = https://proxy.lab.test/KdcProxy\n }\n OTHER.TEST = {\n  kdc = no\n }\n");
  ::setenv("KRB5_CONFIG", file.c_str(), 1);
  KerberosIdentity identity;
  identity.principal = "mover";
  const KerberosRealm realm = kerberos_realm(identity);
  std::vector<std::string> found;
  for (const auto& kdc : realm.kdcs) found.push_back(kdc.host + " " + std::to_string(kdc.port));
  EXPECT_EQ(realm.file, file);
  EXPECT_EQ(realm.realm, "LAB.TEST");
  EXPECT_FALSE(realm.from_dns);
  EXPECT_THAT(found, testing::ElementsAre("dc1.lab.test 88", "dc2.lab.test 8888", "fe80::1 99", "fe80::2 88",
                                          "dc3.lab.test 88", "proxy.lab.test 443"));
}

}  // namespace pulk
