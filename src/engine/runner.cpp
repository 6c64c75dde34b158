#include "engine/runner_impl.h"

#include <arrow/memory_pool.h>

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "engine/counting_pool.h"

namespace pulk {

namespace {

// A table whose rows cannot be proven unchanged is read again after each new snapshot: at some point that is hopeless.
constexpr int kMostRounds = 4;

}  // namespace

bool Runner::backoff(int tries) {
  const auto until = Clock::now() + std::chrono::milliseconds(std::min(30'000, 250 << std::min(tries, 10)));
  while (Clock::now() < until) {
    if (cancel_.cancelled()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

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
    t->outcome.source_count = t->table.source_count;
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
  for (auto& t : runs) {
    if (!t->outcome.ok && !t->outcome.error)
      t->outcome.error = Error(ErrorKind::retryable, "not started", t->plan().label, "run the same command again");
    outcome.tables.push_back(std::move(t->outcome));
  }
  // Who asked for an end after the last table had arrived gets a whole run.
  outcome.interrupted = cancel_.cancelled() && !stopped_by_failure_ &&
                        std::any_of(outcome.tables.begin(), outcome.tables.end(), [](const auto& t) { return !t.ok; });
  outcome.wall_seconds = seconds_since(start);
  log_debug(fmt::format("Arrow's pool held {} at most", format_bytes(counting_pool()->max_memory())));
  return outcome;
}

RunOutcome run_tables(Source& source, SnapshotKeeper& snapshots, Warehouse& warehouse, StateStore& store,
                      const RunIdentity& who, std::vector<RunTable> tables, const RunnerOptions& options,
                      CancelToken& cancel, Progress& progress) {
  Runner runner(source, snapshots, warehouse, store, who, options, cancel, progress);
  return runner.run(std::move(tables));
}

}  // namespace pulk
