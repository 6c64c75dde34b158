"""The program as a person and as a script sees it."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest

from support.pulk import table_entry
from support.values import assert_same_rows

COMMANDS = ["migrate", "plan", "status", "doctor", "demo", "clean", "schema"]
WORKFLOWS = Path(__file__).parent / "workflows"


@pytest.fixture
def ready(pulk, db):
    """A table `t` of 3000 rows in ten partitions, and files that would move it."""
    db.execute("CREATE TABLE t (a integer PRIMARY KEY, b text);"
               "INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 3000) n; ANALYZE t")
    pulk.db = db
    pulk.write_config(db)
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 300})])
    return pulk


@pytest.fixture
def slow(pulk, db):
    """A view whose rows take a tenth of a second each: its query runs for as long as a test needs."""
    db.execute("CREATE TABLE quick AS SELECT 1 AS a;"
               "CREATE VIEW t AS SELECT n AS a, pg_sleep(0.1)::text AS b FROM generate_series(1, 300) n")
    pulk.db = db
    pulk.write_config(db)
    pulk.write_workflow(["quick", "t"])
    return pulk


def wait_until(condition, timeout=15):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def queries(db) -> int:
    """Statements of pulk that run at the server now."""
    return db.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                      " AND application_name = 'pulk' AND state = 'active'", user="postgres")[0][0]


def sessions(db) -> int:
    return db.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                      " AND application_name = 'pulk'", user="postgres")[0][0]


# --- version, help, schema


def test_version(pulk):
    assert re.fullmatch(r"pulk \d+\.\d+\.\d+\n", pulk.run("--version").expect(0).stdout)
    version = json.loads(pulk.run("--version", "--json").expect(0).stdout)
    assert version["name"] == "pulk"
    assert pulk.run("--version").stdout == f"pulk {version['version']}\n"


def test_help_names_all_commands_and_exit_classes(pulk):
    result = pulk.run("--help").expect(0, *COMMANDS, "Exit classes")
    assert result.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(pulk, command):
    result = pulk.run(command, "--help").expect(0, command)
    assert result.stderr == ""
    assert "Usage" in result.stdout or "usage" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 200


def test_no_command_and_an_unknown_one(pulk):
    pulk.run().expect(1, "migrate")
    pulk.run("migarte").expect(1, "migarte")
    pulk.run("migrate").expect(1, "workflow")


def test_schema_is_valid_and_accepts_the_contract(pulk):
    schema = json.loads(pulk.run("schema", "workflow").expect(0).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in WORKFLOWS.glob("*.json"):
        validator.validate(json.loads(path.read_text()))
    for wrong in ({}, {"tables": []}, {"tables": [{"source": 1}]}, {"tables": [{}], "extra": 1},
                  {"tables": [{"partitionSize": {"targetSizeMb": 1, "maxRowsPerPartition": 2}}]},
                  {"tables": [{"partitionSize": "large"}]}, {"schemaVersion": "2", "tables": [{}]}):
        assert not validator.is_valid(wrong), wrong
    pulk.run("schema", "nothing").expect(1, "nothing")


# --- plan


def test_plan_shows_the_way_of_every_column_and_touches_nothing(ready):
    ready.db.execute("CREATE TABLE odd (id bigint PRIMARY KEY, price numeric(10,2) NOT NULL, p aclitem)")
    before = sorted(ready.folder.rglob("*"))
    ready.plan().expect(0, "PostgreSQL 15", "snapshot", "public.t -> main.t", "10 partitions", "primary key a", "NOT NULL")
    ready.write_workflow(["t", "odd"])
    ready.plan().expect(5, "decimal(10,2)", "decimal128(10,2)", "DECIMAL(10,2) NOT NULL", "BIGINT", "REFUSED", "aclitem")
    assert sorted(ready.folder.rglob("*")) == before
    ready.assert_nothing_made()


def test_plan_as_json(ready):
    plan = json.loads(ready.plan("--json", "--parallel", "3").expect(0).stdout)
    assert plan["exactly_once"] == "snapshot"
    assert plan["lanes"] == 3
    table, = plan["tables"]
    assert [(c["source"], c["source_type"], c["target_type"]) for c in table["columns"]] == [
        ("a", "integer", "INTEGER"), ("b", "text", "VARCHAR")]
    assert len(table["partitions"]) >= 10
    assert abs(sum(p["rows_estimate"] for p in table["partitions"]) - 3000) <= 300
    assert plan["findings"] == []
    ready.db.execute("ALTER TABLE t ADD COLUMN p aclitem")
    result = ready.plan("--json").expect(5)
    finding, = json.loads(result.stdout)["findings"]
    assert finding["kind"] == "refused" and "aclitem" in finding["where"]
    ready.assert_nothing_made()


def test_plan_leaves_no_session_and_no_lock_behind(ready):
    ready.plan().expect(0)
    wait_until(lambda: sessions(ready.db) == 0, 5)


# --- migrate


def test_summary_and_results_go_to_stdout_and_logs_to_stderr(ready):
    result = ready.migrate().expect(0)
    assert "public.t" in result.stdout and "3,000" in result.stdout and "wall clock" in result.stdout
    assert "partition 1/" in result.stderr and "so far" in result.stderr
    assert "partition 1/" not in result.stdout
    summary = result.summary
    assert summary["exit_class"] == 0 and summary["rows"] == 3000 and not summary["resumed"] and not summary["interrupted"]
    table = result.table("t")
    assert table["source_count"] == 3000 and table["exactly_once"] == "snapshot" and table["snapshot"]
    assert table["state"] == "ok" and table["partitions"] >= 10
    # One line for each partition, with its rows.
    lines = re.findall(r"partition (\d+)/\d+ \(.*\): ([\d,]+) rows?,", result.stderr)
    assert len(lines) == table["partitions"]
    assert sum(int(rows.replace(",", "")) for _, rows in lines) == 3000


def test_summary_of_a_failed_run_has_the_errors(ready):
    ready.db.execute("CREATE TABLE bad (a numeric(5,1)); INSERT INTO bad VALUES ('NaN')")
    ready.write_workflow(["t", "bad"])
    result = ready.migrate().expect(5)
    assert result.summary["exit_class"] == 5
    assert result.table("bad")["error"]["class"] == 5
    assert "NaN" in result.table("bad")["error"]["message"]
    assert "error" not in result.table("t")


def test_quiet_says_nothing_on_stderr(ready):
    assert ready.migrate("-q").expect(0).stderr == ""
    ready.db.execute("DROP TABLE t")
    assert "public.t" in ready.migrate("-q").expect(1).stderr


def test_json_log_lines_parse(ready):
    result = ready.migrate("--log-format", "json").expect(0)
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert all({"time", "level", "message"} <= set(event) for event in events)
    kinds = [event.get("event") for event in events]
    assert kinds.count("run_started") == 1 and kinds.count("table_published") == 1
    loaded = [event for event in events if event.get("event") == "partition_loaded"]
    assert sum(event["rows"] for event in loaded) == 3000
    assert max(event["rows_total"] for event in loaded) == 3000
    ready.db.execute("DROP TABLE t")
    error = json.loads(ready.migrate("--log-format", "json").expect(1).stderr.splitlines()[-1])
    assert error["level"] == "error" and error["class"] == 1 and error["kind"] == "usage"


def on_terminal(pulk, *args, env=None):
    """What a terminal would receive on stderr."""
    reader, writer = pty.openpty()
    process = subprocess.Popen([pulk.binary, *map(str, args)], cwd=pulk.folder, stdout=subprocess.DEVNULL, stderr=writer,
                               stdin=subprocess.DEVNULL, env=pulk.environment({"TERM": "xterm", **(env or {})}))
    os.close(writer)
    text = b""
    while True:
        if not select.select([reader], [], [], 60)[0]:
            break
        try:
            chunk = os.read(reader, 65536)
        except OSError:
            break
        if not chunk:
            break
        text += chunk
    os.close(reader)
    process.wait(60)
    return text.decode(errors="replace")


def test_colour_and_progress_only_on_a_terminal(ready):
    assert "\033" not in ready.migrate("-v").expect(0).text
    assert "\033[2m" in on_terminal(ready, "migrate", ready.workflow, "-v")
    text = on_terminal(ready, "migrate", ready.workflow, "-v", env={"NO_COLOR": "1"})
    assert "\033[2m" not in text and "\033[3" not in text
    assert "published" in text


def test_progress_shows_rates_on_a_terminal(slow):
    slow.db.execute("CREATE OR REPLACE VIEW t AS SELECT n AS a, pg_sleep(0.01)::text AS b FROM generate_series(1, 150) n")
    text = on_terminal(slow, "migrate", slow.workflow)
    assert re.search(r"\d/2 tables.*rows/s.*/s", text)


# --- status and clean


def test_status_of_runs(ready):
    ready.run("status").expect(1, ".pulk")
    assert not ready.workspace.exists()
    ready.start_migrate(env={"PULK_CRASH_AT": "load.recorded:3"}).wait()
    text = ready.run("status").expect(0, "unfinished", "public.t", "main.t").stdout
    assert re.search(r"3/1\d", text), text
    run = json.loads(ready.run("status", "--json").expect(0).stdout)[-1]
    states = [partition["state"] for partition in run["tables"][0]["partitions"]]
    assert states.count("loaded") == 3
    ready.migrate().expect(0)
    run = json.loads(ready.run("status", "--json").expect(0).stdout)[-1]
    assert run["state"] == "finished"
    for partition in run["tables"][0]["partitions"]:
        assert partition["rows_read"] == partition["rows_encoded"] == partition["rows_loaded"]
        assert partition["snapshot"] == run["tables"][0]["snapshot"]
    assert sum(partition["rows_loaded"] for partition in run["tables"][0]["partitions"]) == 3000
    ready.run("status", "--run", run["run"]).expect(0, "done")
    ready.run("status", "--run", "none").expect(1, "none")


def leftovers(pulk):
    import duckdb
    with duckdb.connect(str(pulk.target), read_only=True) as connection:
        staging = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE starts_with(table_name, '_pulk_stage_')")
        staging = staging.fetchone()[0]
        leases = connection.execute("SELECT count(*) FROM _pulk.lease").fetchone()[0]
    return staging, leases


def test_clean_says_what_it_would_remove_and_removes_it(ready):
    ready.start_migrate(env={"PULK_CRASH_AT": "load.recorded:3"}).wait()
    run = json.loads(ready.run("status", "--json").stdout)[-1]["run"]
    assert leftovers(ready) == (1, 1)
    # Unfinished work is not touched without being named.
    ready.run("clean", "--yes").expect(0, "stays", run)
    assert leftovers(ready) == (1, 1)
    ready.run("clean", "--abandon", run, "--dry-run").expect(0, "would remove", run)
    ready.run("clean", "--abandon", run).expect(1, "--yes")
    assert leftovers(ready) == (1, 1)
    assert list((ready.workspace / "spool").rglob("*.parquet")) != []
    ready.run("clean", "--abandon", run, "--yes").expect(0, "removed")
    assert leftovers(ready) == (0, 0)
    assert list((ready.workspace / "spool").rglob("*.parquet")) == []
    ready.run("clean", "--yes").expect(0, "nothing to remove")
    ready.run("clean", "--abandon", "no-such-run", "--yes").expect(1, "no-such-run")
    result = ready.migrate().expect(0)
    assert not result.summary["resumed"]
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))


def test_clean_never_touches_what_was_published(ready):
    ready.migrate().expect(0)
    ready.run("clean", "--yes").expect(0)
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))


def test_a_finished_run_leaves_nothing_to_clean(ready):
    ready.migrate().expect(0)
    assert leftovers(ready) == (0, 0)
    assert list(ready.workspace.rglob("*.parquet")) == []
    ready.write_config(ready.db, target="files")
    ready.migrate("--workspace", "second").expect(0)
    ready.migrate("--workspace", "second").expect(0)
    versions = [path for path in (ready.target / "main" / "t").iterdir() if path.name.startswith("v-")]
    assert len(versions) <= 2, versions
    assert list(ready.target.rglob("*.partial")) == []


# --- signals


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_cleanly_and_it_can_be_resumed(slow, which):
    running = slow.start_migrate()
    wait_until(lambda: queries(slow.db) > 0 and "partition.taken" in running.steps())
    time.sleep(0.3)
    started = time.monotonic()
    running.process.send_signal(which)
    result = running.wait(10)
    assert time.monotonic() - started < 5
    result.expect(2, "resume", "interrupted")
    assert result.summary["interrupted"]
    # The query was cancelled at the server, not only left alone.
    wait_until(lambda: sessions(slow.db) == 0, 3)
    slow.db.execute("CREATE OR REPLACE VIEW t AS SELECT n AS a, ''::text AS b FROM generate_series(1, 300) n")
    slow.migrate().expect(0, "resuming")
    assert_same_rows(slow.db.rows("TABLE t"), slow.rows("t"))
    assert slow.rows("quick") == [("1",)]


def test_a_second_signal_ends_at_once(ready):
    running = ready.start_migrate(env={"PULK_STOP_AT": "load.begun"})
    running.wait_until_stopped()
    running.terminate()
    running.wake()
    # It may have ended cleanly on the first one before this arrives; it must not need more than the two.
    running.process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    code = running.wait(10).code
    assert time.monotonic() - started < 3
    assert code in (2, 130, -signal.SIGTERM)
    ready.migrate().expect(0)
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))


def test_a_second_signal_while_the_first_is_being_served(pulk, db):
    """The server does not answer at all: the first signal must wait for nothing longer than seconds, the second for
    nothing."""
    db.execute("CREATE VIEW t AS SELECT n AS a, pg_sleep(0.1)::text AS b FROM generate_series(1, 300) n")
    pulk.write_config(db)
    pulk.write_workflow("t")
    running = pulk.start_migrate()
    wait_until(lambda: queries(db) > 0 and "partition.taken" in running.steps())
    backends = [pid for (pid,) in db.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'pulk'"
                                             " AND datname = current_database()", user="postgres")]
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        running.terminate()
        time.sleep(0.2)
        started = time.monotonic()
        if running.process.poll() is None:
            running.terminate()
        running.wait(10)
        assert time.monotonic() - started < 2
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)


def test_a_signal_while_the_server_is_silent_still_ends_in_seconds(pulk, db):
    db.execute("CREATE VIEW t AS SELECT n AS a, pg_sleep(0.1)::text AS b FROM generate_series(1, 300) n")
    pulk.write_config(db)
    pulk.write_workflow("t")
    running = pulk.start_migrate()
    wait_until(lambda: queries(db) > 0 and "partition.taken" in running.steps())
    backends = [pid for (pid,) in db.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'pulk'"
                                             " AND datname = current_database()", user="postgres")]
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        running.terminate()
        running.wait(12).expect(2)
        assert time.monotonic() - started < 10
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)


def test_a_signal_while_the_plan_waits_for_a_lock(ready):
    with ready.db.connect(autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        running = ready.start_migrate()
        wait_until(lambda: queries(ready.db) > 0)
        running.terminate()
        started = time.monotonic()
        running.wait(10).expect(2, "interrupted")
        assert time.monotonic() - started < 5
        other.rollback()
    ready.assert_nothing_made()


def test_a_closed_pipe_does_not_kill_the_run(ready):
    """`pulk migrate | head -0`: the data still arrives."""
    process = subprocess.Popen([ready.binary, "migrate", str(ready.workflow)], cwd=ready.folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=ready.environment())
    process.stdout.close()
    process.stderr.close()
    process.wait(60)
    assert process.returncode >= 0
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))
