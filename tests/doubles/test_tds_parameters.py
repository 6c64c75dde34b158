"""Parameters of every type, as four clients send them."""

import json
import os
import subprocess

import pytest

from support.sqlserver import FREETDS_DRIVER, LOGIN, PASSWORD, ROOT, stand_in_python

from .clients.echo_parameters import ROWS


@pytest.mark.parametrize("client", ("pyodbc", "pyodbc over FreeTDS", "mssql-python", "python-tds"))
def test_parameters_come_back(mssql, client):
    server = mssql.server
    mssql.execute("CREATE TABLE echo (n int, t nvarchar(20), d decimal(10, 2), m datetime2(6))")
    server.control("users", name="free", password="free")
    where = {"pyodbc": mssql.odbc(),
             "pyodbc over FreeTDS": f"DRIVER={FREETDS_DRIVER};SERVER={server.host};PORT={server.port};TDS_Version=7.4;Encryption=require;PWD=free;"
                                    f"UID=free;DATABASE={mssql.name};ClientCharset=UTF-8",
             "mssql-python": mssql.odbc(DRIVER=None, ServerCertificate=None),
             "python-tds": json.dumps({"dsn": "localhost", "port": server.port, "user": LOGIN, "password": PASSWORD, "database": mssql.name,
                                       "cafile": str(server.certificate)})}[client]
    done = subprocess.run([stand_in_python(), str(ROOT / "tests/doubles/clients/echo_parameters.py"), client.split()[0], where], env=os.environ,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {"wrong": [], "rows": [repr(row) for row in ROWS]}
