"""One HTTP request: reading it, the answer's envelope, and faults on order."""

import gzip
import json
import re
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler

from .errors import SnowflakeError

TOKEN = re.compile(r'Snowflake Token="([^"]*)"')


class Wire(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _half = False

    def log_message(self, *arguments):
        pass

    @property
    def service(self):
        return self.server.service

    def _read(self) -> dict:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.headers.get("Content-Encoding") == "gzip" or body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        return json.loads(body) if body.strip() else {}

    def _send(self, status: int, body: bytes, kind="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if len(body) > 4096 and kind == "application/json" and "gzip" in (self.headers.get("Accept-Encoding") or ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self._half:
            self.wfile.write(body[:len(body) // 2])
            return self._cut()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, data, success=True, code=None, message=None, status=200, headers=()):
        body = {"data": data, "code": code, "message": message, "success": success}
        self._send(status, json.dumps(body, ensure_ascii=False).encode(), headers=headers)

    def _error(self, error: SnowflakeError, query=None):
        data = {"internalError": False, "errorCode": error.code, "age": 0, "sqlState": error.sqlstate, "line": -1, "pos": -1,
                "type": "COMPILATION" if "compilation" in error.message[:24] else "INTERNAL",
                "queryId": query.id if query else None}
        self._json(data, False, error.code, error.message)

    def _cut(self):
        """Ends the connection at once (RST), as a load balancer does that loses its server."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _session(self):
        found = TOKEN.search(self.headers.get("Authorization") or "")
        with self.service.lock:
            return self.service.sessions.by_token(found.group(1) if found else None)

    def _fault(self, path, sql, user, when) -> bool:
        """Does what a test asked for; True when the request is over by that."""
        fault = self.service.faults.take(path, sql, user, when, ("status", "close", "half", "hang", "delay", "expire"))
        if fault is None:
            return False
        if fault.action == "half":
            self._half = True
            return False
        if fault.action == "delay":
            time.sleep(fault.seconds)
            return False
        if fault.action == "hang":
            time.sleep(fault.seconds)
            self._cut()
        elif fault.action == "close":
            self._cut()
        elif fault.action == "expire":
            self._error(SnowflakeError("390112", "Your session has expired. Please login again.", "08001"))
        else:
            headers = [("Retry-After", "1")] if fault.status == 429 else []
            self._send(fault.status, b"", headers=headers)
        return True
