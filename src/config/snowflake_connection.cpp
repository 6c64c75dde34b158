#include "config/snowflake_connection.h"

#include <unistd.h>

#include <charconv>
#include <optional>
#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/strings.h"
#include "config/snowflake_files.h"
#include "config/text_file.h"

namespace pulk {
namespace {

using Keys = std::map<std::string, SnowflakeTarget::Value>;

const std::map<std::string, SnowflakeLogin>& authenticators() {
  static const std::map<std::string, SnowflakeLogin> names{{"snowflake", SnowflakeLogin::password},
                                                           {"snowflake_jwt", SnowflakeLogin::key_pair},
                                                           {"oauth", SnowflakeLogin::oauth},
                                                           {"programmatic_access_token", SnowflakeLogin::access_token},
                                                           {"workload_identity", SnowflakeLogin::workload_identity},
                                                           {"externalbrowser", SnowflakeLogin::browser}};
  return names;
}

// Reads single values out of the merged keys; everything that is wrong goes to `problems`.
class Reader {
 public:
  Reader(Keys keys, bool variables_only, Problems& problems)
      : keys_(std::move(keys)), variables_only_(variables_only), problems_(problems) {}

  bool has(const std::string& key) const { return keys_.contains(key); }
  std::string where(const std::string& key) const { return keys_.at(key).where; }
  Secret secret(const std::string& key) const { return has(key) ? keys_.at(key).text : Secret(); }
  std::string text(const std::string& key) const { return secret(key).reveal(); }
  void problem(const std::string& key, std::string what, std::string hint = "") const {
    problems_.add(where(key), std::move(what), std::move(hint));
  }
  // The hint that says how to give `key` this value; "env:NAME" stands for a secret.
  std::string write(const std::string& key, const std::string& value) const {
    if (!variables_only_) return "write " + key + " = \"" + value + "\"";
    return "set " + variable(key) + (value.starts_with("env:") ? "" : " to " + value);
  }
  // What `key` is called where a person writes it.
  std::string name(const std::string& key) const { return variables_only_ ? variable(key) : key; }
  std::string verb() const { return variables_only_ ? "set " : "write "; }
  int number(const std::string& key, int absent, int least, int most) const {
    if (!has(key)) return absent;
    const std::string& digits = keys_.at(key).text.reveal();
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size() && value >= least && value <= most) return value;
    problem(key, "must be a whole number between " + std::to_string(least) + " and " + std::to_string(most));
    return absent;
  }

 private:
  static std::string variable(const std::string& key) { return "SNOWFLAKE_" + to_upper(key); }

  Keys keys_;
  const bool variables_only_;
  Problems& problems_;
};

// Every variable that Snowflake's clients read for a connection.
Keys from_environment() {
  Keys keys;
  for (const auto& [written, key] : snowflake_keys()) {
    const std::string variable = "SNOWFLAKE_" + to_upper(written);
    if (const std::string value = environment(variable); !value.empty()) keys[key] = {Secret(value), variable};
  }
  // Snowflake's command line reads the passphrase from here.
  if (in_environment("PRIVATE_KEY_PASSPHRASE") && !keys.contains("private_key_passphrase"))
    keys["private_key_passphrase"] = {Secret(environment("PRIVATE_KEY_PASSPHRASE")), "PRIVATE_KEY_PASSPHRASE"};
  return keys;
}

void check_account(const Reader& keys, const std::string& fallback, Problems& problems) {
  const std::string account = keys.text("account");
  if (account.empty()) {
    problems.add(fallback, "the account is missing", keys.write("account", "ORGANIZATION-ACCOUNT"));
    return;
  }
  const std::string lower = to_lower(account);
  const auto tail = lower.find(".snowflakecomputing.");
  if (tail != std::string::npos || lower.find("://") != std::string::npos) {
    const auto begin = lower.find("://") == std::string::npos ? 0 : lower.find("://") + 3;
    keys.problem("account", "is an address, not the name of an account",
                 tail == std::string::npos ? "write ORGANIZATION-ACCOUNT"
                                           : keys.write("account", account.substr(begin, tail - begin)));
  } else if (lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") != std::string::npos) {
    keys.problem("account", "has a character that no account has", "write ORGANIZATION-ACCOUNT");
  }
}

SnowflakeLogin choose_login(const Reader& keys) {
  const bool key = keys.has("private_key") || keys.has("private_key_file");
  if (!keys.has("authenticator")) {
    if (key) return SnowflakeLogin::key_pair;
    if (!keys.has("password") && (keys.has("token") || keys.has("token_file_path")))
      keys.problem(keys.has("token") ? "token" : "token_file_path", "what kind of token it is must be said",
                   keys.write("authenticator", "oauth") + ", or PROGRAMMATIC_ACCESS_TOKEN");
    return SnowflakeLogin::password;
  }
  const std::string written = keys.text("authenticator");
  const auto known = authenticators().find(to_lower(written));
  if (known != authenticators().end()) return known->second;
  std::vector<std::string> names;
  for (const auto& [name, login] : authenticators()) names.push_back(name);
  const auto near = did_you_mean(to_lower(written), names);
  keys.problem("authenticator", "\"" + written + "\" is none that pulk has",
               near ? "did you mean \"" + *near + "\"?" : "there are: " + join(names, ", "));
  return SnowflakeLogin::password;
}

void read_key(const Reader& keys, SnowflakeConnection& connection, const std::string& fallback, Problems& problems) {
  const char* name = keys.has("private_key_file") ? "private_key_file" : "private_key";
  if (!keys.has(name)) {
    problems.add(
        fallback, "the private key is missing",
        keys.write("private_key_file", "…/rsa_key.p8") + ", whose public key is set with ALTER USER … SET RSA_PUBLIC_KEY");
    return;
  }
  if (keys.has("private_key_file")) {
    connection.private_key_file = keys.text("private_key_file");
    if (connection.private_key_file.starts_with("~/"))
      if (const std::string home = environment("HOME"); !home.empty()) connection.private_key_file.replace(0, 1, home);
    try {
      connection.private_key = Secret(read_text_file(connection.private_key_file, "check the path"));
    } catch (const Error& error) {
      keys.problem(name, connection.private_key_file + ": " + error.message(), error.hint());
      return;
    }
  } else {
    connection.private_key = keys.secret("private_key");
  }
  const std::string& pem = connection.private_key.reveal();
  connection.private_key_passphrase = keys.secret("private_key_passphrase");
  const bool encrypted = contains(pem, "BEGIN ENCRYPTED PRIVATE KEY");
  if (!encrypted && !contains(pem, "BEGIN PRIVATE KEY")) {
    keys.problem(name,
                 contains(pem, "PUBLIC KEY") ? "is a public key, the private one is needed"
                                             : "is no private key in PKCS#8 (PEM)",
                 contains(pem, "BEGIN RSA PRIVATE KEY") ? "openssl pkcs8 -topk8 -in rsa_key.pem -out rsa_key.p8" : "");
  } else if (encrypted && connection.private_key_passphrase.empty()) {
    keys.problem(name, "the private key is encrypted and there is no passphrase",
                 keys.write("private_key_passphrase", "env:NAME") + ", or set PRIVATE_KEY_PASSPHRASE");
  }
}

// A key of the table, else the variable that Microsoft's clients read.
std::string azure(const Reader& keys, const std::string& name, const char* variable) {
  const std::string key = "azure_" + name;
  return keys.has(key) ? keys.text(key) : environment(variable);
}

// True when the token is to come from Entra ID: keys azure_* are there, and no token is.
bool read_entra(const Reader& keys, SnowflakeConnection& connection, const std::string& fallback, Problems& problems) {
  std::string first;
  for (const char* key : {"azure_tenant_id", "azure_client_id", "azure_client_secret", "azure_client_certificate_path",
                          "azure_federated_token_file", "azure_managed_identity", "azure_scope"})
    if (first.empty() && keys.has(key)) first = key;
  if (first.empty()) return false;
  EntraIdentity& entra = connection.entra;
  entra.where = keys.where(first);
  entra.tenant = azure(keys, "tenant_id", "AZURE_TENANT_ID");
  entra.client_id = azure(keys, "client_id", "AZURE_CLIENT_ID");
  entra.client_secret = keys.has("azure_client_secret") ? keys.secret("azure_client_secret")
                                                        : Secret(environment("AZURE_CLIENT_SECRET"));
  entra.certificate_file = azure(keys, "client_certificate_path", "AZURE_CLIENT_CERTIFICATE_PATH");
  entra.federated_token_file = azure(keys, "federated_token_file", "AZURE_FEDERATED_TOKEN_FILE");
  entra.managed_identity = to_lower(keys.text("azure_managed_identity")) == "true";
  entra.scope = keys.text("azure_scope");
  if (const std::string host = azure(keys, "authority_host", "AZURE_AUTHORITY_HOST"); !host.empty())
    entra.authority = host.find("://") == std::string::npos ? "https://" + host : host;
  while (entra.authority.ends_with('/')) entra.authority.pop_back();
  if (entra.scope.empty())
    problems.add(fallback, "azure_scope is missing", "write azure_scope = \"api://…/.default\"");
  else if (!entra.scope.ends_with("/.default"))
    keys.problem("azure_scope", "does not end with /.default, as those of programs do");
  if (entra.managed_identity) return true;
  if (entra.tenant.empty()) problems.add(fallback, "azure_tenant_id is missing", "write it, or set AZURE_TENANT_ID");
  if (entra.client_id.empty()) problems.add(fallback, "azure_client_id is missing", "write it, or set AZURE_CLIENT_ID");
  if (entra.client_secret.empty() && entra.certificate_file.empty() && entra.federated_token_file.empty())
    problems.add(fallback, "there is nothing to prove the client with",
                 "write azure_client_secret, azure_client_certificate_path or azure_federated_token_file");
  return true;
}

void read_token(const Reader& keys, SnowflakeConnection& connection, const std::string& fallback, Problems& problems) {
  if (keys.has("token_file_path")) {
    connection.token_file = keys.text("token_file_path");
    try {
      if (trim(read_text_file(connection.token_file, "check the path")).empty())
        keys.problem("token_file_path", connection.token_file + " is empty");
    } catch (const Error& error) {
      keys.problem("token_file_path", connection.token_file + ": " + error.message(), error.hint());
    }
  } else if (keys.has("token")) {
    connection.token = keys.secret("token");
  } else if (connection.login == SnowflakeLogin::access_token && keys.has("password")) {
    connection.token = keys.secret("password");
  } else if (connection.login != SnowflakeLogin::workload_identity || connection.workload_provider == "OIDC") {
    problems.add(fallback, "the token is missing",
                 keys.write("token", "env:NAME") + ", or " + keys.name("token_file_path"));
  }
}

void read_login(const Reader& keys, SnowflakeConnection& connection, const std::string& fallback, Problems& problems) {
  connection.login = choose_login(keys);
  const bool token_names_user =
      connection.login == SnowflakeLogin::oauth || connection.login == SnowflakeLogin::workload_identity;
  if (connection.username.empty() && !token_names_user)
    problems.add(fallback, "the user is missing", keys.write("user", "NAME"));
  switch (connection.login) {
    case SnowflakeLogin::password:
      connection.password = keys.secret("password");
      if (connection.password.empty() && !keys.has("authenticator") && !keys.has("token") &&
          !keys.has("token_file_path"))
        problems.add(fallback, "there is nothing to log in with",
                     keys.verb() + keys.name("password") + ", or " + keys.name("private_key_file") + ", or " +
                         keys.name("authenticator") + " with a token");
      else if (connection.password.empty() && keys.has("authenticator"))
        problems.add(fallback, "the password is missing", keys.write("password", "env:NAME"));
      break;
    case SnowflakeLogin::key_pair:
      read_key(keys, connection, fallback, problems);
      break;
    case SnowflakeLogin::workload_identity: {
      connection.workload_provider = to_upper(keys.text("workload_identity_provider"));
      const std::vector<std::string> known{"AWS", "AZURE", "GCP", "OIDC"};
      bool right = false;
      for (const std::string& name : known) right = right || name == connection.workload_provider;
      if (!right)
        problems.add(keys.has("workload_identity_provider") ? keys.where("workload_identity_provider") : fallback,
                     "workload_identity_provider must be one of " + join(known, ", "));
      read_token(keys, connection, fallback, problems);
      break;
    }
    case SnowflakeLogin::oauth:
      if (!read_entra(keys, connection, fallback, problems)) read_token(keys, connection, fallback, problems);
      break;
    case SnowflakeLogin::access_token:
      read_token(keys, connection, fallback, problems);
      break;
    case SnowflakeLogin::browser:
      // A run in the background would wait for a person who is not there.
      if (::isatty(STDERR_FILENO) == 0)
        problems.add(keys.where("authenticator"), "externalbrowser needs a person at a terminal",
                     "use a key pair or a programmatic access token for runs that nobody watches");
      break;
  }
}

}  // namespace

const std::map<std::string, std::string>& snowflake_keys() {
  static const std::map<std::string, std::string> keys{{"account", "account"},
                                                       {"user", "user"},
                                                       {"username", "user"},
                                                       {"password", "password"},
                                                       {"role", "role"},
                                                       {"warehouse", "warehouse"},
                                                       {"database", "database"},
                                                       {"schema", "schema"},
                                                       {"host", "host"},
                                                       {"port", "port"},
                                                       {"protocol", "protocol"},
                                                       {"authenticator", "authenticator"},
                                                       {"private_key_file", "private_key_file"},
                                                       {"private_key_path", "private_key_file"},
                                                       {"private_key_raw", "private_key"},
                                                       {"private_key_file_pwd", "private_key_passphrase"},
                                                       {"private_key_passphrase", "private_key_passphrase"},
                                                       {"token", "token"},
                                                       {"token_file_path", "token_file_path"},
                                                       {"workload_identity_provider", "workload_identity_provider"},
                                                       {"azure_tenant_id", "azure_tenant_id"},
                                                       {"azure_client_id", "azure_client_id"},
                                                       {"azure_client_secret", "azure_client_secret"},
                                                       {"azure_client_certificate_path", "azure_client_certificate_path"},
                                                       {"azure_federated_token_file", "azure_federated_token_file"},
                                                       {"azure_managed_identity", "azure_managed_identity"},
                                                       {"azure_scope", "azure_scope"},
                                                       {"azure_authority_host", "azure_authority_host"},
                                                       {"login_timeout", "login_timeout"},
                                                       {"request_timeout", "request_timeout"}};
  return keys;
}

SnowflakeConnection resolve_snowflake(const SnowflakeTarget& target) {
  Problems problems;
  SnowflakeConnection connection;
  connection.origin = target.where;
  Keys keys = target.keys;
  const Keys variables = from_environment();
  const bool by_name = target.by_name || !target.connection_name.empty() ||
                       (!keys.contains("account") && !environment("SNOWFLAKE_CONNECTION_NAME").empty());
  std::string fallback = target.where;
  if (by_name) {
    NamedConnection found = read_named_connection(target.connection_name, problems);
    connection.origin = "connection " + found.name + " of " + found.path;
    connection.warnings = std::move(found.warnings);
    fallback = found.path + ":" + found.name;
    // Where a service sets the defaults of its sessions, they are those of any connection.
    for (const char* key : {"database", "schema"})
      if (const auto value = variables.find(key); value != variables.end()) found.keys[key] = value->second;
    for (auto& [key, value] : found.keys) keys.emplace(key, std::move(value));
  } else {
    for (const auto& [key, value] : variables) keys.emplace(key, value);
  }
  // One bad file makes all that it should have said look missing.
  problems.throw_if_any();

  const Reader reader(std::move(keys), !by_name && target.where == kTheEnvironment, problems);
  check_account(reader, fallback, problems);
  connection.account = reader.text("account");
  connection.username = reader.text("user");
  connection.role = reader.text("role");
  connection.warehouse = reader.text("warehouse");
  connection.database = reader.text("database");
  connection.schema = reader.text("schema");
  if (reader.has("database")) connection.database_where = reader.where("database");
  if (reader.has("schema")) connection.schema_where = reader.where("schema");
  connection.host = reader.text("host");
  connection.protocol = to_lower(reader.text("protocol"));
  connection.port = reader.number("port", 0, 1, 65535);
  connection.login_timeout = reader.number("login_timeout", 60, 1, 3600);
  connection.request_timeout = reader.number("request_timeout", 0, 0, 24 * 3600);
  if (reader.has("host") && (contains(connection.host, "://") || contains(connection.host, "/")))
    reader.problem("host", "must be a host name, without protocol and path");
  if (!connection.protocol.empty() && connection.protocol != "https" && connection.protocol != "http")
    reader.problem("protocol", "must be https (or http, for a proxy on this machine)");
  read_login(reader, connection, fallback, problems);
  connection.stage = target.stage;
  connection.clean_up = target.clean_up;
  connection.upload_parallel = target.upload_parallel;
  connection.load_parallel = target.load_parallel;
  connection.lock_timeout = target.lock_timeout;
  connection.s3 = target.s3;
  problems.throw_if_any();
  return connection;
}

}  // namespace pulk
