#include "source/odbc/variable_sink.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/strings.h"
#include "source/odbc/cell_parser.h"

namespace pulk::odbc {
namespace {

using sqlite::CellForm;

constexpr std::string_view kTooLong = "is larger than --max-cell";
constexpr std::string_view kNotUtf8 = "is not valid UTF-8";

class VariableSink : public ColumnSink {
 public:
  VariableSink(const ColumnPlan& plan, arrow::MemoryPool* pool) : ColumnSink(plan, pool), offsets_(pool), data_(pool) {}
  std::int64_t bytes() const override { return data_.length() + offsets_.length() * 4; }

 protected:
  // Room for `length` more bytes and a terminator. Grown by half so that a long cell does not double the buffer.
  char* room(std::size_t length) {
    const auto need = static_cast<std::int64_t>(length) + 1;
    if (data_.length() + need > data_.capacity()) {
      const std::int64_t grown = data_.capacity() + std::min<std::int64_t>(data_.capacity() / 2, 1 << 20);
      check(data_.Resize(std::max(data_.length() + need, grown), /*shrink_to_fit=*/false));
    }
    return reinterpret_cast<char*>(data_.mutable_data()) + data_.length();
  }
  // What was written into room().
  void taken(std::size_t length) {
    start_value();
    data_.UnsafeAdvance(static_cast<std::int64_t>(length));
  }
  void copy(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    taken(text.size());
  }
  // The cell in room(), read to its end.
  const char* whole_cell(const Cell& cell, BlockReader& reader, std::size_t column) {
    char* out = room(cell.length);
    if (cell.is_whole()) {
      std::memcpy(out, cell.text.data(), cell.length);
    } else {
      reader.read_long(column, cell.length, out);
    }
    return out;
  }
  bool fits(std::size_t length, std::int64_t max_bytes) const {
    return static_cast<std::int64_t>(length) <= max_bytes &&
           data_.length() + static_cast<std::int64_t>(length) < std::numeric_limits<std::int32_t>::max();
  }

  void append_filler() override { start_value(); }
  void finish_values(arrow::ArrayData& data) override {
    check(offsets_.Append(static_cast<std::int32_t>(data_.length())));
    std::shared_ptr<arrow::Buffer> offsets;
    std::shared_ptr<arrow::Buffer> bytes;
    check(offsets_.Finish(&offsets));
    check(data_.Finish(&bytes, /*shrink_to_fit=*/false));
    data.buffers.push_back(std::move(offsets));
    data.buffers.push_back(std::move(bytes));
  }

 private:
  void start_value() { check(offsets_.Append(static_cast<std::int32_t>(data_.length()))); }

  arrow::TypedBufferBuilder<std::int32_t> offsets_;
  arrow::BufferBuilder data_;
};

class TextSink : public VariableSink {
 public:
  using VariableSink::VariableSink;

 protected:
  std::string_view append_value(const Cell& cell, BlockReader& reader, std::size_t column,
                                std::int64_t max_bytes) override {
    if (!fits(cell.length, max_bytes)) return kTooLong;
    const char* out = whole_cell(cell, reader, column);
    if (!valid_utf8({out, cell.length})) return kNotUtf8;
    taken(cell.length);
    return "";
  }
};

class RawBytesSink : public VariableSink {
 public:
  using VariableSink::VariableSink;

 protected:
  std::string_view append_value(const Cell& cell, BlockReader& reader, std::size_t column,
                                std::int64_t max_bytes) override {
    if (!fits(cell.length, max_bytes)) return kTooLong;
    whole_cell(cell, reader, column);
    taken(cell.length);
    return "";
  }
};

class MomentSink : public VariableSink {
 public:
  MomentSink(TakeMomentText take, const ColumnPlan& plan, arrow::MemoryPool* pool)
      : VariableSink(plan, pool), take_(take) {}

 protected:
  std::string_view append_value(const Cell& cell, BlockReader&, std::size_t, std::int64_t max_bytes) override {
    std::string_view text;
    if (const std::string_view why = take_(cell, plan_, buffer_, text); !why.empty()) return why;
    if (!fits(text.size(), max_bytes)) return kTooLong;
    copy(text);
    return "";
  }

 private:
  const TakeMomentText take_;
  MomentBuffer buffer_{};
};

class Utf16Sink : public VariableSink {
 public:
  using VariableSink::VariableSink;

 protected:
  std::string_view append_value(const Cell& cell, BlockReader& reader, std::size_t column,
                                std::int64_t max_bytes) override {
    if (!fits(cell.length, 2 * max_bytes)) return kTooLong;
    std::string whole;
    std::string_view units = cell.text;
    if (!cell.is_whole()) {
      whole.resize(cell.length + 2);
      reader.read_long(column, cell.length, whole.data());
      units = std::string_view(whole).substr(0, cell.length);
    }
    if (!fits(most_utf8(units), std::numeric_limits<std::int32_t>::max())) return kTooLong;
    const auto size = to_utf8(units, room(most_utf8(units)));
    if (!size) return "is not valid UTF-16";
    if (!fits(*size, max_bytes)) return kTooLong;
    taken(*size);
    return "";
  }
};

// Any value but a blob, as text: numbers in the shortest form that is exact.
class TaggedSink : public VariableSink {
 public:
  using VariableSink::VariableSink;

 protected:
  std::string_view append_value(const Cell& cell, BlockReader& reader, std::size_t column,
                                std::int64_t max_bytes) override {
    if (cell.length == 0 || !fits(cell.length - 1, max_bytes)) return kTooLong;
    std::string whole;
    std::string_view text = cell.text;
    if (!cell.is_whole()) {
      whole.resize(cell.length + 1);
      reader.read_long(column, cell.length, whole.data());
      whole.resize(cell.length);
      text = whole;
    }
    const bool number = plan_.logical.kind == TypeKind::decimal;
    const char tag = text.front();
    text.remove_prefix(1);
    if (tag == 'r') {
      const auto real = parse_real(text);
      if (!real || (number && !std::isfinite(*real))) return "is no decimal number";
      copy(std::isfinite(*real) ? shortest_fixed(*real) : std::string(text));
      return "";
    }
    if (number && !is_decimal_text(text)) return "is no decimal number";
    if (!valid_utf8(text)) return kNotUtf8;
    copy(text);
    return "";
  }
};

// 0..15, or 16 for what is no hexadecimal digit.
constexpr std::array<unsigned char, 256> kNibbles = [] {
  std::array<unsigned char, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    const auto c = static_cast<char>(i);
    table[i] = c >= '0' && c <= '9'   ? static_cast<unsigned char>(c - '0')
               : c >= 'a' && c <= 'f' ? static_cast<unsigned char>(c - 'a' + 10)
               : c >= 'A' && c <= 'F' ? static_cast<unsigned char>(c - 'A' + 10)
                                      : 16;
  }
  return table;
}();

// The driver writes blobs as X'0A1B'.
class BytesSink : public VariableSink {
 public:
  using VariableSink::VariableSink;

 protected:
  std::string_view append_value(const Cell& cell, BlockReader& reader, std::size_t column,
                                std::int64_t max_bytes) override {
    if (cell.length < 3 || cell.length % 2 == 0 || cell.text.substr(0, 2) != "X'") return "is not a blob";
    const std::size_t bytes = (cell.length - 3) / 2;
    if (!fits(bytes, max_bytes)) return kTooLong;
    out_ = room(bytes);
    position_ = 0;
    bad_ = false;
    if (cell.is_whole()) {
      decode(cell.text, cell.length);
    } else {
      reader.read_pieces(column, cell.length, [&](std::string_view piece) { decode(piece, cell.length); });
    }
    if (bad_) return "is not a blob";
    taken(bytes);
    return "";
  }

 private:
  // Pieces may end between the two digits of a byte.
  void decode(std::string_view piece, std::size_t length) {
    for (const char c : piece) {
      const std::size_t at = position_++;
      if (at < 2 || at + 1 == length) continue;
      const unsigned char nibble = kNibbles[static_cast<unsigned char>(c)];
      bad_ = bad_ || nibble > 15;
      if (at % 2 == 0) {
        high_ = nibble;
      } else {
        *out_++ = static_cast<char>(high_ << 4U | nibble);
      }
    }
  }

  char* out_ = nullptr;
  std::size_t position_ = 0;
  unsigned high_ = 0;
  bool bad_ = false;
};

}  // namespace

std::unique_ptr<ColumnSink> make_text_sink(const ColumnPlan& plan, arrow::MemoryPool* pool) {
  return std::make_unique<TextSink>(plan, pool);
}

std::unique_ptr<ColumnSink> make_moment_sink(TakeMomentText take, const ColumnPlan& plan, arrow::MemoryPool* pool) {
  return std::make_unique<MomentSink>(take, plan, pool);
}

std::unique_ptr<ColumnSink> make_utf16_sink(const ColumnPlan& plan, arrow::MemoryPool* pool) {
  return std::make_unique<Utf16Sink>(plan, pool);
}

std::unique_ptr<ColumnSink> make_raw_bytes_sink(const ColumnPlan& plan, arrow::MemoryPool* pool) {
  return std::make_unique<RawBytesSink>(plan, pool);
}

std::unique_ptr<ColumnSink> make_variable_sink(CellForm form, const ColumnPlan& plan, arrow::MemoryPool* pool) {
  if (form == CellForm::bytes) return std::make_unique<BytesSink>(plan, pool);
  if (form == CellForm::tagged) return std::make_unique<TaggedSink>(plan, pool);
  return std::make_unique<TextSink>(plan, pool);
}

}  // namespace pulk::odbc
