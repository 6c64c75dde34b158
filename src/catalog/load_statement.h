// A statement by which a warehouse moved rows, as its own history knows it: what the ledger stores and the summary adds
// up. A value.
#pragma once

#include <cstdint>
#include <string>

namespace pulk {

struct LoadStatement {
  std::string query_id;
  double seconds = 0;  // from sending it to its answer
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  // of the files that it read; 0 for one that reads a table
  bool operator==(const LoadStatement&) const = default;
};

}  // namespace pulk
