"""Transactions between sessions: READ COMMITTED, one writer that changes rows per table, DDL that commits, clients that die."""

import threading
import time

import pytest

from support.snowflake import StatementFailed


@pytest.fixture
def two(snowflake):
    """Two sessions, and a table t with the rows (1, 'a'), (2, 'b')."""
    first = snowflake.session()
    first.sql("CREATE DATABASE d")
    first.sql("CREATE TABLE t (id INT, x VARCHAR)")
    first.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    return first, snowflake.session(database="D", schema="PUBLIC")


def fails(session, sql) -> str:
    with pytest.raises(StatementFailed) as caught:
        session.sql(sql)
    return caught.value.code


class Background:
    """A statement in a thread."""

    def __init__(self, session, sql):
        self.result = self.error = None
        self._thread = threading.Thread(target=self._run, args=(session, sql), daemon=True)
        self._thread.start()

    def _run(self, session, sql):
        try:
            self.result = session.sql(sql)
        except StatementFailed as error:
            self.error = error.code

    def end(self, timeout=20):
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the statement still waits"
        return self.error or self.result

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()


def test_rows_are_seen_after_the_commit(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    a.sql("UPDATE t SET x = 'A' WHERE id = 1")
    a.sql("DELETE FROM t WHERE id = 2")
    assert b.sql("SELECT * FROM t ORDER BY id") == [("1", "a"), ("2", "b")]
    assert a.sql("SELECT * FROM t ORDER BY id") == [("1", "A"), ("3", "c")]
    a.sql("COMMIT")
    assert b.sql("SELECT * FROM t ORDER BY id") == [("1", "A"), ("3", "c")]


def test_a_rollback_leaves_nothing(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A'")
    a.sql("UPDATE t SET x = 'B'")
    a.sql("DELETE FROM t WHERE id = 1")
    a.sql("INSERT OVERWRITE INTO t SELECT 9, 'z'")
    a.sql("ROLLBACK")
    for session in two:
        assert session.sql("SELECT * FROM t ORDER BY id") == [("1", "a"), ("2", "b")]


def test_each_statement_sees_what_was_committed_before_it(two):
    """READ COMMITTED, not a snapshot of the transaction."""
    a, b = two
    a.sql("BEGIN")
    assert a.sql("SELECT COUNT(*) FROM t") == [("2",)]
    b.sql("INSERT INTO t VALUES (3, 'c')")
    assert a.sql("SELECT COUNT(*) FROM t") == [("3",)]


def test_inserts_do_not_wait_for_each_other(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'a')")
    b.sql("BEGIN")
    b.sql("INSERT INTO t VALUES (4, 'b')")
    b.sql("COMMIT")
    a.sql("COMMIT")
    assert b.sql("SELECT COUNT(*) FROM t") == [("4",)]


@pytest.mark.parametrize("change", ["UPDATE t SET x = x || '+'", "DELETE FROM t", "INSERT OVERWRITE INTO t SELECT id, x || '+' FROM t",
                                    "MERGE INTO t USING (SELECT 1 AS i) s ON t.id = s.i WHEN MATCHED THEN UPDATE SET x = x || '+'"])
def test_a_second_writer_waits_and_sees_the_first(two, change, snowflake):
    a, b = two
    a.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A' WHERE id = 1")
    second = Background(b, change)
    snowflake.wait_for(lambda: snowflake.control("waiting"), what="the wait for the lock")
    assert [(row[0], row[4]) for row in a.sql("SHOW LOCKS IN ACCOUNT")] == [("D.PUBLIC.T", "HOLDING"), ("D.PUBLIC.T", "WAITING")]
    assert second.waits
    a.sql("COMMIT")
    assert isinstance(second.end(), list)
    left = a.sql("SELECT x FROM t WHERE id = 1")
    assert left == ([] if change.startswith("DELETE") else [("A+",)])


def test_lock_timeout(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("DELETE FROM t WHERE id = 1")
    b.sql("ALTER SESSION SET LOCK_TIMEOUT = 1")
    started = time.monotonic()
    assert fails(b, "UPDATE t SET x = 'z'") == "000625"
    assert 0.9 < time.monotonic() - started < 5
    a.sql("ROLLBACK")
    assert b.sql("UPDATE t SET x = 'z'") == [("2", "0")]


def test_deadlock(two):
    a, b = two
    a.sql("CREATE TABLE u (id INT)")
    a.sql("INSERT INTO u VALUES (1)")
    a.sql("BEGIN")
    b.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A'")
    b.sql("UPDATE u SET id = 2")
    first = Background(a, "UPDATE u SET id = 3")
    time.sleep(0.3)
    assert fails(b, "UPDATE t SET x = 'B'") == "000626"
    assert first.end() == [("1", "0")]
    a.sql("COMMIT")
    assert b.sql("SELECT id FROM u") == [("3",)]


def test_ddl_commits(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    a.sql("CREATE TABLE other (a INT)")
    a.sql("ROLLBACK")
    assert b.sql("SELECT COUNT(*) FROM t") == [("3",)]


def test_ddl_waits_for_a_writer(two, snowflake):
    a, b = two
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    dropping = Background(b, "DROP TABLE t")
    snowflake.wait_for(lambda: snowflake.control("waiting"), what="the wait for the writer")
    a.sql("COMMIT")
    assert dropping.end() == [("T successfully dropped.",)]


def test_a_failed_statement_leaves_the_transaction(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    assert fails(a, "INSERT INTO t SELECT x, 'd' FROM t") == "100038"
    a.sql("COMMIT")
    assert b.sql("SELECT COUNT(*) FROM t") == [("3",)]


def test_transaction_abort_on_error(two):
    a, b = two
    a.sql("ALTER SESSION SET TRANSACTION_ABORT_ON_ERROR = TRUE")
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    assert fails(a, "SELECT nope FROM t") == "000904"
    assert fails(a, "SELECT 1") == "000671"
    a.sql("COMMIT")
    assert b.sql("SELECT COUNT(*) FROM t") == [("2",)]


def test_without_autocommit(two):
    a, b = two
    a.sql("ALTER SESSION SET AUTOCOMMIT = FALSE")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    assert b.sql("SELECT COUNT(*) FROM t") == [("2",)]
    a.sql("COMMIT")
    assert b.sql("SELECT COUNT(*) FROM t") == [("3",)]


def test_create_table_as_select_commits_its_rows(two):
    first, second = two
    first.sql("ALTER SESSION SET AUTOCOMMIT = FALSE")
    first.sql("CREATE TABLE copied AS SELECT id FROM t")
    first.sql("ROLLBACK")
    assert second.sql("SELECT count(*) FROM copied") == [("2",)]


def test_a_transaction_outlives_its_client(two, snowflake):
    """Nobody closes the session: the lock stays until the transaction is aborted."""
    a, b = two
    a.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A'")
    del a
    b.sql("ALTER SESSION SET LOCK_TIMEOUT = 1")
    assert fails(b, "UPDATE t SET x = 'B'") == "000625"
    (number, user, *_), = b.sql("SHOW TRANSACTIONS IN ACCOUNT")
    assert user == "MOVER"
    assert b.sql(f"SELECT SYSTEM$ABORT_TRANSACTION({number})") == [("Transaction aborted.",)]
    assert b.sql("UPDATE t SET x = x || 'B'") == [("2", "0")]
    assert b.sql("SELECT x FROM t ORDER BY id") == [("aB",), ("bB",)]


def test_an_aborted_transaction_takes_its_running_statement_with_it(two, snowflake):
    a, b = two
    a.sql("ALTER SESSION SET AUTOCOMMIT = FALSE")
    a.sql("BEGIN")
    transaction = a.sql("SELECT CURRENT_TRANSACTION()")[0][0]
    snowflake.fault("running", sql="^INSERT", seconds=20)
    slow = Background(a, "INSERT INTO t VALUES (3, 'c')")
    snowflake.wait_for(lambda: snowflake.control("fault_counts")[0]["done"])
    b.sql(f"SELECT SYSTEM$ABORT_TRANSACTION({transaction})")
    assert slow.end(5) == "000604"
    assert snowflake.control("transactions") == []
    assert b.sql("SELECT COUNT(*) FROM t") == [("2",)]


@pytest.mark.parametrize("report", [False, True])
def test_what_the_owner_of_an_aborted_transaction_hears(two, snowflake, report):
    """Nothing, unless a test asks for an error: then until the transaction is closed."""
    a, b = two
    snowflake.control("settings", report_ended_transactions=report)
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    transaction = a.sql("SELECT CURRENT_TRANSACTION()")[0][0]
    b.sql(f"SELECT SYSTEM$ABORT_TRANSACTION({transaction})")
    if report:
        assert fails(a, "INSERT INTO t VALUES (4, 'd')") == "000671"
        assert fails(a, "COMMIT") == "000671"
    else:
        assert a.sql("SELECT CURRENT_TRANSACTION()") == [(None,)]
        a.sql("COMMIT")
    assert a.sql("SELECT COUNT(*) FROM t") == [("2",)]


def test_an_idle_transaction_is_ended_when_somebody_waits(two, snowflake):
    a, b = two
    a.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A'")
    snowflake.control("settings", transaction_idle_seconds=1)
    assert b.sql("UPDATE t SET x = x || 'B'") == [("2", "0")]
    assert b.sql("SELECT x FROM t ORDER BY id") == [("aB",), ("bB",)]


def test_a_closed_session_rolls_back(two):
    a, b = two
    a.sql("CREATE TEMPORARY TABLE mine (a INT)")
    a.sql("BEGIN")
    a.sql("INSERT INTO t VALUES (3, 'c')")
    assert fails(b, "SELECT * FROM mine") == "002003"
    a.close()
    assert b.sql("SELECT COUNT(*) FROM t") == [("2",)]
    assert b.sql("SHOW TRANSACTIONS IN ACCOUNT") == []


def test_abort_session(two):
    a, b = two
    a.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A'")
    assert b.sql(f"SELECT SYSTEM$ABORT_SESSION({a.id})") == [("Session aborted.",)]
    assert b.sql("UPDATE t SET x = 'B'") == [("2", "0")]
    assert fails(a, "COMMIT") == "390111"


def test_cancel_a_waiting_statement(two, snowflake):
    a, b = two
    a.sql("BEGIN")
    a.sql("UPDATE t SET x = 'A'")
    second = Background(b, "UPDATE t SET x = 'B'")
    query, = snowflake.wait_for(lambda: snowflake.control("waiting"), what="the wait for the lock")
    assert a.sql(f"SELECT SYSTEM$CANCEL_QUERY('{query['query']}')")
    assert second.end() == "000604"


def test_swap_keeps_rows_with_their_table(two):
    a, b = two
    a.sql("CREATE TABLE u (id INT, x VARCHAR)")
    a.sql("INSERT INTO u VALUES (7, 'u')")
    a.sql("ALTER TABLE t SWAP WITH u")
    assert b.sql("SELECT * FROM t") == [("7", "u")]
    assert b.sql("SELECT COUNT(*) FROM u") == [("2",)]


def test_query_tag_and_history(two, snowflake):
    a, b = two
    a.sql("ALTER SESSION SET QUERY_TAG = 'run-7'")
    a.sql("SELECT 41")
    assert fails(a, "SELECT nope FROM t") == "000904"
    tagged = [(q["sql"], q["status"], q["code"]) for q in snowflake.control("history") if q["tag"] == "run-7"]
    assert tagged == [("SELECT 41", "SUCCESS", None), ("SELECT nope FROM t", "FAIL", "000904")]
    assert b.sql("SELECT QUERY_TEXT FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) WHERE QUERY_TAG = 'run-7' ORDER BY START_TIME") == [
        ("SELECT 41",), ("SELECT nope FROM t",)]
