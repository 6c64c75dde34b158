#include "engine/value_range.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include <algorithm>

#include "base/error.h"

namespace pulk {
namespace {

// The first row outside, or -1. Values under a NULL are whatever they are.
template <typename ArrowArray>
std::int64_t first_outside(const arrow::Array& array, std::int64_t least, std::int64_t most) {
  const auto& typed = static_cast<const ArrowArray&>(array);
  const auto* values = typed.raw_values();
  for (std::int64_t i = 0; i < typed.length(); ++i)
    if ((values[i] < least || values[i] > most) && typed.IsValid(i)) return i;
  return -1;
}

std::int64_t first_outside(const arrow::Array& array, std::int64_t least, std::int64_t most) {
  switch (array.type_id()) {
    case arrow::Type::DATE32:
      return first_outside<arrow::Date32Array>(array, least, most);
    case arrow::Type::TIME64:
      return first_outside<arrow::Time64Array>(array, least, most);
    case arrow::Type::TIMESTAMP:
      return first_outside<arrow::TimestampArray>(array, least, most);
    default:
      throw Error(ErrorKind::internal, "a range for a column of the type " + array.type()->ToString());
  }
}

}  // namespace

void check_ranges(const arrow::RecordBatch& batch, const TablePlan& table) {
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const ColumnPlan& column = table.columns[c];
    if (!column.least || !column.most) continue;
    const arrow::Array& array = *batch.column(static_cast<int>(c));
    const std::int64_t row = first_outside(array, *column.least, *column.most);
    if (row < 0) continue;
    // Beyond its own years Arrow's text of a moment is no help: then the number says which it is.
    const auto value = array.GetScalar(row);
    throw Error(ErrorKind::refused,
                "the value " + (value.ok() ? (*value)->ToString() : "?") + " is outside of what " + column.target_type +
                    " holds",
                table.label + ": column " + column.source_name,
                "map the column to VARCHAR by columnTypeMappings, or leave such rows out by whereClauseCriteria");
  }
}

}  // namespace pulk
