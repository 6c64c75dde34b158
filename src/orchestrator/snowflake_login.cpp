#include "orchestrator/snowflake_login.h"

#include <vector>

#include "adbc/snowflake/library.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "config/connections.h"
#include "orchestrator/connections_file.h"
#include "orchestrator/known_secrets.h"
#include "orchestrator/place.h"

namespace pulk {
namespace {

SnowflakeTarget of_file(const SnowflakeLoginOptions& options) {
  const ConnectionsFile file = read_connections(options.connections);
  for (const std::string& warning : file.warnings) log_warning(warning);
  const std::string where = file.path + ":connections.target";
  std::vector<std::string> names;
  for (const auto& [name, target] : file.targets) {
    if (std::holds_alternative<SnowflakeTarget>(target)) names.push_back(name);
    if (name != options.target) continue;
    if (const auto* found = std::get_if<SnowflakeTarget>(&target)) return *found;
    throw Error(ErrorKind::refused, name + " is not Snowflake, and this command works on Snowflake only", where);
  }
  if (!options.target.empty())
    throw Error(ErrorKind::usage, "there is no target connection named " + options.target, where,
                names.empty() ? "" : "there are: " + join(names, ", "));
  if (names.size() != 1)
    throw Error(ErrorKind::usage,
                names.empty() ? "no connection to Snowflake is configured"
                              : "there are several connections to Snowflake: " + join(names, ", "),
                where, names.empty() ? "" : "choose one by --target");
  return std::get<SnowflakeTarget>(file.targets.at(names.front()));
}

}  // namespace

SnowflakeConnection log_in_by(const SnowflakeLoginOptions& options, std::int64_t memory) {
  if (options.connections.empty() && !options.target.empty())
    throw Error(ErrorKind::usage, "names a connection of a file, and no file is given", "--target",
                "add -c configuration.toml");
  snowflake::set_driver_environment(memory);
  // Behind it: what the file says would else be seen in the environment of the process that starts anew.
  read_env_file(options.env_file);
  SnowflakeTarget target;
  target.where = kTheEnvironment;
  if (!options.connections.empty()) target = of_file(options);
  SnowflakeConnection connection = resolve_snowflake(target);
  KnownSecrets known;
  known.learn(connection);
  known.hide_in_log();
  for (const std::string& warning : connection.warnings) log_warning(warning);
  return connection;
}

}  // namespace pulk
