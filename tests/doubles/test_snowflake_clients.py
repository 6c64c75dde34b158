"""The stand-in is not made to one program's measure: three of the service's own clients see the same results of the same statements."""

import subprocess
import time

import pytest

from doubles.clients.drive import CLIENTS, client_options, client_python, run_client
from doubles.snowflake_statements import ALL

# Wrote by pyarrow: a = [1, 2], b = ["ok", NULL], c = ["1.5", "2"]; the bad one has a NULL, a text that is too long and no number.
FILES = """
import pyarrow as pa, pyarrow.parquet as pq, sys
pq.write_table(pa.table({"a": [1, 2], "b": ["ok", None], "c": ["1.5", "2"]}), sys.argv[1] + "/good.parquet")
pq.write_table(pa.table({"a": [1, 2, None, 4], "b": ["ok", "toolong", "x", "y"], "c": ["1.5", "zz", "3", "4"]}),
               sys.argv[1] + "/bad.parquet")
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_statements(snowflake, client, tmp_path):
    files, out = tmp_path / "files", tmp_path / "out"
    files.mkdir()
    out.mkdir()
    subprocess.run([client_python("adbc"), "-c", FILES, str(files)], check=True)
    statements = [(sql.replace("{files}", str(files)).replace("{out}", str(out)), want) for sql, want in ALL]
    results, = run_client(client, client_options(snowflake, client), [sql for sql, _ in statements])
    wrong = []
    for (sql, want), got in zip(statements, results, strict=True):
        right = "rows" in got if want is None else got.get("error") == want if isinstance(want, str) else got.get("rows") == want
        if not right:
            wrong.append(f"{sql}\n    want {want}\n    got  {got.get('rows', got)}")
    assert not wrong, f"{len(wrong)} of {len(statements)} statements\n" + "\n".join(wrong) + "\n" + snowflake.log()
    assert (out / "good.parquet").read_bytes() == (files / "good.parquet").read_bytes()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("form", ["ARROW", "JSON"])
def test_results_in_chunks(snowflake, client, form):
    """A result in many parts behind URLs comes whole and in order."""
    snowflake.control("settings", chunk_rows=1000)
    setting = "GO_QUERY_RESULT_FORMAT" if client == "adbc" else "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT"
    results, = run_client(client, client_options(snowflake, client),
                          [f"ALTER SESSION SET {setting} = '{form}'", "SELECT SEQ4() AS n, 'r' || SEQ4() AS s FROM TABLE(GENERATOR(ROWCOUNT => 12345))"])
    assert results[1].get("rows") == [[str(n), f"r{n}"] for n in range(12345)]
    chunks = [r for r in snowflake.control("requests") if r["path"].startswith("/chunks/")]
    assert len({r["path"] for r in chunks}) == 12


@pytest.mark.parametrize("client", CLIENTS)
def test_a_longer_statement_is_asked_for_again(snowflake, client):
    snowflake.control("settings", answer_within_seconds=0.3)
    results, = run_client(client, client_options(snowflake, client), ["SELECT SYSTEM$WAIT(1500, 'MILLISECONDS')", "SELECT 1"])
    assert results == [{"rows": [["waited 1500 milliseconds"]], "columns": results[0]["columns"]}, {"rows": [["1"]], "columns": ["1"]}]
    assert any(r["path"].endswith("/result") for r in snowflake.control("requests"))


@pytest.mark.parametrize("client", CLIENTS)
def test_an_expired_session_is_renewed(snowflake, client):
    """390112 once, before a statement: the client renews and the statement is carried out, once."""
    snowflake.fault("expire", path="/queries/v1/query-request", sql="INSERT")
    results, = run_client(client, client_options(snowflake, client),
                          ["CREATE DATABASE d", "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "SELECT * FROM t"])
    assert results[3].get("rows") == [["1"]], results
    assert snowflake.control("counters")["requests"]["/session/token-request"] == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_lost_answer_is_not_a_second_insert(snowflake, client):
    """The statement is done, the answer is lost: the client repeats it with the same request id."""
    snowflake.fault("close", path="/queries/v1/query-request", sql="INSERT", when="after")
    snowflake.fault("status", path="/queries/v1/query-request", sql="INSERT", when="before", skip=1, status=503)
    results, = run_client(client, client_options(snowflake, client),
                          ["CREATE DATABASE d", "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "SELECT COUNT(*) FROM t"])
    assert results[2:] == [{"rows": [["1"]], "columns": ["number of rows inserted"]}, {"rows": [["1"]], "columns": ["COUNT(*)"]}]
    assert len(snowflake.statements("INSERT")) == 1
    assert [f["done"] for f in snowflake.control("fault_counts")] == [1, 1]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(snowflake, client, status):
    snowflake.fault("status", path="/queries/v1/query-request", sql="SELECT 7", status=status, times=2)
    started = time.monotonic()
    results, = run_client(client, client_options(snowflake, client), ["SELECT 7"])
    assert results == [{"rows": [["7"]], "columns": ["7"]}]
    assert time.monotonic() - started < 60
    assert snowflake.control("fault_counts")[0]["done"] == 2
