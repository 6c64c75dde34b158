#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/log_mask.h"
#include "base/strings.h"

namespace pulk {

namespace {

std::mutex mutex;
LogOptions options;
std::string status_line;

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "info";
}

std::string_view color_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "\033[2m";
    case LogLevel::info: return "";
    case LogLevel::warning: return "\033[33m";
    case LogLevel::error: return "\033[31m";
  }
  return "";
}

// One write per line, so that lines of several threads and processes never mix.
void write_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

void configure_log(const LogOptions& wanted) {
  std::lock_guard lock(mutex);
  options = wanted;
}

const LogOptions& log_options() { return options; }

void log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
  if (level < options.level) return;
  const std::string message = masked(std::string(text));
  std::string line;
  if (options.json) {
    nlohmann::ordered_json event;
    event["time"] = utc_now();
    event["level"] = name_of(level);
    event["message"] = message;
    for (const LogField& field : fields)
      if (const auto* value = std::get_if<std::string>(&field.value))
        event[std::string(field.name)] = masked(*value);
      else
        std::visit([&](const auto& other) { event[std::string(field.name)] = other; }, field.value);
    line = event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  } else if (options.dated) {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    line = fmt::format("{:%Y-%m-%d %H:%M:%S} - {} - {}\n", fmt::localtime(now), to_upper(name_of(level)), message);
  } else {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const std::string_view mark =
        level == LogLevel::warning ? "warning: " : level == LogLevel::error ? "error: " : "";
    line = fmt::format("{:%H:%M:%S} {}{}{}{}\n", fmt::localtime(now), options.color ? color_of(level) : "", mark,
                       message, options.color && !color_of(level).empty() ? "\033[0m" : "");
  }
  std::lock_guard lock(mutex);
  if (!status_line.empty()) line = "\r\033[K" + line + status_line;
  write_stderr(line);
}

void set_status_line(std::string text) {
  std::lock_guard lock(mutex);
  if (text.empty() && status_line.empty()) return;
  // A line that wraps could not be drawn over again.
  text.resize(std::min(text.size(), terminal_width() - 1));
  status_line = std::move(text);
  write_stderr("\r\033[K" + status_line);
}

}  // namespace pulk
