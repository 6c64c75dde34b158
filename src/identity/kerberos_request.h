// One question to a KDC: a ticket-granting ticket for the keys of a keytab.
#pragma once

#include <chrono>
#include <optional>

#include "config/kerberos_identity.h"
#include "identity/krb5_handles.h"

namespace pulk {

struct GrantedTicket {
  explicit GrantedTicket(krb5_context context) : creds(context) {}
  Krb5Creds creds;
  std::chrono::seconds life{0};
};

// Blocks as long as libkrb5 asks: a few seconds, and up to half a minute when KDCs swallow what is sent to them. Throws
// Error.
GrantedTicket request_ticket(krb5_context context, const KerberosIdentity& identity);

// Listens to what a KDC answers through `context`, for its clock.
class KdcClock {
 public:
  explicit KdcClock(krb5_context context);
  ~KdcClock();
  KdcClock(const KdcClock&) = delete;
  KdcClock& operator=(const KdcClock&) = delete;
  // Seconds that it is before this machine's; nothing when no KDC told.
  std::optional<int> ahead() const { return ahead_; }

 private:
  static krb5_error_code listen(krb5_context context, void* self, krb5_error_code code, const krb5_data* realm,
                                const krb5_data* message, const krb5_data* reply, krb5_data** changed);
  krb5_context context_;
  std::optional<int> ahead_;
};

}  // namespace pulk
