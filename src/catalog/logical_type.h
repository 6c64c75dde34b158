// The closed set of value types that pulk understands, between the native types of sources and of targets, and the
// carriers: how a value travels in Arrow and Parquet. Pure values, no Arrow header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pulk {

enum class TypeKind {
  boolean,
  int16,
  int32,
  int64,
  float32,
  float64,
  decimal,       // precision, scale; precision 0: any number of digits (PostgreSQL's unconstrained numeric)
  text,          // length in characters, 0: no limit
  bytes,         // length in bytes, 0: no limit
  date,          // proleptic Gregorian day
  time,          // time of day, no zone; precision = fractional digits
  timestamp,     // wall clock, no zone; precision = fractional digits
  timestamp_tz,  // an instant; precision = fractional digits
  timestamp_offset,  // an instant and the offset of the clock that it was read from; precision = fractional digits
  uuid,
  json,
};

struct LogicalType {
  TypeKind kind = TypeKind::text;
  int precision = 0;
  int scale = 0;
  std::int64_t length = 0;

  bool operator==(const LogicalType&) const = default;
};

// "decimal(10,2)", "text", "timestamp(6)": for plans and messages.
std::string to_string(const LogicalType& type);
std::optional<LogicalType> parse_logical_type(std::string_view text);  // the inverse of to_string

// How a column travels. The meaning is fixed by the name; decimal takes precision and scale.
enum class CarrierKind {
  boolean,
  int16,
  int32,
  int64,
  float32,
  float64,
  decimal128,      // Arrow decimal128(precision, scale), 1 <= precision <= 38, 0 <= scale <= precision
  utf8,            // the value itself, or its canonical text where the logical type is not text
  binary,
  date32,          // days since 1970-01-01
  time64_us,       // microseconds since midnight
  time64_ns,       // nanoseconds since midnight
  timestamp_us,    // microseconds since 1970-01-01 00:00, wall clock
  timestamp_us_utc,// microseconds since the epoch, an instant
  timestamp_ns,    // nanoseconds since 1970-01-01 00:00, wall clock: 1677 to 2262 only
  uuid,            // 16 bytes, Parquet's UUID
  json,            // UTF-8, Parquet's JSON
};

struct Carrier {
  CarrierKind kind = CarrierKind::utf8;
  int precision = 0;
  int scale = 0;

  bool operator==(const Carrier&) const = default;
};

std::string to_string(const Carrier& carrier);  // "decimal128(10,2)"
std::optional<Carrier> parse_carrier(std::string_view text);

// The carrier that holds every value of the type exactly. Text where none does: decimals without precision or with more
// than 38 digits, moments with an offset, and those with more than 6 fractional digits (catalog/moment_text.h), because
// 64 bits of nanoseconds end in 2262.
Carrier natural_carrier(const LogicalType& type);

// Bytes that one value of fixed width takes in memory; 0 for variable width.
int fixed_width(const Carrier& carrier);

}  // namespace pulk
