#include "engine/runner_impl.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/log.h"
#include "base/steps.h"

namespace pulk {

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
  loader_->run(&t, [&](WarehouseSession& session) { marks = take(t, session); });
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
    loader_->run(&t, [&](WarehouseSession& session) { published(t, session, mark.rows); });
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

// Files of attempts that never came to a mark, and those whose rows are loaded, are removed.
void Runner::sweep_stage(TableRun& t, const std::vector<Mark>& marks) {
  // Only what older fences left: a process that sleeps here may wake after its successor has written and published.
  std::int64_t ours = std::numeric_limits<std::int64_t>::max();
  for (const Mark& mark : marks)
    if (!mark.partition.empty()) ours = std::min(ours, mark.fence);
  std::vector<std::string> old;
  for (const std::string& name : t.stage->list()) {
    const std::size_t at = name.find("-f");
    if (at != std::string::npos && std::atoll(name.c_str() + at + 2) < ours) old.push_back(name);
  }
  t.stage->remove_all(old);
}

}  // namespace pulk
