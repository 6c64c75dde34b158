"""What the tests share that kill pulk, stop it, or let two of it meet: the named steps, a source with every kind of
partition, and the checks of what must hold when a run has ended well."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import tempfile
from pathlib import Path

import duckdb
import pytest

from support import snowflake_table, target
from support.pulk import Pulk, Running, table_entry
from support.values import assert_same_rows

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL

# Every named step, in the order of a table's life. test_crash_steps.py compares the list with the program's.
STEPS = (
    "run.recorded", "snapshot.taken", "table.frozen", "table.leased",
    "partition.taken", "partition.first_batch", "partition.file_closed", "partition.staged",
    "load.begun", "load.data_in", "load.marked", "load.committed", "load.recorded",
    "publish.begun", "publish.data_in", "publish.marked", "publish.committed", "publish.recorded",
    "table.cleaned", "run.finished",
)

# Those of Snowflake alone; tests/e2e/test_snowflake_crash.py kills at each.
SNOWFLAKE_STEPS = ("take.marked",)

# Those of an export; test_export_kills.py kills at each.
EXPORT_STEPS = ("export.file_sealed", "export.sealed", "export.file_published", "export.published", "export.manifest", "export.cleaned")

KINDS = ("duckdb", "files")


def steps_in_the_source() -> tuple:
    text = (ROOT / "src" / "base" / "steps.cpp").read_text()
    body = text[text.index("all_steps() {"):]
    return tuple(re.findall(r'^\s*"([a-z_.]+)",', body[:body.index("return names;")], re.M))


# --- a source with every kind of partition

SOURCE = """
CREATE TABLE ranged (k integer, v text, amount numeric(12,2));
INSERT INTO ranged SELECT CASE WHEN n % 15 = 0 THEN NULL ELSE n END, md5(n::text), n / 7.0 FROM generate_series(1, 1500) n;
CREATE INDEX ON ranged (k);
CREATE TABLE heap (a integer, b text);
INSERT INTO heap SELECT n % 100, md5(n::text) FROM generate_series(1, 1200) n;
CREATE TABLE empty (id integer PRIMARY KEY, b text);
CREATE TABLE small (id integer PRIMARY KEY, f double precision, b bytea, t timestamptz);
INSERT INTO small VALUES (1, 'NaN', '\\x00ff', '2001-02-03 04:05:06.789+00'), (2, -0.0, NULL, NULL), (3, 0.1, '', '9999-12-31 23:59:59.999999+00');
ANALYZE;
"""
TABLES = ("ranged", "heap", "empty", "small")
WORKFLOW = [
    table_entry("ranged", columnNamesToPartitionBy=["k"], partitionSize={"maxRowsPerPartition": 400}),
    table_entry("heap", partitionSize={"maxRowsPerPartition": 400}),
    "empty",
    "small",
]


def contents(db, tables=TABLES) -> dict:
    return {table: db.rows(f"TABLE {table}") for table in tables}


@pytest.fixture(scope="module")
def source(postgres):
    """One database for all tests of a module: nobody writes to it."""
    database = postgres.create_database()
    database.execute(SOURCE)
    database.expected = contents(database)
    yield database
    database.drop()


# --- running


def crash(pulk, step: str, *args, **kwargs):
    """One run that is killed at a step. That it died by SIGKILL is the proof that the step was reached."""
    result = pulk.migrate(*args, env={"PULK_CRASH_AT": step, "PULK_STEP_LOG": str(pulk.steps_file)}, **kwargs)
    assert result.code == KILLED, f"not killed at {step}: exit code {result.code}\n{result}"
    passed = pulk.steps_file.read_text().split()
    assert step.split(":")[0] in passed, f"killed, but {step} was not reached: {passed}"
    pulk.steps_file.unlink()
    return result


def resume(pulk, *args, **kwargs):
    """Until the end; what it needs for it is one start."""
    return pulk.migrate(*args, **kwargs).expect(0)


def start(pulk, *args, at="", workspace=None, number=0) -> Running:
    """A background run that stops itself at a step. Several may run side by side: each has its own log of steps."""
    pulk.steps_file = pulk.folder / f"steps.{number}"
    extra = () if workspace is None else ("--workspace", workspace)
    return pulk.start_migrate(*args, *extra, env={"PULK_STOP_AT": at} if at else {})


def start_stopped(pulk, *args, at, **kwargs) -> Running:
    """A background run that has stopped at a step, and not within a write to its ledger: nobody could take over what it
    locks. One that was caught there is let go to its end, and another one is started."""
    for _ in range(10):
        running = start(pulk, *args, at=at, **kwargs)
        running.wait_until_stopped()
        if not within_a_write(pulk):
            return running
        running.wake()
        running.wait(60)
    raise AssertionError("it is always stopped within a write")


def within_a_write(pulk) -> bool:
    """A process that is stopped has the ledger locked."""
    with contextlib.closing(sqlite3.connect(pulk.workspace / "ledger.sqlite", timeout=0, isolation_level=None)) as ledger:
        try:
            ledger.execute("BEGIN IMMEDIATE")
            ledger.execute("ROLLBACK")
            return False
        except sqlite3.OperationalError:
            return True


def both(tmp_path, binary, mutant_binary):
    """The program and the mutant, each in a folder of its own."""
    for name, path in (("pulk", binary), ("mutant", mutant_binary)):
        folder = tmp_path / name
        folder.mkdir()
        yield name, Pulk(folder, path)


# --- what must hold at the end


def status(pulk, workspace=None) -> list:
    return json.loads(pulk.run("status", "--json", "--workspace", workspace or pulk.workspace).expect(0).stdout)


def run_record(pulk, workspace=None) -> dict:
    if pulk.summary_file.exists():  # asking for the status removes it
        pulk.last_run = json.loads(pulk.summary_file.read_text())["run"]
    return [record for record in status(pulk, workspace) if record["run"] == pulk.last_run][0]


def snapshot_text(receipt: str) -> str:
    """xmin:xmax:xip of a receipt of PostgreSQL."""
    return json.loads(receipt)["snapshot"]


def _shortened(table: dict) -> str:
    """A table of the status, for a message."""
    def short(receipt):
        return snapshot_text(receipt) if receipt.startswith('{"') else receipt[:40]
    lines = [json.dumps({**table, "snapshot": short(table["snapshot"]), "partitions": len(table["partitions"])})]
    for partition in table["partitions"]:
        lines.append(json.dumps({**partition, "snapshot": short(partition["snapshot"])}))
    return "\n  ".join(lines)


def check_receipts(pulk, expected: dict, level="snapshot", workspace=None) -> dict:
    """Of the run that the last summary is about; gives the snapshot of each table."""
    run = run_record(pulk, workspace)
    assert run["state"] == "finished", run
    tables = {table["target"].rsplit(".", 1)[-1].strip('"'): table for table in run["tables"]}
    assert set(tables) == set(expected)
    snapshots = {}
    for name, table in tables.items():
        about = f"{name}: {_shortened(table)}"
        rows = len(expected[name])
        assert table["state"] == "done" and table["error"] == "" and table["error_class"] == 0, about
        assert table["rows"] == rows, about
        assert table["source_count"] == (rows if level == "snapshot" else -1), about
        assert table["partitions"], about
        for partition in table["partitions"]:
            assert partition["state"] == "loaded" and partition["error"] == "", about
            assert partition["rows_read"] == partition["rows_encoded"] == partition["rows_loaded"], about
        assert sum(p["rows_loaded"] for p in table["partitions"]) == rows, about
        named = {p["snapshot"] for p in table["partitions"]} | {table["snapshot"]}
        assert len(named) == 1 and "" not in named, f"the receipts of one table name one snapshot: {about}"
        assert table["exactly_once"] == level, about
        snapshots[name] = table["snapshot"]
    return snapshots


def check_nothing_left(pulk, workspace=None):
    """No staging, no lease, no spooled file, nobody who owns the workspace."""
    workspace = Path(workspace or pulk.workspace)
    spooled = [str(path) for path in (workspace / "spool").rglob("*") if path.is_file()]
    assert not spooled, spooled
    with contextlib.closing(sqlite3.connect(workspace / "ledger.sqlite")) as ledger:
        assert ledger.execute("SELECT * FROM owner").fetchall() == []
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert ledger.execute("PRAGMA foreign_key_check").fetchall() == []
    if pulk.kind == "snowflake":
        snowflake_table.check_nothing_left(pulk.target)
        return
    if pulk.kind == "duckdb":
        assert not list(pulk.folder.glob("*.pulk-tmp"))
        with target.open_duckdb(pulk.target) as connection:
            staging = connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, '_pulk_stage_')").fetchall()
            assert staging == []
            assert connection.execute("FROM _pulk.lease").fetchall() == []
            assert connection.execute('SELECT * FROM _pulk.mark WHERE "partition" <> \'\' OR state <> \'published\'').fetchall() == []
        return
    with contextlib.closing(sqlite3.connect(pulk.target / ".pulk" / "marks.sqlite")) as marks:
        assert marks.execute("SELECT * FROM lease").fetchall() == []
        assert marks.execute("SELECT * FROM file").fetchall() == []
        assert marks.execute("SELECT * FROM mark WHERE \"partition\" <> '' OR state <> 'published'").fetchall() == []
    for current in pulk.target.glob("*/*/current"):
        beside = {path.name for path in current.parent.iterdir()}
        assert beside == {"current", os.readlink(current)}, f"{current.parent} holds {beside}"
        partial = [path for path in current.parent.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".json")]
        assert not partial, partial


def check_manifests(pulk, snapshots: dict, workspace=None):
    """Of a folder of files: the manifest of the current version is this run's, and names the receipts' snapshot."""
    run = run_record(pulk, workspace)["run"]
    for table, snapshot in snapshots.items():
        folder = target.files_table_folder(pulk.target, table)
        manifest = target.read_manifest(pulk.target, table)
        assert os.readlink(folder / "current") == f"v-{run}"
        assert manifest["run"] == run
        assert manifest["snapshot"] == snapshot, (manifest["snapshot"], snapshot)
        for file in manifest["files"]:
            assert file["run"] == run and file["snapshot"] == snapshot, file


def check_rows(pulk, expected: dict):
    assert pulk.tables() == sorted(expected)
    for table, rows in expected.items():
        assert_same_rows(rows, pulk.rows(table))


def check_finished(pulk, expected: dict, level="snapshot", workspace=None) -> dict:
    """All of it. The rows first: that is what it is about. Names as the target has them."""
    check_rows(pulk, expected)
    snapshots = check_receipts(pulk, expected, level, workspace)
    check_nothing_left(pulk, workspace)
    if pulk.kind == "files":
        check_manifests(pulk, snapshots, workspace)
    return snapshots


def fill_in_partitions(pulk, db, target, rows):
    """A table `t` of 1,000 rows, to be moved in partitions of so many; .expected has them."""
    db.execute("CREATE TABLE t (id integer PRIMARY KEY, b text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 1000) n;"
               "ANALYZE t")
    pulk.write_config(db, target=target)
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": rows})])
    pulk.expected = {"T": db.rows("TABLE t")}


@contextlib.contextmanager
def copy_of_target(pulk):
    """A DuckDB file that a killed process left has a log of what is committed. A reader that may not write cannot always
    take it up, and one that may would do a part of what resuming has to do: so it reads a copy."""
    if pulk.kind == "files":
        yield pulk.target
        return
    with tempfile.TemporaryDirectory(dir=pulk.folder) as folder:
        for name in (pulk.target.name, pulk.target.name + ".wal"):
            if (pulk.folder / name).exists():
                shutil.copy(pulk.folder / name, folder)
        duckdb.connect(f"{folder}/{pulk.target.name}").close()
        yield Path(folder) / pulk.target.name


# --- a target and a ledger as they are, to see that somebody changed nothing


def _line(row) -> str:
    """A row for comparing and showing; long texts by their digest."""
    return repr(tuple("#" + hashlib.sha256(v.encode()).hexdigest()[:12] if isinstance(v, str) and len(v) > 100 else v for v in row))


def _sqlite_dump(path, without=()) -> dict:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {f"{path.name} {name}": sorted(map(_line, connection.execute(f'SELECT * FROM "{name}"')))
                for name in names if name not in without}


def ledger_state(workspace) -> dict:
    return _sqlite_dump(Path(workspace) / "ledger.sqlite", without=("owner",))


def target_state(pulk) -> dict:
    """Rows, marks, leases; of a folder also every file with its bytes."""
    if pulk.kind == "duckdb":
        with copy_of_target(pulk) as path, target.open_duckdb(path) as connection:
            names = connection.execute("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
            return {".".join(name): sorted(map(_line, connection.execute(f'FROM "{name[0]}"."{name[1]}"').fetchall())) for name in names}
    state = _sqlite_dump(pulk.target / ".pulk" / "marks.sqlite")
    for path in sorted(pulk.target.rglob("*")):
        name = str(path.relative_to(pulk.target))
        if name.startswith(".pulk"):
            continue
        if path.is_symlink():
            state[name] = "-> " + os.readlink(path)
        elif path.is_file():
            state[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return state


def spool_state(workspace) -> dict:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (Path(workspace) / "spool").rglob("*") if path.is_file()}


def assert_unchanged(before: dict, after: dict):
    """Like ==, but says only what differs."""
    lines = []
    for key in sorted(set(before) | set(after), key=str):
        old, new = before.get(key, "(not there)"), after.get(key, "(not there)")
        if old == new:
            continue
        if isinstance(old, list) and isinstance(new, list):
            lines += [f"{key}: gone: {row}" for row in sorted(set(old) - set(new))[:5]]
            lines += [f"{key}: new:  {row}" for row in sorted(set(new) - set(old))[:5]]
        else:
            lines.append(f"{key}: was {old}, is {new}")
    assert not lines, "something was changed:\n" + "\n".join(lines)
