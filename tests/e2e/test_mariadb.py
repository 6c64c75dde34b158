"""MariaDB over ODBC, by a real server and its own driver. Expected values are written by hand or come from PyMySQL."""

import json

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KINDS, STEPS, check_finished, crash, resume
from support.pulk import table_entry
from support.values import assert_same_rows

TYPES = [
    # column, type, native values as SQL, expected values, expected DuckDB type
    ("ti", "tinyint", ["-128", "127"], ["-128", "127"], "SMALLINT"),
    ("tu", "tinyint unsigned", ["0", "255"], ["0", "255"], "SMALLINT"),
    ("si", "smallint", ["-32768", "32767"], ["-32768", "32767"], "SMALLINT"),
    ("su", "smallint unsigned", ["0", "65535"], ["0", "65535"], "INTEGER"),
    ("mi", "mediumint", ["-8388608", "8388607"], ["-8388608", "8388607"], "INTEGER"),
    ("i", "int", ["-2147483648", "2147483647"], ["-2147483648", "2147483647"], "INTEGER"),
    ("iu", "int unsigned zerofill", ["0", "4294967295"], ["0", "4294967295"], "BIGINT"),
    ("bi", "bigint", ["-9223372036854775808", "9223372036854775807"], ["-9223372036854775808", "9223372036854775807"], "BIGINT"),
    ("bu", "bigint unsigned", ["0", "18446744073709551615"], ["0", "18446744073709551615"], "DECIMAL(20,0)"),
    ("d", "decimal(10,2)", ["-99999999.99", "0.01"], ["-99999999.99", "0.01"], "DECIMAL(10,2)"),
    ("dd", "decimal(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001"],
     ["-9999999999999999999999999999.9999999999", "0.0000000001"], "DECIMAL(38,10)"),
    ("wide", "decimal(65,30)", ["-99999999999999999999999999999999999.000000000000000000000000000001", "0"],
     ["-99999999999999999999999999999999999.000000000000000000000000000001", "0.000000000000000000000000000000"], "VARCHAR"),
    ("f", "float", ["16777215", "1.17549435e-38"], ["16777215.0", "1.1754943508222875e-38"], "FLOAT"),
    ("db", "double", ["0.1", "-1.7976931348623157e308"], ["0.1", "-1.7976931348623157e+308"], "DOUBLE"),
    ("b1", "bit(1)", ["b'1'", "b'0'"], ["true", "false"], "BOOLEAN"),
    ("b9", "bit(9)", ["b'101010101'", "0"], ["341", "0"], "BIGINT"),
    ("b64", "bit(64)", ["0xFFFFFFFFFFFFFFFF", "1"], ["18446744073709551615", "1"], "DECIMAL(20,0)"),
    ("c", "char(5)", ["'ab'", "''"], ["ab", ""], "VARCHAR"),
    ("v", "varchar(20)", ["'häß€😀'", "'a''b\\\\c'"], ["häß€😀", "a'b\\c"], "VARCHAR"),
    ("l1", "varchar(20) character set latin1", ["'äöü'", "' x '"], ["äöü", " x "], "VARCHAR"),
    ("t", "text", ["repeat('0123456789', 5000)", "'x\\ny\\tz'"], ["0123456789" * 5000, "x\ny\tz"], "VARCHAR"),
    ("nul", "varchar(9)", ["concat('a', char(0), 'b')", "char(0)"], ["a\0b", "\0"], "VARCHAR"),
    ("e", "enum('x','ö')", ["'ö'", "'x'"], ["ö", "x"], "VARCHAR"),
    ("s", "set('x','y')", ["'x,y'", "''"], ["x,y", ""], "VARCHAR"),
    ("bin", "binary(4)", ["x'00ff'", "x'01020304'"], ["00ff0000", "01020304"], "BLOB"),
    ("vb", "varbinary(10)", ["x'00ff27'", "''"], ["00ff27", ""], "BLOB"),
    ("bl", "longblob", ["repeat(x'00ff', 100000)", "x'5c'"], ["00ff" * 100000, "5c"], "BLOB"),
    ("dt", "date", ["'1000-01-01'", "'9999-12-31'"], ["1000-01-01", "9999-12-31"], "DATE"),
    ("tm", "time(6)", ["'00:00:00'", "'23:59:59.999999'"], ["00:00:00", "23:59:59.999999"], "TIME"),
    ("dtm", "datetime(6)", ["'1000-01-01'", "'9999-12-31 23:59:59.999999'"], ["1000-01-01 00:00:00", "9999-12-31 23:59:59.999999"], "TIMESTAMP"),
    ("dts", "datetime", ["'2024-02-29 12:00:00'", "'2024-02-29 12:00:01'"], ["2024-02-29 12:00:00", "2024-02-29 12:00:01"], "TIMESTAMP"),
    ("ts", "timestamp(6) null", ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"],
     ["1970-01-01 00:00:01+00", "2038-01-19 03:14:07.999999+00"], "TIMESTAMP WITH TIME ZONE"),
    ("y", "year", ["1901", "2155"], ["1901", "2155"], "SMALLINT"),
    ("j", "json", ["'{\"a\": [1, null]}'", "'1'"], ['{"a": [1, null]}', "1"], "VARCHAR"),
    ("u", "uuid", ["'123e4567-e89b-12d3-a456-426614174000'", "'00000000-0000-0000-0000-000000000000'"],
     ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"], "UUID"),
    ("i6", "inet6", ["'::1'", "'2001:db8::ff00:42:8329'"], ["::1", "2001:db8::ff00:42:8329"], "VARCHAR"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TYPES, ids=[case[1] for case in TYPES])
def test_every_type(pulk, maria, case, kind):
    _, native, values, expected, duckdb_type = case
    maria.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {native})")
    for number, value in enumerate([*values, "NULL"]):
        maria.execute(f"INSERT INTO t VALUES ({number}, {value})")
    pulk.write_config(maria, target=kind)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    table = pulk.read("t")
    if kind == "duckdb":
        assert table.types[1] == duckdb_type
    assert_same_rows([(str(n), v) for n, v in enumerate([*expected, None])], table.rows)


@pytest.mark.parametrize("native, value, text", [
    ("date", "'0000-00-00'", "0000-00-00"), ("datetime", "'2024-00-10 00:00:00'", "2024-00-10 00:00:00"),
    ("time(3)", "'-838:59:59.000'", "-838:59:59.000")])
def test_a_value_without_a_carrier_is_refused_with_its_key_and_taken_as_text(pulk, maria, native, value, text):
    maria.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {native})")
    maria.execute("SET sql_mode = ''", f"INSERT INTO t VALUES (7, {value})")
    pulk.write_config(maria)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "column v", text, "id = 7")
    bare = native.split("(")[0]
    pulk.write_workflow([table_entry("t", columnTypeMappings=[{"sourceType": bare, "targetType": "VARCHAR"}])])
    pulk.migrate("--restart").expect(0)
    assert pulk.rows("t") == [("7", text)]


def test_a_type_without_a_rule_is_refused_by_name(pulk, maria):
    maria.execute("CREATE TABLE t (id int PRIMARY KEY, g point)")
    pulk.write_config(maria)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "g", "point")
    pulk.assert_nothing_made()


# --- ranges of keys

KEYS = {
    "integer": ("k int PRIMARY KEY", "seq * 7"),
    "skewed": ("k bigint PRIMARY KEY", "if(seq < 990, seq, seq * 1000000000)"),
    "unsigned": ("k bigint unsigned PRIMARY KEY", "18446744073709551615 - seq"),
    "negative": ("k smallint PRIMARY KEY", "cast(seq AS signed) - 500"),
    "decimal": ("k decimal(20,5) PRIMARY KEY", "seq / 3 - 100"),
    "text": ("k varchar(40) PRIMARY KEY", "concat(if(seq % 2, 'Ä', 'a'), '''', '\\\\', seq)"),
    "one value in half of the rows": ("k varchar(9), KEY (k)", "if(seq % 2, 'same', seq)"),
    "upper and lower case": ("k varchar(9), KEY (k)", "if(seq % 2, 'Same', 'sAME')"),
    "with NULL": ("k int, KEY (k)", "if(seq % 10, seq, NULL)"),
    "date": ("k date, KEY (k)", "'2000-01-01' + interval seq % 300 day"),
    "datetime": ("k datetime(6) PRIMARY KEY", "'2000-01-01' + interval seq * 1000003 microsecond"),
    "timestamp": ("k timestamp(6) NOT NULL, KEY (k)", "'2000-01-02' + interval seq * 100003 microsecond"),
    "bytes": ("k binary(8) PRIMARY KEY", "unhex(substr(md5(seq), 1, 16))"),
    "uuid": ("k uuid PRIMARY KEY", "concat('00000000-0000-4000-8000-', lpad(hex(seq * 7919), 12, '0'))"),
}


@pytest.mark.parametrize("name", KEYS)
def test_ranges_hold_every_row_once(pulk, maria, name):
    column, value = KEYS[name]
    maria.execute(f"CREATE TABLE t (v int, {column})", f"INSERT INTO t SELECT seq, {value} FROM seq_1_to_1000", "ANALYZE TABLE t")
    pulk.write_config(maria)
    for size in ({"maxRowsPerPartition": 130}, {"targetSizeMb": 1}):
        pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["k"], partitionSize=size)])
        result = pulk.migrate("--restart").expect(0)
        assert sorted(int(row[0]) for row in pulk.rows("t")) == list(range(1, 1001))
        if "maxRowsPerPartition" in size and name != "upper and lower case":
            assert result.table("t")["partitions"] >= 4


@pytest.mark.parametrize("nullable", ["NOT NULL", "NULL"])
def test_ranges_over_several_columns(pulk, maria, nullable):
    maria.execute(f"CREATE TABLE t (v int, a int {nullable}, b varchar(9) {nullable}, c date {nullable}, KEY (a, b, c))",
                  "INSERT INTO t SELECT seq, seq % 3, concat('x', seq % 11), '2020-01-01' + interval seq % 50 day FROM seq_1_to_1000")
    if nullable == "NULL":
        maria.execute("UPDATE t SET a = NULL WHERE v % 7 = 0", "UPDATE t SET b = NULL WHERE v % 5 = 0", "UPDATE t SET c = NULL WHERE v % 11 = 0")
    maria.execute("ANALYZE TABLE t")
    pulk.write_config(maria)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["a", "b", "c"], partitionSize={"maxRowsPerPartition": 90})])
    assert pulk.migrate().expect(0).table("t")["partitions"] > 5
    assert sorted(int(row[0]) for row in pulk.rows("t")) == list(range(1, 1001))


def test_a_key_whose_ranges_cannot_be_told_is_refused(pulk, maria):
    maria.execute("CREATE TABLE t (k double, v int)", "INSERT INTO t SELECT seq / 3, seq FROM seq_1_to_500", "ANALYZE TABLE t")
    pulk.write_config(maria)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["k"], partitionSize={"maxRowsPerPartition": 100})])
    pulk.migrate().expect(1, "k (double)", "cannot be told exactly")


# --- objects

def test_awkward_names_empty_tables_views_queries_and_filters(pulk, maria):
    maria.execute("CREATE TABLE `a ``b\"c.d` (`se lect` int, `ö\"` text, `CamelCase` int)",
                  "INSERT INTO `a ``b\"c.d` VALUES (1, 'x', 2)",
                  "CREATE TABLE empty (id int PRIMARY KEY)",
                  "CREATE TABLE nokey (v int)", "INSERT INTO nokey VALUES (1), (1), (NULL)",
                  "CREATE VIEW v AS SELECT v + 1 AS w FROM nokey")
    pulk.write_config(maria)
    pulk.write_workflow([
        {"source": {"tableName": "`a ``b\"c.d`"}, "target": {"tableName": "awkward"}},
        "empty", "nokey", "v",
        {"source": {"query": "SELECT v, count(*) AS n, sum(v) AS total, 'é' AS txt FROM nokey GROUP BY v;"}, "target": {"tableName": "q"}},
        {"source": {"tableName": "nokey"}, "target": {"tableName": "some"}, "whereClauseCriteria": "v IS NOT NULL -- not the others"},
    ])
    pulk.migrate().expect(0)
    assert pulk.rows("awkward") == [("1", "x", "2")] and pulk.read("awkward").columns == ["se lect", 'ö"', "CamelCase"]
    assert pulk.rows("empty") == []
    assert_same_rows([("1",), ("1",), (None,)], pulk.rows("nokey"))
    assert_same_rows([("2",), ("2",), (None,)], pulk.rows("v"))
    assert_same_rows([("1", "2", "2", "é"), (None, "1", None, "é")], pulk.rows("q"))
    assert_same_rows([("1",), ("1",)], pulk.rows("some"))


def test_long_values_between_short_ones(pulk, maria):
    maria.execute("SET GLOBAL max_allowed_packet = 67108864",
                  "CREATE TABLE t (id int PRIMARY KEY, v longtext, b longblob)",
                  "INSERT INTO t SELECT seq, concat('v', seq), unhex(md5(seq)) FROM seq_1_to_2000")
    maria.execute("UPDATE t SET v = repeat(concat(id, 'ä'), 500000), b = repeat(x'00ff27', 1000000 + id) WHERE id IN (3, 500, 501, 1999)")
    pulk.write_config(maria)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    assert_same_rows(maria.rows("SELECT id, md5(v), md5(b) FROM t"), pulk_md5(pulk))


def pulk_md5(pulk):
    from support.target import open_duckdb
    with open_duckdb(pulk.target) as connection:
        return [(str(i), v, b) for i, v, b in connection.execute("SELECT id, md5(v), md5(b) FROM t").fetchall()]


# --- one moment

LEVELS = [
    # binary log, lanes, keys of the connection, level
    (False, "1", {}, "snapshot"),
    (False, "2", {}, "per-partition"),
    (False, "2", {"snapshot_lock": True}, "snapshot"),
    (True, "2", {}, "snapshot"),
    (True, "2", {"snapshot_lock": True}, "snapshot"),
]


@pytest.mark.parametrize("log, lanes, keys, level", LEVELS)
def test_a_writer_meanwhile(pulk, mariadb_servers, log, lanes, keys, level):
    db = mariadb_servers(log).create_database()
    db.execute("CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t SELECT seq, 0 FROM seq_1_to_1000", "ANALYZE TABLE t")
    pulk.write_config(db, **keys)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    running = pulk.start_migrate("--parallel", lanes, env={"PULK_STOP_AT": "partition.taken:1"})
    running.wait_until_stopped()
    db.execute("UPDATE t SET v = 1, id = id + 10000", "DELETE FROM t WHERE id % 2", "INSERT INTO t VALUES (1, 2)")
    running.wake()
    result = running.wait().expect(0)
    assert result.table("t")["exactly_once"] == level
    assert_same_rows([(str(n), "0") for n in range(1, 1001)], pulk.rows("t"))
    db.drop()


def test_an_engine_without_transactions_is_named(pulk, maria):
    maria.execute("CREATE TABLE t (id int PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO t VALUES (1)")
    pulk.write_config(maria)
    pulk.write_workflow(["t"])
    plan = pulk.run("plan", str(pulk.workflow)).expect(0)
    assert "MyISAM has no transactions" in plan.stdout
    assert pulk.migrate("--parallel", "1").expect(0).table("t")["exactly_once"] == "per-partition"


def test_with_a_binary_log_what_nobody_changed_is_kept(pulk, maria_logged):
    maria_logged.execute("CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t SELECT seq, 0 FROM seq_1_to_1000", "ANALYZE TABLE t")
    pulk.write_config(maria_logged)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    crash(pulk, "load.recorded:2", "--parallel", "1")
    result = resume(pulk)
    assert result.table("t")["partitions_read_again"] == 0
    crash_again = pulk.migrate(env={"PULK_CRASH_AT": "load.recorded:2"})
    maria_logged.execute("UPDATE t SET v = 1 WHERE id = 1")
    result = resume(pulk)
    assert result.table("t")["partitions_read_again"] == 2, crash_again
    check_finished(pulk, {"t": [(str(n), "1" if n == 1 else "0") for n in range(1, 1001)]})


def test_ddl_waits_and_a_changed_table_is_found(pulk, maria):
    maria.execute("CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t SELECT seq, 0 FROM seq_1_to_1000", "ANALYZE TABLE t")
    pulk.write_config(maria)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    running = pulk.start_migrate(env={"PULK_STOP_AT": "partition.taken:1"})
    running.wait_until_stopped()
    with pytest.raises(Exception, match="Lock wait timeout"):
        maria.execute("SET lock_wait_timeout = 1", "TRUNCATE TABLE t")
    running.kill()
    maria.execute("ALTER TABLE t ADD COLUMN w int")
    pulk.migrate().expect(4, "no longer those that were planned")
    pulk.migrate("--restart").expect(0)
    assert len(pulk.read("t").columns) == 3


# --- what goes wrong

def test_logins_and_names(pulk, maria):
    maria.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    pulk.write_workflow(["orders"])
    pulk.write_config(maria, password="wrong-4711")
    result = pulk.migrate().expect(5, "Access denied")
    assert "wrong-4711" not in result.text
    pulk.write_config(maria, port=1)
    pulk.migrate().expect(2, "cannot connect")
    pulk.write_config(maria, database="nowhere")
    pulk.migrate().expect(5)
    pulk.write_config(maria)
    pulk.write_workflow(["ordres"])
    pulk.migrate().expect(1, "ordres", "did you mean orders?")
    pulk.write_config(maria, odbc_options=None, driver_name="No Such Driver")
    pulk.migrate().expect(1, "No Such Driver")
    pulk.assert_nothing_made()


@pytest.mark.parametrize("step, kind", [(step, KINDS[i % 2]) for i, step in enumerate(STEPS)])
def test_killed_at_every_step_and_resumed(pulk, maria, step, kind):
    maria.execute("CREATE TABLE a (id int PRIMARY KEY, b varchar(40))", "INSERT INTO a SELECT seq, md5(seq) FROM seq_1_to_600",
                  "CREATE TABLE b (n int)", "INSERT INTO b VALUES (1), (1), (NULL)", "ANALYZE TABLE a, b")
    pulk.write_config(maria, target=kind)
    pulk.write_workflow([table_entry("a", partitionSize={"maxRowsPerPartition": 250}), "b"])
    crash(pulk, step, "--parallel", "1")
    resume(pulk, "--parallel", "1")
    check_finished(pulk, {"a": maria.rows("SELECT * FROM a"), "b": maria.rows("SELECT * FROM b")})


@pytest.mark.parametrize("kind", KINDS)
def test_validated_against_the_target(pulk, maria, kind):
    """All types side by side; then one row of the source is changed, one goes and one comes."""
    columns = ", ".join(f"{name} {native}" for name, native, *_ in TYPES)
    maria.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
    for row in range(2):
        maria.execute(f"INSERT INTO t VALUES ({row}, {', '.join(case[2][row] for case in TYPES)})")
    maria.execute("INSERT INTO t (id) SELECT seq FROM seq_2_to_1200", "ANALYZE TABLE t")
    pulk.write_config(maria, target=kind)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 300})])
    pulk.migrate("--validate").expect(0)
    maria.execute("UPDATE t SET v = 'other' WHERE id = 1", "DELETE FROM t WHERE id = 700", "INSERT INTO t (id) VALUES (5000)")
    report = pulk.folder / "report.json"
    pulk.run("validate", pulk.workflow, "--report", report).expect(3)
    found = json.loads(report.read_text())["tables"][0]
    assert [(row["finding"], row["key"]["id"]) for row in found["rows"]["first"]] == [
        ("changed", "1"), ("extra", "700"), ("missing", "5000")]
    assert [column["column"] for column in found["columns"] if not column["equal"]] == ["id", "v"]
