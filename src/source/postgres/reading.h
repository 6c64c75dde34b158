// What a lane does before it reads, by whatever client: joins the snapshot, and looks whether the table is the planned
// one.
#pragma once

#include <string>
#include <vector>

#include "pg/statements.h"
#include "source/postgres/types.h"

namespace pulk::postgres {

// For a transaction that has just begun. Throws Error(retryable) when the snapshot cannot be joined.
void join_snapshot(pg::Statements& connection, const std::string& exported, const std::string& where);

// The columns of a plan: as they are now, and the way of reading each.
struct Reading {
  std::vector<CatalogColumn> actual;
  std::vector<ReadColumn> columns;
};

// Throws Error(drift) when the table is not the one that was planned.
Reading plan_reading(pg::Statements& connection, const TablePlan& table);

// The names a query's output is addressed by in FROM.
std::vector<std::string> output_names(pg::Statements& connection, const SourceObject& source);

}  // namespace pulk::postgres
