"""Runs statements with one of the clients against a stand-in."""

import json
import subprocess
from pathlib import Path

from support.snowflake import ACCOUNT, LOGIN, PASSWORD, ROOT, stand_in_python

CLIENTS = ("connector-4", "connector-5", "adbc")


def client_python(client: str) -> str:
    python = Path(stand_in_python())
    return str(python.parents[1].with_name(python.parents[1].name + "5") / "bin" / "python3" if client == "connector-5" else python)


def client_options(server, client: str, **login) -> dict:
    """Options of a client. `login`: authenticator, password, token, private_key (PEM), warehouse, role."""
    if client == "adbc":
        key = "adbc.snowflake.sql."
        options = server.adbc(**{key + "client_option.max_timestamp_precision": "microseconds"})
        kind = {"oauth": "auth_oauth", "PROGRAMMATIC_ACCESS_TOKEN": "auth_pat", "SNOWFLAKE_JWT": "auth_jwt",
                "WORKLOAD_IDENTITY": "auth_wif"}.get(login.get("authenticator"))
        if kind:
            options[key + "auth_type"] = kind
            options.pop("password")
        if kind == "auth_wif":
            options[key + "client_option.identity_provider"] = "OIDC"
        names = {"token": key + "client_option.auth_token", "private_key": key + "client_option.jwt_private_key_pkcs8_value",
                 "password": "password", "warehouse": key + "warehouse", "role": key + "role", "user": "username",
                 "database": key + "db", "schema": key + "schema"}
        options.update({names[k]: v for k, v in login.items() if k in names})
        return options
    options = {"user": LOGIN, "password": PASSWORD, "account": ACCOUNT, "host": server.host, "port": server.port, "protocol": "http",
               "login_timeout": 10, "network_timeout": 30}
    if "authenticator" in login:
        options.pop("password")
    options.update(login)
    return options


def run_client(client: str, options: dict, *sessions) -> list:
    """Results of the statements of each session (see clients/run_statements.py)."""
    done = subprocess.run([client_python(client), str(ROOT / "tests" / "doubles" / "clients" / "run_statements.py"),
                           "adbc" if client == "adbc" else "connector"],
                          input=json.dumps({"options": options, "statements": [list(s) for s in sessions]}), capture_output=True,
                          text=True, timeout=240)
    assert done.returncode == 0, f"{client} failed\n{done.stderr[-3000:]}"
    return json.loads(done.stdout)
