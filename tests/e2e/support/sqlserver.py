"""A stand-in for SQL Server in a process of its own: free ports, an empty folder, TLS, a control interface (see
tests/doubles/tds/README.md)."""

import glob
import itertools
import json
import os
import platform
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.server import find_program
from support.small_server import control

ROOT = Path(__file__).resolve().parents[3]
LOGIN = "mover"
PASSWORD = "Zaphod;4711}horse"  # what a connection string would take apart
FREETDS_DRIVER = f"/usr/lib/{platform.machine()}-linux-gnu/odbc/libtdsodbc.so"


def stand_in_folder() -> Path:
    """.deps/venv-sqlserver; PULK_SQLSERVER_VENV names another folder."""
    path = Path(os.environ.get("PULK_SQLSERVER_VENV", ROOT / ".deps" / "venv-sqlserver"))
    assert os.access(path / "bin" / "python3", os.X_OK), f"{path} is not there; `make setup` installs what the tests need"
    return path


def stand_in_python() -> str:
    return str(stand_in_folder() / "bin" / "python3")


def microsoft_driver() -> str:
    """Path of the library of ODBC Driver 18 for SQL Server."""
    found = glob.glob(f"{stand_in_folder()}/lib/python3*/site-packages/mssql_python_odbc/libs/linux/debian_ubuntu/{platform.machine()}/lib/libmsodbcsql-18*")
    assert found, "Microsoft's driver is not there; `make setup` installs what the tests need"
    return found[0]


class StatementFailed(Exception):
    def __init__(self, number, message):
        super().__init__(f"{number}: {message}")
        self.number, self.message = number, message


class SqlServer:
    """With the login mover, who may do everything. `users`: further ones, as the stand-in's --users has them; `options`: further
    options of its command line."""

    def __init__(self, encryption="offered", users=None, options=()):
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-ms-", dir="/tmp"))
        self.host = "localhost"  # the certificate is for localhost and 127.0.0.1
        self._numbers = itertools.count(1)
        self._client = None
        self.certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run([find_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(self.certificate)],
                       check=True, stderr=subprocess.DEVNULL)
        listed = self.folder / "users.json"
        listed.touch(mode=0o600)
        listed.write_text(json.dumps({LOGIN: {"password": PASSWORD}, **(users or {})}))
        command = [stand_in_python(), "-m", "tests.doubles.tds", "--data", str(self.folder / "data"), "--certificate", str(self.certificate),
                   "--key", str(key), "--users", str(listed), "--encryption", encryption, *options]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError("the stand-in for SQL Server does not start:\n" + self.log())
        facts = json.loads(line)
        self.port, self.control_port = facts["port"], facts["control_port"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def control(self, what: str, /, **body):
        """One call of the control interface; its paths are in tests/doubles/tds/control.py."""
        return control(self.control_port, what, body)

    def fault(self, action: str, **facts):
        self.control("faults", action=action, **facts)

    def statements(self, containing="") -> list:
        """What clients asked for so far: kind, sql, parameters, user, database, process."""
        return [one for one in self.control("statements") if containing in one["sql"]]

    def execute(self, *statements, database="master") -> list | None:
        """Carries out statements beside the client under test, as mover; the rows of the last one that has some, as tuples of
        canonical text (see clients/tds_client.py)."""
        if self._client is None:
            secret = self.folder / "password"
            secret.touch(mode=0o600)
            secret.write_text(PASSWORD)
            where = {"dsn": "localhost", "port": self.port, "user": LOGIN, "password_file": str(secret), "cafile": str(self.certificate)}
            self._client = subprocess.Popen([stand_in_python(), str(ROOT / "tests/doubles/clients/tds_client.py"), json.dumps(where)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._client.stdin.write(json.dumps({"database": database, "statements": statements}) + "\n")
        self._client.stdin.flush()
        answer = json.loads(self._client.stdout.readline())
        if "error" in answer:
            raise StatementFailed(answer["error"], answer["message"])
        return None if answer["rows"] is None else [tuple(row) for row in answer["rows"]]

    def create_database(self, collation=None) -> "SqlServerDatabase":
        return SqlServerDatabase(self, f"test_{next(self._numbers)}", collation)

    def remove(self):
        for process in filter(None, (self._client, self._process)):
            process.stdin.close()
            process.wait(30)
            process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


PLAIN = "Plain-4711"


def plain_login(database: "SqlServerDatabase"):
    """A login that every connection string can hold: plain, with PLAIN, who may read everything in this database."""
    try:
        database.server.execute(f"CREATE LOGIN plain WITH PASSWORD = '{PLAIN}'")
    except StatementFailed as error:
        if error.number != 15025:  # it is there
            raise
    database.execute("CREATE USER plain", "ALTER ROLE db_datareader ADD MEMBER plain")


class SqlServerDatabase:
    def __init__(self, server: SqlServer, name: str, collation=None):
        self.server, self.name = server, name
        server.execute(f"CREATE DATABASE {name}" + (f" COLLATE {collation}" if collation else ""))

    def execute(self, *statements) -> list | None:
        return self.server.execute(*statements, database=self.name)

    rows = execute

    def drop(self):
        self.server.control("kill", database=self.name)
        self.server.execute(f"DROP DATABASE {self.name}")

    def keys(self) -> dict:
        """Of connections.source.sqlserver."""
        return {"host": self.server.host, "port": self.server.port, "database": self.name, "username": LOGIN, "password": PASSWORD,
                "odbc_driver": microsoft_driver(), "ca_certificate": str(self.server.certificate)}

    def odbc(self, driver=None, **keywords) -> str:
        """A connection string for pyodbc; `driver`: Microsoft's when none is given. A keyword that is None is left out."""
        known = {"DRIVER": driver or microsoft_driver(), "SERVER": f"{self.server.host},{self.server.port}", "DATABASE": self.name, "UID": LOGIN,
                 "PWD": "{" + PASSWORD.replace("}", "}}") + "}", "Encrypt": "yes", "ServerCertificate": str(self.server.certificate)}
        return ";".join(f"{key}={value}" for key, value in {**known, **keywords}.items() if value is not None)
