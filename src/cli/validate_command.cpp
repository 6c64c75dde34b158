#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

#include "base/cancel.h"
#include "cli/bytes_flag.h"
#include "cli/commands.h"
#include "cli/migrate_flags.h"
#include "cli/progress_display.h"
#include "cli/signals.h"
#include "orchestrator/validate.h"
#include "orchestrator/validate_report.h"

namespace pulk {

Command add_validate(CLI::App& app) {
  auto options = std::make_shared<ValidateOptions>();
  MigrateOptions& run = options->run;
  add_file_flags(app, run);
  app.add_option_function<std::string>(
         "--level", [options](const std::string& level) { options->counts_only = level == "counts"; },
         "rows: every value of every row; counts: only how many rows there are")
      ->check(CLI::IsMember({"rows", "counts"}))->default_str("rows");
  app.add_option("--rows", options->most_named, "Differing rows that are named per table")
      ->check(CLI::Range(0, 100'000))->capture_default_str()->type_name("N");
  app.add_option("--report", run.report_file, "Write the whole result to this file as JSON")->type_name("FILE");
  app.add_option("--workspace", run.workspace, "Folder of the ledger, which knows when the target was loaded")
      ->capture_default_str()->type_name("DIR");
  add_bytes(app, "--max-cell", run.max_cell, "A larger single value is refused by name", 1 << 10);
  add_lock_wait(app, run);
  app.footer("Reads both sides whole, in a new snapshot of the source, and changes nothing. A source that has changed since\n"
             "the target was loaded differs: `pulk migrate --validate` compares in the snapshot that it reads. Ends with 0\n"
             "when all is equal, with 3 when anything differs. The report shows values of rows that differ.\n\n"
             "  pulk validate shop.json\n"
             "  pulk validate shop.json --tables orders,customers --report differences.json\n"
             "  pulk validate shop.json --level counts\n"
             "  pulk migrate shop.json --validate");
  return [options] {
    CancelToken cancel;
    const SignalGuard signals(cancel);
    Progress progress;
    ValidateResult result;
    {
      const ProgressDisplay display(progress);
      result = validate(*options, cancel, progress);
    }
    fmt::print("{}", validation_text(result));
    std::fflush(stdout);
    if (!options->run.report_file.empty()) write_report(result, options->run.report_file);
    return exit_class(result);
  };
}

}  // namespace pulk
