"""Sessions: who is logged in, with which tokens, and what the session is set to."""

import itertools
import secrets
import threading
import time
from collections import OrderedDict

from . import errors

_ids = itertools.count(17592186044417)

# Parameters that statements and clients ask for. The others are kept as they are given.
DEFAULTS = {
    "ABORT_DETACHED_QUERY": False, "AUTOCOMMIT": True, "BINARY_INPUT_FORMAT": "HEX", "BINARY_OUTPUT_FORMAT": "HEX",
    "CLIENT_RESULT_CHUNK_SIZE": 160, "CLIENT_SESSION_KEEP_ALIVE": False, "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "ERROR_ON_NONDETERMINISTIC_MERGE": True, "LOCK_TIMEOUT": 43200, "MULTI_STATEMENT_COUNT": 1, "QUERY_TAG": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False, "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": 0, "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM", "TIMESTAMP_NTZ_OUTPUT_FORMAT":
    "YYYY-MM-DD HH24:MI:SS.FF3", "TIMESTAMP_LTZ_OUTPUT_FORMAT": "", "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS", "TIMEZONE": "America/Los_Angeles", "TRANSACTION_ABORT_ON_ERROR": False,
    "TRANSACTION_DEFAULT_ISOLATION_LEVEL": "READ COMMITTED", "USE_CACHED_RESULT": True,
    "GO_QUERY_RESULT_FORMAT": "ARROW", "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW", "WEEK_START": 0,
}


# What ALTER SESSION takes beside them.
KNOWN = frozenset(DEFAULTS) | frozenset("""
    ACTIVE_PYTHON_PROFILER CLIENT_ENABLE_LOG_INFO_STATEMENT_PARAMETERS CLIENT_MEMORY_LIMIT CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX
    CLIENT_METADATA_USE_SESSION_DATABASE CLIENT_PREFETCH_THREADS CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY
    CLIENT_TIMESTAMP_TYPE_MAPPING DATE_INPUT_FORMAT ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION GEOGRAPHY_OUTPUT_FORMAT
    GEOMETRY_OUTPUT_FORMAT HYBRID_TABLE_LOCK_TIMEOUT JDBC_TREAT_DECIMAL_AS_INT JSON_INDENT LOG_LEVEL ODBC_TREAT_DECIMAL_AS_INT
    ROWS_PER_RESULTSET S3_STAGE_VPCE_DNS_NAME SEARCH_PATH SIMULATED_DATA_SHARING_CONSUMER STRICT_JSON_OUTPUT
    TIMESTAMP_DAY_IS_ALWAYS_24H TIMESTAMP_INPUT_FORMAT TIME_INPUT_FORMAT TRACE_LEVEL TWO_DIGIT_CENTURY_START UNSUPPORTED_DDL_ACTION
    WEEK_OF_YEAR_POLICY ERROR_ON_NONDETERMINISTIC_UPDATE""".split())


class Session:
    def __init__(self, user, application: str):
        self.id = next(_ids)
        self.user = user
        self.application = application
        self.role = self.warehouse = self.database = self.schema = None
        self.parameters = {}
        self.token = self.master_token = None
        self.token_ends = self.master_ends = 0.0
        self.transaction = None
        self.last_transaction = None
        self.lost_transaction = None        # one that was ended from outside
        self.last_query_id = ""
        self.query_ids = []
        self.variables = {}
        self.created = self.last_seen = time.time()
        self.closed = False
        self.serial = threading.RLock()     # one statement after the other
        self.running = 0                    # statements of this session under way

    @property
    def busy(self) -> bool:
        return self.running > 0

    def parameter(self, name: str):
        value = self.parameters.get(name, self.user.parameters.get(name, DEFAULTS.get(name)))
        return value

    def set_parameter(self, name: str, value):
        """`value` as it was given; raises where it is none for this parameter."""
        default = DEFAULTS.get(name)
        if isinstance(default, bool):
            value = value if isinstance(value, bool) else str(value).lower() in ("true", "1", "on")
        elif isinstance(default, int) and default is not None:
            try:
                value = int(value)
            except (TypeError, ValueError):
                raise errors.compilation("001008", f"invalid value [{value}] for parameter '{name}'") from None
        self.parameters[name] = value

    @property
    def zone(self) -> str:
        return self.parameter("TIMEZONE")

    @property
    def formats(self) -> dict:
        both = self.parameter("TIMESTAMP_OUTPUT_FORMAT")
        return {"TIMESTAMP_NTZ": self.parameter("TIMESTAMP_NTZ_OUTPUT_FORMAT") or both,
                "TIMESTAMP_LTZ": self.parameter("TIMESTAMP_LTZ_OUTPUT_FORMAT") or both,
                "TIMESTAMP_TZ": self.parameter("TIMESTAMP_TZ_OUTPUT_FORMAT") or both,
                "TIME": self.parameter("TIME_OUTPUT_FORMAT")}

    def shown_parameters(self) -> list:
        names = dict.fromkeys([*DEFAULTS, *self.parameters])
        return [{"name": name, "value": self.parameter(name)} for name in names]


class Sessions:
    """Tokens to sessions. Thread-safe by the service's lock, which the caller holds."""

    def __init__(self, settings):
        self.settings = settings
        self.by_id = {}
        self._tokens = {}
        self._masters = {}
        self._old = OrderedDict()      # tokens that were renewed or closed: answered with "expired", not "unknown"

    def open(self, user, application: str) -> Session:
        session = Session(user, application)
        self.by_id[session.id] = session
        session.master_token = "ver:3-hint:" + secrets.token_urlsafe(48)
        session.master_ends = time.time() + self.settings["master_token_seconds"]
        self._masters[session.master_token] = session
        self.new_token(session)
        return session

    def new_token(self, session) -> str:
        if session.token:
            self._tokens.pop(session.token, None)
            self._old[session.token] = True
        session.token = "ver:3-hint:" + secrets.token_urlsafe(48)
        session.token_ends = time.time() + self.settings["session_token_seconds"]
        self._tokens[session.token] = session
        return session.token

    def by_token(self, token) -> Session:
        """The session, or the error that makes clients renew (390112) or log in again (390111, 390104)."""
        session = self._tokens.get(token)
        if session is None and token in self._old:
            raise errors.SnowflakeError("390112", "Your session has expired. Please login again.", "08001")
        if session is None:
            raise errors.SnowflakeError("390104", "The token provided is invalid: please log in again.", "08001")
        if session.closed:
            raise errors.SnowflakeError("390111", "Session no longer exists.  New login required to access the service.",
                                        "08001")
        if time.time() > session.token_ends:
            raise errors.SnowflakeError("390112", "Your session has expired. Please login again.", "08001")
        session.last_seen = time.time()
        return session

    def renew(self, master, old_token) -> Session:
        session = self._masters.get(master)
        if session is None:
            raise errors.SnowflakeError("390115", "Master token is invalid. Please login again.", "08001")
        if session.closed:
            raise errors.SnowflakeError("390111", "Session no longer exists.  New login required to access the service.",
                                        "08001")
        if time.time() > session.master_ends:
            raise errors.SnowflakeError("390114", "Authentication token has expired.  The user must authenticate again.",
                                        "08001")
        self.new_token(session)
        return session

    def expire_tokens(self, session):
        session.token_ends = 0.0

    def expire_master(self, session):
        session.master_ends = 0.0
