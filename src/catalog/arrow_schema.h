// Carriers as Arrow types: the one place that says how a ColumnPlan becomes an Arrow field.
#pragma once

#include <memory>
#include <vector>

#include "catalog/table_plan.h"

namespace arrow {
class DataType;
class Schema;
}  // namespace arrow

namespace pulk {

std::shared_ptr<arrow::DataType> arrow_type(const Carrier& carrier);

// Fields are named by target_name and are nullable as the plan says.
std::shared_ptr<arrow::Schema> arrow_schema(const std::vector<ColumnPlan>& columns);

}  // namespace pulk
