#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "base/cancel.h"
#include "cli/commands.h"
#include "cli/migrate_flags.h"
#include "cli/signals.h"
#include "orchestrator/plan_report.h"

namespace pulk {

Command add_plan(CLI::App& app) {
  struct Flags {
    MigrateOptions options;
    bool json = false;
    int max_partitions = 12;
  };
  auto flags = std::make_shared<Flags>();
  add_file_flags(app, flags->options);
  app.add_flag("--json", flags->json, "Print the plan as JSON");
  app.add_option("--max-partitions", flags->max_partitions, "Partitions listed per table")->capture_default_str();
  app.footer("Reads the catalogs of source and target only, within one snapshot. Nothing is stored or changed. Ends with\n"
             "the class of error that migrate would end with, when something stands in its way.");
  return [flags] {
    CancelToken cancel;
    const SignalGuard signals(cancel);
    const Ends ends = open_ends(flags->options, cancel);
    const std::vector<TableConfig> tables = selected_tables(ends.workflow, flags->options.only);
    SnapshotKeeper snapshots(*ends.source, requests_of(tables), ends.lanes, 0);
    const Prepared prepared = prepare(ends, tables, snapshots, flags->options, cancel, true);
    fmt::print("{}", flags->json ? plan_report_json(ends, prepared)
                                 : plan_text(ends, prepared, flags->max_partitions));
    std::fflush(stdout);
    throw_findings(prepared.findings);
    return 0;
  };
}

}  // namespace pulk
