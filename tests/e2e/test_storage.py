"""`pulk storage`: looks at the place that exports go to, a bucket or a folder."""

import json
import os
import pty
import re
import select
import signal
import subprocess

import pytest

pytest.register_assert_rewrite("export_support")
from export_support import export, local_files, warehouse, world  # noqa: F401 - fixtures
from support.s3 import BUCKET


@pytest.fixture(params=["s3", "folder"])
def place(request, world, s3):
    """Three files: a/1.csv, a/b/2.csv, ab.csv."""
    world.place = () if request.param == "s3" else ("--destination", f"file://{world.folder}/out")
    top = None if request.param == "s3" else {"destination": f"file://{world.folder}/out"}
    entries = [{"table": "CUSTOMER", "s3_path": path, "file_type": "csv"} for path in ("a/1.csv", "a/b/2.csv", "ab.csv")]
    assert export(world, *entries, top=top).code == 0
    world.shown = f"s3://{BUCKET}/" if request.param == "s3" else f"{world.folder}/out/"
    world.here = s3.keys if request.param == "s3" else lambda: local_files(world.folder / "out")
    return world


def storage(pulk, *args, **more):
    return pulk.run("storage", *pulk.place, *args, **{"env": pulk.variables, **more})


def test_listing_and_finding(place):
    done = storage(place, "ls")
    assert done.code == 0 and "3 files" in done.stdout and "a/b/2.csv" in done.stdout, done.text
    listed = [json.loads(line) for line in storage(place, "ls", "a/", "--json").stdout.splitlines()]
    assert [(file["path"], file["bytes"]) for file in listed] == [("a/1.csv", 33), ("a/b/2.csv", 33)]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", file["modified"]) for file in listed), listed
    assert [json.loads(line)["path"] for line in storage(place, "ls", "a", "--json").stdout.splitlines()] == ["a/1.csv", "a/b/2.csv", "ab.csv"]
    done = storage(place, "ls", "nothing")
    assert done.code == 0 and "0 files" in done.stdout
    done = storage(place, "exists", "a/1.csv")
    assert done.code == 0 and place.shown + "a/1.csv" in done.stdout
    for path in ("a/2.csv", "a", "a/", "a/1.cs"):
        done = storage(place, "exists", path)
        assert done.code == 10 and "not there" in done.stdout, (path, done.text)


def on_terminal(pulk, *args, answer):
    """A person at a terminal who answers; the exit code and what is shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([pulk.binary, "storage", *pulk.place, *args], cwd=pulk.folder, env=pulk.environment(pulk.variables),
                               stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = process.communicate(timeout=60)[0].decode()
    os.close(ours)
    return process.returncode, shown


def test_removing(place):
    done = storage(place, "rm", "ab.csv")
    assert done.code == 0 and place.here() == ["a/1.csv", "a/b/2.csv"], done.text
    for path in ("ab.csv", "a/"):
        done = storage(place, "rm", path)
        assert done.code == 1 and "no such file" in done.stderr, done.text
    done = storage(place, "rm", "-r", "a/")
    assert done.code == 1 and "--yes" in done.stderr and len(place.here()) == 2
    code, shown = on_terminal(place, "rm", "-r", "a/", answer="n\n")
    assert code == 1 and "Remove 2 files" in shown and "nothing was removed" in shown and len(place.here()) == 2
    code, shown = on_terminal(place, "rm", "-r", "a/b", answer="y\n")
    assert code == 0 and "removed 1 file" in shown and place.here() == ["a/1.csv"], shown
    assert storage(place, "rm", "-r", "").code == 1
    done = storage(place, "rm", "-r", "--yes", "a")
    assert done.code == 0 and place.here() == []
    assert storage(place, "rm", "-r", "--yes", "a").code == 0


def started(pulk, *args, **more):
    return subprocess.Popen([pulk.binary, "storage", *pulk.place, *args], cwd=pulk.folder, env=pulk.environment(pulk.variables),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def test_stopped_at_the_question(place):
    ours, theirs = pty.openpty()
    process = started(place, "rm", "-r", "a", stdin=theirs)
    os.close(theirs)
    select.select([process.stdout], [], [], 30)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 2 and b"[y/N]" in shown and b"interrupted" in said and len(place.here()) == 3, said


@pytest.mark.parametrize("operation, skip, args", [("DeleteObject", 1, ("rm", "-r", "--yes", "a")), ("ListObjectsV2", 0, ("ls",))])
def test_stopped_on_the_way(world, s3, operation, skip, args):
    world.place = ()
    for key in ("a1", "a2", "a3"):
        with s3.files().open_output_stream(f"{BUCKET}/{key}") as stream:
            stream.write(b"x")
    before = s3.requests(operation)
    s3.fault(operation, "stall", skip=skip, seconds=8)
    process = started(world, *args)
    while s3.requests(operation) <= before + skip:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    assert process.returncode == 2 and b"interrupted" in said, (shown, said)
    assert s3.keys() == ["a1", "a2", "a3"][skip:]
    assert skip == 0 or b"removed 1 of 3 files" in shown, shown


def test_paths_that_lead_elsewhere(place):
    victim = place.folder / "victim"
    victim.write_text("x")
    for path in ("../victim", "a/../../victim", "/victim", "a/./1.csv", "a//1.csv", "..", "file:///victim"):
        for args in (("rm", path), ("rm", "-r", "--yes", path), ("ls", path), ("exists", path)):
            done = storage(place, *args)
            assert done.code == 1 and path in done.stderr and "victim" not in done.stdout, (args, done.text)
    assert victim.exists() and len(place.here()) == 3


def test_putting_a_test_file(place, s3):
    before = place.here()
    done = storage(place, "put-test")
    assert done.code == 0 and "written" in done.stdout and place.here() == before, done.text
    if place.place:
        return
    assert storage(place, "exists", "a", env={**place.variables, "S3_BUCKET_NAME": "not-there-4711"}).code == 1
    done = storage(place, "ls", env={**place.variables, "S3_BUCKET_NAME": "not-there-4711"})
    assert done.code == 1 and "NoSuchBucket" in done.stderr, done.text
    place.variables = {**place.variables, **s3.environment(s3.reader)}
    done = storage(place, "put-test")
    assert done.code == 5 and "s3:PutObject" in done.stderr and s3.left() == before, done.text
