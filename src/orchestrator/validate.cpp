#include "orchestrator/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/cancel.h"
#include "base/log.h"
#include "base/strings.h"
#include "engine/loader.h"
#include "state/sqlite/sqlite_store.h"

namespace pulk {

namespace {

using Clock = std::chrono::steady_clock;

// Shares of --memory (I3). The target's engine counts twice, as when tables are moved. A reader holds its batches, the
// connection's buffers and its buckets.
constexpr std::int64_t kSmallestWarehouseShare = 32LL << 20;
constexpr std::int64_t kProcessReserve = 16LL << 20;
constexpr std::int64_t kReader = 24LL << 20;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::int64_t warehouse_share(std::int64_t memory) { return std::max(kSmallestWarehouseShare, memory / 8); }

CompareOptions compare_options(const ValidateOptions& options, int lanes) {
  CompareOptions compare;
  compare.counts_only = options.counts_only;
  compare.max_cell_bytes = options.run.max_cell;
  compare.most_named = options.most_named;
  compare.row_memory = std::max<std::int64_t>(4LL << 20, options.run.memory / 16);
  const std::int64_t for_readers =
      options.run.memory - 2 * warehouse_share(options.run.memory) - 2 * compare.row_memory - kProcessReserve;
  compare.lanes = static_cast<int>(std::clamp<std::int64_t>(for_readers / kReader - 1, 1, lanes));
  return compare;
}

// What the ledger remembers of the runs that published these tables, newest first. Without a ledger, or while another
// version's ledger is there, it is just not known.
std::map<std::string, LoadedBy> look_up_loaded(const std::string& workspace, const std::string& target) {
  std::map<std::string, LoadedBy> loaded;
  if (!std::filesystem::exists(workspace)) return loaded;
  try {
    WorkspaceOptions options;
    options.folder = workspace;
    options.read_only = true;
    const auto store = open_sqlite_store(options);
    for (const RunRecord& run : store->runs()) {
      if (run.target != target) continue;
      for (const TableRecord& table : store->tables(run.id))
        if (table.state == TableState::published)
          loaded.try_emplace(table.plan.target.display(), LoadedBy{run.id, table.snapshot, run.started});
    }
  } catch (const Error& e) {
    log_debug(std::string("the ledger could not be read: ") + e.what());
  }
  return loaded;
}

// Validation asks whether the rows are there, not whether they could be loaded again: what the target demands of its
// columns is no hindrance.
DeployedTable without_demands(DeployedTable table) {
  for (DeployedColumn& column : table.columns) {
    column.nullable = true;
    column.has_default = true;
  }
  return table;
}

std::string text_of(const Finding& finding) {
  return finding.problem.what + (finding.problem.where.empty() ? "" : " (" + finding.problem.where + ")");
}

void compare_one(const Ends& ends, const TableConfig& config, Snapshot& snapshot, const ValidateOptions& options,
                 CancelToken& cancel, Progress& progress, TableValidation& result) {
  const QualifiedName target = target_name(*ends.warehouse, config);
  result.target = target.display();
  const auto session =
      ends.warehouse->open(options.run.lock_wait, warehouse_share(options.run.memory), false, &cancel);
  const std::optional<DeployedTable> deployed = session->describe(target);
  std::vector<Finding> findings;
  const PreparedTable table = prepare_table(
      ends, config, snapshot, deployed ? std::optional(without_demands(*deployed)) : std::nullopt, findings, true);
  result.label = table.plan.label;
  for (const PartitionPlan& partition : table.plan.partitions) result.partitions.push_back(partition.display);
  std::vector<Finding> grave;
  for (const Finding& finding : findings) {
    if (finding.kind == ErrorKind::drift) result.comparison.shape.push_back(text_of(finding));
    else grave.push_back(finding);
  }
  throw_findings(grave);
  result.target_moment = utc_now();
  if (!deployed) {
    result.comparison.shape = {"the target has no such table"};
    const std::unique_ptr<SourceLane> lane = snapshot.open_lane();
    const CancelToken::Registration on_cancel(cancel, [&lane] { lane->cancel(); });
    result.comparison.source_rows = lane->count(table.plan);
    return;
  }
  if (!findings.empty()) {
    result.comparison.target_rows = deployed->rows;
    return;
  }
  result.comparison = compare_table(table.plan, *deployed, *ends.warehouse, *session, snapshot,
                                    compare_options(options, ends.lanes), cancel, progress);
}

std::string label_of(const TableConfig& config) {
  if (config.source.table.empty()) return config.target.table;
  return (config.source.schema.empty() ? "" : config.source.schema + ".") + config.source.table;
}

std::string words(const TableValidation& table) {
  const TableComparison& c = table.comparison;
  if (!c.shape.empty()) return c.shape.front();
  if (c.source_rows != c.target_rows)
    return fmt::format("{} in the source, {} in the target", plural(c.source_rows, "row"), format_count(c.target_rows));
  return "differs";
}

}  // namespace

ValidateResult validate_tables(const Ends& ends, const std::vector<TableConfig>& tables, SnapshotKeeper& snapshots,
                               const std::map<std::string, LoadedBy>& loaded, const ValidateOptions& options,
                               CancelToken& cancel, Progress& progress) {
  const auto start = Clock::now();
  ValidateResult result;
  result.workflow = ends.workflow.name;
  result.target = ends.warehouse->kind() + " " + ends.warehouse->location();
  result.counts_only = options.counts_only;
  progress.comparing = true;
  progress.tables = static_cast<int>(tables.size());
  progress.tables_done = progress.partitions = progress.partitions_done = 0;
  progress.rows_expected = progress.rows_loaded = progress.lanes.rows = progress.lanes.bytes = 0;
  std::shared_ptr<Snapshot> snapshot;
  std::string snapshot_id, moment;
  for (const TableConfig& config : tables) {
    const auto began = Clock::now();
    TableValidation table;
    table.label = label_of(config);
    try {
      cancel.check();
      snapshot.reset();
      snapshot = snapshots.current();
      table.snapshot = snapshot->id();
      table.level = std::string(to_string(snapshot->level()));
      if (table.snapshot != snapshot_id) moment = utc_ago(snapshot->age_seconds());
      snapshot_id = table.snapshot;
      table.source_moment = moment;
      const auto now = std::chrono::duration_cast<std::chrono::seconds>(began.time_since_epoch()).count();
      progress.snapshot_since = now - static_cast<std::int64_t>(snapshot->age_seconds());
      compare_one(ends, config, *snapshot, options, cancel, progress, table);
      if (const auto found = loaded.find(table.target); found != loaded.end()) {
        table.loaded = found->second;
        table.same_snapshot = table.loaded.snapshot == table.snapshot;
      }
    } catch (...) {
      table.error = as_error(std::current_exception()).with_subject(table.label);
      if (table.error->kind() == ErrorKind::retryable && !cancel.cancelled() && snapshot != nullptr) {
        try {
          snapshots.after_failure(snapshot);
        } catch (const Error& e) {
          log_debug(std::string("no new snapshot yet: ") + e.what());
        }
      }
    }
    table.seconds = seconds_since(began);
    ++progress.tables_done;
    result.interrupted = cancel.cancelled();
    if (result.interrupted) table.error = Error(ErrorKind::retryable, "interrupted", table.label);
    else if (table.error) log_error(table.error->what());
    else if (table.differs()) log_warning(fmt::format("{} -> {}: {}", table.label, table.target, words(table)));
    else
      log_info(fmt::format("{} -> {}: equal, {} in {}", table.label, table.target,
                           plural(table.comparison.source_rows, "row"), format_seconds(table.seconds)));
    result.tables.push_back(std::move(table));
    if (result.interrupted) break;
  }
  progress.snapshot_since = -1;
  result.wall_seconds = seconds_since(start);
  return result;
}

ValidateResult validate(const ValidateOptions& options, CancelToken& cancel, Progress& progress) {
  const Ends ends = open_ends(options.run, cancel);
  const std::vector<TableConfig> tables = selected_tables(ends.workflow, options.run.only);
  if (!ends.warehouse->exists())
    throw Error(ErrorKind::usage, "there is no target to compare with", ends.warehouse->location(),
                "run `pulk migrate` first, or check the path in the connections file");
  const SourceFacts facts = ends.source->facts();
  const std::string target = ends.warehouse->kind() + " " + ends.warehouse->location();
  log_info(fmt::format("comparing {} of {} with {}, {} of memory", plural(static_cast<std::int64_t>(tables.size()), "table"),
                       facts.product, target, format_bytes(options.run.memory)));
  SnapshotKeeper snapshots(*ends.source, requests_of(tables), ends.lanes, options.run.max_snapshot_age);
  ValidateResult result = validate_tables(ends, tables, snapshots, look_up_loaded(options.run.workspace, target),
                                          options, cancel, progress);
  result.source = facts.product;
  return result;
}

int exit_class(const ValidateResult& result) {
  static constexpr ErrorKind order[] = {ErrorKind::integrity, ErrorKind::internal, ErrorKind::drift,
                                        ErrorKind::refused,   ErrorKind::usage,    ErrorKind::retryable};
  for (const TableValidation& table : result.tables)
    if (table.differs()) return static_cast<int>(ErrorKind::integrity);
  for (const ErrorKind kind : order)
    for (const TableValidation& table : result.tables)
      if (table.error && table.error->kind() == kind) return static_cast<int>(kind);
  return 0;
}

}  // namespace pulk
