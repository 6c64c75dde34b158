// The demo's proof: what the SQLite file and the DuckDB file hold, each counted and summed by its own engine, without
// any part of a migration in between. Called by the demo only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pulk::demo {

// One value that both engines were asked for.
struct Figure {
  std::string what;  // "sum of l_tax", "l_shipdate from .. to", "digest over all cells"
  std::string source, target;
  bool equal() const { return source == target; }
};

struct TableProof {
  std::string table;
  std::int64_t rows = 0;  // in the source
  std::vector<Figure> figures;
  bool equal() const;
  // The figure that says most to a person: a sum of money, else one of keys.
  const Figure& headline() const;
};

// Exact: integers as they are, decimals as whole hundredths, texts by their lengths, and one digest over all cells of
// all rows, whatever their order.
std::vector<TableProof> prove(const std::string& sqlite_path, const std::string& duckdb_path);

// What a run that was killed left in the target.
struct Left {
  std::string table;
  bool published = false;
  std::int64_t partitions = 0, loaded = 0;
  std::int64_t rows = 0;  // committed, in the table or in its staging
};
// In the order of tables(); those that were not begun have no partitions.
std::vector<Left> what_is_left(const std::string& duckdb_path);

}  // namespace pulk::demo
