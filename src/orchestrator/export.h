// `pulk export`: reads the exports file and the environment, checks everything that a person wrote, runs the exports
// and says how each ended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "config/export_file.h"
#include "exporter/export_run.h"

namespace pulk {

struct ExportOptions {
  std::string file = "config/export_tables.yaml";
  std::string env_file;           // "" looks for `.env` here and above
  std::string connections = "configuration.toml";  // read when the exports file names a source
  std::vector<std::string> only;  // values of `table`; empty: all
  int parallel = 4;
  std::int64_t memory = 512LL << 20;
  int tries = 3;
  std::string summary_file;  // JSON
};

struct ExportResult {
  ExportFile file;  // without the exports that were not chosen
  std::vector<ExportOutcome> outcomes;
  std::string destination;
};

// Throws Error for what is wrong before the first export is begun, a summary that cannot be written among it. May start the program anew, so it is called before
// anything else.
ExportResult export_files(const ExportOptions& options, CancelToken& cancel);

// `pulk export --plan`: each export with its road, place and what is converted, as text. Reads no rows and writes
// nothing. `code` becomes the exit class: 0, or that of the first export that cannot be made.
std::string plan_exports(const ExportOptions& options, CancelToken& cancel, int& code);

// Logs the closing lines: a ✓ or ✗ for each export with what became of it; "ok" and "FAILED" where `unicode` is not
// set.
void log_closing(const ExportResult& result, bool unicode);

// The summary as JSON. Throws Error(retryable).
void write_summary(const ExportResult& result, const std::string& path);

// The exit class of the whole: 0, or that of the first export that failed.
int exit_code(const ExportResult& result);

}  // namespace pulk
