#include "orchestrator/doctor_kerberos.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/strings.h"
#include "identity/kerberos.h"
#include "identity/kerberos_keytab.h"
#include "identity/kerberos_look.h"
#include "orchestrator/doctor_probes.h"

namespace pulk {
namespace {

constexpr int kAllowedSkew = 300;  // seconds; "clockskew" of krb5.conf and of Active Directory

std::string names(const KerberosRealm& realm) {
  std::vector<std::string> texts;
  for (const auto& kdc : realm.kdcs) texts.push_back(fmt::format("{}:{}", kdc.host, kdc.port));
  return join(texts, ", ");
}

std::string utc(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Verdict look_at_configuration(const KerberosIdentity& identity) {
  const KerberosRealm realm = kerberos_realm(identity);
  return passed(fmt::format("{}: realm {}, KDC {}{}", realm.file, realm.realm, names(realm),
                            realm.from_dns ? " (from the DNS)" : ""));
}

Verdict look_at_keytab(const KerberosIdentity& identity) {
  const std::vector<KeytabEntry> entries = keytab_entries(identity);
  const std::string text = text_of(entries);
  const auto strong = [](const KeytabEntry& entry) { return entry.enctype.starts_with("aes"); };
  if (!entries.empty() && std::none_of(entries.begin(), entries.end(), strong))
    return warned(text, "domains give up types older than AES: make a keytab with AES256 keys");
  return passed(text.empty() ? "no keys" : text);
}

Verdict look_at_kdc(const KerberosIdentity& identity, std::chrono::seconds timeout) {
  const KerberosRealm realm = kerberos_realm(identity);
  std::vector<std::string> silent;
  for (const auto& kdc : realm.kdcs) {
    try {
      const std::string address = probe::connect_to(probe::resolve(kdc.host, timeout), kdc.port, timeout);
      const std::string what = fmt::format("{}:{} answers at {}", kdc.host, kdc.port, address);
      if (silent.empty()) return passed(what);
      return warned(what + "; " + join(silent, "; "),
                    "every login waits for those that do not answer: open the way to "
                    "them, or leave them out of krb5.conf");
    } catch (const Error& error) {
      silent.push_back(fmt::format("{}:{}: {}", kdc.host, kdc.port, error.message()));
    }
  }
  throw Error(ErrorKind::retryable, join(silent, "; "), "realm " + realm.realm,
              "check the KDCs' addresses in " + realm.file + " and that port 88 is open from here, TCP and UDP");
}

Verdict look_at_ticket(const KerberosIdentity& identity, const std::function<void()>& cancelled) {
  ensure_kerberos_ticket(identity, cancelled);
  const KerberosTicket ticket = kerberos_ticket(identity);
  const auto left =
      std::chrono::duration_cast<std::chrono::seconds>(ticket.ends - std::chrono::system_clock::now()).count();
  return passed(fmt::format("{} has {} until {}, for another {} s, {}", ticket.client, ticket.server, utc(ticket.ends),
                            left, ticket.enctype));
}

Verdict look_at_clocks(const KerberosIdentity& identity) {
  const int ahead = kerberos_ticket(identity).clock_offset.value_or(0);
  if (ahead == 0) return passed("the KDC's clock and this machine's agree");
  const std::string what =
      fmt::format("the KDC's clock is {} s {} this machine's", std::abs(ahead), ahead < 0 ? "behind" : "ahead of");
  if (std::abs(ahead) < kAllowedSkew / 5) return passed(what);
  return warned(what + "; libkrb5 makes up for it",
                "set the clocks by a time server (NTP): a server whose own clock is "
                "300 s from the KDC's refuses all tickets");
}

}  // namespace

Verdict look_at_service(const KerberosIdentity& identity, const std::string& service) {
  const KerberosTicket ticket = kerberos_service_ticket(identity, service);
  return passed(fmt::format("{} until {}, {}", ticket.server, utc(ticket.ends), ticket.enctype));
}

std::vector<KerberosCheck> kerberos_checks(const KerberosIdentity& identity, std::chrono::seconds timeout,
                                           const std::function<void()>& cancelled) {
  kerberos_tickets(identity);
  std::vector<KerberosCheck> checks;
  const auto add = [&](const char* name, const char* fix, std::function<Verdict()> look) {
    checks.push_back({name, fix, std::move(look)});
  };
  add("krb5.conf", "correct krb5.conf", [&identity] { return look_at_configuration(identity); });
  if (identity.has_keytab())
    add("kerberos keytab", "make a new keytab", [&identity] { return look_at_keytab(identity); });
  add("kerberos kdc", "check the network", [&identity, timeout] { return look_at_kdc(identity, timeout); });
  add("kerberos ticket", "check principal and keytab",
      [&identity, cancelled] { return look_at_ticket(identity, cancelled); });
  if (identity.has_keytab())
    add("kerberos clock", "set the clock of this machine", [&identity] { return look_at_clocks(identity); });
  return checks;
}

}  // namespace pulk
