#include "source/odbc/column_sink.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "catalog/arrow_schema.h"
#include "catalog/moment_text.h"
#include "source/odbc/cell_parser.h"
#include "source/odbc/fixed_sink.h"
#include "source/odbc/variable_sink.h"

namespace pulk::odbc {

using sqlite::CellForm;

namespace {

constexpr std::int64_t kGrowth = 4096;

}  // namespace

void check(const arrow::Status& status) {
  if (status.ok()) return;
  if (status.IsOutOfMemory()) {
    throw Error(ErrorKind::retryable, "out of memory: " + status.message(), "", "raise --memory");
  }
  throw Error(ErrorKind::internal, status.ToString());
}

ColumnSink::ColumnSink(const ColumnPlan& plan, arrow::MemoryPool* pool)
    : plan_(plan), pool_(pool), type_(arrow_type(plan.carrier)), validity_(pool) {}

std::string_view ColumnSink::append(const Cell& cell, BlockReader& reader, std::size_t reader_column,
                                    std::int64_t max_bytes) {
  if (cell.is_null) {
    if (!plan_.nullable) return kNull;
    append_filler();
  } else if (const std::string_view why = append_value(cell, reader, reader_column, max_bytes); !why.empty()) {
    return why;
  }
  mark(!cell.is_null);
  return "";
}

std::string_view ColumnSink::append_rows(BlockReader& reader, std::size_t reader_column, std::size_t first,
                                         std::size_t count, std::int64_t max_bytes, std::size_t& bad_row) {
  for (std::size_t row = first; row < first + count; ++row)
    if (const std::string_view why = append(reader.cell_at(reader_column, row), reader, reader_column, max_bytes);
        !why.empty()) {
      bad_row = row;
      return why;
    }
  return "";
}

void ColumnSink::grow() {
  room_ = kGrowth;
  check(validity_.Reserve(room_));
}

std::shared_ptr<arrow::ArrayData> ColumnSink::finish() {
  const std::int64_t nulls = validity_.false_count();
  std::shared_ptr<arrow::Buffer> validity;
  check(validity_.Finish(&validity));
  if (nulls == 0) validity = nullptr;
  auto data = std::make_shared<arrow::ArrayData>(type_, rows_, nulls);
  data->buffers.push_back(std::move(validity));
  finish_values(*data);
  rows_ = 0;
  room_ = 0;
  return data;
}

namespace {

template <typename T>
std::string_view take_integer(const Cell& cell, const ColumnPlan&, T& value) {
  const auto parsed = cell.is_whole() ? parse_integer(cell.text) : std::nullopt;
  if (!parsed) return "is not an integer";
  if (*parsed < std::numeric_limits<T>::min() || *parsed > std::numeric_limits<T>::max()) return "is out of range";
  value = static_cast<T>(*parsed);
  return "";
}

std::string_view take_boolean(const Cell& cell, const ColumnPlan&, bool& value) {
  const auto parsed = cell.is_whole() ? parse_zero_or_one(cell.text) : std::nullopt;
  if (!parsed) return "is neither 0 nor 1";
  value = *parsed;
  return "";
}

std::string_view take_real(const Cell& cell, const ColumnPlan&, double& value) {
  const auto parsed = cell.is_whole() ? parse_real(cell.text) : std::nullopt;
  if (!parsed) return "is not a number";
  value = *parsed;
  return "";
}

std::string_view take_decimal(const Cell& cell, const ColumnPlan& plan, Int128& value) {
  const int precision = plan.carrier.precision;
  const int scale = plan.carrier.scale;
  std::optional<Int128> parsed;
  if (!cell.is_whole() || cell.text.empty()) return "does not fit the precision and scale";
  if (cell.text.front() == 'r') {
    const auto real = parse_real(cell.text.substr(1));
    if (!real || !std::isfinite(*real)) return "is no decimal number";
    parsed = parse_decimal(shortest_fixed(*real), precision, scale);
  } else if (cell.text.front() == 't') {
    if (!is_decimal_text(cell.text.substr(1))) return "is no decimal number";
    parsed = parse_decimal(cell.text.substr(1), precision, scale);
  } else {
    // Scaled in the SELECT: an integer that must not have more digits than the precision.
    parsed = parse_decimal(cell.text, precision, 0);
  }
  if (!parsed) return "does not fit the precision and scale";
  value = *parsed;
  return "";
}

std::string_view take_date(const Cell& cell, const ColumnPlan&, std::int32_t& value) {
  const auto parsed = cell.is_whole() ? parse_date(cell.text) : std::nullopt;
  if (!parsed) return "is not a date of the form YYYY-MM-DD";
  value = *parsed;
  return "";
}

std::string_view take_time(const Cell& cell, const ColumnPlan&, std::int64_t& value) {
  const auto parsed = cell.is_whole() ? parse_time(cell.text) : std::nullopt;
  if (!parsed) return "is not a time of the form HH:MM:SS.ffffff";
  value = *parsed;
  return "";
}

std::string_view take_timestamp(const Cell& cell, const ColumnPlan&, std::int64_t& value) {
  const auto parsed = cell.is_whole() ? parse_timestamp(cell.text) : std::nullopt;
  if (!parsed) return "is not a timestamp of the form YYYY-MM-DD HH:MM:SS.ffffff";
  value = *parsed;
  return "";
}

}  // namespace

std::unique_ptr<ColumnSink> make_sink(CellForm form, const ColumnPlan& plan, arrow::MemoryPool* pool) {
  switch (form) {
    case CellForm::integer:
      if (plan.carrier.kind == CarrierKind::int16) {
        return std::make_unique<FixedSink<std::int16_t, take_integer<std::int16_t>>>(plan, pool);
      }
      if (plan.carrier.kind == CarrierKind::int32) {
        return std::make_unique<FixedSink<std::int32_t, take_integer<std::int32_t>>>(plan, pool);
      }
      return std::make_unique<FixedSink<std::int64_t, take_integer<std::int64_t>>>(plan, pool);
    case CellForm::boolean: return std::make_unique<BooleanSink<take_boolean>>(plan, pool);
    case CellForm::real: return std::make_unique<FixedSink<double, take_real>>(plan, pool);
    case CellForm::decimal: return std::make_unique<FixedSink<Int128, take_decimal>>(plan, pool);
    case CellForm::date: return std::make_unique<FixedSink<std::int32_t, take_date>>(plan, pool);
    case CellForm::time: return std::make_unique<FixedSink<std::int64_t, take_time>>(plan, pool);
    case CellForm::timestamp: return std::make_unique<FixedSink<std::int64_t, take_timestamp>>(plan, pool);
    case CellForm::text:
    case CellForm::tagged:
    case CellForm::bytes: return make_variable_sink(form, plan, pool);
  }
  throw Error(ErrorKind::internal, "no column for a form of cell", plan.source_name);
}

CellWidth cell_width(CellForm form) {
  switch (form) {
    case CellForm::integer: return {20, true};    // -9223372036854775808
    case CellForm::boolean: return {4, true};
    case CellForm::real: return {31, true};       // sign, 20 digits, point, e-308
    case CellForm::decimal: return {47, true};    // tag, sign, 38 digits, point, some zeros
    case CellForm::date: return {15, true};
    case CellForm::time: return {23, true};
    case CellForm::timestamp: return {39, true};
    // Longer cells cost a second call; the driver fills the whole of every buffer with zeros.
    case CellForm::text:
    case CellForm::tagged:
    case CellForm::bytes: return {255, false};
  }
  return {};
}

}  // namespace pulk::odbc
