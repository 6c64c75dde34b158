#include "source/odbc/sqlite_cut.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/sqlite.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/sqlite_catalog.h"

namespace pulk::odbc {
namespace {

// Sampled rows per wanted piece: the pieces then differ by some ten percent.
constexpr std::int64_t kPointsPerPiece = 100;
constexpr std::int64_t kMostPoints = 20'000;

// SQL literals, one for each key column.
using Boundary = std::vector<std::string>;

struct Key {
  std::vector<std::string> names;
  std::vector<std::string> quoted;
  std::vector<std::string> nullable;  // quoted names
};

Key key_of(const TableInfo& table, const std::vector<std::string>& names) {
  Key key;
  for (const std::string& name : names) {
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const SourceColumn& c) { return c.name == name; });
    if (column == table.columns.end()) {
      throw Error(ErrorKind::usage, "there is no column " + name + " to partition by", table.object.name.display());
    }
    key.names.push_back(name);
    key.quoted.push_back(sqlite::quote(name));
    if (column->nullable) key.nullable.push_back(key.quoted.back());
  }
  return key;
}

// a, or (a, b)
std::string tuple(const std::vector<std::string>& parts) {
  return parts.size() == 1 ? parts[0] : "(" + join(parts, ", ") + ")";
}

std::string no_null(const Key& key) {
  std::string text;
  for (const std::string& column : key.nullable) text += (text.empty() ? "" : " AND ") + (column + " IS NOT NULL");
  return text;
}

std::string any_null(const Key& key) {
  std::string text;
  for (const std::string& column : key.nullable) text += (text.empty() ? "" : " OR ") + (column + " IS NULL");
  return text;
}

// Every n-th rowid, by steps along the table's own b-tree: one pass that looks into no row.
std::vector<std::int64_t> counted_rowids(Connection& connection, const TableInfo& table, const std::string& rowid,
                                         const std::string& filter, std::int64_t n) {
  std::vector<std::int64_t> found;
  for (;;) {
    const std::string after = found.empty() ? "" : rowid + " >= " + std::to_string(found.back());
    const auto next = connection.value("SELECT " + rowid + " FROM " + sqlite::from_item(table.object) +
                                       where_clause({filter, after}) + " ORDER BY " + rowid +
                                       " LIMIT 1 OFFSET " + std::to_string(n));
    if (!next) return found;
    found.push_back(to_number(next));
  }
}

// Evenly spread seeks, unless the rowids are so uneven that most of them meet the same rows.
std::vector<std::int64_t> spread_rowids(Connection& connection, const TableInfo& table, const SqliteObject& found,
                                        std::int64_t points, std::int64_t rows) {
  auto rowids = sample_rowids(connection, found, points);
  const auto met = static_cast<std::int64_t>(rowids.size());
  if (met * 4 >= points || rows <= met * 4) return rowids;
  rowids = counted_rowids(connection, table, found.rowid, "", std::max<std::int64_t>(1, rows / points));
  return rowids;
}

std::vector<Boundary> sampled_keys(Connection& connection, const TableInfo& table, const SqliteObject& found,
                                   const Key& key, std::int64_t points, std::int64_t rows) {
  const std::string from = sqlite::from_item(table.object);
  std::vector<std::string> literals;
  for (const std::string& column : key.quoted) literals.push_back("quote(" + column + ")");
  std::vector<std::string> conditions{no_null(key)};
  if (!found.rowid.empty()) {
    const auto rowids = spread_rowids(connection, table, found, points, rows);
    if (rowids.empty()) return {};
    conditions.push_back(found.rowid + " IN (VALUES " + values_list(rowids) + ")");
  } else {
    // One pass over the rows: views and WITHOUT ROWID tables have nothing to seek by.
    if (rows < 0) rows = count_rows(connection, table.object);
    conditions.push_back(table.object.filter);
    if (rows > points) conditions.push_back("random() % " + std::to_string(rows / points) + " = 0");
  }
  // Sorted by SQLite itself, with the collations that the predicates will use.
  const std::string sql = "SELECT " + join(literals, ", ") + " FROM " + from + where_clause(conditions) +
                          " ORDER BY " + join(key.quoted, ", ");
  std::vector<Boundary> sample;
  for (const Row& row : connection.query(sql)) {
    Boundary boundary;
    for (const auto& cell : row) boundary.push_back(cell.value_or("NULL"));
    sample.push_back(std::move(boundary));
  }
  return sample;
}

// A frequent key takes several quantiles: the next boundary is then the key after it. None is the smallest key of the
// sample, below which there would be nothing.
std::vector<Boundary> quantiles(const std::vector<Boundary>& sample, std::int64_t pieces) {
  std::vector<Boundary> boundaries;
  const Boundary* last = &sample.front();
  for (std::int64_t i = 1; i < pieces; ++i) {
    auto at = static_cast<std::size_t>(i * static_cast<std::int64_t>(sample.size()) / pieces);
    while (at < sample.size() && sample[at] == *last) ++at;
    if (at == sample.size()) break;
    // A quantile inside a run of equal keys that an earlier step has passed lies behind the last boundary.
    if (last > &sample[at]) continue;
    boundaries.push_back(sample[at]);
    last = &sample[at];
  }
  return boundaries;
}

PartitionPlan range(const Key& key, const Boundary* lower, const Boundary* upper) {
  PartitionPlan part;
  part.kind = PartitionKind::key_range;
  const std::string columns = tuple(key.quoted);
  if (lower != nullptr) part.predicate = columns + " >= " + tuple(*lower);
  if (upper != nullptr) part.predicate += (lower != nullptr ? " AND " : "") + (columns + " < " + tuple(*upper));
  // (1, NULL) < (2, 0) is true: without this a row with NULL in its key would be in two partitions.
  if (key.names.size() > 1 && !key.nullable.empty()) part.predicate += " AND " + no_null(key);
  const std::string name = tuple(key.names);
  if (lower != nullptr && upper != nullptr) {
    part.display = name + " in [" + tuple(*lower) + ", " + tuple(*upper) + ")";
  } else {
    part.display = lower != nullptr ? name + " >= " + tuple(*lower) : name + " < " + tuple(*upper);
  }
  return part;
}

std::vector<PartitionPlan> partitions(const Key& key, const std::vector<Boundary>& boundaries) {
  std::vector<PartitionPlan> parts;
  for (std::size_t i = 0; i <= boundaries.size(); ++i) {
    parts.push_back(range(key, i == 0 ? nullptr : &boundaries[i - 1], i == boundaries.size() ? nullptr : &boundaries[i]));
  }
  if (!key.nullable.empty()) {
    PartitionPlan part;
    part.kind = PartitionKind::key_null;
    part.predicate = any_null(key);
    part.display = join(key.names, " or ") + " is NULL";
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

std::vector<PartitionPlan> cut_table(Connection& connection, const TableInfo& table, const PartitionRequest& request) {
  if (request.physical) throw Error(ErrorKind::usage, "SQLite has no page ranges", table.object.name.display());
  PartitionPlan whole;
  whole.display = "all rows";
  whole.rows_estimate = table.rows_estimate;
  whole.bytes_estimate = table.bytes_estimate;
  std::int64_t pieces = request.pieces;
  if (request.max_rows > 0 && table.rows_estimate >= 0) {
    pieces = std::max(pieces, (table.rows_estimate + request.max_rows - 1) / request.max_rows);
  }
  if (request.key.empty() || (pieces < 2 && request.max_rows <= 0)) return {whole};

  const Key key = key_of(table, request.key);
  const SqliteObject found = find_planned(connection, table.object);
  const bool by_rowid = !found.rowid_alias.empty() && key.names == std::vector{found.rowid_alias};
  std::vector<Boundary> boundaries;
  if (by_rowid && request.max_rows > 0) {
    for (const std::int64_t rowid :
         counted_rowids(connection, table, found.rowid, table.object.filter, request.max_rows)) {
      boundaries.push_back({std::to_string(rowid)});
    }
  } else {
    const std::int64_t points = std::min(kMostPoints, pieces * kPointsPerPiece);
    const auto sample = sampled_keys(connection, table, found, key, points, table.rows_estimate);
    if (!sample.empty()) boundaries = quantiles(sample, pieces);
  }
  if (boundaries.empty()) return {whole};

  std::vector<PartitionPlan> parts = partitions(key, boundaries);
  const auto ranges = static_cast<std::int64_t>(boundaries.size()) + 1;
  for (PartitionPlan& part : parts) {
    if (part.kind != PartitionKind::key_range) continue;
    if (table.rows_estimate >= 0) part.rows_estimate = (table.rows_estimate + ranges - 1) / ranges;
    if (table.bytes_estimate >= 0) part.bytes_estimate = table.bytes_estimate / ranges;
  }
  return parts;
}

}  // namespace pulk::odbc
