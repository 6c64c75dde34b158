"""SIGKILL at random instants; resumed, again and again killed, until a run ends: the target equals the source.

With a writer meanwhile: the target equals the snapshot that its receipts name. The test knows what a snapshot holds
without asking the server: every change is also written to a history, with its transaction's number."""

import contextlib
import os
import random
import subprocess
import threading
import time

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import (KINDS, WORKFLOW, check_finished, check_nothing_left, check_receipts, crash, resume,
                           snapshot_text, source)
from support.pulk import table_entry
from support.values import assert_same_rows

SEED = int(os.environ.get("PULK_TEST_SEED", time.time_ns() % 1_000_000))
INSTANTS = 25    # of each kind of target
MOST_KILLS = 6   # of one run


def instants(number, longest):
    """A generator of its own for each case, so that one case can be repeated."""
    chance = random.Random(f"{SEED} {number}")
    print(f"to repeat: PULK_TEST_SEED={SEED}, case {number}; a whole run takes {longest:.2f} s")
    return chance


def run_with_kills(pulk, chance, longest) -> int:
    """Gives how often it was killed."""
    kills = 0
    while True:
        running = pulk.start_migrate()
        if kills >= MOST_KILLS or (kills > 0 and chance.random() < 0.5):
            running.wait().expect(0)
            return kills
        wait = chance.uniform(0, longest)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(wait)
        if running.process.poll() is not None:
            running.result().expect(0)
            return kills
        running.kill()
        passed = running.steps()
        print(f"killed after {wait:.3f} s at {passed[-1] if passed else 'no step'}, {len(passed)} steps passed")
        kills += 1


def measured(pulk) -> float:
    """Seconds of a whole run, the longer of two."""
    return max(pulk.migrate().expect(0).seconds for _ in range(2))


LONGEST = {}


@pytest.fixture
def ready(pulk, source, tmp_path_factory, binary, request):
    kind = request.node.callspec.params["kind"]
    if kind not in LONGEST:
        first = type(pulk)(tmp_path_factory.mktemp("measure"), binary)
        first.write_config(source, target=kind)
        first.write_workflow({"tables": [table_entry(t) if isinstance(t, str) else t for t in WORKFLOW]})
        LONGEST[kind] = measured(first)
    pulk.write_config(source, target=kind)
    pulk.write_workflow({"tables": [table_entry(t) if isinstance(t, str) else t for t in WORKFLOW]})
    pulk.longest = LONGEST[kind]
    return pulk


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(INSTANTS))
def test_killed_at_random_instants(ready, source, kind, number):
    run_with_kills(ready, instants(number, ready.longest), ready.longest)
    check_finished(ready, source.expected)


# --- with a writer


class Writer:
    """Three sessions that change the tables `keyed` (ranges over a key, which they move) and `heap` (no key) until they
    are stopped. Two write all the time, one holds its transactions open and gives up every second of them."""

    TABLES = ("keyed", "heap")
    ROWS = 1500

    def __init__(self, db, seed):
        self.db = db
        self.transactions = 0
        db.execute(
            "CREATE TABLE keyed (id integer PRIMARY KEY, v text);"
            "CREATE TABLE heap (id integer, v text);"
            "CREATE TABLE history (number bigserial, xid numeric DEFAULT pg_current_xact_id()::text::numeric, name text,"
            " id integer, v text);")
        for table in self.TABLES:
            # No index that an UPDATE of heap could spare itself a new page for, no key to find its rows by.
            db.execute(f"INSERT INTO {table} SELECT n * 10, md5(n::text) FROM generate_series(1, {self.ROWS}) n;"
                       f"INSERT INTO history (name, id, v) SELECT '{table}', id, v FROM {table}; ANALYZE {table}")
        self._stop = threading.Event()
        self._errors = []
        self._threads = [threading.Thread(target=self._guarded, args=(random.Random(f"{seed} {share}"), share))
                         for share in range(3)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._errors, self._errors

    def _guarded(self, chance, share):
        try:
            self._write(chance, share)
        except Exception as error:
            self._errors.append(error)

    def _write(self, chance, share):
        # Each session has keys of its own (modulo 3), so that the order of one key's changes is its session's.
        keys = {table: [n * 10 for n in range(1, self.ROWS + 1) if (n * 10) % 3 == share] for table in self.TABLES}
        fresh = iter(range(share, 10**6, 3))
        with contextlib.closing(self.db.connect(autocommit=False)) as connection, connection.cursor() as cursor:
            while not self._stop.is_set():
                known = {table: list(ids) for table, ids in keys.items()}
                for _ in range(chance.randint(1, 5)):
                    self._change(cursor, chance, chance.choice(self.TABLES), keys, share, fresh)
                if share == 2:
                    self._stop.wait(chance.uniform(0, 0.4))
                if share == 2 and chance.random() < 0.5:
                    connection.rollback()
                    keys = known
                else:
                    connection.commit()
                    self.transactions += 1
                self._stop.wait(0.003)

    def _change(self, cursor, chance, table, keys, share, fresh):
        ids = keys[table]
        action = chance.choice(("move", "move", "insert", "delete", "update"))
        value = f"{action} {next(fresh)}"
        if action == "insert" or not ids:
            new = self._unused(chance, ids, share)
            cursor.execute(f"INSERT INTO {table} VALUES (%s, %s)", [new, value])
            self._note(cursor, table, new, value)
            ids.append(new)
            return
        old = ids.pop(chance.randrange(len(ids)))
        if action == "delete":
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", [old])
            self._note(cursor, table, old, None)
            return
        # Anywhere in the range of keys, and beyond both of its ends: across the boundaries of partitions.
        new = old if action == "update" else self._unused(chance, ids + [old], share)
        cursor.execute(f"UPDATE {table} SET id = %s, v = %s WHERE id = %s", [new, value, old])
        assert cursor.rowcount == 1, (table, old)
        if new != old:
            self._note(cursor, table, old, None)
        self._note(cursor, table, new, value)
        ids.append(new)

    def _unused(self, chance, ids, share):
        taken = set(ids)
        while True:
            new = chance.randrange(-500, self.ROWS * 10 // 3 + 500) * 3 + share
            if new not in taken:
                return new

    def _note(self, cursor, table, key, value):
        cursor.execute("INSERT INTO history (name, id, v) VALUES (%s, %s, %s)", [table, key, value])

    def rows_in(self, table: str, snapshot: str) -> list:
        """What the table held in the snapshot xmin:xmax:xip, by the history alone."""
        xmin, xmax, running = snapshot.split(":")
        xmin, xmax, running = int(xmin), int(xmax), {int(xid) for xid in running.split(",") if xid}
        rows = {}
        for xid, key, value in self.db.execute(f"SELECT xid, id, v FROM history WHERE name = '{table}' ORDER BY number"):
            if xid < xmin or (xid < xmax and xid not in running):
                rows[key] = value
        return [(str(key), value) for key, value in rows.items() if value is not None]


@pytest.fixture
def written(pulk, db, request):
    writer = Writer(db, SEED)
    pulk.write_config(db, target=request.node.callspec.params["kind"])
    pulk.write_workflow([table_entry("keyed", partitionSize={"maxRowsPerPartition": 300}),
                         table_entry("heap", partitionSize={"maxRowsPerPartition": 300})])
    with writer:
        yield writer


def check_snapshots(pulk, writer):
    """The target is what the receipts' snapshot saw; and there was something to see."""
    found = {table: pulk.rows(table) for table in writer.TABLES}
    snapshots = check_receipts(pulk, found)
    for table, snapshot in snapshots.items():
        assert_same_rows(writer.rows_in(table, snapshot_text(snapshot)), found[table])
    check_nothing_left(pulk)
    return snapshots


def test_the_history_knows_what_a_snapshot_holds(db):
    """The check itself: against what a session says that holds a snapshot, and against one that is too old."""
    with Writer(db, SEED) as writer, contextlib.closing(db.connect(autocommit=False)) as connection:
        time.sleep(0.2)
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_snapshot()::text")
            snapshot = cursor.fetchone()[0]
            before = writer.transactions
            time.sleep(0.5)
            assert writer.transactions > before + 20
            for table in writer.TABLES:
                cursor.execute(f"TABLE {table}")
                seen = [(str(key), value) for key, value in cursor.fetchall()]
                assert_same_rows(seen, writer.rows_in(table, snapshot))
                assert sorted(seen) != sorted(db.rows(f"TABLE {table}"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ["table.leased:2", "partition.staged:3", "load.data_in:5", "load.committed:2", "load.recorded:8",
                                  "publish.begun", "publish.marked:2", "publish.committed"])
def test_killed_at_a_step_while_others_write(pulk, written, kind, step):
    crash(pulk, step)
    resume(pulk)
    check_snapshots(pulk, written)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(5))
def test_killed_at_random_instants_while_others_write(pulk, written, kind, number):
    before = written.transactions
    run_with_kills(pulk, instants(f"writer {number}", 1.5), 1.5)
    check_snapshots(pulk, written)
    assert written.transactions > before + 10
