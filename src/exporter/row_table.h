// Rows as an aligned table for people. Exact where there is room: texts longer than kLongestCell characters are cut,
// and what would move the cursor is written as an escape. Belongs to one thread.
//
// NULL is NULL; a text that reads so, and an empty one, stand in single quotes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/text_table.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace pulk {

class RowTable {
 public:
  static constexpr std::size_t kLongestCell = 200;

  explicit RowTable(std::shared_ptr<arrow::Schema> schema);
  // Keeps a copy of what is shown of the rows.
  void add(const arrow::RecordBatch& batch);
  std::int64_t rows() const { return rows_; }
  bool cut() const { return cut_; }  // some text was longer
  std::string render() const { return table_.render(); }

 private:
  std::string shown(std::string_view text);

  const std::shared_ptr<arrow::Schema> schema_;
  TextTable table_;
  std::int64_t rows_ = 0;
  bool cut_ = false;
};

}  // namespace pulk
