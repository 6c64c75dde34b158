"""Partitions that Snowflake loads side by side, in sessions of their own: the mark protocol among them."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import check_finished, crash, fill_in_partitions, resume
from support.snowflake import Snowflake

# A COPY that takes so long that others begin meanwhile.
SLOW = {"action": "running", "sql": "^COPY", "seconds": 0.6, "times": 1000}


@pytest.fixture
def snowflake(server):
    """Of this module: without the faults and the statements of the tests before."""
    history = server.control("history")
    server.after = {"after": history[-1]["id"]} if history else {}
    server.fault(**SLOW)
    yield server
    server.control("faults", clear=True)


@pytest.fixture
def ready(pulk, db, snowflake):
    fill_in_partitions(pulk, db, snowflake, 200)
    return pulk


def history(server, word) -> list:
    return [q for q in server.control("history", **server.after) if q["sql"].split()[0] == word]


def most_at_once(statements) -> int:
    moments = sorted([(q["started"], 1) for q in statements] + [(q["ended"], -1) for q in statements])
    now = most = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


@pytest.mark.parametrize("sessions", [1, 3, None])
def test_as_many_copies_as_are_allowed(ready, snowflake, sessions):
    if sessions:
        ready.target_keys["load_parallel"] = sessions
        ready.rewrite_config()
    ready.migrate("--parallel", "4").expect(0)
    copies = history(snowflake, "COPY")
    assert len(copies) == 5
    allowed = sessions or 4
    assert most_at_once(copies) == allowed, [(q["started"], q["ended"]) for q in copies]
    assert len({q["session"] for q in copies}) == allowed
    # The table is published when the last one is in; files go by one statement for each partition.
    published = [q for q in history(snowflake, "INSERT") if q["sql"].startswith("INSERT OVERWRITE")]
    assert len(published) == 1 and published[0]["started"] > max(q["ended"] for q in copies)
    assert len(history(snowflake, "REMOVE")) == 5
    check_finished(ready, ready.expected)


def test_a_number_of_sessions_that_cannot_be(ready):
    ready.target_keys["load_parallel"] = 0
    ready.rewrite_config()
    ready.migrate().expect(1, "load_parallel", "between 1 and 20")


@pytest.mark.parametrize("fault", [
    {"action": "close", "when": "after", "sql": "^COMMIT", "skip": 2},
    {"action": "close", "when": "before", "sql": "^COMMIT", "skip": 2},
    {"action": "close", "when": "after", "sql": "^UPDATE.*'loaded'", "skip": 1},
    {"action": "error", "sql": "^UPDATE.*'loaded'", "code": "000625", "message": "Statement aborted because of a lock timeout"},
    {"action": "error", "sql": "^COPY", "skip": 1, "times": 2, "code": "000604", "message": "SQL execution canceled"},
], ids=lambda f: "-".join(str(f[k]) for k in ("action", "when", "sql") if k in f).replace("^", ""))
def test_a_load_that_fails_while_others_load(ready, snowflake, fault):
    """It is settled by taking the table again, which moves the fences of all: the others have ended by then."""
    snowflake.fault(**fault)
    result = ready.migrate("--parallel", "4").expect(0)
    assert [f["done"] for f in snowflake.control("fault_counts") if f["sql"] == fault["sql"] and f["action"] == fault["action"]][-1] > 0
    assert "fence lost" not in result.text
    check_finished(ready, ready.expected)


def test_rows_of_an_earlier_attempt_go_before_the_copy(ready, db, snowflake):
    """All partitions were loaded and have changed since: none waits for another one's DELETE while its COPY runs."""
    crash(ready, "load.recorded:5", "--parallel", "1")
    db.execute("UPDATE t SET b = 'new ' || b")
    ready.expected = {"T": db.rows("TABLE t")}
    before = len(history(snowflake, "COPY"))
    resume(ready, "--parallel", "4")
    assert most_at_once(history(snowflake, "COPY")[before:]) >= 3
    assert len([q for q in history(snowflake, "DELETE") if "LOAD_" in q["sql"]]) == 5
    deleting = {}
    for q in snowflake.control("history", **snowflake.after):
        word = q["sql"].split()[0]
        if word in ("BEGIN", "COMMIT", "ROLLBACK"):
            deleting[q["session"]] = False
        elif word == "DELETE" and "LOAD_" in q["sql"]:
            deleting[q["session"]] = True
        assert not (word == "COPY" and deleting.get(q["session"])), "a COPY in the transaction of a DELETE"
    check_finished(ready, ready.expected)


def test_tables_load_side_by_side(pulk, db, snowflake):
    """Taking a table does not end what another one has open."""
    snowflake.control("faults", clear=True)
    snowflake.fault("running", sql="^COPY", seconds=3, times=1)
    db.execute("".join(f"CREATE TABLE t{n} (id integer PRIMARY KEY); INSERT INTO t{n} VALUES ({n});" for n in range(4)))
    pulk.write_config(db, target=snowflake)
    pulk.write_workflow([f"t{n}" for n in range(4)])
    result = pulk.migrate("--parallel", "2").expect(0)
    assert "left open" not in result.text
    assert most_at_once(history(snowflake, "COPY")) >= 2
    pulk.expected = {f"T{n}": db.rows(f"TABLE t{n}") for n in range(4)}
    check_finished(pulk, pulk.expected)
