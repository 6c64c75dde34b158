"""pulk doctor: a sound set-up passes, and each broken piece fails under its own name, with a fix."""

import json
import os
import socket
import sqlite3

import duckdb
import pytest

from support.server import LOGIN, PASSWORD, free_port

TABLES = """CREATE TABLE orders (id INTEGER PRIMARY KEY, amount DECIMAL(10,2), day DATE);
            INSERT INTO orders VALUES (1, 2.5, '2024-02-29')"""


class Report:
    def __init__(self, result):
        self.result = result
        self.checks = json.loads(result.stdout)
        self.names = [check["check"] for check in self.checks]

    def __getitem__(self, name) -> dict:
        assert self.names.count(name) == 1, f"check {name}: {self.names}\n{self.result}"
        return self.checks[self.names.index(name)]

    def status(self, name) -> str:
        return self[name]["status"]

    def failed(self) -> list:
        return [check["check"] for check in self.checks if check["status"] == "fail"]

    def expect_failure(self, name, code, detail, fix):
        check = self[name]
        assert check["status"] == "fail", f"{name}: {check}"
        assert detail in check["detail"], check
        assert fix in check["fix"], check
        assert self.result.code == code, f"{self.failed()}\n{self.result}"


@pytest.fixture
def doctor(pulk):
    def run(*args, env=None) -> Report:
        report = Report(pulk.run("doctor", *args, "--json", env=env))
        for check in report.checks:
            assert set(check) == {"check", "status", "seconds", "detail", "fix"}, check
            assert check["status"] in ("pass", "warn", "fail", "skip"), check
            assert 0 <= check["seconds"] < 60, check
            if check["status"] == "fail":
                assert check["detail"] and check["fix"], f"a failure without its next step: {check}"
        return report

    return run


@pytest.fixture
def sqlite_setup(pulk, sqlite_source):
    pulk.write_config(sqlite_source(TABLES))
    pulk.write_workflow(["orders"])
    return pulk


def test_a_sound_set_up_passes(sqlite_setup, doctor):
    report = doctor("workflow.json")
    assert report.failed() == [], report.result
    assert report.result.code == 0
    for name in ("connections file", "workflow", "source connection", "odbc driver", "source login",
                 "target connection", "duckdb library", "target folder", "target", "table orders", "types",
                 "disk space", "workspace", "memory", "clock"):
        assert report.status(name) in ("pass", "warn"), report[name]
    assert report.status("types") == "pass", report["types"]
    assert report.status("source port") == "skip"  # a file has no port
    sqlite_setup.assert_nothing_made()
    assert sorted(path.name for path in sqlite_setup.folder.iterdir()) == [
        "configuration.toml", "source.sqlite", "workflow.json"]


def test_text_for_people(sqlite_setup):
    result = sqlite_setup.run("doctor", "workflow.json").expect(0, "pass  connections file", "0 failed")
    assert "FAIL" not in result.stdout


def test_without_a_workflow(sqlite_setup, doctor):
    report = doctor()
    assert report.result.code == 0, report.result
    assert [report.status(name) for name in ("workflow", "tables", "types")] == ["skip"] * 3


def test_after_a_run(sqlite_setup, doctor):
    sqlite_setup.migrate().expect(0)
    report = doctor("workflow.json")
    assert report.result.code == 0, report.result
    assert "ledger version" in report["workspace"]["detail"]
    assert report.status("workspace owner") == "pass"
    assert "no other process holds it" in report["target"]["detail"]


def test_postgres_passes_and_tells_no_secret(db, pulk, doctor):
    db.execute("CREATE TABLE orders (id int PRIMARY KEY, amount numeric(10,2), day date)")
    pulk.write_config(db)
    pulk.write_workflow(["orders"])
    report = doctor("workflow.json")
    assert report.failed() == [], report.result
    assert [report.status(name) for name in ("source name", "source port")] == ["pass"] * 2
    assert "PostgreSQL 15" in report["source login"]["detail"]
    assert report.status("exactly once") == "pass"
    assert report.status("table orders") == "pass"
    assert PASSWORD not in report.result.text
    pulk.assert_nothing_made()


def test_missing_files(pulk, doctor):
    report = doctor("nowhere.json")
    assert report.result.code == 1
    assert "nowhere.json" in report["workflow"]["detail"]
    assert "configuration.toml" in report["connections file"]["detail"]
    for name in ("source connection", "source login", "target connection", "target", "tables", "types"):
        assert report.status(name) == "skip", report[name]
    # What depends on neither file is checked all the same.
    for name in ("workspace", "memory", "clock"):
        assert report.status(name) != "skip", report[name]


def test_unreachable_port(pulk, doctor):
    port = free_port()
    pulk.write_config({"host": "127.0.0.1", "port": port, "database": "x", "username": "x", "password": "y"})
    pulk.write_workflow(["orders"])
    report = doctor("workflow.json")
    report.expect_failure("source port", 2, "Connection refused", "listens")
    assert report.status("source login") == "skip"
    assert report.status("tables") == "skip"
    assert report.status("target") == "pass"
    assert report.failed() == ["source port"]


def test_a_port_that_never_answers(pulk, doctor):
    # A full backlog: connections are neither taken nor refused.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        host, port = listener.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, port))
            waiting.append(one)
        pulk.write_config({"host": host, "port": port, "database": "x", "username": "x", "connect_timeout": 1})
        report = doctor()
        for one in waiting:
            one.close()
    report.expect_failure("source port", 2, "no answer in time", "firewall")
    assert report["source port"]["seconds"] < 3


def test_unknown_host(pulk, doctor):
    pulk.write_config({"host": "no-such-host.invalid", "database": "x", "username": "x"})
    report = doctor()
    check = report["source name"]
    assert check["status"] == "fail" and "no-such-host.invalid" in check["detail"] and check["fix"]
    assert report.result.code in (1, 2)


def test_wrong_password(db, pulk, doctor):
    pulk.write_config(db, password="Wrong-1234-zebra")
    report = doctor()
    assert report.failed() == ["source login"], report.result
    assert report.result.code == 5
    assert report.status("exactly once") == "skip"
    assert "Wrong-1234-zebra" not in report.result.text


def test_missing_variable_of_a_password(db, pulk, doctor):
    pulk.write_config(db, password="env:PULK_TEST_NOWHERE")
    report = doctor()
    report.expect_failure("connections file", 1, "PULK_TEST_NOWHERE", "export PULK_TEST_NOWHERE")


def test_password_that_others_can_read(db, pulk, doctor):
    pulk.write_config(db).chmod(0o644)
    report = doctor()
    assert report.status("connections file") == "warn", report.result
    assert "chmod 600" in report["connections file"]["fix"]
    assert report.result.code == 0
    assert PASSWORD not in report.result.text


def test_missing_driver(pulk, sqlite_source, doctor):
    pulk.write_config(sqlite_source(TABLES), driver_name="SQLite33")
    report = doctor()
    report.expect_failure("odbc driver", 1, "SQLite33", "did you mean SQLite3?")
    assert "odbcinst.ini names: " in report["odbc driver"]["fix"]
    assert report.status("source login") == "skip"


def test_missing_library_of_a_driver(pulk, sqlite_source, doctor):
    pulk.write_config(sqlite_source(TABLES), driver_name="/nowhere/libdriver.so")
    doctor().expect_failure("odbc driver", 1, "/nowhere/libdriver.so", "correct the path")


def test_missing_sqlite_file(pulk, sqlite_source, doctor):
    source = sqlite_source()
    pulk.write_config(source)
    report = doctor()
    assert report.failed() == ["source login"], report.result
    assert "source.sqlite" in report["source login"]["detail"]
    assert not source.path.exists()


def test_missing_duckdb_library(sqlite_setup, doctor):
    report = doctor(env={"PULK_DUCKDB_LIBRARY": "/nowhere/libduckdb.so"})
    report.expect_failure("duckdb library", 1, "/nowhere/libduckdb.so", "PULK_DUCKDB_LIBRARY")
    assert report.status("target") == "skip"
    assert report.status("target folder") == "pass"


def test_locked_target(sqlite_setup, doctor):
    with duckdb.connect(str(sqlite_setup.target)):
        report = doctor("workflow.json")
    report.expect_failure("target", 2, f"process {os.getpid()}", "close it there")
    assert report.status("table orders") == "pass"


def test_missing_folder_of_the_target(sqlite_setup, doctor):
    text = sqlite_setup.config.read_text()
    sqlite_setup.config.write_text(text.replace("/target.duckdb", "/no/such/folder/target.duckdb"))
    report = doctor()
    report.expect_failure("target folder", 1, "does not exist", "mkdir -p")


def test_unwritable_folders(sqlite_setup, doctor):
    # /proc takes no files, not even from root.
    text = sqlite_setup.config.read_text()
    sqlite_setup.config.write_text(text.replace(str(sqlite_setup.target), "/proc/target.duckdb"))
    report = doctor("--workspace", "/proc/pulk/workspace")
    report.expect_failure("target folder", 1, "/proc: cannot be written to", "choose another folder")
    report.expect_failure("workspace", 1, "/proc: cannot be written to", "choose another folder")


def test_workspace_in_use(sqlite_setup, doctor):
    running = sqlite_setup.start_migrate(env={"PULK_STOP_AT": "table.frozen"})
    running.wait_until_stopped()
    report = doctor()
    report.expect_failure("workspace owner", 2, f"process {running.pid}", "wait for it")
    running.wake()
    assert running.wait().code == 0


def test_workspace_of_a_killed_run(sqlite_setup, doctor):
    sqlite_setup.migrate(env={"PULK_CRASH_AT": "table.frozen"})
    report = doctor()
    assert report.status("workspace owner") == "pass", report["workspace owner"]
    assert "takes over at once" in report["workspace owner"]["detail"]
    assert "1 of them unfinished" in report["workspace"]["detail"]


def test_ledger_of_a_newer_version(sqlite_setup, doctor):
    sqlite_setup.migrate().expect(0)
    with sqlite3.connect(sqlite_setup.workspace / "ledger.sqlite") as ledger:
        ledger.execute("PRAGMA user_version = 99")
    ledger.close()
    doctor().expect_failure("workspace", 1, "version 99", "newer pulk")


def test_tables_and_privileges(db, pulk, doctor):
    db.execute("CREATE TABLE good (id int)")
    db.execute("CREATE TABLE hidden (id int)", user="postgres")
    db.execute(f"REVOKE ALL ON hidden FROM {LOGIN}", user="postgres")
    pulk.write_config(db)
    pulk.write_workflow(["good", "hidden", "godo"])
    report = doctor("workflow.json")
    # The gravest class wins: a missing privilege before a name that is not there.
    report.expect_failure("table hidden", 5, "SELECT", "GRANT SELECT")
    assert report.status("table godo") == "fail"
    assert report.status("table good") == "pass"
    assert report.status("types") == "pass"


def test_refused_types_are_all_listed(db, pulk, doctor):
    db.execute("CREATE TABLE odd (id int, x aclitem); CREATE TABLE odder (y aclitem[])")
    pulk.write_config(db)
    pulk.write_workflow(["odd", "odder"])
    report = doctor("workflow.json")
    assert report.failed() == ["types"], report.result
    assert report.result.code == 5
    assert "x" in report["types"]["detail"] and "y" in report["types"]["detail"]


def test_budget_above_the_memory(sqlite_setup, doctor):
    doctor("--memory", "900TB").expect_failure("memory", 1, "allows", "--memory")


def test_several_targets(sqlite_setup, doctor):
    sqlite_setup.config.write_text(sqlite_setup.config.read_text() + '[connections.target.files]\npath = "out"\n')
    report = doctor()
    report.expect_failure("target connection", 1, "duckdb, files", "--target")
    assert report.failed() == ["target connection"], report.result
    report = doctor("--target", "files", "workflow.json")
    assert report.result.code == 0, report.result
    assert not (sqlite_setup.folder / "out").exists()
