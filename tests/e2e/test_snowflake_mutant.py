"""The tests of crashes with Snowflake as target can turn red: each of these mutants (tests/mutation/mutate.py) loses rows,
doubles them or mixes two moments where pulk does not, and the checks see it.

Two lines stand behind the marks: the count before publishing, which makes an integrity error of most losses, and the
comparison with the source, for what no count can see."""

import time

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import both, check_finished, crash, start, start_stopped
from support.pulk import table_entry

SILENCE = 2.1    # longer than a lease of one second


@pytest.fixture
def programs(tmp_path, postgres, snowflake_server, binary, mutant_binary):
    """Call it with a mutation: pulk and the mutant, each with a source of its own and a database in the stand-in."""
    databases = []

    def get(mutation, partitions=4):
        for name, program in both(tmp_path, binary, mutant_binary):
            db = postgres.create_database()
            databases.append(db)
            db.execute("CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, 'old' FROM generate_series(1, 400) n;"
                       "ANALYZE t")
            program.write_config(db, target=snowflake_server)
            program.target_keys["load_parallel"] = 1  # so that a step is passed with one transaction open
            program.rewrite_config()
            program.write_workflow([table_entry("t", columnNamesToPartitionBy=["id"],
                                                partitionSize={"maxRowsPerPartition": 400 // partitions})])
            program.mutation = {"PULK_MUTATION": mutation}
            program.environment = with_always(program.environment, program.mutation)
            yield name == "mutant", program, db

    yield get
    snowflake_server.control("kill_sessions")  # a mutant leaves transactions open that nobody will end
    for db in databases:
        db.drop()


def with_always(environment, always):
    return lambda env=None: {**environment(env), **always}


def expected(db) -> dict:
    return {"T": db.rows("TABLE t")}


def check_lost(program, db, found):
    with pytest.raises(AssertionError, match=found):
        check_finished(program, expected(db))


def test_a_mark_without_its_rows(programs):
    for mutant, program, db in programs("load_mark_first"):
        crash(program, "load.data_in:2")
        if mutant:
            program.migrate().expect(3, "staging has 300 rows where the marks say 400")
            check_lost(program, db, "missing in the target: 400 rows")
        else:
            program.migrate().expect(0)
            check_finished(program, expected(db))


def test_rows_of_an_earlier_attempt_that_stay(programs):
    for mutant, program, db in programs("load_keeps_rows"):
        crash(program, "load.recorded:4", "--parallel", "1")
        db.execute("UPDATE t SET b = 'new'")
        if mutant:
            program.migrate().expect(3, "staging has 800 rows where the marks say 400")
            check_lost(program, db, "missing in the target: 400 rows")
        else:
            program.migrate().expect(0)
            check_finished(program, expected(db))


def test_a_publish_mark_without_its_table(programs):
    """The mutant's run ends well; the target has the rows of the run before."""
    for mutant, program, db in programs("publish_mark_first"):
        program.migrate().expect(0)
        db.execute("UPDATE t SET b = 'new'; DELETE FROM t WHERE id <= 10")
        crash(program, "publish.data_in")
        program.migrate().expect(0)
        if mutant:
            check_lost(program, db, "missing in the target: 390 rows")
        else:
            check_finished(program, expected(db))


def test_rows_that_are_appended_twice(programs):
    for mutant, program, db in programs("publish_data_first"):
        crash(program, "publish.data_in", "--append")
        program.migrate("--append").expect(0)
        if mutant:
            check_lost(program, db, "only in the target: 400 rows")
        else:
            check_finished(program, expected(db))


@pytest.mark.parametrize("step", ["load.data_in:2", "publish.data_in"])
def test_a_transaction_that_somebody_else_ends(programs, snowflake_server, step):
    """Nobody takes the table, so the fence is still right: only the name of the transaction tells. What is said of it
    by the stand-in is nothing: the statements that follow begin another transaction."""
    for mutant, program, db in programs("any_transaction"):
        program.migrate().expect(0)
        db.execute("UPDATE t SET b = 'new'")
        running = start(program, "--parallel", "1", at=step)
        running.wait_until_stopped()
        [transaction] = [row for row in snowflake_server.sql("SHOW TRANSACTIONS") if row[3].startswith("PULK_")]
        snowflake_server.sql(f"SELECT SYSTEM$ABORT_TRANSACTION({transaction[0]})")
        running.wake()
        if not mutant:
            running.wait().expect(0, "ended by somebody else", "trying again")
            check_finished(program, expected(db))
        elif step.startswith("load"):
            running.wait().expect(3, "staging has 300 rows where the marks say 400")
            check_lost(program, db, "missing in the target: 400 rows")
        else:
            running.wait().expect(0)
            check_lost(program, db, "missing in the target: 400 rows")


def test_a_process_that_wakes_and_loads_what_it_has_lost(programs, snowflake_server):
    """Its files are still there, and its successor waits before it publishes: the mutant replaces the successor's rows
    by those of an earlier moment, as many as there were. Both runs look well."""
    for mutant, program, db in programs("any_fence", partitions=1):
        program.target_keys["clean_up"] = "never"
        program.rewrite_config()
        # A long lease of its own: it has nothing to say to its workspace until it has loaded.
        first = start_stopped(program, "--lease", "60", "--no-verify-count", at="partition.staged")
        db.execute("UPDATE t SET b = 'new'")
        time.sleep(SILENCE)
        second = start(program, "--lease", "1", "--no-verify-count", at="publish.begun", number=1)
        second.wait_until_stopped()
        first.wake()
        first.wait().expect(2, "taken the workspace over" if mutant else "fence lost")
        second.wake()
        second.wait().expect(0, "taken over")
        rows = {row[1] for row in program.rows("t")}
        assert rows == ({"old"} if mutant else {"new"}), rows
