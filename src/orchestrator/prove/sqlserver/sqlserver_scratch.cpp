#include "orchestrator/prove/sqlserver/sqlserver_scratch.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "orchestrator/prove/scratch.h"
#include "source/dialect/sqlserver.h"
#include "source/odbc/sqlserver_sessions.h"

namespace pulk::prove {
namespace {

using odbc::Connection;
using sqlserver::quote;
using sqlserver::text_literal;

// Who made a schema, as Snowflake's schemas have it in their comment: schemas of SQL Server have neither comment nor
// date.
constexpr const char* kMaker = "made_by";

std::shared_ptr<Connection> log_in(const SqlServerConnection& connection, CancelToken* cancel) {
  return std::make_shared<odbc::SqlServerSessions>(connection, odbc::sqlserver_driver(connection), 1, cancel)->open();
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

// With the database snapshot of a probe, which has the same name.
void drop_schema(Connection& connection, const std::string& name) {
  if (connection.value("SELECT DB_ID(" + text_literal(name) + ")")) connection.execute("DROP DATABASE " + quote(name));
  for (const auto& row :
       connection.query("SELECT name FROM sys.tables WHERE schema_id = SCHEMA_ID(" + text_literal(name) + ")"))
    connection.execute("DROP TABLE " + quote(name) + "." + quote(row[0].value_or("")));
  connection.execute("DROP SCHEMA " + quote(name));
}

// "" when the process had not come that far, or when it cannot be read.
std::string maker_of(Connection& connection, const std::string& name) {
  try {
    return connection.value("SELECT who FROM " + quote(name) + "." + quote(kMaker)).value_or("");
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

SqlServerScratch::SqlServerScratch(const SqlServerConnection& connection, std::string name, CancelToken* cancel)
    : connection_(connection), name_(std::move(name)) {
  const auto session = log_in(connection_, cancel);
  for (const auto& row : session->query("SELECT name FROM sys.schemas WHERE name LIKE '[_]PULK[_]PROVE[_]%'")) {
    const std::string left = row[0].value_or("");
    if (!is_left_over(left, maker_of(*session, left), new_run_id())) continue;
    drop_schema(*session, left);
    dropped_.push_back(left);
  }
  try {
    session->execute("CREATE SCHEMA " + quote(name_));
    session->execute("CREATE TABLE " + quote(name_) + "." + quote(kMaker) + " (who nvarchar(400))");
    session->execute("INSERT INTO " + quote(name_) + "." + quote(kMaker) + " VALUES (" +
                     text_literal("host " + host_name() + " pid " + std::to_string(::getpid())) + ")");
  } catch (const Error&) {
    drop();  // interrupted, it may have been made all the same
    throw;
  }
}

SqlServerScratch::~SqlServerScratch() { drop(); }

void SqlServerScratch::drop() const {
  try {
    const auto session = log_in(connection_, nullptr);
    if (session->value("SELECT SCHEMA_ID(" + text_literal(name_) + ")")) drop_schema(*session, name_);
  } catch (const std::exception& error) {
    log_warning("the schema of the probes could not be dropped (" + std::string(error.what()) +
                "); drop the tables in " + quote(name_) + ", then run: DROP SCHEMA " + quote(name_));
  }
}

}  // namespace pulk::prove
