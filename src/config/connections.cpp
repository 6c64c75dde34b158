#include "config/connections.h"

#include <sys/stat.h>

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "config/document.h"
#include "config/odbc_options.h"
#include "config/text_file.h"
#include "config/toml_table.h"

namespace pulk {
namespace {

constexpr int kLargestInt = std::numeric_limits<int>::max();
constexpr int kDay = 24 * 60 * 60;

// The login that the server takes a principal for, when nothing else is written: svc_loader of svc_loader@CORP.COM.
std::string login_of(const std::string& principal) { return principal.substr(0, principal.find_first_of("/@")); }

PostgresConnection read_postgres(TomlFile& file, TomlTable& table) {
  PostgresConnection connection;
  table.take("host", connection.host);
  table.take("port", connection.port, 1, 65535);
  table.take("database", connection.database);
  table.take("username", connection.username);
  table.take("password", connection.password);
  table.take_choice("sslmode", connection.sslmode,
                    {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"});
  table.take("sslrootcert", connection.sslrootcert);
  table.take("sslcert", connection.sslcert);
  table.take("sslkey", connection.sslkey);
  std::string auth = "password";
  table.take_choice("auth", auth, {"password", "kerberos"});
  connection.kerberos = kerberos_identity(file, table, auth == "kerberos");
  table.take("krbsrvname", connection.krbsrvname);
  if (table.has("gssencmode"))
    table.take_choice("gssencmode", connection.gssencmode, {"disable", "prefer", "require"});
  if (connection.kerberos.given()) {
    if (table.has("password"))
      table.add_problem("password", "is not used with auth = \"kerberos\"", "leave it out");
    if (connection.username.empty()) connection.username = login_of(connection.kerberos.principal);
  } else if (table.has("krbsrvname")) {
    table.add_problem("krbsrvname", "has an effect with auth = \"kerberos\" only", "write that too, or leave this out");
  }
  table.take("application_name", connection.application_name);
  table.take("connect_timeout", connection.connect_timeout, 1, kDay);
  table.take("lock_timeout", connection.lock_timeout, 1, kDay);
  return connection;
}

const std::map<std::string, std::string>& keys_of_keywords() {
  static const std::map<std::string, std::string> keys{
      {"driver", "driver_name"}, {"dsn", "dsn"},           {"uid", "username"},     {"user", "username"},
      {"username", "username"},  {"pwd", "password"},      {"password", "password"}, {"database", "database"}};
  return keys;
}

OdbcConnection read_odbc(TomlFile& file, TomlTable& table) {
  OdbcConnection connection;
  table.take("driver_name", connection.driver_name);
  table.take("dsn", connection.dsn);
  table.take("host", connection.host);
  table.take("port", connection.port, 1, 65535);
  table.take("database", connection.database);
  table.take("username", connection.username);
  table.take("password", connection.password);
  table.take("connect_timeout", connection.connect_timeout, 1, kDay);
  table.take("snapshot_lock", connection.snapshot_lock);
  connection.odbc_options = take_odbc_options(file, table, keys_of_keywords());
  const bool driver = table.has("driver_name");
  const bool dsn = table.has("dsn");
  if (!driver && !dsn) {
    table.add_problem("driver_name", "neither driver_name nor dsn is there", "`odbcinst -q -d` lists the drivers");
  } else if (driver && dsn) {
    table.add_problem("dsn", "driver_name and dsn are both there", "keep one of them");
  }
  return connection;
}

std::string read_path(TomlTable& table, const std::string& what) {
  std::string path;
  if (!table.has("path")) table.add_problem("path", "the path is missing", what);
  table.take("path", path);
  return path;
}

void read_sources(TomlFile& file, TomlTable& connections, ConnectionsFile& result) {
  const toml::table* node = connections.take_table("source");
  if (node == nullptr) return;
  TomlTable sources(file, *node, connections.path_of_key("source"));
  if (const toml::table* inner = sources.take_table("postgresql")) {
    TomlTable table(file, *inner, sources.path_of_key("postgresql"));
    result.sources.emplace("postgresql", read_postgres(file, table));
    table.finish();
  }
  if (const toml::table* inner = sources.take_table("odbc")) {
    TomlTable table(file, *inner, sources.path_of_key("odbc"));
    result.sources.emplace("odbc", read_odbc(file, table));
    table.finish();
  }
  if (const toml::table* inner = sources.take_table("sqlserver")) {
    TomlTable table(file, *inner, sources.path_of_key("sqlserver"));
    result.sources.emplace("sqlserver", read_sqlserver(file, table, result.without_effect));
    table.finish();
  }
  for (const char* kind : {"redshift", "teradata", "oracle", "azure_synapse", "azure_synapse_serverless",
                           "bigquery", "db2", "snowflake", "sqlite"}) {
    if (sources.take_table(kind) != nullptr) result.unsupported_sources.emplace(kind);
  }
  sources.finish();
}

// A stage that may stand in a PUT and a COPY: @~, or @db.schema.stage, with or without a prefix.
void check_stage(TomlTable& table, const std::string& stage) {
  if (stage.empty()) return;
  const bool user = stage == "@~" || stage.starts_with("@~/");
  const bool named = stage.size() > 1 && stage.front() == '@' && stage[1] != '%' && stage[1] != '~' && stage[1] != '/';
  if (!user && !named)
    table.add_problem("stage", "must be \"@~\" or \"@DATABASE.SCHEMA.STAGE\", with or without a prefix",
                      "leave it out for a stage of pulk's own");
  else if (stage.find_first_of("'\\\n ") != std::string::npos)
    table.add_problem("stage", "has a character that cannot stand in a stage's name here");
}

// Source: ON_ERROR in "COPY INTO <table>" of Snowflake's SQL reference, for Parquet.
void refuse_rejected_rows(TomlTable& table) {
  std::string on_error = "ABORT_STATEMENT";
  int most = 0;
  table.take("on_error", on_error);
  if (on_error != "ABORT_STATEMENT")
    table.add_problem("on_error",
                      "Snowflake leaves no rows out of Parquet files: a value that it cannot convert ends the COPY, "
                      "whatever ON_ERROR says",
                      "map the column to a type that holds all values, VARCHAR does, or leave the rows out by a query");
  if (!table.has("max_rejected_rows")) return;
  table.take("max_rejected_rows", most, 0, kLargestInt);
  table.add_problem("max_rejected_rows", "no rows can be rejected: Snowflake loads all of a Parquet file, or nothing",
                    "leave it out");
}

SnowflakeTarget read_snowflake(TomlFile& file, TomlTable& table, bool by_name) {
  SnowflakeTarget target;
  target.by_name = by_name;
  table.take("connection_name", target.connection_name);
  table.take("stage", target.stage);
  check_stage(table, target.stage);
  table.take_choice("clean_up", target.clean_up, {"never", "onSuccess", "always"});
  refuse_rejected_rows(table);
  table.take("upload_parallel", target.upload_parallel, 1, 99);
  table.take("load_parallel", target.load_parallel, 1, 20);  // Snowflake lets 20 statements wait for a lock
  table.take("lock_timeout", target.lock_timeout, 1, kDay);
  if (const toml::table* inner = table.take_table("s3")) {
    TomlTable s3(file, *inner, table.path_of_key("s3"));
    target.s3 = read_s3(file, s3);
    target.s3.where = where_of(file.path, table.path_of_key("s3"));
    s3.finish();
    if (!table.has("stage"))
      table.add_problem("s3", "says how to reach the bucket of an external stage, but no stage is named",
                        "add stage = \"@DATABASE.SCHEMA.STAGE\"");
  }
  if (by_name) return target;
  for (const auto& [written, key] : snowflake_keys()) {
    if (!table.has(written)) continue;
    Secret value;
    if (written == "port" || written == "login_timeout" || written == "request_timeout") {
      int number = 0;
      table.take(written, number, 1, 65535);
      value = Secret(std::to_string(number));
    } else if (key == "password" || key == "private_key" || key == "private_key_passphrase" || key == "token" ||
               key == "azure_client_secret") {
      table.take(written, value);
    } else {
      std::string text;
      table.take(written, text);
      value = Secret(text);
    }
    const std::string where = where_of(file.path, table.path_of_key(written));
    if (!target.keys.emplace(key, SnowflakeTarget::Value{value, where}).second)
      table.add_problem(written, "says what another key of this table says too", "keep one of them");
  }
  return target;
}

void read_targets(TomlFile& file, TomlTable& connections, ConnectionsFile& result) {
  const toml::table* node = connections.take_table("target");
  if (node == nullptr) return;
  TomlTable targets(file, *node, connections.path_of_key("target"));
  if (const toml::table* inner = targets.take_table("duckdb")) {
    TomlTable table(file, *inner, targets.path_of_key("duckdb"));
    result.targets.emplace("duckdb", DuckdbConnection{read_path(table, "the database file")});
    table.finish();
  }
  if (const toml::table* inner = targets.take_table("files")) {
    TomlTable table(file, *inner, targets.path_of_key("files"));
    result.targets.emplace("files", FilesConnection{read_path(table, "the folder")});
    table.finish();
  }
  for (const char* kind : {"snowflake", "snowflake_connection_name"}) {
    const toml::table* inner = targets.take_table(kind);
    if (inner == nullptr) continue;
    TomlTable table(file, *inner, targets.path_of_key(kind));
    SnowflakeTarget target = read_snowflake(file, table, std::string(kind) == "snowflake_connection_name");
    target.where = where_of(file.path, targets.path_of_key(kind));
    result.targets.emplace(kind, std::move(target));
    table.finish();
  }
  for (const char* kind : {"s3", "blob", "gcs"}) {
    if (targets.take_table(kind) != nullptr) result.unsupported_targets.emplace(kind);
  }
  targets.finish();
}

void read_application(TomlFile& file, TomlTable& root, ConnectionsFile& result) {
  const toml::table* node = root.take_table("application");
  if (node == nullptr) return;
  TomlTable table(file, *node, "application");
  table.take("max_parallel_tasks", result.application.max_parallel_tasks, 1, 100);
  table.take("task_fetch_interval", result.application.task_fetch_interval, 1, kLargestInt);
  for (const char* key : {"metadata_operation_concurrency", "lease_refresh_interval", "debug_mode", "affinity",
                          "agent_id", "snowflake_database_for_metadata", "snowflake_schema_for_data_migration_metadata",
                          "snowflake_schema_for_data_validation_metadata", "local_results_directory"}) {
    table.skip(key, result.without_effect);
  }
  table.finish();
}

toml::table parse(const std::string& text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    const toml::source_position& begin = error.source().begin;
    // The library's text may quote the line, but not the value of a key: it stops at the character that is wrong.
    throw Error(ErrorKind::usage, std::string(error.description()),
                path + ":" + std::to_string(begin.line) + ":" + std::to_string(begin.column));
  }
}

bool readable_by_others(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

}  // namespace

bool names_snowflake(const std::string& path) {
  try {
    const toml::table document = toml::parse_file(path);
    for (const char* kind : {"snowflake", "snowflake_connection_name"})
      if (document["connections"]["target"][kind].is_table()) return true;
  } catch (const toml::parse_error&) {
    // Told by whoever reads the file.
  }
  return false;
}

ConnectionsFile load_connections(const std::string& path, const ReferenceResolver& resolve,
                                 const ReferenceResolver& resolve_anew) {
  const toml::table document = parse(
      read_text_file(path,
                     "write it with a [connections.source.postgresql] or [connections.source.odbc] table and a "
                     "[connections.target.duckdb], [connections.target.files] or [connections.target.snowflake] table"),
      path);
  TomlFile file;
  file.path = path;
  file.resolve = resolve;
  file.resolve_anew = resolve_anew;
  file.readable_by_others = readable_by_others(path);

  ConnectionsFile result;
  result.path = path;
  TomlTable root(file, document, "");
  root.take("selected_task_source", result.selected_task_source);
  root.skip("task_source", result.without_effect);
  root.skip("idle_shutdown", result.without_effect);
  read_application(file, root, result);
  if (const toml::table* node = root.take_table("connections")) {
    TomlTable connections(file, *node, "connections");
    read_sources(file, connections, result);
    read_targets(file, connections, result);
    connections.finish();
  }
  root.finish();

  file.problems.throw_if_any(ErrorKind::usage);
  file.refused.throw_if_any(ErrorKind::refused);
  result.warnings = std::move(file.warnings);
  return result;
}

}  // namespace pulk
