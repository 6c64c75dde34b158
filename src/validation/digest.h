// Digests of columns and rows that do not depend on the order in which rows come: counts, ranges, exact sums, and sums
// of 128-bit hashes. Two tables with the same digest hold the same rows, each the same number of times, but for a
// collision of XXH3; hashes are for finding errors, not for keeping out somebody who makes collisions on purpose.
//
// A row's hash is made of its cells' hashes, not of their bytes, so that ("ab", "c") is not ("a", "bc"). NULL has a hash
// of its own. Threads: each thread has its own; merge() joins them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "validation/cell.h"

namespace arrow {
class RecordBatch;
}

namespace pulk {

struct Hash128 {
  std::uint64_t low = 0, high = 0;
  auto operator<=>(const Hash128&) const = default;
};
Hash128 hash_of(Meaning meaning, const Cell& cell);
Hash128 chain(const Hash128& row, const Hash128& cell);

// A sum of 128-bit numbers that no table is long enough to overflow.
class WideSum {
 public:
  void add(Int128 value);
  void add(const WideSum& other);
  std::string text(int scale) const;
  bool operator==(const WideSum&) const = default;

 private:
  UInt128 low_ = 0;
  std::int64_t high_ = 0;
};

struct ColumnDigest {
  std::int64_t nulls = 0;
  std::optional<KeptCell> min, max;  // text by its first bytes
  WideSum sum;                       // of numbers
  bool summed = true;                // false: some number left 128 bits
  UInt128 hashes = 0;                // sum of the cells' hashes, NULL left out

  void add(Meaning meaning, const Cell& cell, const Hash128& hash);
  void merge(Meaning meaning, const ColumnDigest& other);
  bool same(const ColumnDigest& other) const { return nulls == other.nulls && hashes == other.hashes; }
};

// The hashes of a batch's rows and of their keys. A table without a key is known by its whole rows.
class RowHasher {
 public:
  // `key`: places of the key's columns. Both outlive the hasher.
  RowHasher(const std::vector<ComparedColumn>& columns, const std::vector<std::size_t>& key);
  // Also adds to `digests`, one per column, when they are given.
  void hash(const arrow::RecordBatch& batch, std::vector<ColumnDigest>* digests);
  const std::vector<Hash128>& rows() const { return rows_; }
  const std::vector<Hash128>& keys() const { return key_.empty() ? rows_ : keys_; }

 private:
  const std::vector<ComparedColumn>& columns_;
  const std::vector<std::size_t>& key_;
  std::vector<Hash128> rows_, keys_;
  std::vector<std::vector<Hash128>> of_key_;  // cells of the key's columns
  std::vector<Hash128> of_column_;
};

inline constexpr std::size_t kBuckets = 1 << 16;
inline std::size_t bucket_of(const Hash128& key) { return key.high >> 48; }

// One side of a table. Rows are told apart by buckets of their keys' hashes, so that only the buckets that differ are
// looked at again.
class TableDigest {
 public:
  explicit TableDigest(std::size_t width) : columns(width), buckets(kBuckets) {}

  struct Bucket {
    UInt128 hashes = 0;
    std::int64_t rows = 0;
    bool operator==(const Bucket&) const = default;
  };
  std::int64_t rows = 0;
  std::vector<ColumnDigest> columns;
  std::vector<Bucket> buckets;

  void add(RowHasher& hasher, const arrow::RecordBatch& batch);
  void merge(const std::vector<ComparedColumn>& compared, const TableDigest& other);
};

std::string hexadecimal(UInt128 value);

}  // namespace pulk
