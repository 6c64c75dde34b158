#include "config/sqlserver_connection.h"

#include <limits>
#include <set>
#include <utility>

#include "base/environment.h"
#include "base/strings.h"
#include "config/odbc_options.h"

namespace pulk {
namespace {

constexpr int kDay = 24 * 60 * 60;

const std::map<std::string, std::string>& keys_of_keywords() {
  static const std::map<std::string, std::string> keys{
      {"driver", "odbc_driver"},
      {"server", "host"},
      {"address", "host"},
      {"addr", "host"},
      {"database", "database"},
      {"uid", "username"},
      {"user", "username"},
      {"pwd", "password"},
      {"password", "password"},
      {"trusted_connection", "auth"},
      {"authentication", "auth"},
      {"encrypt", "encrypt"},
      {"trustservercertificate", "trust_server_certificate"},
      {"servercertificate", "server_certificate"},
      {"hostnameincertificate", "hostname_in_certificate"},
      {"serverspn", "server_spn"},
      {"applicationintent", "application_intent"},
      {"multisubnetfailover", "multi_subnet_failover"},
      {"packetsize", "packet_size"},
      {"packet size", "packet_size"},
      {"app", "application_name"},
  };
  return keys;
}

// The words of the contract for what is called otherwise here.
void take_auth(TomlTable& table, SqlServerConnection& connection) {
  static const std::map<std::string, std::pair<std::string, std::string>> others{
      {"windows", {"kerberos", ""}},
      {"trusted", {"kerberos", ""}},
      {"aad_integrated", {"kerberos", " with a ticket of the domain, or \"entra\" with an application"}},
      {"aad_password", {"entra", ": an application instead of a person's password"}},
      {"aad_msi", {"entra", " and azure_managed_identity = true"}},
      {"service_principal", {"entra", " with azure_client_id and its secret"}},
  };
  std::string auth = "sql";
  table.take("auth", auth);
  if (auth == "sql")
    connection.auth = SqlServerConnection::Auth::sql;
  else if (auth == "kerberos")
    connection.auth = SqlServerConnection::Auth::kerberos;
  else if (auth == "entra")
    connection.auth = SqlServerConnection::Auth::entra;
  else if (const auto other = others.find(to_lower(auth)); other != others.end())
    table.add_problem("auth", "must be one of sql, kerberos, entra",
                      "write \"" + other->second.first + "\"" + other->second.second);
  else {
    const auto guess = did_you_mean(auth, {"sql", "kerberos", "entra"});
    table.add_problem("auth", "must be one of sql, kerberos, entra", guess ? "did you mean \"" + *guess + "\"?" : "");
  }
}

void take_encrypt(TomlTable& table, SqlServerConnection& connection) {
  if (table.is_boolean("encrypt")) {
    bool encrypt = true;
    table.take("encrypt", encrypt);
    connection.encrypt = encrypt ? "yes" : "no";
    return;
  }
  table.take_choice("encrypt", connection.encrypt, {"yes", "strict", "no"});
}

void take_isolation(TomlTable& table, SqlServerConnection& connection) {
  static const std::map<std::string, SqlServerIsolation> levels{
      {"automatic", SqlServerIsolation::automatic},
      {"snapshot", SqlServerIsolation::snapshot},
      {"read committed", SqlServerIsolation::read_committed},
      {"serializable", SqlServerIsolation::serializable},
      {"read uncommitted", SqlServerIsolation::read_uncommitted},
  };
  std::string written = "automatic";
  table.take_choice("isolation", written,
                    {"automatic", "snapshot", "read committed", "serializable", "read uncommitted"});
  connection.isolation = levels.at(written);
}

// A key of the table, else the variable that Microsoft's clients read.
void take_or_environment(TomlTable& table, const char* key, const char* variable, std::string& value) {
  table.take(key, value);
  if (!table.has(key)) value = environment(variable);
}

void take_entra(TomlTable& table, EntraIdentity& entra) {
  entra.where = table.path_of_key("auth");
  entra.scope = "https://database.windows.net/.default";
  take_or_environment(table, "azure_tenant_id", "AZURE_TENANT_ID", entra.tenant);
  take_or_environment(table, "azure_client_id", "AZURE_CLIENT_ID", entra.client_id);
  table.take("azure_client_secret", entra.client_secret);
  if (!table.has("azure_client_secret")) entra.client_secret = Secret(environment("AZURE_CLIENT_SECRET"));
  take_or_environment(table, "azure_client_certificate_path", "AZURE_CLIENT_CERTIFICATE_PATH", entra.certificate_file);
  take_or_environment(table, "azure_federated_token_file", "AZURE_FEDERATED_TOKEN_FILE", entra.federated_token_file);
  table.take("azure_managed_identity", entra.managed_identity);
  table.take("azure_scope", entra.scope);
  std::string host;
  take_or_environment(table, "azure_authority_host", "AZURE_AUTHORITY_HOST", host);
  if (!host.empty()) entra.authority = host.find("://") == std::string::npos ? "https://" + host : host;
  while (entra.authority.ends_with('/')) entra.authority.pop_back();
  if (!entra.scope.ends_with("/.default"))
    table.add_problem("azure_scope", "does not end with /.default, as those of programs do");
  if (entra.managed_identity) return;
  if (entra.tenant.empty()) table.add_problem("azure_tenant_id", "is missing", "write it, or set AZURE_TENANT_ID");
  if (entra.client_id.empty()) table.add_problem("azure_client_id", "is missing", "write it, or set AZURE_CLIENT_ID");
  if (entra.client_secret.empty() && entra.certificate_file.empty() && entra.federated_token_file.empty())
    table.add_problem("azure_client_secret", "there is nothing to prove the client with",
                      "write azure_client_secret, azure_client_certificate_path or azure_federated_token_file");
}

// Keys of one way to log in that stand beside another one.
void refuse_others(TomlTable& table, const SqlServerConnection& connection) {
  const auto refuse = [&](std::initializer_list<const char*> keys, const std::string& needs) {
    for (const char* key : keys) {
      std::vector<std::string> there;
      table.skip(key, there);
      if (!there.empty()) table.add_problem(key, "belongs to auth = \"" + needs + "\"");
    }
  };
  if (connection.auth != SqlServerConnection::Auth::sql) refuse({"username", "password"}, "sql");
  if (connection.auth != SqlServerConnection::Auth::kerberos) refuse({"server_spn"}, "kerberos");
  if (connection.auth != SqlServerConnection::Auth::entra)
    refuse({"azure_tenant_id", "azure_client_id", "azure_client_secret", "azure_client_certificate_path",
            "azure_federated_token_file", "azure_managed_identity", "azure_scope", "azure_authority_host"},
           "entra");
}

void take_login(TomlFile& file, TomlTable& table, SqlServerConnection& connection) {
  take_auth(table, connection);
  connection.kerberos = kerberos_identity(file, table, connection.auth == SqlServerConnection::Auth::kerberos);
  refuse_others(table, connection);
  switch (connection.auth) {
    case SqlServerConnection::Auth::sql:
      table.take("username", connection.username);
      table.take("password", connection.password);
      if (!table.has("username")) table.add_problem("username", "is missing");
      if (!table.has("password"))
        table.add_problem("password", "is missing", "write \"env:NAME\" or another reference");
      break;
    case SqlServerConnection::Auth::kerberos:
      table.take("server_spn", connection.server_spn);
      break;
    case SqlServerConnection::Auth::entra:
      take_entra(table, connection.entra);
      break;
  }
}

void take_server(TomlTable& table, SqlServerConnection& connection) {
  table.take("host", connection.host);
  table.take("port", connection.port, 1, 65535);
  table.take("instance", connection.instance);
  table.take("database", connection.database);
  if (!table.has("host")) table.add_problem("host", "is missing");
  if (!table.has("database")) table.add_problem("database", "is missing", "name the database that is read");
  if (const auto backslash = connection.host.find('\\'); backslash != std::string::npos)
    table.add_problem("host", "names an instance", "write it as " + table.path_of_key("instance"));
  else if (connection.host.find(',') != std::string::npos)
    table.add_problem("host", "names a port", "write it as " + table.path_of_key("port"));
  if (connection.port != 0 && !connection.instance.empty())
    table.add_problem("instance", "instance and port are both there",
                      "keep the port: it is what the instance listens on");
}

}  // namespace

SqlServerConnection read_sqlserver(TomlFile& file, TomlTable& table, std::vector<std::string>& without_effect) {
  SqlServerConnection connection;
  take_server(table, connection);
  take_login(file, table, connection);
  take_encrypt(table, connection);
  table.take("odbc_driver", connection.odbc_driver);
  table.take("trust_server_certificate", connection.trust_server_certificate);
  table.take("ca_certificate", connection.ca_certificate);
  table.take("server_certificate", connection.server_certificate);
  table.take("hostname_in_certificate", connection.hostname_in_certificate);
  table.take_choice("application_intent", connection.application_intent, {"ReadWrite", "ReadOnly"});
  table.take("multi_subnet_failover", connection.multi_subnet_failover);
  table.take("packet_size", connection.packet_size, 512, 32767);
  table.take("application_name", connection.application_name);
  table.take("connect_timeout", connection.connect_timeout, 1, kDay);
  table.take("lock_timeout", connection.lock_timeout, 1, kDay);
  take_isolation(table, connection);
  table.take("snapshot_lock", connection.snapshot_lock);
  connection.odbc_options = take_odbc_options(file, table, keys_of_keywords());
  for (const char* key : {"use_bcp", "prefer_native_driver", "set_context_info"}) table.skip(key, without_effect);

  if (connection.trust_server_certificate && !connection.ca_certificate.empty())
    table.add_problem("ca_certificate", "is not looked at when trust_server_certificate is true", "keep one of them");
  if (!connection.server_certificate.empty() && connection.encrypt != "strict")
    table.add_problem("server_certificate", "the driver looks at it only when encrypt is \"strict\"",
                      "write ca_certificate: a certificate that is its own authority may stand there");
  if (connection.encrypt == "strict" && connection.trust_server_certificate)
    table.add_problem("trust_server_certificate", "encrypt = \"strict\" always checks the certificate");
  if (connection.snapshot_lock && connection.application_intent == "ReadOnly")
    table.add_problem("snapshot_lock", "a secondary, which application_intent asks for, ignores locks",
                      "remove one of them");
  const bool snapshots =
      connection.isolation == SqlServerIsolation::automatic || connection.isolation == SqlServerIsolation::snapshot;
  if (connection.snapshot_lock && !snapshots)
    table.add_problem("snapshot_lock", "is for snapshot transactions",
                      "remove isolation, or write isolation = \"snapshot\"");
  return connection;
}

}  // namespace pulk
