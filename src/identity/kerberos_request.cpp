#include "identity/kerberos_request.h"

#include <ctime>

#include "identity/kerberos_error.h"
#include "identity/kerberos_keytab.h"

namespace pulk {
namespace {

// The first byte of a KRB-ERROR, [APPLICATION 30]: RFC 4120 5.9.1.
constexpr unsigned char kKrbError = 0x7E;

std::string realm_of(krb5_const_principal principal) {
  return principal == nullptr ? "" : std::string(principal->realm.data, principal->realm.length);
}

}  // namespace

KdcClock::KdcClock(krb5_context context) : context_(context) {
  krb5_set_kdc_recv_hook(context, &KdcClock::listen, this);
}

KdcClock::~KdcClock() { krb5_set_kdc_recv_hook(context_, nullptr, nullptr); }

krb5_error_code KdcClock::listen(krb5_context context, void* self, krb5_error_code code, const krb5_data*,
                                 const krb5_data*, const krb5_data* reply, krb5_data**) {
  // An answer that says "prove yourself first" is an error with the KDC's time in it, and comes first as a rule.
  if (reply == nullptr || reply->length == 0 || static_cast<unsigned char>(reply->data[0]) != kKrbError) return code;
  krb5_error* error = nullptr;
  if (krb5_rd_error(context, reply, &error) != 0) return code;
  static_cast<KdcClock*>(self)->ahead_ = static_cast<int>(krb5_seconds(error->stime) - std::time(nullptr));
  krb5_free_error(context, error);
  return code;
}

GrantedTicket request_ticket(krb5_context context, const KerberosIdentity& identity) {
  KerberosAttempt attempt;
  attempt.principal = identity.principal;
  Krb5Principal client(context);
  check_kerberos(context, krb5_parse_name(context, identity.principal.c_str(), client.out()), attempt);
  attempt.principal = krb5_text(context, client.get());
  attempt.realm = realm_of(client.get());

  const OpenKeytab keytab(context, identity);
  const std::vector<KeytabEntry> entries = keytab.entries();
  attempt.keytab = text_of(entries);
  attempt.keytab_has_principal = has_principal(entries, attempt.principal);
  // libkrb5 would ask the KDC first, which tells who is looked for.
  if (!attempt.keytab_has_principal) throw kerberos_error(context, KRB5_KT_NOTFOUND, attempt);

  Krb5InitOptions options(context);
  check_kerberos(context, krb5_get_init_creds_opt_alloc(context, options.out()), attempt);
  GrantedTicket ticket(context);
  const KdcClock clock(context);
  const krb5_error_code code =
      krb5_get_init_creds_keytab(context, ticket.creds.get(), client.get(), keytab.get(), 0, nullptr, options.get());
  attempt.kdc_ahead = clock.ahead();
  check_kerberos(context, code, attempt);
  const krb5_ticket_times& times = ticket.creds->times;
  const long long begin = krb5_seconds(times.starttime != 0 ? times.starttime : times.authtime);
  ticket.life = std::chrono::seconds(krb5_seconds(times.endtime) - begin);
  return ticket;
}

}  // namespace pulk
