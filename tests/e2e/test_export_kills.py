"""`pulk export` killed at every step, told to stop, and beside another one: what can be seen is whole, and the same command
again is right."""

import json
import os
import time

import pytest

pytest.register_assert_rewrite("export_support", "crash_support")
from crash_support import EXPORT_STEPS, KILLED
from export_support import CUSTOMER, FOLDER, ORDERS, export, local_files, warehouse, world, write, xxh3_128  # noqa: F401 - fixtures
from support.s3 import BUCKET


class Folder:
    """A folder of three rows in two partitions, on S3 or here: what a reader finds in it."""

    def __init__(self, world, s3):
        self.s3, self.here = s3, world.folder / "out" / "orders"

    def paths(self) -> set:
        if self.s3:
            return {key.removeprefix("orders/") for key in self.s3.keys("orders/")}
        # What begins with a dot no reader takes: Spark, Hive, pyarrow, a shell's *.
        return {path for path in local_files(self.here) if not path.rsplit("/", 1)[-1].startswith(".")}

    def content(self, path) -> bytes:
        return self.s3.content("orders/" + path) if self.s3 else (self.here / path).read_bytes()

    def listed(self) -> dict:
        """Path to content, of all that the manifest lists: whole, each of them."""
        manifest = json.loads(self.content("_manifest.json"))
        files = {file["path"]: self.content(file["path"]) for file in manifest["files"]}
        assert [(file["bytes"], file["xxh3_128"]) for file in manifest["files"]] == [(len(data), xxh3_128(data)) for data in files.values()]
        return files


OLD = {b"O_ORDERKEY\n-1\n-2\n", b"O_ORDERKEY\n-3\n"}
NEW = {b"O_ORDERKEY\n1\n2\n", b"O_ORDERKEY\n3\n"}


@pytest.mark.parametrize("step, where", [(step, "folder") for step in EXPORT_STEPS] + [(step, "s3") for step in EXPORT_STEPS[1:4]])
def test_killed(world, s3, step, where):
    """An export over an older one: whoever reads by the manifest finds one of both, whole, at every moment; _SUCCESS is there only
    when nothing else is."""
    query = "SELECT column1 AS O_ORDERKEY, column2 AS P FROM VALUES ({sign}1, 'a'), ({sign}2, 'a'), ({sign}3, 'b')"
    entry = {"table": "T", "s3_path": "orders/", "partition_by": ["P"], "file_type": "csv"}
    top = {} if where == "s3" else {"destination": f"file://{world.folder}/out"}
    folder = Folder(world, s3 if where == "s3" else None)
    assert export(world, {**entry, "query": query.format(sign="-")}, top=top).code == 0
    old = folder.listed()
    assert set(old.values()) == OLD
    done = export(world, {**entry, "query": query.format(sign="")}, top=top, PULK_CRASH_AT=step)
    assert done.code == KILLED, done.stderr
    listed, paths = folder.listed(), folder.paths()
    parts = {path for path in paths if "part-" in path}
    seen = {folder.content(path) for path in parts}
    assert seen <= OLD | NEW and set(listed.values()) in (OLD, NEW), "something half-written is seen"
    if "_SUCCESS" in paths:
        assert parts == set(listed)
    published = EXPORT_STEPS.index(step)
    assert (set(listed.values()) == NEW) == (published >= EXPORT_STEPS.index("export.manifest"))
    assert len(parts) == {0: 2, 1: 2, 2: 3, 3: 4, 4: 4, 5: 2}[published] or step == "export.file_published" and len(parts) in (3, 4)
    done = world.run("export", "exports.json", env=world.variables)
    assert done.code == 0, done.stderr
    assert set(folder.listed().values()) == NEW and folder.paths() == {"_SUCCESS", "_manifest.json", *folder.listed()}


def test_killed_while_one_file_is_written_over(world):
    top = {"destination": f"file://{world.folder}/out"}
    assert export(world, {**CUSTOMER, "query": "SELECT 'old' AS A"}, top=top).code == 0
    for step in ("export.file_sealed", "export.sealed"):
        assert export(world, CUSTOMER, top=top, PULK_CRASH_AT=step).code == KILLED
        assert (world.folder / "out/c.csv").read_text() == "A\nold\n"
    # What was left is removed when it is a day old; a younger one could be of a process that is at work.
    left = [world.folder / "out" / path for path in local_files(world.folder / "out") if path != "c.csv"]
    assert len(left) == 2 and all(path.name.startswith(".pulk-") for path in left)
    yesterday = time.time() - 25 * 3600
    os.utime(left[0], (yesterday, yesterday))
    assert export(world, CUSTOMER, top=top, PULK_CRASH_AT="export.file_published").code == KILLED
    assert local_files(world.folder / "out") == [left[1].name, "c.csv"]
    assert sorted((world.folder / "out/c.csv").read_text().splitlines()) == ["7,Customer#7", "8,", "C_CUSTKEY,C_NAME"]


def test_two_processes_write_one_file(world, s3):
    """Each writes beside the other; the last one to finish wins, whole."""
    top = {"destination": f"file://{world.folder}/out"}
    write(world, {**CUSTOMER, "query": "SELECT 'first' AS A"}, **top)
    first = world.start("export", "exports.json", env={**world.variables, "PULK_STOP_AT": "export.sealed"})
    first.wait_until_stopped()
    assert export(world, {**CUSTOMER, "query": "SELECT 'second' AS A"}, top=top).code == 0
    assert (world.folder / "out/c.csv").read_text() == "A\nsecond\n"
    first.wake()
    assert first.wait().code == 0 and (world.folder / "out/c.csv").read_text() == "A\nfirst\n"
    assert local_files(world.folder / "out") == ["c.csv"]
    write(world, CUSTOMER)
    first = world.start("export", "exports.json", env={**world.variables, "PULK_STOP_AT": "export.sealed"})
    first.wait_until_stopped()
    assert world.run("export", "exports.json", env=world.variables).code == 0
    first.wake()
    assert first.wait().code == 0 and s3.keys() == ["c.csv"] and s3.uploads() == []


@pytest.mark.parametrize("step", ["export.sealed", "export.file_published", "export.published", "export.manifest"])
def test_two_processes_write_one_folder(world, s3, step):
    """Whoever finds the other's files when it could remove them begins anew; in the end the folder is one export, whole."""
    top = {"destination": f"file://{world.folder}/out"}
    entry = {"table": "T", "s3_path": "orders/", "partition_by": ["P"], "file_type": "csv"}
    query = "SELECT column1 AS O_ORDERKEY, column2 AS P FROM VALUES ({sign}1, 'a'), ({sign}2, 'a'), ({sign}3, 'b')"
    write(world, {**entry, "query": query.format(sign="-")}, **top)
    first = world.start("export", "exports.json", env={**world.variables, "PULK_STOP_AT": step})
    first.wait_until_stopped()
    assert export(world, {**entry, "query": query.format(sign="")}, top=top).code == 0
    folder = Folder(world, None)
    assert set(folder.listed().values()) == NEW
    first.wake()
    done = first.wait()
    assert done.code == 0 and ("another export wrote into this folder" in done.stderr) == (step != "export.sealed"), done.stderr
    assert folder.paths() == {"_SUCCESS", "_manifest.json", *folder.listed()}
    assert set(folder.listed().values()) == OLD


@pytest.mark.parametrize("step", ["export.sealed", "export.file_published", "export.published", "export.cleaned"])
def test_told_to_stop_while_names_are_given(world, s3, step):
    """Before the first name is given the export ends, when it hears of it in time; behind it, it goes on to its end."""
    assert export(world, FOLDER).code == 0
    old = {key: s3.content(key) for key in s3.keys()}
    running = world.start("export", "exports.json", env={**world.variables, "PULK_STOP_AT": step})
    running.wait_until_stopped()
    running.terminate()
    running.wake()
    done = running.wait()
    now = {key: s3.content(key) for key in s3.keys()}
    assert s3.uploads() == []
    if step == "export.sealed" and done.code == 2:
        assert now == old
    else:
        assert done.code == 0 and "stopping" in done.stderr, done.stderr
        parts = {key for key in now if "part-" in key}
        assert not parts & old.keys() and set(Folder(world, s3).listed().values()) == {now[key] for key in parts}
        assert "orders/_SUCCESS" in now and len(parts) == 2


def test_what_a_killed_process_left_is_ended_after_a_day(world, s3):
    """Not before: it could be at work still."""
    write(world, ORDERS, {**FOLDER, "s3_path": "f/"})
    running = world.start("export", "exports.json", "--parallel", "1", env={**world.variables, "PULK_CRASH_AT": "export.sealed:2"})
    assert running.wait().code == KILLED
    assert s3.keys() == ["o.parquet"] and sorted(key.rsplit("/", 1)[1][:5] for key in s3.uploads()) == ["_SUCC", "_mani", "part-", "part-"]
    left = s3.uploads()
    done = world.run("export", "exports.json", env=world.variables)
    assert done.code == 0 and s3.uploads() == left, done.stderr
    with s3.files().open_input_stream(f"{BUCKET}/f/_SUCCESS"):
        pass
    s3.control("age", seconds=23 * 3600)
    assert world.run("export", "exports.json", env=world.variables).code == 0 and s3.uploads() == left
    s3.control("age", seconds=25 * 3600)
    done = world.run("export", "exports.json", "--only", "ORDERS", env=world.variables)
    assert done.code == 0 and s3.uploads() == [], done.stderr
