"""Three sessions load into Snowflake side by side, and the process is killed, taken over, or does not hear how a COMMIT
ended: resumed, the target equals the source.

Two tables: the smaller one is published while the larger one is still loaded."""

import os
import signal
import time

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import check_finished, check_nothing_left, check_rows, crash, resume, start, within_a_write
from test_crash_random import instants, run_with_kills
from support.pulk import table_entry
from support.snowflake import Snowflake

SESSIONS = 3
LARGE = '^COPY.*"B"'  # its COPYs: the small table has no such column
SILENCE = 2.1  # longer than a lease of one second
INSTANTS = int(os.environ.get("PULK_TEST_SNOWFLAKE_INSTANTS", 2))


@pytest.fixture(scope="module")
def source(postgres):
    database = postgres.create_database()
    database.execute("CREATE TABLE large (id integer PRIMARY KEY, b text); CREATE TABLE small (id integer PRIMARY KEY);"
                     "INSERT INTO large SELECT n, md5(n::text) FROM generate_series(1, 600) n; INSERT INTO small VALUES (1), (2);"
                     "ANALYZE")
    yield database
    database.drop()


@pytest.fixture
def snowflake(server):
    server.fault("running", sql=LARGE, seconds=0.3, times=1000)
    yield server
    server.control("faults", clear=True)


@pytest.fixture
def ready(pulk, source, snowflake):
    pulk.write_config(source, target=snowflake)
    pulk.target_keys["load_parallel"] = SESSIONS
    pulk.rewrite_config()
    pulk.write_workflow([table_entry("large", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 100}), "small"])
    pulk.expected = {"LARGE": source.rows("TABLE large"), "SMALL": source.rows("TABLE small")}
    return pulk


@pytest.mark.parametrize("step", ["take.marked", "load.begun:3", "load.data_in:4", "load.marked:2", "load.committed:3", "load.recorded:3",
                                  "publish.begun", "publish.data_in", "publish.marked", "publish.committed", "publish.recorded"])
def test_killed(ready, snowflake, step):
    crash(ready, step, "--parallel", "3")
    if step.startswith(("load.begun", "load.data_in", "load.marked")):
        assert snowflake.control("transactions"), "nothing was open"
    snowflake.control("faults", clear=True)
    resume(ready)
    check_finished(ready, ready.expected)


def test_killed_before_a_staging_table_that_was_dropped_is_made_anew(ready, snowflake):
    """What the marks call loaded is gone: they must not be believed by whoever comes after."""
    crash(ready, "load.committed:3", "--parallel", "3")
    snowflake.control("faults", clear=True)
    for row in snowflake.sql(f"SHOW TABLES IN SCHEMA {ready.target.database}._PULK"):
        if row[1].startswith("LOAD_"):
            snowflake.sql(f'DROP TABLE {ready.target.database}._PULK."{row[1]}"')
    for _ in range(2):
        crash(ready, "take.marked")
    resume(ready)
    check_finished(ready, ready.expected)


def test_a_published_table_is_cleaned_of_what_a_dead_session_has_locked(ready, snowflake):
    """What is open is of a table that needs no taking any more: nobody else would end it."""
    crash(ready, "publish.committed:2", "--parallel", "3")
    marks = f"{ready.target.database}._PULK.MARK"
    [(run,)] = snowflake.sql(f"SELECT DISTINCT run FROM {marks}")
    dead = snowflake.session()
    dead.sql(f"BEGIN TRANSACTION NAME PULK_{run.upper().replace('-', '_')}")
    dead.sql(f"UPDATE {marks} SET fence = fence")
    ready.target_keys["lock_timeout"] = 3
    ready.rewrite_config()
    resume(ready).expect(0, "left open")
    check_finished(ready, ready.expected)


@pytest.mark.parametrize("number", range(INSTANTS))
def test_killed_at_random_instants(ready, number):
    run_with_kills(ready, instants(f"snowflake {number}", 3.0), 3.0)
    check_finished(ready, ready.expected)


@pytest.mark.parametrize("skip", range(0, 10, 3))
def test_the_answer_to_a_commit_is_lost(ready, snowflake, skip):
    """The service has committed, pulk hears of an error: HTTP 400 is one that the driver does not ask again after. The
    commits of a run: two takings, seven loads, two publishings, two cleanings."""
    snowflake.fault("status", when="after", sql="^COMMIT", status=400, skip=skip)
    result = ready.migrate("--parallel", "3")
    [done] = [fault["done"] for fault in snowflake.control("fault_counts") if fault["sql"] == "^COMMIT"]
    assert done == 1
    assert "fence lost" not in result.text
    if result.code != 0:
        assert result.code == 2, str(result)
        ready.migrate().expect(0)
    check_finished(ready, ready.expected)


@pytest.mark.parametrize("changed", [False, True], ids=["kept", "to be read again"])
def test_a_mark_that_cannot_be_changed_at_first(pulk, db, snowflake, changed):
    """Of partitions that an earlier process has loaded: another session's lock is no reason to give the table up."""
    db.execute("CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, 'old' FROM generate_series(1, 300) n; ANALYZE")
    pulk.write_config(db, target=snowflake)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 100})])
    crash(pulk, "load.recorded:3", "--parallel", "1")
    if changed:
        db.execute("UPDATE t SET b = 'new'")
    pulk.expected = {"T": db.rows("TABLE t")}
    said = "SET state = 'pending' WHERE" if changed else "SET snapshot"
    snowflake.control("faults", clear=True)
    snowflake.fault("error", sql=said, skip=1, times=2, code="000625", message="Statement aborted because of a lock timeout")
    snowflake.fault("status", when="after", sql="^COMMIT", status=400, skip=3)
    result = resume(pulk).expect(0, "its mark could not be changed, trying again")
    assert result.table("T")["partitions_read_again" if changed else "partitions_kept"] == 3, result.summary
    check_finished(pulk, pulk.expected)


def test_taken_over_while_the_service_copies(ready, snowflake):
    """The first process is stopped while two of its COPYs run, and wakes when the second one is done."""
    snowflake.control("faults", clear=True)
    snowflake.fault("running", sql=LARGE, seconds=4, times=2)
    first = start(ready, "--lease", "1", "--parallel", "3")
    copying = lambda: [q for q in snowflake.control("history") if q["sql"].startswith("COPY") and q["status"] == "RUNNING"]  # noqa: E731
    first.wait_for(lambda: len(copying()) >= 2, what="two COPYs")
    while True:
        os.kill(first.pid, signal.SIGSTOP)
        first.wait_until_stopped()
        if not within_a_write(ready):
            break
        first.wake()
        time.sleep(0.02)
    time.sleep(SILENCE)
    assert len(copying()) == 2, "they have ended by themselves"
    ready.migrate("--lease", "1").expect(0, "taken over", "left open")
    check_finished(ready, ready.expected)
    first.wake()
    assert first.wait(60).code == 2, first.result()
    check_finished(ready, ready.expected)


def test_cleaned_by_hand(ready, snowflake):
    """The statements of docs/snowflake-admin.md. Another workspace starts anew after them."""
    crash(ready, "load.data_in:4", "--parallel", "3")
    snowflake.control("faults", clear=True)
    own = f"{ready.target.database}._PULK"
    for row in snowflake.sql("SHOW TRANSACTIONS IN ACCOUNT"):
        if row[3].startswith("PULK_"):
            snowflake.sql(f"SELECT SYSTEM$ABORT_TRANSACTION({row[0]})")
    [(run,)] = snowflake.sql(f"SELECT DISTINCT run FROM {own}.lease")
    for kind, name in (("TABLE", "LOAD_%"), ("STAGE", "FILES_%")):
        found = snowflake.sql(f"SHOW {kind}S LIKE '{name}' IN SCHEMA {own}")
        assert found  # of the other table one of them may not be made yet
        for row in found:
            snowflake.sql(f'DROP {kind} {own}."{row[1]}"')
    snowflake.sql(f"DELETE FROM {own}.lease WHERE run = '{run}'")
    snowflake.sql(f"DELETE FROM {own}.mark WHERE run = '{run}' AND NOT (\"partition\" = '' AND state = 'published')")
    ready.migrate("--workspace", "other").expect(0)
    check_rows(ready, ready.expected)
    check_nothing_left(ready, ready.folder / "other")
