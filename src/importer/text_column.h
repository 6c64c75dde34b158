// Cells of text as the values of one column, exactly or not at all. A column belongs to one thread.
//
//   NUMBER      decimal notation, also with an exponent; not rounded: digits that the column does not have are refused
//   FLOAT       the nearest double; NaN, inf, infinity
//   BOOLEAN     true, t, yes, y, on, 1 and their opposites, as Snowflake reads them
//   DATE, TIME  2026-11-21, 18:00:02.424560
//   TIMESTAMP   a date and a time, with a blank or a T between; an offset (+05:30, Z) where the type has one, and only
//               there
//   BINARY      hex digits
//   VARIANT, OBJECT, ARRAY   JSON
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catalog/table_plan.h"
#include "importer/text_rows.h"
#include "warehouse/snowflake/snowflake_type.h"

namespace arrow {
class Array;
class MemoryPool;
}  // namespace arrow

namespace pulk {

class TextColumn {
 public:
  virtual ~TextColumn() = default;
  // "" when the cell was taken, else why it has no place in the column ("is no number"), and a NULL stands for it.
  std::string take(const TextCell& cell);
  std::int64_t bytes() const { return bytes_; }
  // What was taken; the column is empty again.
  virtual std::shared_ptr<arrow::Array> finish() = 0;

 protected:
  explicit TextColumn(bool nullable) : nullable_(nullable) {}
  virtual std::string append(const TextCell& cell) = 0;
  virtual void append_null() = 0;

  std::int64_t bytes_ = 0;

 private:
  const bool nullable_;
};

// `plan` is what plan_text() makes of a column of this type.
std::unique_ptr<TextColumn> make_text_column(const ColumnPlan& plan, const snowflake::Type& type,
                                             arrow::MemoryPool* pool);

}  // namespace pulk
