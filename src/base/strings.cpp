#include "base/strings.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace pulk {

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\f\v");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\f\v") - first + 1);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool iequals(std::string_view a, std::string_view b) { return to_lower(a) == to_lower(b); }

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const auto end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  text = trim(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  const std::string unit = to_lower(trim(text.substr(static_cast<std::size_t>(end - text.data()))));
  double factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  else if (unit == "k" || unit == "kib" || unit == "ki") factor = 1024.0;
  else if (unit == "m" || unit == "mib" || unit == "mi") factor = 1024.0 * 1024;
  else if (unit == "g" || unit == "gib" || unit == "gi") factor = 1024.0 * 1024 * 1024;
  else if (unit == "t" || unit == "tib" || unit == "ti") factor = 1024.0 * 1024 * 1024 * 1024;
  else if (unit == "kb") factor = 1e3;
  else if (unit == "mb") factor = 1e6;
  else if (unit == "gb") factor = 1e9;
  else if (unit == "tb") factor = 1e12;
  else return std::nullopt;
  const double bytes = number * factor;
  if (bytes > 9e18) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(bytes));
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (std::abs(value) >= 1024 && unit < 5) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string format_count(std::int64_t n) {
  std::string digits = std::to_string(n < 0 ? -n : n);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), ",");
  return n < 0 ? "-" + digits : digits;
}

std::string plural(std::int64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(n), noun, n == 1 ? "" : "s");
}

std::string format_seconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} m", whole / 3600, whole / 60 % 60);
}

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string wanted = to_lower(word);
  std::size_t best = wanted.size() / 3 + 2;  // more changes than this is another word, not a typing error
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    const std::string other = to_lower(candidate);
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= wanted.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= other.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (wanted[i - 1] == other[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    if (row.back() < best) {
      best = row.back();
      found = candidate;
    }
  }
  return found;
}

std::string sql_literal(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

bool valid_utf8(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = p + bytes.size();
  const auto continuation = [&](int n) { return p + n < end && (p[n] & 0xC0) == 0x80; };
  while (p < end) {
    if (*p < 0x80) {
      ++p;
    } else if (*p >= 0xC2 && *p <= 0xDF) {
      if (!continuation(1)) return false;
      p += 2;
    } else if (*p >= 0xE0 && *p <= 0xEF) {
      if (!continuation(1) || !continuation(2)) return false;
      if (*p == 0xE0 && p[1] < 0xA0) return false;
      if (*p == 0xED && p[1] > 0x9F) return false;
      p += 3;
    } else if (*p >= 0xF0 && *p <= 0xF4) {
      if (!continuation(1) || !continuation(2) || !continuation(3)) return false;
      if (*p == 0xF0 && p[1] < 0x90) return false;
      if (*p == 0xF4 && p[1] > 0x8F) return false;
      p += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string xxh128_hex(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string new_run_id() {
  std::uint16_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random)
    random = static_cast<std::uint16_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y%m%d-%H%M%S}-{:04x}", fmt::gmtime(now), random);
}

std::string utc_now() { return utc_ago(0); }

std::string utc_ago(double seconds) {
  const auto now = std::chrono::system_clock::now() - std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms);
}

}  // namespace pulk
