#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "orchestrator/clean.h"

namespace pulk {

Command add_clean(CLI::App& app) {
  struct Flags {
    CleanOptions options;
    bool yes = false;
    bool dry_run = false;
  };
  auto flags = std::make_shared<Flags>();
  app.add_option("-c,--config", flags->options.connections, "Connections file (TOML)")->capture_default_str()->type_name("FILE");
  app.add_option("--target", flags->options.target, "Name of the target connection, when there are several");
  app.add_option("--workspace", flags->options.workspace, "Folder of the ledger")->capture_default_str()->type_name("DIR");
  app.add_option("--abandon", flags->options.abandon, "Also what this unfinished run left; it can then not be resumed")
      ->type_name("RUN");
  app.add_flag("--dry-run", flags->dry_run, "Only say what would be removed");
  app.add_flag("-y,--yes", flags->yes, "Do not ask");
  app.footer("Removes staging tables, marks, leases and spooled files of runs that are finished or abandoned. Tables that\n"
             "were published are never touched.");
  return [flags] {
    CancelToken cancel;
    const SignalGuard signals(cancel);
    Cleaning cleaning(flags->options, cancel);
    for (const std::string& line : cleaning.kept()) fmt::print("stays: {}\n", line);
    if (cleaning.lines().empty()) {
      fmt::print("nothing to remove\n");
      return 0;
    }
    for (const std::string& line : cleaning.lines()) fmt::print("{}: {}\n", flags->dry_run ? "would remove" : "to remove", line);
    if (flags->dry_run) return 0;
    if (!flags->yes) {
      if (::isatty(STDIN_FILENO) == 0)
        throw Error(ErrorKind::usage, "nothing was removed: there is no terminal to ask", "", "add --yes");
      fmt::print("Remove this? [y/N] ");
      std::fflush(stdout);
      std::string answer;
      std::getline(std::cin, answer);
      if (answer != "y" && answer != "Y" && answer != "yes") {
        fmt::print("nothing was removed\n");
        return 0;
      }
    }
    cleaning.remove();
    fmt::print("removed {}\n", cleaning.lines().size() == 1 ? "1 item" : fmt::format("{} items", cleaning.lines().size()));
    return 0;
  };
}

}  // namespace pulk
