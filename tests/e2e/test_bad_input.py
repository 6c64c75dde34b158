"""What a person can get wrong: one clear report, the right exit class, and nothing half-made."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from support.pulk import table_entry
from support.server import LOGIN, PASSWORD, free_port
from support.values import assert_same_rows


@pytest.fixture
def ready(pulk, db):
    """A table `t` of three rows, and files that would move it."""
    db.execute("CREATE TABLE t (a integer, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL)")
    pulk.db = db
    pulk.write_config(db)
    pulk.write_workflow("t")
    return pulk


def refused(pulk, code, *texts, **kwargs):
    """The run ends with this class and these texts, on stderr, and leaves nothing. `plan` ends the same way."""
    for command in (pulk.migrate, pulk.plan):
        result = command(**kwargs).expect(code)
        for text in texts:
            assert text in result.stderr, f"{text!r} is not on stderr\n{result}"
        assert "terminate called" not in result.stderr
        assert PASSWORD not in result.text
        pulk.assert_nothing_made()
    return result


def with_table(pulk, **settings):
    pulk.write_workflow([table_entry("t", **settings)])


# --- files


def test_missing_workflow(ready):
    ready.workflow.unlink()
    refused(ready, 1, "workflow.json", "No such file")


def test_missing_connections_file(ready):
    ready.config.unlink()
    refused(ready, 1, "configuration.toml", "No such file")


def test_both_files_are_wrong_and_both_are_reported(ready):
    ready.workflow.write_text('{"tables": nothing}')
    ready.config.write_text("[connections\n")
    refused(ready, 1, "workflow.json:1:1", "configuration.toml:1:")


def test_broken_json_names_line_and_column(ready):
    ready.workflow.write_text('{\n  "tables": [\n    {"source": {"tableName": "t"} "target": 1}\n  ]\n}\n')
    refused(ready, 1, "workflow.json:3:35")


@pytest.mark.parametrize("text, where", [
    ('{\n  "tables": [\n    1,\n  ]\n}', "4:3"), ('{\n  "tables": [],\n}', "3:1"), ('{\n  "tables": [\n\n\n', "5:"),
    ('{\n  "tables": [\n    {"source": {"tableName": "t}\n', "3:"), ("{\n\n  tables: []}", "3:")])
def test_common_mistakes_in_json_name_their_line(ready, text, where):
    ready.workflow.write_text(text)
    refused(ready, 1, "workflow.json:" + where)


def test_json_with_a_key_twice(ready):
    ready.workflow.write_text('{"tables": [{"source": {"tableName": "t"}, "target": {"tableName": "t"},\n'
                              '"partitioning": "none", "partitioning": "key"}]}')
    refused(ready, 1, "partitioning")


def test_broken_yaml_names_line_and_column(ready):
    path = ready.folder / "workflow.yaml"
    path.write_text("tables:\n  - source: {tableName: t\n    target: {tableName: t}\n")
    ready.run("migrate", path).expect(1, "workflow.yaml:3:")
    ready.assert_nothing_made()


def test_yaml_is_accepted(ready):
    path = ready.folder / "workflow.yaml"
    path.write_text("# a comment\ntables:\n  - source: {tableName: t}\n    target:\n      tableName: moved\n"
                    "    partitionSize: {maxRowsPerPartition: 2}\n")
    ready.run("migrate", path).expect(0)
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("moved"))


def test_broken_toml_names_line_and_column(ready):
    ready.config.write_text('[connections.source.postgresql]\nhost = "x"\nport = = 1\n')
    refused(ready, 1, "configuration.toml:3:8")


def test_empty_files(ready):
    ready.workflow.write_text("")
    ready.config.write_text("")
    refused(ready, 1, "workflow.json")


def test_a_folder_in_place_of_a_file(ready):
    ready.workflow.unlink()
    ready.workflow.mkdir()
    refused(ready, 1, "workflow.json")


def test_text_that_is_not_utf8(ready):
    ready.workflow.write_bytes(b'{"tables": [{"source": {"tableName": "t\xff"}, "target": {"tableName": "t"}}]}')
    refused(ready, 1, "workflow.json", "UTF-8")


# --- keys and values


def test_unknown_keys_with_suggestions(ready):
    ready.workflow.write_text(json.dumps({"tabels": [], "tables": [
        {"source": {"tablename": "t"}, "target": {"tableName": "t"}, "partitionsize": "auto", "frobnicate": 1}]}))
    refused(ready, 1, "tabels", 'did you mean "tables"?', "source.tablename", 'did you mean "tableName"?',
            'did you mean "partitionSize"?', "frobnicate", "tables[0]")


def test_unknown_keys_of_the_connections_file(ready):
    ready.config.write_text(ready.config.read_text().replace("host =", "hots =").replace("path =", "pth =")
                            + "[connections.target.duckbd]\npath = 'x'\n")
    refused(ready, 1, "connections.source.postgresql.hots", 'did you mean "host"?', "pth", "duckbd",
            'did you mean "duckdb"?')


def test_wrong_types_all_at_once(ready):
    ready.workflow.write_text(json.dumps({"schemaVersion": "2.0", "tables": [
        {"source": "t", "target": {"tableName": 5}, "columnNamesToPartitionBy": "a", "partitionSize": {"targetSizeMb": 0}},
        {"source": {"tableName": "t"}, "target": {"tableName": "u"}, "partitionSize": {"targetSizeMb": 1, "maxRowsPerPartition": 5},
         "columnTypeMappings": [{"sourceType": "a"}], "partitioning": "physcal", "whereClauseCriteria": "WHERE a > 1"}]}))
    refused(ready, 1, "schemaVersion", "tables[0].source", "tables[0].target.tableName", "tables[0].columnNamesToPartitionBy",
            "tables[0].partitionSize.targetSizeMb", "tables[1].partitionSize", "tables[1].columnTypeMappings[0]",
            '"targetType" is missing', 'did you mean "physical"?', "tables[1].whereClauseCriteria", "problems")


def test_wrong_types_of_the_connections_file(ready):
    ready.write_config(ready.db, port="5432", connect_timeout=0, sslmode="requir")
    refused(ready, 1, "postgresql.port", "connect_timeout", "sslmode", 'did you mean "require"?')


@pytest.mark.parametrize("workflow", ["[]", "null", "{}", '{"tables": []}', '{"tables": [null]}', '{"tables": [{}]}', '"text"'])
def test_workflows_without_a_table(ready, workflow):
    ready.workflow.write_text(workflow)
    refused(ready, 1, "workflow.json")


def test_names_with_broken_quotes(ready):
    ready.write_workflow([{"source": {"tableName": '"t'}, "target": {"tableName": '"t"x"'},
                           "columnNamesToPartitionBy": ["[a"]}])
    refused(ready, 1, "tables[0].source.tableName", "tables[0].target.tableName", "columnNamesToPartitionBy[0]")


def test_duplicate_tables_and_mappings(ready):
    ready.write_workflow([
        table_entry("t", columnTypeMappings=[{"sourceType": "numeric(10,2)", "targetType": "VARCHAR"},
                                             {"sourceType": "NUMERIC (10, 2)", "targetType": "DOUBLE"}],
                    columnNameMappings=[{"sourceName": "a", "targetName": "x"}, {"sourceName": "A", "targetName": "y"},
                                        {"sourceName": "b", "targetName": "X"}],
                    primaryKeyColumns=["a", "a"]),
        table_entry("T")])
    refused(ready, 1, "columnTypeMappings[1]", "columnNameMappings[1].sourceName", "columnNameMappings[2].targetName",
            "primaryKeyColumns[1]", "tables[1]", "same source and target")


def test_unknown_columns_in_every_place(ready):
    with_table(ready, columnNamesToPartitionBy=["aa"], primaryKeyColumns=["q"],
               columnNameMappings=[{"sourceName": "\"B\"", "targetName": "x"}])
    refused(ready, 1, "columnNamesToPartitionBy[0]", "no column aa", "did you mean a?", "primaryKeyColumns[0]", "no column q",
            "columnNameMappings[0].sourceName")


def test_unknown_table_with_a_suggestion(ready):
    ready.db.execute("CREATE TABLE customers (a integer)")
    ready.write_workflow(["custmers"])
    refused(ready, 1, "custmers", "customers")


def test_all_unknown_tables_are_reported_at_once(ready):
    ready.write_workflow(["nothing_here", "t", "nor_here"])
    refused(ready, 1, "nothing_here", "nor_here")


def test_unknown_schema_and_another_database(ready):
    ready.write_workflow([{"source": {"schemaName": "nowhere", "tableName": "t"}, "target": {"tableName": "t"}}])
    refused(ready, 1, "nowhere")
    ready.write_workflow([{"source": {"databaseName": "elsewhere", "tableName": "t"}, "target": {"tableName": "t"}}])
    refused(ready, 1, "elsewhere", ready.db.name)


def test_problems_of_several_tables_are_reported_at_once(ready):
    ready.db.execute("CREATE TABLE places (p aclitem); CREATE TABLE u (a integer)")
    ready.write_workflow([table_entry("t", primaryKeyColumns=["nope"]), table_entry("places"),
                          table_entry("u", columnNamesToPartitionBy=["x"])])
    refused(ready, 1, "no column nope", "column p (aclitem)", "no column x", "3 problems")


@pytest.mark.parametrize("arguments, text", [
    (["--parallel", "0"], "--parallel"), (["--memory", "lots"], "512MiB"), (["--memory", "1MiB"], "96"),
    (["--frobnicate"], "--frobnicate"), (["--on-failure", "ignore"], "--on-failure"),
    (["--max-snapshot-age", "1 fortnight"], "90s"), (["--sample-rows", "-1"], "--sample-rows"),
    (["--max-source-connections", "2"], "at least 3"), (["--codec", "middle-out"], "middle-out")])
def test_wrong_flags(ready, arguments, text):
    result = ready.migrate(*arguments).expect(1, text)
    assert result.stdout == "" or text not in result.stdout
    ready.assert_nothing_made()


# --- connections


def test_no_connection_and_several(ready):
    path = ready.folder / "x.duckdb"
    ready.config.write_text(f'[connections.target.duckdb]\npath = "{path}"\n')
    refused(ready, 1, "no source connection")
    ready.write_config(ready.db)
    ready.config.write_text(ready.config.read_text() + f'[connections.target.files]\npath = "{ready.folder}/x"\n')
    refused(ready, 1, "duckdb, files", "--target")
    ready.migrate("--target", "duckdb").expect(0)


def test_kinds_that_this_version_does_not_have_are_refused_by_name(ready):
    ready.config.write_text('[connections.source.teradata]\nhost = "x"\n'
                            f'[connections.target.duckdb]\npath = "{ready.target}"\n')
    refused(ready, 5, "teradata")


@pytest.mark.parametrize("settings, name", [
    ({"synchronization": {"strategy": "checksum"}}, "checksum"),
    ({"synchronization": {"strategy": "watermark", "watermarkColumn": "a"}}, "watermark"),
    ({"extraction": {"strategy": "unload", "externalStage": "s"}}, "unload"),
    ({"target": {"tableName": "t", "tableType": "iceberg", "icebergConfig": {"externalVolume": "v"}}}, "iceberg")])
def test_features_that_this_version_does_not_have_are_refused_by_name(ready, settings, name):
    with_table(ready, **settings)
    refused(ready, 5, name, "tables[0]")


@pytest.mark.parametrize("name", ["sqlserver_watermark", "redshift_unload", "redshift_iceberg"])
def test_workflows_of_the_contract_are_refused_for_their_features_only(ready, name):
    ready.workflow.write_text((Path(__file__).parent / "workflows" / f"{name}.json").read_text())
    refused(ready, 5, "not in this version")


def test_unreachable_server(ready):
    ready.write_config(ready.db, port=free_port())
    started = time.monotonic()
    refused(ready, 2, "127.0.0.1", "refused")
    assert time.monotonic() - started < 15


def test_unknown_host(ready):
    ready.write_config(ready.db, host="no-such-host.invalid")
    refused(ready, 2, "no-such-host.invalid")


def test_server_that_accepts_and_says_nothing(ready):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ready.write_config(ready.db, port=silent.getsockname()[1], connect_timeout=1)
        refused(ready, 2, "127.0.0.1")


def test_server_that_speaks_another_protocol(ready):
    """A port that answers, but is no PostgreSQL: an error, not a hang."""
    code = ("import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\n"
            "while True:\n c, _ = s.accept()\n c.recv(100)\n c.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')\n c.close()\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as web:
        try:
            ready.write_config(ready.db, port=int(web.stdout.readline()), connect_timeout=5)
            refused(ready, 2, "127.0.0.1")
        finally:
            web.kill()


def test_wrong_password(ready):
    ready.write_config(ready.db, password="Wrong-password-1234")
    result = refused(ready, 5, "password authentication failed", LOGIN)
    assert "Wrong-password-1234" not in result.text


def test_no_password(ready):
    ready.write_config(ready.db, password=None)
    refused(ready, 5, "password")


def test_unknown_login_and_database(ready):
    ready.write_config(ready.db, username="nobody_here")
    refused(ready, 5, "nobody_here")
    ready.write_config(ready.db, database="no_such_database")
    refused(ready, 1, "no_such_database")


def test_no_privilege_on_the_table(ready):
    ready.db.execute("CREATE TABLE secret (a integer)", user="postgres")
    ready.write_workflow(["t", "secret"])
    refused(ready, 5, "secret", LOGIN, "GRANT SELECT")


def test_no_privilege_on_the_schema(ready):
    ready.db.execute("CREATE SCHEMA closed; CREATE TABLE closed.t (a integer)", user="postgres")
    ready.write_workflow([{"source": {"schemaName": "closed", "tableName": "t"}, "target": {"tableName": "t"}}])
    refused(ready, 5, "closed", "GRANT USAGE")


def test_no_privilege_on_one_column(ready):
    ready.db.execute(f"CREATE TABLE partly (a integer, hidden text); GRANT SELECT (a) ON partly TO {LOGIN}", user="postgres")
    ready.write_workflow(["partly"])
    refused(ready, 5, "hidden", "GRANT")


def test_privileges_on_some_columns_and_by_role_are_enough(ready):
    ready.db.execute("CREATE TABLE given (a integer, b text); INSERT INTO given VALUES (1, 'x');"
                     f"GRANT SELECT (a, b) ON given TO {LOGIN}", user="postgres")
    ready.write_workflow(["given"])
    ready.migrate().expect(0)
    assert ready.rows("given") == [("1", "x")]


def test_a_locked_table_is_waited_for_and_then_named(ready):
    ready.write_config(ready.db, lock_timeout=1)
    with contextlib.closing(ready.db.connect(autocommit=False)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        refused(ready, 2, "public.t", "lock")
    ready.migrate().expect(0)


def test_too_many_connections_at_the_server(ready):
    ready.db.execute(f"ALTER ROLE {LOGIN} CONNECTION LIMIT 1", user="postgres")
    try:
        # The limit counts pulk's second connection; the class says that running again may mend it.
        refused(ready, 2, "too many connections")
    finally:
        ready.db.execute(f"ALTER ROLE {LOGIN} CONNECTION LIMIT -1", user="postgres")


# --- targets


def locker(path, folder):
    """Another process that has the DuckDB file open; gives its pid when it has the lock."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(f"""
        import duckdb, sys
        connection = duckdb.connect({str(path)!r})
        connection.execute("CREATE TABLE IF NOT EXISTS of_another (a INTEGER)")
        print("open", flush=True)
        sys.stdin.read()
        """)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout.readline() == "open\n"
    return process


def test_target_locked_by_another_process_is_named_by_pid(ready):
    with locker(ready.target, ready.folder) as other:
        try:
            result = ready.migrate("--lock-wait", "1").expect(2, str(ready.target), f"process {other.pid}")
            assert result.seconds < 10
            assert not ready.workspace.exists()
        finally:
            other.kill()
    ready.migrate().expect(0)
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))


def test_target_locked_in_the_middle_of_a_run_is_waited_for(ready):
    """The file is open only while a batch is loaded: others get in between, and pulk waits for them."""
    running = ready.start_migrate(env={"PULK_STOP_AT": "run.recorded"})
    running.wait_until_stopped()
    with locker(ready.target, ready.folder) as other:
        running.wake()
        time.sleep(1)
        assert running.process.poll() is None
        other.kill()
    running.wait().expect(0)
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))


def test_target_that_is_no_duckdb_file(ready):
    ready.target.write_text("this is a letter, not a database\n" * 1000)
    for command in (ready.migrate, ready.plan):
        command().expect(1, str(ready.target))
    assert ready.target.read_text().startswith("this is a letter")
    assert not ready.workspace.exists()


def test_target_in_a_folder_that_is_not_there(ready):
    ready.config.write_text(ready.config.read_text().replace("/target.duckdb", "/missing/target.duckdb"))
    result = ready.migrate().expect(1, "missing")
    assert "mkdir" in result.text
    assert not (ready.folder / "missing").exists()
    assert not ready.workspace.exists()


def test_target_folder_that_is_a_file(ready):
    ready.write_config(ready.db, target="files")
    ready.target.write_text("a file")
    ready.migrate().expect(1, str(ready.target))
    assert ready.target.read_text() == "a file"
    assert not ready.workspace.exists()


def test_workspace_that_is_a_file(ready):
    ready.workspace.write_text("a file")
    ready.migrate().expect(1, ".pulk")
    assert ready.workspace.read_text() == "a file"
    assert not ready.target.exists()


# --- full disk

# In a chroot the root is no mount point, and mounts cannot be made private there: so the disk is taken away at the end.
FULL_DISK = textwrap.dedent("""
    mount --make-rprivate / 2>/dev/null
    trap 'umount "{folder}"' EXIT
    mount -t tmpfs -o size={size} tmpfs "{folder}" || exit 99
    cd "{home}"
    first=0
    "$@" || first=$?
    echo "first run: $first" >&2
    find "{folder}" "{home}/.pulk" >&2
    rm -f "{folder}/ballast"
    "$@" || exit $?
    cp -a "{folder}/." "{saved}"
""")
OWN_MOUNTS = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "--propagation", "unchanged"]


@pytest.mark.parametrize("kind", ["duckdb", "files"])
def test_full_disk_of_the_target(pulk, db, kind):
    """The run ends with class 2 and names the disk; with room again, the same command finishes."""
    db.execute("CREATE TABLE t AS SELECT n AS a, md5(n::text) || md5((n + 1)::text) AS b FROM generate_series(1, 100000) n;"
               "ALTER TABLE t ADD PRIMARY KEY (a); ANALYZE t")
    disk, saved = pulk.folder / "disk", pulk.folder / "saved"
    disk.mkdir(), saved.mkdir()
    pulk.write_config(db, target=kind)
    place = disk / pulk.target.name
    pulk.config.write_text(pulk.config.read_text().replace(str(pulk.target), str(place)))
    pulk.write_workflow([table_entry("t", partitionSize={"maxRowsPerPartition": 20000})])
    script = pulk.folder / "full_disk.sh"
    # Ballast fills the disk so far that the data does not fit.
    script.write_text(FULL_DISK.format(size="64m", folder=disk, home=pulk.folder, saved=saved).replace(
        "first=0", f'head -c 62m /dev/zero >"{disk}/ballast"\nfirst=0'))
    running = pulk.start("migrate", pulk.workflow, "--retries", "1", prefix=[*OWN_MOUNTS, "sh", str(script)])
    result = running.wait(100).expect(0, "first run: 2")
    assert "disk" in result.stderr or "No space left" in result.stderr, str(result)
    pulk.target = saved / pulk.target.name
    assert_same_rows(db.rows("TABLE t"), pulk.rows("t"))


def test_full_disk_of_the_workspace(pulk, db):
    db.execute("CREATE TABLE t AS SELECT n AS a, md5(n::text) || md5((n + 1)::text) AS b FROM generate_series(1, 100000) n")
    disk, saved = pulk.folder / ".pulk", pulk.folder / "saved"
    disk.mkdir(), saved.mkdir()
    pulk.write_config(db)
    pulk.write_workflow("t")
    script = pulk.folder / "full_disk.sh"
    script.write_text(FULL_DISK.format(size="8m", folder=disk, home=pulk.folder, saved=saved).replace(
        "first=0", f'head -c 7m /dev/zero >"{disk}/ballast"\nfirst=0'))
    running = pulk.start("migrate", pulk.workflow, "--retries", "1", prefix=[*OWN_MOUNTS, "sh", str(script)])
    result = running.wait(100).expect(0, "first run: 2")
    assert "disk" in result.stderr or "No space left" in result.stderr, str(result)
    assert_same_rows(db.rows("TABLE t"), pulk.rows("t"))


# --- a run that is not finished


def interrupted(pulk):
    running = pulk.start_migrate(env={"PULK_CRASH_AT": "partition.staged"})
    assert running.wait().code == -9


def test_changed_configuration_of_an_unfinished_run_is_refused_with_the_difference(ready):
    interrupted(ready)
    with_table(ready, whereClauseCriteria="a > 1", partitionSize={"maxRowsPerPartition": 7})
    result = ready.migrate().expect(1, "unfinished", "whereClauseCriteria", "a > 1", "partitionSize", "7", "--restart")
    assert "primaryKeyColumns" not in result.text
    with_table(ready)
    ready.migrate().expect(0, "resuming")
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))


def test_another_source_database_under_an_unfinished_run_is_refused(ready, postgres):
    interrupted(ready)
    other = postgres.create_database()
    try:
        other.execute("CREATE TABLE t (a integer, b text); INSERT INTO t VALUES (99, 'other')")
        ready.write_config(other)
        ready.migrate().expect(1, "unfinished", "source")
        ready.migrate("--restart").expect(0)
        assert ready.rows("t") == [("99", "other")]
    finally:
        other.drop()


def test_restart_begins_anew_with_the_new_configuration(ready):
    interrupted(ready)
    with_table(ready, whereClauseCriteria="a > 1")
    ready.migrate("--restart").expect(0, "abandoned")
    assert_same_rows(ready.db.rows("SELECT * FROM t WHERE a > 1"), ready.rows("t"))


def test_changed_append_flag_of_an_unfinished_run_is_refused(ready):
    interrupted(ready)
    ready.migrate("--append").expect(1, "append", "unfinished")
    ready.migrate().expect(0)


def test_workspace_in_use_by_another_process_is_named(ready):
    running = ready.start_migrate(env={"PULK_STOP_AT": "partition.taken"})
    running.wait_until_stopped()
    ready.migrate().expect(2, f"process {running.pid}", "workspace")
    running.wake()
    running.wait().expect(0)


def test_two_workspaces_on_one_target_meet_at_the_lease(ready):
    running = ready.start_migrate(env={"PULK_STOP_AT": "partition.first_batch"})
    running.wait_until_stopped()
    result = ready.run("migrate", ready.workflow, "--workspace", "other", "--retries", "0", "--lock-wait", "2").expect(2)
    assert f"pid {running.pid}" in result.text or f"process {running.pid}" in result.text, str(result)
    running.wake()
    running.wait().expect(0)
    assert_same_rows(ready.db.rows("TABLE t"), ready.rows("t"))
    assert ready.tables() == ["t"]
