"""A stand-in for Snowflake in a process of its own: free ports, an empty folder, a control interface (see
tests/doubles/snowflake/README.md)."""

import gzip
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from support.server import _die_with_parent

ROOT = Path(__file__).resolve().parents[3]
LOGIN = "mover"
PASSWORD = "Zaphod;4711}horse"  # what a connection string would take apart
ACCOUNT = "ACCT"


def stand_in_python() -> str:
    """The interpreter of .deps/venv-snowflake; PULK_SNOWFLAKE_VENV names another folder."""
    path = Path(os.environ.get("PULK_SNOWFLAKE_VENV", ROOT / ".deps" / "venv-snowflake")) / "bin" / "python3"
    assert os.access(path, os.X_OK), f"{path} is not there; `make setup` installs what the tests need"
    return str(path)


class Snowflake:
    """One account with the user mover and the warehouse COMPUTE_WH. `s3`: {endpoint, access_key, secret_key}."""

    def __init__(self, s3=None):
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-sf-", dir="/tmp"))
        self.host = "127.0.0.1"
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(PASSWORD)
        command = [stand_in_python(), "-m", "tests.doubles.snowflake", "--data", str(self.folder / "data"), "--account", ACCOUNT,
                   "--user", LOGIN, "--password-file", str(password)]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                                             preexec_fn=_die_with_parent)
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError("the stand-in for Snowflake does not start:\n" + self.log())
        facts = json.loads(line)
        self.port, self.control_port = facts["port"], facts["control_port"]
        if s3:
            self.control("s3", **s3)

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def control(self, what: str, /, **body):
        """One call of the control interface; its paths are in tests/doubles/snowflake/control.py."""
        request = urllib.request.Request(f"http://{self.host}:{self.control_port}/{what}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"control {what}: {error.read().decode()}") from None

    def fault(self, action: str, **facts):
        self.control("faults", action=action, **facts)

    def statements(self, containing="") -> list:
        """Texts of the statements so far."""
        return [q["sql"] for q in self.control("history") if containing in q["sql"]]

    def sql(self, statement: str, user=LOGIN, **names) -> list:
        """Carries out a statement beside the client under test; rows as the service's JSON has them, all text."""
        return self.session(user, **names).sql(statement)

    def session(self, user=LOGIN, password=PASSWORD, **names) -> "WireSession":
        """A session of its own: database, schema, role, warehouse."""
        return WireSession(self, user, password, names)

    def adbc(self, **options) -> dict:
        """Options of the ADBC driver for the user mover."""
        key = "adbc.snowflake.sql."
        return {"username": LOGIN, "password": PASSWORD, key + "account": ACCOUNT, key + "uri.protocol": "http",
                key + "uri.host": self.host, key + "uri.port": str(self.port), key + "client_option.login_timeout": "10s",
                key + "client_option.request_timeout": "30s", key + "client_option.disable_telemetry": "true", **options}

    def keys(self) -> dict:
        """What a configuration needs to reach it."""
        return {"account": ACCOUNT, "username": LOGIN, "password": PASSWORD, "host": self.host, "port": self.port,
                "protocol": "http", "warehouse": "COMPUTE_WH"}

    def environment(self, database="", schema="") -> dict:
        """The same as the variables that a user sets."""
        names = {"SNOWFLAKE_DATABASE": database, "SNOWFLAKE_SCHEMA": schema}
        return {"SNOWFLAKE_ACCOUNT": ACCOUNT, "SNOWFLAKE_USER": LOGIN, "SNOWFLAKE_PASSWORD": PASSWORD, "SNOWFLAKE_WAREHOUSE": "COMPUTE_WH",
                "SNOWFLAKE_HOST": self.host, "SNOWFLAKE_PORT": str(self.port), "SNOWFLAKE_PROTOCOL": "http",
                **{name: value for name, value in names.items() if value}}

    def wait_for(self, condition, timeout=20, what="the condition"):
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < deadline, f"{what} was not reached in {timeout} s"
            time.sleep(0.02)
        return value

    def remove(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)
        self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class WireSession:
    """A session that speaks the wire protocol by hand: no driver, no retry, JSON results."""

    def __init__(self, server, user, password, names):
        self._server = server
        query = "&".join(f"{key}={names[name]}" for name, key in (("database", "databaseName"), ("schema", "schemaName"),
                                                                ("role", "roleName"), ("warehouse", "warehouse")) if name in names)
        body = {"data": {"LOGIN_NAME": user, "PASSWORD": password, "ACCOUNT_NAME": ACCOUNT,
                         "SESSION_PARAMETERS": {"GO_QUERY_RESULT_FORMAT": "JSON"}}}
        data = self._post("/session/v1/login-request?" + query, body)
        self.id, self._token = data["sessionId"], data["token"]

    def _post(self, path, body) -> dict:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "_token"):
            headers["Authorization"] = f'Snowflake Token="{self._token}"'
        request = urllib.request.Request(f"http://{self._server.host}:{self._server.port}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            reply = json.loads(answer.read())
        if not reply["success"]:
            raise StatementFailed(reply["code"], reply["message"])
        return reply["data"]

    def sql(self, statement: str) -> list:
        return self.rows(self.query(statement))

    def query(self, statement: str) -> dict:
        """The answer's data: rowtype, rowset, chunks."""
        return self._post("/queries/v1/query-request?requestId=", {"sqlText": statement})

    def rows(self, data: dict) -> list:
        rows = list(data.get("rowset") or [])
        for chunk in data.get("chunks") or []:
            with urllib.request.urlopen(chunk["url"], timeout=120) as answer:
                body = answer.read()
            rows += json.loads(b"[" + (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body) + b"]")
        return [tuple(row) for row in rows]

    def close(self):
        self._post("/session?delete=true", {})


class StatementFailed(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message
