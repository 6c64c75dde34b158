// What libkrb5 and a KDC say, as a pulk::Error with the next step. Texts hold names, numbers and kinds of keys, never a
// key. Sources: RFC 4120 7.5.9 for the KDC's codes, "Windows Kerberos" events 4768 and 4771 for what Active Directory
// means by them, libkrb5 1.20 for its own.
#pragma once

#include <krb5/krb5.h>

#include <optional>
#include <string>

#include "base/error.h"

namespace pulk {

// What is known about the attempt; "" and nothing where it is not.
struct KerberosAttempt {
  std::string principal;  // who
  std::string realm;      // of the KDC that was to be asked
  std::string service;    // for what; "" for a ticket-granting ticket
  std::string keytab;     // its entries, for people: "svc@CORP.COM (kvno 3, aes256-cts-hmac-sha1-96)"
  bool keytab_has_principal = false;
  std::string cache;             // its name
  std::optional<int> kdc_ahead;  // seconds that the KDC's clock is before this one's
};

// retryable: the KDC is away; usage: what krb5.conf, the connection or the clock says is wrong; refused: what the KDC
// says. `context` may be nullptr.
Error kerberos_error(krb5_context context, krb5_error_code code, const KerberosAttempt& attempt);

// Throws it, when there is one.
inline void check_kerberos(krb5_context context, krb5_error_code code, const KerberosAttempt& attempt) {
  if (code != 0) throw kerberos_error(context, code, attempt);
}

}  // namespace pulk
