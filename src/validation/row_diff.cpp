#include "validation/row_diff.h"

#include <arrow/record_batch.h>

#include <algorithm>

namespace pulk {

namespace {

constexpr std::size_t kKeptBytes = 128;

UInt128 whole(const Hash128& hash) { return (static_cast<UInt128>(hash.high) << 64) | hash.low; }

}  // namespace

std::string_view to_string(RowFinding finding) {
  switch (finding) {
    case RowFinding::missing: return "missing";
    case RowFinding::extra: return "extra";
    case RowFinding::changed: return "changed";
    case RowFinding::repeated: return "repeated";
  }
  return "?";
}

RowDiff::RowDiff(const std::vector<ComparedColumn>& columns, const std::vector<std::size_t>& key,
                 std::vector<bool> wanted_buckets, std::int64_t most_bytes)
    : columns_(columns), key_(key), wanted_(std::move(wanted_buckets)), most_bytes_(most_bytes) {}

std::int64_t RowDiff::row_cost(std::size_t columns) {
  return 256 + static_cast<std::int64_t>(columns * (sizeof(KeptCell) + sizeof(Hash128) + kKeptBytes / 2));
}

void RowDiff::add(Side side, int partition, const RowHasher& hasher, const arrow::RecordBatch& batch) {
  const auto place = static_cast<std::size_t>(side);
  std::vector<CellReader> readers;
  for (std::size_t c = 0; c < columns_.size(); ++c) readers.emplace_back(columns_[c], batch.column(static_cast<int>(c)));
  for (std::size_t r = 0; r < hasher.rows().size(); ++r) {
    const Hash128& key = hasher.keys()[r];
    const std::size_t bucket = bucket_of(key);
    if (!wanted_[bucket]) continue;
    const std::lock_guard lock(mutex_);
    TableDigest::Bucket& seen = seen_[place][bucket];
    seen.hashes += whole(hasher.rows()[r]);
    ++seen.rows;
    if (overflowed_) continue;
    Row& row = rows_[key][hasher.rows()[r]];
    if (side == Side::source && row.partition == 0) row.partition = partition;
    ++row.count[place];
    if (!row.cells.empty()) continue;
    bytes_ += row_cost(columns_.size());
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const Cell cell = readers[c].at(static_cast<std::int64_t>(r));
      row.hashes.push_back(hash_of(columns_[c].meaning, cell));
      row.cells.push_back(keep(cell, kKeptBytes));
    }
    if (bytes_ > most_bytes_) {
      overflowed_ = true;
      rows_.clear();
    }
  }
}

const TableDigest::Bucket& RowDiff::seen(Side side, std::size_t bucket) const {
  static const TableDigest::Bucket none;
  const auto& of_side = seen_[static_cast<std::size_t>(side)];
  const auto found = of_side.find(bucket);
  return found == of_side.end() ? none : found->second;
}

RowDifference RowDiff::named(RowFinding finding, const Row& row) const {
  RowDifference difference;
  difference.finding = finding;
  difference.source_rows = row.count[0];
  difference.target_rows = row.count[1];
  difference.partition = row.partition;
  const auto add_key = [&](std::size_t c) {
    difference.key.emplace_back(columns_[c].name, render(columns_[c], row.cells[c]));
  };
  if (key_.empty())
    for (std::size_t c = 0; c < columns_.size(); ++c) add_key(c);
  for (const std::size_t c : key_) add_key(c);
  return difference;
}

RowDifferences RowDiff::finish(std::size_t most_named) const {
  RowDifferences result;
  result.overflowed = overflowed_;
  struct Named {
    RowDifference difference;
    const Row* row;
  };
  std::vector<Named> named;
  for (const auto& [key, rows] : rows_) {
    // Under one key: rows that one side has more often than the other.
    std::vector<const Row*> only_source, only_target;
    for (const auto& [hash, row] : rows) {
      if (row.count[0] == row.count[1]) continue;
      if (row.count[0] > 0 && row.count[1] > 0) {
        named.push_back({this->named(RowFinding::repeated, row), &row});
        (row.count[0] > row.count[1] ? result.missing : result.extra) += std::abs(row.count[0] - row.count[1]);
        if (row.count[0] > row.count[1]) result.by_partition[row.partition] += row.count[0] - row.count[1];
      } else {
        (row.count[0] > 0 ? only_source : only_target).push_back(&row);
      }
    }
    const std::size_t pairs = key_.empty() ? 0 : std::min(only_source.size(), only_target.size());
    for (std::size_t i = 0; i < pairs; ++i) {
      const Row& before = *only_source[i];
      const Row& after = *only_target[i];
      RowDifference difference = this->named(RowFinding::changed, before);
      difference.target_rows = after.count[1];
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (before.hashes[c] == after.hashes[c]) continue;
        difference.values.push_back(
            {columns_[c].name, render(columns_[c], before.cells[c]), render(columns_[c], after.cells[c])});
        result.changed_columns.insert(columns_[c].name);
      }
      result.changed += std::min(before.count[0], after.count[1]);
      result.missing += std::max<std::int64_t>(0, before.count[0] - after.count[1]);
      result.extra += std::max<std::int64_t>(0, after.count[1] - before.count[0]);
      result.by_partition[before.partition] += before.count[0];
      named.push_back({std::move(difference), &before});
    }
    for (std::size_t i = pairs; i < only_source.size(); ++i) {
      result.missing += only_source[i]->count[0];
      result.by_partition[only_source[i]->partition] += only_source[i]->count[0];
      named.push_back({this->named(RowFinding::missing, *only_source[i]), only_source[i]});
    }
    for (std::size_t i = pairs; i < only_target.size(); ++i) {
      result.extra += only_target[i]->count[1];
      named.push_back({this->named(RowFinding::extra, *only_target[i]), only_target[i]});
    }
  }
  std::vector<std::size_t> order = key_;
  if (order.empty())
    for (std::size_t c = 0; c < columns_.size(); ++c) order.push_back(c);
  std::sort(named.begin(), named.end(), [&](const Named& a, const Named& b) {
    for (const std::size_t c : order) {
      const int way = compare(columns_[c].meaning, view(a.row->cells[c]), view(b.row->cells[c]));
      if (way != 0) return way < 0;
    }
    return a.difference.finding < b.difference.finding;
  });
  if (named.size() > most_named) named.resize(most_named);
  for (Named& n : named) result.first.push_back(std::move(n.difference));
  return result;
}

}  // namespace pulk
