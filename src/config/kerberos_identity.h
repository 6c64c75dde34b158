// Who pulk is towards a Kerberos realm, Active Directory among them: keys that the tables of several kinds of
// connections have in common. Plain values; how a ticket comes of them is in identity/kerberos.
#pragma once

#include <string>

#include "base/secret.h"

namespace pulk {

class TomlTable;
struct TomlFile;

struct KerberosIdentity {
  std::string where;        // of the table, for messages; "" when Kerberos is not used
  std::string principal;    // "svc_loader@CORP.COM"; without a realm that of krb5.conf; "" only with a cache
  std::string keytab_file;  // one of these three, or none: the cache of the environment
  Secret keytab;            // the bytes of a keytab
  std::string ccache;       // of someone else, who renews it too: "FILE:/tmp/krb5cc_1000"
  std::string krb5_conf;    // "": KRB5_CONFIG, else /etc/krb5.conf
  int renew_every = 0;      // seconds; 0: half of the ticket's life, at most an hour
  bool given() const { return !where.empty(); }
  bool has_keytab() const { return !keytab_file.empty() || !keytab.empty(); }
};

// Takes principal, keytab, keytab_base64, ccache, krb5_conf and renew_every from the table of a connection; everything
// that is wrong goes to the file's problems, files that are not there among it. `used`: the connection's `auth` is
// "kerberos"; if not, keys that are there are problems and the result is not given().
KerberosIdentity kerberos_identity(TomlFile& file, TomlTable& table, bool used);

}  // namespace pulk
