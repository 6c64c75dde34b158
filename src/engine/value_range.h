// Values that the target's type cannot hold are refused by name before they are encoded: what a target makes of a year
// 20000 in a file is its own affair, and not always an error. Called by a lane, batch by batch.
#pragma once

#include <string>

#include "catalog/table_plan.h"

namespace arrow {
class RecordBatch;
}

namespace pulk {

// Throws Error(refused) for the first value outside its column's `least` and `most`.
void check_ranges(const arrow::RecordBatch& batch, const TablePlan& table);

}  // namespace pulk
