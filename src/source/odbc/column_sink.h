// One column of a batch: takes text cells, checks each strictly, and keeps the values in Arrow buffers from the pool of
// the reader. Belongs to one thread.
#pragma once

#include <arrow/buffer_builder.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "catalog/table_plan.h"
#include "source/dialect/sqlite.h"
#include "source/odbc/block_reader.h"

namespace arrow {
struct ArrayData;
class DataType;
class MemoryPool;
}  // namespace arrow

namespace pulk::odbc {

class ColumnSink {
 public:
  ColumnSink(const ColumnPlan& plan, arrow::MemoryPool* pool);
  virtual ~ColumnSink() = default;
  ColumnSink(const ColumnSink&) = delete;
  ColumnSink& operator=(const ColumnSink&) = delete;

  // "" when the cell was taken, else why it has no place in this column ("is not a date"). `reader` has the rest of
  // cells that are longer than their buffer.
  std::string_view append(const Cell& cell, BlockReader& reader, std::size_t reader_column, std::int64_t max_bytes);
  // The same for `count` rows of the reader's block, from its row `first` on; stops at the row that it does not take, which
  // `bad_row` names then. For columns whose cells are all whole in their buffers.
  virtual std::string_view append_rows(BlockReader& reader, std::size_t reader_column, std::size_t first,
                                       std::size_t count, std::int64_t max_bytes, std::size_t& bad_row);
  // Bytes that the column's values take so far.
  virtual std::int64_t bytes() const = 0;
  // What was appended; the sink is empty again.
  std::shared_ptr<arrow::ArrayData> finish();

 protected:
  virtual std::string_view append_value(const Cell& cell, BlockReader& reader, std::size_t reader_column,
                                        std::int64_t max_bytes) = 0;
  virtual void append_filler() = 0;
  // The buffers after the validity bitmap.
  virtual void finish_values(arrow::ArrayData& data) = 0;

  // Says whether the next value is there; to be called once for each.
  void mark(bool there) {
    // The builder's own Append computes its growth for every value.
    if (room_ == 0) grow();
    validity_.UnsafeAppend(there);
    --room_;
    ++rows_;
  }
  static constexpr std::string_view kNull = "is NULL in a column that was planned without NULL";

  const ColumnPlan& plan_;
  arrow::MemoryPool* pool_;

 private:
  void grow();

  std::shared_ptr<arrow::DataType> type_;
  arrow::TypedBufferBuilder<bool> validity_;
  std::int64_t room_ = 0;  // values that validity_ takes without growing
  std::int64_t rows_ = 0;
};

std::unique_ptr<ColumnSink> make_sink(sqlite::CellForm form, const ColumnPlan& plan, arrow::MemoryPool* pool);

// The buffer that cells of this form are bound to.
CellWidth cell_width(sqlite::CellForm form);

// Takes an Arrow status for pulk's errors: out of memory is retryable, all else a bug.
void check(const arrow::Status& status);

}  // namespace pulk::odbc
