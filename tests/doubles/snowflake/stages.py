"""Where staged files lie: folders for the internal stages, an S3 server for the external ones."""

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from . import errors
from .catalog import Stage, dotted, render
from .translate import name_parts

_REFERENCE = re.compile(r"""^@(?:(?P<user>~)|(?P<names>(?:(?:"(?:[^"]|"")*"|[\w$]+)\.){0,2})(?P<table>%?)(?P<last>"(?:[^"]|"")*"|[\w$]+))
                            (?:/(?P<path>.*))?$""", re.X | re.S)


@dataclass
class StagedFile:
    key: str         # below the stage
    name: str        # as LIST shows it
    size: int
    md5: str
    modified: float
    source: str      # a path on this machine, or bucket/key


@dataclass
class Location:
    """A stage, and a path below it."""

    stage: Stage                 # with the options; made up for @~ and @%t
    root: Path                   # of an internal stage
    shown: str                   # what LIST puts before a key
    prefix: str
    identity: str                # tells stages apart in the load history
    bucket: str = None
    base: str = ""               # key prefix of an external stage
    label: str = ""              # as messages name it

    @property
    def external(self) -> bool:
        return self.bucket is not None


class StageStore:
    """Callers hold the service's lock, except for the bytes of PUT and GET, which go past it."""

    def __init__(self, service, folder: Path):
        self.service, self.folder = service, folder
        self._digests = {}
        (folder / "stages").mkdir(parents=True, exist_ok=True)
        (folder / "cache").mkdir(exist_ok=True)

    def locate(self, session, text: str) -> Location:
        found = _REFERENCE.match(text.strip())
        if not found:
            raise errors.compilation("001011", f"invalid URL prefix found in: '{text}'")
        path = found["path"] or ""
        root = self.folder / "stages"
        if found["user"]:
            folder = root / f"user_{session.user.name}"
            return self._internal(Stage("~"), folder, "", path, f"~{session.user.name}", "@~")
        names = [n for n in name_parts(found["names"].rstrip("."))] if found["names"] else []
        last = name_parts(found["last"])[0]
        if found["table"]:
            table_path, table = self.service.catalog.table(session, [*names, last], "operation")
            return self._internal(Stage("%" + last), root / f"table_{table.id}", "", path, f"%{table.id}",
                                  "@%" + dotted(*table_path))
        stage_path, stage = self.service.catalog.stage(session, [*names, last])
        label = "@" + dotted(*stage_path)
        if stage.url:
            match = re.fullmatch(r"s3(?:compat|china|gov)?://([^/]+)/?(.*)", stage.url)
            if not match:
                raise errors.NotImplementedHere(f"external stages that are not on S3: {stage.url}")
            base = match[2]
            return Location(stage, None, stage.url if stage.url.endswith("/") else stage.url + "/", path, f"s{stage.id}",
                            match[1], base, label)
        return self._internal(stage, root / f"stage_{stage.id}", stage.name.lower() + "/", path, f"s{stage.id}", label)

    def _internal(self, stage, folder, shown, path, identity, label) -> Location:
        folder.mkdir(parents=True, exist_ok=True)
        return Location(stage, folder, shown, path, identity, label=label)

    # --- reading

    def files(self, location: Location, pattern=None) -> list:
        """All files whose key starts with the location's path, by name; `pattern` matches the whole key."""
        found = self._s3_files(location) if location.external else self._local_files(location)
        if pattern is not None:
            try:
                expression = re.compile(pattern)
            except re.error:
                raise errors.compilation("100048", f"Invalid regular expression: '{pattern}'") from None
            found = [f for f in found if expression.fullmatch(f.key) or expression.fullmatch(f.name)]
        return sorted(found, key=lambda f: f.key)

    def _local_files(self, location) -> list:
        out = []
        for folder, _, names in os.walk(location.root):
            for name in names:
                path = Path(folder, name)
                key = path.relative_to(location.root).as_posix()
                if not key.startswith(location.prefix):
                    continue
                facts = path.stat()
                out.append(StagedFile(key, location.shown + key, facts.st_size, self._md5(str(path), facts, path),
                                      facts.st_mtime, str(path)))
        return out

    def _md5(self, name, facts, path) -> str:
        mark = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
        known = self._digests.get(name)
        if known is None or known[0] != mark:
            with open(path, "rb") as file:
                known = (mark, hashlib.file_digest(file, "md5").hexdigest())
            self._digests[name] = known
        return known[1]

    def _s3(self, location):
        from pyarrow import fs
        given, server = location.stage.credentials, self.service.s3
        if not server:
            raise errors.NotImplementedHere("external stages without an S3 server: start the stand-in with --s3-endpoint")
        scheme, _, endpoint = server["endpoint"].rpartition("://")
        return fs.S3FileSystem(access_key=given.get("AWS_KEY_ID") or server.get("access_key"),
                               secret_key=given.get("AWS_SECRET_KEY") or server.get("secret_key"),
                               session_token=given.get("AWS_TOKEN"), endpoint_override=endpoint,
                               scheme=scheme or "http", region=server.get("region", "us-east-1"),
                               connect_timeout=5, request_timeout=30)

    def _s3_files(self, location) -> list:
        from pyarrow import fs
        files = self._s3(location)
        base = location.base + ("/" if location.base and not location.base.endswith("/") else "")
        start = base + location.prefix
        folder = start.rsplit("/", 1)[0] if "/" in start else ""
        try:
            infos = files.get_file_info(fs.FileSelector("/".join(p for p in (location.bucket, folder) if p),
                                                        recursive=True, allow_not_found=True))
        except OSError as error:
            raise self._refused(location, error) from None
        out = []
        for info in infos:
            key = info.path[len(location.bucket) + 1:]
            if info.type != fs.FileType.File or not key.startswith(start):
                continue
            path = self._cached(files, info)
            out.append(StagedFile(key[len(base):], location.shown + key[len(base):], info.size,
                                  self._md5(str(path), path.stat(), path), info.mtime.timestamp(), str(path)))
        return out

    def _cached(self, files, info) -> Path:
        mark = hashlib.sha1(f"{info.path} {info.mtime_ns} {info.size}".encode()).hexdigest()
        path = self.folder / "cache" / mark
        if not path.exists():
            with files.open_input_stream(info.path) as source, open(str(path) + ".part", "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            os.rename(str(path) + ".part", path)
        return path

    def _refused(self, location, error):
        return errors.SnowflakeError("100356", f"Failed to access remote file: access denied. Please check your credentials "
                                     f"({location.shown})", "22000")

    # --- writing

    def target(self, location: Location) -> Path:
        """The folder that PUT writes to."""
        folder = location.root / location.prefix
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write(self, location: Location, key: str, data: bytes):
        if not location.external:
            path = location.root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return
        base = location.base + ("/" if location.base and not location.base.endswith("/") else "")
        try:
            with self._s3(location).open_output_stream(f"{location.bucket}/{base}{key}") as file:
                file.write(data)
        except OSError as error:
            raise self._refused(location, error) from None

    def remove(self, location: Location, files: list):
        for file in files:
            if location.external:
                base = location.base + ("/" if location.base and not location.base.endswith("/") else "")
                self._s3(location).delete_file(f"{location.bucket}/{base}{file.key}")
            else:
                Path(file.source).unlink(missing_ok=True)

    def drop(self, stage: Stage):
        shutil.rmtree(self.folder / "stages" / f"stage_{stage.id}", ignore_errors=True)


def http_date(seconds: float) -> str:
    """As LIST prints it."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


def parent_of(location: Location) -> str:
    return render(location.stage.name)
