// Transactions and statements that are ended by somebody else.
#include <thread>

#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/probe.h"

namespace pulk::prove {
namespace {

bool is_open(Bench& bench, const std::string& transaction) {
  for (const auto& row : bench.watcher().named_rows("SHOW TRANSACTIONS"))
    if (row.at("name") == transaction) return true;
  return false;
}

// As the next process of a run does with what it finds.
void abort(Bench& bench, const std::string& transaction) {
  for (const auto& row : bench.watcher().named_rows("SHOW TRANSACTIONS"))
    if (row.at("name") == transaction) bench.watcher().query("SELECT SYSTEM$ABORT_TRANSACTION(" + row.at("id") + ")");
}

bool is_gone(Bench& bench, const std::string& transaction) {
  for (int i = 0; i < 50; ++i) {
    if (!is_open(bench, transaction)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return false;
}

Finding abort_takes_back(Bench& bench) {
  const std::string table = bench.id_table("P20");
  const auto stopped = bench.login();
  begin(*stopped, "PULK_PROVE_20");
  stopped->execute("INSERT INTO " + table + " VALUES (1, 1)");
  abort(bench, "PULK_PROVE_20");
  const bool open = is_open(bench, "PULK_PROVE_20");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(
      !open && left == "nothing",
      std::string(open ? "the transaction is still open" : "the transaction is gone") + ", the table has " + left);
}

Finding commit_after_abort(Bench& bench) {
  const std::string table = bench.id_table("P21");
  const auto stopped = bench.login();
  begin(*stopped, "PULK_PROVE_21");
  stopped->execute("INSERT INTO " + table + " VALUES (1, 1)");
  abort(bench, "PULK_PROVE_21");
  const auto said = refusal(*stopped, "COMMIT");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(left == "nothing", "COMMIT heard " + brief(said) + ", the table has " + left);
}

Finding writes_after_abort(Bench& bench) {
  const std::string table = bench.id_table("P22");
  auto stopped = bench.login();
  begin(*stopped, "PULK_PROVE_22");
  stopped->execute("INSERT INTO " + table + " VALUES (1, 1)");
  abort(bench, "PULK_PROVE_22");
  const auto said = refusal(*stopped, "INSERT INTO " + table + " VALUES (2, 1)");
  const std::string at_once = ids_in(bench.watcher(), table);
  stopped.reset();
  const std::string left = ids_in(bench.watcher(), table);
  return decide(at_once == "nothing" && left == "nothing",
                "the next INSERT heard " + brief(said) + "; others saw " + at_once + ", and " + left + " at the end");
}

Finding closed_session(Bench& bench) {
  const std::string table = bench.id_table("P23");
  auto closed = bench.login();
  begin(*closed, "PULK_PROVE_23");
  closed->execute("INSERT INTO " + table + " VALUES (1, 1)");
  closed.reset();
  const bool gone = is_gone(bench, "PULK_PROVE_23");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(
      gone && left == "nothing",
      std::string(gone ? "the transaction is gone" : "the transaction is open after 10 s") + ", the table has " + left);
}

Finding cancelled_statement(Bench& bench) {
  const std::string table = bench.id_table("P24");
  CancelToken stop;
  auto cancelled = bench.login(&stop);
  begin(*cancelled, "PULK_PROVE_24");
  cancelled->execute("INSERT INTO " + table + " VALUES (1, 1)");
  double seconds = 0;
  {
    Pending waiting = Pending::query(*cancelled, "SELECT SYSTEM$WAIT(30)");
    waiting.ended(std::chrono::milliseconds(500));
    const auto start = std::chrono::steady_clock::now();
    stop.cancel();
    waiting.ended(std::chrono::seconds(40));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  cancelled.reset();
  const bool gone = is_gone(bench, "PULK_PROVE_24");
  const std::string left = ids_in(bench.watcher(), table);
  return decide(seconds < 10 && gone && left == "nothing",
                "the statement ended " + std::to_string(static_cast<int>(seconds)) + " s after it was cancelled, " +
                    (gone ? "its transaction is gone" : "its transaction is open after 10 s") + ", the table has " +
                    left);
}

Finding detached_statement(Bench& bench) {
  const auto rows = bench.worker().named_rows("SHOW PARAMETERS LIKE 'ABORT_DETACHED_QUERY' IN SESSION");
  const std::string set = rows.empty() ? "unknown" : rows[0].at("value");
  if (set != "true") return {Outcome::fail, "ABORT_DETACHED_QUERY is " + set};
  return {Outcome::undecided,
          "ABORT_DETACHED_QUERY is true; the service acts five minutes after a connection is lost, which is not waited "
          "for"};
}

}  // namespace

std::vector<Probe> ending_probes() {
  constexpr const char* theme = "endings";
  return {
      {20, theme, Rests::exactly_once, "SYSTEM$ABORT_TRANSACTION takes back the rows of another session",
       "rows of a killed process stay, and are there twice when the next one has loaded them", abort_takes_back},
      {21, theme, Rests::exactly_once, "COMMIT in a session whose transaction was aborted keeps nothing of it",
       "a stopped process that wakes up commits rows that another one has loaded meanwhile", commit_after_abort},
      {22, theme, Rests::exactly_once, "what such a session writes next is not committed by itself",
       "a stopped process that wakes up adds rows that no mark stands for", writes_after_abort},
      {23, theme, Rests::running, "closing a session takes back its open transaction",
       "locks of a run that ended with an error hold up the next one for minutes", closed_session},
      {24, theme, Rests::running, "a cancelled statement ends, and nothing of its transaction stays",
       "Ctrl-C waits for the end of a COPY", cancelled_statement},
      {25, theme, Rests::running, "a statement whose connection is lost is ended by the service",
       "the COPY of a killed process goes on, and holds up the next one; it is never committed", detached_statement},
  };
}

}  // namespace pulk::prove
