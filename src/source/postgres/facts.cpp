#include "source/postgres/facts.h"

namespace pulk::postgres {
namespace {

std::string read_system_identifier(pg::Statements& connection) {
  try {
    return connection.exec("SELECT system_identifier FROM pg_catalog.pg_control_system()").text(0, 0);
  } catch (const pg::SqlError& error) {
    if (error.sqlstate() != "42501") throw;
    return "unknown";
  }
}

}  // namespace

SourceFacts facts_of_server(pg::Statements& connection) {
  SourceFacts facts;
  const pg::Result row = connection.exec(
      "SELECT pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery(),"
      " pg_catalog.current_database(), pg_catalog.current_setting('server_encoding')");
  const std::string version = row.text(0, 0);
  facts.product = "PostgreSQL " + version.substr(0, version.find(' '));
  facts.identity = read_system_identifier(connection) + "/" + row.text(0, 2);
  if (row.boolean(0, 1)) {
    facts.notes.push_back(
        "this is a standby: a conflict with recovery can cancel the snapshot (max_standby_streaming_delay, "
        "hot_standby_feedback)");
  }
  if (row.view(0, 3) == "SQL_ASCII") {
    facts.notes.push_back(
        "the database is SQL_ASCII: text is checked value by value, and refused when it is not UTF-8");
  }
  return facts;
}

}  // namespace pulk::postgres
