#include <algorithm>

#include "base/log.h"
#include "base/steps.h"
#include "engine/runner_impl.h"

namespace pulk {

namespace {

double seconds_of(const std::vector<LoadStatement>& statements) {
  double sum = 0;
  for (const LoadStatement& statement : statements) sum += statement.seconds;
  return sum;
}

}  // namespace

void Runner::submit_load(std::shared_ptr<Load> load) {
  const auto on_error = [this, load](const Error& e) {
    if (may_retry(e) && load->tries < options_.retries && !cancel_.cancelled()) {
      log_warning(
          fmt::format("{}: loading failed, trying again: {}", where(*load->table, load->partition), e.message()));
      if (backoff(load->tries++)) {
        submit_load(load);
        return;
      }
    }
    try {
      if (warehouse_.keeps_failed_files() && !cancel_.cancelled())
        no_longer_waiting(*load);
      else
        drop_staged(*load);
    } catch (const Error& left) {
      log_debug(std::string("a staged file could not be removed: ") + left.what());
    }
    task_failed(*load->table, e.with_subject(where(*load->table, load->partition)));
  };
  const auto work = [this, load](WarehouseSession& session) { do_load(*load, session); };
  if (load->tries == 0) {
    loader_->submit(load->table, Loader::Manner::beside, work, on_error);
    return;
  }
  // Fence, then look: the commit of the failed try may have been made all the same.
  loader_->submit(
      load->table, Loader::Manner::alone,
      [this, load, work, on_error](WarehouseSession& session) {
        const auto start = Clock::now();
        if (const std::optional<std::int64_t> rows = rows_loaded(*load, session))
          loaded(*load, *rows, seconds_since(start));
        else
          loader_->submit(load->table, Loader::Manner::beside, work, on_error);
      },
      on_error);
}

std::optional<std::int64_t> Runner::rows_loaded(const Load& load, WarehouseSession& session) {
  for (const Mark& mark : take(*load.table, session))
    if (mark.partition == load.load.partition && mark.state == MarkState::loaded && mark.attempt == load.load.attempt &&
        mark.snapshot == load.load.snapshot)
      return mark.rows;
  return std::nullopt;
}

void Runner::do_load(Load& load, WarehouseSession& session) {
  TableRun& t = *load.table;
  const auto start = Clock::now();
  {
    std::lock_guard lock(mutex_);
    load.load.fence = t.fences.at(load.load.partition);
  }
  WideGate::Pass pass;
  if (load.load.widest_row > kWideRow) pass = gate_.enter(cancel_);
  LoadResult result;
  try {
    result = session.load(who_, t.plan(), *t.stage, load.load);
  } catch (const Error&) {
    // Its commit may have been made all the same.
    load.statements = session.statements();
    throw;
  }
  load.statements = session.statements();
  step("load.committed");
  loaded(load, result.rows, seconds_since(start));
}

void Runner::no_longer_waiting(Load& load) {
  {
    std::lock_guard lock(mutex_);
    spooled_ -= std::exchange(load.waiting, 0);
  }
  changed_.notify_all();
}

// A partition that is not loaded is read again by the next start: its files are of no use to anyone.
void Runner::drop_staged(Load& load) {
  no_longer_waiting(load);
  load.table->stage->remove_all(names_of(load.load.files));
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
  record.statements = load.statements;
  store_.set_partition_loaded(who_.run, t.table.ordinal, record);
  step("load.recorded");
  drop_staged(load);
  std::int64_t so_far = 0;
  {
    std::lock_guard lock(mutex_);
    PartitionRun& part = t.partitions[static_cast<std::size_t>(load.partition)];
    part.loaded = true;
    part.rows = rows;
    part.snapshot = load.load.snapshot;
    part.asserted = false;
    t.outcome.load_seconds += seconds;
    t.outcome.warehouse_seconds += seconds_of(load.statements);
    t.outcome.rows += rows;
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

void Runner::submit_verdict(const std::shared_ptr<Verdict>& verdict) {
  const bool again = verdict->tries > 0;
  loader_->submit(
      verdict->table, again ? Loader::Manner::alone : Loader::Manner::beside,
      [this, verdict, again](WarehouseSession& session) {
        // What the failed try may have committed is said once more.
        if (again) take(*verdict->table, session);
        do_verdict(*verdict, session);
      },
      [this, verdict](const Error& e) {
        const std::string what = where(*verdict->table, verdict->partition);
        if (may_retry(e) && verdict->tries < options_.retries && !cancel_.cancelled()) {
          log_warning(fmt::format("{}: its mark could not be changed, trying again: {}", what, e.message()));
          if (backoff(verdict->tries++)) {
            submit_verdict(verdict);
            return;
          }
        }
        task_failed(*verdict->table, e.with_subject(what));
      });
}

void Runner::do_verdict(const Verdict& verdict, WarehouseSession& session) {
  TableRun& t = *verdict.table;
  const auto index = static_cast<std::size_t>(verdict.partition);
  const PartitionPlan& partition = t.plan().partitions[index];
  PartitionRecord record;
  record.ordinal = partition.ordinal;
  record.snapshot = moment_text(verdict.snapshot, verdict.unproven);
  std::int64_t fence = 0;
  {
    std::lock_guard lock(mutex_);
    fence = t.fences.at(partition.id);
    record.rows_loaded = t.partitions[index].rows;
  }
  if (verdict.kept) {
    session.restamp(who_, t.plan(), partition.id, fence, record.snapshot);
    store_.set_partition_loaded(who_.run, t.table.ordinal, record);
  } else {
    session.reset(who_, t.plan(), partition.id, fence);
  }
  {
    std::lock_guard lock(mutex_);
    PartitionRun& part = t.partitions[index];
    if (verdict.kept) {
      part.snapshot = verdict.snapshot;
      part.asserted = verdict.unproven;
      ++t.outcome.kept;
    } else {
      part.loaded = false;
      ++t.outcome.read_again;
      --progress_.partitions_done;
    }
  }
  if (verdict.kept) {
    log_info(fmt::format("{}: kept, {}", where(t, verdict.partition),
                         verdict.same ? "proven unchanged since it was loaded" : "the source is said to be quiet"));
  } else {
    log_info(
        fmt::format("{}: to be read again, it changed or cannot be proven unchanged", where(t, verdict.partition)));
    add_tasks(t, {{TaskKind::extract, &t, verdict.partition}}, true);
  }
  task_done(t);
}

void Runner::submit_publish(TableRun& t, int tries) {
  loader_->submit(
      &t, Loader::Manner::alone, [this, &t, tries](WarehouseSession& session) { do_publish(t, session, tries > 0); },
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
    t.outcome.source_count = t.count ? t.count->rows : -1;
  }
  store_.set_source_count(who_.run, t.table.ordinal, t.outcome.source_count);
  std::int64_t rows = 0;
  try {
    rows = session.publish(who_, t.plan(), options_.append ? PublishMode::append : PublishMode::replace, fence);
  } catch (const Error&) {
    t.publishing = session.statements();
    throw;
  }
  t.publishing = session.statements();
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
    t.outcome.warehouse_seconds += seconds_of(t.publishing);
    t.outcome.snapshot = t.partitions.empty() ? "" : t.partitions.front().snapshot;
    if (std::any_of(t.partitions.begin(), t.partitions.end(), [](const PartitionRun& p) { return p.asserted; }))
      t.outcome.level = std::string(to_string(ConsistencyLevel::user_asserted));
    t.table.published = true;
    t.outcome.ok = true;
  }
  store_.set_table_published(who_.run, t.table.ordinal, t.outcome.snapshot, t.outcome.level, rows, t.publishing);
  step("publish.recorded");
  session.clean(who_, t.plan().target, false);
  t.stage->remove_all(t.stage->list());
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
    loader_->run(&t, [&](WarehouseSession& session) {
      store_.check_owned();
      session.end_left_open(who_);
      session.clean(who_, t.plan().target, false);
    });
    const std::unique_ptr<Stage> stage = warehouse_.stage(who_.run, t.plan(), options_.spool);
    stage->remove_all(stage->list());
  } catch (const Error& e) {
    log_warning(t.plan().label + ": what it left behind could not be removed (`pulk clean` does that): " + e.message());
  }
}

}  // namespace pulk
