#include "exporter/export_run.h"

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "exporter/file_writer.h"
#include "exporter/unpublished_files.h"

namespace pulk {
namespace {

using Clock = std::chrono::steady_clock;

// Two row groups, the driver's queue of results, and the text of what is encoded.
constexpr std::int64_t kEncodingMemory = 96LL << 20;

// Files of a folder are pulk's own to replace when they are named like this.
constexpr std::string_view kPart = "part-";
constexpr std::string_view kManifest = "_manifest.json", kSuccess = "_SUCCESS";

class ExportRun {
 public:
  ExportRun(const ExportEntry& entry, ExportSource& source, Unloader* unloader, Destination& destination,
            const ExportRunOptions& options, CancelToken& cancel)
      : entry_(entry),
        source_(source),
        unloader_(unloader),
        destination_(destination),
        options_(options),
        cancel_(cancel),
        run_(new_run_id()) {}

  ExportOutcome run() {
    const auto start = Clock::now();
    ExportOutcome outcome;
    for (int attempt = 1;; ++attempt) {
      try {
        cancel_.check();
        attempt_once(outcome);
        outcome.error.reset();
        break;
      } catch (const Error& error) {
        outcome.error = error;
        if (error.kind() != ErrorKind::retryable || attempt >= options_.tries || cancel_.cancelled()) break;
        say(LogLevel::warning, "trying again: " + std::string(error.message()));
        pause(attempt);
      } catch (const std::bad_alloc&) {
        outcome.error =
            Error(ErrorKind::retryable, "out of memory", entry_.table, "lower --parallel or raise --memory");
        break;
      } catch (const std::exception& error) {
        outcome.error = Error(ErrorKind::internal, error.what(), entry_.table);
        break;
      }
    }
    outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return outcome;
  }

 private:
  bool folder() const { return entry_.path.ends_with('/'); }

  void say(LogLevel level, const std::string& text) const {
    log(level, (options_.name_each ? entry_.table + ": " : "") + text, {{"export", entry_.table}});
  }

  void pause(int attempt) const {
    for (int i = 0; i < 10 * attempt && !cancel_.cancelled(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  void attempt_once(ExportOutcome& outcome) {
    outcome = {};
    check_existing();
    destination_.remove_left(entry_.path);
    say(LogLevel::info, "Fetching data for " + entry_.table);
    if (entry_.road == ExportRoad::unload)
      unload(outcome);
    else
      stream(entry_, outcome);
    say(LogLevel::info, "Export complete: " + destination_.url_of(entry_.path));
  }

  void stream(const ExportEntry& entry, ExportOutcome& outcome) {
    try {
      write(entry, outcome, false);
    } catch (const MomentDoesNotFit&) {
      say(LogLevel::info, "a moment lies outside of the years 1678 to 2261: reading once more, with another carrier");
      outcome = {};
      write(entry, outcome, true);
    }
  }

  void unload(ExportOutcome& outcome) {
    const Unloader::Plan plan = unloader_->plan(entry_);
    for (const std::string& note : plan.shape.notes) say(LogLevel::debug, note);
    if (folder()) destination_.remove(entry_.path + std::string(kSuccess));
    const std::string path = folder() ? entry_.path + std::string(kPart) + run_ : entry_.path;
    say(LogLevel::info, "Exporting to " + entry_.path);
    std::vector<StagedFile> files;
    try {
      files = unloader_->unload(entry_, plan, path);
    } catch (...) {
      if (folder()) take_back_below(path);
      throw;
    }
    for (const StagedFile& file : files) {
      outcome.rows += file.rows;
      outcome.bytes += file.bytes;
    }
    if (files.empty()) {
      // The warehouse makes no file when there are no rows: an older one would stay and be taken for this one.
      ExportEntry same_columns = entry_;
      same_columns.query = plan.query;
      stream(same_columns, outcome);
      return;
    }
    say(LogLevel::info, fmt::format("Fetched {} rows", outcome.rows));
    outcome.files = std::move(files);
    if (folder()) finish_folder(outcome);
  }

  void check_existing() {
    if (!entry_.refuse_existing) return;
    const bool there = folder() ? !destination_.list(entry_.path).empty() : destination_.find(entry_.path).has_value();
    if (there)
      throw Error(ErrorKind::refused, "there is something already, and if_exists is refuse",
                  destination_.url_of(entry_.path), "remove it, or write if_exists: overwrite");
  }

  std::string path_of(const std::string& below, int number) const {
    if (!folder()) return entry_.path;
    return fmt::format("{}{}{}{}-{:05}{}", entry_.path, below, kPart, run_, number, file_ending(entry_));
  }

  void write(const ExportEntry& entry, ExportOutcome& outcome, bool exact_moments) {
    std::vector<std::string> paths;
    {
      UnpublishedFiles files;
      write_files(entry, outcome, exact_moments, paths, files);
      publish(files, paths);
    }
    if (folder()) finish_folder(outcome);
  }

  void publish(UnpublishedFiles& files, const std::vector<std::string>& paths) {
    step("export.sealed");
    cancel_.check();
    // Whoever waits for the marker does not read while old and new files are side by side.
    if (folder()) destination_.remove(entry_.path + std::string(kSuccess));
    try {
      files.publish();
    } catch (...) {
      if (folder()) take_back(paths);
      throw;
    }
  }

  void take_back(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      try {
        destination_.remove(path);
      } catch (const Error& error) {
        say(LogLevel::warning,
            "a file of the failed export stays: " + destination_.url_of(path) + ": " + error.message());
      }
    }
  }

  void take_back_below(const std::string& path) {
    try {
      std::vector<std::string> paths;
      for (const Destination::Found& found : destination_.list(path)) paths.push_back(found.path);
      take_back(paths);
    } catch (const Error& error) {
      say(LogLevel::warning, "files of the failed export may stay: " + destination_.url_of(path) + ": " + error.message());
    }
  }

  // All rows, in files that nobody sees yet.
  void write_files(const ExportEntry& entry, ExportOutcome& outcome, bool exact_moments,
                   std::vector<std::string>& paths, UnpublishedFiles& unpublished) {
    const auto rows = source_.open(entry, exact_moments);
    const auto create = [&](const std::string& below, int number) {
      paths.push_back(path_of(below, number));
      return unpublished.hold(destination_.create(paths.back(), content_type(entry_)));
    };
    // Behind the rows in the file, before them in time: what is unfinished goes before the session does.
    const auto writer = make_file_writer(entry_, rows->schema(), create, arrow::default_memory_pool());
    while (auto batch = rows->next()) {
      outcome.rows += batch->num_rows();
      writer->write(std::move(batch));
      cancel_.check();
    }
    say(LogLevel::info, fmt::format("Fetched {} rows", outcome.rows));
    say(LogLevel::info, "Exporting to " + entry_.path);
    std::vector<StagedFile> files = writer->finish();
    std::int64_t written = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
      files[i].name = paths.at(i);
      written += files[i].rows;
      outcome.bytes += files[i].bytes;
    }
    if (written != outcome.rows)
      throw Error(ErrorKind::integrity, fmt::format("{} rows were read, {} were written", outcome.rows, written),
                  destination_.url_of(entry_.path));
    outcome.files = std::move(files);
  }

  // The new manifest before the old files go: what a manifest lists is always there. From the manifest on nothing is
  // taken back, because old files may be gone.
  void finish_folder(const ExportOutcome& outcome) {
    step("export.published");
    if (entry_.manifest)
      put_text(destination_, entry_.path + std::string(kManifest), manifest(outcome), "application/json");
    else
      destination_.remove(entry_.path + std::string(kManifest));
    step("export.manifest");
    try {
      remove_old(outcome);
    } catch (const Error& error) {
      throw Error(error.kind(), "the new files are there, and old ones stay beside them: " + error.message(),
                  error.subject(), error.hint());
    }
    step("export.cleaned");
    if (entry_.manifest) put_text(destination_, entry_.path + std::string(kSuccess), "", "application/octet-stream");
  }

  void remove_old(const ExportOutcome& outcome) {
    std::set<std::string> made;
    for (const StagedFile& file : outcome.files) made.insert(file.name);
    for (const Destination::Found& found : destination_.list(entry_.path)) {
      const std::string name = found.path.substr(found.path.rfind('/') + 1);
      if (name.starts_with(kPart) && !made.contains(found.path)) destination_.remove(found.path);
    }
  }

  std::string manifest(const ExportOutcome& outcome) const {
    nlohmann::ordered_json manifest{{"table", entry_.table},
                                    {"format", to_string(entry_.type)},
                                    {"run", run_},
                                    {"written", utc_now()},
                                    {"rows", outcome.rows},
                                    {"bytes", outcome.bytes},
                                    {"files", nlohmann::ordered_json::array()}};
    for (const StagedFile& file : outcome.files) {
      nlohmann::ordered_json one{
          {"path", file.name.substr(entry_.path.size())}, {"rows", file.rows}, {"bytes", file.bytes}};
      if (!file.digest.empty()) one["xxh3_128"] = file.digest;
      manifest["files"].push_back(std::move(one));
    }
    return manifest.dump(1) + "\n";
  }

  const ExportEntry& entry_;
  ExportSource& source_;
  Unloader* const unloader_;
  Destination& destination_;
  const ExportRunOptions& options_;
  CancelToken& cancel_;
  const std::string run_;
};

}  // namespace

std::int64_t export_memory(const Destination& destination) { return kEncodingMemory + destination.open_file_memory(); }

std::vector<ExportOutcome> run_exports(const ExportFile& file, ExportSource& source, Unloader* unloader,
                                       Destination& destination, const ExportRunOptions& options,
                                       CancelToken& cancel) {
  std::vector<ExportOutcome> outcomes(file.exports.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < file.exports.size();)
      outcomes[i] = ExportRun(file.exports[i], source, unloader, destination, options, cancel).run();
  };
  const std::int64_t fitting = std::max<std::int64_t>(1, options.memory / export_memory(destination));
  const auto lanes = static_cast<std::size_t>(
      std::min<std::int64_t>({options.parallel, fitting, static_cast<std::int64_t>(file.exports.size())}));
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < lanes; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

}  // namespace pulk
