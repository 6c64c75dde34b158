"""Snowflake by an external stage on a bucket of the user's: pulk writes to an S3 server, the stand-in for Snowflake reads
there. What is in the bucket is told by boto3, and Parquet is read by pyarrow."""

import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import SOURCE, WORKFLOW, check_finished, check_nothing_left, check_rows, contents, crash, resume
from support.pulk import table_entry
from test_memory import BUDGET, LIMIT, peak_of
from test_snowflake_grants import WAREHOUSE, be_a_new_role

MIB = 1 << 20
STAGE = "@LAKE.PUBLIC.LANDING"
# One file of two parts (8 MiB each): half of such a text is left by the codec.
BIG = "CREATE TABLE big AS SELECT n AS id, md5(n::text) || md5((-n)::text) AS v FROM generate_series(1, 300000) n; ANALYZE big"


@pytest.fixture(scope="module")
def source(postgres):
    database = postgres.create_database()
    database.execute(SOURCE + BIG)
    database.expected = {name.upper(): rows for name, rows in contents(database).items()}
    yield database
    database.drop()


@pytest.fixture(scope="module")
def warehouse(snowflake_server, s3_server):
    snowflake_server.control("s3", endpoint=s3_server.endpoint, **s3_server.mover)
    snowflake_server.control("databases", name="LAKE", schemas=["PUBLIC"])
    for name, url in (("LANDING", "s3://landing/in"), ("WHOLE", "s3://landing"), ("NOWHERE", "s3://nowhere/x"),
                      ("AZURE_ONE", "azure://account.blob.core.windows.net/box"), ("GOOGLE_ONE", "gcs://box/x")):
        snowflake_server.sql(f"CREATE OR REPLACE STAGE LAKE.PUBLIC.{name} URL = '{url}'")
    return snowflake_server


@pytest.fixture
def ready(pulk, source, warehouse, s3):
    pulk.write_config(source, target=warehouse)
    pulk.target_keys.update(stage=STAGE + "/x", s3=s3.table())
    pulk.rewrite_config()
    pulk.write_workflow({"tables": [table_entry(t) if isinstance(t, str) else t for t in WORKFLOW]})
    return pulk


@pytest.fixture
def few(ready, source):
    """Five partitions and one."""
    ready.write_workflow({"tables": [t if isinstance(t, dict) else table_entry(t) for t in (WORKFLOW[0], "small")]})
    ready.expected = {name: source.expected[name] for name in ("RANGED", "SMALL")}
    return ready


@pytest.fixture
def big(ready):
    ready.write_workflow([table_entry("big", partitioning="none")])
    return ready


def forbid_spool(pulk):
    """A file where the folder of spooled files would be: whoever wrote one would fail."""
    pulk.workspace.mkdir(mode=0o700)
    (pulk.workspace / "spool").touch()


def configure(pulk, **keys):
    """Other keys of the table `s3`; None leaves one out."""
    table = {**pulk.target_keys.get("s3", {}), **keys}
    pulk.target_keys["s3"] = {name: value for name, value in table.items() if value is not None}
    pulk.rewrite_config()


def check_all(pulk, expected, s3):
    check_finished(pulk, expected)
    assert s3.left() == []


def check_big(pulk, s3):
    place = pulk.target
    [(count, ids, length)] = place.server.sql(f'SELECT count(*), sum(ID), sum(length(V)) FROM {place.database}.PUBLIC.BIG')
    assert (count, ids, length) == ("300000", str(300000 * 300001 // 2), str(300000 * 64))
    check_nothing_left(pulk)
    assert s3.left() == []


def test_rows_arrive_by_the_bucket_alone(ready, source, s3):
    forbid_spool(ready)
    ready.migrate().expect(0)
    check_all(ready, source.expected, s3)
    server, database = ready.target.server, ready.target.database
    copies = [q["sql"] for q in server.control("history") if q["sql"].startswith(f'COPY INTO "{database}"')]
    assert len(copies) >= 8
    for copy in copies:
        assert re.search(r'FROM @"LAKE"\."PUBLIC"\."LANDING"/x/pulk/\d{8}_\d{6}_[0-9a-f]{4}_[0-9a-f]{8}/\) FILES', copy), copy
    assert not [sql for sql in server.statements("PUT ") if sql.startswith("PUT ") and "LAKE" in sql]


def test_the_environment_alone_and_files_that_are_kept(ready, source, s3):
    ready.target_keys.update(stage="@lake.public.whole", clean_up="never")
    del ready.target_keys["s3"]
    ready.rewrite_config()
    run = ready.migrate(env=s3.environment()).expect(0).summary["run"]
    check_rows(ready, source.expected)
    keys, folder = s3.left(), "pulk/" + run.replace("-", "_")
    for key in keys:
        assert re.fullmatch(folder + r"_[0-9a-f]{8}/p\d{5}-f1a1-001\.parquet", key), key
    # A folder for each table; one of them has no rows and a file all the same.
    assert len({key.rsplit("/", 1)[0] for key in keys}) == 4
    tables = [pq.read_table(io.BytesIO(s3.content(key))) for key in keys]
    assert sum(t.num_rows for t in tables) == sum(map(len, source.expected.values()))
    heap = [t for t in tables if [str(f.type) for f in t.schema] == ["int32", "string"] and t.num_rows > 0]
    assert sorted(row[1] for row in source.expected["HEAP"]) == sorted(x for t in heap for x in t.column(1).to_pylist())
    # Nothing of a finished run is removed by the next command either.
    ready.run("clean", "--yes", env=s3.environment()).expect(0, "nothing to remove")
    assert s3.left() == keys


@pytest.mark.parametrize("stage, code, texts", [
    ("@LAKE.PUBLIC.LANDINK", 1, ["LAKE.PUBLIC.LANDINK: there is no such stage", "did you mean LANDING?"]),
    ("@NO.SUCH.STAGE", 1, ["NO.SUCH.STAGE: there is no such stage", "GRANT USAGE"]),
    ("@LAKE.PUBLIC.AZURE_ONE", 5, ["azure://account.blob.core.windows.net/box", "pulk writes to S3"]),
    ("@LAKE.PUBLIC.GOOGLE_ONE/x", 5, ["gcs://box/x", "pulk writes to S3"]),
    ("@LAKE.PUBLIC.NOWHERE", 1, ["s3://nowhere/", "NoSuchBucket", "create the bucket"]),
    ("@A.B.C.D", 1, ["more than three names"]),
])
def test_a_stage_that_cannot_be_used(ready, stage, code, texts):
    ready.target_keys["stage"] = stage
    ready.rewrite_config()
    ready.migrate().expect(code, *texts)
    ready.assert_nothing_made()


def test_keys_and_rights_that_will_not_do(ready, s3):
    def refused(code, *texts, **keys):
        ready.target_keys["s3"] = s3.table()
        configure(ready, **keys)
        result = ready.migrate().expect(code, *texts)
        assert s3.mover["secret_key"] not in result.text

    refused(1, "SignatureDoesNotMatch", "the connections file", aws_secret_access_key="not+the/secret")
    refused(1, "InvalidAccessKeyId", aws_access_key_id="AKIAUNKNOWN")
    refused(5, "AccessDenied", "s3:PutObject", **s3.table(s3.reader))
    refused(1, "AWS profile etl: there is no such profile", profile="etl", aws_access_key_id=None, aws_secret_access_key=None)
    s3.fault("ListObjectsV2", "error", status=301, code="PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-3"})
    refused(1, "the bucket is in eu-west-3, not in us-east-1")
    ready.assert_nothing_made()
    assert s3.left() == []


@pytest.mark.parametrize("fault", [
    {"operation": "UploadPart", "action": "error", "status": 503, "code": "SlowDown", "times": 3, "skip": 1},
    {"operation": "UploadPart", "action": "close", "times": 2},
    {"operation": "CompleteMultipartUpload", "action": "lose", "times": 2},
    {"operation": "ListObjectsV2", "action": "error", "status": 500, "code": "InternalError", "times": 2, "skip": 3},
    {"operation": "DeleteObject", "action": "close", "times": 2},
], ids=lambda f: f["operation"] + "-" + f["action"])
def test_what_passes_is_waited_for(big, s3, fault):
    s3.fault(**fault)
    big.migrate().expect(0)
    assert s3.heal() == [], "the fault was never met"
    check_big(big, s3)


def test_credentials_that_expire_on_the_way(big, s3):
    s3.fault("UploadPart", "error", status=400, code="ExpiredToken", message="The provided token has expired.", skip=1, times=99)
    result = big.migrate("--retries", "1", "--parallel", "1").expect(2, "have expired: get new ones and run again")
    assert s3.mover["secret_key"] not in result.text
    assert s3.left() == []
    s3.heal()
    resume(big)
    check_big(big, s3)


def test_temporary_credentials(few, s3):
    configure(few, **s3.table(s3.temporary), aws_session_token="env:THE_TOKEN")
    few.migrate(env={"THE_TOKEN": "wrong"}).expect(1, "InvalidToken")
    few.migrate(env={"THE_TOKEN": s3.temporary["session_token"]}).expect(0)
    check_all(few, few.expected, s3)


@pytest.mark.parametrize("step", ["partition.file_closed:3", "partition.staged:4", "load.data_in:2", "load.committed:2",
                                  "publish.committed"])
def test_killed_and_resumed(few, s3, step):
    crash(few, step)
    resume(few)
    check_all(few, few.expected, s3)


def test_an_upload_that_a_killed_run_left_is_ended(big, s3):
    s3.fault("UploadPart", "stall", seconds=30, times=50)
    running = big.start_migrate()
    running.wait_for(lambda: s3.requests("UploadPart") > 0)
    running.kill()
    assert all(key.endswith(".parquet (unfinished)") for key in s3.left()) and s3.left()
    s3.heal()
    resume(big)
    check_big(big, s3)


def test_what_an_abandoned_run_left_is_removed_by_clean(few, s3):
    crash(few, "partition.staged:3", "--parallel", "1")
    left = s3.left()
    assert left and all(key.startswith("in/x/pulk/") for key in left), left
    [run] = [record["run"] for record in json.loads(few.run("status", "--json").expect(0).stdout)]
    folder = left[0].rsplit("/", 1)[0]
    few.run("clean", "--dry-run").expect(0, "unfinished, resume it or name it with --abandon", "s3://landing/" + folder)
    assert s3.left() == left
    few.run("clean", "--abandon", run, "--yes").expect(0, "whole or unfinished")
    assert s3.left() == []


@pytest.mark.parametrize("clean_up, kept", [("onSuccess", 1), ("always", 0)])
def test_files_of_a_load_that_failed(ready, warehouse, s3, clean_up, kept):
    ready.target_keys["clean_up"] = clean_up
    ready.rewrite_config()
    ready.write_workflow(["small"])
    warehouse.fault("error", sql="^COPY", code="100046", message="Number out of representable range")
    ready.migrate().expect(5, "100046")
    assert len(s3.left()) == kept
    resume(ready)
    assert s3.left() == []


@pytest.mark.parametrize("step", ["partition.first_batch:1", "partition.staged:2"])
def test_an_interrupted_run_leaves_nothing_in_the_bucket(big, s3, step):
    big.write_workflow([table_entry("big", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 100000})])
    running = big.start_migrate("--parallel", "1", env={"PULK_STOP_AT": step})
    running.wait_until_stopped()
    assert s3.left()
    running.terminate()
    running.wake()
    running.wait().expect(2)
    assert s3.left() == []
    assert not (big.workspace / "spool").exists()
    resume(big)
    check_big(big, s3)


def test_encryption_is_asked_for(ready, s3):
    ready.target_keys["clean_up"] = "never"
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ready.write_workflow(["small"])
    for keys, told in (({}, [None, None]), ({"sse": "AES256"}, ["AES256", None]), ({"sse": "aws:kms", "sse_kms_key_id": key}, ["aws:kms", key])):
        s3.control("reset")
        configure(ready, **keys)
        ready.migrate().expect(0)
        [name] = s3.left()
        head = s3.control("head", bucket="landing", key=name)
        assert [head["ServerSideEncryption"] if keys else None, head["SSEKMSKeyId"]] == told


def test_no_secret_shows(big, s3):
    secret = s3.mover["secret_key"]
    configure(big, aws_secret_access_key="env:BUCKET_SECRET")
    running = big.start_migrate("-v", env={"BUCKET_SECRET": secret, "PULK_STOP_AT": "partition.first_batch"})
    running.wait_until_stopped()
    assert secret.encode() not in Path(f"/proc/{running.pid}/cmdline").read_bytes()
    running.wake()
    result = running.wait().expect(0)
    assert secret not in result.text
    assert [path for path in big.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []
    assert not [sql for sql in big.target.server.statements() if secret in sql]


def test_the_policy_of_the_documentation_is_enough(few, s3):
    page = (Path(__file__).resolve().parents[2] / "docs" / "snowflake.md").read_text()
    policy = re.search(r'```json\n(\{\n  "Version".*?)```', page, re.S)[1].replace("in/pulk/", "in/x/pulk/").replace("acme-lake", "landing")
    configure(few, **s3.table(s3.control("user", name="minimal", policy=policy)))
    crash(few, "partition.staged:2")
    resume(few)
    check_all(few, few.expected, s3)


def test_parts_on_their_way_are_within_the_budget(big, s3):
    peak = peak_of(big.start_migrate("--memory", f"{BUDGET}MiB"))
    print(f"peak {peak:.0f} MiB")
    assert peak <= LIMIT
    check_big(big, s3)
    big.migrate("--memory", "96MiB").expect(1, "--memory", "a file on its way to the bucket holds 26.0 MiB", "give at least")


@pytest.fixture
def doctor(ready, sqlite_source):
    def run(code=0, env=None) -> dict:
        result = ready.run("doctor", "--json", env=env)
        assert result.code == code, str(result)
        return {check["check"]: check for check in json.loads(result.stdout)}
    return run


def test_the_doctor_looks_at_the_bucket_from_both_sides(ready, doctor, s3):
    checks = doctor()
    assert checks["stage"]["detail"] == "LAKE.PUBLIC.LANDING: s3://landing/in/x, region us-east-1"
    assert "s3://landing/in/x/pulk/doctor-" in checks["bucket"]["detail"] and "the connections file" in checks["bucket"]["detail"]
    assert checks["bucket by the stage"]["detail"] == "Snowflake lists the file"
    assert checks["bucket clean-up"]["status"] == "pass"
    assert s3.left() == []


@pytest.mark.parametrize("fault, code, texts", [
    ({"status": 403, "code": "RequestTimeTooSkewed"}, 1, ["set the clock of this machine"]),
    ({"status": 400, "code": "ExpiredToken"}, 2, ["have expired"]),
    ({"status": 403, "code": "AccessDenied"}, 5, ["allow s3:PutObject"]),
    ({"status": 400, "code": "AuthorizationHeaderMalformed", "headers": {"x-amz-bucket-region": "eu-west-3"}}, 1, ["set the region to eu-west-3"]),
    ({"status": 404, "code": "NoSuchBucket"}, 1, ["create the bucket"]),
], ids=lambda v: v.get("code") if isinstance(v, dict) else None)
def test_the_doctor_says_what_is_wrong_with_the_bucket(doctor, s3, fault, code, texts):
    s3.fault("CreateMultipartUpload", "error", **fault)
    checks = doctor(code)
    for text in texts:
        assert text in checks["bucket"]["detail"] + checks["bucket"]["fix"], checks["bucket"]
    assert (checks["bucket by the stage"]["status"], checks["bucket clean-up"]["status"]) == ("skip", "skip")
    assert s3.left() == []


def test_the_doctor_sees_when_snowflake_does_not(doctor, warehouse, s3):
    warehouse.control("s3", endpoint=s3.endpoint, access_key="AKIAWRONG", secret_key="wrong")
    try:
        checks = doctor(5)
    finally:
        warehouse.control("s3", endpoint=s3.endpoint, **s3.mover)
    assert checks["bucket"]["status"] == "pass"
    assert "storage integration" in checks["bucket by the stage"]["fix"], checks["bucket by the stage"]
    assert s3.left() == []


def test_who_may_not_list_uploads_is_told_what_that_costs(doctor, s3):
    s3.fault("ListMultipartUploads", "error", status=403, code="AccessDenied")
    check = doctor()["bucket clean-up"]
    assert check["status"] == "warn" and "lifecycle rule" in check["fix"], check


def test_what_the_role_needs(few, warehouse, s3):
    """The lines of docs/snowflake-admin.md for an external stage, and for a database that pulk makes."""
    stage, database = "USAGE ON STAGE LAKE.PUBLIC.LANDING", "CREATE DATABASE ON ACCOUNT ACCT"
    parents = [WAREHOUSE, "USAGE ON DATABASE LAKE", "USAGE ON SCHEMA LAKE.PUBLIC"]
    be_a_new_role(few, warehouse, [*parents, database])
    few.migrate().expect(1, "there is no such stage, or the role may not use it", "GRANT USAGE ON STAGE")
    few.give([*parents, stage])
    few.migrate().expect(5, f"sees no database {few.target.database}", "GRANT USAGE ON DATABASE")
    few.give([*parents, stage, database])
    few.migrate().expect(0)
    check_all(few, few.expected, s3)
