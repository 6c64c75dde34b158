// What a transaction holds together: COPY, UPDATE and DELETE, as a load has them.
#include <algorithm>

#include "base/strings.h"
#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/probe.h"

namespace pulk::prove {
namespace {

Finding rollback_of_copy(Bench& bench) {
  const std::string table = bench.id_table("P1"), file = bench.file_of_ids({1, 2});
  Client& worker = bench.worker();
  begin(worker);
  worker.query(bench.copy_of_ids(table, {file}));
  worker.execute("ROLLBACK");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(left == "nothing", "after ROLLBACK the table has " + left);
}

Finding copy_and_mark_together(Bench& bench) {
  const std::string table = bench.id_table("P2"), marks = bench.mark_table("P2_MARK", {"a"});
  const std::string file = bench.file_of_ids({1, 2}), state = "SELECT state FROM " + marks;
  Client& worker = bench.worker();
  begin(worker);
  worker.query(bench.copy_of_ids(table, {file}));
  worker.execute(set_loaded(marks, "a"));
  const std::string rows_before = ids_in(bench.watcher(), table), mark_before = value(bench.watcher(), state);
  worker.execute("COMMIT");
  const std::string rows_after = ids_in(bench.watcher(), table), mark_after = value(bench.watcher(), state);
  return decide(rows_before == "nothing" && mark_before == "pending" && rows_after == "1, 2" && mark_after == "loaded",
                "others saw " + rows_before + " and " + mark_before + " before COMMIT, " + rows_after + " and " +
                    mark_after + " after it");
}

Finding own_rows_are_counted(Bench& bench) {
  const std::string table = bench.id_table("P3"), file = bench.file_of_ids({1, 2});
  Client& worker = bench.worker();
  begin(worker);
  worker.query(bench.copy_of_ids(table, {file}));
  const std::string inside = value(worker, "SELECT count(*)::VARCHAR FROM " + table);
  return decide(inside == "2", "count(*) in the transaction says " + inside + " of 2 rows");
}

Finding failed_copy_and_rollback(Bench& bench) {
  const std::string table = bench.id_table("P4"), file = bench.file_of_ids({1, 2});
  Client& worker = bench.worker();
  begin(worker);
  worker.query(bench.copy_of_ids(table, {file}));
  const auto said = refusal(worker, bench.copy_of_ids(table, {"no-such-file.parquet"}));
  worker.execute("ROLLBACK");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(said && left == "nothing", "the second COPY said " + brief(said) + "; after ROLLBACK there is " + left);
}

Finding abort_on_error(Bench& bench) {
  const std::string table = bench.id_table("P5");
  Client& worker = bench.worker();
  begin(worker);
  worker.execute("INSERT INTO " + table + " VALUES (1, 1)");
  const auto first = refusal(worker, bench.copy_of_ids(table, {"no-such-file.parquet"}));
  const auto next = refusal(worker, "INSERT INTO " + table + " VALUES (2, 1)");
  const auto commit = refusal(worker, "COMMIT");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(first && next && left == "nothing",
                "the next statement heard " + brief(next) + ", COMMIT heard " + brief(commit) + ", kept was " + left);
}

Finding update_counts(Bench& bench) {
  const std::string marks = bench.mark_table("P6_MARK", {"a", "b"});
  Client& worker = bench.worker();
  begin(worker);
  const std::int64_t one = worker.execute(set_loaded(marks, "a"));
  const std::int64_t none = worker.execute(set_loaded(marks, "a"));
  const std::int64_t both = worker.execute("UPDATE " + marks + " SET fence = fence + 1");
  return decide(one == 1 && none == 0 && both == 2, "said " + std::to_string(one) + ", " + std::to_string(none) +
                                                        " and " + std::to_string(both) +
                                                        " where 1, 0 and 2 rows were changed");
}

Finding delete_and_copy(Bench& bench) {
  const std::string table = bench.id_table("P7");
  const std::string old_file = bench.file_of_ids({1, 2}), new_file = bench.file_of_ids({3, 4, 5});
  Client& worker = bench.worker();
  begin(worker);
  worker.query(bench.copy_of_ids(table, {old_file}));
  worker.execute("COMMIT");
  const auto replace = [&] {
    begin(worker);
    const std::int64_t deleted = worker.execute("DELETE FROM " + table + " WHERE \"_PULK_PARTITION\" = 1");
    worker.query(bench.copy_of_ids(table, {new_file}));
    return deleted;
  };
  replace();
  worker.execute("ROLLBACK");
  const std::string back = ids_in(bench.watcher(), table);
  const std::int64_t deleted = replace();
  worker.execute("COMMIT");
  const std::string now = ids_in(bench.watcher(), table);
  return decide(back == "1, 2" && deleted == 2 && now == "3, 4, 5",
                "after ROLLBACK " + back + ", after COMMIT " + now + ", deleted " + std::to_string(deleted));
}

Finding ddl_commits(Bench& bench) {
  const std::string table = bench.id_table("P8");
  Client& worker = bench.worker();
  begin(worker);
  worker.execute("INSERT INTO " + table + " VALUES (1, 1)");
  worker.execute("CREATE TRANSIENT TABLE " + bench.name("P8_MADE") + " (ID NUMBER)");
  worker.execute("ROLLBACK");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(left == "1", "after CREATE TABLE and ROLLBACK the table has " + left);
}

Finding transactions_are_found(Bench& bench) {
  Client& worker = bench.worker();
  // A SELECT opens a transaction where AUTOCOMMIT is off, which begin() has to end first.
  const std::string session = value(worker, "SELECT CURRENT_SESSION()::VARCHAR");
  begin(worker, "PULK_PROVE_9");
  std::string seen = "not found";
  bool held = false;
  for (const auto& row : bench.watcher().named_rows("SHOW TRANSACTIONS")) {
    if (row.at("name") != "PULK_PROVE_9") continue;
    held = row.at("session") == session && !row.at("id").empty() &&
           row.at("id").find_first_not_of("0123456789") == std::string::npos;
    seen = "found in session " + row.at("session") + ", which calls itself " + session;
  }
  return decide(held, seen);
}

}  // namespace

std::vector<Probe> transaction_probes() {
  constexpr const char* theme = "transactions";
  return {
      {1, theme, Rests::exactly_once, "ROLLBACK takes a COPY back",
       "rows of a load that was given up stay, and are there twice after the next one", rollback_of_copy},
      {2, theme, Rests::exactly_once, "a COPY and the change of its mark become visible together, at COMMIT",
       "a process killed in between leaves rows without a mark, or a mark without rows", copy_and_mark_together},
      {3, theme, Rests::exactly_once, "a transaction counts the rows that it has loaded itself",
       "publishing cannot compare what it publishes with the marks", own_rows_are_counted},
      {4, theme, Rests::exactly_once, "after a COPY that failed, ROLLBACK takes back what came before it",
       "a part of a partition stays when the rest could not be loaded", failed_copy_and_rollback},
      {5, theme, Rests::running, "after an error a transaction takes no further statement, and COMMIT keeps nothing",
       "a second line of defence is missing; pulk rolls back by itself", abort_on_error},
      {6, theme, Rests::exactly_once, "UPDATE says how many rows it changed",
       "pulk cannot know whether a mark was still its own, and loads a partition that another process has loaded",
       update_counts},
      {7, theme, Rests::exactly_once, "DELETE and COPY of one partition stand or fall together",
       "rows of an earlier attempt stay beside those of the next one", delete_and_copy},
      {8, theme, Rests::running, "DDL commits what is open",
       "nothing breaks: pulk has no DDL in a transaction, and is more careful than it must be", ddl_commits},
      {9, theme, Rests::running, "SHOW TRANSACTIONS names a transaction and its session",
       "what a killed process left open is not found, and its locks hold up the next one for minutes",
       transactions_are_found},
  };
}

}  // namespace pulk::prove
