#include "identity/kerberos_look.h"

#include <arpa/nameser.h>
#include <profile.h>
#include <resolv.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "identity/kerberos_error.h"
#include "identity/kerberos_keytab.h"
#include "identity/kerberos_request.h"

namespace pulk {
namespace {

using Kdc = KerberosRealm::Kdc;
constexpr int kKerberosPort = 88;

std::string realm_of_principal(krb5_const_principal principal) {
  return std::string(principal->realm.data, principal->realm.length);
}

std::string realm_of(krb5_context context, const KerberosIdentity& identity) {
  KerberosAttempt attempt;
  attempt.principal = identity.principal;
  if (!identity.principal.empty()) {
    Krb5Principal principal(context);
    check_kerberos(context, krb5_parse_name(context, identity.principal.c_str(), principal.out()), attempt);
    return realm_of_principal(principal.get());
  }
  // Without a principal the tickets that are there count.
  Krb5Cache cache(context);
  Krb5Principal owner(context);
  if (krb5_cc_default(context, cache.out()) == 0 && krb5_cc_get_principal(context, cache.get(), owner.out()) == 0)
    return realm_of_principal(owner.get());
  char* realm = nullptr;
  check_kerberos(context, krb5_get_default_realm(context, &realm), attempt);
  const std::string copy = realm;
  krb5_free_default_realm(context, realm);
  return copy;
}

// "kdc1.corp.com", "kdc1:750", "[fe80::1]:88", "tcp/kdc1" or "https://proxy/KdcProxy": "kdc" in krb5.conf(5).
Kdc parsed(std::string text) {
  Kdc kdc{"", kKerberosPort};
  if (text.starts_with("https://")) {
    text.erase(0, 8);
    text.resize(std::min(text.find('/'), text.size()));
    kdc.port = 443;
  } else if (text.starts_with("tcp/") || text.starts_with("udp/")) {
    text.erase(0, 4);
  }
  const auto bracket = text.find(']');
  const auto colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos && text.find(':', colon + 1) == std::string::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), kdc.port);
    text.resize(colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  kdc.host = text;
  return kdc;
}

std::vector<Kdc> named_in_file(krb5_context context, const std::string& realm) {
  std::vector<Kdc> kdcs;
  profile_t profile = nullptr;
  if (krb5_get_profile(context, &profile) != 0) return kdcs;
  const char* const path[] = {"realms", realm.c_str(), "kdc", nullptr};
  char** values = nullptr;
  if (profile_get_values(profile, path, &values) == 0) {
    for (char** value = values; *value != nullptr; ++value) kdcs.push_back(parsed(*value));
    profile_free_list(values);
  }
  profile_release(profile);
  return kdcs;
}

// RFC 2782 and RFC 4120 7.2.3.2.
std::vector<Kdc> named_in_dns(const std::string& realm) {
  struct Record {
    int priority;
    Kdc kdc;
  };
  std::vector<Record> records;
  unsigned char answer[16 * 1024];
  const int length = ::res_query(("_kerberos._tcp." + realm).c_str(), ns_c_in, ns_t_srv, answer, sizeof answer);
  ns_msg message;
  if (length <= 0 || ::ns_initparse(answer, std::min<int>(length, sizeof answer), &message) != 0) return {};
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    char host[NS_MAXDNAME];
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7)
      continue;
    const unsigned char* data = ns_rr_rdata(record);
    if (::dn_expand(ns_msg_base(message), ns_msg_end(message), data + 6, host, sizeof host) < 0) continue;
    if (*host != '\0')
      records.push_back({static_cast<int>(ns_get16(data)), {host, static_cast<int>(ns_get16(data + 4))}});
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const Record& one, const Record& other) { return one.priority < other.priority; });
  std::vector<Kdc> kdcs;
  for (Record& record : records) kdcs.push_back(std::move(record.kdc));
  return kdcs;
}

// A realm that the KDC is left to find out is empty.
std::string without_empty_realm(std::string name) {
  if (name.ends_with('@')) name.pop_back();
  return name;
}

// Whom the ticket itself names: of the credentials it is what was asked for.
std::string server_of(krb5_context context, const krb5_creds& creds) {
  krb5_ticket* ticket = nullptr;
  if (krb5_decode_ticket(&creds.ticket, &ticket) != 0) return krb5_text(context, creds.server);
  const std::string name = krb5_text(context, ticket->server);
  krb5_free_ticket(context, ticket);
  return name;
}

KerberosTicket told(krb5_context context, const krb5_creds& creds) {
  const auto time = [](krb5_timestamp stamp) { return std::chrono::system_clock::from_time_t(krb5_seconds(stamp)); };
  KerberosTicket ticket;
  ticket.client = krb5_text(context, creds.client);
  ticket.server = server_of(context, creds);
  ticket.enctype = krb5_enctype_text(creds.keyblock.enctype);
  ticket.begins = time(creds.times.starttime != 0 ? creds.times.starttime : creds.times.authtime);
  ticket.ends = time(creds.times.endtime);
  return ticket;
}

bool is_ticket_granting(krb5_const_principal server) {
  return server->length == 2 && std::string_view(server->data[0].data, server->data[0].length) == KRB5_TGS_NAME;
}

// The cache that GSSAPI takes, and what messages say of it.
struct OpenCache {
  OpenCache(krb5_context context, const KerberosIdentity& identity) : cache(context), owner(context) {
    const char* name = krb5_cc_default_name(context);
    attempt.cache = name == nullptr ? "" : name;
    attempt.principal = identity.principal;
    check_kerberos(context, krb5_cc_default(context, cache.out()), attempt);
    check_kerberos(context, krb5_cc_get_principal(context, cache.get(), owner.out()), attempt);
    attempt.realm = realm_of_principal(owner.get());
  }
  Krb5Cache cache;
  Krb5Principal owner;
  KerberosAttempt attempt;
};

// A cache that someone else fills may be of someone else.
void check_owner(krb5_context context, const KerberosIdentity& identity, const OpenCache& open) {
  if (identity.principal.empty()) return;
  Krb5Principal wanted(context);
  check_kerberos(context, krb5_parse_name(context, identity.principal.c_str(), wanted.out()), open.attempt);
  if (krb5_principal_compare(context, wanted.get(), open.owner.get())) return;
  throw Error(ErrorKind::usage,
              "the tickets in " + open.attempt.cache + " are those of " + krb5_text(context, open.owner.get()),
              "Kerberos, " + identity.principal, "name the right cache with ccache, or leave principal out");
}

}  // namespace

KerberosRealm kerberos_realm(const KerberosIdentity& identity) {
  const Krb5Context context;
  KerberosRealm found;
  const std::string named = environment("KRB5_CONFIG");
  found.file = named.empty() ? "/etc/krb5.conf" : named;
  found.realm = realm_of(context, identity);
  found.kdcs = named_in_file(context, found.realm);
  if (found.kdcs.empty()) {
    found.kdcs = named_in_dns(found.realm);
    found.from_dns = true;
  }
  KerberosAttempt attempt;
  attempt.principal = identity.principal;
  attempt.realm = found.realm;
  if (found.kdcs.empty()) throw kerberos_error(context, KRB5_REALM_UNKNOWN, attempt);
  return found;
}

std::vector<KeytabEntry> keytab_entries(const KerberosIdentity& identity) {
  const Krb5Context context;
  return OpenKeytab(context, identity).entries();
}

KerberosTicket kerberos_ticket(const KerberosIdentity& identity) {
  const Krb5Context context;
  const OpenCache open(context, identity);
  check_owner(context, identity, open);
  krb5_timestamp now = 0;
  check_kerberos(context, krb5_timeofday(context, &now), open.attempt);

  std::optional<KerberosTicket> granting, other;
  bool ended = false;
  krb5_cc_cursor cursor = nullptr;
  check_kerberos(context, krb5_cc_start_seq_get(context, open.cache.get(), &cursor), open.attempt);
  for (;;) {
    Krb5Creds creds(context);
    if (krb5_cc_next_cred(context, open.cache.get(), &cursor, creds.get()) != 0) break;
    if (krb5_is_config_principal(context, creds->server)) continue;
    if (krb5_seconds(creds->times.endtime) <= krb5_seconds(now)) {
      ended = true;
      continue;
    }
    (is_ticket_granting(creds->server) ? granting : other) = told(context, *creds);
  }
  krb5_cc_end_seq_get(context, open.cache.get(), &cursor);
  if (!granting) granting = other;
  if (!granting) throw kerberos_error(context, ended ? KRB5KRB_AP_ERR_TKT_EXPIRED : KRB5_CC_NOTFOUND, open.attempt);
  krb5_timestamp seconds = 0;
  krb5_int32 ignored = 0;
  if (krb5_get_time_offsets(context, &seconds, &ignored) == 0) granting->clock_offset = seconds;
  return *granting;
}

KerberosTicket kerberos_service_ticket(const KerberosIdentity& identity, const std::string& service) {
  const Krb5Context context;
  OpenCache open(context, identity);
  open.attempt.service = service;
  Krb5Principal server(context);
  const auto at = service.find('@');
  if (service.find('/') == std::string::npos && at != std::string::npos)
    check_kerberos(context,
                   krb5_sname_to_principal(context, service.substr(at + 1).c_str(), service.substr(0, at).c_str(),
                                           KRB5_NT_SRV_HST, server.out()),
                   open.attempt);
  else
    check_kerberos(context,
                   krb5_parse_name_flags(context, service.c_str(),
                                         at == std::string::npos ? KRB5_PRINCIPAL_PARSE_NO_DEF_REALM : 0, server.out()),
                   open.attempt);
  open.attempt.service = without_empty_realm(krb5_text(context, server.get()));
  krb5_creds wanted{};
  wanted.client = open.owner.get();
  wanted.server = server.get();
  const KdcClock clock(context);
  krb5_creds* found = nullptr;
  const krb5_error_code code = krb5_get_credentials(context, KRB5_GC_NO_STORE, open.cache.get(), &wanted, &found);
  open.attempt.kdc_ahead = clock.ahead();
  check_kerberos(context, code, open.attempt);
  const KerberosTicket ticket = told(context, *found);
  krb5_free_creds(context, found);
  return ticket;
}

}  // namespace pulk
