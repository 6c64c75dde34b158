#include "orchestrator/migrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/cancel.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "orchestrator/prepare.h"
#include "orchestrator/run_config.h"
#include "state/sqlite/sqlite_store.h"
#include "state/sqlite/workspace_owner.h"

namespace pulk {

namespace {

using Clock = std::chrono::steady_clock;

// Shares of --memory (I3): the loader's engine, and what is left for lanes after a reserve for everything else.
// The loader's engine takes about twice its limit at its peak, with what it does not count.
constexpr std::int64_t kSmallestWarehouseShare = 32LL << 20;
constexpr std::int64_t kProcessReserve = 16LL << 20;

// Takes a run that is not to be resumed out of the target.
void abandon(StateStore& store, Warehouse& warehouse, const RunRecord& run, const MigrateOptions& options,
             CancelToken& cancel) {
  const RunIdentity who{run.id, describe_this_process()};
  if (warehouse.exists()) {
    const auto session = warehouse.open(options.lock_wait, options.memory / 4, true, &cancel);
    session->end_left_open(who);
    for (const TableRecord& table : store.tables(run.id)) session->clean(who, table.plan.target, true);
  }
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(options.workspace) / "spool" / run.id, ignored);
  store.set_run_state(run.id, RunState::abandoned);
  log_info("run " + run.id + " is abandoned, what it left is removed");
}

// A trial must not take the place of rows that are not from a trial. `store` is null in a fresh workspace.
void check_trial(StateStore* store, const std::vector<PreparedTable>& tables, std::vector<Finding>& findings) {
  const auto last_was_a_trial = [&](const QualifiedName& target) {
    if (store == nullptr) return false;
    for (const RunRecord& run : store->runs()) {
      if (run.state == RunState::abandoned) continue;
      for (const TableRecord& done : store->tables(run.id))
        if (done.state == TableState::published && done.plan.target == target) return run.sample_rows > 0;
    }
    return false;
  };
  for (const PreparedTable& table : tables)
    if (table.deployed_rows > 0 && !last_was_a_trial(table.plan.target))
      findings.push_back({ErrorKind::refused,
                          {table.plan.label, fmt::format("{} holds {} that are not from a trial; a trial would replace "
                                                         "them", table.plan.target.display(),
                                                         plural(table.deployed_rows, "row")),
                           "give the trial a target of its own"}});
}

struct Start {
  RunRecord run;
  bool resumed = false;
  std::vector<RunTable> tables;
};

Start resume(StateStore& store, const RunRecord& run, const std::vector<TableConfig>& configs,
             const std::vector<TableRequest>& requests, const MigrateOptions& options) {
  Start start;
  start.run = run;
  start.resumed = true;
  std::vector<TableRecord> records = store.tables(run.id);
  int published = 0;
  for (TableRecord& record : records) {
    RunTable table;
    table.ordinal = record.ordinal;
    table.config = configs.at(static_cast<std::size_t>(record.ordinal));
    table.config.source_quiet |= options.source_quiet;
    table.request = requests.at(static_cast<std::size_t>(record.ordinal));
    table.plan = std::move(record.plan);
    table.frozen = record.state != TableState::planned;
    table.published = record.state == TableState::published;
    table.source_count = record.source_count;
    table.receipts = std::move(record.partitions);
    published += table.published ? 1 : 0;
    start.tables.push_back(std::move(table));
  }
  log_info(fmt::format("resuming run {} of {}: {} of {} tables are done", run.id, run.started, published,
                       start.tables.size()));
  store.set_run_state(run.id, RunState::running);
  return start;
}

Start begin(StateStore& store, const Workflow& workflow, const std::string& config, const Prepared& prepared,
            const std::string& target, const MigrateOptions& options) {
  Start start;
  start.run.id = new_run_id();
  start.run.workflow = workflow.name;
  start.run.config = config;
  start.run.target = target;
  start.run.sample_rows = options.sample_rows;
  start.run.started = utc_now();
  std::vector<TablePlan> plans;
  for (const PreparedTable& table : prepared.tables) plans.push_back(table.plan);
  store.create_run(start.run, plans);
  for (std::size_t i = 0; i < prepared.tables.size(); ++i) {
    const PreparedTable& from = prepared.tables[i];
    RunTable table;
    table.ordinal = static_cast<int>(i);
    table.config = from.config;
    table.config.source_quiet |= options.source_quiet;
    table.request = from.request;
    table.plan = from.plan;
    start.tables.push_back(std::move(table));
  }
  step("run.recorded");
  return start;
}

// Throws Error(usage) when the budget is too small: what a stage holds of a file that is being written cannot shrink, as
// row groups do.
RunnerOptions runner_options(const MigrateOptions& options, const Ends& ends) {
  RunnerOptions run;
  run.lanes = ends.lanes;
  run.retries = options.retries;
  run.stop_on_failure = options.stop_on_failure;
  run.append = options.append;
  run.verify_count = options.verify_count;
  run.sample_rows = options.sample_rows;
  run.warehouse_memory = std::max(kSmallestWarehouseShare, options.memory / 8);
  run.lane_memory = std::max<std::int64_t>(8 << 20, options.memory - 2 * run.warehouse_memory - kProcessReserve);
  run.max_cell_bytes = options.max_cell;
  run.spool_limit = options.spool_limit;
  run.spool = (std::filesystem::absolute(options.workspace) / "spool").string();
  run.target_lock_wait = options.lock_wait;
  run.encode = options.encode;
  run.encode.file_bytes = std::min(run.encode.file_bytes, ends.warehouse->largest_file());
  run.encode.first_file_bytes = ends.warehouse->first_file();
  run.encode.open_file_bytes = ends.warehouse->open_file_memory();
  const std::int64_t least = lane_cost(fit_to_budget(run.encode, 1, run.lane_memory), 1);
  if (run.encode.open_file_bytes > 0 && least > run.lane_memory)
    throw Error(ErrorKind::usage,
                fmt::format("{} are too little: a file on its way to the bucket holds {}, a lane with it {}",
                            format_bytes(options.memory), format_bytes(run.encode.open_file_bytes), format_bytes(least)),
                "--memory", "give at least " + format_bytes(options.memory + least - run.lane_memory));
  return run;
}

// Compares the tables that have arrived; those that were published by an earlier process, in the new snapshot.
ValidateResult validate_moved(const Ends& ends, const std::vector<TableConfig>& configs, SnapshotKeeper& snapshots,
                              StateStore& store, const RunRecord& run, const RunOutcome& outcome,
                              const MigrateOptions& options, CancelToken& cancel, Progress& progress) {
  std::vector<TableConfig> arrived;
  for (std::size_t i = 0; i < outcome.tables.size(); ++i)
    if (outcome.tables[i].ok) arrived.push_back(configs.at(i));
  std::map<std::string, LoadedBy> loaded;
  for (const TableRecord& table : store.tables(run.id))
    if (table.state == TableState::published)
      loaded[table.plan.target.display()] = {run.id, table.snapshot, run.started};
  ValidateOptions validate;
  validate.run = options;
  ValidateResult result = validate_tables(ends, arrived, snapshots, loaded, validate, cancel, progress);
  result.after_migrate = true;
  return result;
}

}  // namespace

int exit_class(const MigrateResult& result) {
  const int code = exit_class(result.outcome);
  return code == 0 && result.validation ? exit_class(*result.validation) : code;
}

int exit_class(const RunOutcome& outcome) {
  // Gravest first: what may mean wrong data, then what needs a person, then what running again may mend.
  static constexpr ErrorKind order[] = {ErrorKind::integrity, ErrorKind::internal, ErrorKind::drift,
                                        ErrorKind::refused,   ErrorKind::usage,    ErrorKind::retryable};
  for (const ErrorKind kind : order)
    for (const TableOutcome& table : outcome.tables)
      if (table.error && table.error->kind() == kind) return static_cast<int>(kind);
  return 0;
}

MigrateResult migrate(const MigrateOptions& options, CancelToken& cancel, Progress& progress) {
  const auto started = Clock::now();
  check_codec(options.encode);
  if (options.validate && (options.append || options.sample_rows > 0))
    throw Error(ErrorKind::usage,
                std::string("a target that holds ") +
                    (options.append ? "other rows beside the source's" : "only a part of the source") +
                    " cannot be compared with it", "--validate",
                options.append ? "leave --append or --validate out" : "leave --sample-rows or --validate out");
  if (!options.report_file.empty() && !options.validate)
    throw Error(ErrorKind::usage, "there is a report only with --validate", "--report");
  Ends ends = open_ends(options, cancel);
  const std::vector<TableConfig> configs = selected_tables(ends.workflow, options.only);
  const std::vector<TableRequest> requests = requests_of(configs);
  const std::string target = ends.warehouse->kind() + " " + ends.warehouse->location();

  const SourceFacts facts = ends.source->facts();
  for (const std::string& note : facts.notes) log_warning(note);
  const std::string config = run_config(configs, options, facts.identity, target);
  const RunnerOptions run = runner_options(options, ends);

  WorkspaceOptions workspace;
  workspace.folder = options.workspace;
  workspace.lease = options.lease;
  workspace.on_lost = [&cancel] { cancel.cancel(); };
  const bool fresh_workspace = !std::filesystem::exists(options.workspace);
  SnapshotKeeper snapshots(*ends.source, requests, ends.lanes, options.max_snapshot_age);
  std::unique_ptr<StateStore> store;
  std::optional<Start> start;

  // A new workspace is made only when the plan is sound, so that bad input leaves nothing behind.
  if (!fresh_workspace) {
    store = open_sqlite_store(workspace);
    std::optional<RunRecord> unfinished = store->unfinished_run(ends.workflow.name);
    if (unfinished && !options.restart && unfinished->sample_rows > 0 && options.sample_rows == 0) {
      log_info("the unfinished trial " + unfinished->id + " is replaced by the full run");
      abandon(*store, *ends.warehouse, *unfinished, options, cancel);
      unfinished.reset();
    }
    if (unfinished && options.restart) {
      abandon(*store, *ends.warehouse, *unfinished, options, cancel);
      unfinished.reset();
    }
    if (unfinished) {
      const std::vector<std::string> changes = config_differences(unfinished->config, config);
      if (!changes.empty())
        throw Error(ErrorKind::usage,
                    fmt::format("run {} is unfinished and was started with another configuration:\n    {}",
                                unfinished->id, join(changes, "\n    ")),
                    ends.workflow.path,
                    "finish it with the configuration it was started with, or start anew with --restart");
      start = resume(*store, *unfinished, configs, requests, options);
    }
  }
  if (!start) {
    Prepared prepared = prepare(ends, configs, snapshots, options, cancel, false);
    if (options.sample_rows > 0) check_trial(store.get(), prepared.tables, prepared.findings);
    throw_findings(prepared.findings);
    if (prepared.level != ConsistencyLevel::snapshot)
      log_warning(fmt::format("exactly-once level {}: {}", to_string(prepared.level), prepared.facts.level_reason));
    if (store == nullptr) store = open_sqlite_store(workspace);
    start = begin(*store, ends.workflow, config, prepared, target, options);
  } else {
    // Only what is still to be read is protected and seen at one moment.
    std::vector<TableRequest> open;
    for (const RunTable& table : start->tables)
      if (!table.published) open.push_back(table.request);
    snapshots.narrow(open);
  }

  MigrateResult result;
  result.run = start->run.id;
  result.workflow = ends.workflow.name;
  result.resumed = start->resumed;
  result.trial = start->run.sample_rows > 0;
  result.source = facts.product;
  result.target = target;
  result.plan_seconds = std::chrono::duration<double>(Clock::now() - started).count();
  log_info(fmt::format("run {}: {} from {} to {}, {}, {} of memory", result.run,
                       plural(start->tables.size(), "table"), facts.product, target, plural(ends.lanes, "lane"),
                       format_bytes(options.memory)),
           {{"event", "run_started"}, {"run", result.run}, {"tables", static_cast<std::int64_t>(start->tables.size())}});

  const RunIdentity who{
      start->run.id,
      fmt::format("{} workspace {}", describe_this_process(), std::filesystem::absolute(options.workspace).string()),
      ends.workflow.name};
  result.outcome = run_tables(*ends.source, snapshots, *ends.warehouse, *store, who, std::move(start->tables), run,
                              cancel, progress);
  // Whatever failed or did not: a process that was taken over has only that to say.
  store->check_owned();
  const int code = exit_class(result.outcome);
  if (!result.outcome.interrupted) {
    store->set_run_state(start->run.id, code == 0 ? RunState::finished : RunState::failed);
    step("run.finished");
  }
  if (code == 0) {
    std::error_code ignored;
    std::filesystem::remove_all(std::filesystem::path(run.spool) / start->run.id, ignored);
  }
  // The run is over and recorded: what follows only looks. The snapshot that was read is held until then.
  if (options.validate && !result.outcome.interrupted)
    result.validation = validate_moved(ends, configs, snapshots, *store, start->run, result.outcome, options, cancel,
                                       progress);
  snapshots.release();
  return result;
}

}  // namespace pulk
