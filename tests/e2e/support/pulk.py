"""The program under test, in a folder of its own."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from support import mariadb, psqlodbc, server, snowflake_table, sqlserver, target
from support.snowflake import Snowflake


@dataclass
class Result:
    code: int
    stdout: str
    stderr: str
    summary: dict = None   # what --summary wrote
    seconds: float = 0

    @property
    def text(self) -> str:
        return self.stdout + self.stderr

    def expect(self, code: int, *texts: str) -> "Result":
        """The exit code, and texts that stand somewhere in the output."""
        assert self.code == code, f"exit code {self.code}, expected {code}\n{self}"
        for text in texts:
            assert text in self.text, f"{text!r} is not in the output\n{self}"
        return self

    def table(self, label: str) -> dict:
        """The summary of one table, by its target's or its label's last part."""
        for table in self.summary["tables"]:
            if label in (table["table"], table["target"], table["table"].rsplit(".", 1)[-1],
                         table["target"].rsplit(".", 1)[-1]):
                return table
        raise AssertionError(f"no table {label} in {[t['table'] for t in self.summary['tables']]}")

    def __str__(self):
        return f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class Running:
    """A pulk in the background; its output goes to files, so that it never waits for a reader."""

    def __init__(self, process, stdout: Path, stderr: Path, summary: Path, steps: Path):
        self.process = process
        self.pid = process.pid
        self._stdout, self._stderr, self._summary, self._steps = stdout, stderr, summary, steps

    def steps(self) -> list:
        """Named steps that were passed so far, in order."""
        return self._steps.read_text().split() if self._steps.exists() else []

    def stderr(self) -> str:
        return self._stderr.read_text()

    def wait_for(self, condition, timeout=30, what="the condition"):
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            assert self.process.poll() is None, f"pulk ended before {what}\n{self.result()}"
            assert time.monotonic() < deadline, f"{what} was not reached in {timeout} s\n{self.stderr()}"
            time.sleep(0.01)

    def wait_for_step(self, name: str, times=1, timeout=30):
        self.wait_for(lambda: self.steps().count(name) >= times, timeout, f"step {name}")

    def wait_until_stopped(self, timeout=30):
        """For PULK_STOP_AT: the process has stopped itself."""
        stat = Path(f"/proc/{self.pid}/stat")
        self.wait_for(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", timeout, "its stop")

    def wake(self):
        self.process.send_signal(signal.SIGCONT)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def result(self) -> Result:
        return Result(self.process.returncode, self._stdout.read_text(), self._stderr.read_text(),
                      _summary_of(self._summary))

    def wait(self, timeout=60) -> Result:
        self.process.wait(timeout)
        return self.result()


def _summary_of(path: Path):
    return json.loads(path.read_text()) if path.exists() else None


class Pulk:
    """The paths that matter: .workflow, .config, .workspace, .target (kind in .kind), .summary_file."""

    def __init__(self, folder: Path, binary: str):
        self.folder = Path(folder)
        self.binary = binary
        self.workflow = self.folder / "workflow.json"
        self.config = self.folder / "configuration.toml"
        self.workspace = self.folder / ".pulk"
        self.summary_file = self.folder / "summary.json"
        self.steps_file = self.folder / "steps.log"
        self.kind = "duckdb"
        self.target = self.folder / "target.duckdb"
        self._running = []

    # --- configuration

    def write_workflow(self, workflow) -> Path:
        """A whole workflow, or a list of tables; a table may be just its name."""
        if isinstance(workflow, (list, str)):
            names = [workflow] if isinstance(workflow, str) else workflow
            workflow = {"tables": [table_entry(t) if isinstance(t, str) else t for t in names]}
        self.workflow.write_text(json.dumps(workflow, indent=2, ensure_ascii=False))
        return self.workflow

    def write_config(self, source, target="duckdb", extra="", **overrides) -> Path:
        """`source`: a Database, a SqliteSource or a dict of keys of connections.source.postgresql. Overrides replace
        keys of the source; None leaves one out. `extra` goes in front. `target`: a kind, or a Snowflake."""
        kind, keys = connection_of(source)
        keys.update(overrides)
        self.write_target(target)
        self._source = kind, keys, extra
        return self.rewrite_config()

    def rewrite_config(self) -> Path:
        """The same source with the .target_keys of now; a dict in them is a table of its own."""
        kind, keys, extra = self._source
        lines = [extra, f"[connections.source.{kind}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
        lines += [f"[connections.target.{self.kind}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in self.target_keys.items() if not isinstance(value, dict)]
        for name, inner in self.target_keys.items():
            if isinstance(inner, dict):
                lines += [f"[connections.target.{self.kind}.{name}]"]
                lines += [f"{key} = {json.dumps(value)}" for key, value in inner.items()]
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)
        return self.config

    def write_target(self, target):
        if isinstance(target, Snowflake):
            self.kind, self.target = "snowflake", snowflake_table.Place(target)
            self.target_keys = {**target.keys(), "database": self.target.database}
            return
        self.kind = target
        self.target = self.folder / ("target.duckdb" if target == "duckdb" else "target")
        self.target_keys = {"path": str(self.target)}

    # --- running

    def environment(self, env=None) -> dict:
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith(("PULK_", "PG", "SNOWFLAKE_", "AWS_")) and k not in ("NO_COLOR", "GOMEMLIMIT")}
        for name in ("PULK_DUCKDB_LIBRARY", "PULK_SNOWFLAKE_LIBRARY"):
            if name in os.environ:
                kept[name] = os.environ[name]
        # An odd zone: no value may depend on where pulk runs.
        return {**kept, "TZ": "America/St_Johns", **(env or {})}

    def run(self, *args, env=None, timeout=120, input=None) -> Result:
        self.summary_file.unlink(missing_ok=True)
        start = time.monotonic()
        done = subprocess.run([self.binary, *map(str, args)], cwd=self.folder, env=self.environment(env),
                              capture_output=True, text=True, errors="replace", timeout=timeout, input=input,
                              stdin=subprocess.DEVNULL if input is None else None)
        return Result(done.returncode, done.stdout, done.stderr, _summary_of(self.summary_file),
                      time.monotonic() - start)

    def migrate(self, *args, **kwargs) -> Result:
        """pulk migrate workflow.json, with configuration.toml and .pulk in the test's folder."""
        return self.run("migrate", self.workflow, "--summary", self.summary_file, *args, **kwargs)

    def plan(self, *args, **kwargs) -> Result:
        return self.run("plan", self.workflow, *args, **kwargs)

    def start(self, *args, env=None, prefix=()) -> Running:
        """In the background, with the log of steps."""
        self.summary_file.unlink(missing_ok=True)
        self.steps_file.unlink(missing_ok=True)
        number = len(self._running)
        stdout, stderr = self.folder / f"stdout.{number}", self.folder / f"stderr.{number}"
        with open(stdout, "wb") as out, open(stderr, "wb") as err:
            process = subprocess.Popen([*prefix, self.binary, *map(str, args)], cwd=self.folder, stdout=out, stderr=err,
                                       stdin=subprocess.DEVNULL,
                                       env=self.environment({"PULK_STEP_LOG": str(self.steps_file), **(env or {})}))
        running = Running(process, stdout, stderr, self.summary_file, self.steps_file)
        self._running.append(running)
        return running

    def start_migrate(self, *args, env=None, **kwargs) -> Running:
        return self.start("migrate", self.workflow, "--summary", self.summary_file, *args, env=env, **kwargs)

    def stop_all(self):
        for running in self._running:
            if running.process.poll() is None:
                running.kill()

    # --- what came of it

    def read(self, table: str, schema=None) -> target.Table:
        return target.read_target(self.kind, self.target, table, schema)

    def rows(self, table: str, schema=None) -> list:
        return self.read(table, schema).rows

    def tables(self) -> list:
        return target.target_tables(self.kind, self.target)

    def assert_nothing_made(self):
        """Neither a workspace nor anything at the target's place."""
        assert not self.workspace.exists(), f"a workspace was made: {sorted(self.workspace.rglob('*'))}"
        if self.kind == "snowflake":
            assert snowflake_table.databases(self.target) == [], "something was made in Snowflake"
            return
        beside = [path for path in self.target.parent.glob(self.target.name + "*")]
        assert not beside, f"something was made at the target's place: {beside}"


def table_entry(name: str, **settings) -> dict:
    """A table of a workflow that keeps its name; dots in `name` are part of it."""
    return {"source": {"tableName": name}, "target": {"tableName": name}, **settings}


def connection_of(source):
    if isinstance(source, dict):
        return "postgresql", dict(source)
    if isinstance(source, server.Database):
        return "postgresql", {"host": source.server.host, "port": source.server.port, "database": source.name,
                              "username": server.LOGIN, "password": server.PASSWORD}
    if isinstance(source, sqlserver.SqlServerDatabase):
        return "sqlserver", source.keys()
    if isinstance(source, (mariadb.MariadbDatabase, psqlodbc.OverPsqlodbc)):
        return "odbc", source.keys()
    return "odbc", {"driver_name": "SQLite3", "database": str(source.path)}
