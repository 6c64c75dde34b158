#include "orchestrator/export.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/log_mask.h"
#include "base/strings.h"
#include "base/text_table.h"
#include "orchestrator/export_ends.h"

namespace pulk {
namespace {

void choose(ExportFile& file, const std::vector<std::string>& only) {
  if (only.empty()) return;
  std::vector<std::string> names;
  for (const ExportEntry& entry : file.exports) names.push_back(entry.table);
  Problems problems;
  for (const std::string& name : only)
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const auto near = did_you_mean(name, names);
      problems.add("--only " + name, "no export has this table",
                   near ? "did you mean " + *near + "?" : "there are: " + join(names, ", "));
    }
  problems.throw_if_any();
  std::erase_if(file.exports, [&](const ExportEntry& entry) {
    return std::find(only.begin(), only.end(), entry.table) == only.end();
  });
}

// Before hours of work, not behind them.
void check_summary_file(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  const bool there = ::access(path.c_str(), F_OK) == 0;
  if (there ? ::access(path.c_str(), W_OK) == 0 && !std::filesystem::is_directory(path)
            : ::access(folder.c_str(), W_OK | X_OK) == 0)
    return;
  throw Error(ErrorKind::usage, "the summary cannot be written there", "--summary " + path);
}

ExportFile chosen_exports(const ExportOptions& options) {
  ExportFile file = load_export_file(options.file);
  choose(file, options.only);
  return file;
}

std::unique_ptr<ExportEnds> open_ends_of(const ExportFile& file, const ExportOptions& options, CancelToken& cancel) {
  return open_export_ends(file,
                          {.env_file = options.env_file,
                           .connections = options.connections,
                           .parallel = options.parallel,
                           .memory = options.memory},
                          cancel);
}

}  // namespace

std::string plan_exports(const ExportOptions& options, CancelToken& cancel, int& code) {
  const ExportFile file = chosen_exports(options);
  const auto ends = open_ends_of(file, options, cancel);
  TextTable table({"table", "road", "type", ">columns", "place"});
  std::string below;
  code = 0;
  for (const ExportEntry& entry : file.exports) {
    const bool unload = entry.road == ExportRoad::unload;
    std::string columns = "?";
    try {
      const ExportShape shape = unload ? ends->unloader->plan(entry).shape : ends->source->describe(entry);
      columns = std::to_string(shape.columns);
      for (const std::string& note : shape.notes) below += entry.table + ": " + note + "\n";
    } catch (const Error& error) {
      below += entry.table + ": cannot be exported: " + masked(error.what()) + "\n";
      if (code == 0) code = error.exit_code();
    }
    table.add({entry.table, unload ? "unload" : "stream", std::string(to_string(entry.type)), columns,
               ends->destination->url_of(entry.path)});
  }
  return table.render() + (below.empty() ? "" : "\n" + below);
}

ExportResult export_files(const ExportOptions& options, CancelToken& cancel) {
  ExportResult result;
  result.file = chosen_exports(options);
  if (!options.summary_file.empty()) check_summary_file(options.summary_file);
  const auto ends = open_ends_of(result.file, options, cancel);
  result.destination = ends->destination->url_of("");
  result.outcomes = run_exports(result.file, *ends->source, ends->unloader.get(), *ends->destination,
                                {.parallel = options.parallel,
                                 .memory = options.memory,
                                 .tries = options.tries,
                                 .name_each = options.parallel > 1 && result.file.exports.size() > 1},
                                cancel);
  return result;
}

void log_closing(const ExportResult& result, bool unicode) {
  log_info("Pipeline complete");
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    const ExportOutcome& outcome = result.outcomes[i];
    const std::string& table = result.file.exports[i].table;
    if (outcome.error)
      log_error(fmt::format("  {} {}: {}", unicode ? "✗" : "FAILED", table, outcome.error->what()),
                {{"export", table},
                 {"class", std::int64_t{outcome.error->exit_code()}},
                 {"kind", std::string(to_string(outcome.error->kind()))}});
    else
      log_info(fmt::format("  {} {} ({}, {}, {})", unicode ? "✓" : "ok", table, plural(outcome.rows, "row"),
                           format_bytes(outcome.bytes), format_seconds(outcome.seconds)),
               {{"export", table}, {"rows", outcome.rows}, {"bytes", outcome.bytes}, {"seconds", outcome.seconds}});
  }
}

void write_summary(const ExportResult& result, const std::string& path) {
  nlohmann::ordered_json all{{"destination", result.destination}, {"exports", nlohmann::ordered_json::array()}};
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    const ExportOutcome& outcome = result.outcomes[i];
    nlohmann::ordered_json one{{"table", result.file.exports[i].table},
                               {"path", result.file.exports[i].path},
                               {"state", outcome.error ? "failed" : "complete"},
                               {"rows", outcome.rows},
                               {"bytes", outcome.bytes},
                               {"seconds", outcome.seconds}};
    for (const StagedFile& file : outcome.files)
      one["files"].push_back(
          {{"path", file.name}, {"rows", file.rows}, {"bytes", file.bytes}, {"xxh3_128", file.digest}});
    if (outcome.error)
      one["error"] = {{"class", outcome.error->exit_code()},
                      {"kind", to_string(outcome.error->kind())},
                      {"subject", masked(outcome.error->subject())},
                      {"message", masked(outcome.error->message())},
                      {"hint", masked(outcome.error->hint())}};
    all["exports"].push_back(std::move(one));
  }
  std::ofstream file(path, std::ios::trunc);
  file << all.dump(1) << "\n";
  if (!file.flush()) throw Error(ErrorKind::retryable, "the summary cannot be written", path);
}

int exit_code(const ExportResult& result) {
  for (const ExportOutcome& outcome : result.outcomes)
    if (outcome.error) return outcome.error->exit_code();
  return 0;
}

}  // namespace pulk
