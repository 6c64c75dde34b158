// What can be told about Kerberos without a login to a database, for `pulk doctor`. Texts hold names, numbers and kinds
// of keys, never a key. All of it throws the errors of kerberos_error.h; may be called from any thread behind
// kerberos_tickets(), which sets the environment.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/kerberos_identity.h"

namespace pulk {

struct KerberosRealm {
  std::string file;   // the krb5.conf that is used; several are divided by ':'
  std::string realm;  // of the principal, else the default one
  struct Kdc {
    std::string host;
    int port = 88;
  };
  std::vector<Kdc> kdcs;  // named in krb5.conf, else found in the DNS (SRV _kerberos._tcp)
  bool from_dns = false;
};
// Throws Error(usage) when neither names a KDC.
KerberosRealm kerberos_realm(const KerberosIdentity& identity);

struct KeytabEntry {
  std::string principal;
  int kvno = 0;
  std::string enctype;
};
std::vector<KeytabEntry> keytab_entries(const KerberosIdentity& identity);

struct KerberosTicket {
  std::string client, server;
  std::string enctype;
  std::chrono::system_clock::time_point begins, ends;
  std::optional<int> clock_offset;  // seconds that the KDC's clock is ahead of this one, when it told
};
// The ticket-granting ticket in the cache.
KerberosTicket kerberos_ticket(const KerberosIdentity& identity);

// Asks the KDC for a ticket to a service, by the ticket that is in the cache. `service` is written as GSSAPI does,
// "postgres@db.corp.com" (the host's name is made canonical as krb5.conf says), or is a service principal:
// "MSSQLSvc/db.corp.com:1433", with or without "@REALM".
KerberosTicket kerberos_service_ticket(const KerberosIdentity& identity, const std::string& service);

}  // namespace pulk
