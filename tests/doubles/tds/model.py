"""What passes between the two halves of the stand-in for SQL Server: the wire (TDS, logins, clients) and the engine (T-SQL).

Values in rows, by the type of the column; NULL is None:

    bit bool · tinyint … bigint int · decimal, numeric, money, smallmoney decimal.Decimal with the type's scale
    float, real float · char … nvarchar, text, ntext, xml, json str · binary, varbinary, image, rowversion bytes
    uniqueidentifier uuid.UUID · date days since 0001-01-01 · time(n) ticks of 100 ns since midnight
    datetime (days since 1900-01-01, ticks of 1/300 s) · smalldatetime (days since 1900-01-01, minutes)
    datetime2(n) (days since 0001-01-01, ticks of 100 ns) · datetimeoffset(n) (days, ticks, both of UTC; minutes of offset)
    hierarchyid, geometry, geography bytes · sql_variant (SqlType, value)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class SqlType:
    name: str  # "int", "nvarchar", "decimal" … as sys.types writes it; never an alias type
    length: int = 0  # of char … varbinary: characters or bytes as they are declared; -1: max
    precision: int = 0  # of decimal and numeric
    scale: int = 0  # of decimal and numeric; digits of a second of time, datetime2 and datetimeoffset
    collation: str | None = None  # of texts; None: the database's


@dataclass(frozen=True)
class Column:
    name: str
    type: SqlType
    nullable: bool = True
    identity: bool = False
    computed: bool = False


@dataclass
class ResultSet:
    columns: list[Column]
    rows: Iterator[tuple]  # lazily; next() may raise SqlError in the middle


@dataclass
class RowCount:
    rows: int  # -1: a statement without a count (SET, BEGIN TRANSACTION, DDL …)


@dataclass
class Message:
    """PRINT, and errors below severity 11."""

    number: int
    text: str
    severity: int = 0
    state: int = 1


class SqlError(Exception):
    """An error of severity 11 and above. `fatal`: the server closes the connection after it."""

    def __init__(self, number: int, text: str, severity: int = 16, state: int = 1, line: int = 1, fatal: bool = False):
        super().__init__(f"{number}: {text}")
        self.number, self.text, self.severity, self.state, self.line, self.fatal = (
            number, text, severity, state, line, fatal)


@dataclass
class Parameter:
    name: str  # with its "@"
    type: SqlType
    value: object
    output: bool = False


@dataclass
class Login:
    """What the wire has proven about a client."""

    user: str  # "sa", "CORP\\svc_loader", "app@REALM", the application id of a token
    method: str  # "sql", "kerberos", "token"
    database: str = ""  # asked for; "": the user's default
    application: str = ""
    host: str = ""
    read_only_intent: bool = False


Event = ResultSet | RowCount | Message | SqlError


class Session(Protocol):
    """One connection. One thread calls it, but cancel() comes from another."""

    id: int  # @@SPID
    database: str
    collation: str  # of that database
    hang_up: Callable[[], None]  # given by the wire: ends the connection, for KILL
    trancount: int  # @@TRANCOUNT; clients are told when it leaves 0 and comes back to it, by T-SQL or by begin()

    def execute(self, sql: str, parameters: list[Parameter]) -> Iterator[Event]:
        """A batch. Statements run as the iterator goes on; a ResultSet's rows are read before the next event is asked for. A
        SqlError that is raised ends the batch; one that is yielded, only its statement."""

    def begin(self, isolation: str) -> None: ...  # "" : as it is; else "READ COMMITTED", "SNAPSHOT" …
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def set_isolation(self, isolation: str) -> None: ...
    def describe(self, sql: str, parameters: list[Parameter]) -> list[Column]: ...  # without running it
    def cancel(self) -> None: ...  # what runs ends soon with SqlError(0, "cancelled") or quietly
    def reset(self) -> None: ...  # sp_reset_connection
    def close(self) -> None: ...


class Engine(Protocol):
    version: tuple[int, int, int]  # (16, 0, 4135): SQL Server 2022
    server_name: str

    def add_login(self, user: str, password: str | None = None, database: str = "", sysadmin: bool = False) -> None: ...
    def find_login(self, user: str) -> object | None: ...  # made by add_login() or CREATE LOGIN; None: there is none
    def password_of(self, user: str) -> str | None: ...  # None: it has none, and may log in by ticket or token only

    def open_session(self, login: Login) -> Session:
        """Throws SqlError 4060 when the database is not there, 18456 when the user may not use it."""
