#include "source/odbc/sqlserver_sessions.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "identity/entra.h"
#include "identity/kerberos.h"
#include "source/odbc/connection_string.h"
#include "source/odbc/error_codes.h"
#include "source/odbc/sqlserver.h"

namespace pulk::odbc {
namespace {

using Auth = SqlServerConnection::Auth;

// msodbcsql.h
constexpr SQLINTEGER kAccessToken = 1256;  // SQL_COPT_SS_ACCESS_TOKEN

OdbcConnection base_of(const SqlServerConnection& server) {
  OdbcConnection base;
  base.host = server.host;
  base.port = server.port;
  base.database = server.database;
  base.password = server.password;
  base.connect_timeout = server.connect_timeout;
  base.snapshot_lock = server.snapshot_lock;
  return base;
}

SqlServerRules rules_of(const SqlServerConnection& server, const Quirks& quirks) {
  SqlServerRules rules;
  rules.database = server.database;
  rules.isolation = server.isolation;
  rules.lock_timeout = server.lock_timeout;
  rules.native_structs = !is_freetds(quirks);
  for (const auto& [keyword, value] : server.odbc_options)
    if (iequals(keyword, "ColumnEncryption") && !iequals(value, "Disabled")) rules.encrypted_columns = true;
  return rules;
}

void add_microsoft(ConnectionString& string, const SqlServerConnection& server) {
  std::string address = server.host;
  if (!server.instance.empty()) address += "\\" + server.instance;
  if (server.port != 0) address += "," + std::to_string(server.port);
  string.add("Server", "tcp:" + address);
  string.add("Encrypt", server.encrypt);
  string.add("TrustServerCertificate", server.trust_server_certificate ? "yes" : "no");
  if (!server.server_certificate.empty()) string.add("ServerCertificate", server.server_certificate);
  if (!server.hostname_in_certificate.empty()) string.add("HostNameInCertificate", server.hostname_in_certificate);
  string.add("ApplicationIntent", server.application_intent);
  if (server.multi_subnet_failover) string.add("MultiSubnetFailover", "yes");
}

// FreeTDS has no word for a certificate or an intent in a connection string.
void add_freetds(ConnectionString& string, const SqlServerConnection& server) {
  string.add("Server", server.host);
  if (server.port != 0) string.add("Port", std::to_string(server.port));
  string.add("Encryption", server.encrypt == "no" ? "off" : "require");
  if (server.application_intent == "ReadOnly") string.add("ApplicationIntent", "ReadOnly");
}

std::string string_of(const SqlServerConnection& server, const Quirks& quirks, const Secret& password) {
  ConnectionString string(quirks);
  string.add("Driver", server.odbc_driver);
  is_freetds(quirks) ? add_freetds(string, server) : add_microsoft(string, server);
  string.add("Database", server.database);
  string.add("APP", server.application_name);
  if (server.auth == Auth::sql) {
    string.add("UID", server.username);
    string.add("PWD", password.reveal());
  } else if (server.auth == Auth::kerberos) {
    string.add("Trusted_Connection", "yes");
    // Left to itself, Microsoft's driver asks for the name that the host's address resolves back to.
    if (const std::string spn = sqlserver_spn(server); !spn.empty()) string.add("ServerSPN", spn);
  }
  for (const auto& [keyword, value] : quirks.keywords) string.add(keyword, value);
  for (const auto& [keyword, value] : server.odbc_options) string.add(keyword, value);
  return string.text();
}

void check_driver(const SqlServerConnection& server, const Quirks& quirks) {
  for (const auto& [keyword, value] : quirks.keywords)
    for (const auto& [given, ignored] : server.odbc_options)
      if (iequals(keyword, given))
        throw Error(ErrorKind::usage, "the ODBC option " + given + " is set by pulk itself",
                    "connections.source.sqlserver", "remove it from odbc_options");
  if (!is_freetds(quirks)) return;
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::usage, "FreeTDS " + what, "connections.source.sqlserver",
                "use Microsoft's driver: odbc_driver = \"ODBC Driver 18 for SQL Server\"");
  };
  if (server.auth == Auth::entra) refuse("takes no tokens of Entra ID");
  if (server.encrypt == "strict") refuse("has no strict encryption");
  if (!server.instance.empty()) refuse("needs the port of an instance, not its name");
  if (!server.ca_certificate.empty()) refuse("takes no ca_certificate");
  if (server.encrypt == "yes" && !server.trust_server_certificate)
    refuse(
        "does not check the server's certificate by a connection string: trust_server_certificate = true would say so, "
        "or encrypt = \"no\"");
}

// Encrypted packets have at most 16,383 bytes ("network packet size" of the server's configuration options), and with
// sizes near that the driver cannot send a statement that fills one.
constexpr int kEncryptedPacket = 16000;

void set_packet_size(SQLHDBC handle, const SqlServerConnection& server) {
  const int bytes = server.encrypt == "no" ? server.packet_size : std::min(server.packet_size, kEncryptedPacket);
  SQLSetConnectAttr(handle, SQL_ATTR_PACKET_SIZE, reinterpret_cast<SQLPOINTER>(static_cast<SQLULEN>(bytes)),
                    0);  // NOLINT
}

// ACCESSTOKEN of msodbcsql.h: a length in bytes, and the token with a zero byte behind each of its own.
class AccessToken {
 public:
  explicit AccessToken(const Secret& token) : bytes_(sizeof(std::uint32_t) + 2 * token.reveal().size()) {
    const auto length = static_cast<std::uint32_t>(2 * token.reveal().size());
    std::memcpy(bytes_.data(), &length, sizeof length);
    for (std::size_t i = 0; i < token.reveal().size(); ++i) bytes_[sizeof length + 2 * i] = token.reveal()[i];
  }
  ~AccessToken() { explicit_bzero(bytes_.data(), bytes_.size()); }
  AccessToken(const AccessToken&) = delete;
  AccessToken& operator=(const AccessToken&) = delete;
  SQLPOINTER pointer() { return bytes_.data(); }

 private:
  std::vector<char> bytes_;
};

}  // namespace

bool is_freetds(const Quirks& quirks) { return contains(quirks.driver, "tds"); }

const Quirks& sqlserver_driver(const SqlServerConnection& server) {
  const Quirks* quirks = find_quirks(server.odbc_driver);
  if (quirks == nullptr || quirks->codes != ErrorCodes::sqlserver)
    throw Error(
        ErrorKind::usage, "\"" + server.odbc_driver + "\" is no ODBC driver for SQL Server that pulk knows",
        "connections.source.sqlserver.odbc_driver",
        "name Microsoft's (\"ODBC Driver 18 for SQL Server\"), FreeTDS, or the path of the library of one of them");
  check_driver(server, *quirks);
  return *quirks;
}

std::string sqlserver_address(const SqlServerConnection& server) {
  if (!server.instance.empty()) return server.host + "\\" + server.instance;
  return server.host + (server.port != 0 ? ":" + std::to_string(server.port) : "");
}

std::string sqlserver_spn(const SqlServerConnection& server) {
  if (!server.server_spn.empty() || !server.instance.empty()) return server.server_spn;
  return "MSSQLSvc/" + server.host + ":" + std::to_string(server.port != 0 ? server.port : 1433);
}

SqlServerSessions::SqlServerSessions(SqlServerConnection server, const Quirks& quirks, int max_connections,
                                     CancelToken* cancel)
    : ServerSessions(base_of(server), quirks, make_sqlserver_dialect(rules_of(server, quirks)), max_connections,
                     cancel),
      server_(std::move(server)) {}

std::unique_ptr<Connection> SqlServerSessions::log_in_with(const Secret& password) {
  return std::make_unique<Connection>(string_of(server_, quirks_, password), quirks_, server_.connect_timeout,
                                      sqlserver_address(server_), cancel_,
                                      [&](SQLHDBC handle) { set_packet_size(handle, server_); });
}

std::unique_ptr<Connection> SqlServerSessions::log_in_with_token() {
  AccessToken token(entra_tokens(server_.entra).token());
  return std::make_unique<Connection>(string_of(server_, quirks_, {}), quirks_, server_.connect_timeout,
                                      sqlserver_address(server_), cancel_, [&](SQLHDBC handle) {
                                        set_packet_size(handle, server_);
                                        SQLSetConnectAttr(handle, kAccessToken, token.pointer(), SQL_IS_POINTER);
                                      });
}

std::unique_ptr<Connection> SqlServerSessions::log_in() {
  switch (server_.auth) {
    case Auth::sql:
      return password_.log_in([&](const Secret& password) { return log_in_with(password); });
    case Auth::kerberos:
      ensure_kerberos_ticket(server_.kerberos, [this] {
        if (cancel_ != nullptr) cancel_->check();
      });
      return log_in_with({});
    case Auth::entra:
      break;
  }
  try {
    return log_in_with_token();
  } catch (const Error& error) {
    // It may have been revoked.
    if (error.kind() != ErrorKind::refused) throw;
    entra_tokens(server_.entra).forget();
    return log_in_with_token();
  }
}

}  // namespace pulk::odbc
