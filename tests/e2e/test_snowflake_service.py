"""What comes up around a run into Snowflake: sessions that end, lists that are too long, what a killed run left, memory of
the driver, proxies, and whose names decide where things are made."""

import json
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import check_finished, check_rows, crash, fill_in_partitions
from support.proxy import Proxy
from support.pulk import table_entry
from support.snowflake import Snowflake
from support.snowflake_table import quote

LOGIN, RENEWAL = "/session/v1/login-request", "/session/token-request"


@pytest.fixture
def ready(pulk, db, server):
    """A table of five partitions."""
    fill_in_partitions(pulk, db, server, 200)
    history = server.control("history")
    pulk.after = {"after": history[-1]["id"]} if history else {}
    yield pulk
    server.control("settings", session_token_seconds=3600)


def requests(server, path) -> int:
    return server.control("counters")["requests"].get(path, 0)


def test_a_run_outlives_the_tokens_of_its_sessions(ready, server):
    """390112 in the middle of everything: the driver renews the token, the session and its transaction go on."""
    server.control("settings", session_token_seconds=0.05)
    renewals, logins = requests(server, RENEWAL), requests(server, LOGIN)
    ready.migrate("--parallel", "2").expect(0)
    assert requests(server, RENEWAL) - renewals > 20
    # As many sessions as a run has anyway: none was logged in again.
    server.control("settings", session_token_seconds=3600)
    first = requests(server, LOGIN) - logins
    ready.migrate("--parallel", "2", "--workspace", ready.folder / "other").expect(0)
    assert requests(server, LOGIN) - logins - first >= first - 2
    check_rows(ready, ready.expected)


def test_old_sessions_are_replaced_between_transactions_and_never_within_one(ready, server):
    """What happens after 45 minutes, here after none."""
    logins = requests(server, LOGIN)
    ready.migrate("--parallel", "2", env={"PULK_SESSION_SECONDS": "0"}).expect(0)
    assert requests(server, LOGIN) - logins > 30
    check_finished(ready, ready.expected)
    open_, loaded = {}, {}
    for q in server.control("history", **ready.after):
        word, session = q["sql"].split()[0], q["session"]
        if word == "BEGIN":
            open_[session] = []
        elif session in open_:
            open_[session].append(word)
            if word in ("COMMIT", "ROLLBACK"):
                loaded.setdefault(tuple(open_.pop(session)), []).append(session)
    # Five loads, each from BEGIN to COMMIT in one session, and no two of them in the same one.
    loads = [s for words, s in loaded.items() if "COPY" in words]
    assert [tuple(w for w in words if w != "SELECT") for words in loaded if "COPY" in words] == [("COPY", "UPDATE", "COMMIT")], loaded
    assert len(loads[0]) == len(set(loads[0])) == 5
    assert not [s for s, words in open_.items() if words], "a transaction without an end"


def test_more_files_than_one_copy_takes(pulk, db, server):
    """A list of more than 1,000 files, here of more than two, is loaded by several COPYs of one transaction."""
    db.execute("CREATE TABLE t AS SELECT n AS id, md5(n::text) || md5((n + 0.5)::text) || md5((n + 0.25)::text) AS b"
               " FROM generate_series(1, 25000) n")
    pulk.write_config(db, target=server)
    pulk.write_workflow(["t"])
    few = ("--file-size", "1MiB", "--row-group-bytes", "1MiB", "--codec", "none")
    before = len(server.control("history"))
    pulk.migrate(*few, env={"PULK_COPY_FILES": "2"}).expect(0)
    copies = [q for q in server.control("history")[before:] if q["sql"].startswith("COPY INTO")]
    lists = [q["sql"].split("FILES = (")[1].split(")")[0].split(", ") for q in copies]
    names = [name for names in lists for name in names]
    assert len(names) == len(set(names)) > 2 and [len(l) for l in lists[:-1]] == [2] * (len(lists) - 1), lists
    assert len({q["session"] for q in copies}) == 1
    pulk.expected = {"T": db.rows("TABLE t")}
    check_finished(pulk, pulk.expected)
    # A COPY that fails behind others takes them back.
    server.fault("error", sql="^COPY", skip=1, code="000604", message="SQL execution canceled")
    pulk.migrate(*few, "--retries", "0", "--restart", env={"PULK_COPY_FILES": "2"}).expect(2)
    pulk.migrate(*few, env={"PULK_COPY_FILES": "2"}).expect(0)
    check_finished(pulk, pulk.expected)
    assert server.control("fault_counts")[-1]["done"] == 1


@pytest.mark.parametrize("step", ["partition.file_closed:2", "load.data_in:2", "publish.data_in"])
def test_clean_takes_away_what_a_killed_run_left(ready, server, step):
    crash(ready, step)
    own = f'{quote(ready.target.database)}."_PULK"'
    assert len(server.sql(f"SHOW TABLES IN SCHEMA {own}")) > 3 and server.sql(f"SHOW STAGES IN SCHEMA {own}")
    run = json.loads(ready.run("status", "--json").expect(0).stdout)[-1]["run"]
    ready.run("clean", "--yes").expect(0, "stays", run)
    ready.run("clean", "--abandon", run, "--yes").expect(0, "removed")
    assert sorted(row[1] for row in server.sql(f"SHOW TABLES IN SCHEMA {own}")) == ["GUARD", "LEASE", "MARK"]
    assert server.sql(f"SHOW STAGES IN SCHEMA {own}") == []
    assert server.sql(f"SELECT * FROM {own}.mark") == [] and server.sql(f"SELECT * FROM {own}.lease") == []
    assert server.control("transactions") == []
    assert ready.tables() == [] or ready.rows("t") == []
    ready.run("clean", "--yes").expect(0, "nothing to remove")
    ready.migrate().expect(0)
    check_finished(ready, ready.expected)


def environment_of(running) -> dict:
    text = Path(f"/proc/{running.pid}/environ").read_bytes().decode()
    assert text.count("GOMEMLIMIT=") < 2
    return dict(line.split("=", 1) for line in text.split("\0") if line)


def test_the_drivers_memory_is_limited_by_starting_once_more(ready, db, server):
    def started(**env):
        running = ready.start_migrate("--workspace", ready.folder / f"w{len(env)}{ready.kind}", env={"PULK_STOP_AT": "run.recorded", **env})
        running.wait_until_stopped()
        found = environment_of(running)
        running.kill()
        return found

    assert started()["GOMEMLIMIT"] == "128MiB"
    own = started(GOMEMLIMIT="77MiB", SNOWFLAKE_DISABLE_PLATFORM_DETECTION="false")
    assert (own["GOMEMLIMIT"], own["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"]) == ("77MiB", "false")
    ready.write_config(db, target="duckdb")
    assert "GOMEMLIMIT" not in started()


HOST = "acct.snowflake.test"  # nobody's: only a proxy can find it


@pytest.fixture
def proxy(server):
    with Proxy(server.port) as proxy:
        yield proxy


def test_a_proxy_of_the_environment(ready, server, proxy):
    """Host, port and protocol of the settings are what the proxy is asked for, and nothing else is."""
    ready.target_keys.update(host=HOST, port=8123)
    ready.rewrite_config()
    ready.migrate(env={"HTTP_PROXY": proxy.url, "NO_PROXY": ""}).expect(0)
    assert {line.split("/")[2] for line in proxy.asked} == {f"{HOST}:8123"}
    assert any(f"POST http://{HOST}:8123{LOGIN}" in line for line in proxy.asked)
    check_rows(ready, ready.expected)


def test_no_proxy_and_https(ready, server, proxy):
    ready.target_keys.update(host=HOST, port=8123, login_timeout=2)
    ready.rewrite_config()
    ready.migrate(env={"HTTP_PROXY": proxy.url, "NO_PROXY": ".snowflake.test"}).expect(2, HOST)
    assert proxy.asked == []
    ready.target_keys.update(protocol="https", port=443)
    ready.rewrite_config()
    ready.migrate(env={"HTTPS_PROXY": proxy.url, "HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}).expect(2)
    assert set(proxy.asked) == {f"CONNECT {HOST}:443"}
    ready.assert_nothing_made()


def test_database_and_schema_of_the_settings_are_for_targets_without(pulk, db, server):
    """They need not exist to log in, and nothing of pulk's own is made there for tables that go elsewhere."""
    db.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    pulk.write_config(db, target=server)
    home, away = pulk.target.database, pulk.target.database + "_AWAY"
    pulk.target_keys["schema"] = "LANDING"
    pulk.rewrite_config()

    def schemas(database):
        if not [row for row in server.sql("SHOW DATABASES") if row[1] == database]:
            return None
        return sorted(row[1] for row in server.sql(f"SHOW SCHEMAS IN DATABASE {quote(database)}") if row[1] != "INFORMATION_SCHEMA")

    pulk.write_workflow([{"source": {"tableName": "t"}, "target": {"tableName": "t", "databaseName": away, "schemaName": "x"}}])
    pulk.migrate().expect(0)
    assert schemas(home) is None and schemas(away) == ["PUBLIC", "X", "_PULK"]
    pulk.write_workflow([table_entry("t")])
    pulk.migrate().expect(0)
    assert schemas(home) == ["LANDING", "PUBLIC", "_PULK"] and pulk.read("t", "LANDING").rows == [("1",)]
    session = [q["sql"] for q in server.control("history") if q["sql"].startswith("USE ")]
    assert session == [], "names are written in full"


def test_a_stage_whose_database_nobody_names(ready, server):
    ready.target_keys.update(stage="@LANDING")
    del ready.target_keys["database"]
    ready.rewrite_config()
    ready.write_workflow([{"source": {"tableName": "t"}, "target": {"tableName": "t", "databaseName": ready.target.database}}])
    ready.migrate().expect(1, "stage = @LANDING", "does not say which database", "@DATABASE.SCHEMA.STAGE")
    ready.assert_nothing_made()
