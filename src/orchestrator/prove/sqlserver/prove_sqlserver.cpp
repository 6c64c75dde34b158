#include "orchestrator/prove/sqlserver/prove_sqlserver.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "orchestrator/prove/run_probes.h"
#include "orchestrator/prove/scratch.h"
#include "orchestrator/prove/sqlserver/sqlserver_bench.h"
#include "orchestrator/prove/sqlserver/sqlserver_probe.h"
#include "orchestrator/prove/sqlserver/sqlserver_scratch.h"
#include "source/dialect/sqlserver.h"
#include "source/odbc/sqlserver_source.h"

namespace pulk::prove {
namespace {

// Privileges: "Database engine events and errors".
constexpr int kPrivileges[] = {229, 230, 262, 297, 300, 371, 378, 2760, 15151, 15247};

bool is_privilege(const Error& error) {
  return std::find(std::begin(kPrivileges), std::end(kPrivileges), number_of(error)) != std::end(kPrivileges);
}

// What the server answered: with a number, and for no reason that lies with privileges, network or time.
bool is_answer(const Error& error) {
  return dynamic_cast<const NoTable*>(&error) == nullptr && number_of(error) != 0 &&
         error.kind() != ErrorKind::retryable && !is_privilege(error);
}

std::string why_no_schema(const Error& error) {
  return "the login may not make a schema with tables: " + error.message() +
         "; GRANT CREATE SCHEMA TO …; GRANT CREATE TABLE TO … (they are not needed for anything else)";
}

}  // namespace

std::vector<Result> prove_sqlserver(const Options& options, const SqlServerConnection& connection,
                                    const KnownSecrets& secrets, CancelToken& cancel, const Listener& listener) {
  const auto list = chosen(sqlserver_probes(), options.only);
  // Also lets the driver trust the authorities that the connection names.
  const SourceFacts facts = make_sqlserver_source(connection, 1, &cancel)->facts();
  const std::string name = Scratch::new_name();
  Intent intent;
  intent.target =
      fmt::format("{}: {}, database {}", options.target, odbc::sqlserver_address(connection), connection.database);
  intent.probes = list.size();
  std::unique_ptr<SqlServerScratch> scratch;
  try {
    scratch = std::make_unique<SqlServerScratch>(connection, name, &cancel);
    intent.schema = sqlserver::quote(connection.database) + "." + sqlserver::quote(name);
  } catch (const Error& error) {
    cancel.check();
    if (error.kind() == ErrorKind::retryable) throw;
    intent.lacks = secrets.without(why_no_schema(error));
  }
  if (scratch != nullptr)
    for (const std::string& left : scratch->dropped())
      log_info("dropped the schema " + left + " that an earlier process has left");
  SqlServerBench bench(connection, scratch != nullptr ? name : "", intent.lacks, &cancel);
  intent.who = facts.product + ", login " + value(bench.reader(), "SELECT CONVERT(nvarchar(128), SUSER_SNAME())");
  listener.on_start(intent);
  return run_probes(list, bench, is_answer, cancel, secrets, listener);
}

}  // namespace pulk::prove
