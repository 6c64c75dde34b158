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
#include "orchestrator/prove/scratch.h"
#include "warehouse/snowflake/snowflake_names.h"

namespace pulk::prove {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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

std::vector<const Probe*> chosen(const std::vector<int>& only) {
  std::vector<const Probe*> list;
  Problems problems;
  for (const int number : only)
    if (std::none_of(probes().begin(), probes().end(), [&](const Probe& p) { return p.number == number; }))
      problems.add("--only", "there is no probe " + std::to_string(number), "docs/prove.md lists them");
  problems.throw_if_any();
  for (const Probe& probe : probes())
    if (only.empty() || std::find(only.begin(), only.end(), probe.number) != only.end()) list.push_back(&probe);
  return list;
}

SnowflakeConnection connection_of(const Options& options, KnownSecrets& secrets) {
  const ConnectionsFile connections = read_connections(options.connections);
  secrets.learn(connections);
  const auto found = connections.targets.find(options.target);
  std::vector<std::string> able;
  for (const auto& [name, target] : connections.targets)
    if (std::holds_alternative<SnowflakeTarget>(target)) able.push_back(name);
  const std::string there = able.empty() ? "the file has none" : "the file has: " + join(able, ", ");
  if (found == connections.targets.end())
    throw Error(ErrorKind::usage, "there is no target connection named " + options.target,
                connections.path + ":connections.target", "--prove takes the name of a Snowflake target; " + there);
  const auto* snowflake = std::get_if<SnowflakeTarget>(&found->second);
  if (snowflake == nullptr)
    throw Error(ErrorKind::usage,
                "only the promises of Snowflake can be proven: the others are tested where pulk is built",
                connections.path + ":connections.target." + options.target,
                "--prove takes the name of a Snowflake target; " + there);
  SnowflakeConnection connection = resolve_snowflake(*snowflake);
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

Result look(const Probe& probe, Bench& bench, CancelToken& cancel) {
  Result result;
  result.probe = &probe;
  const auto start = Clock::now();
  bool failed = false;
  try {
    Finding finding = probe.look(bench);
    result.outcome = finding.outcome;
    result.seen = std::move(finding.seen);
  } catch (const Error& error) {
    cancel.check();
    failed = true;
    const bool answer = is_answer(error);
    result.outcome = answer ? Outcome::fail : Outcome::undecided;
    if (!answer) result.error = error.kind();
    result.seen = (answer ? "the service refused: " : "an error came in between: ") + error.message();
  }
  bench.settle(failed);
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

}  // namespace

std::vector<Result> prove(const Options& options, CancelToken& cancel, const Listener& listener) {
  start_for(options.connections);
  const std::vector<const Probe*> list = chosen(options.only);
  KnownSecrets secrets;
  const SnowflakeConnection connection = connection_of(options, secrets);
  const std::string name = Scratch::new_name();
  const Intent intent = look_around(connection, options, quote_double(connection.database) + "." + quote_double(name),
                                    list.size(), cancel);
  listener.on_start(intent);

  const Spool spool;
  const Scratch scratch(connection, name, &cancel);
  for (const std::string& left : scratch.dropped())
    log_info("dropped the schema " + left + " that an earlier process has left");
  Bench bench(connection, scratch.full_name(), spool.path(), &cancel);
  std::vector<Result> results;
  for (const Probe* probe : list) {
    cancel.check();
    results.push_back(look(*probe, bench, cancel));
    results.back().seen = secrets.without(results.back().seen);
    listener.on_result(results.back());
  }
  return results;
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
