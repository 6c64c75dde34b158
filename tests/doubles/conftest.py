"""Fixtures of the tests of stand-ins. They start them as the end-to-end tests do."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.snowflake import Snowflake  # noqa: E402
from support.sqlserver import SqlServer  # noqa: E402


@pytest.fixture
def snowflake():
    server = Snowflake()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def sqlserver():
    """A stand-in for SQL Server that the tests of one file share; its certificate is trusted. Each test clears what it breaks."""
    server = SqlServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(server.certificate))
        yield server
    server.remove()


@pytest.fixture
def mssql(sqlserver):
    """An empty database of it."""
    database = sqlserver.create_database()
    yield database
    sqlserver.control("clear")
    database.drop()
