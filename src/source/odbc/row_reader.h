// What all readers of rows over ODBC share: batches out of a block of bound cells, limits, and errors that name the
// value. Belongs to its lane's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/odbc/block_reader.h"
#include "source/odbc/column_sink.h"
#include "source/source.h"

namespace arrow {
class Schema;
}

namespace pulk::odbc {

class RowReader : public BatchReader {
 public:
  std::shared_ptr<arrow::RecordBatch> next() override;
  std::int64_t widest_row() const override { return widest_row_; }

 protected:
  // Constructors of derived classes run with the connection's mutex held; next() takes it itself.
  RowReader(std::shared_ptr<Connection> connection, TablePlan table, const PartitionPlan& partition,
            const ReadLimits& limits);
  // `counted`: behind the statement stands another one that gives the number of its rows.
  void open(const std::string& sql, const std::vector<CellWidth>& widths, std::size_t block_bytes, bool counted = false);
  // The same by a cursor of the server's, for drivers that would hold the whole result.
  void open_cursor(const std::string& sql, const std::vector<CellWidth>& widths, std::size_t block_bytes);
  // For destructors of derived classes, which run without the mutex.
  void close();

  // Appends the row that the block stands at to the sinks and counts its bytes.
  virtual void take_row() = 0;
  // The same for several rows, where by_blocks_ is set.
  virtual void take_rows(BlockReader::Rows) {}
  // For people: the beginning of a column's cell in this row.
  virtual std::string shown(std::size_t column) const = 0;

  void check_count();
  // `rows_before`: how many of the present rows the bad one comes before.
  [[noreturn]] void refuse(std::size_t column, std::string_view why, std::int64_t rows_before = 0);
  std::string row_key() const;
  void count_row_bytes(std::int64_t bytes);
  void count_bytes(std::int64_t of_rows, std::int64_t of_the_widest);

  std::shared_ptr<Connection> connection_;
  const TablePlan table_;
  const ReadLimits limits_;
  std::vector<std::unique_ptr<ColumnSink>> sinks_;  // by column of the plan
  std::unique_ptr<BlockReader> block_;
  bool by_blocks_ = false;  // no cell is longer than its buffer
  bool wide_ = false;       // the last row was one, and ends its batch

 private:
  const std::string partition_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<FetchCursor> cursor_;
  std::unique_ptr<Statement> statement_;
  bool counted_ = false;
  bool done_ = false;
  std::int64_t row_number_ = 0;
  std::int64_t batch_bytes_ = 0;
  std::int64_t widest_row_ = 0;
};

// The beginning of a text in quotes, without what a terminal would take amiss.
std::string shown_text(std::string_view text, bool is_whole);

}  // namespace pulk::odbc
