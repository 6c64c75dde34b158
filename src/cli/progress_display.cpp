#include "cli/progress_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "base/log.h"
#include "base/strings.h"
#include "engine/progress.h"

namespace pulk {

namespace {

// Rates over a sliding window, so that the display shows what is happening now.
struct Sample {
  std::int64_t rows = 0, bytes = 0;
  std::chrono::steady_clock::time_point at;
};

}  // namespace

ProgressDisplay::ProgressDisplay(const Progress& progress) : progress_(progress), thread_([this] { main(); }) {}

ProgressDisplay::~ProgressDisplay() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  set_status_line("");
}

void ProgressDisplay::main() {
  const LogOptions& options = log_options();
  if (options.level > LogLevel::info) return;
  const bool live = ::isatty(STDERR_FILENO) != 0 && !options.json;
  const auto interval = live ? std::chrono::milliseconds(250) : std::chrono::milliseconds(10'000);
  Sample last{0, 0, std::chrono::steady_clock::now()};
  double rows_rate = 0, bytes_rate = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, interval, [this] { return stop_; })) {
    const Sample now{progress_.lanes.rows, progress_.lanes.bytes, std::chrono::steady_clock::now()};
    const double seconds = std::chrono::duration<double>(now.at - last.at).count();
    const double weight = live ? 0.2 : 1.0;
    rows_rate += weight * (static_cast<double>(now.rows - last.rows) / seconds - rows_rate);
    bytes_rate += weight * (static_cast<double>(now.bytes - last.bytes) / seconds - bytes_rate);
    last = now;
    const std::int64_t expected = progress_.rows_expected;
    const double done = expected > 0 ? static_cast<double>(now.rows) / static_cast<double>(expected) : 0;
    std::string text = fmt::format("{}/{} tables  {}/{} partitions  {} rows read, {} {}  {} rows/s  {}/s",
                                   progress_.tables_done.load(), progress_.tables.load(),
                                   progress_.partitions_done.load(), progress_.partitions.load(),
                                   format_count(now.rows), format_count(progress_.rows_loaded),
                                   progress_.comparing ? "read back" : "loaded",
                                   format_count(static_cast<std::int64_t>(rows_rate)),
                                   format_bytes(static_cast<std::int64_t>(bytes_rate)));
    // The number of rows is the catalog's estimate: shown as such, and not beyond its end.
    if (expected > 0 && done <= 1 && rows_rate > 1)
      text += fmt::format("  ~{:.0f} %, ETA {}", 100 * done,
                          format_seconds(static_cast<double>(expected - now.rows) / rows_rate));
    if (const std::int64_t since = progress_.snapshot_since; since >= 0) {
      const auto clock = std::chrono::duration_cast<std::chrono::seconds>(now.at.time_since_epoch()).count();
      text += fmt::format("  snapshot {} old", format_seconds(static_cast<double>(clock - since)));
    }
    if (live) {
      set_status_line(text);
    } else {
      log_info(text, {{"event", "progress"},
                      {"rows_read", now.rows},
                      {"rows_loaded", progress_.rows_loaded.load()},
                      {"rows_per_second", rows_rate},
                      {"bytes_per_second", bytes_rate},
                      {"tables_done", std::int64_t{progress_.tables_done.load()}},
                      {"tables", std::int64_t{progress_.tables.load()}}});
    }
  }
}

}  // namespace pulk
