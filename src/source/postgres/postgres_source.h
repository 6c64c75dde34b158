// PostgreSQL as a source: exported snapshots, binary COPY, ranges over keys or pages. Made by the composition of the
// program from a configured connection.
#pragma once

#include <memory>

#include "base/cancel.h"
#include "config/connections.h"
#include "source/source.h"

namespace pulk {

// max_connections counts all of them: the snapshot's holder, the lanes, and a guard while a snapshot is taken; at least
// 2. `cancel` may be null, else it outlives the source; cancelling it ends running statements.
std::unique_ptr<Source> make_postgres_source(const PostgresConnection& connection, int max_connections,
                                             CancelToken* cancel);

}  // namespace pulk
