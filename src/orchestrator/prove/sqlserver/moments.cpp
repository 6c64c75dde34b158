// Which moment a connection sees, and what ends it.
#include <chrono>
#include <optional>

#include "base/strings.h"
#include "orchestrator/prove/sqlserver/sqlserver_bench.h"
#include "orchestrator/prove/sqlserver/sqlserver_probe.h"
#include "source/dialect/sqlserver.h"

namespace pulk::prove {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// "" when the database allows it.
std::string no_snapshots(SqlServerBench& bench) {
  if (value(bench.reader(), "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()") == "1")
    return "";
  return "the database does not allow snapshot isolation: ALTER DATABASE " +
         sqlserver::quote(bench.connection().database) + " SET ALLOW_SNAPSHOT_ISOLATION ON";
}

void begin_snapshot(Connection& connection) {
  connection.execute("SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
  connection.execute("BEGIN TRANSACTION");
}

Finding first_access(SqlServerBench& bench) {
  if (const std::string why = no_snapshots(bench); !why.empty()) return {Outcome::undecided, why};
  const std::string table = bench.table("first_access", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1)");
  begin_snapshot(bench.reader());
  bench.writer().execute("INSERT INTO " + table + " VALUES (2)");
  const std::string first = ids_in(bench.reader(), table);
  bench.writer().execute("INSERT INTO " + table + " VALUES (3)");
  bench.writer().execute("DELETE FROM " + table + " WHERE id = 1");
  const std::string then = ids_in(bench.reader(), table);
  return decide(first == "1, 2" && then == first,
                "written 1, begun, written 2, read: " + first + "; written 3 and deleted 1, read: " + then);
}

Finding several_under_a_lock(SqlServerBench& bench) {
  if (const std::string why = no_snapshots(bench); !why.empty()) return {Outcome::undecided, why};
  const std::string table = bench.table("one_moment", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1)");
  bench.locker().execute("BEGIN TRANSACTION");
  bench.locker().query("SELECT TOP (1) 1 FROM " + table + " WITH (TABLOCK, HOLDLOCK)");
  Beside writing(bench.writer(), "INSERT INTO " + table + " VALUES (2)");
  const bool waited = !writing.ended(milliseconds(300));
  for (Connection* reader : {&bench.reader(), &bench.other_reader()}) {
    begin_snapshot(*reader);
    reader->query("SELECT TOP (1) 1 FROM " + table);
  }
  bench.locker().execute("ROLLBACK TRANSACTION");
  if (const auto error = writing.wait()) throw Error(*error);
  const std::string one = ids_in(bench.reader(), table), other = ids_in(bench.other_reader(), table);
  return decide(waited && one == "1" && other == "1", std::string("the writer ") +
                                                          (waited ? "waited" : "did not wait") + "; one reads " + one +
                                                          ", the other " + other);
}

// The moment is fixed by another table, then this one is changed.
Finding after_ddl(SqlServerBench& bench, const std::string& name, const std::string& change) {
  if (const std::string why = no_snapshots(bench); !why.empty()) return {Outcome::undecided, why};
  const std::string table = bench.table(name, "id int PRIMARY KEY"),
                    other = bench.table(name + "_other", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1), (2)");
  begin_snapshot(bench.reader());
  bench.reader().query("SELECT TOP (1) 1 FROM " + other);
  const std::string statement = change.substr(0, change.find('$')) + table + change.substr(change.find('$') + 1);
  bench.writer().execute("SET LOCK_TIMEOUT 2000");
  const auto refused = refusal(bench.writer(), statement);
  bench.writer().execute("SET LOCK_TIMEOUT " + std::to_string(bench.connection().lock_timeout * 1000));
  if (refused)
    return decide(number_of(*refused) == 1222, "it waits for the reader: error " + std::to_string(number_of(*refused)));
  bench.writer().execute("INSERT INTO " + table + " (id) VALUES (3)");
  try {
    const std::string seen = ids_in(bench.reader(), table);
    return decide(seen == "1, 2", "read afterwards: " + seen);
  } catch (const Error& error) {
    if (number_of(error) == 0) throw;
    return decide(number_of(error) == 3961, "reading afterwards ends with error " + std::to_string(number_of(error)));
  }
}

Finding truncated(SqlServerBench& bench) { return after_ddl(bench, "truncated", "TRUNCATE TABLE $"); }
Finding altered(SqlServerBench& bench) { return after_ddl(bench, "altered", "ALTER TABLE $ ADD added int NULL"); }

Finding versions_end_with_their_transaction(SqlServerBench& bench) {
  if (const std::string why = no_snapshots(bench); !why.empty()) return {Outcome::undecided, why};
  const std::string table = bench.table("another_moment", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1)");
  begin_snapshot(bench.reader());
  const std::string first = ids_in(bench.reader(), table);
  bench.writer().execute("INSERT INTO " + table + " VALUES (2)");
  bench.reader().execute("COMMIT TRANSACTION");
  begin_snapshot(bench.reader());
  const std::string then = ids_in(bench.reader(), table);
  return decide(first == "1" && then == "1, 2", "one transaction reads " + first + ", the next one " + then);
}

Finding locked_by_serializable(SqlServerBench& bench) {
  const std::string table = bench.table("serializable", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1)");
  bench.reader().execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
  bench.reader().execute("BEGIN TRANSACTION");
  ids_in(bench.reader(), table);
  bench.writer().execute("SET LOCK_TIMEOUT 300");
  const auto refused = refusal(bench.writer(), "INSERT INTO " + table + " VALUES (2)");
  bench.writer().execute("SET LOCK_TIMEOUT " + std::to_string(bench.connection().lock_timeout * 1000));
  const std::string then = ids_in(bench.reader(), table);
  return decide(
      refused && number_of(*refused) == 1222 && then == "1",
      (refused ? "a writer ends with error " + std::to_string(number_of(*refused)) : "a writer is not held up") +
          std::string("; read again: ") + then);
}

// What cannot be dropped here, in a run that was cancelled or killed, is dropped with the schema, whose name it has.
class DatabaseSnapshot {
 public:
  // Throws what the server says: not every one has database snapshots.
  DatabaseSnapshot(Connection& connection, const std::string& name, const std::string& database)
      : connection_(connection), name_(sqlserver::quote(name)) {
    std::vector<std::string> files;
    for (const auto& row : connection.query("SELECT name, physical_name FROM sys.database_files WHERE type = 0"))
      files.push_back("(NAME = " + sqlserver::quote(row[0].value_or("")) +
                      ", FILENAME = " + sql_literal(row[1].value_or("") + "." + name) + ")");
    connection.execute("CREATE DATABASE " + name_ + " ON " + join(files, ", ") + " AS SNAPSHOT OF " +
                       sqlserver::quote(database));
  }
  ~DatabaseSnapshot() { refusal(connection_, "DROP DATABASE " + name_); }
  DatabaseSnapshot(const DatabaseSnapshot&) = delete;
  DatabaseSnapshot& operator=(const DatabaseSnapshot&) = delete;

 private:
  Connection& connection_;
  const std::string name_;
};

Finding database_snapshot(SqlServerBench& bench) {
  if (value(bench.locker(), "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE')") != "1")
    return {Outcome::undecided,
            "the login may make no database snapshot; it needs CREATE ANY DATABASE, for this probe only"};
  const std::string table = bench.table("database_snapshot", "id int PRIMARY KEY");
  bench.writer().execute("INSERT INTO " + table + " VALUES (1)");
  const std::string& database = bench.connection().database;
  std::optional<DatabaseSnapshot> snapshot;
  try {
    snapshot.emplace(bench.locker(), bench.schema(), database);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::retryable) throw;
    return {Outcome::undecided, "the server made none: " + error.message()};
  }
  bench.writer().execute("INSERT INTO " + table + " VALUES (2)");
  const std::string one = ids_in(bench.reader(), sqlserver::quote(bench.schema()) + "." + table);
  const std::string other = ids_in(bench.other_reader(), sqlserver::quote(bench.schema()) + "." + table);
  return decide(one == "1" && other == "1", "one connection reads " + one + ", another one " + other);
}

}  // namespace

std::vector<SqlServerProbe> sqlserver_moment_probes() {
  constexpr const char* theme = "moments";
  constexpr Rests rests = Rests::exactly_once;
  return {
      {{120, theme, rests, "a SNAPSHOT transaction sees the moment of its first access to data, and keeps it",
        "the rows of one table are of several moments, though the plan says snapshot"},
       first_access},
      {{121, theme, rests, "SNAPSHOT transactions that begin under TABLOCK, HOLDLOCK see one moment",
        "with snapshot_lock the lanes read several moments, though the plan says snapshot"},
       several_under_a_lock},
      {{122, theme, rests, "a table that is truncated after the moment gives its old rows, or error 3961",
        "rows are missing without a word when a table is truncated while it is read"},
       truncated},
      {{123, theme, rests, "a table that is altered after the moment gives its old rows, or error 3961",
        "values are wrong without a word when a table is altered while it is read"},
       altered},
      {{124, theme, rests, "the next SNAPSHOT transaction of a connection sees a moment of its own",
        "a run that begins anew reads the old moment again, and takes it for the new one"},
       versions_end_with_their_transaction},
      {{125, theme, rests, "what a SERIALIZABLE transaction has read stays locked against writers",
        "with isolation = \"serializable\" rows of several moments are read"},
       locked_by_serializable},
      {{126, theme, rests, "a database snapshot shows one moment to all connections",
        "a run on a database snapshot reads several moments, though the plan says snapshot"},
       database_snapshot},
  };
}

}  // namespace pulk::prove
