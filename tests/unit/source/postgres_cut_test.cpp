#include "base/strings.h"
#include "unit/source/postgres_reading.h"

namespace pulk::test {
namespace {

struct Cut {
  TableInfo info;
  std::vector<PartitionPlan> parts;
  std::vector<std::int64_t> counts;  // rows of each part
};

// Cuts the table, and proves on the server that every row meets exactly one of the predicates.
Cut cut(const TableRequest& wanted, const PartitionRequest& how) {
  const auto source = make_postgres_source(PostgresServer::instance().connection(), 3, nullptr);
  const auto snapshot = source->snapshot({wanted}, 1);
  Cut result;
  result.info = snapshot->describe(wanted);
  result.parts = snapshot->cut(result.info, how);
  const std::string from = wanted.query.empty()
                               ? quote_double(wanted.schema.text) + "." + quote_double(wanted.table.text)
                               : "(" + wanted.query + ") q";
  const std::string where = wanted.filter.empty() ? "" : " WHERE " + wanted.filter;
  std::string counts = "SELECT count(*), count(*) FILTER (WHERE 0", hits, each;
  for (const PartitionPlan& part : result.parts) {
    const std::string hit = part.predicate.empty() ? "true" : "coalesce(" + part.predicate + ", false)";
    hits += " + (" + hit + ")::int";
    each += ", count(*) FILTER (WHERE " + hit + ")";
  }
  counts += hits + " <> 1)" + each + " FROM " + from + where;
  const pg::Result row = PostgresServer::instance().connect()->exec(counts);
  EXPECT_EQ(row.integer(0, 1), 0) << counts;
  std::int64_t read = 0;
  for (std::size_t i = 0; i < result.parts.size(); ++i)
    result.counts.push_back(row.integer(0, static_cast<int>(i) + 2));
  const auto lane = snapshot->open_lane();
  for (const PartitionPlan& part : result.parts) {
    read += static_cast<std::int64_t>(read_rows(*lane, plan_of(result.info), part).size());
  }
  EXPECT_EQ(read, row.integer(0, 0));
  EXPECT_EQ(lane->count(plan_of(result.info)), read);
  return result;
}

PartitionRequest by_key(std::vector<std::string> key, std::int64_t pieces, std::int64_t max_rows = 0) {
  PartitionRequest how;
  how.key = std::move(key);
  how.pieces = pieces;
  how.max_rows = max_rows;
  return how;
}

std::int64_t largest(const Cut& result, PartitionKind kind = PartitionKind::key_range) {
  std::int64_t most = 0;
  for (std::size_t i = 0; i < result.parts.size(); ++i) {
    if (result.parts[i].kind == kind) most = std::max(most, result.counts[i]);
  }
  return most;
}

class PostgresCut : public testing::Test {
 protected:
  void SetUp() override { PostgresServer::instance().new_schema("cut"); }
  void sql(const std::string& text) { PostgresServer::instance().sql(text); }
};

// (1,NULL) is neither NULL nor NOT NULL, and (NULL,NULL) is both NULL and a value.
TEST_F(PostgresCut, RowsWithNullsInThem) {
  sql("CREATE TYPE cut.pair AS (x int, y int); CREATE TABLE cut.t (p cut.pair); INSERT INTO cut.t"
      " SELECT ROW(nullif(i % 50, 0), nullif(i % 3, 0))::cut.pair FROM generate_series(1, 5000) i;"
      "INSERT INTO cut.t VALUES (NULL), (NULL)");
  const Cut result = cut(request("cut", "t"), by_key({"p"}, 5));
  EXPECT_GE(result.parts.size(), 4u);
  EXPECT_EQ(largest(result, PartitionKind::key_null), 2);
}

TEST_F(PostgresCut, IntegersIntoEqualPieces) {
  sql("CREATE TABLE cut.t (id bigint PRIMARY KEY, v text); INSERT INTO cut.t SELECT i, 'v' FROM generate_series(1, "
      "20000) i");
  const Cut result = cut(request("cut", "t"), by_key({"id"}, 8));
  EXPECT_EQ(result.parts.size(), 8u);
  EXPECT_LE(largest(result), 2600);
  EXPECT_EQ(result.parts[0].display,
            "id < " + result.parts[1].display.substr(7, result.parts[1].display.find(',') - 7));
  EXPECT_EQ(result.parts[0].predicate.find("NULL"), std::string::npos);
  EXPECT_NEAR(static_cast<double>(result.parts[3].rows_estimate), 2500, 100);
  EXPECT_GT(result.parts[3].bytes_estimate, 0);
}

TEST_F(PostgresCut, ALargerTableBySample) {
  sql("CREATE TABLE cut.t (id bigint, pad text); INSERT INTO cut.t SELECT i, repeat('x', 50) FROM generate_series(1, "
      "200000) i;"
      "ANALYZE cut.t");
  const Cut result = cut(request("cut", "t"), by_key({"id"}, 10));
  ASSERT_EQ(result.parts.size(), 11u);  // id may be NULL
  EXPECT_LE(largest(result), 35'000);
  EXPECT_EQ(result.parts[10].kind, PartitionKind::key_null);
  const Cut thin = cut(request("cut", "t", "id % 100 = 0"), by_key({"id"}, 4));
  EXPECT_LE(largest(thin), 900);
  const Cut limited = cut(request("cut", "t"), by_key({"id"}, 1, 20'000));
  EXPECT_GE(limited.parts.size(), 11u);
  EXPECT_LE(largest(limited), 24'000);
  EXPECT_NE(limited.parts[0].display.find("sample"), std::string::npos);
}

TEST_F(PostgresCut, NullsAndCompositeKeys) {
  sql("CREATE TABLE cut.t (a int, b text, c int NOT NULL);"
      "INSERT INTO cut.t SELECT CASE WHEN i % 10 = 0 THEN NULL ELSE i / 100 END, CASE WHEN i % 7 = 0 THEN NULL ELSE "
      "'b' || i END, i"
      " FROM generate_series(1, 5000) i");
  const Cut result = cut(request("cut", "t"), by_key({"a", "b"}, 6));
  EXPECT_EQ(result.parts.size(), 7u);
  EXPECT_EQ(result.parts.back().kind, PartitionKind::key_null);
  EXPECT_EQ(result.parts.back().display, "a or b is null");
  EXPECT_EQ(result.parts.back().rows_estimate, result.counts.back());
  const Cut mixed = cut(request("cut", "t"), by_key({"a", "c"}, 6));
  EXPECT_EQ(mixed.parts.back().display, "a is null");
  sql("UPDATE cut.t SET a = NULL");
  EXPECT_EQ(cut(request("cut", "t"), by_key({"a"}, 6)).parts.size(), 2u);
}

TEST_F(PostgresCut, NaNAndInfinityAreInTheLastRange) {
  sql("CREATE TABLE cut.f (x float8); INSERT INTO cut.f SELECT i FROM generate_series(1, 500) i;"
      "INSERT INTO cut.f SELECT 'NaN' FROM generate_series(1, 500); INSERT INTO cut.f VALUES ('Infinity'), "
      "('-Infinity'), (NULL);"
      "CREATE TABLE cut.n (x numeric NOT NULL); INSERT INTO cut.n SELECT x::numeric FROM cut.f WHERE x IS NOT NULL");
  const Cut floats = cut(request("cut", "f"), by_key({"x"}, 4));
  EXPECT_GE(floats.counts[floats.counts.size() - 2], 500);
  cut(request("cut", "n"), by_key({"x"}, 4));
}

TEST_F(PostgresCut, AValueThatHoldsHalfOfTheRows) {
  sql("CREATE TABLE cut.t (k int NOT NULL); INSERT INTO cut.t SELECT CASE WHEN i % 2 = 0 THEN 500 ELSE i END FROM"
      " generate_series(1, 4000) i");
  const Cut result = cut(request("cut", "t"), by_key({"k"}, 8));
  EXPECT_GE(result.parts.size(), 4u);
  EXPECT_LE(largest(result), 3000);
  sql("UPDATE cut.t SET k = 1");
  EXPECT_EQ(cut(request("cut", "t"), by_key({"k"}, 8)).parts.size(), 1u);
}

TEST_F(PostgresCut, EmptyTable) {
  sql("CREATE TABLE cut.t (k int)");
  EXPECT_EQ(cut(request("cut", "t"), by_key({"k"}, 8)).parts.size(), 2u);
  EXPECT_EQ(cut(request("cut", "t"), by_key({"k"}, 8, 100)).parts.size(), 2u);
  PartitionRequest pages;
  pages.physical = true;
  pages.pieces = 4;
  EXPECT_EQ(cut(request("cut", "t"), pages).parts.size(), 1u);
}

TEST_F(PostgresCut, TextWithCollationsAndQuotes) {
  sql("CREATE TABLE cut.t (a text COLLATE \"C\" NOT NULL, b text COLLATE \"und-x-icu\" NOT NULL, c char(6) NOT NULL, d "
      "bytea NOT NULL);"
      "INSERT INTO cut.t SELECT s, s, left(s, 6), convert_to(s, 'UTF8') FROM (SELECT chr(33 + i % 90) || '''\\' || "
      "chr(128512 + i % 60)"
      " || i AS s FROM generate_series(1, 3000) i) x");
  for (const char* column : {"a", "b", "c", "d"})
    EXPECT_GE(cut(request("cut", "t"), by_key({column}, 5)).parts.size(), 4u);
  sql("CREATE COLLATION cut.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "CREATE TABLE cut.i (a text COLLATE cut.nocase NOT NULL); INSERT INTO cut.i SELECT CASE WHEN i % 2 = 0 THEN "
      "upper(s) ELSE s"
      " END FROM (SELECT i, 'abc' || i / 20 AS s FROM generate_series(1, 3000) i) x");
  cut(request("cut", "i"), by_key({"a"}, 5));
}

TEST_F(PostgresCut, AwkwardColumnsAndTypes) {
  sql(R"(CREATE TYPE cut."odd Type" AS ENUM ('b', 'a');
    CREATE TABLE cut.t ("a" int, "A" uuid, "a b" timestamptz, "a.b" date, "a""b" cut."odd Type", "select" interval, "😀" numeric(9,2));
    INSERT INTO cut.t SELECT i, md5(i::text)::uuid, now() + i * interval '1 s', '2024-01-01'::date + i,
      (CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END)::cut."odd Type", i * interval '1 min', i / 7.0 FROM generate_series(1, 1000) i)");
  for (const char* column : {"a", "A", "a b", "a.b", "a\"b", "select", "😀"}) {
    EXPECT_GE(cut(request("cut", "t"), by_key({column}, 4)).parts.size(), 3u) << column;
  }
  cut(request("cut", "t"), by_key({"a\"b", "😀"}, 4));
}

TEST_F(PostgresCut, ViewsQueriesPartitionsAndInheritance) {
  sql("CREATE TABLE cut.p (id int NOT NULL, d date) PARTITION BY RANGE (id); CREATE TABLE cut.p1 PARTITION OF cut.p "
      "FOR VALUES"
      " FROM (0) TO (1000) PARTITION BY HASH (id); CREATE TABLE cut.p11 PARTITION OF cut.p1 FOR VALUES WITH (MODULUS "
      "1, REMAINDER 0);"
      "CREATE TABLE cut.p2 PARTITION OF cut.p DEFAULT; CREATE INDEX ON cut.p (id);"
      "INSERT INTO cut.p SELECT i FROM generate_series(1, 3000) i; ANALYZE cut.p;"
      "CREATE VIEW cut.v AS SELECT id * 2 AS id FROM cut.p; CREATE MATERIALIZED VIEW cut.m AS SELECT * FROM cut.v;"
      "CREATE TABLE cut.parent (id int NOT NULL); CREATE TABLE cut.child (x int) INHERITS (cut.parent);"
      "ALTER TABLE cut.child ALTER id DROP NOT NULL;"
      "INSERT INTO cut.parent SELECT generate_series(1, 100); INSERT INTO cut.child VALUES (7, 1), (NULL, 2), (200, "
      "2)");
  const Cut parts = cut(request("cut", "p"), by_key({"id"}, 4));
  EXPECT_EQ(parts.info.kind, ObjectKind::partitioned_table);
  EXPECT_EQ(parts.parts.size(), 4u);
  EXPECT_EQ(parts.info.rows_estimate, 3000);
  EXPECT_GT(parts.info.bytes_estimate, 80'000);
  EXPECT_LE(largest(cut(request("cut", "p"), by_key({"id"}, 1, 250))), 250);
  EXPECT_EQ(cut(request("cut", "v"), by_key({"id"}, 4)).parts.size(), 5u);
  EXPECT_EQ(cut(request("cut", "m"), by_key({"id"}, 4)).parts.size(), 5u);
  const Cut query =
      cut(query_request("SELECT id, d AS \"when\" FROM cut.p WHERE id > 10 -- trailing\n"), by_key({"id"}, 3));
  EXPECT_EQ(query.parts.size(), 4u);
  EXPECT_EQ(query.info.kind, ObjectKind::query);
  const Cut heirs = cut(request("cut", "parent"), by_key({"id"}, 3));
  EXPECT_TRUE(heirs.info.columns[0].nullable);  // the child dropped NOT NULL
  EXPECT_FALSE(heirs.info.physical_ranges);
}

TEST_F(PostgresCut, LimitsHoldAlongAnIndex) {
  sql("CREATE TABLE cut.t (a int, b text NOT NULL, c int); CREATE INDEX ON cut.t (a, b);"
      "INSERT INTO cut.t SELECT CASE WHEN i % 50 = 0 THEN NULL WHEN i < 3000 THEN 0 ELSE (i - 2990) / 3 END, 'b' || i "
      "% 5, i"
      " FROM generate_series(1, 10000) i; ANALYZE cut.t");
  const Cut pair = cut(request("cut", "t"), by_key({"a", "b"}, 1, 700));
  EXPECT_LE(largest(pair), 700);
  EXPECT_LE(pair.parts.size(), 40u);
  // One value of `a` alone holds 2940 rows: it gets a partition of its own.
  const Cut single = cut(request("cut", "t"), by_key({"a"}, 1, 700));
  int above = 0;
  for (std::size_t i = 0; i < single.parts.size(); ++i) above += single.counts[i] > 700 ? 1 : 0;
  EXPECT_EQ(above, 1);
  EXPECT_EQ(largest(single), 2940);
  const Cut filtered = cut(request("cut", "t", "c > 5000"), by_key({"a"}, 1, 700));
  EXPECT_LE(largest(filtered), 700);
  // Descending or partial indexes do not serve; then the size is from a sample, and said to be.
  sql("DROP INDEX cut.t_a_b_idx; CREATE INDEX ON cut.t (a DESC, b); CREATE INDEX ON cut.t (a, b) WHERE c > 5");
  EXPECT_NE(cut(request("cut", "t"), by_key({"a", "b"}, 1, 700)).parts[0].display.find("sample"), std::string::npos);
}

TEST_F(PostgresCut, PagesOfAPlainTable) {
  sql("CREATE TABLE cut.t AS SELECT i AS id, repeat('x', 100) AS s FROM generate_series(1, 20000) i; DELETE FROM cut.t "
      "WHERE id % 3 = 0;"
      "ANALYZE cut.t");
  PartitionRequest how;
  how.physical = true;
  how.pieces = 7;
  const Cut result = cut(request("cut", "t"), how);
  EXPECT_EQ(result.parts.size(), 7u);
  EXPECT_EQ(result.parts[0].kind, PartitionKind::physical);
  EXPECT_LE(largest(result, PartitionKind::physical), 2200);
  how.max_rows = 500;
  EXPECT_LE(largest(cut(request("cut", "t"), how), PartitionKind::physical), 500);
}

TEST_F(PostgresCut, EstimatesOfATableThatWasNeverAnalyzed) {
  sql("CREATE TABLE cut.t (a int, b int); INSERT INTO cut.t SELECT i, i FROM generate_series(1, 10000) i");
  const auto source = make_postgres_source(PostgresServer::instance().connection(), 3, nullptr);
  const TableInfo info = source->snapshot({}, 1)->describe(request("cut", "t"));
  EXPECT_NEAR(static_cast<double>(info.rows_estimate), 10'000, 3'000);
}

TEST_F(PostgresCut, AnUnknownKeyOrAKeyWithoutOrderIsTheUsersMistake) {
  sql("CREATE TABLE cut.t (a json)");
  const auto source = make_postgres_source(PostgresServer::instance().connection(), 3, nullptr);
  const auto snapshot = source->snapshot({}, 1);
  const TableInfo info = snapshot->describe(request("cut", "t"));
  EXPECT_EQ(error_of([&] { snapshot->cut(info, by_key({"b"}, 2)); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([&] { snapshot->cut(info, by_key({"a"}, 2)); }).kind(), ErrorKind::usage);
  EXPECT_TRUE(snapshot->alive());
  snapshot->open_lane();  // the snapshot can still be joined
}

}  // namespace
}  // namespace pulk::test
