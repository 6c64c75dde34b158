#include "cli/migrate_flags.h"

#include <CLI/CLI.hpp>

#include "cli/bytes_flag.h"

namespace pulk {

void add_file_flags(CLI::App& app, MigrateOptions& options) {
  app.add_option("workflow", options.workflow, "Workflow file: JSON, or YAML by its ending")->required()->type_name("FILE");
  app.add_option("-c,--config", options.connections, "Connections file (TOML)")->capture_default_str()->type_name("FILE");
  app.add_option("--source", options.source, "Name of the source connection, when there are several");
  app.add_option("--target", options.target, "Name of the target connection, when there are several");
  app.add_option("--tables", options.only, "Only these tables of the workflow")->delimiter(',')->type_name("NAME,...");
  app.add_option("--parallel", options.parallel,
                 "Lanes that read at once; default: max_parallel_tasks of the connections file, or the processors")
      ->check(CLI::Range(1, 100))->type_name("N");
  app.add_option("--max-source-connections", options.max_source_connections,
                 "Hard limit on connections to the source; default: lanes + 2 (one holds the snapshot, one is spare)")
      ->check(CLI::Range(1, 1000))->type_name("N");
  add_bytes(app, "--memory", options.memory,
            "Budget for everything pulk allocates; lanes wait when their worst case does not fit", 96LL << 20);
}

void add_lock_wait(CLI::App& app, MigrateOptions& options) {
  app.add_option_function<int>("--lock-wait", [&options](const int& s) { options.lock_wait = std::chrono::seconds(s); },
                               "Seconds to wait for a target that another process has open")
      ->check(CLI::Range(0, 86400))->default_str("30");
}

void add_run_flags(CLI::App& app, MigrateOptions& options) {
  app.add_option("--workspace", options.workspace, "Folder of the ledger and of files on their way")
      ->capture_default_str()->type_name("DIR");
  app.add_option("--codec", options.encode.codec, "Parquet compression: zstd, snappy, lz4, gzip, none")->capture_default_str();
  app.add_option("--compression-level", options.encode.level, "Level, for codecs that have one")->capture_default_str();
  add_bytes(app, "--row-group-bytes", options.encode.row_group_bytes, "Size of a row group before encoding", 1 << 20);
  add_bytes(app, "--file-size", options.encode.file_bytes, "A file rolls at about this size", 1 << 20);
  add_bytes(app, "--max-cell", options.max_cell, "A larger single value is refused by name", 1 << 10);
  add_bytes(app, "--spool-limit", options.spool_limit,
            "Files that wait to be loaded may take this much disk before reading pauses", 1 << 20);
  app.add_option("--retries", options.retries, "Further attempts at a partition after a retryable error")
      ->check(CLI::Range(0, 100))->capture_default_str();
  app.add_option_function<std::string>("--on-failure",
                                       [&options](const std::string& v) { options.stop_on_failure = v == "stop"; },
                                       "When a table fails: continue with the others, or stop")
      ->check(CLI::IsMember({"continue", "stop"}))->default_str("continue");
  app.add_flag("--append", options.append, "Add the rows to the target instead of replacing its content");
  app.add_flag("--restart", options.restart, "Abandon an unfinished run of this workflow and start anew");
  app.add_option("--sample-rows", options.sample_rows, "A trial: at most N rows of each table; the full run replaces them")
      ->check(CLI::PositiveNumber)->type_name("N");
  app.add_flag("--verify-count,!--no-verify-count", options.verify_count,
               "Compare the partitions' sum with the source's count in the same snapshot (on where there is a snapshot)");
  app.add_flag("--source-quiet", options.source_quiet,
               "You assert that the source does not change until the run is done: loaded work is kept unproven");
  app.add_option_function<std::string>(
         "--max-snapshot-age",
         [&options](const std::string& text) {
           const std::string number = text.substr(0, text.find_first_not_of("0123456789."));
           const std::string unit = text.substr(number.size());
           const double factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
           if (number.empty() || factor == 0)
             throw CLI::ValidationError("--max-snapshot-age", "\"" + text + "\" is no duration, like 90s, 30m or 4h");
           options.max_snapshot_age = std::stod(number) * factor;
         },
         "Replace the source snapshot when it is older: it holds back vacuum and version stores")
      ->type_name("DURATION");
  app.add_option_function<int>("--lease", [&options](const int& s) { options.lease = std::chrono::seconds(s); },
                               "Seconds of silence after which another process may take this workspace over")
      ->check(CLI::Range(1, 86400))->default_str("60");
  add_lock_wait(app, options);
  app.add_flag("--validate", options.validate,
               "Then compare every value of each table with the source, in the snapshot that it was read in");
  app.add_option("--report", options.report_file, "Write what --validate found to this file as JSON")->type_name("FILE");
  app.add_option("--summary", options.summary_file, "Write the closing summary to this file as JSON")->type_name("FILE");
}

}  // namespace pulk
