"""SIGKILL at every named step of a run's, a table's and a partition's life; resumed, the target equals the source."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import (EXPORT_STEPS, KINDS, SNOWFLAKE_STEPS, STEPS, TABLES, WORKFLOW, check_finished, check_rows, copy_of_target, crash, resume, source,
                           steps_in_the_source)
from support.pulk import table_entry
from support.target import read_target
from support.values import difference

# Passings of these are many in a run: killed at the first and at a later one.
MANY = tuple(step for step in STEPS if step.startswith(("partition.", "load.")))
PER_TABLE = tuple(step for step in STEPS if step.startswith(("publish.", "table.")))


@pytest.fixture
def ready(pulk, source, request):
    kind = request.node.callspec.params.get("kind", "duckdb")
    pulk.write_config(source, target=kind)
    pulk.write_workflow({"tables": [table_entry(t) if isinstance(t, str) else t for t in WORKFLOW]})
    return pulk


def test_the_table_of_steps_is_the_programs():
    assert STEPS + SNOWFLAKE_STEPS + EXPORT_STEPS == steps_in_the_source()


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_run_passes_every_step(ready, source, kind):
    """So a step that is new in the program, or no longer reached by it, is seen here."""
    ready.migrate(env={"PULK_STEP_LOG": str(ready.steps_file)}).expect(0)
    passed = ready.steps_file.read_text().split()
    assert set(passed) == set(STEPS)
    for step in PER_TABLE:
        assert passed.count(step) == len(TABLES), step
    assert passed.count("partition.staged") == passed.count("load.recorded") >= 9
    check_finished(ready, source.expected)


# Each is passed at least as often, as the test above sees.
POINTS = [(step, 1) for step in STEPS] + [(step, 3) for step in PER_TABLE] + [(step, 7) for step in MANY]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step, passing", POINTS)
def test_killed_once(ready, source, kind, step, passing):
    crash(ready, f"{step}:{passing}")
    resume(ready)
    check_finished(ready, source.expected)


@pytest.mark.parametrize("first, kind", [(step, KINDS[i % 2]) for i, step in enumerate(STEPS)])
def test_killed_again_while_resuming(ready, source, kind, first):
    """At the same step, then at one from elsewhere, then left alone."""
    crash(ready, first)
    elsewhere = STEPS[(STEPS.index(first) * 7 + 3) % len(STEPS)]
    for step in (first, elsewhere):
        result = ready.migrate(env={"PULK_CRASH_AT": step})
        # A run that was published may pass the step no more.
        assert result.code in (0, -9), str(result)
    resume(ready)
    check_finished(ready, source.expected)


# --- a target that has content: at any moment a reader finds the old rows or the new ones, whole


@pytest.fixture
def loaded(pulk, db, request):
    pulk.write_config(db, target=request.node.callspec.params["kind"])
    db.execute("CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, 'old' FROM generate_series(1, 1000) n; ANALYZE t")
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 300})])
    pulk.migrate().expect(0)
    pulk.old = db.rows("TABLE t")
    db.execute("UPDATE t SET b = 'new'; DELETE FROM t WHERE id % 10 = 0; INSERT INTO t SELECT -n, 'new' FROM generate_series(1, 50) n")
    pulk.new = db.rows("TABLE t")
    return pulk


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", STEPS[STEPS.index("partition.staged"):])
def test_content_is_replaced_whole_or_not_at_all(loaded, kind, step):
    crash(loaded, step)
    with copy_of_target(loaded) as path:
        seen = read_target(kind, path, "t").rows
    was_old, is_new = not difference(loaded.old, seen), not difference(loaded.new, seen)
    assert was_old or is_new, difference(loaded.new, seen)
    if STEPS.index(step) < STEPS.index("publish.begun"):
        assert was_old
    if STEPS.index(step) >= STEPS.index("publish.committed"):
        assert is_new
    resume(loaded)
    check_finished(loaded, {"t": loaded.new})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ["load.data_in:2", "load.committed:2", "publish.data_in", "publish.marked", "publish.committed",
                                  "publish.recorded"])
def test_rows_are_appended_once(loaded, db, kind, step):
    db.execute("UPDATE t SET id = id + 5000")  # other keys than those that are there
    loaded.new = db.rows("TABLE t")
    crash(loaded, step, "--append")
    resume(loaded, "--append")
    check_rows(loaded, {"t": loaded.old + loaded.new})


# --- SQLite over ODBC

ODBC_STEPS = ("run.recorded", "snapshot.taken", "table.frozen", "table.leased", "partition.taken:3", "partition.first_batch:2",
              "partition.staged:4", "load.data_in:2", "load.marked:3", "load.committed:1", "load.recorded:4", "publish.data_in",
              "publish.committed", "publish.recorded", "table.cleaned", "run.finished")


@pytest.mark.parametrize("step, kind", [(step, KINDS[i % 2]) for i, step in enumerate(ODBC_STEPS)])
def test_killed_while_reading_over_odbc(pulk, sqlite_source, kind, step):
    source = sqlite_source(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, b VARCHAR(40), n INTEGER); CREATE TABLE empty (id INTEGER PRIMARY KEY, b TEXT);"
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1500)"
        " INSERT INTO t SELECT n, 'row ' || n, CASE WHEN n % 7 > 0 THEN n * n END FROM s;")
    pulk.write_config(source, target=kind)
    pulk.write_workflow({"tables": [table_entry("t", partitionSize={"maxRowsPerPartition": 400}), table_entry("empty")]})
    crash(pulk, step)
    resume(pulk)
    check_finished(pulk, {"t": source.rows("SELECT * FROM t"), "empty": []})
