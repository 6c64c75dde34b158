// What SQL Server's catalog says of a table, a view or a query. Read from catalog views, never from the driver, which
// knows no collations, alias types or hidden columns.
#pragma once

#include <string>
#include <vector>

#include "source/odbc/server_dialect.h"

namespace pulk::odbc {

// `database` is the connection's. Throws Error(usage) when there is no such table, or the query is none that SQL Server
// can describe. encrypted_columns: columns of Always Encrypted arrive decrypted.
ServerObject find_sqlserver_table(Connection& connection, const TableRequest& request, const std::string& database,
                                  bool encrypted_columns);
ServerObject find_sqlserver_query(Connection& connection, const TableRequest& request);

std::vector<QualifiedName> list_sqlserver_tables(Connection& connection, const WrittenName& schema);

}  // namespace pulk::odbc
