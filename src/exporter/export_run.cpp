#include "exporter/export_run.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "engine/counting_pool.h"
#include "exporter/export_folder.h"
#include "exporter/file_writer.h"
#include "exporter/unpublished_files.h"

namespace pulk {
namespace {

using Clock = std::chrono::steady_clock;

// Two row groups, the driver's queue of results, and the text of what is encoded.
constexpr std::int64_t kEncodingMemory = 96LL << 20;

constexpr std::chrono::seconds kQuiet{10};

class ExportRun {
 public:
  ExportRun(const ExportEntry& entry, ExportSource& source, Unloader* unloader, Destination& destination,
            const ExportRunOptions& options, CancelToken& cancel)
      : entry_(entry),
        source_(source),
        unloader_(unloader),
        destination_(destination),
        options_(options),
        cancel_(cancel) {}

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
        if (cancel_.cancelled())
          outcome.error = Error(error.kind(), "interrupted", error.subject(), "run the same command again: it begins anew");
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
    folder_.emplace(entry_, destination_, new_run_id());
    // Of files that the warehouse writes pulk needs no right to write.
    if (entry_.road != ExportRoad::unload || folder()) destination_.check(entry_.path);
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
    if (folder()) folder_->begin();
    const std::string path = folder() ? folder_->beginning() : entry_.path;
    say(LogLevel::info, "Exporting to " + entry_.path);
    std::vector<StagedFile> files;
    try {
      files = unloader_->unload(entry_, plan, path);
      if (folder() && !files.empty()) folder_->prepare(files);
    } catch (const Error& error) {
      // Only what the service itself refused has certainly come to its end there.
      const bool may_go_on = error.kind() == ErrorKind::retryable || cancel_.cancelled();
      if (folder()) folder_->take_back_below(path, may_go_on);
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
      try {
        stream(same_columns, outcome);
      } catch (...) {
        if (folder()) folder_->take_back({});
        throw;
      }
      return;
    }
    say(LogLevel::info, fmt::format("Fetched {} rows", outcome.rows));
    outcome.files = std::move(files);
    if (folder()) folder_->finish(outcome.files);
  }

  void check_existing() {
    // What an earlier attempt may have left is this export's own.
    if (!entry_.refuse_existing || std::exchange(looked_, true)) return;
    const bool there = folder() ? !destination_.list(entry_.path).empty() : destination_.find(entry_.path).has_value();
    if (there)
      throw Error(ErrorKind::refused, "there is something already, and if_exists is refuse",
                  destination_.url_of(entry_.path), "remove it, or write if_exists: overwrite");
  }

  void write(const ExportEntry& entry, ExportOutcome& outcome, bool exact_moments) {
    std::vector<std::string> paths;
    {
      UnpublishedFiles files;
      write_files(entry, outcome, exact_moments, paths, files);
      if (folder()) folder_->prepare(outcome.files);
      publish(files, paths);
    }
    if (folder()) folder_->finish(outcome.files);
  }

  void publish(UnpublishedFiles& files, const std::vector<std::string>& paths) {
    step("export.sealed");
    cancel_.check();
    if (folder()) folder_->begin();
    try {
      files.publish();
    } catch (...) {
      if (folder()) folder_->take_back(paths);
      throw;
    }
  }

  // All rows, in files that nobody sees yet.
  void write_files(const ExportEntry& entry, ExportOutcome& outcome, bool exact_moments,
                   std::vector<std::string>& paths, UnpublishedFiles& unpublished) {
    const auto rows = source_.open(entry, exact_moments);
    const auto create = [&](const std::string& below, int number) {
      paths.push_back(folder() ? folder_->path_of(below, number) : entry_.path);
      return unpublished.hold(destination_.create(paths.back(), content_type(entry_)));
    };
    // Behind the rows in the file, before them in time: what is unfinished goes before the session does.
    const auto writer = make_file_writer(entry_, rows->schema(), create, counting_pool());
    auto said = Clock::now();
    while (auto batch = rows->next()) {
      outcome.rows += batch->num_rows();
      writer->write(std::move(batch));
      cancel_.check();
      if (Clock::now() - said < kQuiet) continue;
      said = Clock::now();
      say(LogLevel::info, fmt::format("Fetched {} rows so far", outcome.rows));
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

  const ExportEntry& entry_;
  ExportSource& source_;
  Unloader* const unloader_;
  Destination& destination_;
  const ExportRunOptions& options_;
  CancelToken& cancel_;
  bool looked_ = false;
  std::optional<ExportFolder> folder_;  // of this attempt: what an earlier one left has other names
};

}  // namespace

std::int64_t export_memory(const Destination& destination) { return kEncodingMemory + destination.open_file_memory(); }

std::vector<ExportOutcome> run_exports(const ExportFile& file, ExportSource& source, Unloader* unloader,
                                       Destination& destination, const ExportRunOptions& options, CancelToken& cancel) {
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
