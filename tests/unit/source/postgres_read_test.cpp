#include <thread>

#include "base/cancel.h"
#include "unit/source/postgres_reading.h"

namespace pulk::test {
namespace {

using testing::Test;

std::unique_ptr<Source> source(int connections = 4, CancelToken* cancel = nullptr) {
  return make_postgres_source(PostgresServer::instance().connection(), connections, cancel);
}

struct Case {
  std::string type, literal, expected;
};

// One row with one column of the type holding the literal, read back with the natural carrier.
std::string read_value(Snapshot& snapshot, const std::string& type, const std::string& literal) {
  const TableInfo info = snapshot.describe(query_request("SELECT (" + literal + ")::" + type + " AS v"));
  const auto rows = read_rows(*snapshot.open_lane(), plan_of(info), {});
  return rows.size() == 1 ? rows[0] : std::to_string(rows.size()) + " rows";
}

TEST(PostgresRead, EveryCoreTypeExactly) {
  PostgresServer::instance().sql(
      "DROP SCHEMA IF EXISTS ty CASCADE; CREATE SCHEMA ty; CREATE TYPE ty.mood AS ENUM ('sad', 'happy ☃');"
      "CREATE TYPE ty.pair AS (x int, y text); CREATE DOMAIN ty.dpair AS ty.pair;"
      "CREATE DOMAIN ty.cents AS numeric(10,2); CREATE DOMAIN ty.price AS ty.cents CHECK (VALUE > 0)");
  const std::vector<Case> cases = {
      {"int2", "'-32768'", "-32768"},
      {"int4", "2147483647", "2147483647"},
      {"int8", "'-9223372036854775808'", "-9223372036854775808"},
      {"bool", "true", "true"},
      {"bool", "false", "false"},
      {"float4", "'3.4028235e38'", "3.4028235e+38"},
      {"float4", "'NaN'", "nan"},
      {"float8", "'4.9406564584124654e-324'", "5e-324"},
      {"float8", "'-Infinity'", "-inf"},
      {"float8", "0.1", "0.1"},
      {"numeric(15,2)", "'9999999999999.99'", "9999999999999.99"},
      {"numeric(15,2)", "'-0.01'", "-0.01"},
      {"numeric(15,2)", "0", "0.00"},
      {"numeric(15,2)", "100000000", "100000000.00"},
      {"numeric(38,0)", "'99999999999999999999999999999999999999'", "99999999999999999999999999999999999999"},
      {"numeric(38,38)", "'-0.99999999999999999999999999999999999999'", "-0.99999999999999999999999999999999999999"},
      {"numeric(38,10)", "'1234567890123456789012345678.0123456789'", "1234567890123456789012345678.0123456789"},
      {"numeric(2,-3)", "12000", "12000"},
      {"numeric(3,5)", "'0.00123'", "0.00123"},
      {"numeric(50,2)", "'1.5'", "1.50"},
      {"numeric", "'1.500'", "1.500"},
      {"numeric", "'NaN'", "NaN"},
      {"numeric", "'1e100'", "1" + std::string(100, '0')},
      {"char(5)", "'ab'", "ab   "},
      {"varchar(10)", "'żółć'", "żółć"},
      {"text", "''", ""},
      {"text", "'it''s ☃ \\ '", "it's ☃ \\ "},
      {"bytea", "'\\x00ff10'", "x00ff10"},
      {"bytea", "''", "x"},
      {"date", "'1970-01-01'", "0"},
      {"date", "'0001-01-01 BC'", "-719528"},
      {"date", "'9999-12-31'", "2932896"},
      {"date", "'5874897-12-31'", "2145042905"},
      {"time", "'23:59:59.999999'", "86399999999"},
      {"time(0)", "'12:00'", "43200000000"},
      {"timestamp", "'1970-01-01 00:00:00.000001'", "1"},
      {"timestamp", "'4713-01-01 00:00:00 BC'", "-210863520000000000"},
      {"timestamp(3)", "'2024-02-29 12:34:56.7894'", "1709210096789000"},
      {"timestamptz", "'2024-02-29 12:34:56+02'", "1709202896000000"},
      {"uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
      {"json", "'{\"a\": 1,  \"a\":2}'", "{\"a\": 1,  \"a\":2}"},
      {"jsonb", "'{\"b\":1,\"a\":[null]}'", "{\"a\": [null], \"b\": 1}"},
      {"ty.mood", "'happy ☃'", "happy ☃"},
      {"ty.price", "'12.3'", "12.30"},
      {"name", "'abc'", "abc"},
      {"interval", "'1 day 02:00'", "1 day 02:00:00"},
      {"timetz", "'24:00-15:59'", "24:00:00-15:59"},
      {"inet", "'10.0.0.1'", "10.0.0.1"},
      {"int4[]", "'{1,NULL}'", "{1,NULL}"},
      {"bit(3)", "'101'", "101"},
      {"ty.pair", "ROW(NULL, NULL)", "(,)"},
      {"ty.dpair", "ROW(1, 'a b')", "(1,\"a b\")"},
      {"ty.mood[]", "'{sad,NULL}'", "{sad,NULL}"},
      {"int4multirange", "'{[1,2],empty}'", "{[1,3)}"},
      {"xml", "'<?xml version=\"1.0\" encoding=\"latin1\"?><a/>'", "<a/>"},
      {"oid", "4294967295", "4294967295"},
      {"xid8", "'18446744073709551615'", "18446744073709551615"},
      {"regclass", "'pg_class'", "1259"},
      {"money", "'-92233720368547758.08'", "-92233720368547758.08"},
      {"\"char\"", "(-1)", "\\377"},
      {"\"char\"", "''", ""},
  };
  const auto postgres = source();
  const auto snapshot = postgres->snapshot({}, 1);
  for (const Case& one : cases) {
    EXPECT_EQ(read_value(*snapshot, one.type, one.literal), one.expected) << one.type << " " << one.literal;
    EXPECT_EQ(read_value(*snapshot, one.type, "NULL"), "NULL") << one.type;
  }
}

TEST(PostgresRead, LogicalTypesOfTheCatalog) {
  auto& server = PostgresServer::instance();
  server.new_schema("lt");
  server.sql(
      "CREATE TYPE lt.own; CREATE FUNCTION lt.own_in(cstring) RETURNS lt.own LANGUAGE internal IMMUTABLE STRICT AS "
      "'textin'; CREATE FUNCTION lt.own_out(lt.own) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';"
      "CREATE TYPE lt.own (INPUT = lt.own_in, OUTPUT = lt.own_out, LIKE = text); CREATE TYPE lt.row AS (a lt.own);"
      "CREATE DOMAIN lt.d1 AS numeric(10,2) NOT NULL; CREATE DOMAIN lt.d2 AS lt.d1;"
      "CREATE TABLE lt.t (gone int, a lt.d2, b numeric(2,-3), c numeric(3,5), d numeric, e numeric(50,2), f char(7),"
      " g varchar(9), h timestamp(3), i inet, j bigint NOT NULL GENERATED ALWAYS AS IDENTITY,"
      " k int GENERATED ALWAYS AS (1) STORED, l lt.own, m lt.own[], n money, o lt.row, p regclass[], q oid,"
      " PRIMARY KEY (j)); ALTER TABLE lt.t DROP COLUMN gone");
  const auto snapshot = source()->snapshot({request("lt", "t")}, 1);
  const TableInfo info = snapshot->describe(request("lt", "t"));
  std::vector<std::string> lines;
  for (const SourceColumn& column : info.columns) {
    lines.push_back(column.name + " " + column.native_type + " " +
                    (column.logical ? to_string(*column.logical) : column.refusal) +
                    (column.nullable ? "" : " not null"));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "a numeric(10,2) decimal(10,2)", "b numeric(2,-3) decimal(5,0)", "c numeric(3,5) decimal(5,5)",
                       "d numeric " + to_string(LogicalType{TypeKind::decimal, 0, 0, 0}),
                       "e numeric(50,2) " + to_string(LogicalType{TypeKind::decimal, 0, 0, 0}),
                       "f character(7) " + to_string(LogicalType{TypeKind::text, 0, 0, 7}),
                       "g character varying(9) " + to_string(LogicalType{TypeKind::text, 0, 0, 9}),
                       "h timestamp(3) without time zone timestamp(3)", "i inet text", "j bigint int64 not null",
                       "k integer int32", "l lt.own type lt.own is neither built in nor known to pulk",
                       "m lt.own[] type lt.own[] has lt.own in it, which is neither built in nor known to pulk",
                       "n money decimal(19,2)",
                       "o lt.\"row\" type lt.\"row\" has lt.own in it, which is neither built in nor known to pulk",
                       "p regclass[] type regclass[] has regclass in it, which the server prints by its search_path: "
                       "convert it to oid in a query",
                       "q oid int64"}));
  for (const SourceColumn& column : info.columns) EXPECT_EQ(column.readable_as_text, column.name != "p");
  EXPECT_EQ(info.columns[12].type_aliases, std::vector<std::string>{"own[]"});
  EXPECT_EQ(info.columns[5].note, "space padded to 7");
  EXPECT_EQ(info.primary_key, std::vector<std::string>{"j"});
  EXPECT_TRUE(info.physical_ranges);
}

TEST(PostgresRead, MappedCarriers) {
  const auto snapshot = source()->snapshot({}, 1);
  const auto with_carrier = [&](const std::string& expression, Carrier carrier) {
    TablePlan plan = plan_of(snapshot->describe(query_request("SELECT " + expression + " AS v")));
    plan.columns[0].carrier = carrier;
    return read_rows(*snapshot->open_lane(), plan, {}).at(0);
  };
  EXPECT_EQ(with_carrier("7::int4", {CarrierKind::decimal128, 10, 2}), "7.00");
  EXPECT_EQ(with_carrier("'-9223372036854775808'::int8", {CarrierKind::decimal128, 19, 0}), "-9223372036854775808");
  EXPECT_EQ(with_carrier("7::int2", {CarrierKind::int64, 0, 0}), "7");
  EXPECT_EQ(with_carrier("7::int8", {CarrierKind::int16, 0, 0}), "7");
  EXPECT_EQ(with_carrier("7.00::numeric", {CarrierKind::int32, 0, 0}), "7");
  EXPECT_EQ(with_carrier("1.5::numeric", {CarrierKind::decimal128, 5, 3}), "1.500");
  EXPECT_EQ(with_carrier("1.50::numeric(9,2)", {CarrierKind::utf8, 0, 0}), "1.50");
  EXPECT_EQ(with_carrier("1.5::float4", {CarrierKind::float64, 0, 0}), "1.5");
  EXPECT_EQ(with_carrier("'2024-01-01 00:00+02'::timestamptz", {CarrierKind::utf8, 0, 0}), "2023-12-31 22:00:00+00");
  EXPECT_EQ(with_carrier("'infinity'::date", {CarrierKind::utf8, 0, 0}), "infinity");
  EXPECT_EQ(with_carrier("'\\x0a'::bytea", {CarrierKind::utf8, 0, 0}), "\\x0a");
  EXPECT_EQ(with_carrier("'{\"a\":1}'::jsonb", {CarrierKind::utf8, 0, 0}), "{\"a\": 1}");
  EXPECT_EQ(with_carrier("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", {CarrierKind::utf8, 0, 0}),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");

  EXPECT_EQ(with_carrier("'-0.05'::money", {CarrierKind::utf8, 0, 0}), "-0.05");
  EXPECT_EQ(with_carrier("1000::money", {CarrierKind::decimal128, 4, 0}), "1000");
  EXPECT_EQ(with_carrier("1.5::money", {CarrierKind::decimal128, 38, 10}), "1.5000000000");
  EXPECT_EQ(with_carrier("'18446744073709551615'::xid8", {CarrierKind::utf8, 0, 0}), "18446744073709551615");
  EXPECT_EQ(with_carrier("'pg_class'::regclass", {CarrierKind::utf8, 0, 0}), "1259");
  EXPECT_EQ(with_carrier("true", {CarrierKind::utf8, 0, 0}), "true");

  struct Refusal {
    std::string expression;
    Carrier carrier;
    std::string part;
  };
  const std::vector<Refusal> refusals = {
      {"1.555::numeric", {CarrierKind::decimal128, 5, 2}, "1.555"},
      {"1000::numeric", {CarrierKind::decimal128, 5, 2}, "1000"},
      {"'NaN'::numeric", {CarrierKind::decimal128, 5, 2}, "NaN"},
      {"'-Infinity'::numeric", {CarrierKind::decimal128, 5, 2}, "-Infinity"},
      {"1000::int4", {CarrierKind::decimal128, 5, 2}, "1000"},
      {"70000::int8", {CarrierKind::int16, 0, 0}, "70000"},
      {"'infinity'::date", {CarrierKind::date32, 0, 0}, "infinity"},
      {"'-infinity'::timestamp", {CarrierKind::timestamp_us, 0, 0}, "-infinity"},
      {"'294276-12-31 23:59:59'::timestamp", {CarrierKind::timestamp_us, 0, 0}, "294276-12-31 23:59:59"},
      {"'24:00'::time", {CarrierKind::time64_us, 0, 0}, "24:00:00"},
      {"'1000.01'::money", {CarrierKind::decimal128, 5, 1}, "1000.01"},
      {"1000::money", {CarrierKind::decimal128, 5, 2}, "1000.00"},
      {"'100000'::xid8", {CarrierKind::decimal128, 5, 0}, "100000"},
      {"1::bool::bool", {CarrierKind::date32, 0, 0}, "cannot travel as"},
  };
  for (const Refusal& one : refusals) {
    const Error error = error_of([&] { with_carrier(one.expression, one.carrier); });
    EXPECT_EQ(error.kind(), ErrorKind::refused) << error.what();
    EXPECT_NE(error.message().find(one.part), std::string::npos) << error.what();
    EXPECT_NE(error.message().find("\"v\""), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(PostgresRead, ManyBatchesHoldEveryRow) {
  auto& server = PostgresServer::instance();
  server.new_schema("mb");
  server.sql(
      "CREATE TABLE mb.t AS SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('x', i % 50) END AS s,"
      " i % 7 = 0 AS b FROM generate_series(1, 30000) i");
  const auto snapshot = source()->snapshot({request("mb", "t")}, 1);
  const TablePlan plan = plan_of(snapshot->describe(request("mb", "t")));
  const auto lane = snapshot->open_lane();
  ReadLimits small = limits();
  small.batch_bytes = 10'000;
  const auto rows = read_rows(*lane, plan, {}, small);
  ASSERT_EQ(rows.size(), 30000u);
  EXPECT_EQ(rows[2], "3|NULL|false");
  EXPECT_EQ(rows[6], "7|xxxxxxx|true");
  EXPECT_EQ(lane->count(plan), 30000);
  small.max_rows = 10;
  EXPECT_EQ(read_rows(*lane, plan, {}, small).size(), 10u);
  small.max_rows = -1;
  small.batch_rows = 1;
  EXPECT_EQ(read_rows(*lane, plan, {}, small).size(), 30000u);
  TablePlan filtered = plan;
  filtered.source.filter = "i <= 100 -- only these";
  PartitionPlan part;
  part.predicate = "i > 90";
  EXPECT_EQ(read_rows(*lane, filtered, part).size(), 10u);
  EXPECT_EQ(lane->count(filtered), 100);
  // A reader that is left early does not spoil the lane.
  small.batch_rows = 10;
  lane->read(plan, {}, small)->next();
  EXPECT_EQ(read_rows(*lane, plan, {}).size(), 30000u);
}

TEST(PostgresRead, WideRowsAndTheLimitOfACell) {
  const auto snapshot = source()->snapshot({}, 1);
  const TablePlan plan =
      plan_of(snapshot->describe(query_request("SELECT repeat('ab', 10000000) AS wide FROM generate_series(1, 3)")));
  const auto lane = snapshot->open_lane();
  {
    const auto reader = lane->read(plan, {}, limits());
    std::int64_t rows = 0;
    while (const auto batch = reader->next()) rows += batch->num_rows();
    EXPECT_EQ(rows, 3);
    EXPECT_GT(reader->widest_row(), 20'000'000);
  }
  ReadLimits narrow = limits();
  narrow.max_cell_bytes = 1 << 20;
  const Error error = error_of([&] { read_rows(*lane, plan, {}, narrow); });
  EXPECT_EQ(error.kind(), ErrorKind::refused);
  EXPECT_NE(error.message().find("\"wide\""), std::string::npos);
  EXPECT_NE(error.hint().find("--max-cell"), std::string::npos);
}

TEST(PostgresRead, AwkwardNames) {
  auto& server = PostgresServer::instance();
  server.sql(R"(DROP SCHEMA IF EXISTS "My ""S" CASCADE; CREATE SCHEMA "My ""S";
    CREATE TABLE "My ""S"."T.able" ("a" int, "A" int, "a b" int, "a.b" int, "a""b" int, "select" int, "😀" int);
    INSERT INTO "My ""S"."T.able" VALUES (1, 2, 3, 4, 5, 6, 7))");
  const auto snapshot = source()->snapshot({request("My \"S", "T.able")}, 1);
  const TablePlan plan = plan_of(snapshot->describe(request("My \"S", "T.able")));
  EXPECT_EQ(read_rows(*snapshot->open_lane(), plan, {}), std::vector<std::string>{"1|2|3|4|5|6|7"});
}

TEST(PostgresRead, NamesAsWritten) {
  auto& server = PostgresServer::instance();
  server.new_schema("nw");
  server.sql(
      "CREATE TABLE nw.orders (i int); CREATE TABLE nw.\"Lines\" (i int); DROP TABLE IF EXISTS public.nw_plain;"
      "CREATE TABLE public.nw_plain (i int); CREATE SEQUENCE nw.s");
  const auto postgres = source();
  const auto snapshot = postgres->snapshot({}, 1);
  const auto find = [&](const std::string& database, const std::string& schema, const std::string& table) {
    TableRequest wanted;
    if (!database.empty()) wanted.database = parse_written_name(database);
    if (!schema.empty()) wanted.schema = parse_written_name(schema);
    wanted.table = parse_written_name(table);
    return snapshot->describe(wanted).object.name.display();
  };
  EXPECT_EQ(find("", "NW", "Orders"), "postgres.nw.orders");
  EXPECT_EQ(find("POSTGRES", "nw", "\"Lines\""), "postgres.nw.Lines");
  EXPECT_EQ(find("", "", "nw_plain"), "postgres.public.nw_plain");
  const Error misspelt = error_of([&] { find("", "nw", "ordrs"); });
  EXPECT_EQ(misspelt.kind(), ErrorKind::usage);
  EXPECT_NE(misspelt.hint().find("orders"), std::string::npos) << misspelt.what();
  EXPECT_NE(error_of([&] { find("", "nw", "lines"); }).hint().find("\"Lines\""), std::string::npos);
  EXPECT_EQ(error_of([&] { find("elsewhere", "nw", "orders"); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([&] { find("", "nw", "s"); }).kind(), ErrorKind::usage);
  // A failed look-up does not harm the snapshot.
  EXPECT_EQ(find("", "nw", "orders"), "postgres.nw.orders");
  EXPECT_TRUE(snapshot->alive());
  EXPECT_EQ(postgres->list_tables(parse_written_name("nw")).size(), 2u);
}

TEST(PostgresRead, DriftIsNoticed) {
  auto& server = PostgresServer::instance();
  server.new_schema("dr");
  server.sql("CREATE TABLE dr.t (a int, b text)");
  const auto postgres = source();
  TablePlan plan;
  {
    const auto snapshot = postgres->snapshot({request("dr", "t")}, 1);
    plan = plan_of(snapshot->describe(request("dr", "t")));
  }
  const auto read_after = [&](const std::string& change) {
    server.sql(change);
    const auto snapshot = postgres->snapshot({}, 1);
    const auto lane = snapshot->open_lane();
    return error_of([&] { lane->read(plan, {}, limits()); });
  };
  for (const char* change :
       {"ALTER TABLE dr.t ADD c int", "ALTER TABLE dr.t DROP c; ALTER TABLE dr.t ALTER a TYPE bigint",
        "ALTER TABLE dr.t DROP a", "DROP TABLE dr.t"}) {
    const Error error = read_after(change);
    EXPECT_EQ(error.kind(), ErrorKind::drift) << change << ": " << error.what();
    EXPECT_NE(std::string(error.what()).find("dr.t"), std::string::npos);
  }
}

TEST(PostgresRead, AFieldMoreInARowTypeIsDrift) {
  auto& server = PostgresServer::instance();
  server.new_schema("df");
  server.sql("CREATE TYPE df.pair AS (x int, y text); CREATE TABLE df.t (a df.pair[])");
  const auto postgres = source();
  TablePlan plan;
  {
    const auto snapshot = postgres->snapshot({request("df", "t")}, 1);
    plan = plan_of(snapshot->describe(request("df", "t")));
  }
  server.sql("ALTER TYPE df.pair ADD ATTRIBUTE z int");
  const auto snapshot = postgres->snapshot({}, 1);
  const auto lane = snapshot->open_lane();
  EXPECT_EQ(error_of([&] { lane->read(plan, {}, limits()); }).kind(), ErrorKind::drift);
}

TEST(PostgresRead, CancelOfALaneAndOfTheRun) {
  CancelToken token;
  const auto postgres = source(4, &token);
  const auto snapshot = postgres->snapshot({}, 1);
  const TablePlan plan = plan_of(snapshot->describe(query_request("SELECT pg_sleep(60)::text AS s")));
  const auto lane = snapshot->open_lane();
  const auto interrupted = [&](auto stop) {
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      stop();
    });
    const auto start = std::chrono::steady_clock::now();
    const Error error = error_of([&] { read_rows(*lane, plan, {}); });
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    EXPECT_EQ(error.kind(), ErrorKind::retryable);
    EXPECT_EQ(error.message(), "interrupted");
    other.join();
  };
  lane->cancel();  // nothing runs
  interrupted([&] { lane->cancel(); });
  interrupted([&] { lane->cancel(); });  // the lane goes on after the first
  interrupted([&] { token.cancel(); });
  EXPECT_EQ(error_of([&] { snapshot->open_lane(); }).message(), "interrupted");
}

}  // namespace
}  // namespace pulk::test
