#include "source/postgres/cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"

namespace pulk::postgres {
namespace {

constexpr std::int64_t least_sample = 10'000;
constexpr std::int64_t sample_per_piece = 300;
// Rows of one page tend to have neighbouring keys, so pages count, not rows: the size of a piece is off by about
// 1/sqrt(pages in it). More of them where a limit is to be kept.
constexpr std::int64_t pages_per_piece = 30, pages_per_limited_piece = 100;
constexpr std::int64_t page_bytes = 8192;
constexpr std::int64_t most_sample = 2'000'000;
constexpr std::int64_t small_table = 1'000'000;  // rows; read whole when a sample would be a good part of it
constexpr double good_part = 0.3;
constexpr int most_attempts = 8;
constexpr double sampled_margin = 0.85;  // of max_rows, where only a sample says how large a piece is

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

PartitionPlan whole(const TableInfo& table) {
  PartitionPlan part;
  part.display = "all rows";
  part.rows_estimate = table.rows_estimate;
  part.bytes_estimate = table.bytes_estimate;
  return part;
}

KeyColumns key_columns(const TableInfo& table, const std::vector<std::string>& names) {
  KeyColumns key;
  for (const std::string& name : names) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const SourceColumn& column) { return column.name == name; });
    if (found == table.columns.end()) {
      throw Error(ErrorKind::usage, "there is no column " + quote_double(name) + " to cut by",
                  table.object.name.display());
    }
    key.names.push_back(name);
    key.types.push_back(found->native_type);
    key.nullable.push_back(found->nullable);
  }
  return key;
}

std::vector<std::string> column_names(const TableInfo& table) {
  std::vector<std::string> names;
  for (const SourceColumn& column : table.columns) names.push_back(column.name);
  return names;
}

struct Sample {
  std::int64_t rows = 0;             // all that were drawn
  std::int64_t keyed = 0;            // those without NULL in the key
  std::vector<Boundary> boundaries;  // rows_below counts rows of the sample
};

// Draws the share (0..1) of the rows and splits the keys into `pieces` of equal count. The server sorts the sample and
// gives back only the boundaries: neither side holds more than the sample.
Sample draw(pg::Statements& connection, const TableInfo& table, const KeyColumns& key, bool by_page, double share,
            std::int64_t pieces) {
  std::string from = from_item(table.object, column_names(table));
  std::vector<std::string> conditions = {table.object.filter};
  if (share < 1) {
    const std::string number = fmt::format("{:.12f}", by_page ? share * 100 : share);
    if (by_page) {
      from += " TABLESAMPLE SYSTEM (" + number + ")";
    } else {
      conditions.push_back("pg_catalog.random() < " + number);
    }
  }
  std::vector<std::string> columns, as, texts, keys;
  for (std::size_t i = 0; i < key.names.size(); ++i) {
    const std::string alias = "k" + std::to_string(i);
    as.push_back(quote_double(key.names[i]) + " AS " + alias);
    texts.push_back(alias + "::pg_catalog.text");
    keys.push_back(alias);
  }
  const std::string key_list = join(keys, ", ");
  const std::string keyed = join(keys, " IS DISTINCT FROM NULL AND ") + " IS DISTINCT FROM NULL";
  // Row r (from 0) starts a piece when r * pieces / n passes an integer. Its rank, the number of rows below its key,
  // is the same for all rows of one key; a boundary at rank 0 would cut nothing off.
  const std::string sql =
      "WITH s AS MATERIALIZED (SELECT " + join(as, ", ") + " FROM " + from + where_clause(conditions) +
      "), c AS (SELECT pg_catalog.count(*) AS drawn, pg_catalog.count(*) FILTER (WHERE " + keyed + ") AS n FROM s)," +
      " r AS (SELECT " + key_list + ", pg_catalog.row_number() OVER w - 1 AS r, pg_catalog.rank() OVER w - 1 AS below" +
      " FROM s WHERE " + keyed + " WINDOW w AS (ORDER BY " + key_list + "))" + " SELECT c.drawn, c.n, r.below, " +
      join(texts, ", ") + " FROM c LEFT JOIN r ON r.below > 0 AND r.r * " + std::to_string(pieces) +
      " / c.n <> (r.r - 1) * " + std::to_string(pieces) + " / c.n ORDER BY r.r";
  std::string text = sql;
  if (connection.server_version() < 120000) text.replace(text.find(" MATERIALIZED"), 13, "");
  const pg::Result rows = connection.exec(text);
  Sample sample;
  sample.rows = rows.integer(0, 0);
  sample.keyed = rows.integer(0, 1);
  for (int i = 0; i < rows.rows() && !rows.is_null(i, 2); ++i) {
    const std::int64_t below = rows.integer(i, 2);
    if (!sample.boundaries.empty() && sample.boundaries.back().rows_below == below) continue;  // the same key
    Boundary boundary{{}, below};
    for (int k = 0; k < static_cast<int>(key.names.size()); ++k) boundary.values.push_back(rows.text(i, 3 + k));
    sample.boundaries.push_back(std::move(boundary));
  }
  return sample;
}

std::vector<PartitionPlan> cut_by_sample(pg::Statements& connection, const TableInfo& table, const KeyColumns& key,
                                         bool by_page, const PartitionRequest& request) {
  std::int64_t pieces = request.pieces;
  const auto raise_pieces = [&](std::int64_t rows) {
    if (request.max_rows <= 0 || rows <= 0) return;
    const double per_piece = std::max(1.0, static_cast<double>(request.max_rows) * sampled_margin);
    pieces = std::max(pieces, static_cast<std::int64_t>(std::ceil(static_cast<double>(rows) / per_piece)));
  };
  raise_pieces(table.rows_estimate);
  double share = 1;
  const std::int64_t pages = by_page ? std::max<std::int64_t>(table.bytes_estimate, 0) / page_bytes : 0;
  const double rows_per_page =
      pages > 0 ? static_cast<double>(std::max<std::int64_t>(table.rows_estimate, 0)) / static_cast<double>(pages) : 0;
  const auto wanted = [&] {
    const std::int64_t in_pages = pieces * (request.max_rows > 0 ? pages_per_limited_piece : pages_per_piece);
    const double by_pages = std::min(static_cast<double>(in_pages) * rows_per_page, static_cast<double>(most_sample));
    return std::clamp(std::max(pieces * sample_per_piece, static_cast<std::int64_t>(by_pages)), least_sample,
                      most_sample);
  };
  if (table.rows_estimate > wanted()) {
    share = static_cast<double>(wanted()) / static_cast<double>(table.rows_estimate);
    if (share > good_part && table.rows_estimate <= small_table) share = 1;
  }
  Sample sample;
  std::int64_t rows = 0;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (attempt + 1 == most_attempts) share = 1;
    sample = draw(connection, table, key, by_page, share, pieces);
    rows = static_cast<std::int64_t>(std::llround(static_cast<double>(sample.rows) / share));
    const std::int64_t before = pieces;
    raise_pieces(rows);
    if (share >= 1) {
      if (pieces > before) continue;  // the estimate was too low: the same rows, more boundaries
      break;
    }
    if (sample.rows >= wanted() / 2 && pieces == before) break;
    // Too thin: the estimate was too high, the filter takes most, or pages are filled unevenly.
    if (sample.rows < wanted() / 2) {
      share *= std::min(100.0, 1.5 * static_cast<double>(wanted()) / static_cast<double>(sample.rows + 1));
    }
    share = std::min(share, 1.0);
  }
  const double scale = sample.rows > 0 ? static_cast<double>(rows) / static_cast<double>(sample.rows) : 0;
  const auto scaled = [&](std::int64_t n) {
    return static_cast<std::int64_t>(std::llround(static_cast<double>(n) * scale));
  };
  for (Boundary& boundary : sample.boundaries) boundary.rows_below = scaled(boundary.rows_below);
  const double bytes_per_row =
      table.rows_estimate > 0 && table.bytes_estimate >= 0
          ? static_cast<double>(table.bytes_estimate) / static_cast<double>(table.rows_estimate)
          : -1;
  return key_partitions(key, sample.boundaries, scaled(sample.keyed), scaled(sample.rows - sample.keyed), bytes_per_row,
                        request.max_rows > 0);
}

std::vector<PartitionPlan> cut_by_key(pg::Statements& connection, const TableInfo& table,
                                      const PartitionRequest& request) {
  const KeyColumns key = key_columns(table, request.key);
  if (table.object.is_query()) return cut_by_sample(connection, table, key, false, request);
  const Relation relation = find_relation(connection, table.object.name);
  if (request.max_rows > 0 && has_walkable_index(connection, relation, request.key)) {
    std::int64_t rows = std::max<std::int64_t>(table.rows_estimate, 0);
    const double bytes_per_row = rows > 0 && table.bytes_estimate >= 0
                                     ? static_cast<double>(table.bytes_estimate) / static_cast<double>(rows)
                                     : -1;
    // Not far below the limit: an estimate that is much too low would make a step of every few rows.
    const std::int64_t least = std::max<std::int64_t>(request.max_rows / 16, 1);
    const std::int64_t step =
        request.pieces > 1 ? std::clamp(divide_up(rows, request.pieces), least, request.max_rows) : request.max_rows;
    const std::vector<Boundary> boundaries = walk_index(connection, table, key, step, rows);
    return key_partitions(key, boundaries, rows, -1, bytes_per_row, false);
  }
  return cut_by_sample(connection, table, key, relation.sampled_by_page(), request);
}

std::vector<PartitionPlan> cut_by_page(pg::Statements& connection, const TableInfo& table,
                                       const PartitionRequest& request) {
  if (!table.physical_ranges) {
    throw Error(ErrorKind::usage, "this table cannot be read by page ranges", table.object.name.display(),
                "use key columns, or leave the choice to pulk");
  }
  const pg::Result size = connection.query(
      "SELECT pg_catalog.pg_relation_size(pg_catalog.to_regclass($1))"
      " / pg_catalog.current_setting('block_size')::pg_catalog.int8",
      {qualified(table.object.name)});
  const std::int64_t pages = size.is_null(0, 0) ? 0 : size.integer(0, 0);
  std::int64_t pieces = request.pieces;
  if (request.max_rows > 0 && table.rows_estimate > 0) {
    const double per_piece = std::max(1.0, static_cast<double>(request.max_rows) * sampled_margin);
    pieces =
        std::max(pieces, static_cast<std::int64_t>(std::ceil(static_cast<double>(table.rows_estimate) / per_piece)));
  }
  pieces = std::min(pieces, pages);
  if (pieces <= 1) return {whole(table)};
  std::vector<PartitionPlan> parts;
  for (std::int64_t i = 0; i < pieces; ++i) {
    const std::int64_t first = pages * i / pieces, end = pages * (i + 1) / pieces;
    std::vector<std::string> conditions;
    if (i > 0) conditions.push_back("ctid >= '(" + std::to_string(first) + ",0)'::pg_catalog.tid");
    if (i + 1 < pieces) conditions.push_back("ctid < '(" + std::to_string(end) + ",0)'::pg_catalog.tid");
    PartitionPlan part;
    part.kind = PartitionKind::physical;
    part.predicate = join(conditions, " AND ");
    part.display = "pages " + std::to_string(first) + "-" + std::to_string(end - 1);
    const double share = static_cast<double>(end - first) / static_cast<double>(pages);
    const auto of = [&](std::int64_t all) {
      return all < 0 ? -1 : static_cast<std::int64_t>(std::llround(static_cast<double>(all) * share));
    };
    part.rows_estimate = of(table.rows_estimate);
    part.bytes_estimate = of(table.bytes_estimate);
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

std::vector<PartitionPlan> cut_table(pg::Statements& connection, const TableInfo& table,
                                     const PartitionRequest& request) {
  if (!request.key.empty() && (request.pieces > 1 || request.max_rows > 0)) {
    return cut_by_key(connection, table, request);
  }
  if (request.physical) return cut_by_page(connection, table, request);
  return {whole(table)};
}

}  // namespace pulk::postgres
