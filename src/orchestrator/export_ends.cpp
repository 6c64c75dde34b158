#include "orchestrator/export_ends.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "config/connections.h"
#include "orchestrator/attempts.h"
#include "orchestrator/connections_file.h"
#include "orchestrator/export.h"
#include "orchestrator/known_secrets.h"
#include "orchestrator/place.h"
#include "orchestrator/prepare.h"
#include "orchestrator/snowflake_login.h"

namespace pulk {
namespace {

// The driver's share of the memory (I3): results that nobody has read yet.
constexpr std::int64_t kDriverMemory = 256LL << 20;

bool is_snowflake(const std::string& source) {
  return source.empty() || source == "snowflake" || source == "snowflake_connection_name";
}

[[noreturn]] void throw_no_such_source(const std::string& name, const ConnectionsFile& connections) {
  std::vector<std::string> names;
  for (const auto& [kind, source] : connections.sources) names.push_back(kind);
  for (const auto& [kind, target] : connections.targets)
    if (!std::holds_alternative<FilesConnection>(target)) names.push_back(kind);
  const auto near = did_you_mean(name, names);
  throw Error(ErrorKind::usage, "there is no connection named " + name + " that can be read", connections.path,
              near            ? "did you mean " + *near + "?"
              : names.empty() ? ""
                              : "there are: " + join(names, ", "));
}

// A place that is not there is told once. A right that is missing is told by the exports that need it.
void check_place(Destination& destination, const ExportFile& file) {
  try {
    destination.check(file.exports.front().path);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::refused) throw;
  }
}

}  // namespace

std::unique_ptr<ExportEnds> open_export_ends(const ExportFile& file, const ExportEndsOptions& options,
                                             CancelToken& cancel) {
  const bool snowflake = is_snowflake(file.source);
  auto ends = std::make_unique<ExportEnds>();
  std::optional<ConnectionsFile> connections;
  Attempts attempt;
  // First: it may start the program anew, and it reads `.env`.
  if (snowflake)
    attempt([&] {
      ends->snowflake = log_in_by({.connections = file.source.empty() ? "" : options.connections,
                                   .target = file.source,
                                   .env_file = options.env_file},
                                  kDriverMemory);
    });
  else
    read_env_file(options.env_file);
  if (file.source.empty() && options.connections != ExportOptions{}.connections)
    attempt([&] {
      throw Error(ErrorKind::usage, "has no effect: " + file.path + " has no `source:`", "--config " + options.connections,
                  "write source: NAME, a connection of that file, or leave --config out");
    });
  attempt([&] { ends->destination = open_place(file.destination, "destination:", cancel); });
  if (!snowflake) attempt([&] { connections = read_connections(options.connections); });
  if (connections && !connections->sources.contains(file.source) &&
      !(connections->targets.contains(file.source) &&
        std::holds_alternative<DuckdbConnection>(connections->targets.at(file.source))))
    attempt([&] { throw_no_such_source(file.source, *connections); });
  if (connections) {
    KnownSecrets known;
    known.learn(*connections);
    known.hide_in_log();
  }
  attempt.throw_if_any();
  if (connections)
    for (const std::string& warning : connections->warnings) log_warning(warning);
  check_place(*ends->destination, file);

  if (snowflake) {
    log_info("Connecting to Snowflake");
    ends->source = make_snowflake_export_source(*ends->snowflake, &cancel);
    if (!file.stage.empty())
      ends->unloader = make_snowflake_unloader(*ends->snowflake, file.stage, *ends->destination, &cancel);
    return ends;
  }
  log_info("Connecting to " + file.source);
  if (connections->sources.contains(file.source)) {
    const int lanes = std::min<int>(options.parallel, static_cast<int>(file.exports.size()));
    ends->source =
        make_database_export_source(open_source(options.connections, file.source, cancel, lanes), file.exports, lanes);
  } else {
    ends->source = make_duckdb_export_source(std::get<DuckdbConnection>(connections->targets.at(file.source)).path,
                                             options.memory / 2, &cancel);
  }
  return ends;
}

}  // namespace pulk
