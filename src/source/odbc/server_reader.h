// The rows of one partition of a server's table as Arrow batches. Belongs to its lane's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/odbc/row_reader.h"
#include "source/odbc/server_dialect.h"

namespace pulk::odbc {

class ServerReader : public RowReader {
 public:
  // Called with the connection's mutex held.
  ServerReader(std::shared_ptr<Connection> connection, const ServerDialect& dialect, TablePlan table,
               const PartitionPlan& partition, const ReadLimits& limits);
  // Columns by the order of the plan; `from`: what stands after their expressions. Reads by a cursor.
  ServerReader(std::shared_ptr<Connection> connection, std::vector<NativeColumn> columns, const std::string& from,
               TablePlan table, const PartitionPlan& partition, const ReadLimits& limits);
  ~ServerReader() override { close(); }
  // The right to the connection, until the reader goes.
  void hold(Connection::Rows rows) { held_ = std::move(rows); }

 private:
  std::string select(const std::string& from, const std::string& limit) const;
  std::vector<CellWidth> make_sinks();
  void take_row() override;
  void take_rows(BlockReader::Rows rows) override;
  std::string shown(std::size_t column) const override;

  void order_columns();

  Connection::Rows held_;
  std::vector<NativeColumn> columns_;   // by column of the plan, as all else here
  std::vector<std::int64_t> row_bytes_;  // of the rows that are being taken
  std::vector<std::size_t> places_;     // in the SELECT, and in the block
};

}  // namespace pulk::odbc
