// Boundaries of partitions: key ranges from a sample or from a walk along an index, page ranges from the size. Nothing
// here sorts a table or reads it whole, except views and queries, which have no sample. Runs in the caller's
// transaction and may change its planner settings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/statements.h"
#include "source/postgres/relation.h"
#include "source/source.h"

namespace pulk::postgres {

std::vector<PartitionPlan> cut_table(pg::Statements& connection, const TableInfo& table,
                                     const PartitionRequest& request);

// One value per key column, as the server prints it.
using KeyValues = std::vector<std::string>;

// A key's columns with what is needed to compare them with literals.
struct KeyColumns {
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::vector<bool> nullable;

  bool any_nullable() const;
  std::string list() const;      // "a", "b"
  std::string not_null() const;  // for the nullable ones; "" when there are none
  std::string any_null() const;
  std::string compare(const char* op, const KeyValues& values) const;  // ("a", "b") >= ('1'::integer, 'x'::text)
};

struct Boundary {
  KeyValues values;
  std::int64_t rows_below = 0;  // estimate of rows before it, NULL keys not counted
};

// Ranges between the boundaries, first and last open, and one partition for NULL keys when there may be any.
std::vector<PartitionPlan> key_partitions(const KeyColumns& key, const std::vector<Boundary>& boundaries,
                                          std::int64_t rows, std::int64_t null_rows, double bytes_per_row,
                                          bool sampled_limit);

// Boundaries such that no range has more than max_rows rows, unless one single key value has. Walks the index.
std::vector<Boundary> walk_index(pg::Statements& connection, const TableInfo& table, const KeyColumns& key,
                                 std::int64_t max_rows, std::int64_t& rows);

// Is there an index that gives the rows in the order of the key, without a sort?
bool has_walkable_index(pg::Statements& connection, const Relation& relation, const std::vector<std::string>& key);

}  // namespace pulk::postgres
