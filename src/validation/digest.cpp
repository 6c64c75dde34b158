#include "validation/digest.h"

#include <arrow/record_batch.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace pulk {

namespace {

// Enough to tell values apart in a report.
constexpr std::size_t kKeptBytes = 64;

// No cell's bytes are this long and have this hash by design: NULL is outside of them.
constexpr Hash128 kNull{0x9ae16a3b2f90404fULL, 0xc949d7c7509e6557ULL};

UInt128 whole(const Hash128& hash) { return (static_cast<UInt128>(hash.high) << 64) | hash.low; }

Hash128 hash_bytes(const void* bytes, std::size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  return {hash.low64, hash.high64};
}

// -0 and 0 are one value, as in SQL, because DuckDB forgets the sign in a segment of zeros; so are all NaN.
std::uint64_t bits_of(double value) {
  if (std::isnan(value)) return 0x7ff8000000000000ULL;
  return std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
}

}  // namespace

Hash128 hash_of(Meaning meaning, const Cell& cell) {
  if (cell.null) return kNull;
  switch (meaning) {
    case Meaning::text:
    case Meaning::bytes: return hash_bytes(cell.bytes.data(), cell.bytes.size());
    case Meaning::real: {
      const std::uint64_t bits = bits_of(cell.real);
      return hash_bytes(&bits, sizeof bits);
    }
    case Meaning::number:
      if (!cell.bytes.empty()) return hash_bytes(cell.bytes.data(), cell.bytes.size());
      break;
    default: break;
  }
  return hash_bytes(&cell.number, sizeof cell.number);
}

Hash128 chain(const Hash128& row, const Hash128& cell) {
  const std::uint64_t words[] = {row.low, row.high, cell.low, cell.high};
  return hash_bytes(words, sizeof words);
}

void WideSum::add(Int128 value) {
  const auto bits = static_cast<UInt128>(value);
  low_ += bits;
  high_ += (value < 0 ? -1 : 0) + (low_ < bits ? 1 : 0);
}

void WideSum::add(const WideSum& other) {
  low_ += other.low_;
  high_ += other.high_ + (low_ < other.low_ ? 1 : 0);
}

std::string WideSum::text(int scale) const {
  const auto high = static_cast<std::uint64_t>(high_);
  const std::uint64_t extension = high_ < 0 ? ~std::uint64_t{0} : 0;
  return arrow::Decimal256(arrow::BasicDecimal256::LittleEndianArray,
                           {static_cast<std::uint64_t>(low_), static_cast<std::uint64_t>(low_ >> 64), high, extension})
      .ToString(scale);
}

void ColumnDigest::add(Meaning meaning, const Cell& cell, const Hash128& hash) {
  if (cell.null) {
    ++nulls;
    return;
  }
  hashes += whole(hash);
  if (meaning == Meaning::number) {
    if (cell.bytes.empty()) sum.add(cell.number);
    else summed = false;
  }
  Cell start = cell;
  start.bytes = start.bytes.substr(0, kKeptBytes);
  if (!min || compare(meaning, start, view(*min)) < 0) min = keep(cell, kKeptBytes);
  if (!max || compare(meaning, start, view(*max)) > 0) max = keep(cell, kKeptBytes);
}

void ColumnDigest::merge(Meaning meaning, const ColumnDigest& other) {
  nulls += other.nulls;
  hashes += other.hashes;
  sum.add(other.sum);
  summed = summed && other.summed;
  if (other.min && (!min || compare(meaning, view(*other.min), view(*min)) < 0)) min = other.min;
  if (other.max && (!max || compare(meaning, view(*other.max), view(*max)) > 0)) max = other.max;
}

RowHasher::RowHasher(const std::vector<ComparedColumn>& columns, const std::vector<std::size_t>& key)
    : columns_(columns), key_(key), of_key_(key.size()) {}

void RowHasher::hash(const arrow::RecordBatch& batch, std::vector<ColumnDigest>* digests) {
  const auto count = static_cast<std::size_t>(batch.num_rows());
  rows_.assign(count, Hash128{});
  keys_.assign(key_.empty() ? 0 : count, Hash128{});
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Meaning meaning = columns_[c].meaning;
    CellReader reader(columns_[c], batch.column(static_cast<int>(c)));
    const auto in_key = std::find(key_.begin(), key_.end(), c);
    std::vector<Hash128>& cells =
        in_key == key_.end() ? of_column_ : of_key_[static_cast<std::size_t>(in_key - key_.begin())];
    cells.resize(count);
    for (std::size_t r = 0; r < count; ++r) {
      const Cell cell = reader.at(static_cast<std::int64_t>(r));
      cells[r] = hash_of(meaning, cell);
      rows_[r] = chain(rows_[r], cells[r]);
      if (digests != nullptr) (*digests)[c].add(meaning, cell, cells[r]);
    }
  }
  for (const std::vector<Hash128>& cells : of_key_)
    for (std::size_t r = 0; r < count; ++r) keys_[r] = chain(keys_[r], cells[r]);
}

void TableDigest::add(RowHasher& hasher, const arrow::RecordBatch& batch) {
  hasher.hash(batch, &columns);
  rows += batch.num_rows();
  for (std::size_t r = 0; r < hasher.rows().size(); ++r) {
    Bucket& bucket = buckets[bucket_of(hasher.keys()[r])];
    bucket.hashes += whole(hasher.rows()[r]);
    ++bucket.rows;
  }
}

void TableDigest::merge(const std::vector<ComparedColumn>& compared, const TableDigest& other) {
  rows += other.rows;
  for (std::size_t c = 0; c < columns.size(); ++c) columns[c].merge(compared[c].meaning, other.columns[c]);
  for (std::size_t b = 0; b < buckets.size(); ++b) {
    buckets[b].hashes += other.buckets[b].hashes;
    buckets[b].rows += other.buckets[b].rows;
  }
}

std::string hexadecimal(UInt128 value) {
  return fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(value >> 64), static_cast<std::uint64_t>(value));
}

}  // namespace pulk
