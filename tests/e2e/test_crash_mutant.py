"""The tests of crashes can turn red: pulk_mutant_mark commits the mark in a transaction of its own before the data's
(tests/mutation/mutate.py), and the checks that pass for pulk find the rows that this loses.

Why that way round, and not the data first: a partition's rows replace what an earlier attempt left of it, and a table's
content replaces the table. Data without its mark are brought a second time, and nothing is wrong. A mark without its data
is believed."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import SOURCE, WORKFLOW, both, check_finished, contents, crash
from support.pulk import table_entry
from support.values import difference


def fill(db):
    db.execute("CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, 'old' FROM generate_series(1, 1000) n; ANALYZE t")


T = [table_entry("t", partitionSize={"maxRowsPerPartition": 300})]


@pytest.mark.parametrize("step", ["load.begun:3", "load.data_in:1", "load.data_in:4"])
@pytest.mark.parametrize("kind", ["duckdb", "files"])
def test_a_mark_without_its_rows(tmp_path, db, binary, mutant_binary, kind, step):
    """The simplest case: killed in a load. The rows that the mark speaks of are not there; the count before publishing
    stands behind the marks, so that the mutant's run ends as an integrity error and without the table."""
    db.execute(SOURCE)
    expected = contents(db)
    for name, program in both(tmp_path, binary, mutant_binary):
        program.write_config(db, target=kind)
        program.write_workflow(WORKFLOW)
        crash(program, step)
        result = program.migrate()
        if name == "pulk":
            result.expect(0)
            check_finished(program, expected)
        else:
            assert result.code == 3, str(result)
            with pytest.raises(AssertionError):
                check_finished(program, expected)


def test_a_mark_without_its_rows_that_no_count_can_see(tmp_path, binary, mutant_binary, postgres):
    """The partition was loaded before, from an older snapshot, with as many rows: the mutant's run ends well, and the
    target has rows of two moments. Only the comparison with the source finds it."""
    for name, program in both(tmp_path, binary, mutant_binary):
        db = postgres.create_database()
        fill(db)
        program.write_config(db)
        program.write_workflow(T)
        crash(program, "load.recorded:4", "--parallel", "1")
        db.execute("UPDATE t SET b = 'new'")
        # All partitions were loaded and have changed since: whichever is loaded first now.
        crash(program, "load.data_in:1", "--parallel", "1")
        program.migrate().expect(0)
        expected = {"t": db.rows("TABLE t")}
        found = difference(expected["t"], program.rows("t"))
        if name == "pulk":
            check_finished(program, expected)
        else:
            assert "missing in the target" in found and "only in the target" in found and "'old'" in found, found
            with pytest.raises(AssertionError, match="missing in the target"):
                check_finished(program, expected)
        db.drop()


@pytest.mark.parametrize("step", ["publish.begun", "publish.data_in", "publish.marked"])
def test_a_publish_mark_without_its_table(tmp_path, binary, mutant_binary, postgres, step):
    """The mutant takes the table for published: its run ends well, and the target has the rows of the run before."""
    for name, program in both(tmp_path, binary, mutant_binary):
        db = postgres.create_database()
        fill(db)
        program.write_config(db)
        program.write_workflow(T)
        program.migrate().expect(0)
        db.execute("UPDATE t SET b = 'new'; DELETE FROM t WHERE id <= 10")
        crash(program, step)
        program.migrate().expect(0)
        expected = {"t": db.rows("TABLE t")}
        if name == "pulk":
            check_finished(program, expected)
        else:
            with pytest.raises(AssertionError, match="missing in the target: 990 rows"):
                check_finished(program, expected)
        db.drop()
