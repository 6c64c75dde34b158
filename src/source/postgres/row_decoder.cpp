#include "source/postgres/row_decoder.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/arrow_schema.h"
#include "source/postgres/temporal.h"
#include "source/postgres/wire.h"

namespace pulk::postgres {
namespace {

constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);
constexpr std::int64_t first_rows = 1024;
// With cells below 1 GiB, PostgreSQL's own limit, no column of a batch can pass the 2 GiB of 32-bit offsets.
constexpr std::int64_t most_batch_bytes = 1LL << 30;

const std::string to_varchar = "map the column's type to VARCHAR in columnTypeMappings";

void check(const arrow::Status& status) {
  if (status.ok()) return;
  if (status.IsOutOfMemory())
    throw Error(ErrorKind::retryable, "out of memory: " + status.message(), "", "raise --memory");
  throw Error(ErrorKind::internal, status.ToString());
}

void resize(const std::shared_ptr<arrow::ResizableBuffer>& buffer, std::int64_t bytes) {
  check(buffer->Resize(bytes, /*shrink_to_fit=*/false));
}

std::shared_ptr<arrow::ResizableBuffer> allocate(std::int64_t bytes, arrow::MemoryPool* pool) {
  auto buffer = arrow::AllocateResizableBuffer(bytes, pool);
  check(buffer.status());
  return std::move(buffer).ValueUnsafe();
}

std::int64_t bitmap_bytes(std::int64_t rows) { return (rows + 7) / 8; }

bool is_variable(Decode decode) {
  switch (decode) {
    case Decode::text:
    case Decode::printed:
    case Decode::bytes:
    case Decode::jsonb:
    case Decode::money_text:
    case Decode::char_byte:
      return true;
    default:
      return false;
  }
}

// The spelling of charout() since PostgreSQL 16; older servers print bytes above 127 raw, which is no UTF-8.
std::string char_byte_text(std::uint8_t byte) {
  if (byte == 0) return "";
  if (byte < 0x80) return {static_cast<char>(byte)};
  return fmt::format("\\{:03o}", byte);
}

std::string shown(const std::uint8_t* value, std::int32_t size) {
  constexpr std::int32_t readable = 40;
  std::string text;
  for (std::int32_t i = 0; i < std::min(size, readable); ++i) {
    const std::uint8_t c = value[i];
    if (c >= 0x20 && c < 0x7f) {
      text += static_cast<char>(c);
    } else {
      constexpr char hex[] = "0123456789abcdef";
      text += {'\\', 'x', hex[c >> 4], hex[c & 15]};
    }
  }
  return size > readable ? text + "..." : text;
}

}  // namespace

struct RowDecoder::Column {
  Decode decode = Decode::text;
  bool nullable = true;
  bool boolean = false;
  bool variable = false;
  int width = 0;  // of fixed-width values, in bytes; 0 for booleans and variable width
  int precision = 0, scale = 0;
  int source_scale = 0;          // of money
  std::uint8_t* data = nullptr;  // values, or the bytes of variable-width values
  std::int32_t* offsets = nullptr;
  std::uint8_t* validity = nullptr;  // all ones from the start; made at the first NULL
  std::int64_t used = 0;             // bytes of variable-width values
  std::int64_t room = 0;
  std::int64_t nulls = 0;
  std::int64_t expected_bytes = 0;  // of the next batch
  std::shared_ptr<arrow::ResizableBuffer> data_buffer, offsets_buffer, validity_buffer;
  std::string name;
  std::string type;
  std::string carrier;
};

RowDecoder::RowDecoder(std::string label, std::vector<ReadColumn> columns, const ReadLimits& limits, bool check_text)
    : label_(std::move(label)), limits_(limits), check_text_(check_text) {
  limits_.batch_bytes = std::clamp<std::int64_t>(limits_.batch_bytes, 1, most_batch_bytes);
  limits_.batch_rows = std::clamp<std::int64_t>(limits_.batch_rows, 1, std::numeric_limits<std::int32_t>::max() / 2);
  limits_.max_cell_bytes = std::min(limits_.max_cell_bytes, most_batch_bytes - 1);
  expected_rows_ = std::min(first_rows, limits_.batch_rows);
  std::vector<ColumnPlan> plans;
  for (ReadColumn& read : columns) {
    Column column;
    column.decode = read.decode;
    column.nullable = read.plan.nullable;
    column.boolean = read.decode == Decode::boolean;
    column.variable = is_variable(read.decode);
    column.width = column.variable || column.boolean ? 0 : fixed_width(read.plan.carrier);
    column.precision = read.plan.carrier.precision;
    column.scale = read.plan.carrier.scale;
    column.source_scale = read.plan.logical.scale;
    column.name = read.plan.source_name;
    column.type = read.plan.source_type;
    column.carrier = to_string(read.plan.carrier);
    fixed_row_bytes_ += column.variable ? 4 : std::max(column.width, 1);
    columns_.push_back(std::move(column));
    plans.push_back(std::move(read.plan));
  }
  schema_ = arrow_schema(plans);
}

RowDecoder::~RowDecoder() = default;

void RowDecoder::start_batch() {
  capacity_ = expected_rows_;
  for (Column& column : columns_) {
    column.used = column.nulls = 0;
    column.validity = nullptr;
    column.validity_buffer.reset();
    if (column.variable) {
      column.offsets_buffer = allocate((capacity_ + 1) * 4, limits_.pool);
      column.offsets = reinterpret_cast<std::int32_t*>(column.offsets_buffer->mutable_data());
      column.offsets[0] = 0;
      column.room = std::max<std::int64_t>(column.expected_bytes, 64);
      column.data_buffer = allocate(column.room, limits_.pool);
    } else {
      const std::int64_t bytes = column.boolean ? bitmap_bytes(capacity_) : capacity_ * column.width;
      column.data_buffer = allocate(bytes, limits_.pool);
      if (column.boolean) std::memset(column.data_buffer->mutable_data(), 0, static_cast<std::size_t>(bytes));
    }
    column.data = column.data_buffer->mutable_data();
  }
}

void RowDecoder::grow_rows() {
  if (row_ == 0) return start_batch();
  const std::int64_t before = capacity_;
  capacity_ *= 2;
  for (Column& column : columns_) {
    if (column.variable) {
      resize(column.offsets_buffer, (capacity_ + 1) * 4);
      column.offsets = reinterpret_cast<std::int32_t*>(column.offsets_buffer->mutable_data());
    } else if (column.boolean) {
      resize(column.data_buffer, bitmap_bytes(capacity_));
      column.data = column.data_buffer->mutable_data();
      std::memset(column.data + bitmap_bytes(before), 0,
                  static_cast<std::size_t>(bitmap_bytes(capacity_) - bitmap_bytes(before)));
    } else {
      resize(column.data_buffer, capacity_ * column.width);
      column.data = column.data_buffer->mutable_data();
    }
    if (column.validity != nullptr) {
      resize(column.validity_buffer, bitmap_bytes(capacity_));
      column.validity = column.validity_buffer->mutable_data();
      std::memset(column.validity + bitmap_bytes(before), 0xff,
                  static_cast<std::size_t>(bitmap_bytes(capacity_) - bitmap_bytes(before)));
    }
  }
}

const std::uint8_t* RowDecoder::skip_header(const std::uint8_t* at, const std::uint8_t* end) {
  const std::size_t fixed = signature.size() + 8;
  if (static_cast<std::size_t>(end - at) < fixed || std::memcmp(at, signature.data(), signature.size()) != 0) {
    broken("does not start like a binary COPY");
  }
  const std::uint32_t flags = read_u32(at + signature.size());
  const std::uint32_t extension = read_u32(at + signature.size() + 4);
  if ((flags & 0xffff0000u) != 0) broken("has flags that are not known");
  at += fixed;
  if (extension > static_cast<std::size_t>(end - at)) broken("ends in its header");
  header_seen_ = true;
  return at + extension;
}

void RowDecoder::consume(std::string_view message) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(message.data());
  const std::uint8_t* const end = at + message.size();
  if (!header_seen_) at = skip_header(at, end);
  while (at < end) {
    if (trailer_seen_) broken("goes on after its end");
    if (end - at < 2) broken("ends inside a row");
    const std::int16_t fields = read_i16(at);
    at += 2;
    if (fields == -1) {
      trailer_seen_ = true;
      continue;
    }
    if (fields < 0 || static_cast<std::size_t>(fields) != columns_.size()) {
      throw Error(ErrorKind::drift,
                  "rows have " + std::to_string(fields) + " columns, the plan has " + std::to_string(columns_.size()),
                  label_);
    }
    if (row_ == capacity_ || row_ == 0) grow_rows();
    for (Column& column : columns_) {
      if (end - at < 4) broken("ends inside a row");
      const std::int32_t size = read_i32(at);
      at += 4;
      if (size < 0) {
        if (size != -1) broken("holds a negative length");
        append_null(column);
        continue;
      }
      if (size > end - at) broken("ends inside a value");
      append(column, at, size);
      at += size;
    }
    ++row_;
  }
}

inline void RowDecoder::append(Column& column, const std::uint8_t* value, std::int32_t size) {
  switch (column.decode) {
    case Decode::text:
      if (check_text_ && !valid_utf8({reinterpret_cast<const char*>(value), static_cast<std::size_t>(size)})) {
        refuse(column, "'" + shown(value, size) + "' is not UTF-8",
               "read the column as bytes, or repair it in the source");
      }
      return append_variable(column, value, size);
    case Decode::printed:
      return append_printed(column, value, size);
    case Decode::bytes:
      return append_variable(column, value, size);
    case Decode::jsonb:
      if (size < 1 || value[0] != 1) refuse(column, "a jsonb value of an unknown version", to_varchar);
      if (check_text_ && !valid_utf8({reinterpret_cast<const char*>(value) + 1, static_cast<std::size_t>(size) - 1})) {
        refuse(column, "'" + shown(value + 1, size - 1) + "' is not UTF-8", "repair it in the source");
      }
      return append_variable(column, value + 1, size - 1);
    case Decode::int64:
    case Decode::float64: {
      if (size != 8) wrong_size(column, size);
      const std::uint64_t bits = read_u64(value);
      std::memcpy(column.data + row_ * 8, &bits, 8);
      return;
    }
    case Decode::int32:
    case Decode::float32: {
      if (size != 4) wrong_size(column, size);
      const std::uint32_t bits = read_u32(value);
      std::memcpy(column.data + row_ * 4, &bits, 4);
      return;
    }
    case Decode::int16: {
      if (size != 2) wrong_size(column, size);
      const std::uint16_t bits = read_u16(value);
      std::memcpy(column.data + row_ * 2, &bits, 2);
      return;
    }
    case Decode::numeric_decimal:
    case Decode::numeric_integer:
      return append_numeric(column, value, size);
    case Decode::date: {
      if (size != 4) wrong_size(column, size);
      const std::int32_t days = read_i32(value);
      const std::int64_t unix_days = days + days_1970_to_2000;
      if (is_infinite(days) || unix_days > std::numeric_limits<std::int32_t>::max()) {
        refuse(column, date_text(days) + " has no place in " + column.carrier, to_varchar);
      }
      const auto stored = static_cast<std::int32_t>(unix_days);
      std::memcpy(column.data + row_ * 4, &stored, 4);
      return;
    }
    case Decode::timestamp: {
      if (size != 8) wrong_size(column, size);
      const std::int64_t micros = read_i64(value);
      std::int64_t stored = 0;
      // The last number is left out as well: readers of the carrier take it for infinity.
      if (is_infinite(micros) || __builtin_add_overflow(micros, micros_1970_to_2000, &stored) ||
          stored == std::numeric_limits<std::int64_t>::max()) {
        refuse(column, timestamp_text(micros) + " has no place in " + column.carrier, to_varchar);
      }
      std::memcpy(column.data + row_ * 8, &stored, 8);
      return;
    }
    case Decode::time: {
      if (size != 8) wrong_size(column, size);
      const std::int64_t micros = read_i64(value);
      if (micros < 0 || micros > micros_per_day) broken("holds a time of day out of range");
      if (micros == micros_per_day)
        refuse(column, time_text(micros) + " has no place in " + column.carrier, to_varchar);
      std::memcpy(column.data + row_ * 8, &micros, 8);
      return;
    }
    case Decode::boolean:
      if (size != 1) wrong_size(column, size);
      if (value[0] != 0) column.data[row_ / 8] |= static_cast<std::uint8_t>(1u << (row_ % 8));
      return;
    case Decode::uuid:
      if (size != 16) wrong_size(column, size);
      std::memcpy(column.data + row_ * 16, value, 16);
      return;
    case Decode::float32_to_64: {
      if (size != 4) wrong_size(column, size);
      const std::uint32_t bits = read_u32(value);
      float narrow;
      std::memcpy(&narrow, &bits, 4);
      const auto wide = static_cast<double>(narrow);
      std::memcpy(column.data + row_ * 8, &wide, 8);
      return;
    }
    case Decode::integer:
    case Decode::integer_decimal:
      return append_integer(column, value, size);
    case Decode::unsigned32: {
      if (size != 4) wrong_size(column, size);
      const std::int64_t number = read_u32(value);
      std::memcpy(column.data + row_ * 8, &number, 8);
      return;
    }
    case Decode::unsigned64_decimal:
      if (size != 8) wrong_size(column, size);
      return store_decimal(column, read_u64(value), 0);
    case Decode::money_decimal:
      if (size != 8) wrong_size(column, size);
      return store_decimal(column, read_i64(value), column.source_scale);
    case Decode::money_text:
      if (size != 8) wrong_size(column, size);
      return append_text(column, decimal_text(read_i64(value), column.source_scale));
    case Decode::char_byte:
      if (size != 1) wrong_size(column, size);
      return append_text(column, char_byte_text(value[0]));
  }
}

void RowDecoder::append_printed(Column& column, const std::uint8_t* value, std::int32_t size) {
  if (!valid_utf8({reinterpret_cast<const char*>(value), static_cast<std::size_t>(size)})) {
    refuse(column, "'" + shown(value, size) + "' is not UTF-8", "repair it in the source, or convert it in a query");
  }
  append_variable(column, value, size);
}

void RowDecoder::append_text(Column& column, std::string_view text) {
  append_variable(column, reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<std::int32_t>(text.size()));
}

void RowDecoder::append_null(Column& column) {
  if (!column.nullable) {
    throw Error(ErrorKind::drift,
                "column " + quote_double(column.name) + " is NOT NULL in the plan and holds NULL in row " +
                    std::to_string(rows() + 1),
                label_, "plan the table again");
  }
  if (column.validity == nullptr) {
    column.validity_buffer = allocate(bitmap_bytes(capacity_), limits_.pool);
    column.validity = column.validity_buffer->mutable_data();
    std::memset(column.validity, 0xff, static_cast<std::size_t>(bitmap_bytes(capacity_)));
  }
  column.validity[row_ / 8] &= static_cast<std::uint8_t>(~(1u << (row_ % 8)));
  ++column.nulls;
  if (column.variable) {
    column.offsets[row_ + 1] = static_cast<std::int32_t>(column.used);
  } else if (!column.boolean) {
    std::memset(column.data + row_ * column.width, 0, static_cast<std::size_t>(column.width));
  }
}

inline void RowDecoder::append_variable(Column& column, const std::uint8_t* value, std::int32_t size) {
  if (size > limits_.max_cell_bytes) {
    refuse(column, "a value of " + format_bytes(size) + " is over the limit of " + format_bytes(limits_.max_cell_bytes),
           "raise --max-cell, or leave the column out");
  }
  const std::int64_t used = column.used + size;
  if (used > column.room) {
    column.room = std::max(used, column.room * 2);
    resize(column.data_buffer, column.room);
    column.data = column.data_buffer->mutable_data();
  }
  std::memcpy(column.data + column.used, value, static_cast<std::size_t>(size));
  column.used = used;
  column.offsets[row_ + 1] = static_cast<std::int32_t>(used);
  variable_bytes_ += size;
}

void RowDecoder::append_integer(Column& column, const std::uint8_t* value, std::int32_t size) {
  std::int64_t number = 0;
  switch (size) {
    case 2:
      number = read_i16(value);
      break;
    case 4:
      number = read_i32(value);
      break;
    case 8:
      number = read_i64(value);
      break;
    default:
      wrong_size(column, size);
  }
  if (column.decode == Decode::integer) return store_integer(column, number);
  store_decimal(column, number, 0);
}

inline void RowDecoder::append_numeric(Column& column, const std::uint8_t* value, std::int32_t size) {
  const bool decimal = column.decode == Decode::numeric_decimal;
  Int128 number = 0;
  switch (decode_numeric(value, static_cast<std::size_t>(size), decimal ? column.precision : 19,
                         decimal ? column.scale : 0, number)) {
    case NumericResult::exact:
      break;
    case NumericResult::malformed:
      broken("holds a malformed numeric");
    case NumericResult::not_a_number:
    case NumericResult::does_not_fit:
      refuse(column, numeric_text(value, static_cast<std::size_t>(size)) + " does not fit " + column.carrier,
             to_varchar);
  }
  if (decimal) {
    std::memcpy(column.data + row_ * 16, &number, 16);
  } else {
    store_integer(column, number);
  }
}

void RowDecoder::store_integer(Column& column, Int128 value) {
  const auto most = static_cast<Int128>((UInt128{1} << (column.width * 8 - 1)) - 1);
  if (value > most || value < -most - 1) {
    const std::string text = std::to_string(static_cast<std::int64_t>(value));
    refuse(column, (value == static_cast<std::int64_t>(value) ? text : "a value") + " does not fit " + column.carrier,
           to_varchar);
  }
  // Little-endian: the low bytes come first.
  std::memcpy(column.data + row_ * column.width, &value, static_cast<std::size_t>(column.width));
}

void RowDecoder::store_decimal(Column& column, Int128 value, int scale) {
  const auto power = static_cast<Int128>(power_of_ten(std::abs(column.scale - scale)));
  const auto limit = static_cast<Int128>(power_of_ten(column.precision));
  Int128 scaled = 0;
  bool fits = true;
  if (column.scale >= scale) {
    fits = !__builtin_mul_overflow(value, power, &scaled);
  } else {
    fits = value % power == 0;
    scaled = value / power;
  }
  if (!fits || scaled >= limit || scaled <= -limit) {
    refuse(column, decimal_text(value, scale) + " does not fit " + column.carrier, to_varchar);
  }
  std::memcpy(column.data + row_ * 16, &scaled, 16);
}

std::shared_ptr<arrow::RecordBatch> RowDecoder::take_batch() {
  if (row_ == 0) return nullptr;
  std::vector<std::shared_ptr<arrow::ArrayData>> arrays;
  arrays.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Column& column = columns_[i];
    if (column.validity != nullptr) resize(column.validity_buffer, bitmap_bytes(row_));
    const std::shared_ptr<arrow::Buffer> validity = std::move(column.validity_buffer);
    const auto& type = schema_->field(static_cast<int>(i))->type();
    if (column.variable) {
      resize(column.offsets_buffer, (row_ + 1) * 4);
      resize(column.data_buffer, column.used);
      column.expected_bytes = std::min(column.used + column.used / 8, limits_.batch_bytes);
      arrays.push_back(arrow::ArrayData::Make(
          type, row_, {validity, std::move(column.offsets_buffer), std::move(column.data_buffer)}, column.nulls));
    } else {
      resize(column.data_buffer, column.boolean ? bitmap_bytes(row_) : row_ * column.width);
      arrays.push_back(arrow::ArrayData::Make(type, row_, {validity, std::move(column.data_buffer)}, column.nulls));
    }
  }
  auto batch = arrow::RecordBatch::Make(schema_, row_, std::move(arrays));
  expected_rows_ = std::min(row_ + row_ / 8 + 1, limits_.batch_rows);
  rows_before_ += row_;
  row_ = capacity_ = variable_bytes_ = 0;
  return batch;
}

void RowDecoder::refuse(const Column& column, const std::string& what, const std::string& hint) const {
  throw Error(ErrorKind::refused,
              "column " + quote_double(column.name) + " (" + column.type + "), row " + std::to_string(rows() + 1) +
                  " of the partition: " + what,
              label_, hint);
}

void RowDecoder::wrong_size(const Column& column, std::int32_t size) const {
  throw Error(ErrorKind::drift,
              "column " + quote_double(column.name) + " sends " + std::to_string(size) + " bytes where " + column.type +
                  " has another size",
              label_, "plan the table again");
}

void RowDecoder::broken(const std::string& what) const {
  throw Error(ErrorKind::integrity, "the stream of rows " + what + " (after row " + std::to_string(rows()) + ")",
              label_);
}

}  // namespace pulk::postgres
