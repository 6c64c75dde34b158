"""Faults on order, seen by the ADBC driver or by hand."""

import socket
import time

import pytest

from doubles.clients.drive import CLIENTS, client_options, run_client
from support.snowflake import StatementFailed


def test_an_expired_master_token_needs_a_new_login(snowflake):
    session = snowflake.session()
    snowflake.control("expire", what="master")
    with pytest.raises(StatementFailed) as caught:
        session.sql("SELECT 1")
    assert caught.value.code == "390112"
    with pytest.raises(StatementFailed) as caught:
        session._token = "unknown"
        session.sql("SELECT 1")
    assert caught.value.code == "390104"


def test_tokens_that_live_a_second_are_renewed(snowflake):
    snowflake.control("settings", session_token_seconds=1)
    results, = run_client("adbc", client_options(snowflake, "adbc"), ["SELECT SYSTEM$WAIT(2)", "SELECT 2"])
    assert [r.get("rows") for r in results] == [[["waited 2 seconds"]], [["2"]]]
    assert snowflake.control("counters")["requests"]["/session/token-request"] >= 1


def test_a_connection_that_is_cut_before(snowflake):
    """Nothing was done when the connection broke: the statement runs once, by the repeated request."""
    snowflake.fault("close", path="/queries/v1/query-request", sql="INSERT", when="before")
    results, = run_client("adbc", client_options(snowflake, "adbc"),
                          ["CREATE DATABASE d", "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "SELECT COUNT(*) FROM t"])
    assert results[3]["rows"] == [["1"]]
    assert len(snowflake.statements("INSERT")) == 1


def test_a_lost_commit_is_done_once(snowflake):
    snowflake.fault("close", path="/queries/v1/query-request", sql="^COMMIT", when="after")
    results, = run_client("adbc", client_options(snowflake, "adbc"), [
        "CREATE DATABASE d", "CREATE TABLE t (a INT)", "BEGIN", "INSERT INTO t VALUES (1)", "COMMIT", "SELECT COUNT(*) FROM t"])
    assert [r.get("error") for r in results] == [None] * 6
    assert results[5]["rows"] == [["1"]]
    assert len(snowflake.statements("COMMIT")) == 1


def test_a_statement_may_take_longer_or_fail(snowflake):
    session = snowflake.session()
    snowflake.fault("running", path="statement", sql="SELECT 5", seconds=1.0)
    snowflake.fault("error", path="statement", sql="SELECT 6", code="000603", message="on order")
    started = time.monotonic()
    assert session.sql("SELECT 5") == [("5",)]
    assert time.monotonic() - started >= 1
    with pytest.raises(StatementFailed, match="on order"):
        session.sql("SELECT 6")
    assert session.sql("SELECT 6") == [("6",)]


def test_a_statement_outlives_its_client(snowflake):
    """Unless ABORT_DETACHED_QUERY says otherwise, the service goes on when the connection is gone."""
    snowflake.control("settings", detached_query_seconds=0.5)
    for abort in (False, True):
        session = snowflake.session()
        session.sql(f"ALTER SESSION SET ABORT_DETACHED_QUERY = {abort}")
        body = f'{{"sqlText": "SELECT SYSTEM$WAIT(3) AS {abort}_"}}'
        with socket.create_connection((snowflake.host, snowflake.port)) as connection:
            connection.sendall((f"POST /queries/v1/query-request?requestId=r{abort} HTTP/1.1\r\nHost: x\r\nAuthorization: Snowflake "
                                f'Token="{session._token}"\r\nContent-Length: {len(body)}\r\n\r\n{body}').encode())
            snowflake.wait_for(lambda: snowflake.statements(f"AS {abort}_"), what="the statement")
        history = lambda: [q for q in snowflake.control("history") if q["requestId"] == f"r{abort}"][0]  # noqa: E731
        done = snowflake.wait_for(lambda: history()["status"] != "RUNNING" and history(), what="its end")
        assert (done["status"], done["code"]) == (("FAIL", "000604") if abort else ("SUCCESS", None))


def test_without_a_warehouse(snowflake):
    session = snowflake.session()
    session.sql("CREATE DATABASE d")
    session.sql("CREATE TABLE t (a INT)")
    snowflake.control("users", name="idle", password="p")
    poor = snowflake.session("idle", "p", database="D", schema="PUBLIC")
    assert poor.sql("SELECT 1") == [("1",)]
    for sql in ("SELECT * FROM t", "INSERT INTO t VALUES (1)", "DELETE FROM t"):
        with pytest.raises(StatementFailed) as caught:
            poor.sql(sql)
        assert caught.value.code == "000606"


def test_two_statements_of_one_session(snowflake):
    """They are carried out one after the other."""
    from concurrent.futures import ThreadPoolExecutor
    session = snowflake.session()
    session.sql("CREATE DATABASE d")
    session.sql("CREATE TABLE t (a INT)")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: session.sql(f"INSERT INTO t VALUES ({n})"), range(40)))
    assert done == [[("1",)]] * 40
    assert session.sql("SELECT COUNT(DISTINCT a) FROM t") == [("40",)]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_chunk_that_is_cut_in_half(snowflake, client):
    """connector 4 asks for it again; the other two give up. None of them takes half of the rows for all."""
    snowflake.control("settings", chunk_rows=1000)
    snowflake.fault("half", path="^/chunks/")
    results, = run_client(client, client_options(snowflake, client), ["SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 3000))"])
    assert snowflake.control("fault_counts")[0]["done"] == 1
    if client != "connector-4":
        assert "error" in results[0]
        return
    assert [row[0] for row in results[0]["rows"]] == [str(n) for n in range(3000)]
