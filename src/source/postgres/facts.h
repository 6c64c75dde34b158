// What a PostgreSQL server is, for `plan` and `doctor`.
#pragma once

#include "pg/statements.h"
#include "source/source.h"

namespace pulk::postgres {

// Runs outside of a transaction.
SourceFacts facts_of_server(pg::Statements& connection);

}  // namespace pulk::postgres
