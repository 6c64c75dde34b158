// Small text helpers that several rooms need. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pulk {

std::string to_lower(std::string_view text);  // ASCII only: SQL keywords and folded identifiers
std::string to_upper(std::string_view text);
std::string_view trim(std::string_view text);
bool contains(std::string_view text, std::string_view part);
bool iequals(std::string_view a, std::string_view b);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);

// "512MiB", "1.5GB", "64k" (binary unless the unit ends in plain "B": kB MB GB are powers of 1000), plain bytes.
std::optional<std::int64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::int64_t bytes);  // "12.3 MiB"
std::string format_count(std::int64_t n);      // "6,001,215"
std::string plural(std::int64_t n, std::string_view noun);  // "1 row", "1,234 rows"
std::string format_seconds(double seconds);    // "0.8 s", "2 m 05 s"

// The candidate nearest to `word` by edit distance, when it is near enough to be a likely typing error.
std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// 'text' with single quotes doubled: an SQL string literal where backslashes are plain characters.
std::string sql_literal(std::string_view text);

// True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF, no overlong forms).
bool valid_utf8(std::string_view bytes);

std::string hex(std::string_view bytes);  // two lower-case digits a byte

// 128-bit XXH3 of the text as 32 lower-case hex digits. For identities and digests, not for secrets.
std::string xxh128_hex(std::string_view bytes);

// A new run id: UTC time and 4 random hex digits, e.g. "20261121-024501-9f3c". Sorts by time.
std::string new_run_id();
// Now, UTC, "2026-11-21T02:45:01.123Z".
std::string utc_now();
std::string utc_ago(double seconds);

}  // namespace pulk
