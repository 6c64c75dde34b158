// Catalog, snapshots and partitions of the SQLite source.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "unit/source/odbc_fixture.h"

namespace pulk::test {
namespace {

class OdbcTables : public OdbcTest {
 protected:
  // Reads each partition and returns all first cells, sorted.
  std::vector<std::string> read_all(Snapshot& snapshot, const TablePlan& plan, const std::vector<PartitionPlan>& parts) {
    const auto lane = snapshot.open_lane();
    std::vector<std::string> all;
    for (const PartitionPlan& part : parts) {
      for (const Cells& row : read(*lane, plan, part)) all.push_back(row[0]);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  void expect_cover(const std::string& table, const std::vector<std::string>& key, std::int64_t pieces,
                    std::size_t least, std::int64_t max_rows = 0, const std::string& filter = "") {
    const auto from = source();
    const auto snapshot = from->snapshot({}, 2);
    const TableInfo info = snapshot->describe(request(table, filter));
    PartitionRequest cut;
    cut.key = key;
    cut.pieces = pieces;
    cut.max_rows = max_rows;
    const auto parts = snapshot->cut(info, cut);
    EXPECT_GE(parts.size(), least) << table;
    const TablePlan way = plan(info);
    const auto whole = read_all(*snapshot, way, {PartitionPlan{}});
    EXPECT_EQ(read_all(*snapshot, way, parts), whole) << table;
    EXPECT_EQ(snapshot->open_lane()->count(way), static_cast<std::int64_t>(whole.size()));
    if (max_rows == 0) return;
    const auto lane = snapshot->open_lane();
    for (const PartitionPlan& part : parts) {
      EXPECT_LE(read(*lane, way, part).size(), static_cast<std::size_t>(max_rows)) << part.display;
    }
  }
};

TEST_F(OdbcTables, describes_a_table) {
  make(R"(create table "Orders" (id integer primary key, a varchar(10) not null, d decimal(10,2), g int as (id + 1),
            h int generated always as (id * 2) stored);
          insert into "Orders" (id, a) values (1, 'x'), (2, 'y');
          create table "two" (b int, a int, primary key (a, b)); create view v as select id, a || 'x' as e from "Orders";
          create table w (k text primary key, x int) without rowid;)");
  const auto from = source();
  EXPECT_EQ(from->name_rule(), NameRule::ignore_case);
  const SourceFacts facts = from->facts();
  EXPECT_EQ(facts.product.rfind("SQLite 3.", 0), 0U);
  EXPECT_EQ(facts.identity, "sqlite:" + path());
  const auto snapshot = from->snapshot({}, 1);
  const TableInfo info = snapshot->describe(request("ORDERS"));
  EXPECT_EQ(info.object.name.table, "Orders");
  EXPECT_EQ(info.kind, ObjectKind::table);
  EXPECT_EQ(info.rows_estimate, 2);
  EXPECT_EQ(info.primary_key, std::vector<std::string>{"id"});
  ASSERT_EQ(info.columns.size(), 5U);
  EXPECT_FALSE(info.columns[0].nullable);
  EXPECT_FALSE(info.columns[1].nullable);
  EXPECT_TRUE(info.columns[2].nullable);
  EXPECT_EQ(info.columns[1].native_type, "varchar(10)");
  EXPECT_EQ(info.columns[1].bare_type, "varchar");
  EXPECT_EQ(to_string(*info.columns[2].logical), "decimal(10,2)");
  EXPECT_EQ(info.columns[4].name, "h");
  const TableInfo two = snapshot->describe(request("two"));
  EXPECT_EQ(two.primary_key, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(two.columns[0].nullable);
  const TableInfo view = snapshot->describe(request("v"));
  EXPECT_EQ(view.kind, ObjectKind::view);
  EXPECT_EQ(view.rows_estimate, -1);
  EXPECT_FALSE(snapshot->describe(request("w")).columns[0].nullable);
  EXPECT_EQ(from->list_tables({}).size(), 4U);

  const auto missing = [&](const TableRequest& wrong) {
    try {
      snapshot->describe(wrong);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(missing(request("order")).find("did you mean Orders?"), std::string::npos);
  TableRequest schema = request("Orders");
  schema.schema.text = "dbo";
  EXPECT_NE(missing(schema).find("no schema dbo"), std::string::npos);
  TableRequest database = request("Orders");
  database.schema.text = "MAIN";
  database.database.text = "source";
  EXPECT_EQ(missing(database), "");
  database.database.text = "other";
  EXPECT_NE(missing(database).find("not to other"), std::string::npos);
}

TEST_F(OdbcTables, awkward_names) {
  make(R"(create table "a b.c""d" ("a b" int, "a.b" int, "a""b" int, "select" int, "😀" text, "rowid" text);
          insert into "a b.c""d" values (1, 2, 3, 4, 'x', 'r1'), (5, 6, 7, 8, 'y', 'r2');)");
  EXPECT_EQ(read_table("\"a b.c\"\"d\""),
            (std::vector<Cells>{{"1", "2", "3", "4", "x", "r1"}, {"5", "6", "7", "8", "y", "r2"}}));
  expect_cover("\"a b.c\"\"d\"", {"a b", "a\"b", "😀"}, 2, 2);
  expect_cover("\"a b.c\"\"d\"", {"rowid"}, 2, 2);
}

TEST_F(OdbcTables, empty_table_and_no_columns_to_cut) {
  make("create table t (id integer primary key, c text)");
  EXPECT_TRUE(read_table("t").empty());
  expect_cover("t", {"id"}, 4, 1);
  expect_cover("t", {"c"}, 4, 1);
  expect_cover("t", {}, 4, 1);
}

TEST_F(OdbcTables, a_query) {
  make(R"(create table t (id integer primary key, d decimal(5,1), "a.b" text);
          insert into t values (1, 1.5, 'x'), (2, 2.5, 'y'), (3, null, null);)");
  const auto from = source();
  const auto snapshot = from->snapshot({}, 1);
  TableRequest asked;
  asked.query = "select id, d, \"a.b\", count(*) over () as n from t where id > 1 -- the end ; ";
  const TableInfo info = snapshot->describe(asked);
  EXPECT_EQ(info.kind, ObjectKind::query);
  ASSERT_EQ(info.columns.size(), 4U);
  EXPECT_EQ(to_string(*info.columns[1].logical), "decimal(5,1)");
  EXPECT_EQ(info.columns[2].name, "a.b");
  EXPECT_FALSE(info.columns[3].logical.has_value());
  const auto lane = snapshot->open_lane();
  EXPECT_EQ(read(*lane, plan(info)), (std::vector<Cells>{{"2", "2.5", "y", "2"}, {"3", "NULL", "NULL", "2"}}));
  EXPECT_EQ(lane->count(plan(info)), 2);
  PartitionRequest cut;
  cut.key = {"id"};
  cut.pieces = 2;
  EXPECT_EQ(read_all(*snapshot, plan(info), snapshot->cut(info, cut)), (std::vector<std::string>{"2", "3"}));
  for (const char* wrong : {"select nothing from t", "delete from t", "select 1 as a; select 2", "select ? as a",
                            "select 1 as a; delete from t", "select 1 as a /* ' */ ; delete from t /* ' */",
                            "select 1 as a) ; delete from t where (1", "select 1 as a); delete from t; --"}) {
    TableRequest bad;
    bad.query = wrong;
    try {
      const TableInfo described = snapshot->describe(bad);
      read(*lane, plan(described));
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
    }
  }
  EXPECT_EQ(read_table("t").size(), 3U);
}

TEST_F(OdbcTables, ranges_cover_every_row_once) {
  make(R"(create table rowids (id integer primary key, c text);
          with recursive s(i) as (select 1 union all select i + 1 from s where i < 3000) insert into rowids select i * i, 'c' || i from s;
          insert into rowids values (-9223372036854775808, 'min'), (9223372036854775807, 'max');
          create table nulls (v text, k int, l text);
          with recursive s(i) as (select 1 union all select i + 1 from s where i < 2000)
            insert into nulls select 'r' || i, case when i % 7 = 0 then null else i % 100 end, case when i % 5 = 0 then null else char(65 + i % 20) || i end from s;
          create table mixed (v text, k);
          insert into mixed values ('a', 1), ('b', 2.5), ('c', 'text'), ('e', null), ('f', 'it''s'), ('g', 3), ('h', -1), ('i', 'Text');
          create table hot (v integer primary key, k int);
          with recursive s(i) as (select 1 union all select i + 1 from s where i < 2000) insert into hot select i, case when i < 1900 then 7 else i end from s;
          create table nocase (v integer primary key, k text collate nocase);
          with recursive s(i) as (select 1 union all select i + 1 from s where i < 500) insert into nocase select i, char(65 + (i % 2) * 32 + i % 26) || (i % 9) from s;
          create table keyed (k text, n int, v text, primary key (k, n)) without rowid;
          with recursive s(i) as (select 1 union all select i + 1 from s where i < 2000) insert into keyed select 'k' || (i % 50), i, 'v' from s;
          create view seen as select v, k from hot where k > 5;)");
  expect_cover("rowids", {"id"}, 8, 3);
  expect_cover("rowids", {"id"}, 1, 5, 700);
  expect_cover("rowids", {"id"}, 1, 2, 300, "id > 0 and c <> 'max'");
  expect_cover("rowids", {"c"}, 8, 8);
  expect_cover("nulls", {"k"}, 5, 5);
  expect_cover("nulls", {"k", "l"}, 5, 6);
  expect_cover("nulls", {"l", "k"}, 50, 20);
  expect_cover("nulls", {"l"}, 5, 5, 0, "k < 50 or k is null");
  expect_cover("mixed", {"k"}, 9, 4);
  expect_cover("hot", {"k"}, 10, 2);
  expect_cover("nocase", {"k"}, 6, 4);
  expect_cover("keyed", {"k"}, 6, 4);
  expect_cover("keyed", {"k", "n"}, 6, 4);
  expect_cover("seen", {"k"}, 6, 2);
}

TEST_F(OdbcTables, batches_end_at_their_limits) {
  make("create table t (id integer primary key, c text); with recursive s(i) as (select 1 union all select i + 1 from s "
       "where i < 2500) insert into t select i, hex(zeroblob(50)) from s;"
       "create table n (id integer primary key); insert into n select id from t;");
  const auto from = source();
  const auto snapshot = from->snapshot({}, 1);
  const auto lane = snapshot->open_lane();
  for (const char* table : {"t", "n"}) {
    ReadLimits limits;
    limits.pool = arrow::default_memory_pool();
    limits.batch_rows = 700;
    limits.max_rows = 2000;
    const auto reader = lane->read(plan(snapshot->describe(request(table))), {}, limits);
    std::vector<std::int64_t> sizes;
    while (const auto batch = reader->next()) sizes.push_back(batch->num_rows());
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{700, 700, 600})) << table;
  }
  ReadLimits limits;
  limits.pool = arrow::default_memory_pool();
  limits.batch_bytes = 10'000;
  const auto reader = lane->read(plan(snapshot->describe(request("t"))), {}, limits);
  EXPECT_LE(reader->next()->num_rows(), 100);
  // Another read of the same lane while this one is open, and one after it was left early.
  EXPECT_EQ(snapshot->describe(request("n")).rows_estimate, 2500);
}

TEST_F(OdbcTables, a_rollback_journal_holds_writers_off) {
  make("create table t (id integer primary key); insert into t values (1), (2)");
  const auto from = source();
  Sqlite writer(path());
  std::string id;
  {
    const auto snapshot = from->snapshot({}, 3);
    id = snapshot->id();
    EXPECT_EQ(snapshot->level(), ConsistencyLevel::snapshot);
    EXPECT_TRUE(snapshot->alive());
    const auto lane = snapshot->open_lane();
    EXPECT_EQ(writer.run("insert into t values (3)"), SQLITE_BUSY);
    EXPECT_EQ(writer.run("alter table t add column x int"), SQLITE_BUSY);
    const TablePlan way = plan(snapshot->describe(request("t")));
    EXPECT_EQ(read(*lane, way).size(), 2U);
    const auto again = from->snapshot({}, 1);
    EXPECT_EQ(again->id(), id);
    EXPECT_TRUE(again->unchanged(way, {}, id, 2));
    EXPECT_FALSE(again->unchanged(way, {}, "", 2));
  }
  writer.must("insert into t values (3)");
  const auto later = from->snapshot({}, 1);
  EXPECT_NE(later->id(), id);
  EXPECT_FALSE(later->unchanged({}, {}, id, 2));
  EXPECT_EQ(read(*later->open_lane(), plan(later->describe(request("t")))).size(), 3U);
}

TEST_F(OdbcTables, wal_lanes_see_one_moment) {
  make("pragma journal_mode = wal; create table t (id integer primary key); insert into t values (1), (2)");
  const auto from = source();
  Sqlite writer(path());
  const auto snapshot = from->snapshot({}, 3);
  EXPECT_EQ(snapshot->level(), ConsistencyLevel::snapshot);
  writer.must("insert into t values (3)");
  writer.must("alter table t add column x int");
  const TablePlan way = plan(snapshot->describe(request("t")));
  const auto first = snapshot->open_lane();
  const auto second = snapshot->open_lane();
  EXPECT_EQ(read(*first, way), (std::vector<Cells>{{"1"}, {"2"}}));
  EXPECT_EQ(second->count(way), 2);
  const auto later = from->snapshot({}, 1);
  EXPECT_NE(later->id(), snapshot->id());
  EXPECT_FALSE(later->unchanged(way, {}, snapshot->id(), 2));
  EXPECT_FALSE(snapshot->unchanged(way, {}, snapshot->id(), 2));
  // The old plan does not fit the new moment.
  try {
    read(*later->open_lane(), way);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::drift);
  }
}

// Writers commit all the time: whatever level is claimed, lanes of a `snapshot` agree.
TEST_F(OdbcTables, wal_lanes_agree_beside_a_busy_writer) {
  make("pragma journal_mode = wal; create table t (id integer primary key)");
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    Sqlite writer(path());
    writer.must("pragma synchronous = off");
    sqlite3_busy_timeout(writer.handle(), 5000);
    // In bursts, so that on a slow machine, too, some snapshot finds a moment of rest.
    for (int n = 0; !stop; ++n) {
      writer.run("insert into t default values");
      std::this_thread::sleep_for(std::chrono::microseconds(n % 20 == 0 ? 50'000 : 200));
    }
  });
  const auto from = source();
  int proven = 0;
  for (int i = 0; i < 20; ++i) {
    const auto snapshot = from->snapshot({}, 3);
    if (snapshot->level() != ConsistencyLevel::snapshot) continue;
    ++proven;
    const TablePlan way = plan(snapshot->describe(request("t")));
    const auto a = snapshot->open_lane();
    const auto b = snapshot->open_lane();
    const auto c = snapshot->open_lane();
    const std::int64_t count = a->count(way);
    EXPECT_EQ(b->count(way), count);
    EXPECT_EQ(c->count(way), count);
  }
  stop = true;
  busy.join();
  EXPECT_GT(proven, 0);
}

TEST_F(OdbcTables, the_cap_on_connections) {
  make("create table t (id integer primary key); insert into t values (1), (2)");
  const auto alone = source(1);
  const auto snapshot = alone->snapshot({}, 4);
  const auto lane = snapshot->open_lane();
  const TablePlan way = plan(snapshot->describe(request("t")));
  ReadLimits limits;
  limits.pool = arrow::default_memory_pool();
  limits.batch_rows = 1;
  const auto reader = lane->read(way, {}, limits);
  EXPECT_NE(reader->next(), nullptr);
  // The catalog shares the connection with the lane that is reading.
  EXPECT_EQ(snapshot->describe(request("t")).rows_estimate, 2);
  EXPECT_NE(reader->next(), nullptr);
  EXPECT_EQ(reader->next(), nullptr);
  try {
    alone->facts();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::retryable);
  }
}

TEST_F(OdbcTables, cancel_reaches_the_running_statement) {
  make(R"(create table t (id integer primary key);
          create view endless as with recursive s(i) as (select 1 union all select i + 1 from s) select i from s;)");
  const auto from = source();
  const auto snapshot = from->snapshot({}, 1);
  const auto lane = snapshot->open_lane();
  const TablePlan way = plan(snapshot->describe(request("endless")));
  const auto begin = std::chrono::steady_clock::now();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    cancel_.cancel();
  });
  try {
    lane->count(way);
    ADD_FAILURE() << "counted to the end";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::retryable) << error.what();
  }
  canceller.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_THROW(lane->read(way, {}, {}), Error);
}

TEST_F(OdbcTables, cancel_of_one_lane) {
  make("create table t (id integer primary key); create view endless as with recursive s(i) as (select 1 union all "
       "select i + 1 from s) select i from s;");
  const auto from = source();
  const auto snapshot = from->snapshot({}, 2);
  const auto lane = snapshot->open_lane();
  lane->cancel();
  const TablePlan way = plan(snapshot->describe(request("endless")));
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    lane->cancel();
  });
  EXPECT_THROW(lane->count(way), Error);
  canceller.join();
  EXPECT_EQ(lane->count(plan(snapshot->describe(request("t")))), 0);
}

TEST_F(OdbcTables, wrong_connections_are_named) {
  const auto failure = [](const OdbcConnection& connection) {
    try {
      make_odbc_source(connection, 1, nullptr)->facts();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorKind::internal, "no error");
  };
  OdbcConnection connection;
  connection.driver_name = "SQLite3";
  EXPECT_EQ(failure(connection).kind(), ErrorKind::usage);
  connection.database = path();
  EXPECT_EQ(failure(connection).kind(), ErrorKind::usage);
  EXPECT_FALSE(std::filesystem::exists(path()));
  folder_.write("source.db", std::string(5000, 'x'));
  EXPECT_EQ(failure(connection).kind(), ErrorKind::refused) << failure(connection).what();
  connection.driver_name = "PostgreSQL Unicode";
  EXPECT_NE(failure(connection).message().find("at least 2 connections"), std::string::npos) << failure(connection).what();
  connection.driver_name = "SQLite3 that is not there";
  connection.password = Secret("geheim");
  const Error missing = failure(connection);
  EXPECT_EQ(missing.kind(), ErrorKind::usage);
  EXPECT_NE(missing.hint().find("odbcinst"), std::string::npos) << missing.what();
  EXPECT_EQ(std::string(missing.what()).find("geheim"), std::string::npos) << missing.what();
  connection = {};
  connection.driver_name = "SQLite3";
  connection.database = path();
  connection.odbc_options["StepAPI"] = "0";
  EXPECT_EQ(failure(connection).kind(), ErrorKind::usage);
}

TEST_F(OdbcTables, a_path_that_looks_like_a_connection_string) {
  const std::string odd = folder_.file("a;b={c} %20?#ä.db");
  Sqlite(odd).must("create table t (id integer primary key); insert into t values (5)");
  OdbcConnection connection;
  connection.driver_name = "SQLite3";
  connection.database = odd;
  const auto from = make_odbc_source(connection, 8, nullptr);
  EXPECT_EQ(from->facts().identity, "sqlite:" + odd);
  EXPECT_EQ(read(*from->snapshot({}, 1)->open_lane(), plan(from->snapshot({}, 1)->describe(request("t")))),
            (std::vector<Cells>{{"5"}}));
}

}  // namespace
}  // namespace pulk::test
