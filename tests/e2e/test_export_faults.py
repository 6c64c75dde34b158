"""`pulk export` when something is in the way: what fails is named, the others finish, nothing half-written can be seen, and
the same command again is right."""

import json
import signal
import textwrap

import duckdb
import pytest

pytest.register_assert_rewrite("export_support")
from export_support import CUSTOMER, FOLDER, ORDERS, export, fill, table, world, write  # noqa: F401 - fixtures
from support.s3 import BUCKET
from support.snowflake import PASSWORD
from test_bad_input import OWN_MOUNTS

CHUNKS = {"table": "CHUNKS", "query": "SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 5000))", "s3_path": "n.parquet"}


@pytest.fixture(scope="module")
def warehouse(server):
    """Of this file alone: its results come in chunks of a thousand rows."""
    fill(server)
    server.control("settings", chunk_rows=1000)
    return server


@pytest.fixture(autouse=True)
def healed(warehouse):
    yield
    warehouse.control("faults", clear=True)


def run_again(world, s3, *exports):
    """The same command, when what was in the way is gone."""
    s3.heal()
    done = world.run("export", "exports.json", env=world.variables)
    assert done.code == 0, done.stderr
    assert s3.uploads() == []
    return done


def numbers(s3, key="n.parquet"):
    return table(s3, key)["N"].to_pylist()


# --- the bucket


@pytest.mark.parametrize("wrong, code, texts", [
    ({"S3_BUCKET_NAME": "not-there-4711"}, 1, ["not-there-4711", "NoSuchBucket", "create the bucket"]),
    ({"AWS_SECRET_ACCESS_KEY": "wrongwrongwrong"}, 1, ["SignatureDoesNotMatch", "check the credentials", "AWS_ACCESS_KEY_ID"]),
], ids=["bucket", "keys"])
def test_a_place_that_is_not_there_is_told_once(world, s3, warehouse, wrong, code, texts):
    before = len(warehouse.statements())
    done = export(world, ORDERS, CUSTOMER, **wrong)
    assert done.code == code and len(warehouse.statements()) == before, done.stderr
    for text in texts:
        assert done.stderr.count(text) == 1, text + "\n" + done.stderr


@pytest.mark.parametrize("status, error, headers", [(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-central-1"}),
                                                    (400, "AuthorizationHeaderMalformed", {"x-amz-bucket-region": "eu-central-1"})])
def test_the_wrong_region(world, s3, status, error, headers):
    s3.fault("ListObjectsV2", "error", times=100, status=status, code=error, headers=headers)
    done = export(world, ORDERS)
    assert done.code == 1 and "the bucket is in eu-central-1, not in us-east-1" in done.stderr, done.stderr
    run_again(world, s3)


def test_no_permission_for_one_of_two(world, s3, warehouse):
    """The query of the one that may not be written is not run."""
    user = s3.control("user", name="half", policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/no/*"}]}))
    before = len(warehouse.statements("FROM ORDERS"))
    write(world, {"table": "ORDERS", "query": "SELECT * FROM ORDERS", "s3_path": "no/o.parquet"}, CUSTOMER)
    done = world.run("export", "exports.json", env={**world.variables, **s3.environment(user)})
    assert done.code == 5, done.stderr
    assert f"s3://{BUCKET}/no/o.parquet: cannot start an upload: AccessDenied" in done.stderr and "s3:PutObject" in done.stderr, done.stderr
    assert s3.keys() == ["c.csv"] and s3.uploads() == [] and len(warehouse.statements("FROM ORDERS")) == before
    run_again(world, s3)
    assert s3.keys() == ["c.csv", "no/o.parquet"]


def test_rights_that_are_enough(world, s3):
    """Neither reading objects nor listing uploads is among them."""
    user = s3.control("user", name="poor", policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}]}))
    for _ in range(2):
        done = export(world, ORDERS, FOLDER, **s3.environment(user))
        assert done.code == 0, done.stderr
    assert len(s3.keys()) == 5 and s3.uploads() == []


def test_a_right_that_ends_while_names_are_given(world, s3):
    """Of the two files of a folder one has its name already: it is taken back, and the old export is as it was."""
    assert export(world, FOLDER).code == 0
    old = {key: s3.content(key) for key in s3.keys()}
    s3.fault("CompleteMultipartUpload", "error", times=100, skip=1, status=403, code="AccessDenied")
    done = export(world, FOLDER)
    assert done.code == 5 and "cannot complete an upload: AccessDenied" in done.stderr, done.stderr
    left = {key: s3.content(key) for key in s3.keys()}
    assert {key: left[key] for key in old if key != "orders/_SUCCESS"} == {key: old[key] for key in old if key != "orders/_SUCCESS"}
    assert [key for key in left if key not in old] == [] and s3.uploads() == []
    # Writing _SUCCESS again is refused too, and that is said.
    assert "_SUCCESS is gone" in done.stderr and "orders/_SUCCESS" not in left
    run_again(world, s3)
    assert "orders/_SUCCESS" in s3.keys() and len(s3.keys("orders/")) == 4


def test_a_marker_comes_back_with_the_old_files(world, s3):
    assert export(world, FOLDER).code == 0
    old = s3.keys()
    s3.fault("CompleteMultipartUpload", "error", times=2, status=403, code="AccessDenied")
    done = export(world, FOLDER)
    assert done.code == 5 and s3.keys() == old and s3.uploads() == [], done.stderr


def test_credentials_that_expire_in_the_middle(world, s3):
    assert export(world, ORDERS).code == 0
    old = s3.content("o.parquet")
    s3.fault("UploadPart", "error", times=100, status=400, code="ExpiredToken", message="The provided token has expired.")
    done = export(world, ORDERS, args=("--tries", "1"))
    assert done.code == 2, done.stderr
    assert f"s3://{BUCKET}/o.parquet" in done.stderr and "have expired: get new ones and run again" in done.stderr, done.stderr
    assert s3.keys() == ["o.parquet"] and s3.content("o.parquet") == old and s3.uploads() == []
    run_again(world, s3)


@pytest.mark.parametrize("operation", ["ListObjectsV2", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"])
def test_slow_down_heals(world, s3, operation):
    s3.fault(operation, "error", status=503, code="SlowDown")
    s3.fault(operation, "error", status=429, code="TooManyRequests")
    done = export(world, ORDERS, FOLDER)
    assert done.code == 0 and s3.heal() == [] and "trying again" not in done.stderr, done.stderr
    assert len(s3.keys()) == 5 and s3.uploads() == []


# --- Snowflake


@pytest.mark.parametrize("action", ["half", "close"])
def test_a_result_that_is_cut_once(world, s3, warehouse, action):
    warehouse.fault(action, path="^/chunks/", skip=2)
    done = export(world, CHUNKS)
    assert done.code == 0 and numbers(s3) == list(range(5000)), done.stderr
    assert warehouse.control("fault_counts")[0]["done"] == 1


def test_a_result_that_stays_cut(world, s3, warehouse):
    warehouse.fault("status", path="^/chunks/", skip=2, times=1000, status=403)
    done = export(world, CHUNKS, CUSTOMER, args=("--tries", "2"))
    assert done.code == 2 and "reading from Snowflake stopped" in done.stderr and "trying again" in done.stderr, done.stderr
    assert "✓ CUSTOMER" in done.stderr or "ok CUSTOMER" in done.stderr
    assert s3.keys() == ["c.csv"] and s3.uploads() == []
    warehouse.control("faults", clear=True)
    run_again(world, s3)
    assert numbers(s3) == list(range(5000))


def test_a_query_that_fails(world, s3):
    entries = [{"table": name, "query": query, "s3_path": name} for name, query in (
        ("syntax", "SELECT 1 FROM FROM"), ("missing", "SELECT * FROM NOWHERE"), ("value", "SELECT 'x'::NUMBER AS N"))]
    done = export(world, *entries, CUSTOMER)
    assert done.code == 1, done.stderr
    for text in ("syntax: ", "missing: ", "value: ", "NOWHERE", "'x' is not recognized"):
        assert text in done.stderr, text + "\n" + done.stderr
    assert s3.keys() == ["c.csv"] and s3.uploads() == [] and "trying again" not in done.stderr


def test_a_login_that_is_refused_is_tried_once(world, s3, warehouse):
    """Accounts lock a user after a few attempts."""
    logins = lambda: len([r for r in warehouse.control("requests") if r["path"] == "/session/v1/login-request"])  # noqa: E731
    before = logins()
    done = export(world, ORDERS, CUSTOMER, FOLDER, CHUNKS, SNOWFLAKE_PASSWORD="wrong4711")
    assert done.code in (1, 5) and "Incorrect username or password" in done.stderr and "wrong4711" not in done.stderr, done.stderr
    assert logins() == before + 1 and s3.left() == []


def test_a_statement_that_is_throttled_heals(world, s3, warehouse):
    warehouse.fault("status", path="query-request", sql="FROM .*ORDERS", status=429)
    warehouse.fault("status", path="query-request", sql="FROM .*CUSTOMER", status=503)
    done = export(world, ORDERS, CUSTOMER)
    assert done.code == 0 and s3.keys() == ["c.csv", "o.parquet"], done.stderr


# --- this machine


def test_no_room_on_the_disk(world):
    disk, saved, script = (world.folder / name for name in ("disk", "saved", "full.sh"))
    disk.mkdir(), saved.mkdir()
    script.write_text(textwrap.dedent(f"""
        mount --make-rprivate / 2>/dev/null
        trap 'umount "{disk}"' EXIT
        mount -t tmpfs -o size=1m tmpfs "{disk}" || exit 99
        "$@"; echo "first run: $?" >&2
        find "{disk}" -type f >&2
        mount -o remount,size=16m "{disk}" && "$@" || exit $?
        cp -a "{disk}/." "{saved}"
        """))
    big = {"table": "BIG", "s3_path": "big/", "file_type": "csv", "max_file_size": "1MiB",
           "query": "SELECT SEQ8() AS N, REPEAT('x', 500) AS T FROM TABLE(GENERATOR(ROWCOUNT => 5000))"}
    write(world, big, {**CUSTOMER, "s3_path": "c.csv"}, destination=f"file://{disk}")
    running = world.start("export", "exports.json", "--tries", "1", env=world.variables, prefix=[*OWN_MOUNTS, "sh", str(script)])
    done = running.wait(100)
    assert done.code == 0 and "first run: 2" in done.stderr, done.stderr
    assert "No space left on device" in done.stderr and "make room on this disk" in done.stderr
    first = done.stderr[:done.stderr.index("first run: 2")]
    listed = done.stderr[len(first):].split("\n")[1:]
    assert [line for line in listed if line.startswith(str(disk))] == [f"{disk}/c.csv"], done.stderr
    assert duckdb.sql(f"SELECT count(*), count(DISTINCT N) FROM read_csv('{saved}/big/part-*')").fetchone() == (5000, 5000)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_in_the_middle(world, s3, warehouse, told):
    assert export(world, {**CHUNKS, "query": "SELECT -1 AS N"}).code == 0
    warehouse.fault("hang", path="^/chunks/", skip=2, times=1000, seconds=60)
    write(world, CHUNKS, CUSTOMER)
    running = world.start("export", "exports.json", env=world.variables)
    running.wait_for(lambda: s3.uploads() and "Export complete: s3://landing/c.csv" in running.stderr(), what="the first rows and the other export")
    running.process.send_signal(told)
    done = running.wait(20)
    assert done.code == 2 and "stopping" in done.stderr and "interrupted" in done.stderr, done.stderr
    assert s3.uploads() == [] and numbers(s3) == [-1]
    warehouse.control("faults", clear=True)
    run_again(world, s3)
    assert numbers(s3) == list(range(5000))


# --- secrets


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_that_servers_repeat_is_not_shown(world, s3, warehouse, form):
    """The Snowflake password, an AWS secret key and a session token, in errors, in debug lines, in the summary."""
    user = s3.temporary
    world.variables = {**world.variables, **s3.environment(user), "AWS_SESSION_TOKEN": user["session_token"]}
    secrets = (PASSWORD, user["secret_key"], user["session_token"])
    told = "you sent " + " and ".join(secrets)
    warehouse.fault("error", path="statement", sql="AS X", code="000603", message=told)
    s3.fault("UploadPart", "error", times=100, status=403, code="AccessDenied", message=told)
    flags = ("-v", "--log-format", form)
    done = export(world, {"table": "X", "query": "SELECT 1 AS X", "s3_path": "x"}, CUSTOMER, args=("--summary", "s.json", *flags))
    assert done.code != 0
    shown = done.text + (world.folder / "s.json").read_text()
    assert shown.count("you sent *** and *** and ***") >= 4, shown
    s3.fault("ListObjectsV2", "error", times=100, status=403, code="AccessDenied", message=told)
    done = world.run("storage", "ls", *flags, env=world.variables)
    assert done.code == 5 and "you sent *** and *** and ***" in done.stderr, done.text
    shown += done.text
    for secret in secrets:
        assert secret not in shown


def test_a_password_that_the_login_repeats_is_not_shown(world, warehouse):
    warehouse.fault("error", path="statement", sql="ALTER SESSION", times=100, code="000603", message=f"bad {PASSWORD}")
    done = export(world, CUSTOMER)
    assert done.code != 0 and "bad ***" in done.stderr and PASSWORD not in done.text, done.text
