// How statements end: counts, cancels, timeouts, descriptions.
#include <chrono>

#include "base/strings.h"
#include "orchestrator/prove/sqlserver/sqlserver_bench.h"
#include "orchestrator/prove/sqlserver/sqlserver_probe.h"
#include "source/dialect/sqlserver.h"
#include "source/odbc/handle.h"

namespace pulk::prove {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::int64_t kRows = 100000;

// Ten to the fifth; no table is needed.
std::string many_rows() {
  const std::string digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))";
  return "SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS id, N'some text' AS text FROM " + digits +
         " AS a (n) CROSS JOIN " + digits + " AS b (n) CROSS JOIN " + digits + " AS c (n) CROSS JOIN " + digits +
         " AS d (n) CROSS JOIN " + digits + " AS e (n)";
}

Finding count_behind(SqlServerBench& bench) {
  odbc::Statement statement(bench.reader());
  statement.execute(many_rows() + "; SELECT ROWCOUNT_BIG()");
  std::int64_t rows = 0;
  while (statement.fetch()) ++rows;
  std::string counted = "nothing";
  while (statement.more_results()) {
    if (statement.columns() == 0) continue;
    const auto cells = statement.rows();
    if (!cells.empty()) counted = cells[0][0].value_or("NULL");
  }
  return decide(rows == kRows && counted == std::to_string(kRows),
                format_count(rows) + " rows arrived of " + format_count(kRows) + ", ROWCOUNT_BIG() said " + counted);
}

Finding cancelled(SqlServerBench& bench) {
  const auto connection = bench.login();
  Beside waiting(*connection, "WAITFOR DELAY '00:00:20'");
  if (waiting.ended(milliseconds(300)))
    return {Outcome::undecided,
            "WAITFOR ended at once: " + waiting.wait().value_or(Error(ErrorKind::usage, "no error")).message()};
  const auto start = Clock::now();
  connection->interrupt();
  waiting.ended(std::chrono::seconds(25));
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
  const auto error = waiting.wait();
  return decide(took <= 1000 && error.has_value(), "ended after " + std::to_string(took) + " ms, " +
                                                       (error ? "with an error" : "as if it had not been cancelled"));
}

Finding rows_cancelled(SqlServerBench& bench) {
  const auto connection = bench.login();
  odbc::Statement statement(*connection);
  statement.execute(many_rows());
  if (!statement.fetch()) return {Outcome::undecided, "there were no rows"};
  const auto start = Clock::now();
  connection->interrupt();
  std::int64_t rows = 1;
  bool ended = false;
  try {
    while (statement.fetch()) ++rows;
  } catch (const Error&) {
    ended = true;
  }
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
  return decide(took <= 1000, "after " + format_count(rows) + " rows and " + std::to_string(took) + " ms, " +
                                  (ended ? "with an error" : "with the last row, which was on its way"));
}

Finding lock_timeout(SqlServerBench& bench) {
  const std::string table = bench.table("locked", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1)");
  bench.locker().execute("BEGIN TRANSACTION");
  bench.locker().execute("UPDATE " + table + " SET id = 2");
  const auto connection = bench.login();
  connection->execute("SET LOCK_TIMEOUT 200");
  const auto start = Clock::now();
  // Without row versions a reader waits; this hint makes it wait in every database.
  const auto error = refusal(*connection, "SELECT id FROM " + table + " WITH (READCOMMITTEDLOCK)");
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
  const int number = error ? number_of(*error) : 0;
  return decide(number == 1222, error ? "error " + std::to_string(number) + " after " + std::to_string(took) + " ms"
                                      : "no error: it did not wait");
}

Finding described(SqlServerBench& bench) {
  const std::string query =
      "SELECT CONVERT(decimal(9, 2), 1) AS d, CONVERT(nvarchar(7), N'x') AS n, CONVERT(datetime2(7), '2024-02-29') AS "
      "t, "
      "CONVERT(varbinary(max), 0x01) AS b";
  std::vector<std::string> seen;
  for (const auto& row :
       bench.reader().query("EXEC sys.sp_describe_first_result_set " + sqlserver::text_literal(query)))
    seen.push_back(row.at(2).value_or("NULL") + " " + row.at(5).value_or("NULL"));
  const std::string text = join(seen, ", ");
  return decide(text == "d decimal(9,2), n nvarchar(7), t datetime2(7), b varbinary(max)", text);
}

}  // namespace

std::vector<SqlServerProbe> sqlserver_answer_probes() {
  constexpr const char* theme = "answers";
  return {
      {{110, theme, Rests::exactly_once, "the count behind the rows is there after a long result",
        "pulk cannot tell that all rows of a result have arrived, and stops"},
       count_behind},
      {{111, theme, Rests::running, "a statement that works is cancelled within a second",
        "Ctrl-C waits for the end of a statement"},
       cancelled},
      {{112, theme, Rests::running, "a result that is being read is cancelled within a second",
        "Ctrl-C waits for the end of a result"},
       rows_cancelled},
      {{113, theme, Rests::running, "LOCK_TIMEOUT ends a wait with error 1222",
        "a run waits without end where it should stop and say that a table is locked"},
       lock_timeout},
      {{114, theme, Rests::values, "sp_describe_first_result_set names types with their lengths and digits",
        "columns of a query are taken for those of another type: read the table, or a view of it"},
       described},
  };
}

}  // namespace pulk::prove
