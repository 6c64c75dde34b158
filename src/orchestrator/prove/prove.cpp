#include "orchestrator/prove/prove.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "adbc/snowflake/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "catalog/identifier.h"
#include "config/connections.h"
#include "orchestrator/connections_file.h"
#include "orchestrator/known_secrets.h"
#include "orchestrator/prepare.h"
#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/run_probes.h"
#include "orchestrator/prove/scratch.h"
#include "orchestrator/prove/sqlserver/prove_sqlserver.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk::prove {
namespace {

namespace fs = std::filesystem;

// Against a service on the other side of a network; a stand-in on the same machine needs a tenth of it.
constexpr double kSecondsPerProbe = 2.5, kLeastSeconds = 60;

// Credits an hour of a standard warehouse, as the vendor publishes them.
double credits_an_hour(const std::string& size) {
  static const std::map<std::string, double> table = {
      {"x-small", 1},   {"small", 2},     {"medium", 4},     {"large", 8},      {"x-large", 16},
      {"2x-large", 32}, {"3x-large", 64}, {"4x-large", 128}, {"5x-large", 256}, {"6x-large", 512}};
  const auto found = table.find(to_lower(size));
  return found == table.end() ? 0 : found->second;
}

SnowflakeConnection resolved(const SnowflakeTarget& target, const Options& options, const ConnectionsFile& connections,
                             KnownSecrets& secrets) {
  SnowflakeConnection connection = resolve_snowflake(target);
  secrets.learn(connection);
  for (const std::string& warning : connection.warnings) log_warning(warning);
  if (connection.database.empty())
    throw Error(ErrorKind::usage, "the connection names no database to make a schema in",
                connections.path + ":connections.target." + options.target, "write database = \"…\" there");
  connection.database = snowflake::fold_name(parse_written_name(connection.database));
  return connection;
}

Intent look_around(const SnowflakeConnection& connection, const Options& options, const std::string& schema,
                   std::size_t probes, CancelToken& cancel) {
  Intent intent;
  intent.target = options.target + ": account " + connection.account;
  intent.schema = schema;
  intent.probes = probes;
  Client client(connection, R"({"application":"pulk","command":"doctor --prove"})", &cancel);
  const auto who = client.query("SELECT CURRENT_VERSION(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE()").at(0);
  intent.who = "Snowflake " + who[0] + ", user " + who[1] + ", role " + who[2];
  intent.warehouse = who[3];
  if (intent.warehouse.empty())
    throw Error(ErrorKind::usage, "the session has no warehouse", "account " + connection.account,
                "write warehouse = \"…\" in the connection");
  for (const auto& row : client.named_rows("SHOW WAREHOUSES LIKE " + snowflake::literal(intent.warehouse)))
    if (row.at("name") == intent.warehouse) intent.size = row.at("size");
  const double seconds = std::max(kLeastSeconds, kSecondsPerProbe * static_cast<double>(probes));
  intent.minutes = seconds / 60;
  intent.credits_an_hour = credits_an_hour(intent.size);
  intent.credits = seconds / 3600 * intent.credits_an_hour;
  return intent;
}

// A folder for the files on their way to the stage.
class Spool {
 public:
  Spool() {
    std::string pattern = (fs::temp_directory_path() / "pulk-prove-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw Error(ErrorKind::retryable, "no folder can be made here", pattern,
                  "set TMPDIR to one that can be written to");
    path_ = pattern;
  }
  ~Spool() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What the service refused: with a code, and for no reason that lies with privileges, network or time.
bool is_answer(const Error& error) {
  const int code = snowflake::error_code(error.message());
  if (code == 0 || code == 2003 || code == 2043 || code == 3001 || (code >= 3540 && code <= 3544)) return false;
  return error.kind() != ErrorKind::retryable && error.kind() != ErrorKind::usage;
}

std::vector<Result> prove_snowflake(const Options& options, const SnowflakeConnection& connection,
                                    KnownSecrets& secrets, CancelToken& cancel, const Listener& listener) {
  const auto list = chosen(probes(), options.only);
  const std::string name = Scratch::new_name();
  const Intent intent = look_around(connection, options, quote_double(connection.database) + "." + quote_double(name),
                                    list.size(), cancel);
  listener.on_start(intent);

  const Spool spool;
  const Scratch scratch(connection, name, &cancel);
  for (const std::string& left : scratch.dropped())
    log_info("dropped the schema " + left + " that an earlier process has left");
  Bench bench(connection, scratch.full_name(), spool.path(), &cancel);
  return run_probes(list, bench, is_answer, cancel, secrets, listener);
}

// Throws Error(usage) that names the connections that can be proven.
[[noreturn]] void refuse(const Options& options, const ConnectionsFile& connections) {
  std::vector<std::string> able;
  for (const auto& [name, target] : connections.targets)
    if (std::holds_alternative<SnowflakeTarget>(target)) able.push_back(name);
  for (const auto& [name, source] : connections.sources)
    if (std::holds_alternative<SqlServerConnection>(source)) able.push_back(name);
  const std::string hint = "--prove takes the name of a Snowflake target or a SQL Server source; " +
                           (able.empty() ? "the file has none" : "the file has: " + join(able, ", "));
  if (connections.targets.contains(options.target) || connections.sources.contains(options.target))
    throw Error(
        ErrorKind::usage,
        "only the promises of Snowflake and SQL Server can be proven: the others are tested where pulk is built",
        connections.path + ":connections." + options.target, hint);
  throw Error(ErrorKind::usage, "there is no connection named " + options.target, connections.path + ":connections",
              hint);
}

}  // namespace

std::vector<Result> prove(const Options& options, CancelToken& cancel, const Listener& listener) {
  start_for(options.connections);
  const ConnectionsFile connections = read_connections(options.connections);
  KnownSecrets secrets;
  secrets.learn(connections);
  if (const auto source = connections.sources.find(options.target); source != connections.sources.end())
    if (const auto* server = std::get_if<SqlServerConnection>(&source->second))
      return prove_sqlserver(options, *server, secrets, cancel, listener);
  if (const auto target = connections.targets.find(options.target); target != connections.targets.end())
    if (const auto* snowflake = std::get_if<SnowflakeTarget>(&target->second))
      return prove_snowflake(options, resolved(*snowflake, options, connections, secrets), secrets, cancel, listener);
  refuse(options, connections);
}

int exit_class(const std::vector<Result>& results) {
  bool gravest[7] = {};
  for (const Result& result : results) {
    if (result.outcome == Outcome::fail)
      gravest[static_cast<int>(result.probe->rests == Rests::running ? ErrorKind::internal : ErrorKind::integrity)] =
          true;
    if (result.error) gravest[static_cast<int>(*result.error)] = true;
  }
  for (const ErrorKind kind : {ErrorKind::integrity, ErrorKind::internal, ErrorKind::refused, ErrorKind::usage,
                               ErrorKind::drift, ErrorKind::retryable})
    if (gravest[static_cast<int>(kind)]) return static_cast<int>(kind);
  return 0;
}

const char* to_string(Outcome outcome) {
  return outcome == Outcome::pass ? "pass" : outcome == Outcome::fail ? "fail" : "not decided";
}

const char* to_string(Rests rests) {
  return rests == Rests::exactly_once ? "exactly once" : rests == Rests::values ? "values" : "running";
}

}  // namespace pulk::prove
