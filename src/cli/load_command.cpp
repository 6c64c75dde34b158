#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "cli/snowflake_flags.h"
#include "orchestrator/load.h"
#include "orchestrator/snowflake_login.h"

namespace pulk {
namespace {

// The driver's share of the memory (I3): what uploads hold.
constexpr std::int64_t kDriverMemory = 128LL << 20;

struct Flags {
  SnowflakeLoginOptions login;
  LoadOptions load;
};

}  // namespace

Command add_load(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  LoadOptions& load = flags->load;
  app.add_option("files", load.files, "Parquet, CSV or JSON Lines; CSV and JSON also as .gz or .zst")
      ->required()
      ->type_name("FILE");
  app.add_option("--into", load.table, "TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE")->required()->type_name("TABLE");
  app.add_flag("--replace", load.replace, "The files' rows take the place of those in the table; else they are added");
  app.add_flag("--create", load.create, "Make the table when it is missing, from the types of Parquet files");
  app.add_option("--format", load.format, "parquet, csv or json; default: by the names of the files")
      ->check(CLI::IsMember({"parquet", "csv", "json"}))
      ->type_name("FORMAT");
  app.add_option("--delimiter", load.delimiter, "CSV: between fields; \\t for a tab, as .tsv has it; else a comma")
      ->type_name("CHARACTER");
  app.add_flag("--no-header", load.no_header, "CSV: the first line is a row; fields are in the order of the table");
  app.add_option("--null-text", load.null_text, "CSV: what stands for NULL, without quotes; default: nothing")
      ->type_name("TEXT");
  app.add_flag("--allow-empty", load.allow_empty, "CSV and JSON: a file without any byte has no rows; else it is refused");
  app.add_option("--give-up", load.give_up, "Take an interrupted load of other files out of the way first")
      ->type_name("RUN");
  app.add_option("--workspace", load.workspace, "Files on their way to Snowflake wait in its folder spool")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--tries", load.tries, "Attempts")->capture_default_str()->check(CLI::Range(1, 100));
  add_snowflake_login(app, flags->login);
  app.footer(
      "All rows of all files are in the table, or none. Columns are matched by name. What is wrong with files, "
      "columns\n"
      "and rows is said, with file and line, before anything is loaded. Killed, or its connection lost, start the "
      "same\n"
      "command again: it finds out what became of the load, and loads nothing twice.\n\n"
      "  pulk load orders-*.csv --into SALES.PUBLIC.ORDERS\n"
      "  pulk load customers.parquet --into CUSTOMERS --create");
  return [flags] {
    const InputFiles input = check_load_options(flags->load);
    const SnowflakeConnection connection = log_in_by(flags->login, kDriverMemory);
    CancelToken cancel;
    const SignalGuard signals(cancel, "stopping; nothing of the load stays in the table");
    const LoadSummary summary = run_load(connection, flags->load, input, cancel);
    const std::string rows = plural(summary.rows, "row");
    const std::string files = plural(static_cast<std::int64_t>(input.paths.size()), "file");
    if (summary.already)
      fmt::print(
          "{}: the {} of {} were loaded already, by a command whose end was not seen; nothing was loaded now.\n"
          "Run it again to load them once more.\n",
          summary.table, rows, files);
    else if (flags->load.replace)
      fmt::print("replaced the rows of {} by {} of {}\n", summary.table, rows, files);
    else
      fmt::print("loaded {} of {} into {}\n", rows, files, summary.table);
    return 0;
  };
}

}  // namespace pulk
