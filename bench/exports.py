#!/usr/bin/env python3
"""`pulk export` from the stand-in for Snowflake to a bucket, beside the usual pipeline and beside the floors. See bench/README.md.

The stand-in answers a query that it has answered before from memory, in chunks behind URLs; the bucket is one that throws away. So
processor time and memory are the client's alone; wall time is shared with both servers on the same processors."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path

from snowflake import Watched

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.snowflake import ACCOUNT, LOGIN, PASSWORD, Snowflake  # noqa: E402

TABLE = "BENCH.PUBLIC.ORDERS"
KINDS = ("parquet", "csv", "json")


class Sink:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, HERE / "floors" / "s3_sink.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.endpoint = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def taken(self):
        return int(urllib.request.urlopen(self.endpoint + "/sink").read())

    def environment(self):
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1",
                "S3_BUCKET_NAME": "bench"}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make_table(warehouse, rows):
    """Orders as shops have them: three numbers, two moments, three texts."""
    warehouse.control("settings", reuse_results=True, answer_within_seconds=3600)
    warehouse.control("databases", name="BENCH", schemas=["PUBLIC"])
    warehouse.sql(f"CREATE TABLE {TABLE} (O_ORDERKEY NUMBER(38,0), O_CUSTKEY NUMBER(38,0), O_ORDERSTATUS VARCHAR(1), O_TOTALPRICE NUMBER(12,2), "
                  "O_ORDERDATE DATE, O_CREATED TIMESTAMP_NTZ(6), O_CLERK VARCHAR(15), O_COMMENT VARCHAR(79))")
    million = 1_000_000
    for start in range(0, rows, million):
        warehouse.sql(f"INSERT INTO {TABLE} SELECT {start} + S, MOD(S * 7919, 150000), CASE MOD(S, 3) WHEN 0 THEN 'F' WHEN 1 THEN 'O' ELSE 'P' END, "
                      "(MOD(S * 104729, 50000000) / 100)::NUMBER(12,2), DATEADD(day, MOD(S, 2400), '1992-01-01'::DATE), "
                      "DATEADD(second, MOD(S * 31, 200000000), '1992-01-01 00:00:00'::TIMESTAMP_NTZ(6)), 'Clerk#' || LPAD(MOD(S, 1000)::VARCHAR, 9, '0'), "
                      "SUBSTR(MD5(S::VARCHAR) || ' carefully final deposits, ' || MD5((S + 1)::VARCHAR), 1, 20 + MOD(S, 59)) "
                      f"FROM (SELECT SEQ8() AS S FROM TABLE(GENERATOR(ROWCOUNT => {min(million, rows - start)})))")


def query_of(rows):
    return f"SELECT * FROM {TABLE} WHERE O_ORDERKEY < {rows}"


def show(name, done, rows, kind):
    million = rows / 1e6
    print(f"  {name:22} {kind:8} wall {done['wall']:7.2f}  {rows / done['wall']:10,.0f} rows/s  cpu/1M {done['cpu'] / million:5.2f}"
          f"  peak {done['peak'] / 1e6:6.0f} MB", flush=True)


def watched(command, env, rows):
    done = Watched(command, env=env)
    if done.code != 0:
        raise SystemExit(f"bench: {command[0]} failed:\n{done.output}")
    return {"wall": done.ended - done.started, "cpu": done.samples[-1][1], "peak": done.peak, "output": done.output}


def pulk(args, warehouse, sink, rows, kind):
    file = args.folder / "export.json"
    file.write_text(json.dumps({"exports": [{"table": "ORDERS", "query": query_of(rows), "s3_path": "pulk." + kind, "file_type": kind}]}))
    done = watched([args.pulk, "export", file], {**sink.environment(), **warehouse.environment()}, rows)
    if f"Fetched {rows} rows" not in done["output"]:
        raise SystemExit(done["output"])
    return done


def peer(args, warehouse, sink, rows, kind):
    connection = {"account": ACCOUNT, "user": LOGIN, "password": PASSWORD, "host": warehouse.host, "port": warehouse.port, "protocol": "http",
                  "warehouse": "COMPUTE_WH"}
    more = str(next((ROOT / ".deps" / "venv-snowflake" / "lib").glob("python3*")) / "site-packages")
    done = watched([args.peers / "bin" / "python3", HERE / "peers" / "snowflake_to_s3.py", json.dumps(connection), query_of(rows), kind],
                   {**sink.environment(), "PYTHONPATH": more}, rows)
    if int(done["output"].split()[-1]) != rows:
        raise SystemExit(done["output"])
    return done


def floor(args, warehouse, rows, *encode):
    options = json.dumps({**warehouse.adbc(), "driver": str(args.driver)})
    done = watched([args.peers / "bin" / "python3", HERE / "floors" / "snowflake_read.py", options, query_of(rows), *encode], {}, rows)
    said = json.loads(done["output"].splitlines()[-1])
    assert said["rows"] == rows
    return said


def duckdb_limit(args, rows):
    """The encoders alone: a Parquet file into text, pulk's encoder against DuckDB's, reading by DuckDB in both."""
    source = args.folder / f"limit-{rows}.parquet"
    shop = args.folder / f"limit-{rows}.duckdb"
    python = args.peers / "bin" / "python3"
    if not source.exists():
        make = (f"import duckdb; c = duckdb.connect(); c.execute(\"COPY (SELECT i AS k, i * 7919 % 150000 AS c, ['F','O','P'][i % 3 + 1] AS s, "
                f"(i * 104729 % 50000000 / 100)::DECIMAL(12,2) AS p, DATE '1992-01-01' + (i % 2400)::INT AS d, "
                f"TIMESTAMP '1992-01-01' + INTERVAL (i * 31 % 200000000) SECOND AS t, 'Clerk#' || lpad((i % 1000)::VARCHAR, 9, '0') AS cl, "
                f"substr(md5(i::VARCHAR) || ' carefully final deposits, ' || md5((i + 1)::VARCHAR), 1, 20 + i % 59) AS co "
                f"FROM range({rows}) r(i)) TO '{source}' (FORMAT parquet)\")")
        subprocess.run([python, "-c", make], check=True)
    if not shop.exists():
        subprocess.run([python, "-c", f"import duckdb; duckdb.connect('{shop}').execute(\"CREATE VIEW v AS SELECT * FROM '{source}'\")"], check=True)
    config = args.folder / "limit.toml"
    config.write_text(f'[connections.target.duckdb]\npath = "{shop}"\n')
    out = {}
    for kind in ("csv", "json"):
        file = args.folder / "limit.json"
        file.write_text(json.dumps({"source": "duckdb", "destination": f"file://{args.folder}/limit-out", "exports": [
            {"table": "v", "s3_path": "o." + kind, "file_type": kind}]}))
        pulk_runs, duckdb_runs = [], []
        for _ in range(args.rounds):
            pulk_runs.append(watched([args.pulk, "export", file, "-c", config], {}, rows))
            copy = f"import duckdb; c = duckdb.connect(); c.execute(\"COPY (SELECT * FROM '{source}') TO '{args.folder}/limit-out/d.{kind}' (FORMAT {kind})\")"
            duckdb_runs.append(watched([python, "-c", copy], {}, rows))
        for name, runs in (("pulk from Parquet", pulk_runs), ("DuckDB's COPY", duckdb_runs)):
            out[name, kind] = {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak")}
            show(name, out[name, kind], rows, kind)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--flat", type=int, default=0, help="also this many rows, to see that memory stays flat")
    parser.add_argument("--only", default="pulk,peer,floor,limit", help="of pulk, peer, floor, limit")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--pulk", type=Path, default=ROOT / "build" / "release" / "pulk")
    parser.add_argument("--peers", type=Path, default=ROOT / ".deps" / "bench")
    parser.add_argument("--driver", type=Path, default=next((ROOT / ".deps" / "venv-snowflake").rglob("libadbc_driver_snowflake.so"), None))
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/pulk-bench"))
    args = parser.parse_args()
    only, kinds = args.only.split(","), args.kinds.split(",")
    args.folder.mkdir(parents=True, exist_ok=True)
    if "limit" in only:
        print(f"the encoders, {args.rows:,} rows", flush=True)
        duckdb_limit(args, args.rows)
    if not {"pulk", "peer", "floor"} & set(only):
        return
    warehouse, sink = Snowflake(), Sink()
    try:
        print("filling the stand-in", flush=True)
        make_table(warehouse, max(args.rows, args.flat))
        results = {}

        def add(name, kind, done):
            results.setdefault((name, kind), []).append(done)

        print("the first answer, which the stand-in keeps", flush=True)
        floor(args, warehouse, args.rows)
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", flush=True)
            if "floor" in only:
                said = floor(args, warehouse, args.rows, "parquet")
                bare = floor(args, warehouse, args.rows)
                add("floor", "read", bare["cpu"])
                add("floor", "parquet", said["encoding"])
                print(f"  bare read cpu/1M {bare['cpu'] / args.rows * 1e6:5.2f}  Arrow's Parquet writer cpu/1M {said['encoding'] / args.rows * 1e6:5.2f}",
                      flush=True)
            for kind in kinds:
                if "pulk" in only:
                    done = pulk(args, warehouse, sink, args.rows, kind)
                    add("pulk", kind, done)
                    show("pulk", done, args.rows, kind)
                if "peer" in only and number == 0:
                    done = peer(args, warehouse, sink, args.rows, kind)
                    add("peer", kind, done)
                    show("connector, pandas, boto3", done, args.rows, kind)
        if args.flat:
            floor(args, warehouse, args.flat)
            for rows in (1_000_000, args.flat):
                for kind in kinds:
                    show("pulk", pulk(args, warehouse, sink, rows, kind), rows, kind)
        print("\nmedians")
        for (name, kind), runs in results.items():
            if name == "floor":
                print(f"  floor {kind}: {statistics.median(runs) / args.rows * 1e6:.2f} cpu seconds per million rows")
            else:
                show(name, {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak")}, args.rows, kind)
        print(f"uploaded in all: {sink.taken() / 1e9:.1f} GB")
    finally:
        sink.close()
        warehouse.remove()


if __name__ == "__main__":
    main()
