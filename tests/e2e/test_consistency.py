"""One moment of the source, whatever happens at the source meanwhile."""

import contextlib
import threading
import time

import psycopg2
import pytest

from support.pulk import table_entry
from support.server import LOGIN, Pooler
from support.values import assert_same_rows

ROWS = 6000


@pytest.fixture
def source(pulk, db):
    """A table `t` of twelve partitions."""
    db.execute(f"CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n;"
               "ANALYZE t")
    pulk.write_config(db)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 500})])
    return db


def stopped_at(pulk, step, *args, **kwargs):
    running = pulk.start_migrate(*args, env={"PULK_STOP_AT": step}, **kwargs)
    running.wait_until_stopped()
    return running


def backends(db) -> dict:
    """pid -> last statement, of pulk's sessions."""
    return dict(db.execute("SELECT pid, query FROM pg_stat_activity WHERE datname = current_database()"
                           " AND application_name = 'pulk'", user="postgres"))


def holders(db) -> set:
    """Sessions that hold ACCESS SHARE on t and run nothing: those that keep a snapshot."""
    return {pid for (pid,) in db.execute(
        "SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE a.datname = current_database()"
        " AND a.application_name = 'pulk' AND l.relation = 't'::regclass AND l.mode = 'AccessShareLock'"
        " AND a.state = 'idle in transaction' AND a.query NOT LIKE 'COPY%'", user="postgres")}


def terminate(db, pid):
    db.execute(f"SELECT pg_terminate_backend({pid})", user="postgres")


@pytest.mark.parametrize("kind", ["duckdb", "files"])
def test_writes_during_a_run_are_not_seen(pulk, source, kind):
    pulk.write_config(source, target=kind)
    before = source.rows("TABLE t")
    running = stopped_at(pulk, "partition.staged:2")
    source.execute("DELETE FROM t WHERE id % 3 = 0; UPDATE t SET id = id + 100000 WHERE id % 7 = 0;"
                   "UPDATE t SET b = 'changed'; INSERT INTO t SELECT -n, 'new' FROM generate_series(1, 500) n")
    running.wake()
    result = running.wait().expect(0)
    assert_same_rows(before, pulk.rows("t"))
    assert result.table("t")["exactly_once"] == "snapshot"
    assert result.table("t")["source_count"] == len(before)


def test_all_tables_are_of_one_moment(pulk, db):
    db.execute("CREATE TABLE a (n integer); CREATE TABLE b (n integer); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)")
    pulk.write_config(db)
    pulk.write_workflow(["a", "b"])
    running = stopped_at(pulk, "partition.taken", "--parallel", "1")
    db.execute("BEGIN; INSERT INTO a VALUES (2); INSERT INTO b VALUES (2); COMMIT")
    running.wake()
    running.wait().expect(0)
    assert pulk.rows("a") == pulk.rows("b") == [("1",)]


@pytest.mark.parametrize("statement", ["TRUNCATE t", "ALTER TABLE t ADD COLUMN c integer DEFAULT 5",
                                       "ALTER TABLE t ALTER COLUMN b TYPE varchar(40)", "DROP TABLE t",
                                       "ALTER TABLE t RENAME COLUMN b TO c"])
def test_ddl_during_a_run_waits_for_it(pulk, source, statement):
    before = source.rows("TABLE t")
    running = stopped_at(pulk, "partition.taken")
    with contextlib.closing(source.connect()) as other, other.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            cursor.execute(statement)
    running.wake()
    running.wait().expect(0)
    assert_same_rows(before, pulk.rows("t"))


def test_ddl_on_what_a_view_reads_waits_too(pulk, source):
    source.execute("CREATE VIEW v AS SELECT id, upper(b) AS b FROM t WHERE id > 10")
    pulk.write_workflow([table_entry("v"), {"source": {"query": "SELECT count(*) AS n FROM t"}, "target": {"tableName": "q"}}])
    running = stopped_at(pulk, "snapshot.taken")
    with contextlib.closing(source.connect()) as other, other.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            cursor.execute("TRUNCATE t")
    running.wake()
    running.wait().expect(0)
    assert_same_rows(source.rows("TABLE v"), pulk.rows("v"))
    assert pulk.rows("q") == [(str(ROWS),)]


def test_locks_and_sessions_are_gone_after_the_run(pulk, source):
    pulk.migrate().expect(0)
    deadline = time.monotonic() + 5
    while backends(source):
        assert time.monotonic() < deadline, backends(source)
        time.sleep(0.05)
    source.execute("SET lock_timeout = '1s'; TRUNCATE t")


@pytest.mark.parametrize("statement, code", [
    ("ALTER TABLE t ADD COLUMN c integer", 4), ("ALTER TABLE t DROP COLUMN b", 4),
    ("ALTER TABLE t ALTER COLUMN b TYPE varchar(40)", 4), ("ALTER TABLE t RENAME COLUMN b TO c", 4),
    ("DROP TABLE t", None)])
def test_ddl_between_kill_and_resume_fails_the_table_by_name(pulk, source, statement, code):
    running = pulk.start_migrate(env={"PULK_CRASH_AT": "load.recorded:3"})
    assert running.wait().code == -9
    source.execute(statement)
    result = pulk.migrate()
    assert result.code == code if code else result.code in (1, 4), str(result)
    assert "public.t" in result.stderr
    assert pulk.tables() == []
    if code:
        pulk.migrate("--restart").expect(0)
        assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))


@pytest.mark.parametrize("statements, again", [
    ("", False),
    ("UPDATE t SET b = 'changed' WHERE id = 1", True),
    ("DELETE FROM t WHERE id = 1", True),
    ("INSERT INTO t VALUES (0, 'new')", True),
    ("UPDATE t SET id = id + 1000000 WHERE id < 10", True),
    ("TRUNCATE t; INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 6000) n", True),
    ("DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 'other')", True),
])
@pytest.mark.parametrize("kind", ["duckdb", "files"])
def test_what_was_loaded_is_kept_only_if_it_is_unchanged(pulk, source, statements, again, kind):
    """The target is that of the second snapshot, and unchanged partitions are not read again."""
    pulk.write_config(source, target=kind)
    # One lane: the first partitions are those that were loaded.
    running = pulk.start_migrate("--parallel", "1", env={"PULK_CRASH_AT": "load.recorded:6"})
    assert running.wait().code == -9
    if statements:
        source.execute(statements)
    result = pulk.migrate().expect(0, "resuming")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))
    table = result.table("t")
    if again:
        assert table["partitions_read_again"] > 0, table
    else:
        assert table["partitions_kept"] == 6 and table["partitions_read_again"] == 0, table


def test_vacuum_full_between_kill_and_resume(pulk, source):
    """The rows are the same, their places are not: the result is right in any case."""
    source.execute("DELETE FROM t WHERE id % 2 = 0")
    pulk.write_workflow([table_entry("t", partitioning="physical", partitionSize={"maxRowsPerPartition": 500})])
    running = pulk.start_migrate(env={"PULK_CRASH_AT": "load.recorded:3"})
    assert running.wait().code == -9
    source.execute("VACUUM FULL t")
    pulk.migrate().expect(0, "resuming")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))


def test_physical_partitions_and_rows_that_move(pulk, source):
    """An UPDATE moves a row to another page: it must be in the target once."""
    pulk.write_workflow([table_entry("t", partitioning="physical", partitionSize={"maxRowsPerPartition": 500})])
    running = pulk.start_migrate(env={"PULK_CRASH_AT": "load.recorded:3"})
    assert running.wait().code == -9
    source.execute("UPDATE t SET b = b WHERE id % 5 = 0; DELETE FROM t WHERE id % 11 = 0")
    source.execute("VACUUM t")
    source.execute("INSERT INTO t SELECT n, 'new' FROM generate_series(10001, 10400) n")
    pulk.migrate().expect(0, "resuming")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))


def test_source_quiet_is_the_users_word(pulk, source):
    source.execute("CREATE VIEW v AS TABLE t")
    pulk.write_workflow([table_entry("v", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 500})])
    running = pulk.start_migrate(env={"PULK_CRASH_AT": "load.recorded:3"})
    assert running.wait().code == -9
    result = pulk.migrate("--source-quiet").expect(0, "user-asserted")
    assert result.table("v")["exactly_once"] == "user-asserted"
    assert_same_rows(source.rows("TABLE t"), pulk.rows("v"))


# --- connections


@pytest.mark.parametrize("most, lanes", [(3, 8), (4, 2)])
def test_never_more_connections_than_allowed(pulk, source, most, lanes):
    seen, done = [], threading.Event()

    def watch():
        with contextlib.closing(source.connect(user="postgres")) as connection, connection.cursor() as cursor:
            while not done.is_set():
                # Counted where the server admits them: sessions that are about to log in are there too.
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND datname = current_database()", [LOGIN])
                seen.append(cursor.fetchone()[0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        source.execute("CREATE VIEW slow AS SELECT id, b, pg_sleep(0.002)::text AS c FROM t WHERE id <= 500")
        pulk.write_workflow(["t", "slow", {"source": {"query": "SELECT * FROM t"}, "target": {"tableName": "q"}}])
        pulk.migrate("--max-source-connections", str(most), "--parallel", str(lanes)).expect(0)
    finally:
        done.set()
        watcher.join()
    # The statement that makes the view runs over a connection of the test's own.
    assert 2 <= max(seen) <= most, max(seen)
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))


def test_lanes_work_at_the_same_time(pulk, source):
    """So that the limit above is one: without it, more connections are used."""
    source.execute("CREATE VIEW slow AS SELECT id, b, pg_sleep(0.002)::text AS c FROM t WHERE id <= 800")
    pulk.write_workflow([table_entry("slow", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 100})])
    running = pulk.start_migrate("--parallel", "4")
    most = 0
    while running.process.poll() is None:
        most = max(most, len(backends(source)))
        time.sleep(0.02)
    running.result().expect(0)
    assert most >= 5


def test_a_lane_that_loses_its_connection_is_retried(pulk, source):
    source.execute("CREATE VIEW slow AS SELECT id, b, CASE WHEN id % 50 = 0 THEN pg_sleep(0.02) END::text AS c FROM t")
    pulk.write_workflow([table_entry("slow")])
    running = pulk.start_migrate("--parallel", "1")

    def lane():
        return [pid for pid, query in backends(source).items() if query.startswith("COPY")]

    running.wait_for(lane, what="a lane")
    time.sleep(0.3)
    terminate(source, lane()[0])
    result = running.wait().expect(0, "trying again")
    assert result.table("slow")["retries"] == 1
    assert result.table("slow")["exactly_once"] == "snapshot"
    assert_same_rows(source.rows("SELECT id, b, CASE WHEN id % 50 = 0 THEN '' END FROM t"), pulk.rows("slow"))


def test_retries_end(pulk, source):
    """A server that kills every lane: class 2 after the attempts that were allowed."""
    source.execute("""CREATE FUNCTION fatal(integer) RETURNS integer LANGUAGE plpgsql AS
                      $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN $1; END $$;
                      CREATE VIEW v AS SELECT fatal(id) AS id FROM t""")
    pulk.write_workflow(["v"])
    pulk.migrate("--retries", "2").expect(2, "attempt 2 failed", "public.v")
    assert pulk.tables() == []


@pytest.mark.parametrize("change", [False, True])
def test_a_lost_holder_is_replaced_and_the_result_is_of_one_moment(pulk, source, change):
    running = stopped_at(pulk, "partition.taken:5")
    found = holders(source)
    assert found
    for pid in found | set(backends(source)):
        terminate(source, pid)
    if change:
        source.execute("DELETE FROM t WHERE id % 1000 = 1; INSERT INTO t SELECT n, 'new' FROM generate_series(7001, 7010) n")
    running.wake()
    result = running.wait().expect(0, "snapshot is lost")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))
    assert result.table("t")["exactly_once"] == "snapshot"


def test_a_server_that_restarts_in_the_middle(pulk, source, postgres):
    before = source.rows("TABLE t")
    running = stopped_at(pulk, "partition.taken:5")
    postgres.stop()
    running.wake()
    time.sleep(1)
    postgres.start()
    running.wait().expect(0, "trying again")
    assert_same_rows(before, pulk.rows("t"))


def test_the_snapshot_is_replaced_when_it_is_too_old(pulk, source):
    """What was loaded before is proven unchanged and kept."""
    running = stopped_at(pulk, "partition.taken:5", "--max-snapshot-age", "5s", "--parallel", "1")
    time.sleep(5.5)
    running.wake()
    result = running.wait(30).expect(0, "a new one replaces it")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))
    assert result.table("t")["exactly_once"] == "snapshot"
    assert result.table("t")["partitions_kept"] >= 4


def test_an_old_snapshot_is_replaced_and_changes_are_read_again(pulk, source):
    running = stopped_at(pulk, "partition.taken:5", "--max-snapshot-age", "5s", "--parallel", "1")
    source.execute("UPDATE t SET b = 'changed' WHERE id % 100 = 0")
    time.sleep(5.5)
    running.wake()
    result = running.wait(30).expect(0, "a new one replaces it")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))
    assert result.table("t")["partitions_read_again"] >= 4


def test_a_snapshot_age_that_is_too_short_for_a_table_does_not_go_on_for_ever(pulk, source):
    """A view cannot be proven unchanged: every new snapshot begins it anew, so it can never be of one moment."""
    source.execute("CREATE VIEW slow AS SELECT id, pg_sleep(0.01)::text AS c FROM t WHERE id <= 300")
    pulk.write_workflow([table_entry("slow", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 50})])
    result = pulk.migrate("--max-snapshot-age", "1s", "--parallel", "1", "--retries", "2", timeout=100)
    assert result.code == 2, str(result)
    assert "--max-snapshot-age" in result.text


# --- poolers


@pytest.fixture
def pooled(pulk, source):
    pooler = Pooler(source)
    pulk.write_config(source, port=pooler.port)
    yield pooler
    pooler.stop()


def test_a_pooler_is_recognised_in_the_plan(pulk, source, pooled):
    assert "connection pooler" in pulk.plan().expect(0).stdout
    pulk.write_config(source)
    assert "connection pooler" not in pulk.plan().expect(0).text


def test_through_a_pooler_the_rows_are_right(pulk, source, pooled):
    result = pulk.migrate().expect(0, "connection pooler")
    assert_same_rows(source.rows("TABLE t"), pulk.rows("t"))
    assert result.table("t")["exactly_once"] == "snapshot"


def test_a_pooler_with_too_few_connections_ends_in_an_error_not_a_hang(pulk, source):
    pooler = Pooler(source, pool_size=1, query_wait_timeout=2)
    try:
        pulk.write_config(source, port=pooler.port, connect_timeout=2)
        result = pulk.migrate("--retries", "1", timeout=30)
        assert result.code == 2, str(result)
    finally:
        pooler.stop()


def test_what_was_only_asserted_is_never_called_proven(pulk, source):
    """--source-quiet keeps unproven work; a later process must not take its snapshot for a proof."""
    pulk.migrate(env={"PULK_CRASH_AT": "load.committed:3"})
    source.execute("UPDATE t SET b = 'changed'")
    pulk.migrate("--source-quiet", env={"PULK_CRASH_AT": "load.committed:1"})
    result = pulk.migrate().expect(0)
    assert result.table("t")["exactly_once"] == "user-asserted"
