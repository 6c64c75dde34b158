"""pulk doctor --prove with a SQL Server source: every promise holds on the stand-in, one that it breaks is the one that goes red, and
nothing stays behind."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from support.sqlserver import PASSWORD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "prove.md"
RIGHT = {"exactly once": 3, "values": 3, "running": 6}


@pytest.fixture
def ready(pulk, mssql):
    mssql.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", "CREATE TABLE mine (id int PRIMARY KEY)", "INSERT INTO mine VALUES (1)")
    pulk.write_config(mssql)
    yield pulk
    mssql.server.control("wrongs", names=[])


def prove(pulk, *args) -> tuple:
    result = pulk.run("doctor", "--prove", "sqlserver", "--json", *args)
    assert PASSWORD not in result.text
    report = json.loads(result.stdout)
    assert report["class"] == result.code, str(result)
    return result.code, {probe["probe"]: probe for probe in report["probes"]}


def schemas(mssql) -> list:
    return sorted(row[0] for row in mssql.rows("SELECT name FROM sys.schemas WHERE name LIKE '[_]PULK[_]PROVE[_]%'"))


def test_every_promise_holds(ready, mssql):
    mssql.server.control("statements", forget=True)
    code, probes = prove(ready)
    assert code == 0 and {p["outcome"] for p in probes.values()} == {"pass"}, probes
    assert schemas(mssql) == []
    assert not mssql.server.statements("mine")  # nothing of the user's is read
    # The page for users has the same list.
    listed = dict(re.findall(r"^\| (\d+) \| ([^|]+?) \|", PAGE.read_text().split("## The probes of SQL Server")[1], re.M))
    assert listed == {str(n): p["promise"] for n, p in probes.items()}


@pytest.mark.parametrize("wrongs, only, red", [
    (["says_ntlm"], "101,102,103", {101}),
    (["says_plain"], "101,102,103", {102}),
    (["rowcount_wrong"], "110,114", {110}),
    (["attention_late"], "110,111", {111}),
    (["described_short"], "110,114", {114}),
    (["locks_ignored"], "113,120,121,125", {113, 121, 125}),
    (["snapshot_not_kept"], "120,121,122,123,124", {120, 121, 122}),
    (["snapshot_not_kept", "ddl_unseen"], "123,124", {123}),
    (["offset_lost"], "134,135", {135}),
])
def test_a_broken_promise_is_the_one_that_goes_red(ready, mssql, wrongs, only, red):
    mssql.server.control("wrongs", names=wrongs)
    code, probes = prove(ready, "--only", only)
    assert set(probes) == set(map(int, only.split(",")))
    assert {n for n, p in probes.items() if p["outcome"] == "fail"} == red, probes
    assert all(probes[n]["broken"] and probes[n]["seen"] for n in red)
    assert code == (3 if any(RIGHT[probes[n]["rests"]] == 3 for n in red) else 6)
    assert schemas(mssql) == []


def test_the_size_of_packets_is_looked_at(ready, mssql):
    mssql.server.control("settings", largest_packet=4096)
    try:
        code, probes = prove(ready, "--only", "103")
    finally:
        mssql.server.control("settings", largest_packet=32767)
    assert code == 6 and probes[103]["seen"] == "4096 bytes, asked for 16000"


def test_what_is_said_beforehand_and_at_the_end(ready, mssql):
    mssql.server.control("wrongs", names=["rowcount_wrong"])
    result = ready.run("doctor", "--prove", "sqlserver", "--only", "101,110").expect(
        3, f"database {mssql.name}; SQL Server 16", "login mover", f"makes the schema [{mssql.name}].[_PULK_PROVE_", "and drops it at the end",
        "pass         101 ", "FAIL         110 ", "seen:  100,000 rows arrived of 100,000, ROWCOUNT_BIG() said 99999",
        "means: pulk cannot tell that all rows", "1 passed, 1 failed, 0 not decided", "do not load before that is settled")
    assert result.stdout.index("makes the schema") < result.stdout.index("pass   ")


def test_a_login_that_may_make_no_tables(ready, mssql):
    """What needs none is decided all the same."""
    mssql.server.execute("CREATE LOGIN modest WITH PASSWORD = 'Modest-4711'")
    mssql.execute("CREATE USER modest")
    ready.write_config(mssql, username="modest", password="Modest-4711")
    result = ready.run("doctor", "--prove", "sqlserver", "--only", "101,110,111,113,120,130").expect(
        5, "the login may not make a schema with tables", "GRANT CREATE SCHEMA TO", "GRANT CREATE TABLE TO", "probes that need tables are not decided",
        "3 passed, 0 failed, 3 not decided")
    assert "Modest-4711" not in result.text


def test_a_database_without_snapshots(ready, mssql):
    mssql.execute("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF")
    code, probes = prove(ready, "--only", "120,121,125")
    assert code == 0 and [probes[n]["outcome"] for n in (120, 121, 125)] == ["not decided", "not decided", "pass"], probes
    assert f"ALTER DATABASE [{mssql.name}] SET ALLOW_SNAPSHOT_ISOLATION ON" in probes[120]["seen"]


def test_interrupted_and_killed(ready, mssql):
    """Ctrl-C drops the schema; what a killed process left is dropped by the next one, a living one's is not."""
    def start():
        process = ready.start("doctor", "--prove", "sqlserver", "--only", "111,137")
        process.wait_for(lambda: schemas(mssql) and mssql.server.statements("WAITFOR"), what="a probe")
        return process

    mssql.server.control("statements", forget=True)
    process = start()
    process.process.send_signal(signal.SIGINT)
    assert process.wait(60).code == 2
    assert schemas(mssql) == []

    mssql.server.control("statements", forget=True)
    process = start()
    process.kill()
    process.process.wait(30)
    left = schemas(mssql)
    assert len(left) == 1
    living, old = f"_PULK_PROVE_{time.strftime('%Y%m%d_%H%M%S', time.gmtime())}_AAAA", "_PULK_PROVE_20250101_000000_BBBB"
    for name in (living, old):
        mssql.execute(f"CREATE SCHEMA {name}", f"CREATE TABLE {name}.made_by (who nvarchar(400))",
                      f"INSERT INTO {name}.made_by VALUES ('host elsewhere pid 1')")
    result = ready.run("doctor", "--prove", "sqlserver", "--only", "101").expect(0, left[0], old)
    assert schemas(mssql) == [living], str(result)


def test_what_it_refuses(ready):
    ready.run("doctor", "--prove", "sqlserver", "--only", "1,101,999").expect(1, "no probe 1\n", "no probe 999", "docs/prove.md")
    ready.run("doctor", "--prove", "duckdb").expect(1, "only the promises of Snowflake and SQL Server", "the file has: sqlserver")
