"""The engine behind the stand-in for SQL Server: what sessions see of each other, and when they wait."""

import pytest

from .tds.model import RowCount
from .tds_engine import make_engine, new_database


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = make_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def two(engine):
    """Two sessions, and a table t with the rows 1 and 2."""
    first = new_database(engine)
    first.results("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    first.results("CREATE TABLE t (id int NOT NULL PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0), (2, 0); CREATE TABLE u (id int)")
    second = first.other()
    yield first, second
    for client in (first, second):
        client.session.close()


def count(client, hint=""):
    return client.value(f"SELECT COUNT(*) FROM t {hint}")


def test_counts_and_rollbacks(two):
    a, b = two
    assert a.value("BEGIN TRANSACTION; BEGIN TRAN; INSERT INTO t VALUES (3, 0); COMMIT; SELECT @@TRANCOUNT") == 1
    assert count(b, "WITH (NOLOCK)") == 2  # this stand-in shows committed rows only
    a.session.rollback()
    assert count(b) == 2 and a.value("SELECT @@TRANCOUNT") == 0
    a.results("BEGIN TRAN; CREATE TABLE w (i int); INSERT INTO w VALUES (1); ALTER TABLE t ADD x int; ROLLBACK")
    assert a.fails("SELECT * FROM w") == 208 and a.fails("SELECT x FROM t") == 207
    a.results("BEGIN TRAN; INSERT INTO t VALUES (3, 0); SAVE TRAN s; INSERT INTO t VALUES (4, 0); ROLLBACK TRAN s; COMMIT")
    assert count(b) == 3
    assert a.fails("BEGIN TRAN; INSERT INTO t VALUES (5, 0); INSERT INTO t VALUES (1, 0)") == 2627
    assert a.session.trancount == 1 and count(a) == 4  # the statement is undone, not the transaction
    assert a.fails("SET XACT_ABORT ON; INSERT INTO t VALUES (1, 0)") == 2627
    assert a.session.trancount == 0 and count(b) == 3


def test_snapshot_is_the_moment_of_the_first_access(two):
    a, b = two
    b.session.begin("SNAPSHOT")
    b.rows("SELECT name FROM sys.tables")  # no data
    a.results("INSERT INTO t VALUES (3, 0)")
    assert count(b) == 3
    a.results("DELETE FROM t WHERE id = 1; UPDATE t SET v = 9")
    assert b.rows("SELECT id, v FROM t ORDER BY id") == [(1, 0), (2, 0), (3, 0)]
    assert b.rows("SELECT * FROM u") == []
    b.session.commit()
    assert b.rows("SELECT id, v FROM t ORDER BY id") == [(2, 9), (3, 9)]


def test_snapshot_is_refused_where_it_is_not_allowed(two):
    a, b = two
    a.results("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF")
    b.results("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT @@TRANCOUNT")
    assert b.fails("SELECT * FROM t") == 3952
    b.session.rollback()
    b.results("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN TRAN")
    assert b.fails("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SELECT * FROM t") == 3951


def test_an_update_conflict_and_a_changed_table(two):
    a, b = two
    b.results("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT * FROM t")
    a.results("UPDATE t SET v = 1 WHERE id = 1")
    assert b.fails("UPDATE t SET v = 2 WHERE id = 1") == 3960 and b.session.trancount == 0
    b.results("BEGIN TRAN; SELECT * FROM u")
    a.results("ALTER TABLE t ADD w int")
    assert b.fails("SELECT * FROM t") == 3961


def test_read_committed_waits_for_writers(two):
    a, b = two
    a.results("BEGIN TRAN; UPDATE t SET v = 1 WHERE id = 1")
    assert b.fails("SET LOCK_TIMEOUT 0; SELECT * FROM t") == 1222
    assert b.rows("SELECT v FROM t WITH (NOLOCK) WHERE id = 1") == [(0,)] and b.rows("SELECT * FROM u") == []
    reading = b.begins("SET LOCK_TIMEOUT -1; SELECT SUM(v) FROM t")
    assert reading.waits
    a.results("UPDATE t SET v = 1; COMMIT")
    assert reading.end()[-1][1] == [(2,)]
    a.results("ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON; BEGIN TRAN; UPDATE t SET v = 5")
    assert b.value("SELECT SUM(v) FROM t") == 2
    a.session.rollback()


def test_each_statement_of_read_committed_has_its_own_moment(two):
    a, b = two
    b.results("BEGIN TRAN; SELECT * FROM t")
    a.results("INSERT INTO t VALUES (3, 0)")
    assert count(b) == 3
    b.session.commit()


@pytest.mark.parametrize("lock", ["SELECT TOP (1) 1 FROM t WITH (TABLOCK, HOLDLOCK)", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT * FROM t"])
def test_a_shared_lock_keeps_writers_waiting(two, lock):
    a, b = two
    b.results(f"BEGIN TRAN; {lock}")
    assert a.fails("SET LOCK_TIMEOUT 0; INSERT INTO t VALUES (3, 0)") == 1222
    assert count(a) == 2 and a.results("INSERT INTO u VALUES (1)") == [RowCount(1)]
    writing = a.begins("SET LOCK_TIMEOUT -1; DELETE FROM t")
    assert writing.waits and count(b) == 2
    b.session.rollback()
    assert writing.end() == [RowCount(-1), RowCount(2)]


def test_a_shared_lock_waits_for_writers_and_goes_before_the_next(two):
    a, b = two
    c = a.other()
    a.results("BEGIN TRAN; INSERT INTO t VALUES (3, 0)")
    locking = b.begins("BEGIN TRAN; SELECT COUNT(*) FROM t WITH (TABLOCK, HOLDLOCK)")
    later = c.begins("INSERT INTO t VALUES (4, 0)")
    assert locking.waits
    a.session.commit()
    assert locking.end()[-1][1] == [(3,)] and later.waits
    b.session.commit()
    assert later.end() == [RowCount(1)]
    c.session.close()


def test_n_snapshots_under_a_lock_see_one_moment(two):
    a, b = two
    readers = [a.other() for _ in range(3)]
    b.results("BEGIN TRAN; SELECT TOP (1) 1 FROM t WITH (TABLOCK, HOLDLOCK)")
    writing = a.begins("DELETE FROM t")
    for reader in readers:
        reader.results("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT TOP (1) 1 FROM t")
    b.session.rollback()
    writing.end()
    assert [count(reader) for reader in readers] == [2, 2, 2] and count(a) == 0
    for reader in readers:
        reader.session.close()


def test_a_deadlock_has_one_victim(two):
    a, b = two
    for client in (a, b):
        client.results("BEGIN TRAN; SELECT * FROM t WITH (HOLDLOCK)")
    first = a.begins("UPDATE t SET v = 1")
    assert b.fails("UPDATE t SET v = 2") == 1205 and b.session.trancount == 0
    assert first.end() == [RowCount(2)]
    a.session.commit()


def test_a_cancelled_statement_stops_waiting(two):
    a, b = two
    a.results("BEGIN TRAN; UPDATE t SET v = 1")
    waiting = b.begins("UPDATE t SET v = 2")
    b.session.cancel()
    assert waiting.end() == 0
    a.session.close()  # which undoes what it did
    assert b.value("SELECT SUM(v) FROM t") == 0


def test_a_killed_session_is_over(two):
    a, b = two
    b.session.hang_up = b.session.close  # the wire does that
    b.results("BEGIN TRAN; UPDATE t SET v = 1")
    a.results(f"KILL {b.session.id}")
    assert a.value("SELECT SUM(v) FROM t") == 0 and a.fails(f"KILL {b.session.id}") == 6106


def test_definitions_wait_for_readers_and_keep_them_waiting(two):
    a, b = two
    events = b.session.execute("SELECT * FROM t WITH (NOLOCK)", [])
    rows = next(events).rows
    next(rows)
    assert a.fails("SET LOCK_TIMEOUT 0; DROP TABLE t") == 1222
    assert len(list(rows)) == 1
    a.results("BEGIN TRAN; DROP TABLE t")
    assert b.fails("SET LOCK_TIMEOUT 0; SELECT * FROM t WITH (NOLOCK)") in (1222, 208)
    a.session.rollback()
    assert count(b) == 2


def test_implicit_transactions(two):
    a, b = two
    a.results("SET IMPLICIT_TRANSACTIONS ON; INSERT INTO t VALUES (3, 0)")
    assert a.session.trancount == 1 and count(b, "WITH (NOLOCK)") == 2
    a.session.commit()
    assert count(b) == 3


def test_what_is_committed_outlives_the_engine(tmp_path):
    engine = make_engine(tmp_path)
    client = new_database(engine)
    client.results("CREATE TABLE t (id int IDENTITY PRIMARY KEY, v nvarchar(9)); INSERT INTO t (v) VALUES (N'a')")
    client.results("CREATE TABLE u (id int); INSERT INTO t (v) VALUES (N'b'); BEGIN TRAN; INSERT INTO t (v) VALUES (N'lost')")
    client.session.close()
    again = make_engine(tmp_path)
    other = type(client)(again, client.database)
    other.results("INSERT INTO t (v) VALUES (N'c')")
    assert other.rows("SELECT * FROM t") == [(1, "a"), (2, "b"), (3, "c")]
    again.close()
