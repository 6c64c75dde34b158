// What the types of columns are made of: elements of arrays, fields of row types, bounds of ranges, down to types that
// are made of nothing else. Reads the catalog in the caller's transaction.
#pragma once

#include <vector>

#include "pg/statements.h"
#include "source/postgres/types.h"

namespace pulk::postgres {

// Fills parts, layout and money_digits of the columns that need them to be classified.
void look_into_types(pg::Statements& connection, std::vector<CatalogColumn>& columns);

}  // namespace pulk::postgres
