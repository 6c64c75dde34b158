#include <fmt/format.h>
#include <langinfo.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <memory>
#include <string_view>

#include "base/cancel.h"
#include "base/log.h"
#include "cli/bytes_flag.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "orchestrator/export.h"
#include "orchestrator/export_sample.h"

namespace pulk {
namespace {

struct Flags {
  ExportOptions options;
  bool plan = false, sample = false;
  SampleOptions samples;
};

bool unicode_terminal() {
  std::setlocale(LC_CTYPE, "");
  return std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
}

}  // namespace

Command add_export(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  ExportOptions& options = flags->options;
  app.add_option("file", options.file, "What is exported (YAML)")->capture_default_str()->type_name("FILE");
  app.add_option("--env-file", options.env_file, "Variables; default: .env here or in a folder above")
      ->type_name("FILE");
  app.add_option("-c,--config", options.connections, "Connections file (TOML), when FILE has `source:`")
      ->capture_default_str()
      ->type_name("FILE");
  app.add_option("--only", options.only, "Only the exports of these tables")->type_name("TABLE")->delimiter(',');
  app.add_option("-p,--parallel", options.parallel, "Exports at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  add_bytes(app, "--memory", options.memory, "Most memory for rows and uploads", 128 << 20);
  app.add_option("--tries", options.tries, "Attempts at one export")->capture_default_str()->check(CLI::Range(1, 100));
  app.add_option("--summary", options.summary_file, "Also write the summary as JSON")->type_name("FILE");
  app.add_flag("--plan", flags->plan, "Show road, columns and place of each export; read and write nothing");
  CLI::Option* sample = app.add_flag(
      "--sample", flags->sample, "Write a sample to this folder instead: test_orders.parquet, test_orders.csv,\n"
      "test_customers.parquet. Needs no database");
  app.add_flag("--s3", flags->samples.to_bucket, "The sample goes to the bucket S3_BUCKET_NAME, below test/")->needs(sample);
  for (const char* other : {"--config", "--only", "--parallel", "--memory", "--tries", "--summary", "--plan"})
    sample->excludes(app.get_option(other));
  app.add_option("--seed", flags->samples.seed, "The sample is the same for the same number")->needs(sample);
  app.footer(
      "Each export is one table or query and goes to one key, or into a folder. An export that fails leaves nothing "
      "that\n"
      "can be seen and does not stop the others; the exit class is then that of the first one that failed.\n\n"
      "  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, S3_BUCKET_NAME, SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER,\n"
      "  SNOWFLAKE_PASSWORD, SNOWFLAKE_WAREHOUSE, SNOWFLAKE_DATABASE, SNOWFLAKE_SCHEMA are enough to begin with.");
  return [flags] {
    LogOptions log_style = log_options();
    log_style.dated = true;
    configure_log(log_style);
    CancelToken cancel;
    const SignalGuard signals(cancel, "stopping; uploads are ended, nothing half-written can be seen");
    if (flags->sample) {
      flags->samples.env_file = flags->options.env_file;
      flags->samples.unicode = unicode_terminal();
      export_sample(flags->samples, [](const std::string& line) { fmt::print("{}\n", line); }, cancel);
      return 0;
    }
    if (flags->plan) {
      int code = 0;
      fmt::print("{}", plan_exports(flags->options, cancel, code));
      return code;
    }
    const ExportResult result = export_files(flags->options, cancel);
    log_closing(result, unicode_terminal());
    if (!flags->options.summary_file.empty()) write_summary(result, flags->options.summary_file);
    return exit_code(result);
  };
}

}  // namespace pulk
