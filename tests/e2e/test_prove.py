"""pulk doctor --prove: every promise holds on the stand-in, and one that it breaks is the one that goes red."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from support.snowflake import PASSWORD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "prove.md"
UNDECIDED = {25, 84}  # what a short run cannot show
RIGHT = {"exactly once": 3, "values": 3, "running": 6}


@pytest.fixture(scope="module")
def account():
    from support.snowflake import Snowflake
    server = Snowflake()
    server.sql("CREATE DATABASE SALES")
    yield server
    server.remove()


@pytest.fixture
def ready(pulk, account, sqlite_source):
    pulk.write_config(sqlite_source("CREATE TABLE t (id INTEGER PRIMARY KEY)"), target=account)
    pulk.target_keys = {**pulk.target_keys, "database": "SALES"}
    pulk.rewrite_config()
    yield pulk
    for name, value in account.control("settings").items():
        if value is True:
            account.control("settings", **{name: False})


def prove(pulk, *args) -> tuple:
    result = pulk.run("doctor", "--prove", "snowflake", "--json", *args)
    assert PASSWORD not in result.text
    report = json.loads(result.stdout)
    assert report["class"] == result.code, str(result)
    return result.code, {probe["probe"]: probe for probe in report["probes"]}


def schemas(account) -> list:
    return [row[1] for row in account.sql("SHOW SCHEMAS IN DATABASE SALES")]


def test_every_promise_holds(ready, account):
    code, probes = prove(ready)
    assert code == 0
    assert {n for n, p in probes.items() if p["outcome"] != "pass"} == UNDECIDED, probes
    for number in UNDECIDED:
        assert probes[number]["outcome"] == "not decided" and "not waited for" in probes[number]["seen"]
    assert schemas(account) == ["PUBLIC"]
    # The page for users has the same list.
    listed = dict(re.findall(r"^\| (\d+) \| ([^|]+?) \|", PAGE.read_text().split("## The probes")[1], re.M))
    assert listed == {str(n): p["promise"].replace("|", "\\|") for n, p in probes.items()}


@pytest.mark.parametrize("wrong, only, red", [
    ("copy_survives_rollback", "1,2,3,4,6,7,30", {1, 2, 4, 7}),
    ("update_counts_wrong", "1,6,10,11", {6, 10}),
    ("lock_ignored", "1,6,10,12,13", {10, 12, 13}),
    ("abort_commits", "1,15,20,21,22,23", {15, 20, 21, 22}),
    ("insert_overwrite_commits", "1,30,31,32,33", {30, 31}),
    ("overwrite_loses_comment", "31,33,34", {33}),
    ("force_ignored", "1,40,41", {40}),
    ("missing_file_ignored", "1,42,43,44", {42}),
    ("copy_skips_bad_rows", "42,43,44,45,48", {44, 45, 48}),
    ("text_cut", "46,47,48,57", {46}),
    ("put_keeps_old_file", "70,71,72,73", {72}),
    ("remove_ignored", "70,72,73", {73}),
    ("tag_lost", "80,81,82", {81}),
])
def test_a_broken_promise_is_the_one_that_goes_red(ready, account, wrong, only, red):
    account.control("settings", **{wrong: True})
    code, probes = prove(ready, "--only", only)
    assert set(probes) == set(map(int, only.split(",")))
    assert {n for n, p in probes.items() if p["outcome"] == "fail"} == red, probes
    assert all(probes[n]["broken"] and probes[n]["seen"] for n in red)
    assert code == (3 if any(RIGHT[probes[n]["rests"]] == 3 for n in red) else 6)
    assert schemas(account) == ["PUBLIC"]


def test_what_is_said_beforehand_and_at_the_end(ready, account):
    account.control("settings", update_counts_wrong=True)
    result = ready.run("doctor", "--prove", "snowflake", "--only", "1,6").expect(
        3, "makes the schema \"SALES\".\"_PULK_PROVE_", "and drops it at the end", "X-Small", "about 1 min, 0.02 credits",
        "pass          1 ", "FAIL          6 ", "seen:  said 1, 1 and 1 where 1, 0 and 2 rows were changed",
        "means: pulk cannot know whether a mark was still its own", "1 passed, 1 failed, 0 not decided", "do not load before that is settled")
    assert result.stdout.index("credits") < result.stdout.index("pass   ")


def test_interrupted_and_killed(ready, account):
    """Ctrl-C drops the schema; what a killed process left is dropped by the next one, a living one's is not."""
    def start():
        process = ready.start("doctor", "--prove", "snowflake")
        account.wait_for(lambda: len(schemas(account)) > 1, what="the schema of the probes")
        return process

    process = start()
    process.process.send_signal(signal.SIGINT)
    assert process.wait(60).code == 2
    assert schemas(account) == ["PUBLIC"]

    process = start()
    process.kill()
    process.process.wait(30)
    left = [s for s in schemas(account) if s != "PUBLIC"]
    assert len(left) == 1
    account.control("settings", transaction_idle_seconds=0.1)
    living = f"_PULK_PROVE_{time.strftime('%Y%m%d_%H%M%S', time.gmtime())}_AAAA"
    account.sql(f"CREATE SCHEMA SALES.{living} COMMENT = 'pulk doctor --prove, host elsewhere pid 1'")
    account.sql("CREATE SCHEMA SALES._PULK_PROVE_20250101_000000_BBBB COMMENT = 'pulk doctor --prove, host elsewhere pid 1'")
    result = ready.run("doctor", "--prove", "snowflake", "--only", "82").expect(0, left[0], "20250101_000000_BBBB")
    assert sorted(schemas(account)) == sorted(["PUBLIC", living]), str(result)
    account.sql(f"DROP SCHEMA SALES.{living}")
    account.control("settings", transaction_idle_seconds=300)


def test_what_it_refuses(ready, pulk, account):
    def run(*args):
        return ready.run("doctor", "--prove", *args)

    run("nowhere").expect(1, "no connection named nowhere", "the file has: snowflake")
    run("snowflake", "--only", "1,999,1000").expect(1, "no probe 999", "no probe 1000", "docs/prove.md")
    ready.run("doctor", "--only", "1").expect(1)
    pulk.target_keys = {name: value for name, value in pulk.target_keys.items() if name != "database"}
    pulk.rewrite_config()
    run("snowflake").expect(1, "names no database", "write database")
    text = ready.config.read_text()
    ready.config.write_text(text + '\n[connections.target.files]\npath = "/tmp/x"\n')
    run("files").expect(1, "only the promises of Snowflake and SQL Server can be proven", "the file has: snowflake")
