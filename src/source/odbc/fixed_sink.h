// Columns of fixed width, over a function that makes one value of one cell. Included by the files that define such
// functions.
#pragma once

#include <arrow/array/data.h>
#include <arrow/buffer.h>

#include <memory>
#include <string_view>
#include <utility>

#include "source/odbc/column_sink.h"

namespace pulk::odbc {

// Parse: std::string_view (const Cell&, const ColumnPlan&, T& value); the result is why not.
template <typename T, auto Parse>
class FixedSink : public ColumnSink {
 public:
  FixedSink(const ColumnPlan& plan, arrow::MemoryPool* pool) : ColumnSink(plan, pool), values_(pool) {}
  std::int64_t bytes() const override { return values_.length() * static_cast<std::int64_t>(sizeof(T)); }

  // Without a call for each value: that, and growing for each, costs more than the values.
  std::string_view append_rows(BlockReader& reader, std::size_t column, std::size_t first, std::size_t count, std::int64_t,
                               std::size_t& bad_row) override {
    check(values_.Reserve(static_cast<std::int64_t>(count)));
    for (std::size_t row = first; row < first + count; ++row) {
      const Cell cell = reader.cell_at(column, row);
      T value{};
      const std::string_view why = !cell.is_null    ? Parse(cell, plan_, value)
                                   : plan_.nullable ? std::string_view()
                                                    : kNull;
      if (!why.empty()) {
        bad_row = row;
        return why;
      }
      values_.UnsafeAppend(value);
      mark(!cell.is_null);
    }
    return "";
  }

 protected:
  std::string_view append_value(const Cell& cell, BlockReader&, std::size_t, std::int64_t) override {
    T value{};
    if (const std::string_view why = Parse(cell, plan_, value); !why.empty()) return why;
    check(values_.Append(value));
    return "";
  }
  void append_filler() override { check(values_.Append(T{})); }
  void finish_values(arrow::ArrayData& data) override {
    std::shared_ptr<arrow::Buffer> values;
    check(values_.Finish(&values));
    data.buffers.push_back(std::move(values));
  }

 private:
  arrow::TypedBufferBuilder<T> values_;
};

template <auto Parse>
class BooleanSink : public ColumnSink {
 public:
  BooleanSink(const ColumnPlan& plan, arrow::MemoryPool* pool) : ColumnSink(plan, pool), values_(pool) {}
  std::int64_t bytes() const override { return values_.length() / 8; }

 protected:
  std::string_view append_value(const Cell& cell, BlockReader&, std::size_t, std::int64_t) override {
    bool value = false;
    if (const std::string_view why = Parse(cell, plan_, value); !why.empty()) return why;
    check(values_.Append(value));
    return "";
  }
  void append_filler() override { check(values_.Append(false)); }
  void finish_values(arrow::ArrayData& data) override {
    std::shared_ptr<arrow::Buffer> values;
    check(values_.Finish(&values));
    data.buffers.push_back(std::move(values));
  }

 private:
  arrow::TypedBufferBuilder<bool> values_;
};

}  // namespace pulk::odbc
