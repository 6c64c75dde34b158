#include "engine/runner_impl.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "base/steps.h"
#include "engine/counting_pool.h"

namespace pulk {

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
  if (options_.spool_limit <= 0) return;
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
      if (!may_retry(error) || tries >= options_.retries || cancel_.cancelled())
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
    try {
      store_.set_partition_staged(who_.run, t.table.ordinal, record, load->extracted.files);
    } catch (const Error&) {
      // Nobody will ask for them; a process that was taken over leaves nothing behind.
      t.stage->remove_all(names_of(load->extracted.files));
      throw;
    }
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
    spooled_ += load->waiting = load->extracted.bytes;
  }
  submit_load(load);
}

// Is a loaded partition, read in an earlier snapshot, still the same in the current one?
void Runner::check_task(Lane& lane, const Task& task) {
  TableRun& t = *task.table;
  const PartitionPlan& partition = t.plan().partitions[static_cast<std::size_t>(task.partition)];
  std::string old_snapshot;
  bool asserted_before = false;
  std::int64_t rows = 0;
  {
    std::lock_guard lock(mutex_);
    const PartitionRun& part = t.partitions[static_cast<std::size_t>(task.partition)];
    old_snapshot = part.snapshot;
    asserted_before = part.asserted;
    rows = part.rows;
  }
  bool same = false, asserted = false;
  std::string snapshot;
  with_lane(lane, t, where(t, task.partition), [&] {
    snapshot = lane.snapshot->id();
    same = snapshot == old_snapshot || lane.snapshot->unchanged(t.plan(), partition, old_snapshot, rows);
    asserted = !same && t.table.config.source_quiet;
  });
  auto verdict = std::make_shared<Verdict>();
  verdict->table = &t;
  verdict->partition = task.partition;
  verdict->same = same;
  verdict->kept = same || asserted;
  // What was once only asserted stays so, however quiet the source has been since.
  verdict->unproven = asserted || (same && asserted_before);
  verdict->snapshot = snapshot;
  submit_verdict(verdict);
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

}  // namespace pulk
