"""SQL Server by Microsoft's own driver, from the stand-in: ranges, objects, one moment, logins and what goes wrong."""

import time

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KINDS, STEPS, check_finished, crash, resume
from support.pulk import table_entry
from support.sqlserver import FREETDS_DRIVER, PASSWORD, PLAIN, plain_login
from support.values import assert_same_rows

READING = r"SELECT \[id\], \[v\] FROM"  # of a partition


def fill(db, name, columns, values, rows=1000):
    """A table made of the numbers 1 to `rows`; `values` speaks of them as value."""
    db.execute(f"CREATE TABLE {name} ({columns})", f"INSERT INTO {name} SELECT {values} FROM GENERATE_SERIES(1, {rows})")


# --- ranges of keys

KEYS = {
    "integer": ("k int PRIMARY KEY", "value * 7"),
    "skewed": ("k bigint PRIMARY KEY", "CASE WHEN value < 990 THEN value ELSE CAST(value AS bigint) * 1000000000 END"),
    "negative": ("k smallint PRIMARY KEY", "value - 500"),
    "decimal": ("k decimal(20,5) PRIMARY KEY", "CAST(value AS decimal(20,5)) / 4 - 100"),
    "money": ("k money PRIMARY KEY", "CAST(value AS money) - 500"),
    "text": ("k nvarchar(40) PRIMARY KEY", "CONCAT(CASE WHEN value % 2 = 0 THEN N'Ä' ELSE N'a' END, N'''', N']', value)"),
    "narrow text": ("k varchar(40) PRIMARY KEY", "CONCAT('it''s ', value)"),
    "one value in half of the rows": ("k varchar(9)", "CASE WHEN value % 2 = 0 THEN 'same' ELSE CAST(value AS varchar(9)) END"),
    "with NULL": ("k int", "CASE WHEN value % 10 = 0 THEN NULL ELSE value END"),
    "date": ("k date", "DATEADD(day, value % 300, CAST('2000-01-01' AS date))"),
    "datetime": ("k datetime PRIMARY KEY", "DATEADD(second, value, CAST('2000-01-01' AS datetime))"),
    "datetime2": ("k datetime2(7) PRIMARY KEY", "DATEADD(second, value, CAST('2000-01-01 00:00:00.1234567' AS datetime2(7)))"),
    "bytes": ("k binary(4) PRIMARY KEY", "CAST(value * 65537 AS binary(4))"),
    "uuid": ("k uniqueidentifier PRIMARY KEY",
             "CAST(CONCAT(RIGHT(CONCAT('0000000', value), 8), '-0000-4000-8000-', RIGHT(CONCAT('00000000000', value * 7), 12)) AS uniqueidentifier)"),
}


@pytest.mark.parametrize("name", KEYS)
def test_ranges_hold_every_row_once(pulk, mssql, name):
    column, value = KEYS[name]
    fill(mssql, "t", f"v int, {column}", f"value, {value}")
    pulk.write_config(mssql)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["k"], partitionSize={"maxRowsPerPartition": 130})])
    result = pulk.migrate().expect(0)
    assert sorted(int(row[0]) for row in pulk.rows("t")) == list(range(1, 1001))
    assert result.table("t")["partitions"] >= 4


@pytest.mark.parametrize("nullable", ["NOT NULL", "NULL"])
def test_ranges_over_several_columns(pulk, mssql, nullable):
    fill(mssql, "t", f"v int, a int {nullable}, b varchar(9) {nullable}",
         "value, value % 3, CONCAT('x', value % 11)")
    if nullable == "NULL":
        mssql.execute("UPDATE t SET a = NULL WHERE v % 7 = 0", "UPDATE t SET b = NULL WHERE v % 5 = 0")
    pulk.write_config(mssql)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["a", "b"], partitionSize={"maxRowsPerPartition": 90})])
    assert pulk.migrate().expect(0).table("t")["partitions"] > 5
    assert sorted(int(row[0]) for row in pulk.rows("t")) == list(range(1, 1001))


def test_a_key_in_another_collation_is_refused(pulk, mssql):
    fill(mssql, "t", "k varchar(9) COLLATE Polish_CI_AS, v int", "CAST(value AS varchar(9)), value")
    pulk.write_config(mssql)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["k"], partitionSize={"maxRowsPerPartition": 100})])
    pulk.migrate().expect(1, "COLLATE Polish_CI_AS", "cannot be told exactly")


# --- objects

def test_awkward_names_empty_tables_views_queries_and_filters(pulk, mssql):
    mssql.execute("CREATE SCHEMA [s x]", "CREATE TABLE [s x].[a ]]b\"c.d😀] ([se lect] int, [ö\"] nvarchar(9), [CamelCase] int)",
                  "INSERT INTO [s x].[a ]]b\"c.d😀] VALUES (1, N'x', 2)",
                  "CREATE TABLE empty (id int PRIMARY KEY)",
                  "CREATE TABLE nokey (v int)", "INSERT INTO nokey VALUES (1), (1), (NULL)",
                  "CREATE VIEW v AS SELECT v + 1 AS w FROM nokey")
    pulk.write_config(mssql)
    pulk.write_workflow([
        {"source": {"schemaName": "[s x]", "tableName": "[a ]]b\"c.d😀]"}, "target": {"tableName": "awkward"}},
        "empty", "nokey", "v",
        {"source": {"query": "SELECT v, COUNT(*) AS n, N'é' AS txt FROM nokey GROUP BY v;"}, "target": {"tableName": "q"}},
        {"source": {"tableName": "NOKEY"}, "target": {"tableName": "some"}, "whereClauseCriteria": "v IS NOT NULL -- not the others"},
    ])
    pulk.migrate().expect(0)
    assert pulk.rows("awkward") == [("1", "x", "2")] and pulk.read("awkward").columns == ["se lect", 'ö"', "CamelCase"]
    assert pulk.rows("empty") == []
    assert_same_rows([("1",), ("1",), (None,)], pulk.rows("nokey"))
    assert_same_rows([("2",), ("2",), (None,)], pulk.rows("v"))
    assert_same_rows([("1", "2", "é"), (None, "1", "é")], pulk.rows("q"))
    assert_same_rows([("1",), ("1",)], pulk.rows("some"))


def test_a_query_that_cannot_stand_in_brackets_is_refused(pulk, mssql):
    pulk.write_config(mssql)
    pulk.write_workflow([{"source": {"query": "WITH a AS (SELECT 1 AS x) SELECT x FROM a"}, "target": {"tableName": "q"}}])
    pulk.migrate().expect(1, "begins with WITH", "make it a view")


def test_long_values_between_short_ones(pulk, mssql):
    fill(mssql, "t", "id int PRIMARY KEY, v nvarchar(max), b varbinary(max)", "value, CONCAT(N'v', value), CAST(value AS varbinary(8))", 400)
    mssql.execute("UPDATE t SET v = REPLICATE(CAST(CONCAT(id, N'ä😀') AS nvarchar(max)), 100000), "
                  "b = CAST(REPLICATE(CAST('ab' AS varchar(max)), 300000 + id) AS varbinary(max)) WHERE id IN (3, 200, 201, 399)")
    pulk.write_config(mssql)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    rows = {int(row[0]): row[1:] for row in pulk.rows("t")}
    assert len(rows) == 400 and rows[7] == ("v7", "00000007")
    for number in (3, 200, 201, 399):
        assert rows[number] == (f"{number}ä😀" * 100000, "6162" * (300000 + number))


def test_a_table_as_wide_as_they_get(pulk, mssql):
    """1,024 columns: the statement is longer than a packet."""
    names = [f"a_column_with_a_long_name_{number}" for number in range(1, 1024)]
    mssql.execute(f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'{name} smallint' for name in names)})",
                  f"INSERT INTO t VALUES (1, {', '.join(str(number) for number in range(1, 1024))})")
    pulk.write_config(mssql)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    assert pulk.rows("t") == [tuple(str(number) for number in [1, *range(1, 1024)])]


@pytest.mark.parametrize("lanes", ["1", "2"])
def test_validated_against_the_target(pulk, mssql, lanes):
    mssql.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    fill(mssql, "t", "id int PRIMARY KEY, v nvarchar(20), d datetimeoffset(7)", "value, CONCAT(N'ä', value), CAST('2024-01-01 00:00:00.1234567 +01:00' AS datetimeoffset(7))", 600)
    pulk.write_config(mssql)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 250})])
    pulk.migrate("--validate", "--parallel", lanes).expect(0)
    mssql.execute("UPDATE t SET v = N'other' WHERE id = 7", "DELETE FROM t WHERE id = 300")
    pulk.run("validate", pulk.workflow, "--parallel", lanes).expect(3, "7", "300")


def test_a_view_that_reads_past_the_moment_says_so(pulk, mssql):
    mssql.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)",
                  "CREATE VIEW plain AS SELECT id FROM t", "CREATE VIEW dirty AS SELECT id FROM t WITH (NOLOCK)",
                  f"CREATE VIEW far AS SELECT id FROM {mssql.name}.dbo.t")
    pulk.write_config(mssql)
    for view, level in (("plain", "snapshot"), ("dirty", "per-partition"), ("far", "per-partition")):
        pulk.write_workflow([view])
        assert pulk.migrate("--parallel", "1", "--restart").expect(0).table(view)["exactly_once"] == level
    pulk.write_config(mssql, snapshot_lock=True)
    pulk.write_workflow(["plain"])
    pulk.migrate("--parallel", "2", "--restart").expect(1, "snapshot_lock cannot lock the tables of the view")


# --- one moment

LEVELS = [
    # ALLOW_SNAPSHOT_ISOLATION, lanes, keys of the connection, level
    ("ON", "1", {}, "snapshot"),
    ("ON", "2", {}, "per-partition"),
    ("ON", "2", {"snapshot_lock": True}, "snapshot"),
    ("OFF", "1", {}, "per-partition"),
    ("ON", "1", {"isolation": "read committed"}, "per-partition"),
]


@pytest.mark.parametrize("allowed, lanes, keys, level", LEVELS)
def test_a_writer_meanwhile(pulk, mssql, allowed, lanes, keys, level):
    mssql.execute(f"ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION {allowed}")
    fill(mssql, "t", "id int PRIMARY KEY, v int", "value, 0")
    pulk.write_config(mssql, **keys)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    running = pulk.start_migrate("--parallel", lanes, env={"PULK_STOP_AT": "partition.taken:1"})
    running.wait_until_stopped()
    mssql.execute("UPDATE t SET v = 1", "DELETE FROM t WHERE id % 2 = 1", "INSERT INTO t VALUES (5001, 2)")
    running.wake()
    result = running.wait()
    if level == "snapshot":
        assert result.expect(0).table("t")["exactly_once"] == level
        assert_same_rows([(str(n), "0") for n in range(1, 1001)], pulk.rows("t"))
    else:
        assert result.summary["tables"][0]["exactly_once"] == level


def test_a_database_snapshot_is_one_moment_for_all_lanes(pulk, mssql):
    fill(mssql, "t", "id int PRIMARY KEY, v int", "value, 0")
    mssql.server.execute(f"CREATE DATABASE {mssql.name}_then ON (NAME = data, FILENAME = '/data/then.ss') AS SNAPSHOT OF {mssql.name}")
    mssql.execute("UPDATE t SET v = 1")
    pulk.write_config(mssql, database=f"{mssql.name}_then")
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    crash(pulk, "load.recorded:2", "--parallel", "2")
    result = resume(pulk)
    # The moment has a name, and nothing of it has to be read again.
    assert result.table("t")["exactly_once"] == "snapshot" and result.table("t")["partitions_read_again"] == 0
    assert_same_rows([(str(n), "0") for n in range(1, 1001)], pulk.rows("t"))
    mssql.server.execute(f"DROP DATABASE {mssql.name}_then")


def test_a_lock_that_is_not_given_ends_in_time(pulk, mssql):
    mssql.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    fill(mssql, "t", "id int PRIMARY KEY, v int", "value, 0", 10)
    mssql.execute("BEGIN TRANSACTION", "UPDATE t SET v = 1 WHERE id = 1")
    pulk.write_config(mssql, snapshot_lock=True, lock_timeout=1)
    pulk.write_workflow(["t"])
    pulk.migrate("--parallel", "2").expect(2, "1222", "lock_timeout")
    mssql.execute("ROLLBACK TRANSACTION")


def test_a_changed_table_is_found(pulk, mssql):
    mssql.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    fill(mssql, "t", "id int PRIMARY KEY, v int", "value, 0")
    pulk.write_config(mssql)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    running = pulk.start_migrate("--parallel", "1", env={"PULK_STOP_AT": "partition.taken:1"})
    running.wait_until_stopped()
    running.kill()
    mssql.execute("ALTER TABLE t ADD w int")
    pulk.migrate().expect(4, "no longer those that were planned")
    pulk.migrate("--restart").expect(0)
    assert len(pulk.read("t").columns) == 3


# --- logins

def test_logins_and_names(pulk, mssql):
    mssql.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    pulk.write_workflow(["orders"])
    pulk.write_config(mssql, password="wrong-4711")
    result = pulk.migrate().expect(5, "Login failed")
    assert "wrong-4711" not in result.text
    pulk.write_config(mssql, port=1, connect_timeout=1)
    pulk.migrate().expect(2, "cannot connect")
    pulk.write_config(mssql, database="nowhere")
    pulk.migrate().expect(5, "nowhere")
    pulk.write_config(mssql, ca_certificate=None)
    pulk.migrate().expect(5, "certificate verify failed", "ca_certificate")
    pulk.write_config(mssql, odbc_driver="No Such Driver for SQL Server")
    pulk.migrate().expect(1, "No Such Driver")
    pulk.write_config(mssql)
    pulk.write_workflow(["ordres"])
    pulk.migrate().expect(1, "ordres", "did you mean orders?")
    pulk.assert_nothing_made()


def test_the_authority_can_be_named_by_the_environment(pulk, mssql):
    mssql.execute("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    pulk.write_config(mssql, ca_certificate=None)
    pulk.write_workflow(["t"])
    pulk.migrate(env={"SSL_CERT_FILE": str(mssql.server.certificate)}).expect(0)


@pytest.mark.parametrize("keys, problems", [
    ({"auth": "windows"}, ["must be one of sql, kerberos, entra", 'write "kerberos"']),
    ({"auth": "entra"}, ["username: belongs to auth", "azure_tenant_id: is missing", "azure_client_id: is missing"]),
    ({"host": "db\\one", "packet_size": 70000, "isolation": "snapshots"},
     ["names an instance", "packet_size: must be between 512 and 32767", 'did you mean "snapshot"?']),
    ({"database": None, "encrypt": "mandatory", "passwd": "x"}, ["database: is missing", "must be one of yes, strict, no", "passwd"]),
    ({"isolation": "serializable", "snapshot_lock": True}, ["snapshot_lock: is for snapshot transactions"]),
    ({"trust_server_certificate": True}, ["is not looked at when trust_server_certificate is true"]),
])
def test_everything_wrong_in_the_connection_is_told_at_once(pulk, mssql, keys, problems):
    pulk.write_config(mssql, **keys)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(1, *problems)
    pulk.assert_nothing_made()


def test_a_password_that_was_rotated_is_read_again(pulk, mssql, tmp_path):
    """The second connection of a run meets a password that was changed after the first one."""
    mssql.server.execute("CREATE LOGIN rotated WITH PASSWORD = 'First-4711'")
    fill(mssql, "t", "id int PRIMARY KEY", "value", 600)
    mssql.execute("CREATE USER rotated", "GRANT SELECT ON t TO rotated", "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    stored = tmp_path / "password"
    stored.write_text("First-4711")
    pulk.write_config(mssql, username="rotated", password=f"file:{stored}")
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 200})])
    running = pulk.start_migrate("--parallel", "1", env={"PULK_STOP_AT": "partition.taken:1"})
    running.wait_until_stopped()
    # The connections that are open go too, so that there is another login.
    mssql.server.control("kill", database=mssql.name)
    mssql.server.execute("ALTER LOGIN rotated WITH PASSWORD = 'Second-4711'")
    stored.write_text("Second-4711")
    running.wake()
    result = running.wait().expect(0)
    assert "the login was refused; trying the secret that is stored now" in result.text
    assert "4711" not in result.text
    assert sorted(int(row[0]) for row in pulk.rows("t")) == list(range(1, 601))


# --- what goes wrong

def test_a_connection_that_is_cut_in_the_middle_of_rows(pulk, mssql):
    fill(mssql, "t", "id int PRIMARY KEY, v nvarchar(100)", "value, REPLICATE(N'x', 100)", 5000)
    pulk.write_config(mssql)
    pulk.write_workflow(["t"])
    mssql.server.fault("close", like=READING, after_rows=2000)
    pulk.migrate().expect(0)
    assert sorted(int(row[0]) for row in pulk.rows("t")) == list(range(1, 5001))


def test_a_deadlock_is_tried_again(pulk, mssql):
    fill(mssql, "t", "id int PRIMARY KEY, v int", "value, 0", 100)
    pulk.write_config(mssql)
    pulk.write_workflow(["t"])
    mssql.server.fault("error", like=READING, number=1205)
    pulk.migrate().expect(0)
    assert len(pulk.rows("t")) == 100


def test_sigterm_stops_the_running_statement(pulk, mssql):
    fill(mssql, "t", "id int PRIMARY KEY, v int", "value, 0", 100)
    pulk.write_config(mssql)
    pulk.write_workflow(["t"])
    mssql.server.control("statements", forget=True)
    mssql.server.fault("stall", like=READING, after_rows=10, seconds=60)
    running = pulk.start_migrate()
    while not [one for one in mssql.server.statements("[v]") if "OFFSET" not in one["sql"]]:
        time.sleep(0.01)
    running.terminate()
    assert running.wait(30).code == 2


@pytest.mark.parametrize("step, kind", [(step, KINDS[i % 2]) for i, step in enumerate(STEPS)])
def test_killed_at_every_step_and_resumed(pulk, mssql, step, kind):
    fill(mssql, "a", "id int PRIMARY KEY, b varchar(40)", "value, CONCAT('b', value)", 600)
    mssql.execute("CREATE TABLE b (n int)", "INSERT INTO b VALUES (1), (1), (NULL)", "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    pulk.write_config(mssql, target=kind)
    pulk.write_workflow([table_entry("a", partitionSize={"maxRowsPerPartition": 250}), "b"])
    crash(pulk, step, "--parallel", "1")
    resume(pulk, "--parallel", "1")
    check_finished(pulk, {"a": [(str(n), f"b{n}") for n in range(1, 601)], "b": [("1",), ("1",), (None,)]})


@pytest.mark.parametrize("driver", ["", FREETDS_DRIVER])
def test_no_secret_shows(pulk, mssql, driver):
    mssql.execute("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    extra = {"odbc_driver": driver, "trust_server_certificate": True, "ca_certificate": None} if driver else {}
    # FreeTDS has no way to write the other one.
    password = PLAIN if driver else PASSWORD
    if driver:
        plain_login(mssql)
    pulk.write_config(mssql, username="plain" if driver else "mover", password="env:MSSQL_PASSWORD", **extra)
    pulk.write_workflow(["t"])
    result = pulk.migrate("-v", env={"MSSQL_PASSWORD": password}).expect(0)
    assert password not in result.text
    for file in pulk.folder.rglob("*"):
        if file.is_file():
            assert password.encode() not in file.read_bytes(), file
