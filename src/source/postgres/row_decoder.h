// COPY BINARY messages to Arrow record batches: values go from libpq's buffer straight into the buffers of the arrays.
// Knows nothing of connections, so that it can be fed by hand. Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/postgres/numeric.h"
#include "source/postgres/types.h"
#include "source/source.h"

namespace arrow {
class RecordBatch;
class ResizableBuffer;
class Schema;
}  // namespace arrow

namespace pulk::postgres {

class RowDecoder {
 public:
  // `label` names the table in errors. `check_text`: the server does not promise UTF-8 (SQL_ASCII).
  RowDecoder(std::string label, std::vector<ReadColumn> columns, const ReadLimits& limits, bool check_text);
  ~RowDecoder();
  RowDecoder(const RowDecoder&) = delete;
  RowDecoder& operator=(const RowDecoder&) = delete;

  // One CopyData message: the stream's header, whole rows, or its trailer. Throws Error; the decoder is of no further
  // use then.
  void consume(std::string_view message);

  bool batch_full() const {
    return row_ >= limits_.batch_rows || row_ * fixed_row_bytes_ + variable_bytes_ >= limits_.batch_bytes;
  }
  // The rows since the last call as a batch; nullptr when there are none.
  std::shared_ptr<arrow::RecordBatch> take_batch();
  bool trailer_seen() const { return trailer_seen_; }
  std::int64_t rows() const { return rows_before_ + row_; }

 private:
  struct Column;
  const std::uint8_t* skip_header(const std::uint8_t* at, const std::uint8_t* end);
  void start_batch();
  void grow_rows();
  void append(Column& column, const std::uint8_t* value, std::int32_t size);
  void append_null(Column& column);
  void append_variable(Column& column, const std::uint8_t* value, std::int32_t size);
  void append_integer(Column& column, const std::uint8_t* value, std::int32_t size);
  void append_numeric(Column& column, const std::uint8_t* value, std::int32_t size);
  void append_printed(Column& column, const std::uint8_t* value, std::int32_t size);
  void append_text(Column& column, std::string_view text);
  void store_integer(Column& column, Int128 value);
  void store_decimal(Column& column, Int128 value, int scale);
  [[noreturn]] void refuse(const Column& column, const std::string& what, const std::string& hint) const;
  [[noreturn]] void wrong_size(const Column& column, std::int32_t size) const;
  [[noreturn]] void broken(const std::string& what) const;

  std::string label_;
  ReadLimits limits_;
  bool check_text_;
  std::vector<Column> columns_;
  std::shared_ptr<arrow::Schema> schema_;
  std::int64_t fixed_row_bytes_ = 0;
  std::int64_t variable_bytes_ = 0;  // of this batch
  std::int64_t row_ = 0;             // in this batch
  std::int64_t capacity_ = 0;        // rows that the buffers hold
  std::int64_t expected_rows_;       // of the next batch, from the last one
  std::int64_t rows_before_ = 0;     // in batches that were taken
  bool header_seen_ = false;
  bool trailer_seen_ = false;
};

}  // namespace pulk::postgres
