// What a session is set to, and what can be seen of it.
#include <thread>

#include "base/strings.h"
#include "catalog/identifier.h"
#include "orchestrator/prove/bench.h"
#include "orchestrator/prove/probe.h"

namespace pulk::prove {
namespace {

Finding parameters(Bench& bench) {
  std::vector<std::string> wrong;
  for (const auto& [name, wanted] : {std::pair{"AUTOCOMMIT", "false"},
                                     {"TRANSACTION_ABORT_ON_ERROR", "true"},
                                     {"TIMEZONE", "UTC"},
                                     {"LOCK_TIMEOUT", "20"}}) {
    std::string is = "unknown";
    for (const auto& row : bench.worker().named_rows("SHOW PARAMETERS LIKE '" + std::string(name) + "' IN SESSION"))
      if (row.at("key") == name) is = row.at("value");
    if (is != wanted) wrong.push_back(std::string(name) + " is " + is);
  }
  const std::string table = bench.id_table("P80");
  bench.worker().execute("INSERT INTO " + table + " VALUES (1, 1)");
  const std::string seen = ids_in(bench.watcher(), table);
  if (seen != "nothing") wrong.push_back("an INSERT without COMMIT is seen by others");
  return decide(wrong.empty(), wrong.empty() ? "all four are set; an INSERT waits for its COMMIT" : join(wrong, ", "));
}

Finding query_tag(Bench& bench) {
  const std::string tag = R"({"application":"pulk","run":"prove-81"})";
  const auto tagged = bench.login();
  tagged->tag(tag);
  tagged->query("SELECT 81 AS marked_by_probe");
  const std::string sql = "SELECT QUERY_TAG FROM TABLE(" + quote_double(bench.connection().database) +
                          ".INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION()) WHERE QUERY_TEXT LIKE "
                          "'SELECT 81 AS marked_by_probe%'";
  std::string seen;
  for (int i = 0; i < 5 && seen.empty(); ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    seen = value(*tagged, sql);
  }
  return decide(seen == tag,
                seen.empty() ? "the statement is not in the history after 4 s" : "the history says " + seen);
}

Finding last_query(Bench& bench) {
  Client& worker = bench.worker();
  worker.query("SELECT 82");
  const std::string first = value(worker, "SELECT LAST_QUERY_ID()"), second = value(worker, "SELECT LAST_QUERY_ID()");
  if (first.empty() || first == second) return {Outcome::fail, "ids " + first + " and " + second};
  // A statement that failed counts as well. Before the last question come ROLLBACK, that one, two questions, SELECT 82.
  const auto said = refusal(worker, "SELECT TO_NUMBER(column1) FROM VALUES ('x')");
  worker.execute("ROLLBACK");
  const std::string fifth = value(worker, "SELECT LAST_QUERY_ID(-5)");
  return decide(said && fifth == first, "ids " + first + " and " + second +
                                            "; after one that failed, the fifth back is " +
                                            (fifth == first ? "the first" : fifth));
}

Finding shown_at_once(Bench& bench) {
  bench.table("P83 \"new\"", "ID NUMBER");
  std::size_t found = 0;
  for (const auto& row : bench.rival().named_rows("SHOW TABLES LIKE " + snowflake::literal("p83 \"NEW\"") +
                                                  " IN SCHEMA " + bench.schema()))
    if (row.at("name") == "P83 \"new\"") ++found;
  return decide(found == 1, "SHOW TABLES LIKE, which ignores case, finds it " + std::to_string(found) + " times");
}

Finding same_session(Bench& bench) {
  const std::string before = value(bench.worker(), "SELECT CURRENT_SESSION()::VARCHAR");
  const std::string after = value(bench.worker(), "SELECT CURRENT_SESSION()::VARCHAR");
  if (before != after || before.empty()) return {Outcome::fail, "the session was " + before + ", then " + after};
  return {Outcome::undecided, "a session's token lives for an hour, which is not waited for"};
}

}  // namespace

std::vector<Probe> session_probes() {
  constexpr const char* theme = "sessions";
  return {
      {80, theme, Rests::exactly_once, "AUTOCOMMIT and the other settings of a session hold",
       "statements of a process that lost its transaction are committed one by one", parameters},
      {81, theme, Rests::running, "statements stand in the query history with pulk's tag",
       "what a run did cannot be found by its tag; nothing else", query_tag},
      {82, theme, Rests::running, "LAST_QUERY_ID() tells statements apart",
       "the ledger and errors name other statements than those that moved the rows; nothing else", last_query},
      {83, theme, Rests::running, "SHOW finds an object as soon as it is made, by its exact name",
       "a run takes what it has just made for missing, and stops", shown_at_once},
      {84, theme, Rests::running, "a session outlives the renewal of its token",
       "runs of more than an hour stop with an error, and have to be resumed", same_session},
  };
}

}  // namespace pulk::prove
