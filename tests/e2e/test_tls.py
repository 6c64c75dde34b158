"""PostgreSQL over TLS, by a server with a certificate of its own."""

import subprocess

import pytest

from support.server import PostgresServer, service_user
from support.values import assert_same_rows


@pytest.fixture(scope="module")
def tls_server():
    server = PostgresServer()
    data = server.folder / "data"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", data / "server.key", "-out", data / "server.crt"],
                   check=True, capture_output=True, cwd=server.folder, **service_user())
    (server.folder / "root.crt").write_bytes((data / "server.crt").read_bytes())
    server.stop()
    with open(data / "postgresql.conf", "a") as settings:
        settings.write("ssl = on\n")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def tls(tls_server):
    database = tls_server.create_database()
    yield database
    database.drop()


def test_rows_of_all_sizes(pulk, tls, tls_server):
    """Rows far below and above a TLS record of 16 KiB, over several lanes, from a server whose name is checked."""
    tls.execute("CREATE TABLE t AS SELECT n AS id, repeat(md5(n::text), CASE WHEN n % 997 = 0 THEN 9000 ELSE n % 5 END) AS v"
                " FROM generate_series(1, 40000) n; ANALYZE")
    pulk.write_config(tls, sslmode="verify-full", sslrootcert=str(tls_server.folder / "root.crt"))
    pulk.write_workflow([{"source": {"tableName": "t"}, "target": {"tableName": "t"}, "partitionSize": {"targetSizeMb": 1}}])
    pulk.migrate().expect(0)
    assert_same_rows(tls.rows("TABLE t"), pulk.rows("t"))


def test_a_server_that_sends_little_and_late(pulk, tls):
    """Each wait ends with the bytes that are there, though far fewer than a wake-up asks for."""
    tls.execute("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 60) n; ANALYZE;"
                "CREATE VIEW slow AS SELECT id, repeat('x', 3000) AS v FROM t WHERE pg_sleep(0.02) IS NOT NULL")
    pulk.write_config(tls, sslmode="require")
    pulk.write_workflow(["slow"])
    pulk.migrate("--no-verify-count").expect(0)
    assert [row[0] for row in sorted(pulk.rows("slow"), key=lambda row: int(row[0]))] == [str(n) for n in range(1, 61)]


def test_a_server_that_is_not_the_one(pulk, tls, tmp_path):
    other = tmp_path / "other.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other", "-keyout",
                    tmp_path / "other.key", "-out", other], check=True, capture_output=True)
    tls.execute("CREATE TABLE t (id int)")
    pulk.write_config(tls, sslmode="verify-full", sslrootcert=str(other))
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "certificate", "sslrootcert")


def test_a_server_without_tls(pulk, db):
    db.execute("CREATE TABLE t (id int)")
    pulk.write_config(db, sslmode="require")
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "does not support SSL", "sslmode")
