// How a lane encodes: Parquet options, and the memory that they cost. Values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pulk {

struct EncodeOptions {
  std::string codec = "zstd";               // zstd, snappy, lz4, gzip, none
  int level = 1;                            // where the codec has levels
  std::int64_t row_group_bytes = 16 << 20;  // of Arrow data
  std::int64_t file_bytes = 128 << 20;      // a file rolls at about this size
  std::int64_t first_file_bytes = 0;        // 0: all files alike; else the first ones are smaller, see file_limit()
  bool one_file = false;                    // it never does, whatever its size
  std::int64_t page_bytes = 1 << 20;
  std::int64_t dictionary_bytes = 1 << 20;
  std::int64_t batch_bytes = 2 << 20;
  std::int64_t open_file_bytes = 0;         // what the stage holds of a file that is being written
};

// Throws Error(usage) for an unknown codec or a level that it does not have.
void check_codec(const EncodeOptions& options);

// A file rolls early when its description grows too large: so many columns times row groups are kept in memory.
constexpr std::int64_t kMostColumnChunks = 8192;

// Where the n-th file of a partition rolls, n from 1. With `first_file_bytes` eight files have that size, the next eight
// twice that, and so on up to `file_bytes`: so a warehouse loads a small partition with all its threads, and a large one
// does not become thousands of files. Eight files at a time is what a node of Snowflake's smallest warehouse loads.
std::int64_t file_limit(const EncodeOptions& options, std::size_t n);

// The worst case of one lane over a table of that many columns: one row group as Arrow batches that is encoded and one
// that is read, a batch being filled while its builders grow, one column being encoded, what describes arrays and file,
// the connection's buffers, and what the stage holds.
std::int64_t lane_cost(const EncodeOptions& options, int columns);

// The options for a table: row groups shrink until one lane fits `budget`, then batches do.
EncodeOptions fit_to_budget(EncodeOptions options, int columns, std::int64_t budget);

}  // namespace pulk
