#!/usr/bin/env python3
"""PostgreSQL into the stand-in for Snowflake: what the client's half costs. See bench/README.md.

The stand-in is no warehouse: its COPY is slow and on the same processors. So what counts ends when the last file is on the
stage: processor time of the tool until then, and wall time without the time that the tool waited for its own COPY."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from server import Server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.snowflake import ACCOUNT, LOGIN, PASSWORD, Snowflake  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")


class Watched:
    """A process, with its processor time and memory every 20 ms."""

    def __init__(self, command, env=None, cwd=None):
        self.started = time.time()
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=dict(os.environ, **(env or {})), cwd=cwd, text=True)
        self.samples, self.peak = [], 0
        ended = threading.Event()

        def watch():
            while not ended.wait(0.02):
                try:
                    stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
                    resident = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE
                except OSError:
                    continue
                self.samples.append((time.time(), (int(stat[11]) + int(stat[12])) / TICK))
                self.peak = max(self.peak, resident)

        watcher = threading.Thread(target=watch)
        watcher.start()
        self.output = self.process.stdout.read()
        self.code = self.process.wait()
        self.ended = time.time()
        ended.set()
        watcher.join()

    def cpu_at(self, moment):
        return max((cpu for when, cpu in self.samples if when <= moment), default=0.0)


def kind(statement):
    return re.match(r"\W*(\w+)", statement["sql"])[1].upper()


def covered(spans, begin, end):
    """Seconds of [begin, end] that lie in at least one of the spans."""
    total, reached = 0.0, begin
    for a, b in sorted(spans):
        a, b = max(a, reached), min(b, end)
        if b > a:
            total += b - a
            reached = b
    return total


def one_run(name, command, warehouse, rows, table, env=None, cwd=None):
    seen = warehouse.control("history")
    done = Watched(command, env, cwd)
    if done.code != 0:
        raise SystemExit(f"bench: {name} failed with {done.code}:\n{done.output}")
    history = warehouse.control("history", **({"after": seen[-1]["id"]} if seen else {}))
    spans = {}
    for statement in history:
        spans.setdefault(kind(statement), []).append((statement["started"], statement["ended"] or statement["started"]))
    (counted,), = warehouse.sql(f"SELECT count(*) FROM BENCH.PUBLIC.{table}")
    if int(counted) != rows:
        raise SystemExit(f"bench: {name} loaded {counted} rows, the table has {rows}")
    # pulk lists a file after it was put.
    copies = [span for span in spans.get("COPY", [])]
    puts = spans["PUT"]
    last_put = max(end for _, end in puts)
    staged = min((end for begin, end in spans.get("LIST", []) + spans.get("LS", []) if begin >= last_put), default=None)
    if staged is None:
        staged = min((begin for begin, _ in copies if begin >= last_put), default=last_put)
    own = "pulk" not in name
    run = {"staged": staged - done.started, "cpu": done.cpu_at(staged), "wall": done.ended - done.started, "peak": done.peak,
           "cpu_all": done.samples[-1][1], "files": len(puts), "copy": sum(b - a for a, b in copies),
           "waited": covered(copies, done.started, staged) if own else 0.0}
    run["half"] = run["staged"] - run["waited"]
    run["timeline"] = {key: (min(a for a, _ in spans[key]) - done.started, max(b for _, b in spans[key]) - done.started)
                       for key in ("PUT", "COPY") if key in spans}
    print(f"  {name:28} staged {run['staged']:7.2f}  without COPY {run['half']:7.2f}  cpu {run['cpu']:6.2f}  all {run['wall']:7.2f}"
          f"  peak {run['peak'] / 1e6:5.0f} MB  {run['files']} files  " +
          "  ".join(f"{k} {a:.1f}..{b:.1f}" for k, (a, b) in run["timeline"].items()), flush=True)
    return run


def pulk(args, port, warehouse, table, target):
    folder = args.folder / "runs" / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keys = {**warehouse.keys(), "database": "BENCH"} if target == "snowflake" else {"path": str(folder / "files")}
    (folder / "configuration.toml").write_text(
        f'[connections.source.postgresql]\nhost = "127.0.0.1"\nport = {port}\ndatabase = "postgres"\nusername = "postgres"\n'
        f'password = "any"\nsslmode = "disable"\n[connections.target.{target}]\n' +
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    (folder / "configuration.toml").chmod(0o600)
    (folder / "w.json").write_text(json.dumps({"tables": [{
        "source": {"schemaName": "public", "tableName": table}, "target": {"tableName": table}}]}))
    return [args.pulk, "migrate", folder / "w.json", "-c", folder / "configuration.toml", "--workspace", folder / ".pulk",
            "--memory", args.memory, "-q"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="tools whose name contains one of these, comma-separated")
    parser.add_argument("--memory", default="512MiB", help="pulk's --memory")
    parser.add_argument("--pulk", type=Path, default=ROOT / "build" / "release" / "pulk")
    parser.add_argument("--peers", type=Path, default=ROOT / ".deps" / "bench")
    parser.add_argument("--tpchgen", type=Path, default=ROOT / ".deps" / "venv" / "bin" / "tpchgen-cli")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/pulk-bench"), help="database and output; kept")
    args = parser.parse_args()
    chosen = lambda name: not args.only or any(part in name for part in args.only.split(","))  # noqa: E731
    more = {"PYTHONPATH": str(next((ROOT / ".deps" / "venv-snowflake" / "lib").glob("python3*")) / "site-packages")}
    runs = {}
    with Server(args.folder, args.tpchgen) as server:
        rows = server.make_lineitem()
        server.warm("lineitem")
        uri = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", flush=True)
            if chosen("pulk"):
                done = Watched(pulk(args, server.port, None, "lineitem", "files"))
                if done.code != 0:
                    raise SystemExit(done.output)
                print(f"  {'pulk into files':28} all {done.ended - done.started:7.2f}  cpu {done.samples[-1][1]:6.2f}"
                      f"  peak {done.peak / 1e6:5.0f} MB", flush=True)
                runs.setdefault("files", []).append({"cpu": done.samples[-1][1], "wall": done.ended - done.started})
            for name in ("pulk into the stand-in", "write_pandas"):
                if not chosen(name) or (number > 0 and not name.startswith("pulk")):
                    continue
                warehouse = Snowflake()
                try:
                    warehouse.sql("CREATE DATABASE BENCH")
                    if name.startswith("pulk"):
                        run = one_run(name, pulk(args, server.port, warehouse, "lineitem", "snowflake"), warehouse, rows, "LINEITEM")
                    else:
                        keys = {"user": LOGIN, "password": PASSWORD, "account": ACCOUNT, "host": warehouse.host,
                                "port": warehouse.port, "protocol": "http", "warehouse": "COMPUTE_WH", "database": "BENCH",
                                "schema": "PUBLIC"}
                        run = one_run(name, [args.peers / "bin" / "python3", HERE / "peers" / "write_pandas.py", uri, "lineitem",
                                             json.dumps(keys)], warehouse, rows, "LINEITEM_PANDAS", more)
                    runs.setdefault(name, []).append(run)
                finally:
                    warehouse.remove()
    middle = lambda name, key: statistics.median(run[key] for run in runs[name])  # noqa: E731
    print("\n| tool | until staged s | without its COPY s | processor s | peak MB | files |\n|---|---|---|---|---|---|")
    for name in runs:
        if name != "files":
            print(f"| {name} | {middle(name, 'staged'):.1f} | {middle(name, 'half'):.1f} | {middle(name, 'cpu'):.2f} | "
                  f"{middle(name, 'peak') / 1e6:.0f} | {middle(name, 'files'):.0f} |")
    if "files" in runs and "pulk into the stand-in" in runs:
        print(f"\nprocessor, into the stand-in until staged / into files: "
              f"{middle('pulk into the stand-in', 'cpu') / middle('files', 'cpu'):.2f}")


if __name__ == "__main__":
    sys.exit(main())
