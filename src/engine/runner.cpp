#include "engine/runner.h"

#include <arrow/memory_pool.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>
#include <thread>

#include "base/cancel.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/strings.h"
#include "engine/counting_pool.h"
#include "engine/extract.h"
#include "engine/loader.h"
#include "engine/memory_budget.h"
#include "engine/snapshot_keeper.h"
#include "engine/task_queue.h"
#include "engine/wide_gate.h"

namespace pulk {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A table whose rows cannot be proven unchanged is read again after each new snapshot: at some point that is hopeless.
constexpr int kMostRounds = 4;

// A mark whose partition was kept because the user says that the source is quiet carries that with its snapshot, so that
// no later process takes it for proven.
constexpr std::string_view kAsserted = "user-asserted ";

std::string moment_text(const std::string& snapshot, bool asserted) {
  return asserted ? std::string(kAsserted) + snapshot : snapshot;
}

std::string moment_of(const std::string& text) {
  return text.starts_with(kAsserted) ? text.substr(kAsserted.size()) : text;
}

std::string rows_text(std::int64_t n) { return plural(n, "row"); }

// A lost fence is final: trying again would mean to fence the successor out.
bool may_retry(const Error& error) {
  return error.kind() == ErrorKind::retryable && error.message().find("fence lost") == std::string::npos;
}

class Runner {
 public:
  Runner(Source& source, SnapshotKeeper& snapshots, Warehouse& warehouse, StateStore& store, const RunIdentity& who,
         const RunnerOptions& options, CancelToken& cancel, Progress& progress)
      : source_(source), snapshots_(snapshots), warehouse_(warehouse), store_(store), who_(who), options_(options),
        cancel_(cancel), progress_(progress), budget_(options.lane_memory) {}

  RunOutcome run(std::vector<RunTable> tables);

 private:
  // --- admission (the thread of run())
  void admit(TableRun& t);
  std::vector<Task> reconcile(TableRun& t, const std::vector<Mark>& marks, const std::string& snapshot);
  void sweep_stage(TableRun& t, const std::vector<Mark>& marks);

  // --- lanes
  void lane_main();
  struct Lane {
    std::shared_ptr<Snapshot> snapshot;
    std::unique_ptr<SourceLane> connection;
  };
  void with_lane(Lane& lane, TableRun& t, const std::string& what, const std::function<void()>& work);
  void wait_for_spool();
  void record_error(const Task& task, const Error& error);
  void extract_task(Lane& lane, const Task& task);
  void check_task(Lane& lane, const Task& task);
  void count_task(Lane& lane, const Task& task);

  // --- loading (the loader's thread)
  struct Load {
    TableRun* table = nullptr;
    int partition = 0;
    PartitionLoad load;
    Extracted extracted;
    int tries = 0;
  };
  void submit_load(std::shared_ptr<Load> load);
  void do_load(Load& load, WarehouseSession& session);
  void loaded(Load& load, std::int64_t rows, double seconds);
  void submit_publish(TableRun& t, int tries);
  void do_publish(TableRun& t, WarehouseSession& session, bool look_first);
  void published(TableRun& t, WarehouseSession& session, std::int64_t rows);
  void clean_again(TableRun& t);

  // --- the life of a table; these take the mutex
  void add_tasks(TableRun& t, const std::vector<Task>& tasks, bool first = false);
  void task_done(TableRun& t);
  void task_failed(TableRun& t, const Error& error);
  void settle(TableRun& t, std::unique_lock<std::mutex>& lock);
  void close_table(TableRun& t, std::unique_lock<std::mutex>& lock);
  std::vector<Mark> take(TableRun& t, WarehouseSession& session);
  std::string where(const TableRun& t, int partition) const {
    return fmt::format("{}: partition {}/{}", t.plan().label, partition + 1, t.plan().partitions.size());
  }
  bool backoff(int tries);  // false: cancelled meanwhile

  Source& source_;
  SnapshotKeeper& snapshots_;
  Warehouse& warehouse_;
  StateStore& store_;
  const RunIdentity who_;
  const RunnerOptions options_;
  CancelToken& cancel_;
  Progress& progress_;
  MemoryBudget budget_;
  WideGate gate_;
  TaskQueue queue_;
  std::unique_ptr<Loader> loader_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int open_tables_ = 0;
  std::int64_t spooled_ = 0;  // bytes staged and not yet loaded
  std::atomic<bool> stopped_by_failure_{false};
};

bool Runner::backoff(int tries) {
  const auto until = Clock::now() + std::chrono::milliseconds(std::min(30'000, 250 << std::min(tries, 10)));
  while (Clock::now() < until) {
    if (cancel_.cancelled()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

// ---------------------------------------------------------------- admission

void Runner::admit(TableRun& t) {
  t.started = Clock::now();
  cancel_.check();
  const std::shared_ptr<Snapshot> snapshot = snapshots_.current(true);
  const TableInfo info = snapshot->describe(t.table.request);
  if (info.fingerprint != t.plan().schema_fingerprint)
    throw Error(ErrorKind::drift, "the source table's columns are no longer those that were planned", t.plan().label,
                "start anew with --restart, which plans the table again");
  if (!t.table.frozen) {
    std::vector<Finding> findings;
    if (options_.sample_rows > 0) {
      cut_table(t.table.plan, info, PartitionRequest{}, *snapshot);
    } else {
      const PartitionRequest request = partition_request(t.table.config, info, t.plan(), source_.name_rule(),
                                                         options_.lanes, findings);
      throw_findings(findings);
      cut_table(t.table.plan, info, request, *snapshot);
    }
    store_.freeze_table(who_.run, t.table.ordinal, t.plan());
    t.table.frozen = true;
    step("table.frozen");
  }
  t.partitions.resize(t.plan().partitions.size());
  progress_.partitions += static_cast<int>(t.partitions.size());
  t.outcome.partitions = static_cast<int>(t.partitions.size());
  t.encode = fit_to_budget(options_.encode, static_cast<int>(t.plan().columns.size()),
                           budget_.total() / std::max(1, options_.lanes));
  t.lane_cost = lane_cost(t.encode, static_cast<int>(t.plan().columns.size()));
  t.stage = warehouse_.stage(who_.run, t.plan(), options_.spool);

  std::vector<Mark> marks;
  loader_->run([&](WarehouseSession& session) { marks = take(t, session); });
  step("table.leased");
  t.outcome.plan_seconds = seconds_since(t.started);

  for (const Mark& mark : marks) {
    if (!mark.partition.empty() || mark.state != MarkState::published) continue;
    // The publishing commit was made, its record was not.
    log_info(t.plan().label + ": was published before the interruption");
    for (const Mark& m : marks) {
      if (m.partition.empty() || m.snapshot.empty()) continue;
      t.partitions.front().snapshot = moment_of(m.snapshot);
      t.partitions.front().asserted |= m.snapshot != moment_of(m.snapshot);
    }
    t.outcome.level = std::string(to_string(snapshot->level()));
    loader_->run([&](WarehouseSession& session) { published(t, session, mark.rows); });
    return;
  }
  sweep_stage(t, marks);
  std::vector<Task> tasks = reconcile(t, marks, snapshot->id());
  const bool count = options_.verify_count && options_.sample_rows == 0 &&
                     snapshot->level() == ConsistencyLevel::snapshot;
  if (count) tasks.push_back({TaskKind::count, &t, 0});
  t.outcome.level = std::string(to_string(snapshot->level()));
  add_tasks(t, tasks);
}

// The marks decide; the ledger is brought in line with them.
std::vector<Task> Runner::reconcile(TableRun& t, const std::vector<Mark>& marks, const std::string& snapshot) {
  std::vector<Task> tasks;
  int kept = 0, pending = 0, to_check = 0;
  for (std::size_t i = 0; i < t.partitions.size(); ++i) {
    const PartitionPlan& plan = t.plan().partitions[i];
    const auto mark = std::find_if(marks.begin(), marks.end(), [&](const Mark& m) { return m.partition == plan.id; });
    if (mark == marks.end())
      throw Error(ErrorKind::integrity, "the target has no mark for a partition of this table", where(t, static_cast<int>(i)),
                  "run `pulk clean --abandon` for this run and start anew");
    if (mark->state != MarkState::loaded) {
      ++pending;
      tasks.push_back({TaskKind::extract, &t, static_cast<int>(i)});
      continue;
    }
    PartitionRun& part = t.partitions[i];
    part.loaded = true;
    part.snapshot = moment_of(mark->snapshot);
    part.asserted = part.snapshot != mark->snapshot;
    part.rows = mark->rows;
    ++progress_.partitions_done;
    PartitionRecord record;
    record.ordinal = plan.ordinal;
    record.snapshot = mark->snapshot;
    record.rows_loaded = mark->rows;
    if (i < t.table.receipts.size()) record.load_seconds = t.table.receipts[i].load_seconds;
    store_.set_partition_loaded(who_.run, t.table.ordinal, record);
    if (part.snapshot == snapshot) {
      ++kept;
    } else {
      ++to_check;
      tasks.push_back({TaskKind::check, &t, static_cast<int>(i)});
    }
  }
  if (kept + to_check > 0)
    log_info(fmt::format("{}: {} of {} partitions are loaded, {} still to read{}", t.plan().label, kept + to_check,
                         t.partitions.size(), pending,
                         to_check == 0 ? ""
                                       : fmt::format("; {} are of an earlier snapshot: kept if they are proven unchanged",
                                                     to_check)));
  return tasks;
}

// Files of attempts that never came to a mark are removed; what loaded partitions hold stays where files are the target.
void Runner::sweep_stage(TableRun& t, const std::vector<Mark>& marks) {
  std::set<std::string> keep;
  if (warehouse_.stage_is_target())
    for (const PartitionPlan& plan : t.plan().partitions)
      for (const Mark& mark : marks)
        if (mark.partition == plan.id && mark.state == MarkState::loaded)
          for (const StagedFile& file : store_.files(who_.run, t.table.ordinal, plan.ordinal)) keep.insert(file.name);
  // Only what older fences left: a process that sleeps here may wake after its successor has written and published.
  std::int64_t ours = std::numeric_limits<std::int64_t>::max();
  for (const Mark& mark : marks)
    if (!mark.partition.empty()) ours = std::min(ours, mark.fence);
  for (const std::string& name : t.stage->list()) {
    const std::size_t at = name.find("-f");
    if (!name.ends_with(".parquet") || at == std::string::npos || keep.contains(name)) continue;
    if (std::atoll(name.c_str() + at + 2) < ours) t.stage->remove(name);
  }
}

// -------------------------------------------------------------------- lanes

void Runner::lane_main() {
  Lane lane;
  while (const auto task = queue_.pop()) {
    ++progress_.lanes_busy;
    try {
      cancel_.check();
      switch (task->kind) {
        case TaskKind::extract: extract_task(lane, *task); break;
        case TaskKind::check: check_task(lane, *task); break;
        case TaskKind::count: count_task(lane, *task); break;
      }
    } catch (...) {
      const Error error = as_error(std::current_exception());
      if (task->kind == TaskKind::extract) record_error(*task, error);
      task_failed(*task->table, error);
    }
    --progress_.lanes_busy;
  }
}

// Loading never waits for reading, so this ends.
void Runner::wait_for_spool() {
  if (options_.spool_limit <= 0 || warehouse_.stage_is_target()) return;
  std::unique_lock lock(mutex_);
  while (spooled_ > options_.spool_limit && !cancel_.cancelled())
    changed_.wait_for(lock, std::chrono::milliseconds(200));
}

// For `status`. The error itself is reported by its table.
void Runner::record_error(const Task& task, const Error& error) {
  const TableRun& t = *task.table;
  try {
    store_.set_partition_error(who_.run, t.table.ordinal,
                               t.plan().partitions[static_cast<std::size_t>(task.partition)].ordinal, error.message());
  } catch (const Error& e) {
    log_debug(std::string("the error of a partition could not be recorded: ") + e.what());
  }
}

// Runs `work` with a connection in the current snapshot; retries what is retryable with a new connection and, when the
// snapshot is gone, in a new snapshot.
void Runner::with_lane(Lane& lane, TableRun& t, const std::string& what, const std::function<void()>& work) {
  for (int tries = 0;; ++tries) {
    try {
      if (lane.snapshot != nullptr && snapshots_.replaces(lane.snapshot)) {
        lane.connection.reset();
        lane.snapshot.reset();
      }
      const std::shared_ptr<Snapshot> snapshot = snapshots_.current();
      if (snapshot != lane.snapshot) {
        lane.connection.reset();
        lane.snapshot = snapshot;
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(Clock::now().time_since_epoch()).count();
        progress_.snapshot_since = now - static_cast<std::int64_t>(snapshot->age_seconds());
      }
      if (lane.connection == nullptr) lane.connection = snapshot->open_lane();
      work();
      return;
    } catch (...) {
      const Error error = as_error(std::current_exception());
      lane.connection.reset();
      if (error.kind() != ErrorKind::retryable || tries >= options_.retries || cancel_.cancelled())
        throw error.with_subject(what);
      log_warning(fmt::format("{}: attempt {} failed, trying again: {}", what, tries + 1, error.message()),
                  {{"subject", what}, {"attempt", std::int64_t{tries + 1}}});
      ++progress_.retries;
      {
        std::lock_guard lock(mutex_);
        ++t.outcome.retries;
      }
      if (!backoff(tries)) throw Error(ErrorKind::retryable, "interrupted", what, "run the same command again to resume");
      // May itself fail while the source is away: then the next attempt's current() finds no snapshot and takes one.
      try {
        snapshots_.after_failure(lane.snapshot);
      } catch (const Error& e) {
        log_debug(std::string("no new snapshot yet: ") + e.what());
      }
      lane.snapshot.reset();
    }
  }
}

void Runner::extract_task(Lane& lane, const Task& task) {
  TableRun& t = *task.table;
  const PartitionPlan& partition = t.plan().partitions[static_cast<std::size_t>(task.partition)];
  const std::string what = where(t, task.partition);
  step("partition.taken");
  wait_for_spool();
  const MemoryBudget::Reservation memory = budget_.reserve(t.lane_cost, cancel_);
  ReadLimits limits;
  limits.batch_bytes = t.encode.batch_bytes;
  limits.max_cell_bytes = options_.max_cell_bytes;
  limits.pool = counting_pool();
  if (options_.sample_rows > 0) limits.max_rows = options_.sample_rows;

  auto load = std::make_shared<Load>();
  load->table = &t;
  load->partition = task.partition;
  with_lane(lane, t, what, [&] {
    const int attempt = store_.begin_attempt(who_.run, t.table.ordinal, partition.ordinal);
    std::int64_t fence = 0;
    {
      std::lock_guard lock(mutex_);
      fence = t.fences.at(partition.id);
    }
    // The fence in the name keeps a process that was taken over from writing where its successor writes.
    const std::string prefix = fmt::format("p{:05}-f{}a{}", partition.ordinal, fence, attempt);
    load->extracted = extract(*lane.connection, t.plan(), partition, *t.stage, prefix, t.encode, limits, gate_,
                              cancel_, progress_.lanes);
    PartitionRecord record;
    record.ordinal = partition.ordinal;
    record.snapshot = lane.snapshot->id();
    record.rows_read = load->extracted.rows_read;
    record.rows_encoded = load->extracted.rows_encoded;
    record.bytes = load->extracted.bytes;
    record.extract_seconds = load->extracted.seconds;
    store_.set_partition_staged(who_.run, t.table.ordinal, record, load->extracted.files);
    load->load.attempt = attempt;
    load->load.snapshot = lane.snapshot->id();
  });
  step("partition.staged");
  load->load.ordinal = partition.ordinal;
  load->load.partition = partition.id;
  load->load.rows = load->extracted.rows_encoded;
  load->load.widest_row = load->extracted.widest_row;
  load->load.files = load->extracted.files;
  {
    std::lock_guard lock(mutex_);
    t.outcome.extract_seconds += load->extracted.seconds;
    // A snapshot that replaced a lost one may be of a weaker kind.
    if (lane.snapshot->level() != ConsistencyLevel::snapshot) t.outcome.level = std::string(to_string(lane.snapshot->level()));
    t.outcome.bytes += load->extracted.bytes;
    spooled_ += load->extracted.bytes;
  }
  submit_load(load);
}

// Is a loaded partition, read in an earlier snapshot, still the same in the current one?
void Runner::check_task(Lane& lane, const Task& task) {
  TableRun& t = *task.table;
  const PartitionPlan& partition = t.plan().partitions[static_cast<std::size_t>(task.partition)];
  std::string old_snapshot;
  bool asserted_before = false;
  std::int64_t rows = 0, fence = 0;
  {
    std::lock_guard lock(mutex_);
    const PartitionRun& part = t.partitions[static_cast<std::size_t>(task.partition)];
    old_snapshot = part.snapshot;
    asserted_before = part.asserted;
    rows = part.rows;
    fence = t.fences.at(partition.id);
  }
  bool same = false, asserted = false;
  std::string snapshot;
  with_lane(lane, t, where(t, task.partition), [&] {
    snapshot = lane.snapshot->id();
    same = snapshot == old_snapshot || lane.snapshot->unchanged(t.plan(), partition, old_snapshot, rows);
    asserted = !same && t.table.config.source_quiet;
  });
  // What was once only asserted stays so, however quiet the source has been since.
  const bool unproven = asserted || (same && asserted_before);
  const int index = task.partition;
  loader_->submit(
      [this, &t, &partition, index, fence, same, asserted, unproven, snapshot](WarehouseSession& session) {
        if (same || asserted)
          session.restamp(who_, t.plan(), partition.id, fence, moment_text(snapshot, unproven));
        else session.reset(who_, t.plan(), partition.id, fence);
        std::int64_t kept_rows = 0;
        {
          std::lock_guard lock(mutex_);
          PartitionRun& part = t.partitions[static_cast<std::size_t>(index)];
          kept_rows = part.rows;
          if (same || asserted) {
            part.snapshot = snapshot;
            ++t.outcome.kept;
            part.asserted = unproven;
          } else {
            part.loaded = false;
            ++t.outcome.read_again;
            --progress_.partitions_done;
          }
        }
        if (same || asserted) {
          PartitionRecord record;
          record.ordinal = partition.ordinal;
          record.snapshot = moment_text(snapshot, unproven);
          record.rows_loaded = kept_rows;
          store_.set_partition_loaded(who_.run, t.table.ordinal, record);
          log_info(fmt::format("{}: kept, {}", where(t, index),
                               same ? "proven unchanged since it was loaded" : "the source is said to be quiet"));
        } else {
          log_info(fmt::format("{}: to be read again, it changed or cannot be proven unchanged", where(t, index)));
          add_tasks(t, {{TaskKind::extract, &t, index}}, true);
        }
        task_done(t);
      },
      [this, &t](const Error& e) { task_failed(t, e); });
}

void Runner::count_task(Lane& lane, const Task& task) {
  TableRun& t = *task.table;
  TableRun::Count count;
  with_lane(lane, t, t.plan().label + ": count", [&] {
    const CancelToken::Registration on_cancel(cancel_, [&lane] { lane.connection->cancel(); });
    count.rows = lane.connection->count(t.plan());
    count.snapshot = lane.snapshot->id();
  });
  {
    std::lock_guard lock(mutex_);
    t.count = count;
  }
  task_done(t);
}

// ------------------------------------------------------------------ loading

void Runner::submit_load(std::shared_ptr<Load> load) {
  loader_->submit([this, load](WarehouseSession& session) { do_load(*load, session); },
                  [this, load](const Error& e) {
                    if (may_retry(e) && load->tries < options_.retries && !cancel_.cancelled()) {
                      log_warning(fmt::format("{}: loading failed, trying again: {}", where(*load->table, load->partition),
                                              e.message()));
                      if (backoff(load->tries++)) {
                        submit_load(load);
                        return;
                      }
                    }
                    {
                      std::lock_guard lock(mutex_);
                      spooled_ -= load->extracted.bytes;
                    }
                    task_failed(*load->table, e.with_subject(where(*load->table, load->partition)));
                  });
}

void Runner::do_load(Load& load, WarehouseSession& session) {
  TableRun& t = *load.table;
  const auto start = Clock::now();
  if (load.tries > 0) {
    // Fence, then look: the commit of the failed try may have been made all the same.
    for (const Mark& mark : take(t, session))
      if (mark.partition == load.load.partition && mark.state == MarkState::loaded &&
          mark.attempt == load.load.attempt && mark.snapshot == load.load.snapshot) {
        loaded(load, mark.rows, seconds_since(start));
        return;
      }
  }
  {
    std::lock_guard lock(mutex_);
    load.load.fence = t.fences.at(load.load.partition);
  }
  WideGate::Pass pass;
  if (load.load.widest_row > kWideRow) pass = gate_.enter(cancel_);
  const LoadResult result = session.load(who_, t.plan(), *t.stage, load.load);
  step("load.committed");
  loaded(load, result.rows, seconds_since(start));
}

void Runner::loaded(Load& load, std::int64_t rows, double seconds) {
  TableRun& t = *load.table;
  if (rows != load.load.rows)
    throw Error(ErrorKind::integrity, fmt::format("{} rows were staged, {} were loaded", load.load.rows, rows));
  PartitionRecord record;
  record.ordinal = load.load.ordinal;
  record.snapshot = load.load.snapshot;
  record.rows_loaded = rows;
  record.load_seconds = seconds;
  store_.set_partition_loaded(who_.run, t.table.ordinal, record);
  step("load.recorded");
  if (!warehouse_.stage_is_target())
    for (const StagedFile& file : load.load.files) t.stage->remove(file.name);
  std::int64_t so_far = 0;
  {
    std::lock_guard lock(mutex_);
    PartitionRun& part = t.partitions[static_cast<std::size_t>(load.partition)];
    part.loaded = true;
    part.rows = rows;
    part.snapshot = load.load.snapshot;
    part.asserted = false;
    t.outcome.load_seconds += seconds;
    t.outcome.rows += rows;
    spooled_ -= load.extracted.bytes;
    for (const PartitionRun& p : t.partitions)
      if (p.loaded) so_far += p.rows;
  }
  changed_.notify_all();
  progress_.rows_loaded += rows;
  ++progress_.partitions_done;
  log_info(fmt::format("{} ({}): {}, {}, read in {}, loaded in {}; {} in so far", where(t, load.partition),
                       t.plan().partitions[static_cast<std::size_t>(load.partition)].display, rows_text(rows),
                       format_bytes(load.extracted.bytes), format_seconds(load.extracted.seconds),
                       format_seconds(seconds), rows_text(so_far)),
           {{"event", "partition_loaded"},
            {"table", t.plan().label},
            {"partition", std::int64_t{load.load.ordinal}},
            {"partitions", static_cast<std::int64_t>(t.partitions.size())},
            {"rows", rows},
            {"bytes", load.extracted.bytes},
            {"rows_total", so_far},
            {"extract_seconds", load.extracted.seconds},
            {"load_seconds", seconds}});
  task_done(t);
}

void Runner::submit_publish(TableRun& t, int tries) {
  loader_->submit([this, &t, tries](WarehouseSession& session) { do_publish(t, session, tries > 0); },
                  [this, &t, tries](const Error& e) {
                    if (may_retry(e) && tries < options_.retries && !cancel_.cancelled()) {
                      log_warning(fmt::format("{}: publishing failed, trying again: {}", t.plan().label, e.message()));
                      if (backoff(tries)) {
                        submit_publish(t, tries + 1);
                        return;
                      }
                    }
                    task_failed(t, e.with_subject(t.plan().label));
                  });
}

void Runner::do_publish(TableRun& t, WarehouseSession& session, bool look_first) {
  const auto start = Clock::now();
  if (look_first) {
    for (const Mark& mark : take(t, session))
      if (mark.partition.empty() && mark.state == MarkState::published) {
        published(t, session, mark.rows);
        task_done(t);
        return;
      }
  }
  std::int64_t fence = 0, expected = 0;
  {
    std::lock_guard lock(mutex_);
    fence = t.fences.at("");
    for (const PartitionRun& p : t.partitions) expected += p.rows;
  }
  const std::int64_t rows = session.publish(who_, t.plan(), *t.stage,
                                            options_.append ? PublishMode::append : PublishMode::replace, fence);
  step("publish.committed");
  t.outcome.notes = session.notes();
  for (const std::string& note : t.outcome.notes) log_warning(t.plan().label + ": " + note);
  if (rows != expected)
    throw Error(ErrorKind::integrity, fmt::format("{} rows were loaded, {} were published", expected, rows));
  t.outcome.publish_seconds = seconds_since(start);
  published(t, session, rows);
  task_done(t);
}

void Runner::published(TableRun& t, WarehouseSession& session, std::int64_t rows) {
  {
    std::lock_guard lock(mutex_);
    t.outcome.rows = rows;
    t.outcome.snapshot = t.partitions.empty() ? "" : t.partitions.front().snapshot;
    if (std::any_of(t.partitions.begin(), t.partitions.end(), [](const PartitionRun& p) { return p.asserted; }))
      t.outcome.level = std::string(to_string(ConsistencyLevel::user_asserted));
    if (t.count) t.outcome.source_count = t.count->rows;
    t.table.published = true;
    t.outcome.ok = true;
  }
  store_.set_table_published(who_.run, t.table.ordinal, t.outcome.snapshot, t.outcome.level, t.outcome.source_count, rows);
  step("publish.recorded");
  session.clean(who_, t.plan().target, false);
  if (!warehouse_.stage_is_target())
    for (const std::string& name : t.stage->list()) t.stage->remove(name);
  step("table.cleaned");
  log_info(fmt::format("{} -> {}: published, {}", t.plan().label, t.plan().target.display(), rows_text(rows)),
           {{"event", "table_published"},
            {"table", t.plan().label},
            {"target", t.plan().target.display()},
            {"rows", rows},
            {"exactly_once", t.outcome.level}});
}

// The process that published a table may have died before it removed what the table no longer needs.
void Runner::clean_again(TableRun& t) {
  try {
    loader_->run([&](WarehouseSession& session) { session.clean(who_, t.plan().target, false); });
    if (warehouse_.stage_is_target()) return;
    const std::unique_ptr<Stage> stage = warehouse_.stage(who_.run, t.plan(), options_.spool);
    for (const std::string& name : stage->list()) stage->remove(name);
  } catch (const Error& e) {
    log_warning(t.plan().label + ": what it left behind could not be removed (`pulk clean` does that): " + e.message());
  }
}

// -------------------------------------------------------- the life of a table

// Fences the table for this process and remembers the fences. A process that was taken over must not fence its successor
// out, so the workspace's owner is looked at first.
std::vector<Mark> Runner::take(TableRun& t, WarehouseSession& session) {
  store_.check_owned();
  std::vector<Mark> marks = session.take(who_, t.plan());
  std::lock_guard lock(mutex_);
  for (const Mark& mark : marks) t.fences[mark.partition] = mark.fence;
  return marks;
}

void Runner::add_tasks(TableRun& t, const std::vector<Task>& tasks, bool first) {
  {
    std::lock_guard lock(mutex_);
    t.open_tasks += static_cast<int>(tasks.size());
  }
  for (const Task& task : tasks) first ? queue_.push_front(task) : queue_.push(task);
}

void Runner::task_done(TableRun& t) {
  std::unique_lock lock(mutex_);
  if (--t.open_tasks == 0) settle(t, lock);
}

void Runner::task_failed(TableRun& t, const Error& error) {
  const bool interrupted = cancel_.cancelled();
  if (!interrupted)
    log_error(error.what(), {{"event", "failed"}, {"table", t.plan().label}, {"class", std::int64_t{error.exit_code()}}});
  if (options_.stop_on_failure && !interrupted) {
    stopped_by_failure_ = true;
    cancel_.cancel();
  }
  std::unique_lock lock(mutex_);
  // A table that is published has arrived, whatever went wrong with removing what it no longer needs.
  if (!t.table.published && (!t.outcome.error || t.outcome.error->message() == "interrupted")) t.outcome.error = error;
  if (--t.open_tasks <= 0) settle(t, lock);
}

// Called when no task of the table is open: decides what comes next.
void Runner::settle(TableRun& t, std::unique_lock<std::mutex>& lock) {
  if (t.closed) return;
  if (t.outcome.error || t.table.published) {
    close_table(t, lock);
    return;
  }
  const std::string first = t.partitions.front().snapshot;
  const bool one_moment = std::all_of(t.partitions.begin(), t.partitions.end(),
                                      [&](const PartitionRun& p) { return p.snapshot == first; });
  const bool counted = !t.count || t.count->snapshot == first;
  if (one_moment && counted) {
    std::int64_t sum = 0;
    for (const PartitionRun& p : t.partitions) sum += p.rows;
    // With a source that the user says is quiet, the count was still made in one snapshot and must agree.
    if (t.count && t.count->rows != sum) {
      t.outcome.error = Error(ErrorKind::integrity,
                              fmt::format("the source has {} in the snapshot, the partitions together have {}",
                                          rows_text(t.count->rows), format_count(sum)),
                              t.plan().label, "nothing was published; please report this");
      close_table(t, lock);
      return;
    }
    ++t.open_tasks;
    lock.unlock();
    submit_publish(t, 0);
    lock.lock();
    return;
  }
  // The snapshot was replaced on the way: partitions of the old one are kept where they are proven unchanged.
  if (++t.rounds > kMostRounds) {
    t.outcome.error = Error(ErrorKind::retryable,
                            fmt::format("the snapshot was replaced {} times and the table could not be completed within "
                                        "any of them", kMostRounds),
                            t.plan().label, "raise --max-snapshot-age: reading this table takes longer");
    close_table(t, lock);
    return;
  }
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < t.partitions.size(); ++i) tasks.push_back({TaskKind::check, &t, static_cast<int>(i)});
  if (t.count) tasks.push_back({TaskKind::count, &t, 0});
  t.open_tasks += static_cast<int>(tasks.size());
  lock.unlock();
  for (const Task& task : tasks) queue_.push(task);
  lock.lock();
}

void Runner::close_table(TableRun& t, std::unique_lock<std::mutex>& lock) {
  t.closed = true;
  t.outcome.wall_seconds = seconds_since(t.started);
  const std::optional<Error> error = t.outcome.error;
  lock.unlock();
  if (error) {
    try {
      store_.set_table_failed(who_.run, t.table.ordinal, error->what(), error->exit_code());
    } catch (const Error& e) {
      log_error(std::string("the failure could not be recorded: ") + e.what());
    }
  }
  ++progress_.tables_done;
  lock.lock();
  --open_tables_;
  changed_.notify_all();
}

RunOutcome Runner::run(std::vector<RunTable> tables) {
  const auto start = Clock::now();
  std::vector<std::unique_ptr<TableRun>> runs;
  for (RunTable& table : tables) {
    auto t = std::make_unique<TableRun>();
    t->table = std::move(table);
    t->outcome.label = t->plan().label;
    t->outcome.target = t->plan().target.display();
    progress_.rows_expected += std::max<std::int64_t>(0, t->plan().rows_estimate);
    runs.push_back(std::move(t));
  }
  progress_.tables = static_cast<int>(runs.size());

  loader_ = std::make_unique<Loader>(warehouse_, options_.warehouse_memory, options_.target_lock_wait, cancel_);
  std::vector<std::jthread> lanes;
  for (int i = 0; i < options_.lanes; ++i) lanes.emplace_back([this] { lane_main(); });

  for (auto& t : runs) {
    if (t->table.published) {
      t->outcome.ok = t->outcome.earlier = true;
      clean_again(*t);
      ++progress_.tables_done;
      continue;
    }
    if (cancel_.cancelled()) break;
    {
      std::lock_guard lock(mutex_);
      ++open_tables_;
    }
    t->open_tasks = 1;  // the admission itself: the table cannot settle before it is through
    try {
      admit(*t);
      task_done(*t);
    } catch (...) {
      task_failed(*t, as_error(std::current_exception()).with_subject(t->plan().label));
    }
    // The next table is admitted when this one no longer keeps all lanes busy: its lease and its partitions are taken
    // no earlier than needed.
    while (!cancel_.cancelled() && !queue_.below(static_cast<std::size_t>(options_.lanes)))
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_tables_ == 0; });
  }
  queue_.close();
  lanes.clear();
  loader_.reset();

  RunOutcome outcome;
  outcome.interrupted = cancel_.cancelled() && !stopped_by_failure_;
  for (auto& t : runs) {
    if (!t->outcome.ok && !t->outcome.error)
      t->outcome.error = Error(ErrorKind::retryable, "not started", t->plan().label, "run the same command again");
    outcome.tables.push_back(std::move(t->outcome));
  }
  outcome.wall_seconds = seconds_since(start);
  log_debug(fmt::format("Arrow's pool held {} at most", format_bytes(counting_pool()->max_memory())));
  return outcome;
}

}  // namespace

RunOutcome run_tables(Source& source, SnapshotKeeper& snapshots, Warehouse& warehouse, StateStore& store,
                      const RunIdentity& who, std::vector<RunTable> tables, const RunnerOptions& options,
                      CancelToken& cancel, Progress& progress) {
  Runner runner(source, snapshots, warehouse, store, who, options, cancel, progress);
  return runner.run(std::move(tables));
}

}  // namespace pulk
