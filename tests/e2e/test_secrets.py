"""No secret in an argument, a log, an error, the ledger, the summary, a file or a core dump."""

import sqlite3
from pathlib import Path

import pytest

from support.server import PASSWORD


@pytest.fixture(params=["env", "file", "plain"])
def configured(request, pulk, db):
    """The environment that pulk needs, with the password given in one of three ways."""
    db.execute("CREATE TABLE t AS SELECT n AS a, repeat('x', 100) AS b FROM generate_series(1, 20000) n; ANALYZE t")
    pulk.write_workflow("t")
    pulk.way = request.param
    if request.param == "env":
        pulk.write_config(db, password="env:SOURCE_PASSWORD")
        pulk.env = {"SOURCE_PASSWORD": PASSWORD}
    elif request.param == "file":
        path = pulk.folder / "password.txt"
        path.write_text(PASSWORD + "\n")
        path.chmod(0o600)
        pulk.write_config(db, password="file:password.txt")
        pulk.env = {}
    else:
        pulk.write_config(db)
        pulk.env = {}
    return pulk


def files_with_secret(pulk) -> list:
    """All files below the test's folder that hold it, but for the one that it was given in."""
    given = {pulk.folder / "password.txt"}
    if pulk.way == "plain":
        given.add(pulk.config)
    return [path for path in pulk.folder.rglob("*")
            if path.is_file() and path not in given and PASSWORD.encode() in path.read_bytes()]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_shown_or_stored(configured, log_format):
    result = configured.migrate("-v", "--log-format", log_format, env=configured.env).expect(0)
    assert PASSWORD not in result.text
    for command in (["plan", configured.workflow, "--json"], ["status", "--json"], ["clean", "--dry-run"],
                    ["doctor", configured.workflow]):
        assert PASSWORD not in configured.run(*command, "-v", env=configured.env).text
    assert files_with_secret(configured) == []


def test_no_secret_after_a_failure_and_a_kill(configured, db):
    running = configured.start_migrate("-v", env={**configured.env, "PULK_CRASH_AT": "load.data_in"})
    assert running.wait().code == -9
    db.execute("ALTER TABLE t ADD COLUMN late integer")
    result = configured.migrate("-v", env=configured.env).expect(4)
    assert PASSWORD not in result.text
    assert files_with_secret(configured) == []


def test_the_running_process_shows_no_secret(configured):
    running = configured.start_migrate(env={**configured.env, "PULK_STOP_AT": "partition.taken"})
    running.wait_until_stopped()
    proc = Path(f"/proc/{running.pid}")
    assert PASSWORD.encode() not in (proc / "cmdline").read_bytes()
    assert PASSWORD.encode() not in (proc / "comm").read_bytes()
    for task in (proc / "task").iterdir():
        assert PASSWORD.encode() not in (task / "comm").read_bytes()
    if configured.way != "env":
        assert PASSWORD.encode() not in (proc / "environ").read_bytes()
    limits = (proc / "limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    running.wake()
    running.wait().expect(0)


def test_references_that_lead_nowhere_are_named_not_shown(pulk, db):
    pulk.write_workflow("t")
    pulk.write_config(db, password="env:NOT_SET_ANYWHERE", username="file:/no/such/file")
    pulk.migrate().expect(1, "NOT_SET_ANYWHERE", "/no/such/file", "password", "username")
    pulk.assert_nothing_made()


def test_a_password_in_an_error_of_the_file_is_not_shown(pulk, db):
    pulk.write_workflow("t")
    pulk.write_config(db)
    text = pulk.config.read_text()
    for broken in (text.replace(f'"{PASSWORD}"', f'"{PASSWORD}'), text.replace("password =", "pasword ="),
                   text.replace(f'"{PASSWORD}"', f'["{PASSWORD}"]'), text.replace("port = ", f'port = "{PASSWORD}" # ')):
        assert broken != text
        pulk.config.write_text(broken)
        result = pulk.migrate().expect(1, "configuration.toml")
        assert PASSWORD not in result.text


def test_a_plain_password_that_others_can_read_is_warned_of(pulk, db):
    db.execute("CREATE TABLE t (a integer)")
    pulk.write_workflow("t")
    pulk.write_config(db)
    assert "plain text" not in pulk.plan().expect(0).stderr
    pulk.config.chmod(0o644)
    result = pulk.plan().expect(0, "plain text", "password")
    assert PASSWORD not in result.text


def test_only_the_owner_can_read_the_workspace(pulk, db):
    """Data on its way and the ledger are nobody else's."""
    db.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
    pulk.write_workflow("t")
    pulk.write_config(db)
    pulk.start_migrate(env={"PULK_CRASH_AT": "partition.staged"}).wait()
    assert pulk.workspace.stat().st_mode & 0o077 == 0
    ledger = pulk.workspace / "ledger.sqlite"
    assert sqlite3.connect(ledger).execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0


def test_the_server_sees_a_name_without_secrets(pulk, db):
    db.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n")
    pulk.write_workflow("t")
    pulk.write_config(db)
    running = pulk.start_migrate(env={"PULK_STOP_AT": "partition.taken"})
    running.wait_until_stopped()
    seen = db.execute("SELECT application_name || query FROM pg_stat_activity WHERE datname = current_database()"
                      " AND pid <> pg_backend_pid()", user="postgres")
    assert seen and all(PASSWORD not in text for (text,) in seen)
    assert any("pulk" in text for (text,) in seen)
    running.wake()
    running.wait().expect(0)
