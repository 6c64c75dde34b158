// The rows of one file as batches of the columns that a plan says, in its carriers. A reader belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "catalog/table_plan.h"
#include "importer/bad_rows.h"
#include "importer/text_rows.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
}  // namespace arrow

namespace pulk {

class FileBatches {
 public:
  virtual ~FileBatches() = default;
  // nullptr behind the last. What is wrong with a row goes to the BadRows that were given, and the row's place is taken
  // by another one: a batch is of use only when nothing went there.
  virtual std::shared_ptr<arrow::RecordBatch> next() = 0;
};

// Which columns of the table (by their position in `columns`) the file's rows had.
using SeenColumns = std::vector<bool>;

// `columns` are of plan_text(). All parameters but `rows` must outlive the result; `seen` may be null. Names that no
// column of the plan has are findings.
std::unique_ptr<FileBatches> text_batches(std::unique_ptr<TextRows> rows, const std::string& path,
                                          const std::vector<ColumnPlan>& columns, BadRows& bad, SeenColumns* seen,
                                          arrow::MemoryPool* pool);

// `table.columns` are of plan_arrow(), by the names that they have in the file.
std::unique_ptr<FileBatches> parquet_batches(const std::string& path, const TablePlan& table, BadRows& bad,
                                             arrow::MemoryPool* pool);

}  // namespace pulk
