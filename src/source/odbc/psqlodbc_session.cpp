#include "source/odbc/psqlodbc_session.h"

#include <utility>

#include "base/strings.h"
#include "source/dialect/postgres.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/connection_string.h"
#include "source/odbc/error_codes.h"

namespace pulk::odbc {
namespace {

constexpr int kLockTimeout = 30;  // seconds, as for libpq's connections

// "ERROR: division by zero;\nError while executing the query [22012]": the driver's own line says nothing.
std::string without_echo(std::string text) {
  constexpr std::string_view kEcho = ";\nError while executing the query";
  if (const auto at = text.find(kEcho); at != std::string::npos) text.erase(at, kEcho.size());
  return text;
}

template <typename Body>
auto as_sql_error(Body body) {
  try {
    return body();
  } catch (const DriverError& error) {
    throw pg::SqlError(error.kind(), without_echo(error.message()), error.subject(), error.hint(), error.state());
  }
}

// The rows as libpq would give them: booleans are t and f.
pg::Result result_of(Statement& statement) {
  const int columns = statement.columns();
  pg::Result result(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK));
  if (columns == 0) return result;
  std::vector<bool> is_boolean;
  for (int i = 1; i <= columns; ++i) {
    SQLLEN type = 0;
    SQLColAttribute(statement.handle(), static_cast<SQLUSMALLINT>(i), SQL_DESC_CONCISE_TYPE, nullptr, 0, nullptr,
                    &type);
    is_boolean.push_back(type == SQL_BIT);
  }
  char no_name[] = "";
  std::vector<PGresAttDesc> attributes(static_cast<std::size_t>(columns));
  for (PGresAttDesc& attribute : attributes) attribute = {no_name, 0, 0, 0, 0, -1, -1};
  bool complete = PQsetResultAttrs(result.raw(), columns, attributes.data()) != 0;
  int number = 0;
  for (Row& row : statement.rows()) {
    for (int i = 0; i < columns; ++i) {
      auto& cell = row[static_cast<std::size_t>(i)];
      if (cell && is_boolean[static_cast<std::size_t>(i)]) cell = *cell == "1" ? "t" : "f";
      complete = complete && PQsetvalue(result.raw(), number, i, cell ? cell->data() : nullptr,
                                        cell ? static_cast<int>(cell->size()) : -1) != 0;
    }
    ++number;
  }
  if (!complete) throw Error(ErrorKind::retryable, "out of memory: a result of the catalog");
  return result;
}

std::string with_literals(const std::string& sql, const std::vector<std::string>& parameters) {
  std::string text;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const bool parameter = sql[i] == '$' && i + 1 < sql.size() && sql[i + 1] >= '1' && sql[i + 1] <= '9';
    if (!parameter) {
      text += sql[i];
      continue;
    }
    text += sql_literal(parameters.at(static_cast<std::size_t>(sql[++i] - '1')));
  }
  return text;
}

std::vector<std::string> column_names(Statement& statement) {
  std::vector<std::string> names;
  const int columns = statement.columns();
  for (int i = 1; i <= columns; ++i) {
    SQLCHAR name[512] = {};
    SQLSMALLINT length = 0, type = 0, digits = 0, nullable = 0;
    SQLULEN size = 0;
    if (!SQL_SUCCEEDED(SQLDescribeCol(statement.handle(), static_cast<SQLUSMALLINT>(i), name, sizeof name, &length,
                                      &type, &size, &digits, &nullable)))
      statement.fail("a column of the query cannot be described");
    names.emplace_back(reinterpret_cast<const char*>(name));
  }
  return names;
}

}  // namespace

PsqlodbcStatements::PsqlodbcStatements(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {
  server_version_ = static_cast<int>(exec("SHOW server_version_num").integer(0, 0));
}

pg::Result PsqlodbcStatements::exec(const std::string& sql) {
  return as_sql_error([&] {
    Statement statement(*connection_);
    statement.execute(sql);
    pg::Result result = result_of(statement);
    while (statement.more_results()) result = result_of(statement);
    return result;
  });
}

pg::Result PsqlodbcStatements::query(const std::string& sql, const std::vector<std::string>& parameters) {
  return exec(with_literals(sql, parameters));
}

std::vector<pg::Field> PsqlodbcStatements::describe(const std::string& sql) {
  const std::string from = "(" + sql + "\n) AS q";
  const std::vector<std::string> names = as_sql_error([&] {
    Statement statement(*connection_);
    statement.execute("SELECT * FROM " + from + " LIMIT 0");
    return column_names(statement);
  });
  // Always one row; the type of its NULLs is the column's. Domains are followed to the type below them.
  std::vector<std::string> columns, types;
  for (std::size_t i = 1; i <= names.size(); ++i) {
    columns.push_back("c" + std::to_string(i));
    types.push_back("pg_catalog.pg_typeof(q.c" + std::to_string(i) + ")::pg_catalog.oid");
  }
  const pg::Result rows = exec(
      "WITH RECURSIVE given(position, type, typmod) AS (SELECT u.position, u.type, -1 FROM (SELECT 1) AS one LEFT JOIN"
      " (SELECT * FROM " +
      from + "(" + join(columns, ", ") + ") LIMIT 0) AS q ON true, LATERAL pg_catalog.unnest(ARRAY[" +
      join(types, ", ") +
      "]) WITH ORDINALITY AS u(type, position)"
      " UNION ALL SELECT g.position, t.typbasetype, t.typtypmod FROM given g JOIN pg_catalog.pg_type t ON t.oid = "
      "g.type"
      " WHERE t.typtype = 'd') SELECT g.type, g.typmod FROM given g JOIN pg_catalog.pg_type t ON t.oid = g.type"
      " WHERE t.typtype <> 'd' ORDER BY g.position");
  std::vector<pg::Field> fields;
  for (int i = 0; i < rows.rows(); ++i) {
    fields.push_back({names.at(static_cast<std::size_t>(i)), static_cast<Oid>(rows.integer(i, 0)),
                      static_cast<int>(rows.integer(i, 1))});
  }
  return fields;
}

bool PsqlodbcStatements::alive() {
  if (connection_->lost()) return false;
  try {
    exec("SELECT 1");
    return true;
  } catch (const Error&) {
    return false;
  }
}

PsqlodbcSession::PsqlodbcSession(std::unique_ptr<Connection> connection)
    : link_(std::move(connection)), statements_(link_) {}

void PsqlodbcSession::begin(postgres::Isolation isolation) {
  // A cursor is planned for its first tenth unless it is told that all rows will be read.
  statements_.exec(postgres::begin_statements(isolation, kLockTimeout, statements_.server_version()) +
                   "SET LOCAL cursor_tuple_fraction = 1");
}

PsqlodbcSessions::PsqlodbcSessions(OdbcConnection settings, const Quirks& quirks, int max_connections,
                                   CancelToken* cancel)
    : SessionFactory(
          settings.dsn.empty()
              ? settings.host + (settings.port > 0 ? ":" + std::to_string(settings.port) : "") + "/" + settings.database
              : "DSN " + settings.dsn,
          max_connections, cancel),
      settings_(std::move(settings)),
      quirks_(quirks) {}

std::unique_ptr<PsqlodbcSession> PsqlodbcSessions::open_odbc() {
  return as_sql_error([&] {
    auto link = std::make_unique<Connection>(connection_string(settings_, quirks_, settings_.database, {}), quirks_,
                                             settings_.connect_timeout, where(), cancel_token());
    auto session = std::make_unique<PsqlodbcSession>(std::move(link));
    check_once(session->connection());
    return session;
  });
}

}  // namespace pulk::odbc
