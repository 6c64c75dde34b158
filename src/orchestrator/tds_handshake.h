// How a SQL Server begins a connection: PRELOGIN, and TLS inside of TDS packets or, with "strict", around them. For
// `pulk doctor`, which tells what the server's certificate says before a driver says no to it. Nothing is sent that
// belongs to a login. Sources: [MS-TDS] 2.2.6.5 PRELOGIN, 2.2.3.1 packet header, 3.2.5 (client); "TDS 8.0".
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "orchestrator/doctor_probes.h"

namespace pulk {

struct TdsHandshakeOptions {
  std::vector<probe::Address> addresses;
  int port = 1433;
  std::string host;            // for SNI
  std::string name;            // that the certificate must have
  std::string ca_certificate;  // file (PEM) beside the system's authorities; "" for none
  bool strict = false;
  bool encrypt = true;  // false: asks for an encrypted login only, as a client does that wants no more
  std::chrono::milliseconds timeout{15000};
};

struct TdsHandshake {
  std::string version;   // of the server, "16.0.4135"; "" with strict, where it comes later
  bool encrypts = true;  // the server can
  bool insists = false;  // on encrypting all when the client asked for the login only
  std::string protocol;  // "TLSv1.3"
  std::string subject, issuer;
  std::vector<std::string> names;  // of hosts, as the certificate has them
  std::string begins, ends;        // "2026-11-21 23:00:00 UTC"
  bool names_host = false;
  std::string distrust;      // OpenSSL's words; "" when it is trusted
  bool not_now = false;      // distrusted for its dates only
  bool by_own_file = false;  // trusted by `ca_certificate`, and not without it
  std::string fingerprint;   // SHA-256, "AB:CD:…"
};

// Throws Error(retryable) when the server goes away or does not answer in time, Error(usage) when it speaks no TDS, no
// TLS, or the CA file cannot be read.
TdsHandshake tds_handshake(const TdsHandshakeOptions& options);

}  // namespace pulk
