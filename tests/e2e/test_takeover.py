"""A process that was stopped, whose work another one has taken over, is woken: it ends, and changes nothing.

The first one is stopped by SIGSTOP at a named step, gives no sign of life for longer than the lease, and loses its
workspace to the second one. A DuckDB file that it has open, or a transaction in a folder's marks, is another matter: no
lease opens these, so the second one says who is in its way, and goes on when that one has gone."""

import re
import time

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import (KINDS, assert_unchanged, check_finished, ledger_state, spool_state, start, start_stopped, status,
                           target_state)
from support.pulk import table_entry
from support.values import assert_same_rows

LEASE = ("--lease", "1")
SILENCE = 2.1    # longer than the lease, which counts whole seconds

# At these steps a stopped process holds no lock of the target; at the others it does. Those of the loader are the ones of
# the last partition, when the lane has nothing more to note in the ledger.
OPEN_STEPS = {
    "duckdb": ["run.recorded", "table.frozen", "partition.first_batch:1", "partition.staged:1", "partition.file_closed:4"],
    "files": ["run.recorded", "table.frozen", "table.leased", "partition.taken:1", "partition.first_batch:1",
              "partition.staged:1", "partition.file_closed:4", "partition.staged:4", "load.committed:6", "load.recorded:6",
              "publish.committed", "publish.recorded"],
}
LOCKED_STEPS = {
    "duckdb": ["table.leased", "load.data_in:6", "load.marked:6", "load.committed:6", "publish.begun", "publish.data_in",
               "publish.marked", "publish.committed"],
    "files": ["load.data_in:6", "load.marked:6", "publish.begun", "publish.marked"],
}
OPEN = [(step, kind) for kind in KINDS for step in OPEN_STEPS[kind]]
LOCKED = [(step, kind) for kind in KINDS for step in LOCKED_STEPS[kind]]


@pytest.fixture
def ready(pulk, db, request):
    """A table of several partitions. The first row of the first and of the fourth is a slow one: when it has come, the
    loader has nothing to do and nothing open, and a stop hits only what it is meant to hit."""
    pause = "CASE WHEN id IN (1, 601) THEN pg_sleep(0.9)::text ELSE b END"
    db.execute("CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 1000) n;"
               f"ANALYZE t; CREATE VIEW v AS SELECT id, {pause} AS c FROM t")
    pulk.write_config(db, target=request.node.callspec.params["kind"])
    pulk.write_workflow([table_entry("v", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 250})])
    pulk.expected = {"v": db.rows("SELECT id, CASE WHEN id IN (1, 601) THEN '' ELSE b END FROM t")}
    return pulk


def stop_at(pulk, step, *args, **kwargs):
    return start_stopped(pulk, *LEASE, "--parallel", "1", *args, at=step, **kwargs)


def everything(pulk) -> dict:
    return {**target_state(pulk), **spool_state(pulk.workspace), **ledger_state(pulk.workspace)}


def wake_and_see_it_end(pulk, first, before, without=None):
    """`without`: a pattern for names of files that do not matter."""
    first.wake()
    result = first.wait(30)
    assert result.code == 2, f"it ended with exit code {result.code}\n{result}"
    matters = lambda state: {key: value for key, value in state.items() if not (without and re.search(without, key))}
    assert_unchanged(matters(before), matters(everything(pulk)))


def test_nobody_takes_a_workspace_over_before_the_lease_ends(pulk, db):
    db.execute("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1)")
    pulk.write_config(db)
    pulk.write_workflow(["t"])
    first = start(pulk, at="table.frozen")
    first.wait_until_stopped()
    time.sleep(SILENCE)
    pulk.migrate("--lease", "20").expect(2, f"process {first.pid}", "in use")
    first.wake()
    first.wait().expect(0)
    assert pulk.rows("t") == [("1",)]


@pytest.mark.parametrize("step, kind", OPEN)
def test_a_woken_process_changes_nothing(ready, step, kind):
    first = stop_at(ready, step)
    time.sleep(SILENCE)
    second = ready.migrate(*LEASE).expect(0, f"process {first.pid}", "taken over")
    check_finished(ready, ready.expected)
    before = everything(ready)
    wake_and_see_it_end(ready, first, before)
    check_finished(ready, ready.expected)
    ready.run("clean", "--dry-run").expect(0, "nothing to remove")
    assert second.summary["run"] == status(ready)[0]["run"]


@pytest.mark.parametrize("kind, step, other", [
    ("files", "table.frozen", "load.recorded:6"),
    ("files", "table.leased", "load.recorded:6"),
    ("files", "table.leased", "publish.committed"),
    ("files", "partition.taken:1", "partition.staged:4"),
    ("files", "partition.first_batch:1", "load.recorded:6"),
    ("files", "partition.staged:1", "partition.first_batch:4"),
    ("files", "load.committed:6", "partition.staged:1"),
    ("duckdb", "table.frozen", "partition.first_batch:1"),
    ("duckdb", "partition.first_batch:1", "partition.staged:1"),
    ("duckdb", "partition.staged:1", "partition.file_closed:4"),
])
def test_a_process_that_wakes_while_the_other_works_changes_nothing(ready, kind, step, other):
    first = stop_at(ready, step)
    time.sleep(SILENCE)
    # The second one is stopped too, so that nothing moves.
    second = start(ready, *LEASE, "--parallel", "1", at=other, number=1)
    second.wait_until_stopped()
    before = everything(ready)
    # It may finish the file that it was writing, which has its own fence in the name: nobody asks for it.
    wake_and_see_it_end(ready, first, before, without=r"/p\d+-f1a\d+-\d+\.parquet(\.partial)?$")
    second.wake()
    second.wait().expect(0)
    check_finished(ready, ready.expected)


@pytest.mark.parametrize("step, kind, end", [(*case, ("wake", "kill")[i % 2]) for i, case in enumerate(LOCKED)])
def test_a_stopped_process_that_holds_a_lock(ready, step, kind, end):
    first = stop_at(ready, step)
    time.sleep(SILENCE)
    second = ready.migrate(*LEASE, "--lock-wait", "1").expect(2)
    if kind == "duckdb":
        assert f"process {first.pid}" in second.stderr and "locked" in second.stderr, str(second)
    else:
        assert "lock" in second.stderr, str(second)
    if end == "kill":
        first.kill()
    else:
        # Nobody has taken its partitions: what it had begun may still be committed, and then counts.
        first.wake()
        assert first.wait(30).code in (0, 2)
    ready.migrate().expect(0)
    check_finished(ready, ready.expected)


@pytest.mark.parametrize("kind, step", [("duckdb", "load.data_in:6"), ("duckdb", "publish.marked"), ("files", "load.marked:6"),
                                        ("files", "publish.data_in")])
def test_the_other_waits_for_a_lock_that_is_given_back(ready, kind, step):
    first = stop_at(ready, step)
    time.sleep(SILENCE)
    second = start(ready, *LEASE, "--lock-wait", "30", number=1)
    second.wait_for(lambda: "taken over" in second.stderr(), what="the takeover")
    time.sleep(0.5)
    first.wake()
    assert first.wait(30).code in (0, 2)
    second.wait(30).expect(0)
    check_finished(ready, ready.expected)


# --- two runs with workspaces of their own, and one target


OTHER = "other"


@pytest.mark.parametrize("kind, step, end", [
    ("duckdb", "partition.first_batch:1", "wake"), ("duckdb", "partition.first_batch:1", "kill"), ("files", "table.leased", "wake"),
    ("files", "partition.staged:1", "wake"), ("files", "partition.staged:1", "kill"), ("files", "load.recorded:6", "wake")])
def test_two_runs_on_one_target(ready, kind, step, end):
    first = stop_at(ready, step)
    run = status(ready)[0]["run"]
    before, mine = target_state(ready), {**spool_state(ready.workspace), **ledger_state(ready.workspace)}
    refused = ready.migrate("--workspace", OTHER).expect(2, "another run is loading this table", run, f"pid {first.pid}",
                                                        str(ready.workspace), f"pulk clean --abandon {run}")
    assert_unchanged(before, target_state(ready))
    assert_unchanged(mine, {**spool_state(ready.workspace), **ledger_state(ready.workspace)})

    # Nothing goes without being asked for by name.
    ready.run("clean", "--workspace", OTHER, "--yes").expect(0, run)
    assert_unchanged(before, target_state(ready))
    if end == "kill":
        first.kill()
    ready.run("clean", "--workspace", OTHER, "--abandon", run, "--yes").expect(0, "removed")
    ready.migrate("--workspace", OTHER).expect(0)
    check_finished(ready, ready.expected, workspace=ready.folder / OTHER)
    assert status(ready, OTHER)[0]["run"] != run
    after = target_state(ready)
    if end == "wake":
        first.wake()
        result = first.wait(60)
        assert result.code > 0, f"it ended with exit code {result.code}\n{result}"
        # What it still writes into a folder of its own run is no part of the target; all else is.
        own = f"/v-{run}/"
        assert_unchanged({k: v for k, v in after.items() if own not in k},
                         {k: v for k, v in target_state(ready).items() if own not in k})
    assert_same_rows(ready.expected["v"], ready.rows("v"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_goes_on_after_the_second_was_refused(ready, kind):
    first = stop_at(ready, "partition.staged:4")
    ready.migrate("--workspace", OTHER).expect(2)
    first.wake()
    first.wait().expect(0)
    check_finished(ready, ready.expected)
    # Now the second one may: it replaces the content by the same.
    ready.migrate("--workspace", OTHER).expect(0)
    check_finished(ready, ready.expected, workspace=ready.folder / OTHER)
