// The rows of one partition as Arrow batches. Belongs to its lane's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/odbc/row_reader.h"

namespace pulk::odbc {

class SqliteReader : public RowReader {
 public:
  // Called with the connection's mutex held.
  SqliteReader(std::shared_ptr<Connection> connection, TablePlan table, const PartitionPlan& partition,
               const ReadLimits& limits, bool utf8);
  ~SqliteReader() override { close(); }

 private:
  void take_row() override;
  std::string shown(std::size_t column) const override;

  std::vector<sqlite::CellForm> forms_;
  std::vector<bool> counted_;
};

}  // namespace pulk::odbc
