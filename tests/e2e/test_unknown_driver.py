"""Databases behind ODBC drivers that pulk does not know: real drivers that give another name (tests/doubles)."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KINDS, check_finished, crash, resume
from support.psqlodbc import OverPsqlodbc
from support.pulk import table_entry
from support.unheard_of import rename
from support.values import assert_same_rows

@pytest.fixture(scope="session")
def unheard_of(tmp_path_factory):
    return rename(tmp_path_factory.mktemp("driver"), "psqlodbcw.so")


@pytest.fixture
def far_db(db, unheard_of):
    return OverPsqlodbc(db, unheard_of)


NATIVE = {"odbc_options.BoolsAsChar": "0", "odbc_options.ByteaAsLongVarBinary": "1", "odbc_options.LFConversion": "0"}

TYPES = [
    # type, values as SQL, expected DuckDB type
    ("smallint", ["-32768", "32767"], "SMALLINT"),
    ("integer", ["-2147483648", "2147483647"], "INTEGER"),
    ("bigint", ["-9223372036854775808", "9223372036854775807"], "BIGINT"),
    ("numeric(10,2)", ["-99999999.99", "0.01"], "DECIMAL(10,2)"),
    ("numeric(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001"], "DECIMAL(38,10)"),
    ("real", ["16777215", "0.1", "1.1754944e-38"], "FLOAT"),
    ("double precision", ["0.1", "-1.7976931348623157e308", "5e-324"], "DOUBLE"),
    ("boolean", ["true", "false"], "BOOLEAN"),
    ("char(5)", ["'ab'", "''"], "VARCHAR"),
    ("varchar(20)", ["'häß€😀'", "'a''b\\c'", "''"], "VARCHAR"),
    ("text", ["repeat('0123456789ä€😀', 5000)", "E'x\\ny'", "repeat('ä', 511)", "repeat('ä', 512)", "repeat('ä', 513)"], "VARCHAR"),
    ("bytea", ["'\\x00ff27'", "''", "decode(repeat('00ff27', 100000), 'hex')"], "BLOB"),
    ("date", ["'0001-01-01'", "'9999-12-31'"], "DATE"),
    ("timestamp", ["'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.5'"], "TIMESTAMP"),
    ("uuid", ["'123e4567-e89b-12d3-a456-426614174000'"], "UUID"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TYPES, ids=[case[0] for case in TYPES])
def test_every_type(pulk, far_db, case, kind):
    native, values, duckdb_type = case
    far_db.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {native})")
    for number, value in enumerate([*values, "NULL"]):
        far_db.execute(f"INSERT INTO t VALUES ({number}, {value})")
    pulk.write_config(far_db, target=kind, **NATIVE)
    pulk.write_workflow(["t"])
    pulk.migrate(env={"LC_ALL": "C.UTF-8"}).expect(0)
    table = pulk.read("t")
    if kind == "duckdb":
        assert table.types[1] == duckdb_type
    assert_same_rows(far_db.rows("TABLE t"), table.rows)


def test_what_the_codes_do_not_say_is_refused_by_name(pulk, far_db):
    far_db.execute("CREATE TABLE t (id int PRIMARY KEY, z timestamptz)")
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "z", "timestamptz", "no exact way")
    pulk.assert_nothing_made()


def test_a_value_beyond_the_described_type_is_refused(pulk, far_db):
    # The driver calls numeric without precision numeric(28,6).
    far_db.execute("CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES (1, 1.5), (2, 0.1234567)")
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "column n", "0.1234567", "id = 2", "does not fit")


def test_objects_and_levels(pulk, far_db):
    far_db.execute('CREATE SCHEMA other; CREATE TABLE "a""B c" ("se lect" int, "CamelCase" text); INSERT INTO "a""B c" VALUES (1, \'x\');'
                   "CREATE TABLE a_b (v int); CREATE TABLE axb (w int); INSERT INTO a_b SELECT generate_series(1, 500);"
                   "CREATE TABLE empty (id int); CREATE VIEW w AS SELECT v + 1 AS w FROM a_b;"
                   "CREATE TABLE twice (v int); CREATE TABLE other.twice (v int)")
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow([
        {"source": {"tableName": '"a""B c"'}, "target": {"tableName": "odd"}}, "a_b", "empty", "w",
        {"source": {"query": "SELECT v AS n, 'é' AS t FROM a_b WHERE v < 3;"}, "target": {"tableName": "q"}},
        {"source": {"tableName": "a_b"}, "target": {"tableName": "some"}, "whereClauseCriteria": "v > 490 -- few"},
        {"source": {"schemaName": "other", "tableName": "twice"}, "target": {"tableName": "twice"}}])
    plan = pulk.run("plan", str(pulk.workflow)).expect(0)
    assert "pulk does not know this ODBC driver" in plan.stdout and "libunheardof.so" in plan.stdout and "per-partition" in plan.stdout
    result = pulk.migrate("--parallel", "3").expect(0)
    assert {table["exactly_once"] for table in result.summary["tables"]} == {"per-partition"}
    assert pulk.rows("odd") == [("1", "x")] and pulk.read("odd").columns == ["se lect", "CamelCase"]
    assert_same_rows(far_db.rows("TABLE a_b"), pulk.rows("a_b"))
    assert pulk.rows("empty") == [] and len(pulk.rows("w")) == 500 and len(pulk.rows("some")) == 10
    assert_same_rows([("1", "é"), ("2", "é")], pulk.rows("q"))


def test_a_trial_reads_no_more_rows_than_it_is_told(pulk, far_db):
    far_db.execute("CREATE TABLE t (v int); INSERT INTO t SELECT generate_series(1, 500)")
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow(["t"])
    pulk.migrate("--sample-rows", "7").expect(0)
    assert len(pulk.rows("t")) == 7


def test_names_that_are_wrong(pulk, far_db):
    far_db.execute("CREATE SCHEMA other; CREATE TABLE twice (v int); CREATE TABLE other.twice (v int); CREATE TABLE orders (v int)")
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow(["twice"])
    pulk.migrate().expect(1, "several tables", "schemaName")
    pulk.write_workflow(["ordres"])
    pulk.migrate().expect(1, "did you mean orders?")
    pulk.write_config(far_db, driver_name="/nowhere/libodd.so")
    pulk.write_workflow(["orders"])
    pulk.migrate().expect(1, "/nowhere/libodd.so")
    pulk.assert_nothing_made()
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow([table_entry("orders", columnNamesToPartitionBy=["v"], partitionSize={"maxRowsPerPartition": 10})])
    pulk.migrate().expect(1, "does not know", "remove columnNamesToPartitionBy")


@pytest.mark.parametrize("step", ["partition.first_batch", "partition.staged", "load.marked", "load.recorded", "publish.marked"])
def test_killed_and_resumed(pulk, far_db, step):
    far_db.execute("CREATE TABLE a (v int, t text); INSERT INTO a SELECT n, md5(n::text) FROM generate_series(1, 3000) n;"
                   "CREATE TABLE b (v int); INSERT INTO b VALUES (1), (NULL)")
    pulk.write_config(far_db, **NATIVE)
    pulk.write_workflow(["a", "b"])
    crash(pulk, step)
    resume(pulk)
    check_finished(pulk, {"a": far_db.rows("TABLE a"), "b": far_db.rows("TABLE b")}, level="per-partition")


def test_mariadb_under_another_name(pulk, maria, tmp_path):
    maria.execute("CREATE TABLE `a ``b` (id int unsigned PRIMARY KEY, v varchar(20), b bigint unsigned, d decimal(10,2), ts datetime(6), bin varbinary(9))",
                  "INSERT INTO `a ``b` VALUES (4294967295, 'häß€😀', 18446744073709551615, -0.01, '2024-02-29 12:00:00.000001', x'00ff')")
    pulk.write_config(maria, driver_name=rename(tmp_path, "libmaodbc.so"))
    pulk.write_workflow([{"source": {"tableName": "`a ``b`"}, "target": {"tableName": "t"}}])
    pulk.migrate().expect(0)
    assert pulk.rows("t") == [("4294967295", "häß€😀", "18446744073709551615", "-0.01", "2024-02-29 12:00:00.000001", "00ff")]


def test_a_known_driver_is_known_under_any_name(pulk, db, tmp_path):
    driver = tmp_path / "warehouse.so"
    driver.symlink_to("/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so")
    db.execute("CREATE TABLE t (id int PRIMARY KEY, z timestamptz); INSERT INTO t VALUES (1, '2024-01-01 00:00+00')")
    pulk.write_config(OverPsqlodbc(db, str(driver)))
    pulk.write_workflow(["t"])
    assert pulk.migrate().expect(0).table("t")["exactly_once"] == "snapshot"
