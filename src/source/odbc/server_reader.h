// The rows of one partition of a server's table as Arrow batches. Belongs to its lane's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/odbc/block_reader.h"
#include "source/odbc/column_sink.h"
#include "source/odbc/server_dialect.h"

namespace arrow {
class Schema;
}

namespace pulk::odbc {

class ServerReader : public BatchReader {
 public:
  // Called with the connection's mutex held; next() takes it itself.
  ServerReader(std::shared_ptr<Connection> connection, const ServerDialect& dialect, TablePlan table,
               const PartitionPlan& partition, const ReadLimits& limits);
  ~ServerReader() override;

  std::shared_ptr<arrow::RecordBatch> next() override;
  std::int64_t widest_row() const override { return widest_row_; }

 private:
  void take_row();
  [[noreturn]] void refuse(std::size_t column, std::string_view why);
  std::string row_key() const;
  std::string shown(std::size_t column) const;

  std::shared_ptr<Connection> connection_;
  const TablePlan table_;
  const std::string partition_;
  const ReadLimits limits_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<NativeColumn> columns_;
  std::vector<std::unique_ptr<ColumnSink>> sinks_;
  std::unique_ptr<Statement> statement_;
  std::unique_ptr<BlockReader> block_;
  bool done_ = false;
  bool wide_ = false;  // the last row was one, and ends its batch
  std::int64_t row_number_ = 0;
  std::int64_t batch_bytes_ = 0;
  std::int64_t widest_row_ = 0;
};

}  // namespace pulk::odbc
