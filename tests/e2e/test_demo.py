"""pulk demo: killed, resumed, proven; and counted again here by Python, without any part of pulk."""

import contextlib
import os
import re
import sqlite3
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"region": 5, "nation": 25, "supplier": 100, "customer": 1500, "part": 2000, "partsupp": 8000,
          "orders": 15000, "lineitem": 60175}
GENERATOR = os.environ.get("PULK_TPCHGEN", str(ROOT / ".deps" / "venv" / "bin" / "tpchgen-cli"))


@pytest.fixture
def demo(pulk):
    def run(*args, **env):
        return pulk.run("demo", "--scale", "0.01", *args, env={"PULK_TPCHGEN": GENERATOR, **env})

    return run


def source_rows(path, table) -> Counter:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        types = [row[2] for row in connection.execute(f"PRAGMA table_info({table})")]
        money = [kind.startswith("DECIMAL") for kind in types]
        return Counter(tuple(f"{Decimal(repr(v)):.2f}" if m else str(v) for v, m in zip(row, money))
                       for row in connection.execute(f"SELECT * FROM {table}"))


def target_rows(path, table) -> Counter:
    with duckdb.connect(str(path), read_only=True) as connection:
        return Counter(tuple(map(str, row)) for row in connection.execute(f"SELECT * FROM main.{table}").fetchall())


def assert_equal_sides(folder):
    for table, rows in TABLES.items():
        source = source_rows(folder / "sample.sqlite", table)
        assert source.total() == rows, table
        assert target_rows(folder / "demo.duckdb", table) == source, table


def test_killed_resumed_and_proven(demo, pulk):
    result = demo(LC_ALL="C.UTF-8").expect(0, "✓", "killed by SIGKILL", "resuming run", "Nothing lost, nothing twice",
                                           "pulk-demo/demo.duckdb")
    assert "half-way, in staging" in result.stdout, result
    assert "the ledger knows" in result.stdout, result
    assert re.search(r"lineitem: [1-9]\d* of \d+ partitions are loaded", result.stdout), result
    assert "NO" not in result.stdout.split()
    # Pleasant and short.
    assert len(result.stdout.splitlines()) < 90, result
    folder = pulk.folder / "pulk-demo"
    assert_equal_sides(folder)
    # The three things to try next work as they are printed.
    pulk.run("plan", str(folder / "workflow.json"), "-c", str(folder / "configuration.toml")).expect(0, "lineitem")
    pulk.run("status", "--workspace", str(folder / ".pulk")).expect(0, "finished")
    with duckdb.connect(str(folder / "demo.duckdb"), read_only=True) as connection:
        leftover = connection.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '_pulk_stage%'")
        assert leftover.fetchall() == []
        types = dict(connection.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE "
                                        "table_name = 'lineitem'").fetchall())
    assert types["l_extendedprice"] == "DECIMAL(15,2)"
    assert types["l_shipdate"] == "DATE"


def test_again_in_its_own_folder(demo, pulk):
    folder = pulk.folder / "some where" / "it's"
    demo("--dir", str(folder)).expect(0)
    note = folder / "note.txt"
    note.write_text("mine")
    made = (folder / "sample.sqlite").stat().st_mtime_ns
    again = demo("--dir", str(folder), "--keep", PULK_TPCHGEN="/nowhere", LC_ALL="C")
    again.expect(0, "is used again", "killed by SIGKILL")
    assert again.stdout.isascii(), again
    assert (folder / "sample.sqlite").stat().st_mtime_ns == made
    assert note.read_text() == "mine"
    assert_equal_sides(folder)


def test_a_difference_is_found(demo, pulk):
    """A source that says something else each time it is asked."""
    demo().expect(0)
    with contextlib.closing(sqlite3.connect(pulk.folder / "pulk-demo" / "sample.sqlite")) as connection:
        connection.execute("DROP TABLE region")
        connection.execute("CREATE VIEW region AS SELECT c_nationkey AS r_regionkey, c_phone AS r_name, "
                           "c_comment AS r_comment FROM customer ORDER BY random() LIMIT 1")
        connection.commit()
    demo("--keep").expect(3, "DIFFER", "source and target differ", "region, digest over all cells: SQLite has")


def test_a_folder_of_somebody_else(demo, pulk):
    folder = pulk.folder / "pulk-demo"
    folder.mkdir()
    (folder / "demo.duckdb").write_text("precious")
    demo().expect(1, "holds files that no demo has made", "--dir")
    assert (folder / "demo.duckdb").read_text() == "precious"
    assert [path.name for path in folder.iterdir()] == ["demo.duckdb"]


def test_without_the_generator(demo, pulk):
    demo(PULK_TPCHGEN="/nowhere/tpchgen-cli").expect(1, "/nowhere/tpchgen-cli", "pip install tpchgen-cli")
    assert not (pulk.folder / "pulk-demo").exists()


def test_a_generator_that_fails(demo, pulk):
    fake = pulk.folder / "fake"
    fake.write_text("#!/bin/sh\necho 'out of luck' >&2\nexit 3\n")
    fake.chmod(0o755)
    demo(PULK_TPCHGEN=str(fake)).expect(1, "out of luck")
    # What is left is a demo's folder, without half a sample.
    assert not (pulk.folder / "pulk-demo" / "sample.sqlite").exists()
    demo().expect(0)


def test_two_at_once(demo, pulk):
    folder = pulk.folder / "pulk-demo"
    fake = pulk.folder / "fake"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    running = pulk.start("demo", env={"PULK_TPCHGEN": str(fake)})
    running.wait_for(lambda: (folder / ".pulk-demo").exists() and (folder / ".pulk-demo").stat().st_size,
                     what="the first demo's folder")
    demo().expect(2, "another demo works in this folder")
    running.kill()
