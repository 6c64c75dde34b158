"""A throw-away PostgreSQL 15 for one test session: its own folder, its own port, gone afterwards."""

import contextlib
import ctypes
import io
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import psycopg2.sql

from support.values import postgres_value

# The login that pulk uses: no superuser, owner of the test databases. Over TCP it needs its password.
LOGIN = "mover"
PASSWORD = "Zaphod-4711-horse"
SESSION = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3 -c bytea_output=hex"


def find_program(name: str) -> str:
    for folder in ("/usr/lib/postgresql/15/bin", "/usr/sbin", "/usr/bin"):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is not installed; `make setup` installs what the tests need")
    return path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _die_with_parent():
    # A server must not outlive a test session that was killed.
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def service_user() -> dict:
    """Arguments for subprocess: servers refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class PostgresServer:
    environment = None  # of the server; None: this process's own

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-pg-", dir="/tmp"))
        self.host = "127.0.0.1"
        self.port = free_port()
        self.socket_folder = str(self.folder)
        self._numbers = itertools.count(1)
        self._process = None
        user = service_user()
        if user:
            os.chown(self.folder, user["user"], user["group"])
        data = self.folder / "data"
        # World-readable, because initdb reads it as another user; it only protects a server on this machine.
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD + "\n")
        password_file.chmod(0o644)
        subprocess.run(
            [find_program("initdb"), "-D", str(data), "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8", "-N",
             "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}"],
            check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **user)
        self.start()
        with self.connect("postgres", user="postgres") as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{PASSWORD}'")

    def start(self):
        settings = {"port": self.port, "listen_addresses": self.host, "unix_socket_directories": self.socket_folder,
                    "max_connections": 50, "superuser_reserved_connections": 3, "fsync": "off",
                    "full_page_writes": "off", "shared_buffers": "128MB",
                    "max_prepared_transactions": 0, "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": 0,
                    "logging_collector": "off", "timezone": "Europe/Berlin", "jit": "off"}
        command = [find_program("postgres"), "-D", str(self.folder / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             cwd=self.folder, env=self.environment, preexec_fn=_die_with_parent,
                                             **service_user())
        deadline = time.monotonic() + 30
        while True:
            try:
                self.connect("postgres", user="postgres").close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("PostgreSQL does not start:\n" + (self.folder / "server.log").read_text())
                time.sleep(0.05)

    def stop(self):
        """At once; start() brings it back with its data."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def dsn(self) -> str:
        return f"host={self.host} port={self.port} user={LOGIN} password={PASSWORD}"

    def connect(self, database="postgres", user=LOGIN, autocommit=True):
        """Over the socket, where no password is asked for."""
        connection = psycopg2.connect(host=self.socket_folder, port=self.port, dbname=database, user=user,
                                      options=SESSION, application_name="pulk-test")
        connection.autocommit = autocommit
        return connection

    def psql(self, sql: str, database="postgres", user="postgres") -> str:
        """What psql itself prints, unaligned and without headers."""
        done = subprocess.run(
            [find_program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-P", "null=NULL", "-h", self.socket_folder,
             "-p", str(self.port), "-U", user, "-d", database],
            input=sql, capture_output=True, text=True, env={**os.environ, "PGOPTIONS": SESSION})
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def create_database(self) -> "Database":
        name = f"test_{next(self._numbers)}"
        with contextlib.closing(self.connect("postgres", user="postgres")) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name} OWNER {LOGIN} TEMPLATE template0")
        return Database(self, name)


class Database:
    """One database of the server; statements run as its owner, pulk's own login, unless said otherwise."""

    def __init__(self, server: PostgresServer, name: str):
        self.server = server
        self.name = name

    @property
    def dsn(self) -> str:
        return f"{self.server.dsn} dbname={self.name}"

    def connect(self, user=LOGIN, autocommit=True):
        return self.server.connect(self.name, user=user, autocommit=autocommit)

    def psql(self, sql: str, user=LOGIN) -> str:
        return self.server.psql(sql, self.name, user)

    def execute(self, sql: str, user=LOGIN):
        """One or several statements; the rows of the last one, as Python values."""
        with contextlib.closing(self.connect(user)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def rows(self, sql: str) -> list:
        """The rows of a SELECT as tuples of canonical text (see support.values)."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({sql}) q LIMIT 0")
            types = [column.type_code for column in cursor.description]
            out = io.StringIO()
            cursor.copy_expert(f"COPY ({sql}) TO STDOUT", out)
        # Only "\n" ends a line of COPY: other separators may be part of a value.
        lines = out.getvalue().split("\n")[:-1]
        return [tuple(postgres_value(cell, oid) for cell, oid in zip(line.split("\t"), types)) for line in lines]

    def drop(self):
        with contextlib.closing(self.server.connect("postgres", user="postgres")) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {self.name} WITH (FORCE)")


class Pooler:
    """pgbouncer before a database."""

    def __init__(self, database: Database, mode="transaction", pool_size=20, query_wait_timeout=120):
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-pool-", dir="/tmp"))
        users = self.folder / "users.txt"
        users.write_text(f'"{LOGIN}" "{PASSWORD}"\n')
        ini = self.folder / "pgbouncer.ini"
        ini.write_text(
            "[databases]\n"
            f"{database.name} = host=127.0.0.1 port={database.server.port} dbname={database.name}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = scram-sha-256\n"
            f"auth_file = {users}\npool_mode = {mode}\ndefault_pool_size = {pool_size}\nquery_wait_timeout = {query_wait_timeout}\n"
            "ignore_startup_parameters = extra_float_digits,options\n")
        user = service_user()
        if user:
            for path in (self.folder, users, ini):
                os.chown(path, user["user"], user["group"])
        self._process = subprocess.Popen([find_program("pgbouncer"), str(ini)], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent, **user)
        deadline = time.monotonic() + 10
        while True:
            try:
                psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database.name, user=LOGIN,
                                 password=PASSWORD).close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.05)

    def stop(self):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
