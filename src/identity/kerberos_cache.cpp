#include "identity/kerberos_cache.h"

#include <list>

#include "identity/kerberos_error.h"

namespace pulk {
namespace {

// What krb5_cc_remove_cred can tell apart. Two tickets of one second are the same to it, and both stay.
bool same_times(const krb5_ticket_times& one, const krb5_ticket_times& other) {
  return one.authtime == other.authtime && one.starttime == other.starttime && one.endtime == other.endtime &&
         one.renew_till == other.renew_till;
}

// Tickets to services go too: new sessions get theirs by the new ticket, with its whole life.
void remove_all_but(krb5_context context, krb5_ccache cache, const krb5_creds& kept) {
  krb5_cc_cursor cursor = nullptr;
  if (krb5_cc_start_seq_get(context, cache, &cursor) != 0) return;
  std::list<Krb5Creds> old;
  for (;;) {
    if (krb5_cc_next_cred(context, cache, &cursor, old.emplace_back(context).get()) == 0) {
      if (same_times(old.back()->times, kept.times)) old.pop_back();
      continue;
    }
    old.pop_back();
    break;
  }
  krb5_cc_end_seq_get(context, cache, &cursor);
  for (Krb5Creds& one : old) krb5_cc_remove_cred(context, cache, KRB5_TC_MATCH_TIMES_EXACT, one.get());
}

}  // namespace

void replace_ticket(krb5_context context, krb5_creds& creds) {
  Krb5Cache cache(context);
  check_kerberos(context, krb5_cc_resolve(context, kMemoryCache, cache.out()), {});
  Krb5Principal present(context);
  if (krb5_cc_get_principal(context, cache.get(), present.out()) != 0)
    check_kerberos(context, krb5_cc_initialize(context, cache.get(), creds.client), {});
  check_kerberos(context, krb5_cc_store_cred(context, cache.get(), &creds), {});
  remove_all_but(context, cache.get(), creds);
}

void destroy_memory_cache() {
  krb5_context context = nullptr;
  if (krb5_init_context(&context) != 0) return;
  krb5_ccache cache = nullptr;
  if (krb5_cc_resolve(context, kMemoryCache, &cache) == 0) krb5_cc_destroy(context, cache);
  krb5_free_context(context);
}

}  // namespace pulk
