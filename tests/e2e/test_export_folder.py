"""The folder of an export: whose files go, when there is a _SUCCESS, what the log and the summary say. From DuckDB into a folder of
this machine, so that no server is needed."""

import json
import os
import stat

import duckdb
import pytest

NUMBERS = {"table": "t", "s3_path": "lake/", "file_type": "csv"}


@pytest.fixture
def world(pulk):
    pulk.config.write_text(f'[connections.target.duckdb]\npath = "{pulk.folder}/shop.duckdb"\n')
    with duckdb.connect(str(pulk.folder / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT i, i % 2 AS odd FROM range(1000) r(i)")
    pulk.out = pulk.folder / "out"
    return pulk


def command(pulk, *exports, args=()):
    (pulk.folder / "exports.json").write_text(json.dumps({"source": "duckdb", "destination": f"file://{pulk.out}", "exports": exports}))
    return ["export", "exports.json", *args]


def export(pulk, *exports, args=(), **more):
    return pulk.run(*command(pulk, *exports, args=args), **more)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_of_others_stay(world):
    lake = world.out / "lake"
    others = ["part-00000-ab12.snappy.parquet", "part-time-staff.csv", "orders/part-20261121-180002-9f3c-00001.csv", "orders/_SUCCESS", "readme"]
    for name in others:
        (lake / name).parent.mkdir(parents=True, exist_ok=True)
        (lake / name).write_text("theirs")
    for _ in range(2):
        done = export(world, NUMBERS).expect(0, "2 files named part-… that pulk did not write stay")
    ours = sorted(set(files(lake)) - set(others))
    assert len(ours) == 3 and ours[:2] == ["_SUCCESS", "_manifest.json"] and all((lake / name).read_text() == "theirs" for name in others), done
    by_odd = {**NUMBERS, "partition_by": ["odd"]}
    for _ in range(2):
        export(world, by_odd).expect(0)
    assert [name.split("/")[0] for name in files(lake) if "=" in name] == ["odd=0", "odd=1"]


def test_no_success_over_the_files_of_two(world):
    """One stands right before its _SUCCESS while another one names its files."""
    export(world, NUMBERS).expect(0)
    running = world.start(*command(world, NUMBERS, args=["--tries", "1"]), env={"PULK_STOP_AT": "export.cleaned"})
    running.wait_until_stopped()
    (world.out / "lake" / "part-20261121-180002-9f3c-00001.csv").write_text("i,odd\n1,1\n")
    running.wake()
    running.wait().expect(2, "another export wrote into this folder")
    assert not (world.out / "lake" / "_SUCCESS").exists()
    export(world, NUMBERS).expect(0)
    assert len(files(world.out / "lake")) == 3


def test_what_failed_is_an_error_in_every_log(world):
    broken = {"table": "nothing", "s3_path": "n.csv", "file_type": "csv"}
    done = export(world, NUMBERS, broken, args=["-q"]).expect(5, "nothing")
    assert "lake" not in done.stderr
    lines = [json.loads(line) for line in export(world, NUMBERS, broken, args=["--log-format", "json"]).expect(5).stderr.splitlines()]
    [failed] = [line for line in lines if line["level"] == "error"]
    assert (failed["export"], failed["class"], failed["kind"]) == ("nothing", 5, "refused")


def test_a_summary_is_tried_before_the_work(world):
    export(world, NUMBERS, args=["--summary", "nowhere/s.json"]).expect(1, "--summary nowhere/s.json")
    assert not world.out.exists()
    export(world, NUMBERS, args=["--summary", "s.json"]).expect(0)
    assert json.loads((world.folder / "s.json").read_text())["exports"][0]["rows"] == 1000


def test_files_can_be_read_by_whom_the_umask_allows(world):
    before = os.umask(0o022)
    try:
        export(world, NUMBERS).expect(0)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in world.out.rglob("*") if path.is_file()}
    assert modes == {0o644} and stat.S_IMODE((world.out / "lake").stat().st_mode) == 0o755


def test_what_a_query_may_be(world):
    entry = {"table": "q", "s3_path": "q/", "file_type": "csv"}
    export(world, {**entry, "query": "SELECT 1; SELECT 2"}).expect(1, "write one SELECT")
    export(world, {**entry, "query": "SELECT 1 AS odd, 2 AS x", "partition_by": ["od"]}).expect(1, "did you mean odd?")


def test_partitions_of_rows_in_no_order(pulk, sqlite_source):
    source = sqlite_source("CREATE TABLE t (i INTEGER, odd INTEGER); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
                           "INSERT INTO t SELECT i, i % 2 FROM n")
    pulk.write_config(source)
    entry = {"table": "q", "s3_path": "q/", "file_type": "csv", "partition_by": ["odd"]}
    (pulk.folder / "exports.json").write_text(json.dumps({"source": "odbc", "destination": f"file://{pulk.folder}/out", "exports": [
        {**entry, "query": "SELECT * FROM t"}, {**entry, "s3_path": "r/", "query": "SELECT * FROM t ORDER BY odd"}]}))
    pulk.run("export", "exports.json").expect(1, "end the query with ORDER BY")
    assert not list((pulk.folder / "out").glob("q/**/*.csv")) and len(list((pulk.folder / "out").glob("r/**/*.csv"))) == 2
