"""The HTTP front that clients speak to. One thread per connection; the state is behind the service's lock."""

import os
import re
import socket
import time
import traceback
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlsplit

from . import auth, errors, results
from .errors import SnowflakeError
from .wire import TOKEN, Wire


class FrontServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, service):
        super().__init__(address, Front)
        self.service = service

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the tests."""


class Front(Wire):
    # --- routes

    def do_POST(self):
        self._handle()

    def do_GET(self):
        self._handle()

    def do_HEAD(self):
        self._handle()

    def do_PUT(self):
        self._handle()

    def _handle(self):
        url = urlsplit(self.path)
        arguments = {k: v[0] for k, v in parse_qs(url.query).items()}
        # A body that is not read would be taken for the next request.
        if self.command == "PUT":
            return self._upload(url.path)
        try:
            body = self._read()
        except (ValueError, OSError):
            self._send(400, b"")
            return
        sql = body.get("sqlText") if isinstance(body, dict) else None
        user = None
        if url.path not in ("/session/v1/login-request", "/telemetry/send"):
            found = TOKEN.search(self.headers.get("Authorization") or "")
            session = self.service.sessions._tokens.get(found.group(1)) if found else None
            user = session.user.name if session else None
        self.service.requests.append({"at": time.time(), "method": self.command, "path": url.path, "user": user,
                                      "requestId": arguments.get("requestId"), "retryCount": arguments.get("retryCount"),
                                      "agent": self.headers.get("User-Agent")})
        try:
            if self._fault(url.path, sql, user, "before"):
                return
            self._route(url.path, arguments, body, sql, user)
        except SnowflakeError as error:
            self._error(error)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as error:  # a fault of the stand-in: told to the test, not hidden
            traceback.print_exc()
            self._error(SnowflakeError("000603", f"SQL execution internal error: the stand-in failed: {type(error).__name__}: "
                                       f"{error}", "XX000"))

    def _answer(self, path, sql, user, send):
        """Sends, unless a test wants the answer to be lost."""
        if not self._fault(path, sql, user, "after"):
            send()

    def _route(self, path, arguments, body, sql, user):
        if path == "/session/v1/login-request":
            return self._answer(path, sql, user, self._login(arguments, body.get("data") or {}))
        if path == "/session/token-request":
            return self._answer(path, sql, user, self._renew())
        if path == "/session/heartbeat":
            self._session()
            return self._json(None)
        if path == "/session":
            return self._close(arguments)
        if path == "/queries/v1/query-request":
            return self._query(path, arguments, body, user)
        if path == "/queries/v1/abort-request":
            return self._abort(body)
        found = re.fullmatch(r"/queries/([^/]+)/result(?:/.*)?", path)
        if found:
            return self._later(found[1], path, user)
        found = re.fullmatch(r"/monitoring/queries/([^/]+)", path)
        if found:
            return self._monitor(found[1])
        found = re.fullmatch(r"/chunks/([^/]+)/(\d+)", path)
        if found:
            return self._chunk(found[1], int(found[2]), arguments)
        found = re.fullmatch(r"/files/([^/]+)", path)
        if found:
            return self._file(found[1])
        if path.startswith("/telemetry") or path == "/healthcheck":
            return self._json({})
        return self._send(404, b"{}")

    def _login(self, arguments, data):
        service = self.service
        with service.lock:
            user = auth.log_in(service.account, data)
            given = data.get("SESSION_PARAMETERS") or {}

            def named(key):
                text = arguments.get(key)
                if text is None:
                    return None
                from .translate import name_parts
                parts = name_parts(unquote_plus(text) if "%" in text else text)
                return parts[0] if parts else None
            wanted = {"role": named("roleName"), "warehouse": named("warehouse"), "database": named("databaseName"),
                      "schema": named("schemaName"),
                      "validate": str(given.get("CLIENT_VALIDATE_DEFAULT_PARAMETERS", "")).lower() == "true"}
            session = service.open_session(user, f"{data.get('CLIENT_APP_ID') or ''} {data.get('CLIENT_APP_VERSION') or ''}", wanted)
            for name, value in given.items():
                session.set_parameter(name.upper(), value)
            answer = {
                "token": session.token, "masterToken": session.master_token,
                "validityInSeconds": int(service.settings["session_token_seconds"]),
                "masterValidityInSeconds": int(service.settings["master_token_seconds"]), "displayUserName": user.name,
                "serverVersion": service.version, "firstLogin": False, "remMeToken": None, "remMeValidityInSeconds": 0,
                "healthCheckInterval": 45, "sessionId": session.id, "parameters": session.shown_parameters(),
                "sessionInfo": {"databaseName": session.database, "schemaName": session.schema,
                                "warehouseName": session.warehouse, "roleName": session.role},
                "idToken": None, "idTokenValidityInSeconds": 0, "responseData": None, "mfaToken": None,
                "mfaTokenValidityInSeconds": 0}
        return lambda: self._json(answer)

    def _renew(self):
        found = TOKEN.search(self.headers.get("Authorization") or "")
        with self.service.lock:
            session = self.service.sessions.renew(found.group(1) if found else None, None)
            answer = {"sessionToken": session.token, "masterToken": session.master_token, "sessionId": session.id,
                      "validityInSecondsST": int(self.service.settings["session_token_seconds"]),
                      "validityInSecondsMT": int(self.service.settings["master_token_seconds"])}
        return lambda: self._json(answer)

    def _close(self, arguments):
        try:
            session = self._session()
        except SnowflakeError:
            return self._json(None)
        if arguments.get("delete") == "true":
            with self.service.lock:
                self.service.end_session(session)
        return self._json(None)

    # --- statements

    def _query(self, path, arguments, body, user):
        session = self._session()
        sql = body.get("sqlText") or ""
        parameters = body.get("parameters") or {}
        if int(parameters.get("MULTI_STATEMENT_COUNT", 1) or 1) not in (0, 1) or (
                parameters.get("MULTI_STATEMENT_COUNT") in (0, "0")):
            raise errors.NotImplementedHere("several statements in one request")
        query = self.service.submit(session, sql, arguments.get("requestId"), body.get("bindings"), parameters.get("QUERY_TAG"),
                                    bool(body.get("describeOnly")))
        if body.get("asyncExec"):
            return self._answer(path, sql, user, lambda: self._in_progress(query, True))
        self._watch(query)
        self._answer(path, sql, user, lambda: self._finished(query))

    def _watch(self, query):
        """Waits for the statement; ends it when the client is gone and ABORT_DETACHED_QUERY says so."""
        ends = time.monotonic() + self.service.settings["answer_within_seconds"]
        while not query.done.wait(min(0.5, max(0.0, ends - time.monotonic()))) and time.monotonic() < ends:
            if self._client_is_gone() and query.session.parameter("ABORT_DETACHED_QUERY"):
                if query.done.wait(self.service.settings["detached_query_seconds"]):
                    return
                self.service.cancel(query)
                return

    def _client_is_gone(self) -> bool:
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _in_progress(self, query, asynchronous):
        code = "333334" if asynchronous else "333333"
        url = f"/queries/{query.id}/result"
        data = {"queryId": query.id, "getResultUrl": url, "queryAbortsAfterSecs": 300, "progressDesc": None}
        self._json(data, True, code, "Query execution in progress. Asynchronous execution requested." if asynchronous
                   else "Query execution in progress.")

    def _finished(self, query):
        if not query.done.is_set():
            return self._in_progress(query, False)
        if query.error:
            return self._error(query.error, query)
        self._json(self._data(query))

    def _data(self, query) -> dict:
        session, result = query.session, query.result
        with self.service.lock:
            common = {"parameters": session.shown_parameters(), "queryId": query.id, "finalDatabaseName": session.database,
                      "finalSchemaName": session.schema, "finalWarehouseName": session.warehouse,
                      "finalRoleName": session.role, "databaseProvider": None, "sqlState": "00000"}
            if result.answer is not None:
                return {**result.answer, **common}
            if query.answered is None:
                form = "arrow"
                if "JSON" in (str(session.parameter("GO_QUERY_RESULT_FORMAT")).upper(),
                              str(session.parameter("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT")).upper()):
                    form = "json"
                query.answered, query.chunks = results.answer(result, form, int(self.service.settings["chunk_rows"]))
                if self.service.settings["reuse_results"] and not query.describe:
                    self.service.kept_results[query.sql] = result, query.answered, query.chunks
            data = {**query.answered, **common, "queryResultFormat": query.answered["queryResultFormat"],
                    "sendResultTime": int(time.time() * 1000)}
            if query.chunks.parts:
                data["chunks"] = [{"url": f"{self.service.base_url}/chunks/{query.id}/{n}?sig={query.id[-12:]}", "rowCount": rows,
                                   "uncompressedSize": size, "compressedSize": len(body)}
                                  for n, (body, rows, size) in enumerate(query.chunks.parts)]
                data["chunkHeaders"] = {"x-amz-server-side-encryption-customer-algorithm": "AES256",
                                        "x-amz-server-side-encryption-customer-key": "c3RhbmQtaW4="}
                data["qrmk"] = None
            return data

    def _later(self, query_id, path, user):
        session = self._session()
        query = self.service.queries.get(query_id)
        if query is None or query.session.user is not session.user:
            raise SnowflakeError("000709", f"Statement {query_id} not found", "02000")
        query.done.wait(self.service.settings["answer_within_seconds"])
        self._answer(path, query.sql, user, lambda: self._finished(query))

    def _monitor(self, query_id):
        self._session()
        query = self.service.queries.get(query_id)
        listed = []
        if query is not None:
            state = {"FAIL": "FAILED_WITH_ERROR"}.get(query.status, query.status)
            listed.append({"id": query.id, "status": state, "state": state, "sqlText": query.shown_sql,
                           "startTime": query.started_at // 10**6, "endTime": int((query.ended_at or 0) * 1000),
                           "errorCode": query.error.code if query.error else "", "errorMessage": query.error.message if
                           query.error else None, "sessionId": query.session.id})
        self._json({"queries": listed})

    def _abort(self, body):
        session = self._session()
        query = self.service.by_request.get((session.id, body.get("requestId")))
        if query is not None:
            self.service.cancel(query)
        self._json(None)

    def _chunk(self, query_id, number, arguments):
        query = self.service.queries.get(query_id)
        if query is None or query.chunks is None or arguments.get("sig") != query.id[-12:]:
            return self._send(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml")
        body, _, _ = query.chunks.parts[number]
        kind = "binary/octet-stream"
        self._send(200, body, kind, [("Content-Encoding", "gzip")])

    def _upload(self, path):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.service.offered.get(path.rsplit("/", 1)[-1])
        if target is None:
            return self._send(403, b"")
        if self.headers.get("x-goog-if-generation-match") == "0" and os.path.exists(target):
            return self._send(412, b"")
        with open(target + ".part", "wb") as file:
            file.write(data)
        os.rename(target + ".part", target)
        self._send(200, b"")

    def _file(self, token):
        path = self.service.offered.get(token)
        if path is None or not os.path.exists(path):
            return self._send(404, b"")
        data = open(path, "rb").read()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        headers = [("Accept-Ranges", "bytes")]
        if wanted and data:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
            headers.append(("Content-Range", f"bytes {first}-{last}/{len(data)}"))
            return self._send(206, data[first:last + 1], "application/octet-stream", headers)
        self._send(200, data, "application/octet-stream", headers)
