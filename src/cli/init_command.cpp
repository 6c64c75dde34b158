#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/cancel.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "orchestrator/init.h"

namespace pulk {

Command add_init(CLI::App& app) {
  auto flags = std::make_shared<InitOptions>();
  InitOptions& options = *flags;
  app.add_option("pattern", options.patterns, "Tables: 'sales.*', 'order_?', 'public.customers'; default: all")
      ->type_name("PATTERN");
  app.add_option("--from", options.from, "Also write the connections file, for this source:\n"
                 "postgresql://user@host:5432/database, mariadb://user@host/database, sqlite:FILE")->type_name("URL");
  app.add_option("--to", options.to, "Target for --from: duckdb:FILE or files:FOLDER; default: duckdb:DATABASE.duckdb")
      ->type_name("TARGET");
  app.add_option("-c,--config", options.connections, "Connections file (TOML)")->capture_default_str()->type_name("FILE");
  app.add_option("--source", options.source, "Name of the source connection, when there are several");
  app.add_option("-o,--output", options.workflow, "Workflow to write (YAML)")->capture_default_str()->type_name("FILE");
  app.add_flag("--force", options.force, "Replace files that are there");
  app.footer("Reads the source's catalog and writes commented files. A password is never written: the connections file\n"
             "says \"env:PULK_PASSWORD\".\n\n"
             "  PULK_PASSWORD=... pulk init --from postgresql://mover@db.example/shop 'public.*'\n"
             "  pulk plan workflow.yaml");
  return [flags] {
    CancelToken cancel;
    const SignalGuard signals(cancel);
    const InitResult result = init(*flags, cancel);
    for (const std::string& path : result.written) fmt::print("wrote {}\n", path);
    fmt::print("{}{}. Next: pulk plan {}{}\n", plural(result.tables, "table"),
               result.refused_columns == 0 ? ""
                                           : ", " + plural(result.refused_columns, "column") + " that cannot travel (see the "
                                             "comments)",
               flags->workflow,
               flags->connections == "configuration.toml" ? "" : " -c " + flags->connections);
    return 0;
  };
}

}  // namespace pulk
