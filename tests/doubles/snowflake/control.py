"""The control interface, on a port of its own: tests make users, break things, and look.

POST a JSON object to one of the paths below; the answer is JSON. It has no password: it listens on 127.0.0.1 only.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import wrongs
from .translate import name_parts


def users(service, body):
    """A user, made or replaced: name and the fields of accounts.User."""
    name = body.pop("name")
    service.account.add_user(name, **body)
    return {"name": name.upper()}


def roles(service, body):
    """A role: name, grants (a list of "PRIVILEGE ON KIND PATTERN", or null for everything)."""
    service.account.add_role(body["name"], body.get("grants"))
    return {}


def warehouses(service, body):
    """A warehouse: name; with drop: true it goes."""
    name = body["name"].upper()
    if body.get("drop"):
        service.account.warehouses.pop(name, None)
    else:
        service.account.warehouses[name] = {"size": body.get("size", "X-Small"), "state": "STARTED"}
    return {}


def databases(service, body):
    """A database: name (and schemas, a list)."""
    from .catalog import Schema
    names = name_parts(body["name"])
    database = service.catalog.databases.get(names[0]) or service.catalog.create_database(names[0], "ACCOUNTADMIN")
    for schema in body.get("schemas", []):
        name = name_parts(schema)[0]
        database.schemas.setdefault(name, Schema(name, "ACCOUNTADMIN"))
    return {}


def settings(service, body):
    """Changes settings of service.SETTINGS; answers with all of them."""
    unknown = set(body) - set(service.settings)
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}")
    service.settings.update(body)
    wrongs.apply(service)
    return service.settings


def faults(service, body):
    """Adds a fault (fields of faults.Fault), or with clear: true forgets all."""
    if body.get("clear"):
        service.faults.clear()
        return {}
    service.faults.add(**body)
    return {}


def fault_counts(service, body):
    """How often each fault was done."""
    return [{"action": f.action, "path": f.path, "sql": f.sql, "times": f.times, "done": f.done} for f in service.faults.faults]


def _sessions(service, body):
    chosen = [s for s in service.sessions.by_id.values() if not s.closed]
    if "session" in body:
        chosen = [s for s in chosen if s.id == int(body["session"])]
    if "user" in body:
        chosen = [s for s in chosen if s.user.name == body["user"].upper()]
    return chosen


def expire(service, body):
    """Expires the tokens of sessions (all, or of one user or session): what = session or master."""
    chosen = _sessions(service, body)
    for session in chosen:
        if body.get("what", "session") == "master":
            service.sessions.expire_master(session)
        service.sessions.expire_tokens(session)
    return {"sessions": len(chosen)}


def kill_sessions(service, body):
    """Ends sessions as the service does: transactions are rolled back."""
    chosen = _sessions(service, body)
    for session in chosen:
        service.end_session(session)
    return {"sessions": len(chosen)}


def sessions(service, body):
    """All sessions that are open."""
    return [{"id": s.id, "user": s.user.name, "role": s.role, "warehouse": s.warehouse, "database": s.database, "schema": s.schema,
             "application": s.application, "busy": s.busy, "last_seen": s.last_seen,
             "transaction": s.transaction.id if s.transaction else None, "parameters": s.parameters}
            for s in service.sessions.by_id.values() if not s.closed]


def transactions(service, body):
    """All transactions that are open."""
    return [{"id": t.id, "session": t.session.id, "user": t.session.user.name, "started": t.started,
             "locks": list(t.locks), "tables": list(t.touched)} for t in service.transactions.open.values()]


def waiting(service, body):
    """Statements that wait for a lock."""
    return [{"query": query, "table": table.name, "since": since} for query, (_, table, since) in service.transactions.waiting.items()]


def history(service, body):
    """Statements, oldest first; with `after` (an id) only those behind it."""
    out = [{"id": q.id, "sql": q.shown_sql, "status": q.status, "code": q.error.code if q.error else None,
            "message": q.error.message if q.error else None, "tag": q.tag, "session": q.session.id, "user": q.session.user.name,
            "role": q.session.role, "started": q.started_at / 10**9, "ended": q.ended_at, "requestId": q.request_id,
            "rows": q.count} for q in service.queries.values()]
    if "after" in body:
        ids = [q["id"] for q in out]
        out = out[ids.index(body["after"]) + 1:]
    return out


def requests(service, body):
    """HTTP requests, oldest first."""
    return service.requests


def counters(service, body):
    """Numbers of requests by path, of statements by first word, of rows loaded."""
    paths, words = {}, {}
    for request in service.requests:
        paths[request["path"]] = paths.get(request["path"], 0) + 1
    for query in service.queries.values():
        words[query.kind] = words.get(query.kind, 0) + 1
    return {"requests": paths, "statements": words, "sessions": len(service.sessions.by_id),
            "files_loaded": len(service.load_history.entries)}


def s3(service, body):
    """The S3 server that external stages read from: endpoint, access_key, secret_key, region."""
    service.s3 = body
    return {}


def ping(service, body):
    return {"version": service.version}


_PATHS = {name: value for name, value in globals().items() if callable(value) and getattr(value, "__module__", None) == __name__
          and not name.startswith("_")}


class ControlServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, service):
        super().__init__(address, Control)
        self.service = service


class Control(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        function = _PATHS.get(self.path.strip("/"))
        try:
            if function is None:
                raise ValueError(f"no such path: {self.path}; there are {sorted(_PATHS)}")
            with self.server.service.lock:
                status, answer = 200, json.dumps(function(self.server.service, body))
        except Exception as error:  # told to the test
            status, answer = 400, json.dumps({"error": f"{type(error).__name__}: {error}"})
        data = answer.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST
