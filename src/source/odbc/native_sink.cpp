#include "source/odbc/native_sink.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "base/error.h"
#include "catalog/moment_text.h"
#include "source/odbc/cell_parser.h"
#include "source/odbc/fixed_sink.h"
#include "source/odbc/moment_cells.h"
#include "source/odbc/variable_sink.h"

namespace pulk::odbc {
namespace {

// Longer cells cost a second call; a column that is declared shorter than the second gets what it is declared to need.
constexpr std::int64_t kLongCell = 1024;
constexpr std::int64_t kLongestBound = 8192;

template <typename T>
T value_in(const Cell& cell) {
  T value;
  std::memcpy(&value, cell.text.data(), sizeof value);
  return value;
}

template <typename T>
std::string_view take_integer(const Cell& cell, const ColumnPlan&, T& value) {
  const auto number = value_in<std::int64_t>(cell);
  if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) return "is out of range";
  value = static_cast<T>(number);
  return "";
}

std::string_view take_boolean(const Cell& cell, const ColumnPlan&, bool& value) {
  const auto number = value_in<std::int64_t>(cell);
  if (number != 0 && number != 1) return "is neither 0 nor 1";
  value = number == 1;
  return "";
}

std::string_view take_double(const Cell& cell, const ColumnPlan&, double& value) {
  value = value_in<double>(cell);
  return "";
}

std::string_view take_float(const Cell& cell, const ColumnPlan&, float& value) {
  const auto wide = value_in<double>(cell);
  value = static_cast<float>(wide);
  return static_cast<double>(value) == wide || std::isnan(wide) ? "" : "is no number of single precision";
}

std::string_view take_decimal(const Cell& cell, const ColumnPlan& plan, Int128& value) {
  if (!cell.is_whole() || !is_decimal_text(cell.text)) return "is no decimal number";
  const auto parsed = parse_decimal(cell.text, plan.carrier.precision, plan.carrier.scale);
  if (!parsed) return "does not fit the precision and scale";
  value = *parsed;
  return "";
}

std::string_view take_date(const Cell& cell, const ColumnPlan&, std::int32_t& value) {
  const auto parsed = cell.is_whole() ? parse_date(cell.text) : std::nullopt;
  if (!parsed) return "is no date of the calendar";
  value = *parsed;
  return "";
}

std::string_view take_single(const Cell& cell, const ColumnPlan&, float& value) {
  value = value_in<float>(cell);
  return "";
}

using Uuid = std::array<unsigned char, 16>;

std::string_view take_uuid(const Cell& cell, const ColumnPlan&, Uuid& value) {
  constexpr std::string_view kWrong = "is no UUID";
  if (!cell.is_whole() || cell.text.size() != 36) return kWrong;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < cell.text.size(); ++i) {
    const char c = cell.text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return kWrong;
      continue;
    }
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return kWrong;
    const auto nibble = static_cast<unsigned char>(digit);
    unsigned char& byte = value[digits / 2];
    byte = digits % 2 == 0 ? static_cast<unsigned char>(nibble << 4) : static_cast<unsigned char>(byte | nibble);
    ++digits;
  }
  return "";
}

std::string_view take_numeric(const Cell& cell, const ColumnPlan& plan, Int128& value) {
  const auto number = value_in<SQL_NUMERIC_STRUCT>(cell);
  Int128 magnitude = 0;
  std::memcpy(&magnitude, number.val, sizeof magnitude);
  if (number.scale != plan.carrier.scale) return "has another scale than its column";
  if (magnitude < 0) return "does not fit the precision and scale";
  value = number.sign == 0 ? -magnitude : magnitude;
  return "";
}

std::string_view take_guid(const Cell& cell, const ColumnPlan&, Uuid& value) {
  // The first three parts are numbers in the order of the machine, the text begins with their highest byte.
  constexpr std::array<std::size_t, 16> kPlaces{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<unsigned char>(cell.text[kPlaces[i]]);
  return "";
}

template <typename T, auto Take>
std::unique_ptr<ColumnSink> fixed(const ColumnPlan& plan, arrow::MemoryPool* pool) {
  return std::make_unique<FixedSink<T, Take>>(plan, pool);
}

}  // namespace

std::unique_ptr<ColumnSink> make_native_sink(NativeForm form, const ColumnPlan& plan, arrow::MemoryPool* pool) {
  switch (form) {
    case NativeForm::integer:
      if (plan.carrier.kind == CarrierKind::int16) return fixed<std::int16_t, take_integer<std::int16_t>>(plan, pool);
      if (plan.carrier.kind == CarrierKind::int32) return fixed<std::int32_t, take_integer<std::int32_t>>(plan, pool);
      return fixed<std::int64_t, take_integer<std::int64_t>>(plan, pool);
    case NativeForm::boolean: return std::make_unique<BooleanSink<take_boolean>>(plan, pool);
    case NativeForm::float32: return fixed<float, take_float>(plan, pool);
    case NativeForm::float64: return fixed<double, take_double>(plan, pool);
    case NativeForm::decimal: return fixed<Int128, take_decimal>(plan, pool);
    case NativeForm::date: return fixed<std::int32_t, take_date>(plan, pool);
    case NativeForm::time:
      if (plan.carrier.kind == CarrierKind::utf8) return make_moment_sink(take_time_text, plan, pool);
      if (plan.carrier.kind == CarrierKind::time64_ns) return fixed<std::int64_t, take_time_ns>(plan, pool);
      return fixed<std::int64_t, take_time>(plan, pool);
    case NativeForm::timestamp: return fixed<std::int64_t, take_timestamp>(plan, pool);
    case NativeForm::uuid: return fixed<Uuid, take_uuid>(plan, pool);
    case NativeForm::single: return fixed<float, take_single>(plan, pool);
    case NativeForm::date_struct: return fixed<std::int32_t, take_date_struct>(plan, pool);
    case NativeForm::timestamp_struct:
      if (plan.carrier.kind == CarrierKind::utf8) return make_moment_sink(take_timestamp_struct_text, plan, pool);
      if (plan.carrier.kind == CarrierKind::timestamp_ns)
        return fixed<std::int64_t, take_timestamp_struct_ns>(plan, pool);
      return fixed<std::int64_t, take_timestamp_struct>(plan, pool);
    case NativeForm::offset_text:
      if (plan.carrier.kind == CarrierKind::utf8) return make_moment_sink(take_offset_text, plan, pool);
      return fixed<std::int64_t, take_offset_utc>(plan, pool);
    case NativeForm::offset_struct:
      if (plan.carrier.kind == CarrierKind::utf8) return make_moment_sink(take_offset_struct_text, plan, pool);
      return fixed<std::int64_t, take_offset_struct_utc>(plan, pool);
    case NativeForm::time2_struct:
      if (plan.carrier.kind == CarrierKind::utf8) return make_moment_sink(take_time2_text, plan, pool);
      if (plan.carrier.kind == CarrierKind::time64_ns) return fixed<std::int64_t, take_time2_ns>(plan, pool);
      return fixed<std::int64_t, take_time2>(plan, pool);
    case NativeForm::numeric_struct: return fixed<Int128, take_numeric>(plan, pool);
    case NativeForm::guid_struct: return fixed<Uuid, take_guid>(plan, pool);
    case NativeForm::utf16: return make_utf16_sink(plan, pool);
    case NativeForm::text: return make_text_sink(plan, pool);
    case NativeForm::bytes: return make_raw_bytes_sink(plan, pool);
  }
  throw Error(ErrorKind::internal, "no column for a form of cell", plan.source_name);
}

CellWidth native_width(const NativeColumn& column) {
  const auto varying = [&](SQLSMALLINT c_type) -> CellWidth {
    const bool bounded = column.longest > 0 && column.longest <= kLongestBound;
    return {static_cast<std::size_t>(bounded ? column.longest : kLongCell), bounded, c_type};
  };
  switch (column.form) {
    case NativeForm::integer:
    case NativeForm::boolean: return {sizeof(std::int64_t), true, SQL_C_SBIGINT};
    case NativeForm::float32:
    case NativeForm::float64: return {sizeof(double), true, SQL_C_DOUBLE};
    case NativeForm::decimal: return {79, true, SQL_C_CHAR};
    case NativeForm::date: return {15, true, SQL_C_CHAR};
    case NativeForm::time: return {23, true, SQL_C_CHAR};
    case NativeForm::timestamp: return {39, true, SQL_C_CHAR};
    case NativeForm::uuid: return {36, true, SQL_C_CHAR};
    case NativeForm::single: return {sizeof(float), true, SQL_C_FLOAT};
    case NativeForm::date_struct: return {sizeof(SQL_DATE_STRUCT), true, SQL_C_TYPE_DATE};
    case NativeForm::timestamp_struct: return {sizeof(SQL_TIMESTAMP_STRUCT), true, SQL_C_TYPE_TIMESTAMP};
    case NativeForm::offset_text: return {39, true, SQL_C_CHAR};
    case NativeForm::time2_struct: return {sizeof(Time2Cell), true, SQL_C_BINARY};
    case NativeForm::offset_struct: return {sizeof(OffsetCell), true, SQL_C_BINARY};
    case NativeForm::numeric_struct: return {sizeof(SQL_NUMERIC_STRUCT), true, SQL_C_BINARY};
    case NativeForm::guid_struct: return {sizeof(SQLGUID), true, SQL_C_GUID};
    case NativeForm::utf16: return varying(SQL_C_WCHAR);
    case NativeForm::text: return varying(SQL_C_CHAR);
    case NativeForm::bytes: return varying(SQL_C_BINARY);
  }
  return {};
}

}  // namespace pulk::odbc
