// Names the rows in which two sides differ, out of the buckets that differ. Rows that are equal on both sides are held
// once, and a limit of bytes ends the collecting.
//
// Threads: add() from several; finish() when they are done.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "validation/digest.h"

namespace pulk {

enum class Side { source, target };

enum class RowFinding {
  missing,      // only in the source
  extra,        // only in the target
  changed,      // the same key with other values
  repeated,     // the same row, not the same number of times
};
std::string_view to_string(RowFinding finding);

struct RowDifference {
  RowFinding finding = RowFinding::missing;
  std::vector<std::pair<std::string, std::string>> key;  // column and value; all columns when there is no key
  std::int64_t source_rows = 0, target_rows = 0;
  int partition = 0;                                     // ordinal in the source, 0: only in the target
  struct Value {
    std::string column, source, target;
  };
  std::vector<Value> values;                             // of `changed`
};

struct RowDifferences {
  std::vector<RowDifference> first;       // in the order of their keys
  std::int64_t missing = 0, extra = 0;    // rows
  std::int64_t changed = 0;               // rows on both sides with other values
  std::map<int, std::int64_t> by_partition;  // source rows that the target does not have as they are
  std::set<std::string> changed_columns;
  bool overflowed = false;                // more rows than fit shared the buckets: nothing was named
};

class RowDiff {
 public:
  RowDiff(const std::vector<ComparedColumn>& columns, const std::vector<std::size_t>& key,
          std::vector<bool> wanted_buckets, std::int64_t most_bytes);

  // `hasher` is the caller's own and has hashed this batch.
  void add(Side side, int partition, const RowHasher& hasher, const arrow::RecordBatch& batch);
  RowDifferences finish(std::size_t most_named) const;
  // What the buckets hold now, to see whether a side gave the same rows as before.
  const TableDigest::Bucket& seen(Side side, std::size_t bucket) const;

  // What one row may cost, for choosing buckets.
  static std::int64_t row_cost(std::size_t columns);

 private:
  struct Row {
    std::int64_t count[2] = {0, 0};
    int partition = 0;
    std::vector<KeptCell> cells;
    std::vector<Hash128> hashes;
  };
  RowDifference named(RowFinding finding, const Row& row) const;

  const std::vector<ComparedColumn>& columns_;
  const std::vector<std::size_t>& key_;
  const std::vector<bool> wanted_;
  const std::int64_t most_bytes_;
  std::mutex mutex_;
  std::int64_t bytes_ = 0;
  bool overflowed_ = false;
  std::map<Hash128, std::map<Hash128, Row>> rows_;  // by key, by row
  std::map<std::size_t, TableDigest::Bucket> seen_[2];
};

}  // namespace pulk
