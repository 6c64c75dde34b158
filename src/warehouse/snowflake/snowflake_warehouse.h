// Snowflake as target. Nothing is opened and the driver is not loaded before the first session is.
#pragma once

#include <memory>

#include "config/snowflake_connection.h"
#include "warehouse/warehouse.h"

namespace pulk {

// `cancel` may be null; it must outlive the warehouse.
std::unique_ptr<Warehouse> make_snowflake_warehouse(SnowflakeConnection connection, CancelToken* cancel);

}  // namespace pulk
