"""PostgreSQL over ODBC, by a real server and psqlODBC. Expected rows come from the server's own COPY; types, and values that
COPY writes in another way than the target's reader, are written by hand."""

import json
import signal

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KINDS, STEPS, SOURCE, TABLES, WORKFLOW, check_finished, contents, crash, resume
from support.psqlodbc import OverPsqlodbc
from support.pulk import table_entry
from support.values import assert_same_rows

TYPES = [
    # type, values as SQL, expected DuckDB type
    ("smallint", ["-32768", "32767"], "SMALLINT"),
    ("integer", ["-2147483648", "2147483647"], "INTEGER"),
    ("bigint", ["-9223372036854775808", "9223372036854775807"], "BIGINT"),
    ("numeric(10,2)", ["-99999999.99", "0.01"], "DECIMAL(10,2)"),
    ("numeric(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001"], "DECIMAL(38,10)"),
    ("numeric(28,6)", ["1234567890123456789012.123456", "0"], "DECIMAL(28,6)"),
    ("numeric(50,20)", ["123456789012345678901234567890.12345678901234567890", "0"], "VARCHAR"),
    ("numeric", ["12345678901234567890.123456789012345678901234567890", "1e-30"], "VARCHAR"),
    ("real", ["16777215", "1.17549435e-38", "'NaN'", "'-Infinity'", "0.1"], "FLOAT"),
    ("double precision", ["0.1", "-1.7976931348623157e308", "5e-324", "'NaN'", "'Infinity'", "2.2250738585072011e-308"], "DOUBLE"),
    ("boolean", ["true", "false"], "BOOLEAN"),
    ("char(5)", ["'ab'", "''"], "VARCHAR"),
    ("varchar(20)", ["'häß€😀'", "'a''b\\c'"], "VARCHAR"),
    ("text", ["repeat('0123456789', 5000)", "E'x\\ny\\tz\\r\\nw'", "''", "'{fn now()} ? $1'"], "VARCHAR"),
    ("\"char\"", ["'x'"], "VARCHAR"),
    ("name", ["'a b'"], "VARCHAR"),
    ("bytea", ["'\\x00ff27'", "''", "decode(repeat('00ff27', 100000), 'hex')"], "BLOB"),
    ("date", ["'0001-01-01'", "'9999-12-31'"], "DATE"),
    ("time", ["'00:00:00'", "'23:59:59.999999'"], "TIME"),
    ("timestamp", ["'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.5'"], "TIMESTAMP"),
    ("timestamptz", ["'1900-01-01 00:00:00+05:30'", "'9999-12-31 23:59:59.999999+00'", "'2024-07-01 12:00:00 Europe/Berlin'"],
     "TIMESTAMP WITH TIME ZONE"),
    ("uuid", ["'123e4567-e89b-12d3-a456-426614174000'", "'00000000-0000-0000-0000-000000000000'"], "UUID"),
    ("json", ["'{\"b\":  1, \"a\": [1, null], \"b\": 2}'", "'1'"], None),
    ("jsonb", ["'{\"b\":  1, \"a\": [1, null]}'", "'\"ä\"'"], None),
    ("interval", ["'1 year -2 days 03:04:05.000006'"], "VARCHAR"),
    ("timetz", ["'12:00:00.5+05:30'"], "VARCHAR"),
    ("inet", ["'10.0.0.1'", "'::1/64'"], "VARCHAR"),
    ("integer[]", ["'{1,NULL,3}'"], "VARCHAR"),
    ("text[]", ["array['a,b', 'ä\"', NULL]"], "VARCHAR"),
    ("int4range", ["'[1,5)'"], "VARCHAR"),
    ("point", ["'(1.1,2)'"], "VARCHAR"),
    ("oid", ["4294967295"], "BIGINT"),
    ("xid8", ["'18446744073709551615'"], "DECIMAL(20,0)"),
    ("money", ["'-92233720368547758.08'", "'1.23'"], "DECIMAL(19,2)"),
    ("mood", ["'ö'"], "VARCHAR"),
    ("posint", ["7"], "INTEGER"),
]
MADE = "CREATE TYPE mood AS ENUM ('x', 'ö'); CREATE DOMAIN posint AS integer CHECK (VALUE > 0)"
# As text: money's own has a sign and commas, json keeps its text.
SHOWN = {"money": "v::numeric", "json": "v::text", "jsonb": "v::text"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TYPES, ids=[case[0] for case in TYPES])
def test_every_type(pulk, odbc_db, case, kind):
    native, values, duckdb_type = case
    odbc_db.execute(MADE)
    odbc_db.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {native})")
    for number, value in enumerate([*values, "NULL"]):
        odbc_db.execute(f"INSERT INTO t VALUES ({number}, {value})")
    pulk.write_config(odbc_db, target=kind)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    table = pulk.read("t")
    if kind == "duckdb" and duckdb_type:
        assert table.types[1] == duckdb_type
    expected = odbc_db.rows(f"SELECT id, {SHOWN.get(native, 'v')} FROM t")
    assert_same_rows(expected, table.rows)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("driver", ["PostgreSQL ANSI", "PostgreSQL Unicode"])
def test_text_is_that_of_the_server_in_every_locale(pulk, db, driver, locale):
    db.execute("CREATE TABLE t (id int PRIMARY KEY, \"ö\" text, n numeric(20,5), d double precision);"
               "INSERT INTO t SELECT n, 'häß€😀' || n, n / 3.0, n / 3.0 FROM generate_series(1, 500) n")
    pulk.write_config(OverPsqlodbc(db, driver))
    pulk.write_workflow(["t"])
    pulk.migrate(env={"LC_ALL": locale}).expect(0)
    assert_same_rows(db.rows("TABLE t"), pulk.rows("t"))
    assert pulk.read("t").columns == ["id", "ö", "n", "d"]


@pytest.mark.parametrize("native, value, shown", [
    ("date", "'infinity'", "infinity"), ("date", "'0044-03-15 BC'", "0044-03-15 BC"), ("timestamp", "'12345-01-01'", "12345-01-01"),
    ("timestamptz", "'-infinity'", "-infinity"), ("time", "'24:00:00'", "24:00:00"), ("numeric(5,2)", "'NaN'", "NaN")])
def test_a_value_without_a_carrier_is_refused_with_its_key_and_taken_as_text(pulk, odbc_db, native, value, shown):
    odbc_db.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {native}); INSERT INTO t VALUES (7, {value})")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "column v", shown, "id = 7")
    pulk.write_workflow([table_entry("t", columnTypeMappings=[{"sourceType": native.split("(")[0], "targetType": "VARCHAR"}])])
    pulk.migrate("--restart").expect(0)
    assert pulk.rows("t")[0][1].startswith(shown)


def test_a_type_whose_text_is_not_known_to_be_exact_is_refused(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (id int PRIMARY KEY, g regclass[])")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "g", "regclass")
    pulk.assert_nothing_made()


# --- ranges

@pytest.mark.parametrize("settings", [
    {"columnNamesToPartitionBy": ["k"], "partitionSize": {"maxRowsPerPartition": 130}},
    {"columnNamesToPartitionBy": ["s", "k"], "partitionSize": {"maxRowsPerPartition": 130}},
    {"partitionSize": {"maxRowsPerPartition": 130}}], ids=["key", "two columns", "pages"])
def test_ranges_hold_every_row_once(pulk, odbc_db, settings):
    odbc_db.execute("CREATE TABLE t (k int, s text, v int);"
                    "INSERT INTO t SELECT CASE WHEN n % 9 = 0 THEN NULL ELSE n END, 'Ä''\\' || n % 7, n FROM generate_series(1, 2000) n;"
                    "CREATE INDEX ON t (k); ANALYZE t")
    pulk.write_config(odbc_db)
    pulk.write_workflow([table_entry("t", **settings)])
    result = pulk.migrate("--parallel", "3").expect(0)
    assert result.table("t")["partitions"] >= 4
    assert result.table("t")["exactly_once"] == "snapshot"
    assert_same_rows(odbc_db.rows("TABLE t"), pulk.rows("t"))


# --- objects

def test_awkward_names_empty_tables_views_queries_and_filters(pulk, odbc_db):
    odbc_db.execute("""CREATE SCHEMA "S 1";
        CREATE TABLE "S 1"."a ""b.c?{" ("se lect" int, "ö'" text, "CamelCase" int);
        INSERT INTO "S 1"."a ""b.c?{" VALUES (1, 'x', 2);
        CREATE TABLE empty (id int PRIMARY KEY);
        CREATE TABLE nokey (v int, a numeric(12,2), d posint);
        INSERT INTO nokey VALUES (1, 1.5, 1), (1, 2, 2), (NULL, NULL, NULL);
        CREATE VIEW w AS SELECT v + 1 AS w FROM nokey""".replace("CREATE TABLE nokey", MADE + "; CREATE TABLE nokey"))
    pulk.write_config(odbc_db)
    pulk.write_workflow([
        {"source": {"schemaName": '"S 1"', "tableName": '"a ""b.c?{"'}, "target": {"tableName": "awkward"}},
        "empty", "nokey", "w",
        {"source": {"query": "SELECT v, count(*) AS n, 'é' AS txt, max(d) AS d, now() > '2000-01-01' AS b FROM nokey GROUP BY v;"},
         "target": {"tableName": "q"}},
        {"source": {"query": "SELECT a FROM nokey WHERE a > 0"}, "target": {"tableName": "n"},
         "columnTypeMappings": [{"sourceType": "numeric", "targetType": "DECIMAL(12,2)"}]},
        {"source": {"tableName": "nokey"}, "target": {"tableName": "some"}, "whereClauseCriteria": "v IS NOT NULL -- not the others"},
    ])
    pulk.migrate().expect(0)
    assert pulk.rows("awkward") == [("1", "x", "2")] and pulk.read("awkward").columns == ["se lect", "ö'", "CamelCase"]
    assert pulk.rows("empty") == []
    assert_same_rows(odbc_db.rows("TABLE nokey"), pulk.rows("nokey"))
    assert_same_rows([("2",), ("2",), (None,)], pulk.rows("w"))
    assert_same_rows([("1", "2", "é", "2", "true"), (None, "1", "é", None, "true")], pulk.rows("q"))
    assert_same_rows([("1.50",), ("2.00",)], pulk.rows("n"))
    assert len(pulk.rows("some")) == 2


def test_an_operator_that_the_driver_takes_for_a_parameter_is_named(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (j jsonb); INSERT INTO t VALUES ('{\"a\": 1}'), ('{}')")
    pulk.write_config(odbc_db)
    pulk.write_workflow([table_entry("t", whereClauseCriteria="j ? 'a'")])
    pulk.migrate().expect(1, "jsonb_exists()")
    pulk.write_workflow([table_entry("t", whereClauseCriteria="jsonb_exists(j, 'a')")])
    pulk.migrate("--restart").expect(0)
    assert len(pulk.rows("t")) == 1


def test_long_values_between_short_ones(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (id int PRIMARY KEY, v text, b bytea, w text);"
                    "INSERT INTO t SELECT n, 'v' || n, decode(md5(n::text), 'hex'), repeat('w', n % 1200) FROM generate_series(1, 2000) n;"
                    "UPDATE t SET v = repeat(id || 'ä', 500000), b = decode(repeat('00ff27', 1000000 + id), 'hex') WHERE id IN (3, 500, 501, 1999)")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    from support.target import open_duckdb
    with open_duckdb(pulk.target) as connection:
        found = [(str(i), *rest) for i, *rest in connection.execute("SELECT id, md5(v), md5(b), md5(w) FROM t").fetchall()]
    assert_same_rows(odbc_db.rows("SELECT id, md5(v), md5(b), md5(w) FROM t"), found)


# --- one moment

def test_writers_meanwhile_are_not_seen(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT n, 0 FROM generate_series(1, 1000) n; ANALYZE t")
    pulk.write_config(odbc_db)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    running = pulk.start_migrate("--parallel", "3", env={"PULK_STOP_AT": "partition.taken:1"})
    running.wait_until_stopped()
    odbc_db.execute("UPDATE t SET v = 1, id = id + 10000; DELETE FROM t WHERE id % 2 = 1; INSERT INTO t VALUES (1, 2)")
    with pytest.raises(Exception, match="lock timeout"):
        odbc_db.execute("SET lock_timeout = '300ms'; TRUNCATE t")
    running.wake()
    assert running.wait().expect(0).table("t")["exactly_once"] == "snapshot"
    assert_same_rows([(str(n), "0") for n in range(1, 1001)], pulk.rows("t"))


def test_what_nobody_changed_is_kept_after_a_crash(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT n, 0 FROM generate_series(1, 1000) n; ANALYZE t")
    pulk.write_config(odbc_db)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 200})])
    crash(pulk, "load.recorded:2", "--parallel", "1")
    assert resume(pulk).table("t")["partitions_read_again"] == 0
    check_finished(pulk, {"t": odbc_db.rows("TABLE t")})
    crash(pulk, "load.recorded:2", "--parallel", "1")
    odbc_db.execute("UPDATE t SET v = 1 WHERE id = 1")
    assert resume(pulk).table("t")["partitions_read_again"] == 1
    check_finished(pulk, {"t": odbc_db.rows("TABLE t")})


@pytest.mark.parametrize("step, kind", [(step, KINDS[i % 2]) for i, step in enumerate(STEPS)])
def test_killed_at_every_step_and_resumed(pulk, odbc_db, step, kind):
    odbc_db.execute(SOURCE)
    pulk.write_config(odbc_db, target=kind)
    pulk.write_workflow(WORKFLOW)
    crash(pulk, step, "--parallel", "2")
    resume(pulk, "--parallel", "2")
    check_finished(pulk, contents(odbc_db, TABLES))


# --- what goes wrong

def test_logins_and_names(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    pulk.write_workflow(["orders"])
    pulk.write_config(odbc_db, password="wrong-4711")
    result = pulk.migrate().expect(5, "password authentication failed")
    assert "wrong-4711" not in result.text
    pulk.write_config(odbc_db, port=1)
    pulk.migrate().expect(2, "cannot connect")
    pulk.write_config(odbc_db, database="nowhere")
    pulk.migrate().expect(5, "nowhere")
    pulk.write_config(odbc_db, **{"odbc_options.UseDeclareFetch": "1"})
    pulk.migrate().expect(1, "UseDeclareFetch")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["ordres"])
    pulk.migrate().expect(1, "ordres", "did you mean")
    pulk.write_config(odbc_db, driver_name="PostgreSQL Nowhere")
    pulk.migrate().expect(1, "PostgreSQL Nowhere", "odbcinst")
    pulk.assert_nothing_made()


def test_a_missing_privilege_is_named(pulk, odbc_db):
    odbc_db.database.execute("CREATE TABLE hidden (id int); REVOKE ALL ON hidden FROM mover", user="postgres")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["hidden"])
    pulk.migrate().expect(5, "lacks SELECT", "GRANT SELECT")


@pytest.mark.parametrize("password", ["Zaphod;4711}horse", "100%25+1 {x}", " a=b ?'\"\\ "])
def test_passwords_that_a_connection_string_would_take_apart(pulk, odbc_db, password):
    odbc_db.database.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    quoted = password.replace("'", "''")
    odbc_db.database.execute(f"CREATE ROLE odd LOGIN PASSWORD '{quoted}' IN ROLE mover", user="postgres")
    try:
        pulk.write_config(odbc_db, username="odd", password=password)
        pulk.write_workflow(["t"])
        pulk.migrate().expect(0)
    finally:
        odbc_db.database.execute("DROP ROLE odd", user="postgres")


def test_ctrl_c_stops_the_running_statement(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1);"
                    "CREATE VIEW slow AS SELECT id, pg_sleep(600)::text AS s FROM t")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["slow"])
    running = pulk.start_migrate()
    running.wait_for(lambda: odbc_db.rows("SELECT 1 FROM pg_stat_activity WHERE query ~ '^FETCH' AND state = 'active'"), what="the read")
    running.process.send_signal(signal.SIGINT)
    assert running.wait(20).code not in (0, None)
    assert not odbc_db.rows("SELECT 1 FROM pg_stat_activity WHERE query ~ '^FETCH' AND state = 'active'")


def test_plan_and_receipt_name_driver_and_moment(pulk, odbc_db):
    odbc_db.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    pulk.write_config(odbc_db)
    pulk.write_workflow(["t"])
    plan = pulk.run("plan", str(pulk.workflow)).expect(0)
    assert "psqlodbcw.so" in plan.stdout and "snapshot" in plan.stdout
    pulk.migrate().expect(0)
    receipt = json.loads(pulk.run("status", "--json").expect(0).stdout)[0]["tables"][0]["snapshot"]
    assert json.loads(receipt)["snapshot"].count(":") == 2
