// Logging to stderr: one line per state change, as text for people or as NDJSON (`--log-format json`). A live status
// line, when there is one, is cleared before a log line and drawn again after it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pulk {

enum class LogLevel { debug, info, warning, error };

// A named value of an event; numbers stay numbers in NDJSON.
struct LogField {
  std::string_view name;
  std::variant<std::string, std::int64_t, double, bool> value;
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  bool json = false;
  bool color = false;
  bool dated = false;  // text as "2026-11-21 18:00:00 - INFO - message", without color
};

void configure_log(const LogOptions& options);
const LogOptions& log_options();

// `message` is for people and says everything in text form; `fields` appear in NDJSON only.
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
inline void log_debug(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::debug, m, f); }
inline void log_info(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::info, m, f); }
inline void log_warning(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::warning, m, f); }
inline void log_error(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::error, m, f); }

// Replaces the live status line ("" removes it), cut to the terminal's width. Only for terminals; the caller decides
// that there is one.
void set_status_line(std::string text);

}  // namespace pulk
