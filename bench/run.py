#!/usr/bin/env python3
"""Tables to Parquet, pulk beside its peers and beside the floors, interleaved. See bench/README.md.

Processor time of the server is what its backends took; of a tool, what its whole process tree took. Memory is the largest
sum of resident memory over the tree, sampled every 20 ms."""

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from measure import measure
from server import Server, free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KEYS = {"lineitem": "l_orderkey", "wide": "id"}


@dataclass
class Tool:
    name: str
    command: object                     # (table, folder for output) -> list
    writes: bool = True
    tables: tuple = ("lineitem", "wide")
    slow: bool = False                  # measured once
    runs: dict = field(default_factory=dict)


def pulk_command(args, port, lanes):
    def command(table, out):
        work = out / "work"
        work.mkdir(parents=True)
        (work / "configuration.toml").write_text(
            f'[connections.source.postgresql]\nhost = "127.0.0.1"\nport = {port}\n'
            f'database = "postgres"\nusername = "postgres"\npassword = "any"\nsslmode = "disable"\n'
            f'[connections.target.files]\npath = "{out}/files"\n')
        (work / "w.json").write_text(json.dumps({"tables": [{
            "source": {"schemaName": "public", "tableName": table}, "target": {"tableName": table}}]}))
        return [args.pulk, "migrate", work / "w.json", "-c", work / "configuration.toml", "--workspace", work / ".pulk",
                "--parallel", lanes, "-q", *(["--memory", args.memory] if args.memory else [])]
    return command


def tools(args, port):
    uri = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    python, peers = args.peers / "bin" / "python3", HERE / "peers"

    def drain(connections):
        return lambda table, out: [args.drain, uri + "?sslmode=disable", table, connections]

    def script(name, *more):
        return lambda table, out: [python, peers / name, uri, table, out, *(m.get(table) if isinstance(m, dict) else m for m in more)]

    return [
        Tool("drain, 2 connections", drain(2), writes=False),
        Tool("drain, 1 connection", drain(1), writes=False),
        Tool("pulk, 2 lanes", pulk_command(args, port, 2)),
        Tool("pulk, 1 lane", pulk_command(args, port, 1)),
        Tool("DuckDB, 2 threads", script("duckdb_postgres.py", 2)),
        Tool("DuckDB, 1 thread", script("duckdb_postgres.py", 1)),
        Tool("ConnectorX, 2 partitions", script("connectorx_parquet.py", KEYS), tables=("lineitem",), slow=True),
        Tool("ADBC + pyarrow", script("adbc_parquet.py"), slow=True),
        Tool("pandas in chunks", script("pandas_parquet.py"), slow=True),
    ]


@contextlib.contextmanager
def link(args, port):
    """A port whose way to the server takes half the round trip, in each direction."""
    here = free_port()
    proxy = subprocess.Popen([args.delay_proxy, str(here), str(port), str(int(args.delay * 500))])
    try:
        time.sleep(0.2)
        yield here
    finally:
        proxy.kill()
        proxy.wait()


def rows_in(folder: Path):
    # pulk's stage and readers' folder hold the same files by hard link: each is counted once.
    files = {os.stat(p).st_ino: p for p in folder.rglob("*.parquet")}
    rows = sum(pq.ParquetFile(p).metadata.num_rows for p in files.values())
    return rows, sum(p.stat().st_size for p in files.values()), list(files.values())


def one_run(tool, table, rows, server, work):
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    os.sync()
    server.wait_until_idle()
    server_before = server.cpu_seconds()
    taken = measure(tool.command(table, out), cwd=out)
    server.wait_until_idle()
    run = {"wall": taken.wall, "cpu": taken.cpu, "server_cpu": server.cpu_seconds() - server_before, "peak": taken.peak}
    if taken.code != 0:
        raise SystemExit(f"bench: {tool.name} on {table} failed with {taken.code}:\n{taken.output}")
    if tool.writes:
        written, run["bytes"], _ = rows_in(out)
        if written != rows:
            raise SystemExit(f"bench: {tool.name} wrote {written} rows of {table}, the table has {rows}")
    tool.runs.setdefault(table, []).append(run)
    print(f"  {tool.name:26} {table:9} wall {run['wall']:6.2f}  cpu {run['cpu']:6.2f}  server {run['server_cpu']:6.2f}"
          f"  peak {run['peak'] / 1e6:6.0f} MB", flush=True)


def encode_floor(args, table, work):
    """Processor seconds of Arrow's writer over the files that pulk wrote last, once with 16 MiB row groups."""
    parquet = work / "floor.parquet"
    _, _, files = rows_in(work / "out")
    tables = [pq.read_table(f, partitioning=None) for f in sorted(files)]
    pq.write_table(pa.concat_tables(tables), parquet)
    seconds = []
    for _ in range(3):
        out = subprocess.run([args.peers / "bin" / "python3", HERE / "floors" / "encode.py", parquet, work / "floor.out"],
                             check=True, capture_output=True, text=True).stdout
        seconds.append(float(re.search(r"encode_cpu=([\d.]+)", out)[1]))
    return statistics.median(seconds)


def median(tool, table, key):
    return statistics.median(run[key] for run in tool.runs[table])


def report(all_tools, table, rows, floor, cores):
    first = all_tools[0]
    lines = [f"### {table}, {rows:,} rows", "",
             "| tool | wall s | processor s | server s | peak MB | written MB | runs |", "|---|---|---|---|---|---|---|"]
    for tool in all_tools:
        if table not in tool.runs:
            continue
        written = f"{median(tool, table, 'bytes') / 1e6:.0f}" if tool.writes else ""
        lines.append(f"| {tool.name} | {median(tool, table, 'wall'):.2f} | {median(tool, table, 'cpu'):.2f} | "
                     f"{median(tool, table, 'server_cpu'):.2f} | {median(tool, table, 'peak') / 1e6:.0f} | {written} | "
                     f"{len(tool.runs[table])} |")
    if floor is not None and table in first.runs:
        physical = (median(first, table, "server_cpu") + floor) / cores
        lines += ["", f"Arrow's writer from memory: {floor:.2f} processor s. Floor: ({median(first, table, 'server_cpu'):.2f} "
                      f"+ {floor:.2f}) / {cores} cores = {physical:.2f} s."]
        for tool in all_tools:
            if tool.name.startswith("pulk, 2") and table in tool.runs:
                lines[-1] += f" pulk with 2 lanes: {median(tool, table, 'wall') / physical:.2f} times that."
    return "\n".join(lines + [""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tables", default="lineitem,wide")
    parser.add_argument("--only", default="", help="tools whose name contains one of these, comma-separated")
    parser.add_argument("--memory", default="", help="pulk's --memory")
    parser.add_argument("--delay", type=float, default=0, help="milliseconds of a round trip between tool and server")
    parser.add_argument("--pulk", type=Path, default=ROOT / "build" / "release" / "pulk")
    parser.add_argument("--drain", type=Path, default=ROOT / "build" / "release" / "pulk_bench_drain")
    parser.add_argument("--delay-proxy", type=Path, default=ROOT / "build" / "release" / "pulk_bench_delay_proxy")
    parser.add_argument("--peers", type=Path, default=ROOT / ".deps" / "bench")
    parser.add_argument("--tpchgen", type=Path, default=ROOT / ".deps" / "venv" / "bin" / "tpchgen-cli")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/pulk-bench"), help="database and output; kept")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    args = parser.parse_args()
    cores = os.cpu_count()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(args.folder, args.tpchgen))
        rows = {}
        for table in args.tables.split(","):
            rows[table] = server.make_lineitem() if table == "lineitem" else server.make_wide()
        port = stack.enter_context(link(args, server.port)) if args.delay else server.port
        chosen = [t for t in tools(args, port)
                  if not args.only or any(part in t.name for part in args.only.split(","))]
        work, texts = args.folder / "runs", []
        for table in args.tables.split(","):
            server.warm(table)
            for number in range(args.rounds):
                print(f"{table}, round {number + 1} of {args.rounds}", flush=True)
                for tool in chosen:
                    if table in tool.tables and not (tool.slow and number > 0):
                        one_run(tool, table, rows[table], server, work)
            floor = None
            for tool in chosen:
                if tool.name.startswith("pulk, 2"):
                    one_run(tool, table, rows[table], server, work)
                    floor = encode_floor(args, table, work)
            texts.append(report(chosen, table, rows[table], floor, cores))
        shutil.rmtree(work, ignore_errors=True)
    away = f", {args.delay:g} ms of round trip" if args.delay else ""
    print(f"\n{platform.processor() or platform.machine()}, {cores} processors{away}, load {os.getloadavg()[0]:.1f} at the end\n")
    print("\n".join(texts))
    if args.json:
        args.json.write_text(json.dumps({t.name: t.runs for t in chosen}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
