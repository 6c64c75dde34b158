#!/usr/bin/env python3
"""Tables over ODBC to Parquet: pulk beside a program that only fetches, odbc2parquet and arrow-odbc. See bench/README.md."""

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from run import HERE, ROOT, Tool, one_run, report
from server import Server

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.mariadb import LOGIN, PASSWORD, MariadbServer  # noqa: E402

ROWS = 1_000_000
COLUMNS = ("l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber int NOT NULL, "
           "l_quantity decimal(15,2) NOT NULL, l_extendedprice decimal(15,2) NOT NULL, l_discount decimal(15,2) NOT NULL, "
           "l_tax decimal(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, "
           "l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL, "
           "l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL")


class NoServer:
    def cpu_seconds(self):
        return 0.0

    def wait_until_idle(self):
        pass


class OneProcess(NoServer):
    """A server with threads: its processor time is that of its process."""

    def __init__(self, pid):
        self.pid = pid

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(fields[i]) for i in (11, 12)) / os.sysconf("SC_CLK_TCK")


def pulk_command(args, keys, table, lanes, kind="odbc"):
    def command(_, out):
        work = out / "work"
        work.mkdir(parents=True)
        lines = [f"[connections.source.{kind}]"] + [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        (work / "c.toml").write_text("\n".join(lines) + f'\n[connections.target.files]\npath = "{out}/files"\n')
        (work / "c.toml").chmod(0o600)
        (work / "w.json").write_text(json.dumps({"tables": [{"source": {"tableName": table}, "target": {"tableName": table}}]}))
        return [args.pulk, "migrate", work / "w.json", "-c", work / "c.toml", "--workspace", work / ".pulk", "--parallel",
                lanes, "-q"]
    return command


def tools(args, connection, drain_connection, keys, table):
    sql = f"SELECT * FROM {table}"
    found = [
        Tool("fetch only", lambda _, out: [args.drain, drain_connection, sql], writes=False),
        Tool("pulk, 1 lane", pulk_command(args, keys, table, 1)),
        Tool("pulk, 2 lanes", pulk_command(args, keys, table, 2)),
        Tool("arrow-odbc", lambda _, out: [args.peers / "bin" / "python3", HERE / "peers" / "arrow_odbc_parquet.py",
                                           connection, sql, out]),
    ]
    if args.odbc2parquet:
        found.append(Tool("odbc2parquet", lambda _, out: [
            args.odbc2parquet, "-q", "query", "--connection-string", connection, "--column-compression-default", "zstd",
            "--column-compression-level-default", "1", "--column-length-limit", "4096", out / "out.parquet", sql]))
    return found


def measure_source(args, name, server, rows, chosen):
    work = args.folder / "runs"
    for number in range(args.rounds):
        print(f"{name}, round {number + 1} of {args.rounds}", flush=True)
        for tool in chosen:
            try:
                one_run(tool, name, rows, server, work)
            except SystemExit as failed:
                if tool.name.startswith("pulk"):
                    raise
                print(f"  {tool.name}: {str(failed).splitlines()[-1]}", flush=True)
    shutil.rmtree(work, ignore_errors=True)
    return report(chosen, name, rows, None, os.cpu_count())


def sqlite_file(folder: Path, csv: Path) -> Path:
    path = folder / "lineitem.sqlite"
    if not path.exists():
        subprocess.run(["sqlite3", path], check=True, text=True, input=f"CREATE TABLE lineitem_1m ({COLUMNS}, "
                       f"PRIMARY KEY (l_orderkey, l_linenumber));\n.mode csv\n.import {csv} lineitem_1m\n")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pulk", type=Path, default=ROOT / "build" / "release" / "pulk")
    parser.add_argument("--drain", type=Path, default=ROOT / "build" / "release" / "pulk_bench_odbc_drain")
    parser.add_argument("--peers", type=Path, default=ROOT / ".deps" / "bench")
    parser.add_argument("--odbc2parquet", default=shutil.which("odbc2parquet"), help="left out when it is not installed")
    parser.add_argument("--tpchgen", type=Path, default=ROOT / ".deps" / "venv" / "bin" / "tpchgen-cli")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/pulk-bench"))
    args = parser.parse_args()
    texts = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(args.folder, args.tpchgen))
        wide_rows = server.make_wide()
        server.make_lineitem()
        if server.psql("SELECT to_regclass('lineitem_1m') IS NULL") == "t":
            server.psql(f"CREATE TABLE lineitem_1m ({COLUMNS}, PRIMARY KEY (l_orderkey, l_linenumber))")
            server.psql(f"INSERT INTO lineitem_1m SELECT * FROM lineitem LIMIT {ROWS}")
            server.psql("VACUUM (ANALYZE, FREEZE) lineitem_1m")
        csv = args.folder / "lineitem_1m.csv"
        if not csv.exists():
            csv.write_text(server.psql("COPY lineitem_1m TO STDOUT (FORMAT csv)") + "\n")

        where = f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={server.port};Database=postgres;Uid=postgres;Pwd=x"
        keys = {"driver_name": "PostgreSQL Unicode", "host": "127.0.0.1", "port": server.port, "database": "postgres",
                "username": "postgres", "password": "x"}
        cursor = where + ";UseDeclareFetch=1;Fetch=10000;CommLog=0;Debug=0"
        for table, rows in (("lineitem_1m", ROWS), ("wide", wide_rows)):
            server.warm(table)
            texts.append(measure_source(args, f"{table} over psqlODBC", server, rows, tools(args, cursor, cursor, keys, table)))

    path = sqlite_file(args.folder, csv)
    keys = {"driver_name": "SQLite3", "database": str(path)}
    where = f"Driver=SQLite3;Database={path};StepAPI=1;NoWCHAR=1"
    assert sqlite3.connect(path).execute("SELECT count(*) FROM lineitem_1m").fetchone() == (ROWS,)
    texts.append(measure_source(args, "lineitem_1m over sqliteodbc", NoServer(), ROWS, tools(args, where, where, keys, "lineitem_1m")))

    mariadb = MariadbServer()
    try:
        database = mariadb.create_database().name
        with mariadb.connect(database) as connection, connection.cursor() as cursor, tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            shutil.copy(csv, folder)
            cursor.execute(f"CREATE TABLE lineitem_1m ({COLUMNS}, PRIMARY KEY (l_orderkey, l_linenumber))")
            cursor.execute(f"LOAD DATA INFILE '{folder}/lineitem_1m.csv' INTO TABLE lineitem_1m FIELDS TERMINATED BY ',' "
                           "OPTIONALLY ENCLOSED BY '\"'")
            cursor.execute(f"GRANT ALL ON {database}.* TO {LOGIN}@'127.0.0.1'")
            cursor.execute("ANALYZE TABLE lineitem_1m")
        keys = {"driver_name": "MariaDB Unicode", "host": "127.0.0.1", "port": mariadb.port, "database": database,
                "username": LOGIN, "password": PASSWORD, "snapshot_lock": True}
        secret = "{" + PASSWORD.replace("}", "}}") + "}"
        where = (f"Driver=MariaDB Unicode;Server=127.0.0.1;Port={mariadb.port};Database={database};Uid={LOGIN};Pwd={secret};"
                 "CHARSET=utf8mb4")
        texts.append(measure_source(args, "lineitem_1m over MariaDB Connector/ODBC", OneProcess(mariadb._process.pid), ROWS,
                                    tools(args, where, where, keys, "lineitem_1m")))
    finally:
        mariadb.remove()
    print("\n" + "\n".join(texts))


if __name__ == "__main__":
    main()
