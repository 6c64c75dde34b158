"""What a run into Snowflake tells of itself, and what it leaves when it fails: statements, files, tables."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import check_finished, check_nothing_left, crash, resume, run_record, start, status
from support.pulk import table_entry
from support.snowflake_table import snowflake_tables

SOURCE = """CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 600) n;
ANALYZE t"""
BROKEN = {"action": "error", "sql": "^COPY", "times": 1000, "code": "100046", "message": "Number out of representable range"}


@pytest.fixture
def snowflake(snowflake_server):
    """The one of the session, without the faults and the statements of the tests before."""
    history = snowflake_server.control("history")
    snowflake_server.after = {"after": history[-1]["id"]} if history else {}
    yield snowflake_server
    snowflake_server.control("faults", clear=True)


@pytest.fixture(scope="module")
def source(postgres):
    database = postgres.create_database()
    database.execute(SOURCE)
    database.expected = {"T": database.rows("TABLE t")}
    yield database
    database.drop()


def entry(**settings) -> dict:
    return table_entry("t", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 200}, **settings)


@pytest.fixture
def ready(pulk, source, snowflake):
    """Three partitions of 200 rows."""
    pulk.write_config(source, target=snowflake)
    pulk.write_workflow([entry()])
    pulk.expected = source.expected
    return pulk


def check_all(pulk):
    check_finished(pulk, pulk.expected)
    assert trials(pulk) == []


def statements(server, beginning) -> list:
    return [q for q in server.control("history", **server.after) if q["sql"].startswith(beginning)]


def staged(pulk) -> list:
    """Names of the files on the stages of pulk's own."""
    server, own = pulk.target.server, f'"{pulk.target.database}"."_PULK"'
    return sorted(row[0].split("/")[-1] for stage in server.sql(f"SHOW STAGES IN SCHEMA {own}")
                  for row in server.sql(f'LIST @{own}."{stage[1]}"'))


def schemas(pulk) -> list:
    return sorted(row[1] for row in pulk.target.server.sql(f'SHOW SCHEMAS IN DATABASE "{pulk.target.database}"'))


def trials(pulk) -> list:
    tables = [row[1] for row in pulk.target.server.sql(f'SHOW TABLES IN DATABASE "{pulk.target.database}"')]
    return [name for name in schemas(pulk) + tables if "TRIAL" in name]


# --- statements


def test_every_statement_is_in_the_ledger(ready, snowflake):
    snowflake.fault("running", sql="^COPY", seconds=0.5, times=3)
    result = ready.migrate().expect(0)
    table = run_record(ready)["tables"][0]
    copies = {q["id"]: q for q in statements(snowflake, "COPY INTO")}
    assert len(copies) == 3
    for partition in table["partitions"]:
        [told] = partition["statements"]
        assert f'"partition":{partition["ordinal"]}' in copies.pop(told["query_id"])["tag"]
        assert told["rows"] == partition["rows_loaded"] == 200 and told["bytes"] == partition["bytes"] > 0
        assert 0.5 <= told["seconds"] <= partition["load_seconds"]
    [publishing] = table["statements"]
    assert publishing["query_id"] == statements(snowflake, "INSERT OVERWRITE")[0]["id"]
    assert publishing["rows"] == 600 and publishing["bytes"] == 0
    everything = publishing["seconds"] + sum(p["statements"][0]["seconds"] for p in table["partitions"])
    assert result.table("T")["warehouse_seconds"] == pytest.approx(everything, abs=0.001)
    assert result.summary["steps"]["warehouse_seconds"] == pytest.approx(everything, abs=0.001)
    assert "warehouse" in result.stdout.splitlines()[0]


def test_statements_of_an_earlier_process_stay(ready, source, snowflake):
    # One at a time: what another session has loaded, and not recorded when the process is killed, would be missing.
    ready.target_keys["load_parallel"] = 1
    ready.write_config(source, target=snowflake)

    def told(record) -> list:
        return [s["query_id"] for p in record["tables"][0]["partitions"] for s in p["statements"]]

    crash(ready, "load.recorded:2", "--parallel", "1")
    [earlier] = map(told, status(ready))
    assert len(earlier) == 2
    resume(ready)
    now = told(run_record(ready))
    assert set(earlier) < set(now) <= {q["id"] for q in statements(snowflake, "COPY INTO")} and len(now) == 3


def test_an_error_names_query_file_row_and_column(ready, snowflake):
    database = ready.target.database
    snowflake.control("databases", name=database, schemas=["PUBLIC"])
    snowflake.sql(f"CREATE TABLE {database}.PUBLIC.T (ID NUMBER(2,0), B VARCHAR(100))")
    result = ready.migrate().expect(5, "map the column")
    failed = {q["tag"].split('"partition":')[1].split(",")[0]: q["id"] for q in statements(snowflake, "COPY INTO")}
    assert len(failed) == 3
    for partition, query in failed.items():
        assert f"query {query}: " in result.stderr
    assert f"partition 1: query {failed['1']}: 1000" in result.stderr and "p00001-f" in result.stderr
    assert f'Row 100, column "LOAD_' in result.stderr and '"ID"' in result.stderr, result.stderr
    assert result.table("T")["error"]["subject"].split("query ")[1] in failed.values()


def test_an_error_of_publishing_names_its_query(ready, snowflake):
    snowflake.fault("error", sql="^INSERT OVERWRITE", code="100072", message="NULL result in a non-nullable column")
    result = ready.migrate().expect(5)
    [query] = [q["id"] for q in statements(snowflake, "INSERT OVERWRITE")]
    assert f"PUBLIC.T: query {query}: 100072" in result.stderr
    resume(ready)
    check_all(ready)


# --- files


@pytest.mark.parametrize("clean_up, kept", [("always", 0), ("onSuccess", 3)])
def test_files_of_loads_that_failed(ready, snowflake, clean_up, kept):
    ready.target_keys["clean_up"] = clean_up
    ready.rewrite_config()
    snowflake.fault(**BROKEN)
    ready.migrate().expect(5)
    assert len(staged(ready)) == kept
    # What is on the stage is not what the next start loads: it reads the partitions again.
    snowflake.control("faults", clear=True)
    ready.migrate().expect(0)
    check_all(ready)


def test_files_of_what_was_loaded_do_not_wait_for_the_rest(ready, snowflake):
    snowflake.fault(**{**BROKEN, "sql": "^COPY.*p00002"})
    ready.migrate().expect(5)
    assert [name.split("-f")[0] for name in staged(ready)] == ["p00002"]


# --- the target is made when it is published


def test_a_run_that_fails_leaves_no_table_and_no_schema(ready, snowflake):
    ready.write_workflow([entry(target={"schemaName": "NEW_ONE", "tableName": "t"})])
    snowflake.fault(**BROKEN)
    ready.migrate().expect(5)
    assert snowflake_tables(ready.target) == [] and trials(ready) == []
    assert "NEW_ONE" not in schemas(ready) and "_PULK" in schemas(ready)
    snowflake.control("faults", clear=True)
    ready.migrate().expect(0)
    assert snowflake.sql(f'SELECT count(*) FROM "{ready.target.database}".NEW_ONE.T') == [("600",)]
    assert trials(ready) == []


def test_a_table_without_rows_after_a_crash_is_gone_on_with(ready, snowflake):
    crash(ready, "publish.begun")
    assert snowflake_tables(ready.target) == ["T"]
    assert snowflake.sql(f'SELECT count(*) FROM "{ready.target.database}".PUBLIC.T') == [("0",)]
    resume(ready)
    check_all(ready)


def test_a_table_that_somebody_else_made_meanwhile(ready, snowflake):
    crash(ready, "load.recorded:3", "--parallel", "1")
    snowflake.sql(f'CREATE SCHEMA IF NOT EXISTS "{ready.target.database}".PUBLIC')
    snowflake.sql(f'CREATE TABLE "{ready.target.database}".PUBLIC.T (ID NUMBER(38,0), B VARCHAR)')
    ready.migrate().expect(4, "column ID was planned as NUMBER(10,0), the target now has NUMBER(38,0)")


@pytest.mark.parametrize("schema, then", [("PUBLIC", "clean"), ("NEW_ONE", "clean"), ("PUBLIC", "resume"), ("NEW_ONE", "resume")])
def test_what_a_trial_has_left_is_removed(ready, snowflake, schema, then):
    """A trial that is not removed by the process that made it: here the service refuses that once."""
    database = ready.target.database
    snowflake.control("databases", name=database, schemas=["PUBLIC"])
    ready.write_workflow([entry(target={"schemaName": schema, "tableName": "t"})])
    snowflake.fault("error", sql="^DROP .*_PULK_TRIAL_", code="003001", message="Insufficient privileges to operate")
    ready.migrate().expect(5, "nsufficient privileges", "GRANT")
    assert len(trials(ready)) == 1
    assert not statements(snowflake, "PUT"), "something was read before"
    if then == "clean":
        run = run_record(ready)["run"]
        ready.run("clean", "--dry-run").expect(0, "_PULK_TRIAL_", "unfinished, resume it")
        ready.run("clean", "--abandon", run, "--yes").expect(0, "_PULK_TRIAL_")
        assert trials(ready) == [] and snowflake_tables(ready.target) == []
        return
    # Somebody makes the table meanwhile: there is nothing to try out any more.
    snowflake.sql(f'CREATE SCHEMA IF NOT EXISTS "{database}".{schema}')
    snowflake.sql(f'CREATE TABLE "{database}".{schema}.T (ID NUMBER(10,0), B VARCHAR)')
    resume(ready)
    assert trials(ready) == []
    assert snowflake.sql(f'SELECT count(*) FROM "{database}".{schema}.T') == [("600",)]
    check_nothing_left(ready)


def test_no_privilege_to_make_the_table_is_told_before_anything_is_read(ready, snowflake):
    database = ready.target.database
    snowflake.control("databases", name=database, schemas=["PUBLIC"])
    snowflake.sql(f'CREATE SCHEMA "{database}"."_PULK"')
    snowflake.control("roles", name="LOADER", grants=[
        "USAGE ON DATABASE *", "USAGE ON SCHEMA *", "USAGE ON WAREHOUSE *", f"CREATE TABLE ON SCHEMA {database}._PULK",
        f"CREATE STAGE ON SCHEMA {database}._PULK"])
    snowflake.control("users", name="loader", password="x", roles=["LOADER"], default_role="LOADER", default_warehouse="COMPUTE_WH")
    ready.target_keys.update(username="loader", password="x")
    ready.rewrite_config()
    ready.migrate().expect(5, "nsufficient privileges", "GRANT")
    assert not statements(snowflake, "PUT") and not statements(snowflake, "COPY")


def test_a_process_that_was_given_up_makes_no_table(ready, snowflake):
    # It reads its marks three times when it takes the table, then to see whether it is published, then for its fence.
    snowflake.fault("running", sql='^SELECT "partition", fence', skip=4, seconds=60)
    first = start(ready, "--parallel", "1")
    first.wait_for(lambda: snowflake.control("fault_counts")[0]["done"], what="the look at the fence")
    [run] = snowflake.sql(f'SELECT DISTINCT run FROM "{ready.target.database}"."_PULK".mark')[0]
    ready.run("clean", "--workspace", "other", "-c", ready.config, "--abandon", run, "--yes").expect(0, "removed")
    snowflake.control("faults", clear=True)
    first.wait(60).expect(2, "fence lost")
    assert snowflake_tables(ready.target) == []
