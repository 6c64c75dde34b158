"""An S3 server in a process of its own (see tests/doubles/s3), and the stage on it driven from a command line."""

import json
import os
import select
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pyarrow.fs

from support.server import _die_with_parent

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "landing"


def python() -> str:
    """The interpreter of .deps/venv-s3; PULK_S3_VENV names another folder."""
    path = Path(os.environ.get("PULK_S3_VENV", ROOT / ".deps" / "venv-s3")) / "bin" / "python3"
    assert os.access(path, os.X_OK), f"{path} is not there; `make setup` installs what the tests need"
    return str(path)


class S3:
    """The buckets `landing` and `other`, both empty."""

    def __init__(self):
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen([python(), "-m", "tests.doubles.s3"], cwd=ROOT, stdout=subprocess.PIPE, stderr=self._log,
                                         stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        ready, _, _ = select.select([self._process.stdout], [], [], 60)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self._log.seek(0)
            raise RuntimeError("the S3 server does not start:\n" + self._log.read().decode())
        self._facts = json.loads(line)
        self.endpoint = f"http://127.0.0.1:{self._facts['port']}"
        self.mover, self.reader, self.temporary = (self._facts[user] for user in ("mover", "reader", "temporary"))

    def control(self, what, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self._facts['control_port']}/{what}", json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"control {what}: {error.read().decode()}") from None

    def fault(self, operation, action, **facts):
        self.control("faults", operation=operation, action=action, **facts)

    def heal(self) -> list:
        """No more faults; those that were still to come."""
        return self.control("heal")

    def requests(self, operation) -> int:
        return self.control("requests").count(operation)

    def uploads(self) -> list:
        return self.control("uploads", bucket=BUCKET)

    def left(self) -> list:
        """Everything in the bucket: objects, also empty ones that stand for folders, and uploads that nobody completed."""
        return self.control("keys", bucket=BUCKET) + [key + " (unfinished)" for key in self.uploads()]

    def table(self, user=None) -> dict:
        """What the connections file says of it: the table `s3` of a Snowflake target."""
        user = user or self.mover
        return {"endpoint_url": self.endpoint, "aws_access_key_id": user["access_key"], "aws_secret_access_key": user["secret_key"]}

    def environment(self, user=None) -> dict:
        """What a program needs to reach it, as AWS names it."""
        user = user or self.mover
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": user["access_key"],
                "AWS_SECRET_ACCESS_KEY": user["secret_key"]}

    def files(self) -> pyarrow.fs.S3FileSystem:
        """Another client than pulk's: the AWS SDK."""
        return pyarrow.fs.S3FileSystem(access_key=self.mover["access_key"], secret_key=self.mover["secret_key"], scheme="http",
                                       endpoint_override=self.endpoint.removeprefix("http://"), region="us-east-1")

    def keys(self, prefix="") -> list:
        selector = pyarrow.fs.FileSelector(BUCKET + "/" + prefix, recursive=True, allow_not_found=True)
        return sorted(file.path.removeprefix(BUCKET + "/") for file in self.files().get_file_info(selector) if file.is_file)

    def content(self, key) -> bytes:
        with self.files().open_input_stream(f"{BUCKET}/{key}", compression=None) as stream:
            return stream.read()

    def remove(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)
        self._process.stdout.close()
        self._log.close()
