"""The service: everything that sessions share, and the life of a statement.

One lock guards all state and the engine. A statement holds it while it runs and lets it go while it waits (for another
transaction's lock, or because a test wants it to take long).
"""

import re
import secrets
import threading
import time
import traceback
import uuid
from collections import OrderedDict
from pathlib import Path

from . import accounts, errors, execute, wrongs
from .catalog import Catalog, Table
from .engine import Engine
from .faults import Faults
from .information import Information
from .load_history import LoadHistory
from .sessions import Sessions
from .staged_relation import StageRelations
from .stages import StageStore
from .system import SystemFunctions
from .table_functions import TableFunctions
from .transactions import IDLE_SECONDS, Transactions

SETTINGS = {
    "session_token_seconds": 3600.0, "master_token_seconds": 14400.0,
    "answer_within_seconds": 45.0,        # longer statements are answered with "in progress"
    "chunk_rows": 100_000,                # rows inline, and rows per further chunk
    "transaction_idle_seconds": IDLE_SECONDS,
    "detached_query_seconds": 300.0,
    # What a session hears whose transaction was ended from outside: nothing, or an error until COMMIT or ROLLBACK.
    "report_ended_transactions": False,
    "put_by_url": False,                  # PUT over HTTP instead of into the stage's folder
    "reuse_results": False,               # a text that was answered before gets the same rows, whatever has changed: for benchmarks
    **wrongs.SETTINGS,
}
_SECRETS = re.compile(r"((?:AWS_KEY_ID|AWS_SECRET_KEY|AWS_TOKEN|PASSWORD|TOKEN|SECRET)\s*=\s*)'(?:[^'\\]|''|\\.)*'", re.I)


_KEPT_RESULTS = 200


class Query:
    """One statement, from its arrival to its result. `done` is set when there is a result or an error."""

    def __init__(self, session, sql: str, request_id, tag: str):
        self.id = "01" + uuid.uuid4().hex[2:8] + str(uuid.uuid4())[8:]
        self.session, self.sql, self.request_id, self.tag = session, sql, request_id, tag
        self.bindings = {}
        self.describe = False
        self.started_at = time.time_ns()
        self.ended_at = None
        self.result = self.error = None
        self.answered = None            # (data, Chunks), made once
        self.chunks = None
        self.count = None               # rows of the result
        self.kind = ""
        self.cancelled = False
        self.done = threading.Event()
        self.at_end = []

    @property
    def shown_sql(self) -> str:
        return _SECRETS.sub(r"\1'****'", self.sql)

    @property
    def status(self) -> str:
        if not self.done.is_set():
            return "RUNNING"
        return "FAIL" if self.error else "SUCCESS"

    def check(self):
        if self.cancelled:
            raise errors.canceled()


class Service:
    version = "9.36.2"

    def __init__(self, folder: Path, account="ACCT", s3=None):
        self.lock = threading.Condition(threading.RLock())
        self.settings = dict(SETTINGS)
        self.s3 = s3
        self.account = accounts.Account(account)
        self.engine = Engine()
        self.catalog = Catalog(self.sees)
        self.transactions = Transactions(self)
        self.sessions = Sessions(self.settings)
        self.stages = StageStore(self, Path(folder))
        self.stage_relations = StageRelations(self)
        self.table_functions = TableFunctions(self)
        self.information = Information(self)
        self.system = SystemFunctions(self)
        self.load_history = LoadHistory()
        self.faults = Faults()
        self.queries = OrderedDict()
        self.by_request = {}
        self.kept_results = {}          # by text: result, answer, chunks (see reuse_results)
        self.requests = []              # of HTTP, for tests
        self.offered = {}               # token → path of a file to download
        self.current = None             # the statement that runs
        self.base_url = ""

    # --- sessions

    def open_session(self, user, application, wanted: dict):
        session = self.sessions.open(user, application)
        role = wanted.get("role") or user.default_role or user.roles[0]
        if role not in self.account.roles or role not in user.roles:
            raise errors.SnowflakeError("390189", f"Role '{role}' specified in the connect string does not exist or not "
                                        "authorized. Contact your local system administrator, or attempt to login with another "
                                        "role, e.g. PUBLIC.", "08001")
        session.role = role
        warehouse = wanted.get("warehouse") or user.default_warehouse
        if warehouse in self.account.warehouses and self.sees(session, "WAREHOUSE", warehouse):
            session.warehouse = warehouse
        strict = wanted.get("validate")
        if strict and wanted.get("warehouse") and session.warehouse is None:
            raise errors.SnowflakeError("390201", "The requested warehouse does not exist or not authorized.", "08001")
        database, schema = wanted.get("database"), wanted.get("schema")
        if database is None and user.default_namespace:
            from .translate import name_parts
            database, *rest = name_parts(user.default_namespace)
            schema = schema or (rest[0] if rest else None)
        if database in self.catalog.databases and self.sees(session, "DATABASE", database):
            session.database = database
            schemas = self.catalog.databases[database].schemas
            if schema in schemas:
                session.schema = schema
            elif schema is None and "PUBLIC" in schemas:
                session.schema = "PUBLIC"
            elif strict and schema:
                raise errors.SnowflakeError("390201", "The requested schema does not exist or not authorized.", "08001")
        elif strict and database:
            raise errors.SnowflakeError("390201", "The requested database does not exist or not authorized.", "08001")
        return session

    def end_session(self, session):
        """A session that is closed: what is open is rolled back, what is temporary is gone."""
        session.closed = True
        for query in list(self.queries.values()):
            if query.session is session and not query.done.is_set() and query is not self.current:
                self.cancel(query)
        with self.engine:
            if session.transaction is not None:
                self.transactions.rollback(session.transaction)
            for gone in self.catalog.drop_session(session.id):
                if isinstance(gone, Table):
                    self.engine.drop_table(gone)
                else:
                    self.stages.drop(gone)

    # --- privileges

    def require(self, session, privilege, kind, name):
        accounts.require(self, session, privilege, kind, name)

    def require_any(self, session, kind, name):
        if not self.sees(session, kind, name):
            raise errors.missing(kind.capitalize(), name)

    def sees(self, session, kind, name) -> bool:
        return accounts.sees(self, session, kind, name)

    def need_warehouse(self, session, node, translator):
        """SELECT without a table, and on INFORMATION_SCHEMA, needs none."""
        if session.warehouse is None and (translator is None or translator.read or node is None or node.key in (
                "insert", "update", "delete", "merge")):
            raise errors.no_warehouse()

    # --- statements

    def submit(self, session, sql: str, request_id, bindings=None, tag=None, describe=False) -> Query:
        """Starts a statement; a request id that was seen before gets the statement of then. `describe`: only the columns."""
        with self.lock:
            self._forget_old_results()
            known = self.by_request.get((session.id, request_id)) if request_id else None
            if known:
                return known
            query = Query(session, sql, request_id, tag if tag is not None else session.parameter("QUERY_TAG"))
            query.bindings, query.describe = bindings or {}, describe
            self.queries[query.id] = query
            if request_id:
                self.by_request[(session.id, request_id)] = query
        threading.Thread(target=self._run, args=(query,), daemon=True).start()
        return query

    def _run(self, query):
        session = query.session
        with session.serial:
            with self.lock:
                session.running += 1
                session.query_ids.append(query.id)
                try:
                    query.started_at = time.time_ns()
                    self.faults.while_running(self, query)
                    query.check()
                    kept = self.kept_results.get(query.sql) if self.settings["reuse_results"] and not query.describe else None
                    if kept:
                        query.result, query.answered, query.chunks = kept
                    else:
                        query.result = execute.run(self, session, query)
                    query.count = query.result.count
                except errors.SnowflakeError as error:
                    query.error = error
                    self._abort_on_error(session)
                except Exception as error:  # a fault of the stand-in: told to the test, not hidden
                    traceback.print_exc()
                    query.error = errors.SnowflakeError("000603", f"SQL execution internal error: the stand-in failed: "
                                                        f"{type(error).__name__}: {error}", "XX000")
                finally:
                    for action in query.at_end:
                        action()
                    session.last_query_id = query.id
                    session.running -= 1
                    session.last_seen = time.time()
                    query.ended_at = time.time()
                    self.current = None
                    query.done.set()
                    self.lock.notify_all()

    def _forget_old_results(self):
        """Rows of results that nobody will ask for again; the statements stay in the history."""
        for query in list(self.queries.values())[-_KEPT_RESULTS - 20:-_KEPT_RESULTS]:
            if query.done.is_set():
                query.result = query.answered = query.chunks = None

    def _abort_on_error(self, session):
        transaction = session.transaction
        if transaction is not None and transaction.explicit and session.parameter("TRANSACTION_ABORT_ON_ERROR"):
            transaction.aborted = True

    def cancel(self, query):
        query.cancelled = True
        if self.current is query:
            self.engine.interrupt()
        with self.lock:
            self.lock.notify_all()

    def pause(self, query, seconds: float):
        """Lets `seconds` go by, without the lock."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            query.check()
            self.lock.wait(min(left, 0.1))
        query.check()

    def result_of(self, query_id, session):
        query = self.queries.get(query_id)
        if query is None or query.result is None or query.session.user is not session.user:
            raise errors.SnowflakeError("000709", f"Statement {query_id} not found", "02000")
        return query.result

    def offer_file(self, path: str) -> str:
        token = secrets.token_urlsafe(16)
        self.offered[token] = path
        return f"{self.base_url}/files/{token}"
