// The one error boundary of the process: everything that goes wrong ends here, as a text for a person and an exit class.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/sqlite_db.h"
#include "cli/commands.h"
#include "engine/counting_pool.h"
#include "pulk/build_config.h"

namespace {

struct Global {
  std::string log_format = "text";
  bool quiet = false;
  bool verbose = false;
  bool version = false;
  bool json = false;
};

void set_up_process() {
  // A core dump would hold secrets (I4).
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  // A closed pipe or socket is an error of the write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  pulk::tune_malloc();
  pulk::tune_sqlite();
}

void set_up_log(const Global& global) {
  pulk::LogOptions options;
  options.json = global.log_format == "json";
  options.level = global.quiet ? pulk::LogLevel::error : global.verbose ? pulk::LogLevel::debug : pulk::LogLevel::info;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  options.color = ::isatty(STDERR_FILENO) != 0 && (no_color == nullptr || *no_color == '\0') &&
                  !(term != nullptr && std::string(term) == "dumb");
  pulk::configure_log(options);
}

int report(const pulk::Error& error) {
  pulk::set_status_line("");
  pulk::log_error(error.what(), {{"class", std::int64_t{error.exit_code()}},
                                 {"kind", std::string(pulk::to_string(error.kind()))},
                                 {"subject", error.subject()},
                                 {"hint", error.hint()}});
  return error.exit_code();
}

void print_version(bool json) {
  if (json) fmt::print("{}\n", nlohmann::json{{"name", "pulk"}, {"version", PULK_VERSION}}.dump());
  else fmt::print("pulk {}\n", PULK_VERSION);
}

}  // namespace

int main(int argc, char** argv) {
  set_up_process();
  CLI::App app("pulk moves tables from databases into a warehouse: exact types, constant memory, exactly once.\n"
               "Kill it anywhere and start it again: the target holds the rows of one named moment of the source.");
  app.get_formatter()->column_width(36);
  Global global;
  app.add_flag("--version", global.version, "Print the version and exit; with --json as JSON");
  app.add_flag("--json", global.json)->group("");
  app.add_option("--log-format", global.log_format, "Log lines on stderr: text for people, json for machines (NDJSON)")
      ->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  app.add_flag("-q,--quiet", global.quiet, "Only errors on stderr, no progress");
  app.add_flag("-v,--verbose", global.verbose, "Also what is only interesting when something is wrong");
  app.fallthrough();
  app.footer("Exit classes: 0 all done, 1 usage or configuration, 2 run it again (network, lock, interrupted),\n"
             "3 integrity (a count or a value differs), 4 schema drift, 5 refused (type or privilege), 6 a bug in pulk.");

  std::vector<std::pair<CLI::App*, pulk::Command>> commands;
  std::string group;
  const auto add = [&](const std::string& name, const std::string& about, pulk::Command (*declare)(CLI::App&)) {
    CLI::App* command = app.add_subcommand(name, about);
    command->group(group);
    commands.emplace_back(command, declare(*command));
  };
  group = "Moving tables";
  add("migrate", "Move the tables of a workflow, or resume where it was interrupted", pulk::add_migrate);
  add("plan", "Show what migrate would do, column by column; touches nothing", pulk::add_plan);
  add("validate", "Compare every value of the target's tables with the source", pulk::add_validate);
  add("status", "Show the runs of a workspace and how far they are", pulk::add_status);
  add("clean", "Remove what finished or abandoned runs left behind", pulk::add_clean);
  group = "Snowflake and files";
  add("export", "Write Snowflake tables and queries to S3 as Parquet, CSV or JSON", pulk::add_export);
  add("storage", "List, find and remove files where exports go", pulk::add_storage);
  add("load", "Load local Parquet, CSV or JSON files into a Snowflake table", pulk::add_load);
  add("query", "Run one statement on Snowflake and print its rows", pulk::add_query);
  group = "Setting up";
  add("init", "Write a commented workflow for the tables of a source", pulk::add_init);
  add("doctor", "Check files, connections and privileges, with a fix for what is wrong", pulk::add_doctor);
  add("demo", "Move a sample, be killed half-way, resume, and prove that nothing is lost", pulk::add_demo);
  add("schema", "Print the JSON Schema of a file format", pulk::add_schema);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 1;
  }
  set_up_log(global);
  if (global.version) {
    print_version(global.json);
    return 0;
  }
  try {
    for (auto& [command, run] : commands)
      if (command->parsed()) return run();
    fmt::print("{}", app.help());
    return 1;
  } catch (const pulk::Error& e) {
    return report(e);
  } catch (const std::bad_alloc&) {
    return report(pulk::Error(pulk::ErrorKind::retryable, "out of memory", "", "lower --memory or --parallel"));
  } catch (const std::exception& e) {
    return report(pulk::Error(pulk::ErrorKind::internal, e.what(), "", "this is a bug in pulk, please report it"));
  }
}
