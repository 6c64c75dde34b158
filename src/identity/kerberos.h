// Kerberos tickets, got and renewed in this process by libkrb5 (MIT). What is secret is in memory only: a keytab that
// came as a value is shown to libkrb5 as an unnamed file (memfd) while it asks, the ticket is in a credential cache of
// the kind MEMORY. GSSAPI finds both in libpq and in Microsoft's ODBC driver, which link or load the same libkrb5: by
// KRB5CCNAME and KRB5_CONFIG, which it reads whenever a session begins.
//
// A thread renews, not the next login: a ticket that is never older than half of its life outlasts a KDC that is away
// for a while, and drivers that connect again by themselves ask nobody. What was read of libkrb5 1.20 is in
// kerberos_cache.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/kerberos_identity.h"

namespace pulk {

class KerberosRenewer;

// Thread-safe but for the constructor. Everything is wiped when it goes.
class KerberosTickets {
 public:
  // Sets KRB5CCNAME and KRB5_CONFIG as far as the identity says them. Asks nobody yet.
  explicit KerberosTickets(KerberosIdentity identity);
  ~KerberosTickets();
  KerberosTickets(const KerberosTickets&) = delete;
  KerberosTickets& operator=(const KerberosTickets&) = delete;

  // Returns when the cache has a ticket that has not ended; to be called before each login. With a keytab, the first
  // call asks the KDC and starts the thread; then it only waits when the ticket has ended, for one attempt. `check` is
  // called a few times a second meanwhile and may throw. Throws the errors of kerberos_error.h.
  void ensure(const std::function<void()>& check = {});

  const KerberosIdentity& identity() const { return identity_; }

 private:
  const KerberosIdentity identity_;
  std::shared_ptr<KerberosRenewer> renewer_;  // nullptr without a keytab
};

// The one of this process; wiped when main() has returned. The first call sets the environment: it is to be made before
// there are threads that read it and before a driver has been used, so whoever makes a source calls it (make_source,
// the doctor), and logins call ensure(). Throws Error(usage) for another identity than before: the environment has room
// for one.
KerberosTickets& kerberos_tickets(const KerberosIdentity& identity);

// kerberos_tickets(identity).ensure(check), and nothing when the identity is not given().
void ensure_kerberos_ticket(const KerberosIdentity& identity, const std::function<void()>& check = {});

}  // namespace pulk
