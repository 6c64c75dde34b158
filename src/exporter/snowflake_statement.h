// One statement of a person's that is no SELECT: SHOW, CALL, DDL, DML. It stands for itself: what it changes is
// committed when it has succeeded.
#pragma once

#include <memory>
#include <string>

#include "base/cancel.h"
#include "config/snowflake_connection.h"
#include "exporter/export_source.h"

namespace pulk {

// The rows are those that Snowflake answers with, as the driver has them; a moment with an offset is in UTC. All
// parameters must outlive the result, `cancel` may be null.
std::unique_ptr<ExportRows> run_statement(const SnowflakeConnection& connection, const std::string& sql,
                                          CancelToken* cancel);

}  // namespace pulk
