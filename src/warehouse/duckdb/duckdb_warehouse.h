// A DuckDB file as target. libduckdb is loaded when the first session is opened, not before.
#pragma once

#include <memory>

#include "config/connections.h"
#include "warehouse/warehouse.h"

namespace pulk {

std::unique_ptr<Warehouse> make_duckdb_warehouse(const DuckdbConnection& connection);

}  // namespace pulk
