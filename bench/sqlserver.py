#!/usr/bin/env python3
"""SQL Server's driver to Parquet: pulk beside a program that only fetches, arrow-odbc, mssql-python and pandas with pyodbc, all by
Microsoft's driver from the stand-in, which sends rows that it has encoded once. See bench/README.md."""

import argparse
import os
import sys
from pathlib import Path

from odbc import COLUMNS, OneProcess, measure_source, pulk_command
from run import HERE, ROOT, Tool

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.sqlserver import LOGIN, PASSWORD, SqlServer, microsoft_driver  # noqa: E402

BLOCK = 10_000  # rows that the stand-in encodes

LINEITEM = COLUMNS + ", PRIMARY KEY (l_orderkey, l_linenumber)"
LINEITEM_ROW = ("value * 4, value % 200000 + 1, value % 10000 + 1, value % 7 + 1, value % 50 + 1, CAST(value AS decimal(15,2)) * 17 / 100 + 900, "
                "0.04, 0.02, CASE WHEN value % 2 = 0 THEN 'N' ELSE 'R' END, 'O', DATEADD(day, value % 2500, CAST('1992-01-01' AS date)), "
                "DATEADD(day, value % 2490, CAST('1992-01-09' AS date)), DATEADD(day, value % 2480, CAST('1992-01-20' AS date)), "
                "'DELIVER IN PERSON', 'TRUCK', CONCAT('carefully final deposits ', value)")
WIDE = ("id int NOT NULL PRIMARY KEY, a nvarchar(60) NOT NULL, b nvarchar(200) NULL, c datetime2(7) NOT NULL, d datetimeoffset(7) NULL, "
        "e uniqueidentifier NOT NULL, f numeric(38,10) NULL, g float NOT NULL, h varbinary(40) NULL, i money NOT NULL, j bit NOT NULL, "
        "k time(3) NULL, l real NULL, m varchar(30) NULL")
WIDE_ROW = ("value, CONCAT(N'żółć ', value), CASE WHEN value % 3 = 0 THEN NULL ELSE CONCAT(N'a longer text of the row ', value, N' with more in it') END, "
            "DATEADD(second, value, CAST('2024-01-01 00:00:00.1234567' AS datetime2(7))), CAST('2024-02-29 12:00:00.1234567 +05:30' AS datetimeoffset(7)), "
            "CAST(CONCAT('00000000-0000-4000-8000-', RIGHT(CONCAT('00000000000', value), 12)) AS uniqueidentifier), CAST(value AS numeric(38,10)) / 7, "
            "value / 3.0E0, CAST(value AS varbinary(40)), CAST(value AS money) / 4, CAST(value % 2 AS bit), CAST('12:34:56.789' AS time(3)), "
            "CAST(value AS real), 'plain'")


def tools(args, keys, connection, table):
    sql = f"SELECT * FROM {table}"

    def python(name, venv=None):
        return lambda _, out: [(venv or args.peers) / "bin" / "python3", HERE / "peers" / name, connection, sql, out]
    # mssql-python brings its own driver and refuses to be told one.
    bare = connection.split(";", 1)[1]
    return [
        Tool("fetch only", lambda _, out: [args.drain, connection, sql, "structures"], writes=False),
        Tool("pulk", pulk_command(args, keys, table, 1, "sqlserver")),
        Tool("arrow-odbc", python("arrow_odbc_parquet.py")),
        Tool("mssql-python, Arrow", lambda _, out: [args.peers / "bin" / "python3", HERE / "peers" / "mssql_python_parquet.py", bare, sql, out]),
        Tool("pandas, pyodbc", python("pandas_pyodbc.py"), slow=True),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="tools, by the beginnings of their names, parted by commas")
    parser.add_argument("--pulk", type=Path, default=ROOT / "build" / "release" / "pulk")
    parser.add_argument("--drain", type=Path, default=ROOT / "build" / "release" / "pulk_bench_odbc_drain")
    parser.add_argument("--peers", type=Path, default=ROOT / ".deps" / "bench")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/pulk-bench"))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    server = SqlServer()
    os.environ["SSL_CERT_FILE"] = str(server.certificate)
    texts = []
    try:
        database = server.create_database()
        keys = {**database.keys(), "isolation": "read committed"}
        secret = "{" + PASSWORD.replace("}", "}}") + "}"
        connection = (f"Driver={microsoft_driver()};Server={server.host},{server.port};Database={database.name};UID={LOGIN};PWD={secret};"
                      "Encrypt=yes;TrustServerCertificate=yes")
        for table, columns, row in (("lineitem", LINEITEM, LINEITEM_ROW), ("wide", WIDE, WIDE_ROW)):
            database.execute(f"CREATE TABLE {table} ({columns})", f"INSERT INTO {table} SELECT {row} FROM GENERATE_SERIES(1, {BLOCK})")
            server.control("repeat", table=table, times=args.rows // BLOCK)
            chosen = [tool for tool in tools(args, keys, connection, table)
                      if not args.only or any(tool.name.startswith(name) for name in args.only.split(","))]
            texts.append(measure_source(args, table, OneProcess(server.pid), args.rows // BLOCK * BLOCK, chosen))
            server.control("repeat")
    finally:
        server.remove()
    print("\n" + "\n".join(texts))


if __name__ == "__main__":
    main()
