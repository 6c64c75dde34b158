// The rows of one partition as Arrow batches. Belongs to its lane's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/odbc/block_reader.h"
#include "source/odbc/column_sink.h"
#include "source/odbc/handle.h"
#include "source/source.h"

namespace arrow {
class Schema;
}

namespace pulk::odbc {

class SqliteReader : public BatchReader {
 public:
  // Called with the connection's mutex held; next() takes it itself.
  SqliteReader(std::shared_ptr<Connection> connection, TablePlan table, const PartitionPlan& partition,
               const ReadLimits& limits, bool utf8);
  ~SqliteReader() override;

  std::shared_ptr<arrow::RecordBatch> next() override;
  std::int64_t widest_row() const override { return widest_row_; }

 private:
  void take_row();
  [[noreturn]] void refuse(std::size_t column, std::string_view why);
  std::string row_key() const;

  std::shared_ptr<Connection> connection_;
  const TablePlan table_;
  const std::string partition_;
  const ReadLimits limits_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<sqlite::CellForm> forms_;
  std::vector<bool> counted_;
  std::vector<std::unique_ptr<ColumnSink>> sinks_;
  std::unique_ptr<Statement> statement_;
  std::unique_ptr<BlockReader> block_;
  bool done_ = false;
  std::int64_t row_number_ = 0;
  std::int64_t batch_bytes_ = 0;
  std::int64_t widest_row_ = 0;
};

}  // namespace pulk::odbc
