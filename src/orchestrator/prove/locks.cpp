// What happens when two processes want the same row.
#include "adbc/snowflake/error.h"
#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/probe.h"

namespace pulk::prove {
namespace {

std::string waited(bool yes) { return yes ? "the second waited" : "the second did not wait"; }

Finding one_mark(Bench& bench) {
  const std::string marks = bench.mark_table("P10_MARK", {"a"});
  begin(bench.worker());
  begin(bench.rival());
  const std::int64_t first = bench.worker().execute(set_loaded(marks, "a"));
  Pending second(bench.rival(), set_loaded(marks, "a"));
  const bool waiting = waits(bench, second);
  bench.worker().execute("COMMIT");
  const std::int64_t changed = second.wait();
  return decide(first == 1 && changed == 0, waited(waiting) + ", the first changed " + std::to_string(first) +
                                                " row, the second " + std::to_string(changed));
}

Finding two_marks(Bench& bench) {
  const std::string marks = bench.mark_table("P11_MARK", {"a", "b"});
  begin(bench.worker());
  begin(bench.rival());
  const std::int64_t first = bench.worker().execute(set_loaded(marks, "a"));
  Pending second(bench.rival(), set_loaded(marks, "b"));
  const bool waiting = waits(bench, second);
  bench.worker().execute("COMMIT");
  const std::int64_t changed = second.wait();
  bench.rival().execute("COMMIT");
  const std::string loaded =
      value(bench.watcher(), "SELECT count(*)::VARCHAR FROM " + marks + " WHERE state = 'loaded'");
  return decide(first == 1 && changed == 1 && loaded == "2",
                waited(waiting) + ", " + loaded + " of 2 marks are loaded");
}

Finding guard_row(Bench& bench) {
  const std::string guard = bench.table("P12_GUARD", "turns NUMBER"), lease = bench.table("P12_LEASE", "run VARCHAR");
  bench.watcher().execute("INSERT INTO " + guard + " VALUES (0)");
  bench.watcher().execute("COMMIT");
  const std::string turn = "UPDATE " + guard + " SET turns = turns + 1";
  const std::string look = "SELECT count(*)::VARCHAR FROM " + lease;
  begin(bench.worker());
  begin(bench.rival());
  bench.worker().execute(turn);
  Pending second(bench.rival(), turn);
  const bool waiting = waits(bench, second);
  bench.worker().execute("INSERT INTO " + lease + " VALUES ('first')");
  bench.worker().execute("COMMIT");
  const std::int64_t changed = second.wait();
  const std::string leases = value(bench.rival(), look);
  bench.rival().execute("COMMIT");
  const std::string turns = value(bench.watcher(), "SELECT turns::VARCHAR FROM " + guard);
  return decide(waiting && changed == 1 && leases == "1" && turns == "2",
                waited(waiting) + ", then saw " + leases + " lease of the first; the guard counts " + turns + " turns");
}

Finding lock_timeout(Bench& bench) {
  const std::string marks = bench.mark_table("P13_MARK", {"a"});
  bench.rival().execute("ALTER SESSION SET LOCK_TIMEOUT = 1");
  begin(bench.worker());
  begin(bench.rival());
  bench.worker().execute(set_loaded(marks, "a"));
  const auto start = std::chrono::steady_clock::now();
  const auto said = refusal(bench.rival(), set_loaded(marks, "a"));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bench.settle(true);  // the rival's LOCK_TIMEOUT goes with its session
  return decide(said && snowflake::error_code(said->message()) == 625 && seconds < 15,
                "after " + std::to_string(static_cast<int>(seconds)) + " s the second heard " + brief(said));
}

Finding copies_side_by_side(Bench& bench) {
  const std::string table = bench.id_table("P14");
  const std::string one = bench.file_of_ids({1, 2}), other = bench.file_of_ids({3, 4, 5});
  begin(bench.worker());
  begin(bench.rival());
  bench.worker().query(bench.copy_of_ids(table, {one}));
  Pending second = Pending::query(bench.rival(), bench.copy_of_ids(table, {other}));
  const bool waiting = waits(bench, second);
  bench.worker().execute("COMMIT");
  second.wait();
  const std::string between = ids_in(bench.watcher(), table);
  bench.rival().execute("COMMIT");
  const std::string both = ids_in(bench.watcher(), table);
  return decide(!waiting && between == "1, 2" && both == "1, 2, 3, 4, 5",
                waited(waiting) + "; the table had " + between + ", then " + both);
}

Finding idle_lock(Bench& bench) {
  const std::string marks = bench.mark_table("P15_MARK", {"a"});
  const auto idle = bench.login();
  begin(*idle, "PULK_PROVE_15");
  idle->execute(set_loaded(marks, "a"));
  begin(bench.rival());
  Pending second(bench.rival(), set_loaded(marks, "a"));
  const bool waiting = waits(bench, second);
  for (const auto& row : bench.watcher().named_rows("SHOW TRANSACTIONS"))
    if (row.at("name") == "PULK_PROVE_15")
      bench.watcher().query("SELECT SYSTEM$ABORT_TRANSACTION(" + row.at("id") + ")");
  const std::int64_t changed = second.wait();
  return decide(waiting && changed == 1, waited(waiting) + ", and changed " + std::to_string(changed) +
                                             " row when the idle transaction was aborted");
}

}  // namespace

std::vector<Probe> lock_probes() {
  constexpr const char* theme = "locks";
  return {
      {10, theme, Rests::exactly_once,
       "of two sessions that change one mark, the second waits and then changes nothing",
       "two processes can both load the same partition, and its rows are there twice", one_mark},
      {11, theme, Rests::exactly_once, "two sessions change two marks of one table, and both changes stay",
       "a mark is lost: its partition is loaded again, and its rows are there twice", two_marks},
      {12, theme, Rests::exactly_once, "the guard row lets one take a table at a time, and the second sees the lease",
       "two runs can both find no lease, and work on one table at once", guard_row},
      {13, theme, Rests::running, "LOCK_TIMEOUT ends a wait with error 625",
       "a run waits for hours where it should stop and say who holds the lock", lock_timeout},
      {14, theme, Rests::running, "COPY into one table from two sessions: neither waits for the other",
       "partitions are loaded one after the other; nothing is wrong", copies_side_by_side},
      {15, theme, Rests::running, "an idle transaction holds its lock until SYSTEM$ABORT_TRANSACTION ends it",
       "what a killed process left open cannot be ended by the next one, which then waits for minutes", idle_lock},
  };
}

}  // namespace pulk::prove
