#include <future>
#include <thread>

#include "base/cancel.h"
#include "source/postgres/session.h"
#include "unit/source/postgres_reading.h"

namespace pulk::test {
namespace {

class PostgresSnapshot : public testing::Test {
 protected:
  void SetUp() override { server().new_schema("snap"); }
  static PostgresServer& server() { return PostgresServer::instance(); }
  static void sql(const std::string& text) { server().sql(text); }
  static std::unique_ptr<Source> source(int connections = 4) {
    return make_postgres_source(server().connection(), connections, nullptr);
  }
  // The kind of error that the statement ends in when it may wait half a second for locks; empty when it works.
  static std::string blocked(const std::string& statement) {
    try {
      sql("SET lock_timeout = 500; " + statement);
      return "";
    } catch (const pg::SqlError& error) {
      return error.sqlstate();
    }
  }
};

TEST_F(PostgresSnapshot, LanesSeeOneMoment) {
  sql("CREATE TABLE snap.t AS SELECT generate_series(1, 100) AS i");
  const auto postgres = source(6);
  const auto snapshot = postgres->snapshot({request("snap", "t")}, 2);
  const TablePlan plan = plan_of(snapshot->describe(request("snap", "t")));
  const auto before = snapshot->open_lane();
  sql("INSERT INTO snap.t VALUES (101); UPDATE snap.t SET i = -i; DELETE FROM snap.t WHERE i = -1");
  const auto after = snapshot->open_lane();
  EXPECT_EQ(read_rows(*before, plan, {}).size(), 100u);
  EXPECT_EQ(read_rows(*before, plan, {}), read_rows(*after, plan, {}));
  EXPECT_EQ(after->count(plan), 100);
  EXPECT_EQ(postgres->snapshot({}, 1)->open_lane()->count(plan), 100);  // 100 + 1 - 1
  EXPECT_GE(snapshot->age_seconds(), 0);
}

TEST_F(PostgresSnapshot, TruncateAndDropWaitForIt) {
  sql("CREATE TABLE snap.t (i int); CREATE TABLE snap.under (i int); CREATE VIEW snap.v AS SELECT * FROM snap.under;"
      "CREATE TABLE snap.asked (i int); CREATE TABLE snap.filtering (i int);"
      "CREATE TABLE snap.p (i int) PARTITION BY LIST (i); CREATE TABLE snap.p1 PARTITION OF snap.p FOR VALUES IN (1)");
  const auto snapshot =
      source()->snapshot({request("snap", "t", "i IN (SELECT i FROM snap.filtering)"), request("snap", "v"),
                          query_request("SELECT * FROM snap.asked"), request("snap", "p")},
                         1);
  for (const char* table : {"t", "under", "asked", "filtering", "p1"}) {
    EXPECT_EQ(blocked(std::string("TRUNCATE snap.") + table), "55P03") << table;
    EXPECT_EQ(blocked(std::string("ALTER TABLE snap.") + table + " ADD x int"), "55P03") << table;
  }
  // A failed look at something else must not give up the locks.
  error_of([&] { snapshot->describe(request("snap", "nothing")); });
  error_of([&] { snapshot->describe(request("snap", "t", "nonsense = 1")); });
  EXPECT_EQ(blocked("TRUNCATE snap.t"), "55P03");
}

TEST_F(PostgresSnapshot, ATruncateThatWasFirstIsSeen) {
  sql("CREATE TABLE snap.t AS SELECT 1 AS i; CREATE VIEW snap.v AS SELECT * FROM snap.t");
  for (const char* name : {"t", "v"}) {
    sql("TRUNCATE snap.t; INSERT INTO snap.t VALUES (1)");
    const auto other = server().connect();
    other->exec("BEGIN; TRUNCATE snap.t; INSERT INTO snap.t VALUES (7), (8)");
    auto taking = std::async(std::launch::async, [&] { return source()->snapshot({request("snap", name)}, 1); });
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    other->exec("COMMIT");
    const auto snapshot = taking.get();
    const TablePlan plan = plan_of(snapshot->describe(request("snap", name)));
    // Neither the old row, whose storage is gone, nor nothing.
    EXPECT_EQ(read_rows(*snapshot->open_lane(), plan, {}), (std::vector<std::string>{"7", "8"})) << name;
  }
}

TEST_F(PostgresSnapshot, ALockThatDoesNotComeIsRetryable) {
  sql("CREATE TABLE snap.t (i int)");
  const auto other = server().connect();
  other->exec("BEGIN; LOCK TABLE snap.t IN ACCESS EXCLUSIVE MODE");
  const Error error = error_of([&] { source()->snapshot({request("snap", "t")}, 1); });
  EXPECT_EQ(error.kind(), ErrorKind::retryable);
  EXPECT_NE(std::string(error.what()).find("snap.t"), std::string::npos) << error.what();
}

TEST_F(PostgresSnapshot, ADeadHolderIsNoticed) {
  sql("CREATE TABLE snap.t (i int)");
  auto settings = server().connection();
  settings.application_name = "pulk-dead-holder";
  const auto postgres = make_postgres_source(settings, 3, nullptr);
  const auto snapshot = postgres->snapshot({request("snap", "t")}, 1);
  EXPECT_TRUE(snapshot->alive());
  sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pulk-dead-holder'");
  EXPECT_FALSE(snapshot->alive());
  const Error error = error_of([&] { snapshot->open_lane(); });
  EXPECT_EQ(error.kind(), ErrorKind::retryable);
  EXPECT_NE(error.message().find("cannot be joined"), std::string::npos) << error.what();
}

TEST_F(PostgresSnapshot, AKilledLaneIsRetryable) {
  auto settings = server().connection();
  settings.application_name = "pulk-killed-lane";
  const auto postgres = make_postgres_source(settings, 3, nullptr);
  const auto snapshot = postgres->snapshot({}, 1);
  const TablePlan plan = plan_of(snapshot->describe(query_request("SELECT pg_sleep(30)::text AS s")));
  const auto lane = snapshot->open_lane();
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pulk-killed-lane' AND query "
        "LIKE 'COPY%'");
  });
  EXPECT_EQ(error_of([&] { read_rows(*lane, plan, {}); }).kind(), ErrorKind::retryable);
  other.join();
  const TablePlan quick = plan_of(snapshot->describe(query_request("SELECT 1 AS s")));
  EXPECT_EQ(read_rows(*lane, quick, {}).size(), 1u);  // it has joined again
}

TEST_F(PostgresSnapshot, TheCapOnConnectionsHolds) {
  auto settings = server().connection();
  settings.application_name = "pulk-cap";
  EXPECT_EQ(error_of([&] { make_postgres_source(settings, 1, nullptr); }).kind(), ErrorKind::usage);
  CancelToken token;
  const auto postgres = make_postgres_source(settings, 3, &token);
  const auto snapshot = postgres->snapshot({}, 2);
  const auto first = snapshot->open_lane();
  auto second = snapshot->open_lane();
  const auto count = [] {
    return server()
        .connect()
        ->exec("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pulk-cap'")
        .integer(0, 0);
  };
  auto third = std::async(std::launch::async, [&] { return snapshot->open_lane(); });
  EXPECT_EQ(third.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  EXPECT_EQ(count(), 3);
  second.reset();
  const auto opened = third.get();
  EXPECT_LE(count(), 4);  // the server may see the end of the second a little later
  auto fourth = std::async(std::launch::async, [&] { return snapshot->open_lane(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  token.cancel();
  EXPECT_EQ(error_of([&] { fourth.get(); }).message(), "interrupted");

  postgres::Permits permits(0);
  EXPECT_EQ(error_of([&] { permits.acquire(std::chrono::milliseconds(50), nullptr); }).kind(), ErrorKind::retryable);
}

TEST_F(PostgresSnapshot, LoginsAndPrivileges) {
  sql("DROP ROLE IF EXISTS locked; DROP ROLE IF EXISTS partly; CREATE ROLE locked LOGIN PASSWORD 'right'; CREATE ROLE "
      "partly LOGIN;"
      "CREATE TABLE snap.t (a int, b int); CREATE TABLE snap.u (a int); INSERT INTO snap.t VALUES (1, 2)");
  const Error wrong =
      error_of([&] { make_postgres_source(server().connection("locked", "wrong"), 2, nullptr)->facts(); });
  EXPECT_EQ(wrong.kind(), ErrorKind::refused);
  EXPECT_EQ(std::string(wrong.what()).find("wrong"), std::string::npos);
  EXPECT_EQ(error_of([&] { make_postgres_source(server().connection("locked"), 2, nullptr)->facts(); }).kind(),
            ErrorKind::refused);
  const SourceFacts facts = make_postgres_source(server().connection("locked", "right"), 2, nullptr)->facts();
  EXPECT_TRUE(facts.product.starts_with("PostgreSQL 1"));
  EXPECT_TRUE(facts.identity.ends_with("/postgres"));
  EXPECT_TRUE(facts.notes.empty());
  EXPECT_EQ(error_of([&] {
              make_postgres_source(server().connection("postgres", "", "nowhere"), 2, nullptr)->facts();
            }).kind(),
            ErrorKind::usage);
  auto nobody = server().connection();
  nobody.host = "/nonexistent";
  EXPECT_EQ(error_of([&] { make_postgres_source(nobody, 2, nullptr)->facts(); }).kind(), ErrorKind::retryable);

  const auto as_partly = [&](const std::string& table) {
    const auto postgres = make_postgres_source(server().connection("partly"), 3, nullptr);
    const auto snapshot = postgres->snapshot({request("snap", table)}, 1);
    return read_rows(*snapshot->open_lane(), plan_of(snapshot->describe(request("snap", table))), {}).size();
  };
  const auto refused = [&](const std::string& part) {
    const Error error = error_of([&] { as_partly("t"); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_NE(error.message().find(part), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find("GRANT"), std::string::npos);
  };
  refused("USAGE on schema");
  sql("GRANT USAGE ON SCHEMA snap TO partly");
  refused("lacks SELECT on");
  sql("GRANT SELECT (a) ON snap.t TO partly");
  refused("SELECT (\"b\")");
  sql("GRANT SELECT (b) ON snap.t TO partly");
  EXPECT_EQ(as_partly("t"), 1u);  // single columns are enough
  sql("ALTER TABLE snap.t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON snap.t TO partly");
  const auto postgres = make_postgres_source(server().connection("partly"), 3, nullptr);
  const TableInfo info = postgres->snapshot({}, 1)->describe(request("snap", "t"));
  ASSERT_EQ(info.notes.size(), 1u);
  EXPECT_NE(info.notes[0].find("row-level security"), std::string::npos);
}

class PostgresUnchanged : public PostgresSnapshot {
 protected:
  void SetUp() override {
    PostgresSnapshot::SetUp();
    sql("CREATE TABLE snap.t (k int PRIMARY KEY, v int); INSERT INTO snap.t SELECT i, i FROM generate_series(1, 1000) "
        "i");
    low_.predicate = "k < 500";
    high_.predicate = "k >= 500";
    take();
  }
  void take(const std::string& name = "t") {
    const auto snapshot = source_->snapshot({request("snap", name)}, 1);
    plan_ = plan_of(snapshot->describe(request("snap", name)));
    old_id_ = snapshot->id();
  }
  // "low high" of the two partitions, y or n.
  std::string unchanged(std::int64_t low_rows = 499, std::int64_t high_rows = 501) {
    const auto snapshot = source_->snapshot({request("snap", plan_.source.name.table)}, 1);
    return std::string(snapshot->unchanged(plan_, low_, old_id_, low_rows) ? "y" : "n") +
           (snapshot->unchanged(plan_, high_, old_id_, high_rows) ? "y" : "n");
  }

  std::unique_ptr<Source> source_ = source();
  TablePlan plan_;
  PartitionPlan low_, high_;
  std::string old_id_;
};

TEST_F(PostgresUnchanged, NothingHappened) {
  EXPECT_EQ(unchanged(), "yy");
  EXPECT_EQ(unchanged(498, 501), "ny");
  sql("VACUUM FREEZE snap.t");
  EXPECT_EQ(unchanged(), "yy");
  sql("BEGIN; UPDATE snap.t SET v = 0 WHERE k = 1; ROLLBACK");
  EXPECT_EQ(unchanged(), "yy");
}

TEST_F(PostgresUnchanged, UpdateOfOnePartition) {
  sql("UPDATE snap.t SET v = 0 WHERE k = 1");
  EXPECT_EQ(unchanged(), "ny");
}

TEST_F(PostgresUnchanged, DeleteAndInsertKeepTheCount) {
  sql("DELETE FROM snap.t WHERE k = 700; INSERT INTO snap.t VALUES (700, 700)");
  EXPECT_EQ(unchanged(), "yn");
}

TEST_F(PostgresUnchanged, DeleteAlone) {
  sql("DELETE FROM snap.t WHERE k = 700");
  EXPECT_EQ(unchanged(), "yn");
}

TEST_F(PostgresUnchanged, AKeyThatMovedOverTheBoundary) {
  sql("UPDATE snap.t SET k = 2000 WHERE k = 1");
  EXPECT_EQ(unchanged(), "nn");
}

TEST_F(PostgresUnchanged, AWriterThatWasOpenAtTheOldSnapshot) {
  const auto writer = server().connect();
  writer->exec("BEGIN; DELETE FROM snap.t WHERE k = 1; INSERT INTO snap.t VALUES (0, 0)");
  take();
  writer->exec("COMMIT");
  EXPECT_EQ(unchanged(), "ny");
}

TEST_F(PostgresUnchanged, RewritesAndNewColumnsAreNotProvable) {
  sql("VACUUM FULL snap.t");
  EXPECT_EQ(unchanged(), "nn");
  take();
  EXPECT_EQ(unchanged(), "yy");
  sql("ALTER TABLE snap.t DROP v; ALTER TABLE snap.t ADD v int DEFAULT 7");  // same names and types, no rewrite
  EXPECT_EQ(unchanged(), "nn");
}

TEST_F(PostgresUnchanged, OtherObjectsFiltersAndIds) {
  plan_.source.filter = "k > 0";
  EXPECT_EQ(unchanged(), "yy");
  plan_.source.filter = "k > 0 and 'now'::timestamp > '2000-01-01'";
  EXPECT_EQ(unchanged(), "nn");
  plan_.source.filter = "abs(k) > 0";
  EXPECT_EQ(unchanged(), "nn");
  plan_.source.filter = "";
  const std::string good = old_id_;
  for (const std::string bad : {"", "{}", "not json", "[1]"}) {
    old_id_ = bad;
    EXPECT_EQ(unchanged(), "nn") << bad;
  }
  old_id_ = good;
  old_id_.replace(old_id_.find("\"system\":\"") + 10, 3, "000");
  EXPECT_EQ(unchanged(), "nn");
  sql("CREATE VIEW snap.v AS SELECT * FROM snap.t");
  take("v");
  EXPECT_EQ(unchanged(), "nn");
}

TEST_F(PostgresUnchanged, PartitionedTables) {
  sql("CREATE TABLE snap.p (k int, v int) PARTITION BY RANGE (k); CREATE TABLE snap.p1 PARTITION OF snap.p FOR VALUES "
      "FROM (0) TO (500);"
      "CREATE TABLE snap.p2 PARTITION OF snap.p DEFAULT; INSERT INTO snap.p SELECT * FROM snap.t");
  take("p");
  EXPECT_EQ(unchanged(), "yy");
  sql("UPDATE snap.p SET v = 0 WHERE k = 600");
  EXPECT_EQ(unchanged(), "yn");
  take("p");
  sql("CREATE TABLE snap.p3 PARTITION OF snap.p FOR VALUES FROM (5000) TO (6000)");
  EXPECT_EQ(unchanged(), "nn");
}

}  // namespace
}  // namespace pulk::test
