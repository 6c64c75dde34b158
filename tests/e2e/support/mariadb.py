"""A throw-away MariaDB for one test session, with or without a binary log, and its databases."""

import itertools
import pwd
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pymysql

from support.server import _die_with_parent, find_program, free_port

LOGIN = "mover"
PASSWORD = "Zaphod;4711}horse"  # what an ODBC connection string would take apart


def _service_user() -> dict:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("mysql")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class MariadbServer:
    def __init__(self, binary_log=False):
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-my-", dir="/tmp"))
        self.host, self.port = "127.0.0.1", free_port()
        self.socket = str(self.folder / "s")
        self._numbers = itertools.count(1)
        user = _service_user()
        if user:
            os.chown(self.folder, user["user"], user["group"])
        data = self.folder / "data"
        subprocess.run([find_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **user)
        command = [find_program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--port={self.port}",
                   f"--socket={self.socket}", f"--bind-address={self.host}", f"--pid-file={self.folder}/pid",
                   "--innodb-flush-log-at-trx-commit=0", "--default-time-zone=+05:30", "--character-set-server=utf8mb4"]
        if binary_log:
            command += ["--log-bin=log", "--server-id=1", "--binlog-format=ROW"]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                             preexec_fn=_die_with_parent, **user)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                break
            except pymysql.err.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("MariaDB does not start:\n" + (self.folder / "server.log").read_text())
                time.sleep(0.05)
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER mover@'127.0.0.1' IDENTIFIED BY %s", (PASSWORD,))
            cursor.execute("GRANT RELOAD ON *.* TO mover@'127.0.0.1'")

    def connect(self, database=None):
        """As root over the socket; every value as the server writes it."""
        return pymysql.connect(unix_socket=self.socket, user="root", database=database, charset="utf8mb4", conv={},
                               autocommit=True, init_command="SET time_zone = '+00:00'")

    def create_database(self) -> "MariadbDatabase":
        return MariadbDatabase(self, f"test_{next(self._numbers)}")

    def remove(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class MariadbDatabase:
    def __init__(self, server, name):
        self.server, self.name = server, name
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"GRANT ALL ON {name}.* TO mover@'127.0.0.1'")

    def execute(self, *statements):
        with self.server.connect(self.name) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, sql: str) -> list:
        """Tuples of canonical text (see support.values): bytes in hexadecimal, all else the server's own text."""
        with self.server.connect(self.name) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(value.hex() if isinstance(value, bytes) else value for value in row) for row in cursor.fetchall()]

    def drop(self):
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {self.name}")

    def keys(self) -> dict:
        """Of connections.source.odbc."""
        return {"driver_name": "MariaDB Unicode", "host": self.server.host, "port": self.server.port,
                "database": self.name, "username": LOGIN, "password": PASSWORD}
