// What `pulk plan` prints: tables, partitions, the level of exactly-once, and the way of every column.
#pragma once

#include <string>

#include "orchestrator/prepare.h"

namespace pulk {

// max_partitions: how many partitions of a table are listed before the rest is counted.
std::string plan_text(const Ends& ends, const Prepared& prepared, int max_partitions);
std::string plan_report_json(const Ends& ends, const Prepared& prepared);

}  // namespace pulk
