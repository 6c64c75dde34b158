#include "orchestrator/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "adbc/adbc.h"
#include "adbc/snowflake/library.h"
#include "base/cancel.h"
#include "base/strings.h"
#include "config/connections.h"
#include "config/workflow.h"
#include "engine/loader.h"
#include "engine/planner.h"
#include "orchestrator/connections_file.h"
#include "orchestrator/doctor_kerberos.h"
#include "orchestrator/doctor_machine.h"
#include "orchestrator/doctor_probes.h"
#include "orchestrator/known_secrets.h"
#include "orchestrator/prepare.h"
#include "source/odbc/odbc_source.h"
#include "source/odbc/sqlserver_sessions.h"
#include "source/odbc/sqlserver_source.h"
#include "source/postgres/postgres_source.h"
#include "warehouse/duckdb/duckdb_file.h"

namespace pulk {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kTargetMemory = 64LL << 20;
// What a doctor needs of the source at once: a holder, its helper, one that reads.
constexpr int kSourceConnections = 3;

std::string label_of(const TableConfig& table) {
  if (!table.query.empty()) return "query for " + table.target.table;
  std::vector<std::string> parts;
  for (const std::string* part : {&table.source.database, &table.source.schema, &table.source.table})
    if (!part->empty()) parts.push_back(*part);
  return join(parts, ".");
}

WrittenName written(const std::string& text) { return text.empty() ? WrittenName{} : parse_written_name(text); }

template <typename Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, connection] : map) names.push_back(name);
  return names;
}

// The connection that a run would take, by the rules of --source and --target.
template <typename Map>
const typename Map::value_type& choose(const Map& map, const std::set<std::string>& unsupported,
                                       const std::string& wanted, const std::string& side) {
  const std::string here = map.empty() ? "" : "; there are: " + join(names_of(map), ", ");
  if (!wanted.empty()) {
    if (const auto found = map.find(wanted); found != map.end()) return *found;
    if (unsupported.contains(wanted))
      throw Error(ErrorKind::refused, "connections of the kind " + wanted + " are not in this version" + here);
    throw Error(ErrorKind::usage, "there is no connection named " + wanted + here);
  }
  if (map.size() == 1) return *map.begin();
  if (map.size() > 1)
    throw Error(ErrorKind::usage, "there are several: " + join(names_of(map), ", "), "", "choose one by --" + side);
  if (!unsupported.empty())
    throw Error(ErrorKind::refused, "connections of the kind " + *unsupported.begin() + " are not in this version");
  throw Error(ErrorKind::usage, "none is configured", "", "add a [connections." + side + ".…] table");
}

// As kerberos_service_ticket() takes it; "" where it cannot be told.
std::string service_of(const PostgresConnection& pg) {
  if (pg.host.empty() || pg.host.starts_with('/') || pg.host.find(',') != std::string::npos) return "";
  return (pg.krbsrvname.empty() ? "postgres" : pg.krbsrvname) + "@" + pg.host;
}
std::string service_of(const SqlServerConnection& server, int port) {
  if (!server.server_spn.empty() || server.host.empty() || port == 0) return server.server_spn;
  return fmt::format("MSSQLSvc/{}:{}", server.host, port);
}

}  // namespace

std::string_view to_string(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return "pass";
    case CheckStatus::warn:
      return "warn";
    case CheckStatus::fail:
      return "fail";
    case CheckStatus::skip:
      return "skip";
  }
  return "fail";
}

int exit_class(const std::vector<Check>& checks) {
  // The order of a run's exit class: what may mean wrong data first, what running again may mend last.
  static constexpr ErrorKind order[] = {ErrorKind::integrity, ErrorKind::internal, ErrorKind::drift,
                                        ErrorKind::refused,   ErrorKind::usage,    ErrorKind::retryable};
  for (const ErrorKind kind : order)
    for (const Check& check : checks)
      if (check.status == CheckStatus::fail && check.kind == kind) return static_cast<int>(kind);
  return 0;
}

namespace {

class Doctor {
 public:
  Doctor(const DoctorOptions& options, CancelToken& cancel, const std::function<void(const Check&)>& on_check)
      : options_(options), cancel_(cancel), on_check_(on_check) {}

  std::vector<Check> run() {
    start_for(options_.connections);
    check_files();
    check_source();
    check_target();
    check_tables();
    check_machine();
    return std::move(checks_);
  }

 private:
  // `fix` is for errors that bring none. True when the check did not fail.
  bool check(const std::string& name, const std::string& fix, const std::function<Verdict()>& look) {
    cancel_.check();
    const auto start = Clock::now();
    Verdict verdict;
    try {
      verdict = look();
    } catch (...) {
      cancel_.check();
      const Error error = as_error(std::current_exception());
      verdict = {CheckStatus::fail, (error.subject().empty() ? "" : error.subject() + ": ") + error.message(),
                 error.hint().empty() ? fix : error.hint(), error.kind()};
    }
    report({name, verdict.status, std::chrono::duration<double>(Clock::now() - start).count(),
            secrets_.without(verdict.detail), secrets_.without(verdict.fix), verdict.kind});
    return verdict.status != CheckStatus::fail;
  }
  void skip(const std::string& name, const std::string& why) {
    report({name, CheckStatus::skip, 0, why, "", ErrorKind::usage});
  }
  void report(Check one) {
    checks_.push_back(std::move(one));
    on_check_(checks_.back());
  }

  void check_files();
  void check_source();
  bool check_odbc_driver(const std::string& name, const std::string& dsn);
  bool check_kerberos(const KerberosIdentity& identity, const std::string& service, std::chrono::seconds timeout);
  bool check_address(const std::string& host, int port, std::chrono::seconds timeout);
  void check_target();
  void check_snowflake();
  void check_tables();
  Verdict look_at_types();
  void check_machine();

  struct Described {
    TableConfig config;
    TableInfo info;
  };

  const DoctorOptions& options_;
  CancelToken& cancel_;
  const std::function<void(const Check&)>& on_check_;
  std::vector<Check> checks_;
  KnownSecrets secrets_;
  std::optional<ConnectionsFile> connections_;
  std::optional<Workflow> workflow_;
  std::unique_ptr<Source> source_;        // set when the login worked
  std::unique_ptr<Warehouse> warehouse_;  // set when a target is configured
  std::unique_ptr<WarehouseSession> session_;
  std::vector<Described> tables_;
  std::int64_t source_bytes_ = 0;
  bool in_cloud_ = false;  // the target takes no room on this machine
};

void Doctor::check_files() {
  check("connections file", "correct the file", [&] {
    connections_ = read_connections(options_.connections);
    secrets_.learn(*connections_);
    const std::string what = fmt::format("{}: {} sources, {} targets", options_.connections,
                                         connections_->sources.size(), connections_->targets.size());
    if (connections_->warnings.empty()) return passed(what);
    return warned(join(connections_->warnings, "; "),
                  "write the value as env:NAME or file:PATH, or: chmod 600 " + options_.connections);
  });
  if (options_.workflow.empty()) {
    skip("workflow", "no workflow was given; with one its tables are checked too");
    return;
  }
  check("workflow", "correct the file; `pulk schema` prints what may stand in it", [&] {
    workflow_ = load_workflow(options_.workflow);
    return passed(fmt::format("{}: {} tables", options_.workflow, workflow_->tables.size()));
  });
}

// ------------------------------------------------------------------- source

void Doctor::check_source() {
  const std::vector<std::string> rest = {"source port", "source login", "exactly once"};
  const auto skip_from = [&](std::size_t first, const std::string& why) {
    for (std::size_t i = first; i < rest.size(); ++i) skip(rest[i], why);
  };
  if (!connections_) {
    skip("source connection", "the connections file cannot be used");
    skip_from(0, "the connections file cannot be used");
    return;
  }
  const SourceConnection* connection = nullptr;
  if (!check("source connection", "name a source of the connections file with --source", [&] {
        const auto& [name, found] =
            choose(connections_->sources, connections_->unsupported_sources, options_.source, "source");
        connection = &found;
        if (const auto* pg = std::get_if<PostgresConnection>(&found))
          return passed(
              fmt::format("{}: {}:{}, database {}, login {}", name, pg->host, pg->port, pg->database, pg->username));
        if (const auto* server = std::get_if<SqlServerConnection>(&found))
          return passed(fmt::format("{}: {}, database {}, by {}", name, odbc::sqlserver_address(*server),
                                    server->database, server->odbc_driver));
        const auto& odbc = std::get<OdbcConnection>(found);
        return passed(fmt::format("{}: {}{}", name, odbc.dsn.empty() ? odbc.driver_name : "data source " + odbc.dsn,
                                  odbc.database.empty() ? "" : ", database " + odbc.database));
      })) {
    skip_from(0, "there is no source connection");
    return;
  }

  const auto* pg = std::get_if<PostgresConnection>(connection);
  const auto* odbc = std::get_if<OdbcConnection>(connection);
  const auto* server = std::get_if<SqlServerConnection>(connection);
  const bool driver = pg != nullptr || check_odbc_driver(odbc != nullptr ? odbc->driver_name : server->odbc_driver,
                                                         odbc != nullptr ? odbc->dsn : "");
  const std::string host = std::visit([](const auto& c) { return c.host; }, *connection);
  const std::chrono::seconds timeout(std::visit([](const auto& c) { return c.connect_timeout; }, *connection));
  // Without a port SQL Server's own; that of an instance is asked of the server's browser service by the driver.
  const int port = server != nullptr && server->port == 0 && server->instance.empty()
                       ? 1433
                       : std::visit([](const auto& c) { return c.port; }, *connection);
  bool ticket = true;
  if (pg != nullptr && pg->kerberos.given()) ticket = check_kerberos(pg->kerberos, service_of(*pg), timeout);
  if (server != nullptr && server->kerberos.given())
    ticket = check_kerberos(server->kerberos, service_of(*server, port), timeout);
  bool reachable = true;
  if (host.empty())
    skip("source port", "no host is configured: a file, or the data source names it");
  else if (host.starts_with('/'))
    skip("source port", host + " is a folder with the server's socket");
  else if (host.find(',') != std::string::npos)
    skip("source port", "several hosts: the login tries them in turn");
  else
    reachable = check_address(host, port, timeout);

  if (!driver || !reachable || !ticket) {
    skip_from(1, !driver      ? "the ODBC driver cannot be used"
                 : !reachable ? "the source cannot be reached"
                              : "there is no ticket of Kerberos");
    return;
  }
  SourceFacts facts;
  if (!check("source login", "check username, password, database and the server's rules for logins", [&] {
        auto source = pg != nullptr     ? make_postgres_source(*pg, kSourceConnections, &cancel_)
                      : odbc != nullptr ? make_odbc_source(*odbc, kSourceConnections, &cancel_)
                                        : make_sqlserver_source(*server, kSourceConnections, &cancel_);
        facts = source->facts();
        source_ = std::move(source);
        if (facts.notes.empty()) return passed(facts.product);
        return warned(facts.product + ": " + join(facts.notes, "; "),
                      "read what this means for a long run before it starts");
      })) {
    skip_from(2, "the login failed");
    return;
  }
  check("exactly once", "", [&] {
    if (facts.level == ConsistencyLevel::snapshot)
      return passed("snapshot: the target will hold the rows of one moment");
    return warned(fmt::format("{}: {}", to_string(facts.level), facts.level_reason),
                  "let nothing write to these tables until the run is done");
  });
}

bool Doctor::check_odbc_driver(const std::string& name, const std::string& dsn) {
  return check("odbc driver", "install the driver", [&] {
    if (!dsn.empty()) {
      const std::vector<std::string> known = probe::odbc_data_sources();
      if (std::any_of(known.begin(), known.end(), [&](const std::string& n) { return iequals(n, dsn); }))
        return passed("data source " + dsn);
      throw Error(ErrorKind::usage, "there is no data source of this name", dsn,
                  known.empty() ? "no data source is registered in odbc.ini" : "registered are: " + join(known, ", "));
    }
    if (name.find('/') != std::string::npos) {
      probe::load_library(name);
      return passed(name);
    }
    std::vector<std::string> names;
    for (const probe::OdbcDriver& driver : probe::odbc_drivers()) {
      names.push_back(driver.name);
      if (!iequals(driver.name, name)) continue;
      // A plain file name is searched in folders that only the driver manager knows: the login will tell.
      if (driver.library.find('/') != std::string::npos) probe::load_library(driver.library);
      return passed(driver.name + (driver.library.empty() ? "" : ": " + driver.library));
    }
    const auto near = did_you_mean(name, names);
    throw Error(ErrorKind::usage, "no driver of this name is registered", name,
                (near ? "did you mean " + *near + "? " : "") +
                    (names.empty()
                         ? "odbcinst.ini names no driver: install one"
                         : "odbcinst.ini names: " + join(names, ", ") + "; or give the path of the driver's library"));
  });
}

bool Doctor::check_kerberos(const KerberosIdentity& identity, const std::string& service,
                            std::chrono::seconds timeout) {
  const auto cancelled = [this] { cancel_.check(); };
  bool sound = true;
  for (const KerberosCheck& one : kerberos_checks(identity, timeout, cancelled)) {
    if (sound)
      sound = check(one.name, one.fix, one.look);
    else
      skip(one.name, "the check before it failed");
  }
  // The driver may make another name of the host: its login is tried all the same.
  if (!sound || service.empty())
    skip("kerberos service", sound ? "what the service is called is not known here" : "the check before it failed");
  else
    check("kerberos service", "see that the service is registered", [&] { return look_at_service(identity, service); });
  return sound;
}

bool Doctor::check_address(const std::string& host, int port, std::chrono::seconds timeout) {
  return check("source port", "check host and port", [&] {
    std::vector<probe::Address> addresses = probe::resolve(host, timeout);
    if (port == 0) return passed(fmt::format("{} is {}; the driver chooses the port", host, addresses.front().text));
    try {
      return passed(
          fmt::format("{}:{} answers at {}", host, port, probe::connect_to(std::move(addresses), port, timeout)));
    } catch (const Error& error) {
      throw error.with_subject(host);
    }
  });
}

// ------------------------------------------------------------------- target

void Doctor::check_target() {
  const auto skip_all = [&](const std::string& why) {
    for (const char* name : {"target folder", "target"}) skip(name, why);
  };
  if (!connections_) {
    skip("target connection", "the connections file cannot be used");
    return skip_all("the connections file cannot be used");
  }
  bool duckdb = false, snowflake = false;
  if (!check("target connection", "name a target of the connections file with --target", [&] {
        const auto& [name, found] =
            choose(connections_->targets, connections_->unsupported_targets, options_.target, "target");
        duckdb = std::holds_alternative<DuckdbConnection>(found);
        snowflake = std::holds_alternative<SnowflakeTarget>(found);
        warehouse_ = open_target(options_.connections, name, cancel_);
        return passed(name + ": " + warehouse_->location());
      }))
    return skip_all("there is no target connection");
  if (snowflake) return check_snowflake();

  const bool library = !duckdb || check("duckdb library", "set PULK_DUCKDB_LIBRARY to the path of libduckdb.so", [&] {
    const std::string path = duckdb_library();
    if (!fs::exists(path)) throw Error(ErrorKind::usage, "there is no such file", path);
    adbc::Database database(path, "duckdb_adbc_init", {{"path", ":memory:"}, {"threads", "1"}});
    adbc::Connection connection(database);
    return passed(fmt::format("DuckDB {} in {}", connection.query("SELECT version()").text(0, 0), path));
  });

  const std::string location = warehouse_->location();
  const std::string folder = duckdb ? fs::absolute(location).parent_path().string() : probe::nearest_folder(location);
  const bool writable = check("target folder", "choose another folder", [&] {
    if (duckdb && !fs::is_directory(folder))
      throw Error(ErrorKind::usage, "the folder of the DuckDB file does not exist", folder, "mkdir -p " + folder);
    probe::try_writing(folder);
    return passed(folder + " can be written to");
  });
  if (!library) return skip("target", "the DuckDB library cannot be used");
  check("target", "see what else uses the target", [&] {
    std::error_code ignored;
    if (!fs::exists(location, ignored)) {
      if (!writable) throw Error(ErrorKind::usage, "does not exist and cannot be made", location, "see target folder");
      return passed(location + " will be made");
    }
    session_ = warehouse_->open(std::chrono::milliseconds(0), kTargetMemory, false, &cancel_);
    return passed(location + " opens, no other process holds it");
  });
}

void Doctor::check_snowflake() {
  in_cloud_ = true;
  if (!check("snowflake driver", "pip install adbc-driver-snowflake",
             [] { return passed(snowflake::driver_library()); }))
    return skip("target login", "the driver cannot be used");
  if (!check("target login", "check the connection's settings", [&] {
        session_ = warehouse_->open(std::chrono::milliseconds(0), kTargetMemory, false, &cancel_);
        return passed(session_->about());
      }))
    return;
  bool sound = true;
  for (const Warehouse::StageLook& one : warehouse_->stage_looks()) {
    if (!sound) {
      skip(one.name, "the check before it failed");
      continue;
    }
    sound = check(one.name, "see docs/snowflake.md, \"A bucket of yours\"", [&] {
      const auto found = one.look();
      return found.advice.empty() ? passed(found.detail) : warned(found.detail, found.advice);
    });
  }
}

// ------------------------------------------------------------------- tables

void Doctor::check_tables() {
  if (!workflow_ || source_ == nullptr) {
    const std::string why = options_.workflow.empty() ? "no workflow was given"
                            : !workflow_              ? "the workflow cannot be used"
                                                      : "the source cannot be used";
    for (const char* name : {"tables", "types"}) skip(name, why);
    return;
  }
  // One snapshot over all tables, as a run takes it; when that fails, one for each table tells which it is.
  std::vector<Finding> ignored;
  std::vector<TableRequest> requests;
  std::unique_ptr<Snapshot> together;
  try {
    for (const TableConfig& table : workflow_->tables) requests.push_back(request_of(table, ignored));
    if (ignored.empty()) together = source_->snapshot(requests, 1);
  } catch (const Error&) {
    cancel_.check();
  }
  for (const TableConfig& config : workflow_->tables) {
    check("table " + label_of(config), "check the name of the table and the privileges of the login", [&] {
      std::vector<Finding> findings;
      const TableRequest request = request_of(config, findings);
      throw_findings(findings);
      std::unique_ptr<Snapshot> alone;
      if (together == nullptr) alone = source_->snapshot({request}, 1);
      TableInfo info = (together != nullptr ? *together : *alone).describe(request);
      source_bytes_ += std::max<std::int64_t>(0, info.bytes_estimate);
      std::string what = fmt::format("found and readable, {} columns, {} rows", info.columns.size(),
                                     info.rows_estimate < 0 ? "unknown" : "~" + format_count(info.rows_estimate));
      if (info.bytes_estimate >= 0) what += ", ~" + format_bytes(info.bytes_estimate);
      const std::vector<std::string> notes = info.notes;
      tables_.push_back({config, std::move(info)});
      if (notes.empty()) return passed(what);
      return warned(what + "; " + join(notes, "; "), "make sure that this is what you want to move");
    });
  }
  together.reset();
  if (warehouse_ == nullptr)
    skip("types", "there is no target connection");
  else if (tables_.empty())
    skip("types", "no table could be read");
  else
    check("types", "map the type with columnTypeMappings, or leave the column out with a query",
          [&] { return look_at_types(); });
  session_.reset();
}

Verdict Doctor::look_at_types() {
  std::vector<Finding> findings;
  std::size_t columns = 0;
  for (const Described& table : tables_) {
    std::optional<DeployedTable> deployed;
    if (session_ != nullptr)
      deployed = session_->describe(warehouse_->resolve(written(table.config.target.database),
                                                        written(table.config.target.schema),
                                                        written(table.config.target.table)));
    const TablePlan plan =
        plan_columns(table.config, table.info, source_->name_rule(), *warehouse_, deployed, findings);
    partition_request(table.config, table.info, plan, source_->name_rule(), 1, findings);
    columns += plan.columns.size();
  }
  if (findings.empty())
    return passed(fmt::format("all {} columns of {} tables travel exactly", columns, tables_.size()));
  Verdict verdict{CheckStatus::fail, "", "", findings.front().kind};
  std::vector<std::string> what, hints;
  for (const Finding& finding : findings) {
    what.push_back(finding.problem.where + ": " + finding.problem.what);
    if (finding.kind != ErrorKind::usage) verdict.kind = finding.kind;
    const std::string& hint = finding.problem.hint;
    if (!hint.empty() && std::find(hints.begin(), hints.end(), hint) == hints.end()) hints.push_back(hint);
  }
  verdict.detail = join(what, "\n");
  verdict.fix =
      hints.empty() ? "map the type with columnTypeMappings, or leave the column out with a query" : join(hints, "\n");
  return verdict;
}

// ------------------------------------------------------------------ machine

void Doctor::check_machine() {
  check("disk space", "make room", [&] {
    std::vector<std::string> folders = {probe::nearest_folder(options_.workspace)};
    if (warehouse_ != nullptr && !in_cloud_) {
      const std::string target = probe::nearest_folder(warehouse_->location());
      if (!probe::same_disk(target, folders.front())) folders.push_back(target);
    }
    return look_at_disk(folders, source_bytes_);
  });
  check("workspace", "name another folder with --workspace", [&] { return look_at_workspace(options_.workspace); });
  if (std::error_code ignored; fs::exists(ledger_of(options_.workspace), ignored))
    check("workspace owner", "wait for the other process", [&] { return look_at_owner(options_.workspace); });
  else
    skip("workspace owner", "there is no ledger yet");
  check("memory", "lower --memory", [&] { return look_at_memory(options_.memory); });
  check("clock", "set the clock of this machine", look_at_clock);
}

}  // namespace

std::vector<Check> diagnose(const DoctorOptions& options, CancelToken& cancel,
                            const std::function<void(const Check&)>& on_check) {
  return Doctor(options, cancel, on_check).run();
}

}  // namespace pulk
