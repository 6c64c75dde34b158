"""A PostgreSQL of the benchmark's own, on loopback, with the tables that are moved. Kept between runs."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {"shared_buffers": "1GB", "fsync": "off", "full_page_writes": "off", "wal_level": "minimal",
            "max_wal_senders": 0, "max_wal_size": "8GB", "autovacuum": "off", "jit": "off", "timezone": "UTC"}

# 20 columns that a warehouse's fact table might have; about 620 bytes a row in PostgreSQL.
WIDE = """
CREATE TABLE wide AS
SELECT i::bigint AS id,
       (i % 1000)::int AS customer,
       (i % 7)::smallint AS weekday,
       md5(i::text) AS token,
       'customer ' || (i % 5000) || ' of the eastern region' AS label,
       repeat(md5((i * 7)::text), 2) AS note,
       CASE WHEN i % 4 = 0 THEN NULL ELSE 'ref-' || i END AS reference,
       timestamp '2020-01-01' + i * interval '37 seconds' AS made_at,
       timestamptz '2020-01-01 00:00+00' + i * interval '61 seconds' AS seen_at,
       date '2020-01-01' + i % 2000 AS day,
       md5((i * 3)::text)::uuid AS uid,
       jsonb_build_object('n', i, 'tags', jsonb_build_array('a', i % 10, true), 'note', md5((i * 5)::text)) AS doc,
       (i * 1.0000000001 + 12345678901234567890)::numeric(38, 10) AS exact,
       (i * 0.37)::numeric(12, 2) AS price,
       sqrt(i)::float8 AS ratio,
       (i * 0.5)::float4 AS weight,
       i % 3 = 0 AS flag,
       CASE WHEN i % 5 = 0 THEN NULL ELSE i % 2 = 0 END AS maybe,
       decode(repeat(md5((i * 11)::text), 4), 'hex') AS digest,
       CASE WHEN i % 10 = 0 THEN NULL ELSE (i * 13) % 100000 END AS amount
FROM generate_series(1, {rows}) AS i
"""

LINEITEM = """
CREATE TABLE lineitem (
    l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber int NOT NULL,
    l_quantity numeric(15, 2) NOT NULL, l_extendedprice numeric(15, 2) NOT NULL, l_discount numeric(15, 2) NOT NULL,
    l_tax numeric(15, 2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL,
    l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL)
"""


def _service_user():
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, folder: Path, tpchgen: Path):
        self.folder, self.tpchgen, self.port = folder, tpchgen, free_port()
        self.data = folder / "data"
        self._process = None
        user = _service_user()
        if not (self.data / "PG_VERSION").exists():
            folder.mkdir(parents=True, exist_ok=True)
            if user:
                os.chown(folder, user["user"], user["group"])
            subprocess.run([BIN / "initdb", "-D", self.data, "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8",
                            "-N", "--auth=trust"], check=True, stdout=subprocess.DEVNULL, cwd="/", **user)

    def __enter__(self):
        command = [BIN / "postgres", "-D", self.data, "-p", str(self.port), "-k", "", "-h", "127.0.0.1"]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        self._log = open(self.folder / "server.log", "ab")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL,
                                         cwd="/", **_service_user())
        for _ in range(300):
            if subprocess.run([BIN / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0:
                return self
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"bench: PostgreSQL does not start, see {self.folder}/server.log")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60)

    def psql(self, sql: str, stdin=None) -> str:
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U",
             "postgres", "-d", "postgres", "-c", sql], check=True, stdin=stdin, capture_output=True, text=True).stdout.strip()

    def _has(self, table: str, rows: int) -> bool:
        return (self.psql(f"SELECT to_regclass('{table}') IS NOT NULL") == "t"
                and self.psql(f"SELECT count(*) FROM {table}") == str(rows))

    def make_lineitem(self) -> int:
        """TPC-H at scale 1."""
        rows = 6_001_215
        if self._has("lineitem", rows):
            return rows
        print("bench: making lineitem", flush=True)
        files = self.folder / "tbl"
        shutil.rmtree(files, ignore_errors=True)
        subprocess.run([self.tpchgen, "csv", "-s", "1", "-q", "--tables=lineitem", "--output-dir", files], check=True)
        self.psql("DROP TABLE IF EXISTS lineitem")
        self.psql(LINEITEM)
        with open(next(files.rglob("lineitem*.csv")), "rb") as lines:
            self.psql("COPY lineitem FROM STDIN (FORMAT csv, HEADER)", stdin=lines)
        shutil.rmtree(files)
        self.psql("ALTER TABLE lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber)")
        self.psql("VACUUM (ANALYZE, FREEZE) lineitem")
        return rows

    def make_wide(self, rows: int = 500_000) -> int:
        if self._has("wide", rows):
            return rows
        print("bench: making wide", flush=True)
        self.psql("DROP TABLE IF EXISTS wide")
        self.psql(WIDE.format(rows=rows))
        self.psql("ALTER TABLE wide ADD PRIMARY KEY (id)")
        self.psql("VACUUM (ANALYZE, FREEZE) wide")
        return rows

    def warm(self, table: str):
        self.psql(f"SELECT count(*) FROM {table}")

    def cpu_seconds(self) -> float:
        """User and system time of all backends that have ended, and of the postmaster."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")

    def wait_until_idle(self):
        """Backends that end give their time to the postmaster a moment later."""
        for _ in range(200):
            if self.psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") == "1":
                break
            time.sleep(0.02)
        time.sleep(0.05)
