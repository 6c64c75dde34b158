// Hand-made bytes of PostgreSQL's binary COPY.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pulk::test {

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>((value >> (8 * i)) & 0xff);
  return text;
}

inline std::string wire_numeric(const std::vector<int>& digits, int weight, int sign, int display_scale) {
  std::string text = big_endian(digits.size(), 2) + big_endian(static_cast<std::uint64_t>(weight) & 0xffff, 2) +
                     big_endian(static_cast<std::uint64_t>(sign), 2) +
                     big_endian(static_cast<std::uint64_t>(display_scale), 2);
  for (const int digit : digits) text += big_endian(static_cast<std::uint64_t>(digit), 2);
  return text;
}

inline std::string wire_header() { return std::string("PGCOPY\n\377\r\n\0", 11) + big_endian(0, 4) + big_endian(0, 4); }
inline std::string wire_trailer() { return big_endian(0xffff, 2); }
inline std::string wire_cell(const std::string& bytes) { return big_endian(bytes.size(), 4) + bytes; }
inline std::string wire_null() { return big_endian(0xffffffff, 4); }
inline std::string wire_row(const std::vector<std::string>& cells) {
  std::string text = big_endian(cells.size(), 2);
  for (const std::string& cell : cells) text += cell;
  return text;
}

}  // namespace pulk::test
