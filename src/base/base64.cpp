#include "base/base64.h"

#include <string.h>

#include <cstdint>
#include <string>

namespace pulk {
namespace {

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

bool is_space(char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

}  // namespace

std::optional<Secret> decoded_base64(std::string_view text) {
  std::string bytes;
  // Never moved while it grows: what is left behind would not be wiped.
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t group = 0;
  int digits = 0, padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = value_of(c);
    if (value < 0 || padding > 0) return std::nullopt;
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (++digits % 4 != 0) continue;
    for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<char>(group >> shift & 0xFF));
    group = 0;
  }
  const int rest = digits % 4;
  if (rest == 1 || padding != (4 - rest) % 4) return std::nullopt;
  if (rest == 2) bytes.push_back(static_cast<char>(group >> 4 & 0xFF));
  if (rest == 3)
    for (const int shift : {10, 2}) bytes.push_back(static_cast<char>(group >> shift & 0xFF));
  Secret decoded(bytes);
  explicit_bzero(bytes.data(), bytes.size());
  return decoded;
}

}  // namespace pulk
