// Numbers as PostgreSQL's binary format writes them: big-endian. Unaligned reads.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace pulk::postgres {

static_assert(std::endian::native == std::endian::little, "Arrow buffers and this decoder assume little-endian");

inline std::uint16_t read_u16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}
inline std::uint32_t read_u32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
inline std::uint64_t read_u64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}
inline std::int16_t read_i16(const std::uint8_t* at) { return static_cast<std::int16_t>(read_u16(at)); }
inline std::int32_t read_i32(const std::uint8_t* at) { return static_cast<std::int32_t>(read_u32(at)); }
inline std::int64_t read_i64(const std::uint8_t* at) { return static_cast<std::int64_t>(read_u64(at)); }

}  // namespace pulk::postgres
