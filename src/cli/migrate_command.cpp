#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

#include "base/cancel.h"
#include "cli/commands.h"
#include "cli/migrate_flags.h"
#include "cli/progress_display.h"
#include "cli/signals.h"
#include "orchestrator/migrate.h"
#include "orchestrator/summary.h"
#include "orchestrator/validate_report.h"

namespace pulk {

Command add_migrate(CLI::App& app) {
  auto options = std::make_shared<MigrateOptions>();
  add_file_flags(app, *options);
  add_run_flags(app, *options);
  app.footer("A finished workflow that is run again replaces its tables atomically. An unfinished one is resumed:\n"
             "partitions that are loaded are kept where they are proven to be unchanged in the source.");
  return [options] {
    CancelToken cancel;
    const SignalGuard signals(cancel);
    Progress progress;
    MigrateResult result;
    {
      const ProgressDisplay display(progress);
      result = migrate(*options, cancel, progress);
    }
    fmt::print("{}", summary_text(result));
    std::fflush(stdout);
    if (!options->summary_file.empty()) write_summary(result, options->summary_file);
    if (!options->report_file.empty() && result.validation) write_report(*result.validation, options->report_file);
    return exit_class(result);
  };
}

}  // namespace pulk
