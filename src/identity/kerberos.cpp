#include "identity/kerberos.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "identity/kerberos_cache.h"
#include "identity/kerberos_look.h"
#include "identity/kerberos_renewer.h"

namespace pulk {
namespace {

// Whatever the keytab holds: read a second time, it may be a newer one.
bool same(const KerberosIdentity& one, const KerberosIdentity& other) {
  return one.principal == other.principal && one.keytab_file == other.keytab_file &&
         one.has_keytab() == other.has_keytab() && one.ccache == other.ccache && one.krb5_conf == other.krb5_conf &&
         one.renew_every == other.renew_every;
}

}  // namespace

KerberosTickets::KerberosTickets(KerberosIdentity identity) : identity_(std::move(identity)) {
  if (!identity_.krb5_conf.empty()) ::setenv("KRB5_CONFIG", identity_.krb5_conf.c_str(), 1);
  if (!identity_.ccache.empty()) ::setenv("KRB5CCNAME", identity_.ccache.c_str(), 1);
  if (!identity_.has_keytab()) return;
  ::setenv("KRB5CCNAME", kMemoryCache, 1);
  // With a limit of 0 there is no core file, but a program that core_pattern names would get the memory nevertheless;
  // and no process of the same user may look into this one.
  ::prctl(PR_SET_DUMPABLE, 0);
  renewer_ = std::make_shared<KerberosRenewer>(identity_);
}

KerberosTickets::~KerberosTickets() {
  if (renewer_ != nullptr) renewer_->stop();
}

void KerberosTickets::ensure(const std::function<void()>& check) {
  if (renewer_ != nullptr)
    renewer_->ensure(check);
  else
    kerberos_ticket(identity_);
}

KerberosTickets& kerberos_tickets(const KerberosIdentity& identity) {
  static std::mutex mutex;
  static std::unique_ptr<KerberosTickets> only;
  const std::lock_guard lock(mutex);
  if (only == nullptr) only = std::make_unique<KerberosTickets>(identity);
  if (same(only->identity(), identity)) return *only;
  throw Error(
      ErrorKind::usage,
      "one process can be one principal of Kerberos only, and it is the one of " + only->identity().where + " already",
      identity.where, "write the same principal, keytab and krb5_conf for both connections");
}

void ensure_kerberos_ticket(const KerberosIdentity& identity, const std::function<void()>& check) {
  if (identity.given()) kerberos_tickets(identity).ensure(check);
}

}  // namespace pulk
