"""`pulk query`: one statement on Snowflake (the stand-in), rows on stdout. What it says is read by Python's csv and json;
what it changed is read back beside it."""

import csv
import decimal
import io
import json
import os
import pty
import signal
import subprocess

import duckdb
import pytest
from support.snowflake import PASSWORD


@pytest.fixture(scope="module")
def place(server):
    server.control("databases", name="SHOP", schemas=["PUBLIC"])
    server.sql("CREATE TABLE SHOP.PUBLIC.T (ID NUMBER(10,0), NAME VARCHAR)")
    server.sql("INSERT INTO SHOP.PUBLIC.T VALUES (1, 'one'), (2, NULL), (3, '')")
    return server


@pytest.fixture
def shop(pulk, place):
    pulk.server = place
    pulk.variables = place.environment("SHOP", "PUBLIC")
    yield pulk
    place.control("faults", clear=True)


def query(pulk, *args, **more):
    return pulk.run("query", *args, env=pulk.variables, **more)


def test_the_three_formats(shop):
    sql = "SELECT ID, NAME FROM T ORDER BY ID;"
    done = query(shop, sql)  # a pipe: CSV
    assert (done.code, done.stdout) == (0, 'ID,NAME\n1,one\n2,\n3,""\n'), done
    done = query(shop, sql, "--format", "json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"ID": 1, "NAME": "one"}, {"ID": 2, "NAME": None},
                                                                      {"ID": 3, "NAME": ""}]
    done = query(shop, sql, "--format", "table")
    assert done.stdout == "ID  NAME\n--  ----\n 1  one\n 2  NULL\n 3  ''\n(3 rows)\n", done
    done = query(shop, "SELECT 'NULL' AS A, 'a\\tb\\nc' || CHR(27) AS B, '\U0001F600\u00e4' AS C, 1.50 AS D", "--format", "table")
    lines = done.stdout.splitlines()
    assert lines[2].split("  ") == ["'NULL'", "a\\tb\\nc\\x1b", "\U0001F600\u00e4", "1.50"] and lines[3] == "(1 row)", done


def test_a_terminal_gets_a_table(shop):
    leader, follower = pty.openpty()
    done = subprocess.run([shop.binary, "query", "SELECT ID FROM T WHERE ID < 3 ORDER BY 1"], stdout=follower, stderr=subprocess.PIPE,
                          cwd=shop.folder, env=shop.environment(shop.variables), timeout=60)
    os.close(follower)
    shown = os.read(leader, 4096).decode().replace("\r\n", "\n")
    os.close(leader)
    assert done.returncode == 0 and shown == "ID\n--\n 1\n 2\n(2 rows)\n", done.stderr


def test_values_are_exact(shop):
    sql = ("SELECT 99999999999999999999999999999999999999::NUMBER(38,0) AS N, '0001-01-01 00:00:00.000000001'::TIMESTAMP_NTZ(9) AS T, "
           "'2026-11-21 18:00:00.5 +05:30'::TIMESTAMP_TZ(9) AS Z, TO_BINARY('00FF', 'HEX') AS B, 0.1::FLOAT AS F, PARSE_JSON('{\"a\": [1]}') AS V")
    header, row = csv.reader(io.StringIO(query(shop, sql).stdout))
    assert header == list("NTZBFV")
    assert row == ["9" * 38, "0001-01-01 00:00:00.000000001", "2026-11-21 18:00:00.500000000 +05:30", "00FF", "0.1", row[5]]
    assert json.loads(row[5]) == {"a": [1]}
    said = json.loads(query(shop, sql, "--format", "json").stdout, parse_float=decimal.Decimal)
    assert said["N"] == int("9" * 38) and said["V"] == {"a": [1]} and said["F"] == decimal.Decimal("0.1")
    assert said["T"] == "0001-01-01T00:00:00.000000001"
    table = query(shop, sql, "--format", "table").stdout
    assert "0001-01-01 00:00:00.000000001  2026-11-21 18:00:00.500000000 +05:30  00FF" in table


def test_names_that_stand_twice(shop):
    assert query(shop, "SELECT 1 AS A, 2 AS A").stdout == "A,A\n1,2\n"
    done = query(shop, "SELECT 1 AS A, 2 AS A", "--format", "json")
    assert done.code == 5 and "AS" in done.stderr and done.stdout == "", done
    done = query(shop, "SELECT 1 AS A, 2 AS A, '2026-11-21 18:00:00 +05:30'::TIMESTAMP_TZ AS Z")
    assert done.code == 5 and "the name A" in done.stderr and done.stdout == "", done


def test_statements_without_rows_say_what_they_did(shop):
    assert query(shop, "CREATE TABLE W (A NUMBER(5,0), B VARCHAR)").stdout == "Table W successfully created.\n"
    assert query(shop, "INSERT INTO W VALUES (1, 'x'), (2, 'y'), (3, 'z')").stdout == "3 rows inserted\n"
    assert query(shop, "UPDATE W SET B = 'q' WHERE A = 2").stdout == "1 row updated\n"
    assert query(shop, "DELETE FROM W WHERE A = 1", "--format", "json").stdout == '{"number of rows deleted":1}\n'
    assert sorted(shop.server.sql("SELECT A, B FROM SHOP.PUBLIC.W")) == [("2", "q"), ("3", "z")]
    done = query(shop, "SHOW TABLES LIKE 'W'", "--format", "json")
    assert json.loads(done.stdout)["name"] == "W", done
    assert query(shop, "DROP TABLE W", "-q").code == 0
    assert query(shop, "SELECT 1 AS A WHERE 1 = 0", "--format", "table").stdout == "A\n-\n(0 rows)\n"


def test_where_the_statement_comes_from(shop):
    (shop.folder / "q.sql").write_text("-- a comment; with a semicolon\nSELECT 'ä' AS A\n;\n")
    assert query(shop, "-f", "q.sql").stdout == "A\nä\n"
    assert query(shop, "-", input="SELECT 2 AS A -- end").stdout == "A\n2\n"
    for args, said in (([], "-f FILE"), (["SELECT 1", "-f", "q.sql"], "-f"), (["-f", "none.sql"], "none.sql"), ([" ; "], "empty")):
        done = query(shop, *args)
        assert done.code == 1 and said in done.stderr, (args, done.stderr)


def test_a_table_is_cut_and_says_so(shop):
    sql = "SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => 1500))"
    lines = query(shop, sql, "--format", "table").stdout.splitlines()
    assert len(lines) == 2 + 1000 + 1 and lines[-1].startswith("(the first 1,000 rows, there are more: "), lines[-1]
    lines = query(shop, sql, "--format", "table", "--max-rows", "0").stdout.splitlines()
    assert len(lines) == 2 + 1500 + 1 and lines[-1] == "(1,500 rows)"
    assert len(query(shop, sql).stdout.splitlines()) == 1501


def test_what_went_wrong(shop):
    done = query(shop, "SELECT * FROM NOT_THERE")
    failed = [q for q in shop.server.control("history") if "NOT_THERE" in q["sql"]][-1]
    assert done.code == 5 and done.stdout == "" and "NOT_THERE" in done.stderr and f"query {failed['id']}" in done.stderr, done
    done = query(shop, "INSERT INTO T VALUES ('x', 1)")
    assert done.code == 5 and "query " in done.stderr, done
    done = query(shop, "SELECT 1; SELECT 2")
    assert done.code == 1 and "one statement" in done.stderr, done
    done = query(shop, "SELEC 1")
    assert done.code == 1 and "001003" in done.stderr and "query " in done.stderr, done
    done = pulk_without(shop, "SNOWFLAKE_USER")
    assert done.code == 1 and "user" in done.stderr, done
    assert PASSWORD not in done.text


def test_a_database_or_schema_that_is_not_there(shop):
    for variable, said in (("SNOWFLAKE_DATABASE", "no database SHOPP"), ("SNOWFLAKE_SCHEMA", "no schema SHOPP in SHOP,")):
        done = shop.run("query", "SELECT 1", env={**shop.variables, variable: "SHOPP"})
        assert done.code == 5 and f"{variable}: there is {said}" in done.stderr, done
    keys = "\n".join(f"{key} = {json.dumps(value)}" for key, value in shop.server.keys().items())
    shop.config.write_text(f'[connections.target.snowflake]\ndatabase = "SHOPP"\n{keys}\n')
    shop.config.chmod(0o600)
    done = shop.run("query", "SELECT 1", "-c", shop.config)
    assert done.code == 5 and "connections.target.snowflake.database: there is no database SHOPP" in done.stderr, done


def pulk_without(pulk, name):
    return pulk.run("query", "SELECT 1", env={k: v for k, v in pulk.variables.items() if k != name})


def test_the_reader_goes_away(shop):
    """`pulk query … | head`: quiet, and the rest is not fetched."""
    read, write = os.pipe()
    running = subprocess.Popen([shop.binary, "query", "SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => 300000))"], stdout=write,
                               stderr=subprocess.PIPE, cwd=shop.folder, env=shop.environment(shop.variables))
    os.close(write)
    assert os.read(read, 4) == b"N\n0\n"
    os.close(read)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 0 and said == b"", said


def test_an_interrupt_ends_the_statement_at_the_server(shop):
    shop.server.fault("running", sql="'slow one'", seconds=60)
    running = subprocess.Popen([shop.binary, "query", "SELECT 'slow one' AS A"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=shop.folder, env=shop.environment(shop.variables))
    statements = lambda: [q for q in shop.server.control("history") if "'slow one'" in q["sql"]]
    shop.server.wait_for(lambda: any(q["status"] == "RUNNING" for q in statements()), what="the statement")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 2 and b"interrupted" in said, said
    assert [q["code"] for q in statements()] == ["000604"]


def test_a_connections_file(shop):
    keys = shop.server.keys()
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
    shop.config.write_text(f'[connections.target.duckdb]\npath = "x.duckdb"\n[connections.target.snowflake]\ndatabase = "SHOP"\n{lines}\n')
    shop.config.chmod(0o600)
    done = shop.run("query", "SELECT COUNT(*) AS N FROM PUBLIC.T", "-c", shop.config)
    assert (done.code, done.stdout) == (0, "N\n3\n"), done
    duckdb.connect(str(shop.folder / "x.duckdb")).execute("CREATE TABLE t AS SELECT 1 AS a, [1, 2] AS b, 'ä' AS c").close()
    done = shop.run("query", "SELECT * FROM t", "-c", shop.config, "--target", "duckdb", "--format", "json")
    assert (done.code, done.stdout) == (0, '{"a":1,"b":[1,2],"c":"ä"}\n'), done
    done = shop.run("query", "SELECT a, 2 AS a, 3 AS \"c0\" FROM t ORDER BY 1", "-c", shop.config, "--target", "duckdb")
    assert (done.code, done.stdout) == (0, "a,a,c0\n1,2,3\n"), done
    done = shop.run("query", "DROP TABLE t", "-c", shop.config, "--target", "duckdb")
    assert done.code == 5 and "DROP" in done.stderr, done
    done = shop.run("query", "show tables", "-c", shop.config, "--target", "duckdb")
    assert done.code == 5 and "SHOW cannot be run" in done.stderr and "information_schema.tables" in done.stderr, done
    done = shop.run("query", "SELECT * FORM t", "-c", shop.config, "--target", "duckdb")
    assert done.code == 5 and "LINE 1: SELECT * FORM t" in done.stderr and "DESCRIBE" not in done.stderr, done
    done = shop.run("query", "SELECT 1", "--target", "snowflake")
    assert done.code == 1 and "-c" in done.stderr, done
