// The way of PostgreSQL's values through psqlODBC. Pure functions.
#pragma once

#include "source/odbc/server_dialect.h"
#include "source/postgres/types.h"

namespace pulk::odbc {

// `read` is the column's way through COPY: the same values, cast by the server where the driver would change them.
NativeColumn psqlodbc_column(const postgres::CatalogColumn& actual, const postgres::ReadColumn& read);

}  // namespace pulk::odbc
