"""Snowflake as target when the service, the network or another process is in the way."""

import time

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import check_finished, fill_in_partitions, start, start_stopped
from support.snowflake import PASSWORD

LEASE = ("--lease", "1")


@pytest.fixture
def ready(pulk, db, snowflake):
    fill_in_partitions(pulk, db, snowflake, 250)
    return pulk


def stopped_at(pulk, step):
    return start_stopped(pulk, *LEASE, "--parallel", "1", at=step)


@pytest.mark.parametrize("reported", [False, True])
@pytest.mark.parametrize("step", ["load.begun:2", "load.data_in:2", "load.marked:2", "publish.begun", "publish.data_in", "publish.marked"])
def test_a_transaction_that_was_left_open_is_ended(ready, snowflake, step, reported):
    """The first process is stopped with a transaction open, the second one takes over, and the first one wakes: whatever
    it hears of its transaction, it changes nothing."""
    snowflake.control("settings", report_ended_transactions=reported)
    first = stopped_at(ready, step)
    assert snowflake.control("transactions")
    time.sleep(2.1)
    ready.migrate(*LEASE).expect(0, "taken over", "left open")
    check_finished(ready, ready.expected)
    first.wake()
    assert first.wait(60).code == 2, first.result()
    check_finished(ready, ready.expected)


@pytest.mark.parametrize("fault", [
    {"action": "close", "when": "after", "sql": "^COMMIT", "skip": 2},
    {"action": "close", "when": "before", "sql": "^COMMIT", "skip": 2},
    {"action": "close", "when": "after", "sql": "^COPY", "skip": 1},
    {"action": "close", "when": "after", "sql": "^INSERT OVERWRITE"},
    {"action": "status", "status": 503, "sql": "^COPY", "times": 2},
    {"action": "status", "status": 429, "path": "query-request", "skip": 20, "times": 2},
    {"action": "expire", "sql": "^COPY", "skip": 1},
    {"action": "expire", "sql": "^UPDATE", "skip": 2},
    {"action": "running", "sql": "^COPY", "seconds": 2},
], ids=lambda f: "-".join(str(f[k]) for k in ("action", "when", "status", "sql") if k in f).replace("^", ""))
def test_faults_on_the_way(ready, snowflake, fault):
    if fault["action"] == "running":
        snowflake.control("settings", answer_within_seconds=0.5)
    snowflake.fault(**fault)
    result = ready.migrate()
    assert snowflake.control("fault_counts")[0]["done"] > 0, "the fault was never met"
    if result.code != 0:
        assert result.code == 2, str(result)
        ready.migrate().expect(0)
    check_finished(ready, ready.expected)


def test_another_run_has_the_table(ready, snowflake, tmp_path):
    first = start(ready, at="table.leased")
    first.wait_until_stopped()
    second = ready.migrate("--workspace", tmp_path / "other")
    second.expect(2, "another run is loading this table", "pulk clean --abandon")
    first.wake()
    first.wait(60)
    check_finished(ready, ready.expected)


def test_no_secret_shows_and_the_query_tag_tells_whose_statement_it_is(ready, snowflake):
    result = ready.migrate("-v").expect(0)
    assert PASSWORD not in result.text
    history = snowflake.control("history")
    copies = [q for q in history if q["sql"].startswith("COPY INTO")]
    assert len(copies) == 4
    run = result.summary["run"]
    for number, copy in enumerate(sorted(copies, key=lambda q: q["tag"]), 1):
        assert f'"partition":{number}' in copy["tag"] and f'"run":"{run}"' in copy["tag"], copy["tag"]
        assert f'"table":"{ready.target.database}.PUBLIC.T"' in copy["tag"] and '"workflow":' in copy["tag"], copy["tag"]
    assert not [q["sql"] for q in history if PASSWORD in q["sql"]]


def test_no_ddl_between_begin_and_commit(ready, snowflake):
    ready.migrate().expect(0)
    open_ = {}
    for q in snowflake.control("history"):
        word = q["sql"].split()[0]
        if word == "BEGIN":
            open_[q["session"]] = True
        elif word in ("COMMIT", "ROLLBACK"):
            open_[q["session"]] = False
        elif open_.get(q["session"]):
            assert word not in ("CREATE", "DROP", "ALTER", "TRUNCATE"), q["sql"]


@pytest.mark.parametrize("stage", ["@~", "@~/in", "@SHARED.PUBLIC.LANDING/x"])
def test_a_stage_of_the_users(ready, snowflake, stage):
    snowflake.control("databases", name="SHARED")
    snowflake.sql("CREATE STAGE IF NOT EXISTS SHARED.PUBLIC.LANDING")
    ready.target_keys["stage"] = stage
    ready.rewrite_config()
    ready.migrate().expect(0)
    check_finished(ready, ready.expected)
    assert snowflake.sql(f"LIST {stage.split('/')[0]}") == []
    ready.target_keys["clean_up"] = "never"
    ready.rewrite_config()
    ready.migrate().expect(0)
    check_finished(ready, ready.expected)
    assert len(snowflake.sql(f"LIST {stage.split('/')[0]}")) == 4


def test_a_value_that_the_deployed_column_does_not_hold(ready, snowflake):
    database = ready.target.database
    snowflake.control("databases", name=database, schemas=["PUBLIC"])
    snowflake.sql(f"CREATE TABLE {database}.PUBLIC.T (ID NUMBER(2,0), B VARCHAR(100))")
    result = ready.migrate().expect(5, "map the column", ".parquet")
    assert '"ID"' in result.text and "ow 100" in result.text, str(result)


def test_what_is_deployed_is_kept_or_every_difference_named(ready, snowflake):
    database = ready.target.database
    snowflake.control("databases", name=database, schemas=["PUBLIC"])
    snowflake.sql(f"CREATE TABLE {database}.PUBLIC.T (ID DATE, C VARCHAR NOT NULL)")
    ready.migrate().expect(4, "DATE", "has no column B", "PUBLIC.T.C is NOT NULL")
    snowflake.sql(f"CREATE OR REPLACE TABLE {database}.PUBLIC.T (B VARCHAR(50), ID NUMBER(38,2) NOT NULL, E BOOLEAN) COMMENT = 'mine'")
    snowflake.sql(f"INSERT INTO {database}.PUBLIC.T VALUES ('old', 1, TRUE)")
    ready.migrate().expect(0)
    rows = snowflake.sql(f"SELECT count(*), max(ID), count(E) FROM {database}.PUBLIC.T")
    assert rows == [("1000", "1000.00", "0")]
    assert [row[5] for row in snowflake.sql(f"SHOW TABLES LIKE 'T' IN SCHEMA {database}.PUBLIC")] == ["mine"]


def test_privileges_that_are_missing(ready, snowflake):
    snowflake.control("databases", name=ready.target.database, schemas=["PUBLIC"])
    snowflake.control("roles", name="POOR", grants=[f'USAGE ON DATABASE *', "USAGE ON SCHEMA *", "USAGE ON WAREHOUSE *"])
    snowflake.control("users", name="poor", password="x", roles=["POOR"], default_role="POOR", default_warehouse="COMPUTE_WH")
    ready.target_keys.update(username="poor", password="x")
    ready.rewrite_config()
    ready.migrate().expect(5, "nsufficient privileges", "GRANT")
