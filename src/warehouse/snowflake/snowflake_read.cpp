#include "base/error.h"
#include "warehouse/snowflake/snowflake_session.h"

namespace pulk {

std::unique_ptr<TargetReader> SnowflakeSession::read(const QualifiedName& table, const std::vector<DeployedColumn>&,
                                                     arrow::MemoryPool*) {
  throw Error(ErrorKind::refused, "tables in Snowflake cannot be compared with their source in this version",
              table.display());
}

}  // namespace pulk
