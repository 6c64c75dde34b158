"""The stage on S3, driven by pulk_s3_probe against a server that checks signatures and policies, and fails on demand.

What arrives is read by the AWS SDK inside pyarrow and by boto3."""

import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from support.server import free_port

MIB = 1 << 20
PART = 8 * MIB
ON_THEIR_WAY = 3  # the part that is filled and those being sent


def content(size: int) -> bytes:
    """Byte i is i * 131 + i / 65536, modulo 256."""
    block = bytes(i * 131 % 256 for i in range(65536))
    shifted = [bytes((b + s) % 256 for b in block) for s in range(256)]
    return b"".join(shifted[n % 256] for n in range(size // 65536 + 1))[:size]


@pytest.fixture(scope="session")
def probe(binary) -> str:
    path = Path(os.environ.get("PULK_S3_PROBE", Path(binary).parent / "pulk_s3_probe")).resolve()
    assert os.access(path, os.X_OK), f"{path} is not there; `make build` makes it, PULK_S3_PROBE names another"
    return str(path)


class Probe:
    def __init__(self, program, server, home):
        self._program, self._server, self._home = program, server, home

    def environment(self, **variables) -> dict:
        base = {"PATH": os.environ["PATH"], "HOME": str(self._home), "AWS_EC2_METADATA_DISABLED": "true"}
        merged = {**base, **self._server.environment(), **variables}
        return {name: value for name, value in merged.items() if value is not None}

    def start(self, *words, bucket="landing", prefix="in/orders", **variables):
        return subprocess.Popen([self._program, bucket, prefix, *map(str, words)], env=self.environment(**variables),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *words, code=0, **options):
        process = self.start(*words, **options)
        out, said = process.communicate(timeout=120)
        assert process.returncode == code, f"exit code {process.returncode}, expected {code}\n{out}{said}"
        self.said = said
        return out


@pytest.fixture
def stage(probe, s3, tmp_path) -> Probe:
    return Probe(probe, s3, tmp_path)


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 5 * PART + 12345])
def test_content_arrives_as_it_was_written(stage, s3, size):
    told = json.loads(stage("put", "p1-f1a1-001.parquet", size))
    assert (told["bytes"], told["location"]) == (size, "s3://landing/in/orders")
    assert s3.keys() == ["in/orders/p1-f1a1-001.parquet"]
    assert hashlib.sha256(s3.content("in/orders/p1-f1a1-001.parquet")).digest() == hashlib.sha256(content(size)).digest()
    assert s3.requests("UploadPart") == max(1, -(-size // PART))
    assert s3.uploads() == []


def test_digest_is_that_of_the_content_whatever_the_name(stage):
    digest = json.loads(stage("put", "a", 300_000))["digest"]
    assert re.fullmatch("[0-9a-f]{32}", digest)
    assert json.loads(stage("put", "b", 300_000))["digest"] == digest
    assert json.loads(stage("put", "c", 300_001))["digest"] != digest


@pytest.mark.parametrize("prefix", ["", "a", "/deep/er/", "with space/ü+%&=;é'(1)!*~"])
def test_prefixes(stage, s3, prefix):
    key = (prefix.strip("/") + "/x.parquet").lstrip("/")
    stage("put", "x.parquet", 10, prefix=prefix)
    assert s3.keys() == [key]
    assert stage("list", prefix=prefix) == "x.parquet\n"
    stage("remove", "x.parquet", prefix=prefix)
    assert s3.keys() == []


def test_list_and_remove_leave_no_marker(stage, s3):
    for name in ("b.parquet", "a.parquet"):
        stage("put", name, 10)
    stage("put", "other.parquet", 10, prefix="in/orders/below")
    stage("put", "other.parquet", 10, prefix="in/orders2")
    assert stage("list") == "a.parquet\nb.parquet\n"
    for name in ("a.parquet", "b.parquet", "never-there.parquet"):
        stage("remove", name)
    assert stage("list") == ""
    assert s3.keys() == ["in/orders/below/other.parquet", "in/orders2/other.parquet"]


def test_long_lists_come_in_pages(stage, s3):
    with s3.files().open_output_stream("landing/in/orders/first") as stream:
        stream.write(b"x")
    files = s3.files()
    for n in range(1005):
        files.copy_file("landing/in/orders/first", f"landing/in/orders/n{n:04}")
    assert stage("list").split() == ["first"] + [f"n{n:04}" for n in range(1005)]


def test_a_discarded_file_leaves_nothing(stage, s3):
    stage("discard", "a.parquet", 3 * PART + 5)
    assert s3.requests("UploadPart") > 0
    assert (s3.keys(), s3.uploads(), stage("list")) == ([], [], "")


def test_a_killed_writer_leaves_no_object_and_what_it_leaves_can_be_removed(stage, s3):
    writer = stage.start("put", "a.parquet", 400 * MIB)
    deadline = time.monotonic() + 30
    while s3.requests("UploadPart") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert s3.keys() == []
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert s3.keys() == []
    assert s3.uploads() == ["in/orders/a.parquet"]
    assert stage("list") == "a.parquet\n"
    stage("remove", "a.parquet")
    assert s3.uploads() == []


def test_an_interrupted_writer_ends_its_upload_at_once(stage, s3):
    s3.fault("UploadPart", "stall", seconds=20, times=2)
    writer = stage.start("put", "a.parquet", 400 * MIB)
    deadline = time.monotonic() + 30
    while s3.requests("UploadPart") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    writer.send_signal(signal.SIGTERM)
    started = time.monotonic()
    _, said = writer.communicate(timeout=30)
    assert writer.returncode == 2 and "interrupted" in said
    assert time.monotonic() - started < 3
    assert (s3.keys(), s3.uploads()) == ([], [])


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("fault", [{"action": "error", "status": 503, "code": "SlowDown"},
                                   {"action": "error", "status": 500, "code": "InternalError"},
                                   {"action": "close"}, {"action": "lose"}], ids=["503", "500", "close", "lose"])
def test_what_passes_is_tried_again(stage, s3, operation, fault):
    s3.fault(operation, times=2, skip=1 if operation == "UploadPart" else 0, **fault)
    stage("put", "a.parquet", 3 * PART)
    assert hashlib.sha256(s3.content("in/orders/a.parquet")).digest() == hashlib.sha256(content(3 * PART)).digest()
    assert s3.keys() == ["in/orders/a.parquet"]


def test_an_error_behind_a_status_of_success(stage, s3):
    s3.fault("CompleteMultipartUpload", "error", status=200, code="InternalError")
    stage("put", "a.parquet", 10)
    assert s3.content("in/orders/a.parquet") == content(10)
    assert s3.requests("CompleteMultipartUpload") == 2


def test_a_service_that_stays_slow_ends_the_file(stage, s3):
    s3.fault("UploadPart", "error", status=503, code="SlowDown", message="Reduce your request rate.", skip=2, times=1000)
    started = time.monotonic()
    stage("put", "a.parquet", 400 * MIB, code=2)
    assert time.monotonic() - started < 30
    assert "s3://landing/in/orders/a.parquet: cannot upload part" in stage.said
    assert "SlowDown, Reduce your request rate." in stage.said
    assert (s3.keys(), s3.uploads()) == ([], [])


def test_a_silent_service_is_given_up(stage, s3):
    s3.fault("CreateMultipartUpload", "stall", seconds=60, times=100)
    started = time.monotonic()
    stage("put", "a.parquet", 10, code=2, PROBE_STALL="2")
    assert time.monotonic() - started < 45
    assert "no answer" in stage.said


def test_nobody_listens(stage):
    stage("put", "a.parquet", 10, code=2, AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    assert "no answer: Failed to connect" in stage.said and "run again" in stage.said


def test_wrong_secret(stage, s3):
    stage("put", "a.parquet", 10, code=1, AWS_SECRET_ACCESS_KEY="not+the/secret")
    assert "SignatureDoesNotMatch" in stage.said and "AWS_ACCESS_KEY_ID" in stage.said
    assert "not+the/secret" not in stage.said and s3.mover["access_key"] not in stage.said
    assert s3.requests("CreateMultipartUpload") == 1


def test_unknown_key(stage):
    stage("put", "a.parquet", 10, code=1, AWS_ACCESS_KEY_ID="AKIAUNKNOWN")
    assert "InvalidAccessKeyId" in stage.said


def test_no_right_to_write(stage, s3):
    stage("put", "a.parquet", 10, code=5, **s3.environment(s3.reader))
    assert "AccessDenied" in stage.said and "allow s3:PutObject" in stage.said


def test_missing_bucket(stage, s3):
    stage("put", "a.parquet", 10, code=1, bucket="nowhere")
    assert "NoSuchBucket" in stage.said and "create the bucket" in stage.said
    assert s3.requests("CreateMultipartUpload") == 1
    stage("list", code=1, bucket="nowhere")


def test_wrong_region(stage, s3):
    s3.fault("CreateMultipartUpload", "error", status=301, code="PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-3"})
    stage("put", "a.parquet", 10, code=1)
    assert "the bucket is in eu-west-3, not in us-east-1: set the region to eu-west-3" in stage.said


def test_expired_credentials(stage, s3):
    s3.fault("UploadPart", "error", status=400, code="ExpiredToken", message="The provided token has expired.")
    stage("put", "a.parquet", 10, code=2)
    assert "have expired" in stage.said
    assert (s3.keys(), s3.uploads()) == ([], [])


def test_who_may_not_list_unfinished_uploads_can_still_list(stage, s3):
    stage("put", "a.parquet", 10)
    s3.fault("ListMultipartUploads", "error", status=403, code="AccessDenied")
    assert stage("list") == "a.parquet\n"


def test_all_that_is_wrong_is_told_at_once(stage, s3):
    stage("put", "a", 1, code=1, bucket="s3://Landing/x", prefix="a//b", AWS_REGION="Frankfurt!", AWS_ENDPOINT_URL="user:pw@host")
    for text in ("4 problems", "bucket", "without s3://", "region", "endpoint", "prefix"):
        assert text in stage.said
    assert "user:pw" not in stage.said
    assert s3.control("requests") == []


@pytest.mark.parametrize("kind, told", [("s3", "AES256"), ("kms", "aws:kms")])
def test_encryption(stage, s3, kind, told):
    stage("put", "a.parquet", 10, PROBE_ENCRYPTION=kind)
    head = s3.control("head", bucket="landing", key="in/orders/a.parquet")
    assert (head["ServerSideEncryption"], head["ContentType"], head["ContentLength"]) == (told, "application/octet-stream", 10)


NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


def test_keys_of_a_profile(stage, s3, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        f"# ours\n[default]\naws_access_key_id = x\naws_secret_access_key = y\n[etl]\naws_access_key_id = {s3.mover['access_key']}\n"
        f"aws_secret_access_key = {s3.mover['secret_key']}\n")
    stage("put", "a", 10, AWS_PROFILE="etl", **NO_KEYS)
    stage("put", "a", 10, code=1, **NO_KEYS)
    assert "AWS profile default" in stage.said
    stage("put", "a", 10, code=1, AWS_PROFILE="elt", **NO_KEYS)
    assert "AWS profile elt: there is no such profile" in stage.said


def test_a_program_that_gives_credentials(stage, s3, tmp_path):
    answer = {"Version": 1, "AccessKeyId": s3.mover["access_key"], "SecretAccessKey": s3.mover["secret_key"]}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    config = tmp_path / "config"
    config.write_text(f"[profile etl]\ncredential_process = cat {tmp_path}/answer.json\n[profile sso]\nsso_session = work\n")
    stage("put", "a", 10, AWS_CONFIG_FILE=str(config), AWS_PROFILE="etl", **NO_KEYS)
    stage("put", "a", 10, code=1, AWS_CONFIG_FILE=str(config), AWS_PROFILE="sso", **NO_KEYS)
    assert "credential_process = aws configure export-credentials --profile sso" in stage.said


@pytest.fixture
def giver():
    """Answers as AWS's own services do that hand out credentials: `answers` by method and path; keeps the requests."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self.seen.append((self.command + " " + self.path, dict(self.headers), parse_qs(body)))
            text = self.answers.get(self.command + " " + self.path)
            self.send_response(404 if text is None else 200)
            self.end_headers()
            self.wfile.write((text or "").encode())

        do_GET = do_PUT = do_POST = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.answers, Handler.seen = {}, []
    Handler.url = f"http://127.0.0.1:{server.server_port}"
    yield Handler
    server.shutdown()
    server.server_close()


def role_document(s3) -> str:
    return json.dumps({"Code": "Success", "AccessKeyId": s3.mover["access_key"], "SecretAccessKey": s3.mover["secret_key"],
                       "Expiration": "2099-01-01T00:00:00Z"})


def test_a_role_by_web_identity(stage, s3, tmp_path, giver):
    (tmp_path / "token").write_text("aa+a.bbbb.cccc\n")
    giver.answers["POST /"] = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{s3.mover["access_key"]}</AccessKeyId>
      <SecretAccessKey>{s3.mover["secret_key"]}</SecretAccessKey><Expiration>2099-01-01T00:00:00Z</Expiration>
      </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
                 "AWS_ENDPOINT_URL_STS": giver.url, **NO_KEYS}
    stage("put", "a", 10, **variables)
    assert s3.keys() == ["in/orders/a"]
    [(_, _, form)] = giver.seen
    assert form["Action"] == ["AssumeRoleWithWebIdentity"] and form["RoleArn"] == ["arn:aws:iam::1:role/x"]
    assert form["WebIdentityToken"] == ["aa+a.bbbb.cccc"]
    giver.answers.clear()
    stage("put", "a", 10, code=1, **variables)
    assert "arn:aws:iam::1:role/x: the role is not given" in stage.said and "bbbb" not in stage.said


def test_the_role_of_a_container(stage, s3, giver):
    giver.answers["GET /creds"] = role_document(s3)
    stage("put", "a", 10, AWS_CONTAINER_CREDENTIALS_FULL_URI=giver.url + "/creds", AWS_CONTAINER_AUTHORIZATION_TOKEN="t0ken", **NO_KEYS)
    assert s3.keys() == ["in/orders/a"]
    assert giver.seen[0][1]["Authorization"] == "t0ken"


def test_the_role_of_an_instance(stage, s3, giver):
    roles = "/latest/meta-data/iam/security-credentials/"
    giver.answers.update({"PUT /latest/api/token": "a-token", "GET " + roles: "mover-role\n", "GET " + roles + "mover-role": role_document(s3)})
    stage("put", "a", 10, AWS_EC2_METADATA_DISABLED=None, AWS_EC2_METADATA_SERVICE_ENDPOINT=giver.url, **NO_KEYS)
    assert s3.keys() == ["in/orders/a"]
    assert [headers.get("X-aws-ec2-metadata-token") for _, headers, _ in giver.seen] == [None, "a-token", "a-token"]


def test_credentials_that_expire_are_asked_for_again(stage, s3, giver):
    giver.answers["GET /creds"] = role_document(s3)
    s3.fault("UploadPart", "error", status=400, code="ExpiredToken")
    stage("put", "a", 10, AWS_CONTAINER_CREDENTIALS_FULL_URI=giver.url + "/creds", **NO_KEYS)
    assert s3.content("in/orders/a") == content(10)
    assert len(giver.seen) == 2


def test_no_credentials_at_all(stage):
    stage("put", "a", 10, code=1, **NO_KEYS)
    assert "no AWS credentials are found" in stage.said


def test_a_large_file_stays_within_the_parts_on_their_way(stage):
    stage("put", "small.parquet", 10)
    base = int(re.search(r"VmHWM:\s+(\d+) kB", stage.said)[1])
    stage("put", "large.parquet", 1 << 28)
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", stage.said)[1])
    print(f"peak {base} KiB for 10 bytes, {peak} KiB for 256 MiB")
    assert peak - base < ON_THEIR_WAY * PART / 1024 + 6 * 1024
