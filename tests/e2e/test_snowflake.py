"""Snowflake as target, on the stand-in: a table of a few types, resuming after SIGKILL at every step."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import SNOWFLAKE_STEPS, SOURCE, STEPS, TABLES, WORKFLOW, check_finished, contents, crash, resume
from support.pulk import table_entry


@pytest.fixture(scope="module")
def source(postgres):
    database = postgres.create_database()
    database.execute(SOURCE)
    # The stand-in's names are upper case, as Snowflake's are.
    database.expected = {name.upper(): rows for name, rows in contents(database).items()}
    yield database
    database.drop()


@pytest.fixture
def ready(pulk, source, snowflake_server):
    pulk.write_config(source, target=snowflake_server)
    pulk.write_workflow({"tables": [table_entry(t) if isinstance(t, str) else t for t in WORKFLOW]})
    return pulk


def test_a_full_run_passes_every_step(ready, source):
    ready.migrate(env={"PULK_STEP_LOG": str(ready.steps_file)}).expect(0)
    passed = ready.steps_file.read_text().split()
    assert set(passed) == {*STEPS, *SNOWFLAKE_STEPS}
    assert passed.count("publish.committed") == len(TABLES)
    check_finished(ready, source.expected)


# Killed twice at these; test_snowflake_crash.py kills at them too, with three sessions.
TWICE = ("load.begun:3", "load.data_in:3", "load.marked:3", "load.committed:3", "publish.data_in:2", "publish.marked:2",
         "publish.committed:2")
ONCE = [step for step in STEPS if step not in [again.split(":")[0] for again in TWICE]]


@pytest.mark.parametrize("step", ONCE)
def test_killed_once(ready, source, step):
    crash(ready, step)
    resume(ready)
    check_finished(ready, source.expected)


@pytest.mark.parametrize("step", TWICE)
def test_killed_twice(ready, source, step):
    """The second process is killed at the same step, with what the first one left."""
    crash(ready, step)
    result = ready.migrate(env={"PULK_CRASH_AT": step.split(":")[0]})
    assert result.code in (0, -9), str(result)
    resume(ready)
    check_finished(ready, source.expected)
