#include "identity/kerberos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

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

}  // namespace pulk
