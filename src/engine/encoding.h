// How a lane encodes: Parquet options, and the memory that they cost. Values only.
#pragma once

#include <cstdint>
#include <string>

namespace pulk {

struct EncodeOptions {
  std::string codec = "zstd";             // zstd, snappy, lz4, gzip, none
  int level = 1;                          // where the codec has levels
  std::int64_t row_group_bytes = 16 << 20;  // of Arrow data
  std::int64_t file_bytes = 128 << 20;    // a file rolls at about this size
  std::int64_t page_bytes = 256 << 10;
  std::int64_t dictionary_bytes = 512 << 10;
  std::int64_t batch_bytes = 2 << 20;
};

// Throws Error(usage) for an unknown codec or a level that it does not have.
void check_codec(const EncodeOptions& options);

// The worst case of one lane over a table of that many columns: an incompressible row group, a page and a dictionary
// per column, a batch being filled while its builders grow, the connection's buffers.
std::int64_t lane_cost(const EncodeOptions& options, int columns);

// The options for a table: pages and dictionaries shrink until one lane fits `budget`, then the row group does.
EncodeOptions fit_to_budget(EncodeOptions options, int columns, std::int64_t budget);

}  // namespace pulk
