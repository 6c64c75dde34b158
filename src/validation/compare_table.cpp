#include "validation/compare_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/cancel.h"
#include "base/error.h"
#include "base/strings.h"
#include "validation/two_sides.h"

namespace pulk {

namespace {

// The target's column for each of the plan's; what has none goes to `shape`.
std::vector<DeployedColumn> matched(const TablePlan& plan, const DeployedTable& deployed, const Warehouse& warehouse,
                                    TableComparison& result) {
  std::vector<DeployedColumn> columns;
  for (const ColumnPlan& column : plan.columns) {
    const auto found = std::find_if(deployed.columns.begin(), deployed.columns.end(), [&](const DeployedColumn& d) {
      return warehouse.same_column(d.name, column.target_name);
    });
    if (found == deployed.columns.end()) {
      result.shape.push_back(fmt::format("column {} is not in the target", column.target_name));
      continue;
    }
    const auto stored = warehouse.stored_type(found->type);
    if (!stored) {
      result.shape.push_back(fmt::format("column {} is {} in the target, which cannot be compared with {} ({})",
                                         column.target_name, found->type, column.source_type, column.source_name));
      continue;
    }
    if (stored->meaning == Meaning::presence)
      result.notes.push_back(fmt::format("column {} is {} in the target: only whether it is NULL was compared",
                                         column.target_name, found->type));
    columns.push_back(*found);
    result.columns.push_back({compared_column(column, *stored), column.source_type, found->type, {}, {}});
  }
  for (const DeployedColumn& column : deployed.columns) {
    const bool planned = std::any_of(plan.columns.begin(), plan.columns.end(), [&](const ColumnPlan& c) {
      return warehouse.same_column(c.target_name, column.name);
    });
    if (!planned) result.notes.push_back(fmt::format("column {} is only in the target and was not compared", column.name));
  }
  return columns;
}

class Comparison {
 public:
  Comparison(TwoSides& sides, const TablePlan& plan, const CompareOptions& options, TableComparison& result)
      : sides_(sides), plan_(plan), options_(options), result_(result) {
    for (const ColumnComparison& column : result.columns) columns_.push_back(column.column);
    for (const std::string& name : plan.primary_key)
      for (std::size_t c = 0; c < plan.columns.size(); ++c)
        if (plan.columns[c].target_name == name) key_.push_back(c);
    result.key = plan.primary_key;
  }

  void run(bool count) {
    digest(count);
    std::vector<bool> wanted = differing_buckets();
    if (result_.rows_differ) name_rows(std::move(wanted));
  }

 private:
  std::vector<RowHasher> hashers() const {
    return std::vector<RowHasher>(sides_.lanes() + 1, RowHasher(columns_, key_));
  }

  void digest(bool count) {
    std::vector<TableDigest> digests(sides_.lanes() + 1, TableDigest(columns_.size()));
    std::vector<RowHasher> own = hashers();
    const auto count_last = [this](SourceLane& lane) { result_.source_count = lane.count(plan_); };
    sides_.read([&](std::size_t reader, int, const arrow::RecordBatch& batch) { digests[reader].add(own[reader], batch); },
                count ? std::function<void(SourceLane&)>(count_last) : nullptr);
    for (std::size_t i = 2; i < digests.size(); ++i) digests[1].merge(columns_, digests[i]);
    target_ = std::move(digests[0]);
    source_ = std::move(digests[1]);
    result_.source_rows = source_.rows;
    result_.target_rows = target_.rows;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      result_.columns[c].source = source_.columns[c];
      result_.columns[c].target = target_.columns[c];
    }
  }

  // As many as the memory for their rows allows, at least one.
  std::vector<bool> differing_buckets() {
    std::vector<bool> wanted(kBuckets, false);
    std::int64_t bytes = 0;
    for (std::size_t b = 0; b < kBuckets; ++b) {
      if (source_.buckets[b] == target_.buckets[b]) continue;
      const std::int64_t cost = (source_.buckets[b].rows + target_.buckets[b].rows) * RowDiff::row_cost(columns_.size());
      if (result_.rows_differ && bytes + cost > options_.row_memory) {
        result_.all_rows_named = false;
        break;
      }
      result_.rows_differ = true;
      wanted[b] = true;
      bytes += cost;
    }
    return wanted;
  }

  void name_rows(std::vector<bool> wanted) {
    RowDiff diff(columns_, key_, wanted, 2 * options_.row_memory);
    std::vector<RowHasher> own = hashers();
    sides_.read([&](std::size_t reader, int partition, const arrow::RecordBatch& batch) {
      own[reader].hash(batch, nullptr);
      diff.add(reader == 0 ? Side::target : Side::source, partition, own[reader], batch);
    });
    for (std::size_t b = 0; b < kBuckets; ++b) {
      if (!wanted[b]) continue;
      for (const Side side : {Side::source, Side::target})
        if (diff.seen(side, b) != (side == Side::source ? source_ : target_).buckets[b])
          throw Error(ErrorKind::retryable,
                      fmt::format("the {} gave other rows when it was read a second time",
                                  side == Side::source ? "source" : "target"),
                      plan_.label, "it changes while it is compared, or a query gives other rows each time");
    }
    result_.rows = diff.finish(options_.most_named);
    if (result_.rows.overflowed) result_.all_rows_named = false;
  }

  TwoSides& sides_;
  const TablePlan& plan_;
  const CompareOptions& options_;
  TableComparison& result_;
  std::vector<ComparedColumn> columns_;
  std::vector<std::size_t> key_;
  TableDigest source_{0}, target_{0};
};

}  // namespace

TableComparison compare_table(const TablePlan& plan, const DeployedTable& deployed, const Warehouse& warehouse,
                              WarehouseSession& session, Snapshot& snapshot, const CompareOptions& options,
                              CancelToken& cancel, Progress& progress) {
  TableComparison result;
  std::vector<DeployedColumn> columns = matched(plan, deployed, warehouse, result);
  if (options.counts_only || !result.shape.empty()) {
    const std::unique_ptr<SourceLane> lane = snapshot.open_lane();
    const CancelToken::Registration on_cancel(cancel, [&lane] { lane->cancel(); });
    result.source_rows = lane->count(plan);
    result.target_rows = deployed.rows;
    result.columns.clear();
    return result;
  }
  TwoSides sides({plan, snapshot, session, std::move(columns), options.lanes, options.max_cell_bytes}, cancel, progress);
  // Where lanes may see several moments a count would only cry wolf.
  const bool count = snapshot.level() == ConsistencyLevel::snapshot;
  Comparison(sides, plan, options, result).run(count);
  return result;
}

}  // namespace pulk
