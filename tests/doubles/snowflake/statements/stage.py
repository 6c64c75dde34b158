"""PUT, GET, LIST, REMOVE: the first two are answered with what a client needs to move the bytes itself."""

import re

from .. import errors, results
from ..options import Scanner, unquote
from ..results import Result, of_rows
from ..stages import http_date
from ..types import NUMBER

_PUT = re.compile(r"""^\s*(PUT|GET)\s+('(?:[^'\\]|\\.|'')*'|\S+)\s+('(?:[^'\\]|\\.|'')*'|\S+)\s*(.*)$""", re.I | re.S)


# A client that must not overwrite looks whether its header is among those signed.
_SIGNED = ("?X-Goog-SignedHeaders=content-encoding%3Bhost%3Bx-goog-if-generation-match%3Bx-goog-meta-encryptiondata"
           "%3Bx-goog-meta-matdesc%3Bx-goog-meta-sfc-digest")


def _read(sql: str) -> tuple:
    sql = re.sub(r"^\s*(--[^\n]*\n|/\*.*?\*/\s*)+", "", sql, flags=re.S).strip().rstrip(";")
    found = _PUT.match(sql)
    if not found:
        raise errors.syntax(1, 0, sql[:20])
    first, second = (unquote(t) if t.startswith("'") else t for t in found.group(2, 3))
    return first, second, Scanner(found[4]).options({"PARALLEL", "AUTO_COMPRESS", "SOURCE_COMPRESSION", "OVERWRITE", "PATTERN"})


def _client_creds() -> dict:
    return {"AWS_KEY_ID": "", "AWS_SECRET_KEY": "", "AWS_TOKEN": "", "AZURE_SAS_TOKEN": None, "GCS_ACCESS_TOKEN": None}


def put(service, session, query) -> Result:
    source, target, options = _read(query.sql)
    if not source.startswith("file://"):
        raise errors.compilation("001011", f"invalid URL prefix found in: '{source}'")
    location = service.stages.locate(session, target)
    if location.external:
        raise errors.SnowflakeError("253006", "PUT is not supported for external stages: upload with the cloud's own tools.", "0A000")
    if location.label and not location.label.startswith(("@~", "@%")):
        service.require(session, "WRITE", "STAGE", location.label[1:])
    folder = service.stages.target(location)
    if service.settings["put_keeps_old_file"] and (folder / source.rsplit("/", 1)[-1]).exists():
        folder = service.stages.folder / "cache"
    info = _stage_info(folder)
    if service.settings["put_by_url"] or session.application.startswith("PythonConnector 5"):
        # The client sends PUT again with a file's final name, to get a URL for that file.
        name = source.rsplit("/", 1)[-1]
        url = None if "*" in name or "?" in name else service.offer_file(str(folder / name)) + _SIGNED
        info = {**info, "locationType": "GCS", "location": "stand-in/", "presignedUrl": url}
    return Result([], rows=[], statement=results.OTHER, answer={
        "uploadInfo": info, "src_locations": [source[len("file://"):]],
        "parallel": int(options.get("PARALLEL", 4)), "threshold": 209715200,
        "autoCompress": bool(options.get("AUTO_COMPRESS", True)), "overwrite": bool(options.get("OVERWRITE", False)),
        "sourceCompression": str(options.get("SOURCE_COMPRESSION", "auto_detect")).lower(), "clientShowEncryptionParameter": False,
        "queryId": query.id, "encryptionMaterial": None, "stageInfo": info, "command": "UPLOAD", "kind": None,
        "operation": "Node"})


def _stage_info(folder) -> dict:
    return {"locationType": "LOCAL_FS", "location": str(folder), "path": "", "region": "us-east-1", "storageAccount": None,
            "isClientSideEncrypted": False, "creds": _client_creds(), "presignedUrl": None, "endPoint": None,
            "useS3RegionalUrl": False, "useRegionalUrl": False, "useVirtualUrl": False}


def get(service, session, query) -> Result:
    source, target, options = _read(query.sql)
    if not target.startswith("file://"):
        raise errors.compilation("001011", f"invalid URL prefix found in: '{target}'")
    location = service.stages.locate(session, source)
    files = service.stages.files(location, options.get("PATTERN"))
    # GCS with a URL per file: the only kind that all clients fetch over plain http.
    urls = [service.offer_file(f.source) for f in files]
    return Result([], rows=[], statement=results.OTHER, answer={
        "src_locations": [f.key for f in files], "presignedUrls": urls, "localLocation": target[len("file://"):],
        "parallel": int(options.get("PARALLEL", 10)), "threshold": 0, "command": "DOWNLOAD", "kind": None, "operation": "Node",
        "queryId": query.id, "encryptionMaterial": [], "autoCompress": False, "overwrite": True, "sourceCompression": "none",
        "stageInfo": {**_stage_info(location.root), "locationType": "GCS", "location": "stand-in/"}})


def list_files(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.next()
    token = scanner.next()
    text = unquote(token.text) if token.kind == "string" else token.text
    options = scanner.options({"PATTERN"})
    location = service.stages.locate(session, text)
    if location.label and not location.label.startswith(("@~", "@%")):
        service.require(session, "USAGE" if location.external else "READ", "STAGE", location.label[1:])
    files = service.stages.files(location, options.get("PATTERN"))
    return of_rows(["name", ("size", NUMBER), "md5", "last_modified"],
                   [[f.name, f.size, f.md5, http_date(f.modified)] for f in files], results.LIST)


def remove(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.next()
    token = scanner.next()
    text = unquote(token.text) if token.kind == "string" else token.text
    options = scanner.options({"PATTERN"})
    location = service.stages.locate(session, text)
    if location.label and not location.label.startswith(("@~", "@%")):
        service.require(session, "USAGE" if location.external else "WRITE", "STAGE", location.label[1:])
    files = service.stages.files(location, options.get("PATTERN"))
    if not service.settings["remove_ignored"]:
        service.stages.remove(location, files)
    return of_rows(["name", "result"], [[f.name, "removed"] for f in files], results.OTHER)
