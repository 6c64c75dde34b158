// The demo's source: the eight TPC-H tables in a SQLite file, made by the generator tpchgen-cli. Called by the demo
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pulk::demo {

enum class ColumnKind { integer, decimal, date, text };

struct Column {
  std::string name;
  std::string type;  // as declared
  ColumnKind kind() const;
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<std::string> primary_key;
};

// In the order of the workflow: small tables before and after the large one.
const std::vector<Table>& tables();

// PULK_TPCHGEN, PATH, or the build's own tools beside the current folder or the program. Throws Error(usage).
std::string find_generator();

// Writes the file anew and gives the number of its rows. The file is there whole or not at all. `on_progress` is told
// what comes next.
std::int64_t make_sample(const std::string& generator, const std::string& scale, const std::string& path,
                         const std::function<void(const std::string& what)>& on_progress);

}  // namespace pulk::demo
