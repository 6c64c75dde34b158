#include "warehouse/marks.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/strings.h"

namespace pulk {

namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

MarkState parse_state(const std::string& state) {
  for (const MarkState s : {MarkState::pending, MarkState::loaded, MarkState::published})
    if (state == to_string(s)) return s;
  throw Error(ErrorKind::internal, "a mark in the target has the unknown state \"" + state + "\"");
}

}  // namespace

std::string SqlChannel::literal(std::string_view text) const { return sql_literal(text); }

std::string Marks::of(const std::string& run, const Target& target) const {
  return " WHERE run = " + text(run) + " AND target = " + text(target.key);
}

std::string Marks::of(const std::string& run, const Target& target, const std::string& partition) const {
  return of(run, target) + " AND \"partition\" = " + text(partition);
}

void Marks::create_tables() {
  channel_.execute("CREATE TABLE IF NOT EXISTS " + table("mark") +
                   " (run VARCHAR NOT NULL, target VARCHAR NOT NULL, target_schema VARCHAR NOT NULL,"
                   " target_table VARCHAR NOT NULL, \"partition\" VARCHAR NOT NULL, fence BIGINT NOT NULL,"
                   " state VARCHAR NOT NULL, snapshot VARCHAR NOT NULL, \"rows\" BIGINT NOT NULL,"
                   " attempt BIGINT NOT NULL)");
  channel_.execute("CREATE TABLE IF NOT EXISTS " + table("lease") +
                   " (target VARCHAR NOT NULL, target_schema VARCHAR NOT NULL, target_table VARCHAR NOT NULL,"
                   " run VARCHAR NOT NULL, owner VARCHAR NOT NULL, since VARCHAR NOT NULL)");
}

std::vector<Mark> Marks::look(const std::string& run, const Target& target) {
  std::vector<Mark> marks;
  for (const auto& row : channel_.query("SELECT \"partition\", fence, state, snapshot, \"rows\", attempt FROM " +
                                        table("mark") + of(run, target))) {
    Mark mark;
    mark.partition = row.at(0);
    mark.fence = std::stoll(row.at(1));
    mark.state = parse_state(row.at(2));
    mark.snapshot = row.at(3);
    mark.rows = std::stoll(row.at(4));
    mark.attempt = std::stoi(row.at(5));
    marks.push_back(std::move(mark));
  }
  return marks;
}

bool Marks::published(const std::vector<Mark>& marks) {
  return std::any_of(marks.begin(), marks.end(),
                     [](const Mark& m) { return m.partition.empty() && m.state == MarkState::published; });
}

bool Marks::check_lease(const RunIdentity& who, const Target& target) {
  const auto leases =
      channel_.query("SELECT run, owner, since FROM " + table("lease") + " WHERE target = " + text(target.key));
  for (const auto& lease : leases) {
    if (lease.at(0) == who.run) continue;
    throw Error(
        ErrorKind::retryable,
        "another run is loading this table: run " + lease.at(0) + " of " + lease.at(1) + ", since " + lease.at(2),
        target.name.display(),
        "resume that run in its workspace, or give it up with: pulk clean --abandon " + lease.at(0));
  }
  return !leases.empty();
}

void Marks::take(const RunIdentity& who, const Target& target, const std::vector<PartitionPlan>& partitions) {
  const bool held = check_lease(who, target);
  const std::string names = text(target.key) + ", " + text(target.name.schema) + ", " + text(target.name.table);
  if (!held) {
    channel_.execute("INSERT INTO " + table("lease") + " VALUES (" + names + ", " + text(who.run) + ", " +
                     text(who.owner) + ", " + text(utc_now()) + ")");
  } else {
    channel_.execute("UPDATE " + table("lease") + " SET owner = " + text(who.owner) + of(who.run, target));
  }

  std::set<std::string> known;
  for (const Mark& mark : look(who.run, target)) known.insert(mark.partition);
  std::vector<std::string> missing;
  const auto add = [&](const std::string& partition) {
    if (known.insert(partition).second)
      missing.push_back("(" + text(who.run) + ", " + names + ", " + text(partition) + ", 0, 'pending', '', 0, 0)");
  };
  add("");
  for (const PartitionPlan& partition : partitions) add(partition.id);
  // In slices: a table may have a hundred thousand partitions, and SQL parsers keep whole statements in memory.
  constexpr std::size_t kSlice = 500;
  for (std::size_t from = 0; from < missing.size(); from += kSlice) {
    const auto first = missing.begin() + static_cast<std::ptrdiff_t>(from);
    const auto last = missing.begin() + static_cast<std::ptrdiff_t>(std::min(from + kSlice, missing.size()));
    channel_.execute("INSERT INTO " + table("mark") + " VALUES " + join({first, last}, ", "));
  }
  channel_.execute("UPDATE " + table("mark") + " SET fence = fence + 1" + of(who.run, target));
}

void Marks::set_loaded(const std::string& run, const Target& target, const PartitionLoad& load) {
  const std::int64_t changed = channel_.execute(
      "UPDATE " + table("mark") + " SET state = 'loaded', snapshot = " + text(load.snapshot) +
      ", \"rows\" = " + number(load.rows) + ", attempt = " + number(load.attempt) + of(run, target, load.partition) +
      " AND fence = " + number(load.fence) + " AND state = 'pending'" + channel_.same_transaction());
  if (changed != 1) not_changed(run, target, load.partition, load.fence, MarkState::pending);
}

void Marks::check_fence(const std::string& run, const Target& target, const std::string& partition,
                        std::int64_t fence) {
  for (const Mark& mark : look(run, target))
    if (mark.partition == partition && mark.fence == fence) return;
  not_changed(run, target, partition, fence, MarkState::published);
}

void Marks::hold_pending(const std::string& run, const Target& target, const std::string& partition,
                         std::int64_t fence) {
  const std::int64_t changed =
      channel_.execute("UPDATE " + table("mark") + " SET state = 'pending'" + of(run, target, partition) +
                       " AND fence = " + number(fence) + " AND state = 'pending'" + channel_.same_transaction());
  if (changed != 1) not_changed(run, target, partition, fence, MarkState::pending);
}

void Marks::reset(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence) {
  const std::int64_t changed =
      channel_.execute("UPDATE " + table("mark") + " SET state = 'pending'" + of(run, target, partition) +
                       " AND fence = " + number(fence) + " AND state <> 'published'");
  if (changed != 1) not_changed(run, target, partition, fence, MarkState::loaded);
}

void Marks::restamp(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence,
                    const std::string& snapshot) {
  const std::int64_t changed =
      channel_.execute("UPDATE " + table("mark") + " SET snapshot = " + text(snapshot) + of(run, target, partition) +
                       " AND fence = " + number(fence) + " AND state = 'loaded'");
  if (changed != 1) not_changed(run, target, partition, fence, MarkState::loaded);
}

void Marks::reset_all(const std::string& run, const Target& target) {
  channel_.execute("UPDATE " + table("mark") + " SET state = 'pending'" + of(run, target) + " AND state = 'loaded'");
}

std::int64_t Marks::rows_to_publish(const std::string& run, const TablePlan& plan, const Target& target) {
  std::set<std::string> waiting;
  for (const PartitionPlan& partition : plan.partitions) waiting.insert(partition.id);
  std::int64_t rows = 0;
  for (const Mark& mark : look(run, target)) {
    if (mark.partition.empty()) continue;
    if (mark.state != MarkState::loaded || waiting.erase(mark.partition) == 0)
      throw Error(ErrorKind::internal,
                  "partition " + mark.partition + " is " + std::string(to_string(mark.state)) +
                      " or not in the plan, the table cannot be published",
                  target.name.display());
    rows += mark.rows;
  }
  if (!waiting.empty())
    throw Error(ErrorKind::internal, "partition " + *waiting.begin() + " has no mark, the table cannot be published",
                target.name.display());
  return rows;
}

void Marks::set_published(const std::string& run, const Target& target, std::int64_t fence, std::int64_t rows) {
  // The lease before the mark, as everywhere: two sessions that lock both the other way round would wait for each
  // other.
  channel_.execute("DELETE FROM " + table("lease") + of(run, target));
  const std::int64_t changed = channel_.execute(
      "UPDATE " + table("mark") + " SET state = 'published', \"rows\" = " + number(rows) + of(run, target, "") +
      " AND fence = " + number(fence) + " AND state = 'pending'" + channel_.same_transaction());
  if (changed != 1) not_changed(run, target, "", fence, MarkState::pending);
}

void Marks::remove(const std::string& run, const Target& target, bool forget) {
  channel_.execute("DELETE FROM " + table("lease") + of(run, target));
  channel_.execute("DELETE FROM " + table("mark") + of(run, target) +
                   (forget ? "" : " AND NOT (\"partition\" = '' AND state = 'published')"));
}

std::vector<Marks::Trace> Marks::traces() {
  std::vector<Trace> traces;
  const auto find = [&](const std::vector<std::string>& row) -> Trace& {
    for (Trace& trace : traces)
      if (trace.run == row.at(0) && trace.target.key == row.at(1)) return trace;
    Trace& trace = traces.emplace_back();
    trace.run = row.at(0);
    trace.target = {row.at(1), {"", row.at(2), row.at(3)}};
    return trace;
  };
  for (const auto& row :
       channel_.query("SELECT run, target, target_schema, target_table, count(*) FROM " + table("mark") +
                      " WHERE NOT (\"partition\" = '' AND state = 'published')"
                      " GROUP BY run, target, target_schema, target_table ORDER BY run, target"))
    find(row).marks = std::stoll(row.at(4));
  for (const auto& row : channel_.query("SELECT run, target, target_schema, target_table, owner, since FROM " +
                                        table("lease") + " ORDER BY run, target")) {
    Trace& trace = find(row);
    trace.leased = true;
    trace.owner = row.at(4);
    trace.since = row.at(5);
  }
  return traces;
}

std::vector<std::string> Marks::published_runs(const Target& target) {
  std::vector<std::string> runs;
  for (const auto& row : channel_.query("SELECT DISTINCT run FROM " + table("mark") + " WHERE target = " +
                                        text(target.key) + " AND \"partition\" = '' AND state = 'published'"))
    runs.push_back(row.at(0));
  return runs;
}

void Marks::not_changed(const std::string& run, const Target& target, const std::string& partition, std::int64_t fence,
                        MarkState expected) {
  std::string now = "it has no mark any more";
  for (const Mark& mark : look(run, target)) {
    if (mark.partition != partition) continue;
    // The mark is as it should be: what did not hold is same_transaction().
    if (mark.fence == fence && mark.state == expected)
      throw Error(ErrorKind::retryable, "the transaction was ended by somebody else, and its rows are gone",
                  target.name.display(), "run the same command again to resume");
    now = "now it is " + std::string(to_string(mark.state)) + " with fence " + std::to_string(mark.fence);
  }
  throw Error(ErrorKind::retryable,
              "fence lost: " + (partition.empty() ? std::string("the table") : "partition " + partition) +
                  " was taken with fence " + std::to_string(fence) + ", " + now,
              target.name.display(), "another process has taken this work; it goes on there")
      .as_final();
}

}  // namespace pulk
