#include "cli/snowflake_flags.h"

#include <CLI/CLI.hpp>

#include "orchestrator/snowflake_login.h"

namespace pulk {

void add_snowflake_login(CLI::App& app, SnowflakeLoginOptions& options) {
  app.add_option("-c,--config", options.connections, "Connections file (TOML); default: SNOWFLAKE_* of the environment")
      ->type_name("FILE");
  app.add_option("--target", options.target, "Name of the target connection in it, when there are several");
  app.add_option("--env-file", options.env_file, "Variables; default: .env here or in a folder above")
      ->type_name("FILE");
}

}  // namespace pulk
