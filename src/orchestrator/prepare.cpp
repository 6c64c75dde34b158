#include "orchestrator/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "adbc/snowflake/library.h"
#include "base/cancel.h"
#include "base/log.h"
#include "base/strings.h"
#include "orchestrator/attempts.h"
#include "orchestrator/connections_file.h"
#include "source/odbc/odbc_source.h"
#include "source/odbc/sqlserver_source.h"
#include "source/postgres/postgres_source.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
#include "warehouse/files/files_warehouse.h"
#include "warehouse/snowflake/snowflake_warehouse.h"

namespace pulk {

namespace {

// A holder of the snapshot, and one spare for its successor: see SnapshotKeeper.
constexpr int kConnectionsBesideLanes = 2;

template <typename Map>
std::string names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, connection] : map) names.push_back(name);
  return join(names, ", ");
}

template <typename Map>
std::string choose(const Map& map, const std::set<std::string>& unsupported, const std::string& wanted,
                   const std::string& side, const std::string& file) {
  const std::string where = file + ":connections." + side;
  if (!wanted.empty()) {
    if (map.contains(wanted)) return wanted;
    if (unsupported.contains(wanted))
      throw Error(ErrorKind::refused, "connections of the kind " + wanted + " are not in this version", where);
    throw Error(ErrorKind::usage, fmt::format("there is no {} connection named {}", side, wanted), where,
                map.empty() ? "" : "there are: " + names_of(map));
  }
  if (map.size() == 1) return map.begin()->first;
  if (map.empty() && !unsupported.empty())
    throw Error(ErrorKind::refused, "connections of the kind " + *unsupported.begin() + " are not in this version", where);
  if (map.empty()) throw Error(ErrorKind::usage, "no " + side + " connection is configured", where);
  throw Error(ErrorKind::usage, fmt::format("there are several {} connections: {}", side, names_of(map)), where,
              "choose one by --" + side);
}

std::unique_ptr<Warehouse> make_warehouse(const TargetConnection& target, CancelToken& cancel) {
  if (const auto* snowflake = std::get_if<SnowflakeTarget>(&target)) {
    SnowflakeConnection connection = resolve_snowflake(*snowflake);
    for (const std::string& warning : connection.warnings) log_warning(warning);
    return make_snowflake_warehouse(std::move(connection), &cancel);
  }
  if (const auto* duckdb = std::get_if<DuckdbConnection>(&target)) return make_duckdb_warehouse(*duckdb);
  return make_files_warehouse(std::get<FilesConnection>(target));
}

std::unique_ptr<Source> make_source(const SourceConnection& source, int max_connections, CancelToken& cancel) {
  if (const auto* postgres = std::get_if<PostgresConnection>(&source))
    return make_postgres_source(*postgres, max_connections, &cancel);
  if (const auto* sqlserver = std::get_if<SqlServerConnection>(&source))
    return make_sqlserver_source(*sqlserver, max_connections, &cancel);
  return make_odbc_source(std::get<OdbcConnection>(source), max_connections, &cancel);
}

}  // namespace

std::unique_ptr<Source> open_source(const std::string& connections_file, const std::string& name, CancelToken& cancel,
                                    int lanes) {
  const ConnectionsFile connections = read_connections(connections_file);
  const std::string chosen = choose(connections.sources, connections.unsupported_sources, name, "source", connections.path);
  return make_source(connections.sources.at(chosen), lanes + kConnectionsBesideLanes, cancel);
}

std::unique_ptr<Warehouse> open_target(const std::string& connections_file, const std::string& name,
                                       CancelToken& cancel) {
  const ConnectionsFile connections = read_connections(connections_file);
  return make_warehouse(connections.targets.at(choose(connections.targets, connections.unsupported_targets, name,
                                                      "target", connections.path)),
                        cancel);
}

Ends open_ends(const MigrateOptions& options, CancelToken& cancel) {
  Ends ends;
  std::optional<ConnectionsFile> connections;
  Attempts attempt;
  attempt([&] { ends.workflow = load_workflow(options.workflow); });
  attempt([&] { connections = read_connections(options.connections); });
  attempt.throw_if_any();
  for (const std::string& warning : connections->warnings) log_warning(warning);
  for (const std::string& path : connections->without_effect) log_info(path + " has no effect in this version");

  ends.source_name = choose(connections->sources, connections->unsupported_sources, options.source, "source",
                            connections->path);
  ends.target_name = choose(connections->targets, connections->unsupported_targets, options.target, "target",
                            connections->path);
  const int wanted = options.parallel.value_or(
      connections->application.max_parallel_tasks.value_or(
          static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))));
  ends.max_connections = options.max_source_connections.value_or(wanted + kConnectionsBesideLanes);
  if (ends.max_connections < 1 + kConnectionsBesideLanes)
    throw Error(ErrorKind::usage, "at least 3 connections are needed: one that holds the snapshot, one spare for its "
                "successor, one that reads", "--max-source-connections");
  ends.lanes = std::clamp(wanted, 1, ends.max_connections - kConnectionsBesideLanes);

  ends.warehouse = make_warehouse(connections->targets.at(ends.target_name), cancel);
  ends.source = make_source(connections->sources.at(ends.source_name), ends.max_connections, cancel);
  return ends;
}

std::vector<TableConfig> selected_tables(const Workflow& workflow, const std::vector<std::string>& only) {
  if (only.empty()) return workflow.tables;
  std::vector<TableConfig> chosen;
  std::vector<std::string> names;
  for (const TableConfig& table : workflow.tables) names.push_back(table.source.table.empty() ? table.target.table : table.source.table);
  for (const std::string& wanted : only) {
    bool found = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const TableConfig& table = workflow.tables[i];
      if (!iequals(names[i], wanted) && !iequals(table.source.schema + "." + names[i], wanted)) continue;
      chosen.push_back(table);
      found = true;
    }
    if (!found) {
      const auto near = did_you_mean(wanted, names);
      throw Error(ErrorKind::usage, "the workflow has no table " + wanted, "--tables",
                  near ? "did you mean " + *near + "?" : "");
    }
  }
  return chosen;
}

std::vector<TableRequest> requests_of(const std::vector<TableConfig>& tables) {
  std::vector<Finding> findings;
  std::vector<TableRequest> requests;
  for (const TableConfig& table : tables) requests.push_back(request_of(table, findings));
  throw_findings(findings);
  return requests;
}

QualifiedName target_name(const Warehouse& warehouse, const TableConfig& config) {
  const auto part = [](const std::string& text) { return text.empty() ? WrittenName{} : parse_written_name(text); };
  return warehouse.resolve(part(config.target.database), part(config.target.schema), part(config.target.table));
}

PreparedTable prepare_table(const Ends& ends, const TableConfig& config, Snapshot& snapshot,
                            const std::optional<DeployedTable>& deployed, std::vector<Finding>& findings,
                            bool with_partitions) {
  PreparedTable table;
  table.config = config;
  table.request = request_of(config, findings);
  table.info = snapshot.describe(table.request);
  if (deployed) table.deployed_rows = deployed->rows;
  const std::size_t before = findings.size();
  table.plan = plan_columns(config, table.info, ends.source->name_rule(), *ends.warehouse, deployed, findings);
  const PartitionRequest request =
      partition_request(config, table.info, table.plan, ends.source->name_rule(), ends.lanes, findings);
  if (with_partitions && findings.size() == before) cut_table(table.plan, table.info, request, snapshot);
  return table;
}

Prepared prepare(const Ends& ends, const std::vector<TableConfig>& tables, SnapshotKeeper& snapshots,
                 const MigrateOptions& options, CancelToken& cancel, bool with_partitions) {
  Prepared prepared;
  prepared.facts = ends.source->facts();
  const std::shared_ptr<Snapshot> snapshot = snapshots.current();
  prepared.level = snapshot->level();

  std::unique_ptr<WarehouseSession> session;
  ends.warehouse->check_location();
  if (ends.warehouse->exists())
    session = ends.warehouse->open(options.lock_wait, options.memory / 4, false, &cancel);

  for (const TableConfig& config : tables) {
    cancel.check();
    PreparedTable table;
    try {
      std::optional<DeployedTable> deployed;
      if (session != nullptr) deployed = session->describe(target_name(*ends.warehouse, config));
      table = prepare_table(ends, config, *snapshot, deployed, prepared.findings, with_partitions);
    } catch (const Error& e) {
      // What is wrong with this one table is reported with the others'; a lost server ends it all.
      if (e.kind() == ErrorKind::retryable || e.kind() == ErrorKind::internal) throw;
      prepared.findings.push_back({e.kind(), {e.subject().empty() ? config.where : config.where + ": " + e.subject(),
                                              e.message(), e.hint()}});
      continue;
    }
    for (const PreparedTable& other : prepared.tables)
      if (other.plan.target.database == table.plan.target.database &&
          ends.warehouse->same_column(other.plan.target.schema, table.plan.target.schema) &&
          ends.warehouse->same_column(other.plan.target.table, table.plan.target.table))
        prepared.findings.push_back({ErrorKind::usage,
                                     {config.where + ".target",
                                      fmt::format("{} is also the target of {}", table.plan.target.display(),
                                                  other.config.where),
                                      "give each table a target of its own"}});
    prepared.tables.push_back(std::move(table));
  }
  return prepared;
}

}  // namespace pulk
