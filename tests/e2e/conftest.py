"""Fixtures of the end-to-end tests. Nothing is skipped: what is missing fails, with the way to get it."""

import os
from pathlib import Path

import pytest

from support.mariadb import MariadbServer
from support.psqlodbc import OverPsqlodbc
from support.pulk import Pulk
from support.s3 import S3
from support.server import PostgresServer
from support.snowflake import Snowflake
from support.sqlite import SqliteSource
from support.sqlserver import SqlServer
from support.unheard_of import rename

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binary() -> str:
    path = Path(os.environ.get("PULK_BINARY", ROOT / "build" / "release" / "pulk")).resolve()
    assert os.access(path, os.X_OK), f"{path} is not there; `make build` makes it, PULK_BINARY names another"
    return str(path)


def beside(binary, variable, name) -> str:
    """Another program of the same build, or what the environment names."""
    path = Path(os.environ.get(variable, Path(binary).parent / name)).resolve()
    assert os.access(path, os.X_OK), f"{path} is not there; `make build` makes it, {variable} names another"
    return str(path)


@pytest.fixture(scope="session")
def mutant_binary(binary) -> str:
    """pulk with a broken mark protocol, see tests/mutation/mutate.py."""
    return beside(binary, "PULK_MUTANT_BINARY", "pulk_mutant_mark")


@pytest.fixture(scope="session")
def unit_tests(binary) -> str:
    return beside(binary, "PULK_UNIT_TESTS", "pulk_unit_tests")


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server for the whole session."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def db(postgres):
    """An empty database, owned by the login that pulk uses."""
    database = postgres.create_database()
    yield database
    database.drop()


@pytest.fixture
def odbc_db(db):
    """The same, read through psqlODBC."""
    return OverPsqlodbc(db)


@pytest.fixture(scope="session")
def mariadb_servers():
    """Started when they are asked for, by whether they have a binary log."""
    servers = {}

    def get(binary_log) -> MariadbServer:
        if binary_log not in servers:
            servers[binary_log] = MariadbServer(binary_log)
        return servers[binary_log]

    yield get
    for server in servers.values():
        server.remove()


@pytest.fixture
def maria(mariadb_servers):
    """An empty database of a MariaDB without a binary log."""
    database = mariadb_servers(False).create_database()
    yield database
    database.drop()


@pytest.fixture
def maria_logged(mariadb_servers):
    """The same, with one: the server tells what moment a transaction sees."""
    database = mariadb_servers(True).create_database()
    yield database
    database.drop()


@pytest.fixture(scope="session")
def sqlserver_server():
    """A stand-in for SQL Server; each test has a database of its own in it."""
    server = SqlServer()
    yield server
    server.remove()


@pytest.fixture
def mssql(sqlserver_server):
    """An empty database of a stand-in for SQL Server."""
    database = sqlserver_server.create_database()
    yield database
    sqlserver_server.control("clear")
    database.drop()


@pytest.fixture(scope="session")
def snowflake_server():
    """A stand-in for Snowflake; each test has a database of its own in it."""
    server = Snowflake()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def server():
    """A stand-in for Snowflake that the tests of one file share."""
    server = Snowflake()
    yield server
    server.remove()


@pytest.fixture
def snowflake():
    """A stand-in for Snowflake, empty, for one test."""
    server = Snowflake()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def s3_server():
    server = S3()
    yield server
    server.remove()


@pytest.fixture
def s3(s3_server):
    """An S3 server with empty buckets and without faults."""
    s3_server.control("reset")
    return s3_server


@pytest.fixture
def pulk(tmp_path, binary):
    """pulk in an empty folder; what still runs at the end is killed."""
    program = Pulk(tmp_path, binary)
    yield program
    program.stop_all()


@pytest.fixture
def sqlite_source(tmp_path):
    """Call it with SQL: a SQLite file in the test's folder."""

    def make(sql="", name="source.sqlite") -> SqliteSource:
        source = SqliteSource(tmp_path / name)
        if sql:
            source.execute(sql)
        return source

    return make


@pytest.fixture(scope="session")
def unknown_sqlite_driver(tmp_path_factory) -> str:
    """SQLite's ODBC driver under a name that pulk does not know, with the digits that a column is declared with."""
    return rename(tmp_path_factory.mktemp("driver"), "libsqlite3odbc.so", "fine_driver.c")
