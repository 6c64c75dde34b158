// What pulk makes in Snowflake, and what it finds there. All of it is DDL, which commits by itself: nothing here is
// called inside a transaction.
#include <algorithm>
#include <functional>

#include "adbc/snowflake/error.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "warehouse/snowflake/snowflake_names.h"
#include "warehouse/snowflake/snowflake_session.h"

namespace pulk {
namespace {

std::string schema_of(const std::string& database, const std::string& schema) {
  return quote_double(database) + "." + quote_double(schema);
}

// A role does not see what it has no privilege on, so that a refusal to make a thing has two reasons.
void make(const std::string& what, const std::string& grants, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::refused) throw;
    throw Error(ErrorKind::refused,
                "the role of this connection sees no " + what + ", and may not make it: " + error.message(),
                error.subject(), "GRANT " + grants + " TO ROLE …");
  }
}

std::string columns_of(const TablePlan& plan) {
  std::vector<std::string> parts, key;
  for (const ColumnPlan& column : plan.columns)
    parts.push_back(quote_double(column.target_name) + " " + column.target_type + (column.nullable ? "" : " NOT NULL"));
  for (const std::string& column : plan.primary_key) key.push_back(quote_double(column));
  if (!key.empty()) parts.push_back("PRIMARY KEY (" + join(key, ", ") + ")");
  return " (" + join(parts, ", ") + ")";
}

std::string grants_on(const QualifiedName& table) {
  return "SELECT, INSERT, DELETE ON TABLE " + snowflake::full_name(table) + ", or CREATE TABLE ON SCHEMA " +
         schema_of(table.database, table.schema);
}

}  // namespace

// `kind` is SCHEMAS, TABLES ...; LIKE is a pattern that ignores case, so the rows are looked through.
bool SnowflakeSession::exists(const std::string& kind, const std::string& name, const std::string& in) {
  const auto rows = client_->named_rows("SHOW " + kind + " LIKE " + literal(name) + (in.empty() ? "" : " IN " + in));
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.at("name") == name; });
}

std::string SnowflakeSession::staging(const std::string& run, const QualifiedName& target) const {
  return snowflake::full_name(target.database, snowflake::kOwnSchema, snowflake::staging_name(run, target));
}

std::optional<DeployedTable> SnowflakeSession::describe(const QualifiedName& table) {
  std::optional<DeployedTable> deployed;
  guarded(table.display(), [&] {
    if (!exists("DATABASES", table.database, "") ||
        !exists("SCHEMAS", table.schema, "DATABASE " + quote_double(table.database)))
      return;
    const std::string schema = "SCHEMA " + schema_of(table.database, table.schema);
    if (exists("VIEWS", table.table, schema))
      throw Error(ErrorKind::refused, "the target is a view", table.display(), "name another target table");
    if (!exists("TABLES", table.table, schema)) return;
    deployed.emplace();
    for (const auto& row : client_->named_rows("DESC TABLE " + snowflake::full_name(table))) {
      if (row.at("kind") != "COLUMN") continue;
      deployed->columns.push_back({row.at("name"), row.at("type"), row.at("null?") == "Y", !row.at("default").empty()});
      if (row.at("primary key") == "Y") deployed->primary_key.push_back(row.at("name"));
    }
    deployed->rows = number("SELECT count(*) FROM " + snowflake::full_name(table));
  });
  return deployed;
}

bool SnowflakeSession::has_own_tables(const std::string& database) {
  if (prepared_.contains(database)) return true;
  if (!exists("DATABASES", database, "") ||
      !exists("SCHEMAS", snowflake::kOwnSchema, "DATABASE " + quote_double(database)))
    return false;
  // The last one that is made.
  if (!exists("TABLES", "GUARD", "SCHEMA " + schema_of(database, snowflake::kOwnSchema))) return false;
  prepared_.insert(database);
  return true;
}

void SnowflakeSession::create_own_tables(const std::string& database) {
  if (has_own_tables(database)) return;
  if (!exists("DATABASES", database, "")) {
    make("database " + database, "USAGE ON DATABASE " + quote_double(database),
         [&] { execute("CREATE DATABASE IF NOT EXISTS " + quote_double(database)); });
    log_info("made the database " + database);
  }
  const std::string own = schema_of(database, snowflake::kOwnSchema);
  if (!exists("SCHEMAS", snowflake::kOwnSchema, "DATABASE " + quote_double(database)))
    make("schema " + own, "CREATE SCHEMA ON DATABASE " + quote_double(database), [&] {
      execute("CREATE SCHEMA IF NOT EXISTS " + own +
              " COMMENT = 'marks and staging of pulk: which rows of which run are loaded'");
    });
  make("table " + own + ".MARK, LEASE or GUARD", "CREATE TABLE ON SCHEMA " + own, [&] {
    marks(database).create_tables();
    // With its row at once: a table without it would guard nothing.
    execute("CREATE TABLE IF NOT EXISTS " + snowflake::own_prefix(database) + "guard AS SELECT 0 AS turns");
  });
  prepared_.insert(database);
}

void SnowflakeSession::create_target(const TablePlan& plan) {
  const QualifiedName& target = plan.target;
  if (!exists("SCHEMAS", target.schema, "DATABASE " + quote_double(target.database))) {
    make("schema " + schema_of(target.database, target.schema),
         "USAGE ON SCHEMA " + schema_of(target.database, target.schema),
         [&] { execute("CREATE SCHEMA IF NOT EXISTS " + schema_of(target.database, target.schema)); });
    log_info("made the schema " + target.database + "." + target.schema);
  }
  const std::string schema = "SCHEMA " + schema_of(target.database, target.schema);
  if (exists("VIEWS", target.table, schema))
    throw Error(ErrorKind::refused, "the target is a view", target.display(), "name another target table");
  if (exists("TABLES", target.table, schema)) return;
  make("table " + snowflake::full_name(target), grants_on(target),
       [&] { execute("CREATE TABLE IF NOT EXISTS " + snowflake::full_name(target) + columns_of(plan)); });
}

void SnowflakeSession::try_target(const std::string& run, const TablePlan& plan) {
  const QualifiedName& target = plan.target;
  const std::string name = snowflake::trial_name(run, target);
  if (!exists("SCHEMAS", target.schema, "DATABASE " + quote_double(target.database))) {
    const std::string schema = schema_of(target.database, name);
    const std::string meant = schema_of(target.database, target.schema);
    make("schema " + meant, "USAGE ON SCHEMA " + meant, [&] { execute("CREATE OR REPLACE SCHEMA " + schema); });
    execute("CREATE TABLE " + schema + "." + quote_double(target.table) + columns_of(plan));
    execute("DROP SCHEMA IF EXISTS " + schema);
    return;
  }
  if (exists("TABLES", target.table, "SCHEMA " + schema_of(target.database, target.schema))) {
    std::vector<std::string> columns;
    for (const ColumnPlan& column : plan.columns) columns.push_back(quote_double(column.target_name));
    const std::string names = join(columns, ", ");
    execute("ROLLBACK");
    execute("BEGIN TRANSACTION NAME " + snowflake::transaction_name(run));
    try {
      execute("INSERT INTO " + snowflake::full_name(target) + " (" + names + ") SELECT " + names + " FROM " +
              staging(run, target) + " WHERE 1 = 0");
    } catch (const Error&) {
      roll_back();
      throw;
    }
    execute("ROLLBACK");
    return;
  }
  const std::string table = snowflake::full_name(target.database, target.schema, name);
  make("table " + snowflake::full_name(target), grants_on(target),
       [&] { execute("CREATE OR REPLACE TABLE " + table + columns_of(plan)); });
  execute("DROP TABLE IF EXISTS " + table);
}

std::string SnowflakeSession::left_of_trial(const std::string& run, const QualifiedName& target) {
  const std::string name = snowflake::trial_name(run, target), database = "DATABASE " + quote_double(target.database);
  if (exists("SCHEMAS", name, database)) return "schema " + name;
  if (exists("SCHEMAS", target.schema, database) &&
      exists("TABLES", name, "SCHEMA " + schema_of(target.database, target.schema)))
    return "empty table " + target.schema + "." + name;
  return "";
}

void SnowflakeSession::drop_trial(const std::string& run, const QualifiedName& target) {
  const std::string name = snowflake::trial_name(run, target);
  execute("DROP SCHEMA IF EXISTS " + schema_of(target.database, name));
  if (exists("SCHEMAS", target.schema, "DATABASE " + quote_double(target.database)))
    execute("DROP TABLE IF EXISTS " + snowflake::full_name(target.database, target.schema, name));
}

bool SnowflakeSession::has_staging(const std::string& run, const QualifiedName& target) {
  return exists("TABLES", snowflake::staging_name(run, target),
                "SCHEMA " + schema_of(target.database, snowflake::kOwnSchema));
}

void SnowflakeSession::create_staging(const std::string& run, const TablePlan& plan) {
  const QualifiedName& target = plan.target;
  if (has_staging(run, target)) return;
  std::string columns;
  for (const ColumnPlan& column : plan.columns)
    columns += quote_double(column.target_name) + " " + column.target_type + ", ";
  make("staging table", "CREATE TABLE ON SCHEMA " + schema_of(target.database, snowflake::kOwnSchema), [&] {
    execute("CREATE TRANSIENT TABLE IF NOT EXISTS " + staging(run, target) + " (" + columns +
            quote_double(snowflake::kPartitionColumn) + " NUMBER(10,0)) DATA_RETENTION_TIME_IN_DAYS = 0");
  });
}

void SnowflakeSession::create_stage(const std::string& run, const QualifiedName& target) {
  if (!connection_.stage.empty()) return;
  // SNOWFLAKE_SSE: the service encrypts, so the driver needs no copy of each file on this machine.
  make("stage for the files", "CREATE STAGE ON SCHEMA " + schema_of(target.database, snowflake::kOwnSchema), [&] {
    execute("CREATE STAGE IF NOT EXISTS " +
            snowflake::full_name(target.database, snowflake::kOwnSchema, snowflake::stage_name(run, target)) +
            " ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')");
  });
}

void SnowflakeSession::abort_left_open(const std::string& run) {
  for (const auto& row : client_->named_rows("SHOW TRANSACTIONS")) {
    if (row.at("name") != snowflake::transaction_name(run) || live_.contains(row.at("session"))) continue;
    log_info("ending the transaction " + row.at("id") + " that a session of this run has left open");
    query("SELECT SYSTEM$ABORT_TRANSACTION(" + row.at("id") + ")");
  }
}

void SnowflakeSession::end_left_open(const RunIdentity& who) {
  guarded(connection_.account, [&] { abort_left_open(who.run); });
}

void SnowflakeSession::clean(const RunIdentity& who, const QualifiedName& target, bool forget) {
  guarded(target.display(), [&] {
    tag(who, target, 0);
    if (!has_own_tables(target.database)) return;
    // A killed process may have left a transaction that locks the staging table.
    if (forget) abort_left_open(who.run);
    if (forget) drop_trial(who.run, target);
    execute("DROP TABLE IF EXISTS " + staging(who.run, target));
    files_.remove_all(*client_, who.run, target);
    transaction(who.run, [&] { marks(target.database).remove(who.run, snowflake::target_of(target), forget); });
  });
}

std::vector<WarehouseSession::Leftover> SnowflakeSession::leftovers() {
  std::vector<Leftover> found;
  guarded(connection_.account, [&] {
    for (const auto& schema :
         client_->named_rows("SHOW SCHEMAS LIKE " + literal(snowflake::kOwnSchema) + " IN ACCOUNT")) {
      const std::string database = schema.at("database_name");
      if (schema.at("name") != snowflake::kOwnSchema || !has_own_tables(database)) continue;
      for (const Marks::Trace& trace : marks(database).traces()) {
        QualifiedName target = trace.target.name;
        target.database = database;
        const std::string name = snowflake::staging_name(trace.run, target);
        if (exists("TABLES", name, "SCHEMA " + schema_of(database, snowflake::kOwnSchema)))
          found.push_back({trace.run, target,
                           "staging table " + name + " (" +
                               format_count(number("SELECT count(*) FROM " + staging(trace.run, target))) + " rows)",
                           trace.owner});
        const std::string stage = snowflake::stage_name(trace.run, target);
        if (exists("STAGES", stage, "SCHEMA " + schema_of(database, snowflake::kOwnSchema)))
          found.push_back({trace.run, target, "stage " + stage, trace.owner});
        if (const std::string trial = left_of_trial(trace.run, target); !trial.empty())
          found.push_back({trace.run, target, trial, trace.owner});
        if (const std::string files = files_.left_in_bucket(trace.run, target); !files.empty())
          found.push_back({trace.run, target, files, trace.owner});
        if (trace.leased)
          found.push_back({trace.run, target, "lease of " + trace.owner + " since " + trace.since, trace.owner});
        if (trace.marks > 0) found.push_back({trace.run, target, format_count(trace.marks) + " marks", trace.owner});
      }
    }
  });
  return found;
}

}  // namespace pulk
