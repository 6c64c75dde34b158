// How a column of a file travels into a column of the table. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "catalog/table_plan.h"
#include "warehouse/snowflake/snowflake_type.h"
#include "warehouse/warehouse.h"

namespace arrow {
class DataType;
}

namespace pulk {

// What an Arrow type holds; nothing for those that have no columns here (lists, maps, intervals ...).
std::optional<LogicalType> logical_type_of(const arrow::DataType& type);

// Cells of text into a column of the table, see text_column.h. `refusal` is set when it cannot be.
ColumnPlan plan_text(const std::string& name_in_file, const DeployedColumn& column);

// A column of Parquet. Text goes the way of text where the table's column is none. `deployed` is nullptr when the table
// is to be made; then `target_name` is what the column will be called.
ColumnPlan plan_arrow(const std::string& name_in_file, const arrow::DataType& type, const std::string& target_name,
                      const DeployedColumn* deployed);

}  // namespace pulk
