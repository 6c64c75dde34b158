#include "orchestrator/doctor_sqlserver.h"

#include <fmt/format.h>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "orchestrator/doctor_probes.h"
#include "orchestrator/tds_handshake.h"
#include "source/odbc/sqlserver_sessions.h"

namespace pulk {
namespace {

std::string text_of(const TdsHandshake& found) {
  return fmt::format("{}, certificate of {}{}, issued by {}, until {}", found.protocol, found.subject,
                     found.names.empty() ? "" : " for " + join(found.names, ", "),
                     found.issuer == found.subject ? "itself" : found.issuer, found.ends);
}

std::string trusted_by(const SqlServerConnection& server, const TdsHandshake& found) {
  if (found.by_own_file) return server.ca_certificate;
  const std::string named = environment("SSL_CERT_FILE");
  return named.empty() || named.starts_with("/proc/self/fd/") ? "the system's authorities" : "SSL_CERT_FILE, " + named;
}

Verdict judge(const SqlServerConnection& server, const std::string& name, const TdsHandshake& found) {
  const std::string what = text_of(found);
  if (server.trust_server_certificate)
    return warned(what + "; it is taken unseen: trust_server_certificate = true",
                  "name the authority by ca_certificate instead: whoever can answer for the server can read the login");
  const auto refused = [&](const std::string& why, const std::string& fix) {
    return Verdict{CheckStatus::fail, what + ": " + why, fix, ErrorKind::refused};
  };
  if (found.not_now)
    return refused(found.distrust + ", it holds from " + found.begins + "; this machine's clock says " + utc_now(),
                   "set this machine's clock, or give the server a certificate that holds now");
  if (!found.distrust.empty())
    return refused(found.distrust + (server.ca_certificate.empty() ? "" : ", also with " + server.ca_certificate),
                   "name the file (PEM) with the certificate of " + found.issuer +
                       " by ca_certificate, or have the system trust it (update-ca-certificates)");
  if (!found.names_host)
    return refused("it is not for " + name, found.names.empty()
                                                ? "give the server a certificate for " + name
                                                : "write the server's name as host, or hostname_in_certificate = \"" +
                                                      found.names.front() + "\" if this is the right server");
  return passed(what + ", trusted by " + trusted_by(server, found));
}

}  // namespace

int port_of(const SqlServerConnection& server) {
  return server.port == 0 && server.instance.empty() ? 1433 : server.port;
}

Verdict look_at_sqlserver_driver(const SqlServerConnection& server, const std::string& found) {
  if (!odbc::is_freetds(odbc::sqlserver_driver(server))) return passed("Microsoft's: " + found);
  return warned("FreeTDS: " + found +
                    "; it takes no tokens of Entra ID, no strict encryption, no instance names and no "
                    "ca_certificate, and does not look at the server's certificate",
                "install Microsoft's driver where its licence allows it: docs/sqlserver.md");
}

Verdict look_at_tls(const SqlServerConnection& server) {
  TdsHandshakeOptions options;
  options.timeout = std::chrono::seconds(server.connect_timeout);
  options.addresses = probe::resolve(server.host, options.timeout);
  options.port = port_of(server);
  options.host = server.host;
  options.name = server.hostname_in_certificate.empty() ? server.host : server.hostname_in_certificate;
  options.ca_certificate = server.ca_certificate;
  options.strict = server.encrypt == "strict";
  options.encrypt = server.encrypt != "no";
  const TdsHandshake found = tds_handshake(options);
  if (server.encrypt == "no") {
    if (!found.encrypts)
      return warned("the server cannot encrypt: login and rows travel as they are", "give the server a certificate");
    if (found.insists)
      return passed("the server insists on encryption; its certificate is not looked at: encrypt = \"no\"");
    return warned("only the login is encrypted, the rows travel as they are: encrypt = \"no\"",
                  "write encrypt = \"yes\"");
  }
  if (!found.encrypts)
    return {CheckStatus::fail, "the server cannot encrypt", "give the server a certificate, or write encrypt = \"no\"",
            ErrorKind::refused};
  if (options.strict && !server.server_certificate.empty())
    return warned(text_of(found), "the driver takes only the certificate in " + server.server_certificate +
                                      "; the server's has the SHA-256 fingerprint " + found.fingerprint);
  return judge(server, options.name, found);
}

}  // namespace pulk
