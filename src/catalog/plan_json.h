// TablePlan as JSON text, for the ledger and for `--summary`. Reading back gives an equal plan.
#pragma once

#include <string>
#include <string_view>

#include "catalog/table_plan.h"

namespace pulk {

std::string plan_to_json(const TablePlan& plan);
// Throws Error(internal) when the text is not a plan of this version.
TablePlan plan_from_json(std::string_view text);

}  // namespace pulk
