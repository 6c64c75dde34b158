"""Peak memory (I3): bounded by --memory and the libraries, not by tables; one huge row may exceed it by four times its
size. Peak RSS is the kernel's own count (VmHWM)."""

import time

import pytest

MIB = 1024 * 1024
BUDGET = 256
LIMIT = 400


def peak_of(running, timeout=180):
    """Peak RSS in MiB over the life of the process; it must end with 0."""
    peak, deadline = 0, time.monotonic() + timeout
    while running.process.poll() is None:
        assert time.monotonic() < deadline, "too slow"
        try:
            for line in open(f"/proc/{running.pid}/status"):
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]) / 1024)
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.01)
    running.wait().expect(0)
    assert peak > 20, "nothing was measured"
    return peak


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_a_million_rows_stay_within_the_budget(pulk, db, target):
    db.execute("CREATE TABLE t AS SELECT n AS id, 'value ' || n AS v, (n / 7.0)::numeric(12,2) AS d, md5(n::text) AS h"
               " FROM generate_series(1, 1000000) n")
    pulk.write_workflow(["t"])
    pulk.write_config(db, target)
    assert peak_of(pulk.start_migrate("--memory", f"{BUDGET}MiB")) <= LIMIT
    assert len(pulk.rows("t")) == 1_000_000


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_two_huge_values_among_small_ones(pulk, db, target):
    huge = 100 * MIB
    db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    db.execute("INSERT INTO t SELECT n, 'small' FROM generate_series(1, 200) n")
    db.execute(f"UPDATE t SET v = repeat('0123456789abcdef', {huge // 16}) WHERE id IN (50, 150)")
    pulk.write_workflow(["t"])
    pulk.write_config(db, target)
    assert peak_of(pulk.start_migrate("--memory", f"{BUDGET}MiB")) <= LIMIT + 4 * huge / MIB
    lengths = sorted(len(row[1]) for row in pulk.rows("t"))
    assert lengths[:198] == [5] * 198 and lengths[198:] == [huge, huge]
