#include "validation/cell.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/moment_text.h"

namespace pulk {

namespace {

constexpr std::size_t kMostShown = 60;

std::shared_ptr<arrow::Array> storage_of(std::shared_ptr<arrow::Array> array) {
  if (array->type_id() != arrow::Type::EXTENSION) return array;
  return static_cast<const arrow::ExtensionArray&>(*array).storage();
}

std::int64_t nanoseconds_per(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND: return 1'000'000'000;
    case arrow::TimeUnit::MILLI: return 1'000'000;
    case arrow::TimeUnit::MICRO: return 1'000;
    case arrow::TimeUnit::NANO: return 1;
  }
  return 1;
}

Int128 int128_of(const arrow::Decimal128& value) {
  return static_cast<Int128>((static_cast<UInt128>(static_cast<std::uint64_t>(value.high_bits())) << 64) |
                             value.low_bits());
}

// 16 bytes in the order of their text.
Int128 uuid_of(const std::uint8_t* bytes) {
  UInt128 value = 0;
  for (int i = 0; i < 16; ++i) value = (value << 8) | bytes[i];
  return static_cast<Int128>(value);
}

std::optional<Int128> uuid_of_text(std::string_view text) {
  UInt128 value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0 || ++digits > 32) return std::nullopt;
    value = (value << 4) | static_cast<unsigned>(digit);
  }
  if (digits != 32) return std::nullopt;
  return static_cast<Int128>(value);
}

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

}  // namespace

int compare(Meaning meaning, const Cell& a, const Cell& b) {
  if (a.null || b.null) return sign(!a.null, !b.null);
  switch (meaning) {
    case Meaning::real:
      if (std::isnan(a.real) || std::isnan(b.real)) return sign(!std::isnan(a.real), !std::isnan(b.real));
      return sign(a.real < b.real, a.real > b.real);
    case Meaning::text:
    case Meaning::bytes: {
      const int order = a.bytes.compare(b.bytes);
      return sign(order < 0, order > 0);
    }
    case Meaning::uuid: return sign(static_cast<UInt128>(a.number) < static_cast<UInt128>(b.number),
                                    static_cast<UInt128>(a.number) > static_cast<UInt128>(b.number));
    case Meaning::number:
      // What 128 bits do not hold is on one side only: any order will do.
      if (!a.bytes.empty() || !b.bytes.empty()) return sign(a.bytes < b.bytes, a.bytes > b.bytes);
      break;
    default: break;
  }
  return sign(a.number < b.number, a.number > b.number);
}

namespace {

std::string date_text(Int128 day) {
  // Days to a proleptic Gregorian date, over eras of 400 years that begin with March.
  const auto days = static_cast<std::int64_t>(day) + 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t of_era = days - era * 146'097;
  const std::int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * of_year + 2) / 153;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const std::int64_t dom = of_year - (153 * shifted + 2) / 5 + 1;
  if (year > 0) return fmt::format("{:04}-{:02}-{:02}", year, month, dom);
  return fmt::format("{:04}-{:02}-{:02} BC", 1 - year, month, dom);
}

std::string time_text(std::int64_t nanoseconds) {
  const std::int64_t seconds = nanoseconds / 1'000'000'000, fraction = nanoseconds % 1'000'000'000;
  std::string text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (fraction == 0) return text;
  text += fmt::format(".{:09}", fraction);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string moment_text(Int128 nanoseconds) {
  Int128 day = nanoseconds / kNanosecondsPerDay, rest = nanoseconds % kNanosecondsPerDay;
  if (rest < 0) {
    rest += kNanosecondsPerDay;
    --day;
  }
  std::string date = date_text(day);
  const bool before_christ = date.ends_with(" BC");
  if (before_christ) date.resize(date.size() - 3);
  return date + " " + time_text(static_cast<std::int64_t>(rest)) + (before_christ ? " BC" : "");
}

std::string quoted(const KeptCell& cell) {
  std::string out = "'";
  std::size_t shown = std::min(cell.bytes.size(), kMostShown);
  while (shown > 0 && shown < cell.bytes.size() && (static_cast<unsigned char>(cell.bytes[shown]) & 0xC0) == 0x80)
    --shown;
  for (const char c : std::string_view(cell.bytes).substr(0, shown)) {
    if (c == '\'') out += "''";
    else if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else out += c;
  }
  return out + (cell.cut || shown < cell.bytes.size() ? "'..." : "'");
}

std::string hexadecimal(const KeptCell& cell) {
  const std::size_t shown = std::min(cell.bytes.size(), kMostShown / 2);
  return "\\x" + hex(std::string_view(cell.bytes).substr(0, shown)) + (cell.cut || shown < cell.bytes.size() ? "..." : "");
}

}  // namespace

ComparedColumn compared_column(const ColumnPlan& column, const StoredType& stored) {
  ComparedColumn compared{column.target_name, stored.meaning, stored.scale, stored.single};
  if (stored.meaning == Meaning::number && column.carrier.kind == CarrierKind::decimal128)
    compared.scale = std::max(stored.scale, column.carrier.scale);
  if (stored.meaning == Meaning::real && column.carrier.kind == CarrierKind::float32) compared.single = true;
  return compared;
}

KeptCell keep(const Cell& cell, std::size_t most_bytes) {
  KeptCell kept{cell.null, cell.number, cell.real, std::string(cell.bytes.substr(0, most_bytes)), false};
  kept.cut = cell.bytes.size() > most_bytes;
  return kept;
}

Cell view(const KeptCell& cell) { return {cell.null, cell.number, cell.real, cell.bytes}; }

CellReader::CellReader(const ComparedColumn& column, std::shared_ptr<arrow::Array> array)
    : column_(column), array_(storage_of(std::move(array))) {}

void CellReader::misfit() const {
  throw Error(ErrorKind::refused,
              fmt::format("{} cannot be compared as {}", array_->type()->ToString(), to_string(column_.meaning)),
              "column " + column_.name);
}

// Numbers of one column stand as multiples of the same unit. One that leaves 128 bits is in its own digits: the other
// side, whose unit that is, cannot have it.
void CellReader::scaled(Int128 value, int scale, Cell& cell) {
  Int128 result = value;
  for (int i = scale; i < column_.scale; ++i) {
    if (!__builtin_mul_overflow(result, Int128{10}, &result)) continue;
    const auto bits = static_cast<UInt128>(value);
    scratch_ = arrow::Decimal128(static_cast<std::int64_t>(bits >> 64), static_cast<std::uint64_t>(bits)).ToString(scale);
    cell.bytes = scratch_;
    return;
  }
  cell.number = result;
}

// An integer as text: what DuckDB's UHUGEINT arrives as.
void CellReader::parsed(std::string_view text, Cell& cell) {
  Int128 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') misfit();
    if (__builtin_mul_overflow(value, Int128{10}, &value) || __builtin_add_overflow(value, Int128{c - '0'}, &value)) {
      cell.bytes = text;
      return;
    }
  }
  scaled(value, 0, cell);
}

void CellReader::read_number(std::int64_t row, Cell& cell) {
  const arrow::Array& a = *array_;
  switch (a.type_id()) {
    case arrow::Type::INT8: return scaled(static_cast<const arrow::Int8Array&>(a).Value(row), 0, cell);
    case arrow::Type::INT16: return scaled(static_cast<const arrow::Int16Array&>(a).Value(row), 0, cell);
    case arrow::Type::INT32: return scaled(static_cast<const arrow::Int32Array&>(a).Value(row), 0, cell);
    case arrow::Type::INT64: return scaled(static_cast<const arrow::Int64Array&>(a).Value(row), 0, cell);
    case arrow::Type::UINT8: return scaled(static_cast<const arrow::UInt8Array&>(a).Value(row), 0, cell);
    case arrow::Type::UINT16: return scaled(static_cast<const arrow::UInt16Array&>(a).Value(row), 0, cell);
    case arrow::Type::UINT32: return scaled(static_cast<const arrow::UInt32Array&>(a).Value(row), 0, cell);
    case arrow::Type::UINT64: return scaled(static_cast<const arrow::UInt64Array&>(a).Value(row), 0, cell);
    case arrow::Type::DECIMAL128: {
      const arrow::Decimal128 value(static_cast<const arrow::Decimal128Array&>(a).GetValue(row));
      return scaled(int128_of(value), static_cast<const arrow::Decimal128Type&>(*a.type()).scale(), cell);
    }
    case arrow::Type::STRING: return parsed(static_cast<const arrow::StringArray&>(a).GetView(row), cell);
    default: misfit();
  }
}

Cell CellReader::at(std::int64_t row) {
  Cell cell;
  const arrow::Array& a = *array_;
  if (a.IsNull(row)) {
    cell.null = true;
    return cell;
  }
  const arrow::Type::type type = a.type_id();
  switch (column_.meaning) {
    case Meaning::boolean:
      if (type != arrow::Type::BOOL) misfit();
      cell.number = static_cast<const arrow::BooleanArray&>(a).Value(row) ? 1 : 0;
      break;
    case Meaning::number: read_number(row, cell); break;
    case Meaning::real:
      if (type == arrow::Type::DOUBLE) {
        cell.real = static_cast<const arrow::DoubleArray&>(a).Value(row);
      } else if (type == arrow::Type::FLOAT) {
        cell.real = static_cast<double>(static_cast<const arrow::FloatArray&>(a).Value(row));
      } else {
        // An integer that was mapped to a floating-point type has no more digits than that holds.
        read_number(row, cell);
        cell.real = static_cast<double>(cell.number);
        cell.number = 0;
      }
      break;
    case Meaning::text:
    case Meaning::bytes:
      if (type == arrow::Type::STRING || type == arrow::Type::BINARY)
        cell.bytes = static_cast<const arrow::BinaryArray&>(a).GetView(row);
      else if (type == arrow::Type::LARGE_STRING || type == arrow::Type::LARGE_BINARY)
        cell.bytes = static_cast<const arrow::LargeBinaryArray&>(a).GetView(row);
      else misfit();
      break;
    case Meaning::date:
      if (type != arrow::Type::DATE32) misfit();
      cell.number = static_cast<const arrow::Date32Array&>(a).Value(row);
      break;
    case Meaning::time:
      if (type == arrow::Type::STRING) {
        const auto value = parse_time(static_cast<const arrow::StringArray&>(a).GetView(row));
        if (!value) misfit();
        cell.number = *value;
        break;
      }
      if (type != arrow::Type::TIME64) misfit();
      cell.number = Int128{static_cast<const arrow::Time64Array&>(a).Value(row)} *
                    nanoseconds_per(static_cast<const arrow::Time64Type&>(*a.type()).unit());
      break;
    case Meaning::moment:
      if (type == arrow::Type::DATE32) {
        cell.number = Int128{static_cast<const arrow::Date32Array&>(a).Value(row)} * kNanosecondsPerDay;
      } else if (type == arrow::Type::TIMESTAMP) {
        cell.number = Int128{static_cast<const arrow::TimestampArray&>(a).Value(row)} *
                      nanoseconds_per(static_cast<const arrow::TimestampType&>(*a.type()).unit());
      } else if (arrow::is_integer(type) || type == arrow::Type::DECIMAL128) {
        read_number(row, cell);
      } else if (type == arrow::Type::STRING) {
        const auto value = parse_moment(static_cast<const arrow::StringArray&>(a).GetView(row));
        if (!value) misfit();
        cell.number = Int128{value->day} * kNanosecondsPerDay + value->nanoseconds -
                      Int128{value->offset_minutes.value_or(0)} * 60 * kNanosecondsPerSecond;
      } else {
        misfit();
      }
      break;
    case Meaning::presence: break;
    case Meaning::uuid:
      if (type == arrow::Type::FIXED_SIZE_BINARY &&
          static_cast<const arrow::FixedSizeBinaryType&>(*a.type()).byte_width() == 16) {
        cell.number = uuid_of(static_cast<const arrow::FixedSizeBinaryArray&>(a).GetValue(row));
      } else if (type == arrow::Type::STRING) {
        const auto value = uuid_of_text(static_cast<const arrow::StringArray&>(a).GetView(row));
        if (!value) misfit();
        cell.number = *value;
      } else {
        misfit();
      }
      break;
  }
  return cell;
}


std::string render(const ComparedColumn& column, const KeptCell& cell) {
  if (cell.null) return "NULL";
  switch (column.meaning) {
    case Meaning::boolean: return cell.number != 0 ? "true" : "false";
    case Meaning::number: {
      if (!cell.bytes.empty()) return cell.bytes;
      const auto bits = static_cast<UInt128>(cell.number);
      return arrow::Decimal128(static_cast<std::int64_t>(bits >> 64), static_cast<std::uint64_t>(bits))
          .ToString(column.scale);
    }
    case Meaning::real:
      if (std::isnan(cell.real)) return "NaN";
      if (std::isinf(cell.real)) return cell.real > 0 ? "Infinity" : "-Infinity";
      return column.single ? fmt::format("{}", static_cast<float>(cell.real)) : fmt::format("{}", cell.real);
    case Meaning::text: return quoted(cell);
    case Meaning::bytes: return hexadecimal(cell);
    case Meaning::date: return date_text(cell.number);
    case Meaning::time: return time_text(static_cast<std::int64_t>(cell.number));
    case Meaning::moment: return moment_text(cell.number);
    case Meaning::presence: return "a value";
    case Meaning::uuid: {
      const auto bits = static_cast<UInt128>(cell.number);
      const std::string hex = fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(bits >> 64),
                                          static_cast<std::uint64_t>(bits));
      return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
             hex.substr(20);
    }
  }
  return "?";
}

}  // namespace pulk
