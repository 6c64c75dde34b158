"""A connection: its options, variables and transaction, and the life of a batch."""

from __future__ import annotations

import datetime
import re
import sqlite3
import time
from collections.abc import Iterator

from ..model import Column, Login, Message, Parameter, ResultSet, RowCount, SqlError, SqlType
from . import storage, types
from . import syntax as s
from .changes import Changes
from .compile_expressions import unknown
from .compile_queries import Compiled, QueryCompiler
from .constraints import Constraints
from .definitions import Definitions
from .expression import ABSENT, Scope
from .parse_statements import parse
from .procedures import Procedures
from .runtime import Runtime
from .tables import Tables
from .transactions import Transactions

_ROLLS_BACK = {245, 248, 244, 241, 242, 8114, 8169, 1205, 3960, 3961, 3951}
_ACCEPTED = frozenset("""NOCOUNT ANSI_NULLS ANSI_PADDING ANSI_WARNINGS ARITHABORT CONCAT_NULL_YIELDS_NULL NUMERIC_ROUNDABORT
ANSI_NULL_DFLT_ON ANSI_NULL_DFLT_OFF ANSI_DEFAULTS CURSOR_CLOSE_ON_COMMIT ARITHIGNORE FORCEPLAN NO_BROWSETABLE STATISTICS
DEADLOCK_PRIORITY QUERY_GOVERNOR_COST_LIMIT CONTEXT_INFO DATEFIRST LANGUAGE SHOWPLAN_TEXT REMOTE_PROC_TRANSACTIONS OFFSETS PARSEONLY
""".split())
_BATCH = 400


class _Leave(Exception):
    def __init__(self, action: str):
        super().__init__()
        self.action = action


class Session(Transactions, Tables, Changes, Constraints, Definitions, Procedures):
    """The Session of model.py."""

    def __init__(self, engine, login: Login, session_id: int, database: str):
        self.engine = engine
        self.login = login
        self.id = session_id
        self.database = database
        self.default_schema = "dbo"
        self.runtime = Runtime()
        self.started = datetime.datetime.now(datetime.timezone.utc)
        self.closed = False
        self.hang_up = lambda: None
        self._cancelled = False
        self._statement_now: datetime.datetime | None = None
        self._cursor: sqlite3.Cursor | None = None
        self.text = ""
        self._init_transactions()
        self._set_defaults()

    def _set_defaults(self) -> None:
        self.settings: dict[str, object] = {"DATEFORMAT": "mdy", "QUOTED_IDENTIFIER": "ON", "XACT_ABORT": "OFF", "IMPLICIT_TRANSACTIONS": "OFF"}
        self.variables: dict[str, tuple[SqlType, object]] = {}
        self.lock_timeout = -1
        self.row_limit = 0
        self.rowcount = 0
        self.last_error = 0
        self.last_identity: int | None = None
        self.identity_insert: tuple | None = None
        self.isolation = "READ COMMITTED"
        self.caught: SqlError | None = None

    @property
    def collation(self) -> str:
        return self.engine.find(self.database).settings.collation

    def now(self) -> datetime.datetime:
        if self._statement_now is None:
            self._statement_now = datetime.datetime.now(datetime.timezone.utc)
        return self._statement_now

    # ---- the contract

    def execute(self, sql: str, parameters: list[Parameter]) -> Iterator:
        self._cancelled = False
        self.text = sql
        statements = self._parsed(sql)
        self.variables = {p.name.lower(): (p.type, storage.encode(p.type, p.value)) for p in parameters}
        try:
            yield from self._guarded(statements)
        finally:
            for parameter in parameters:
                if parameter.output:
                    type_, stored = self.variables[parameter.name.lower()]
                    parameter.value = storage.decode(type_, stored)

    def describe(self, sql: str, parameters: list[Parameter]) -> list[Column]:
        """Columns of the first SELECT of the batch; none when there is none."""
        compiled = self.described(sql, parameters)
        return compiled.described() if compiled else []

    def described(self, sql: str, parameters: list[Parameter]) -> Compiled | None:
        statements = self._parsed(sql)
        kept = self.variables
        self.variables = {p.name.lower(): (p.type, storage.encode(p.type, p.value)) for p in parameters}
        try:
            for statement in statements:
                if isinstance(statement, s.Declare):
                    for name, type_name, _ in statement.variables:
                        self.variables[name.lower()] = (self.resolve_type(type_name, 1)[0], None)
                if isinstance(statement, s.SelectStatement) and not _assigns(statement.query):
                    return self._without_locks(lambda: QueryCompiler(self, self.runtime).query(statement.query, top_level=True))
            return None
        finally:
            self.variables = kept
            self._end_statement()

    def cancel(self) -> None:
        self._cancelled = True
        self.engine.locks.wake()
        try:
            self.runtime.connection.interrupt()
        except sqlite3.ProgrammingError:
            pass

    def check_cancelled(self) -> None:
        if self._cancelled:
            raise SqlError(0, "cancelled")

    def reset(self) -> None:
        self._close_cursor()
        self.roll_back_everything()
        self._set_defaults()
        self.drop_temporary()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._close_cursor()
        self.roll_back_everything()
        self.runtime.close()
        self.engine.forget(self)

    # ---- batches

    def _parsed(self, sql: str) -> list:
        return parse(sql, self.settings["QUOTED_IDENTIFIER"] != "OFF")

    def _guarded(self, statements: list) -> Iterator:
        try:
            yield from self._run(statements)
        except _Leave:
            pass
        except SqlError as error:
            self._failed(error)
            raise
        except sqlite3.Error as error:
            known = self.runtime.explained(error)
            found = known if isinstance(known, SqlError) else SqlError(40000, f"the stand-in failed: {error}")
            self._failed(found)
            raise found from error
        except (RecursionError, NotImplementedError, AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            found = SqlError(40000, f"the stand-in failed: {type(error).__name__}: {error}")
            self._failed(found)
            raise found from error
        finally:
            self._close_cursor()
            self._end_statement()

    def _failed(self, error: SqlError) -> None:
        self.last_error = error.number
        self._close_cursor()
        if self.trancount and (error.number in _ROLLS_BACK or (self.settings["XACT_ABORT"] == "ON" and error.number)):
            self.roll_back_everything()

    def _run(self, statements: list) -> Iterator:
        for statement in statements:
            self.check_cancelled()
            self._statement_now = None
            try:
                yield from self._statement(statement)
            except SqlError:
                self.statement_failed()
                raise
            except (_Leave, GeneratorExit):
                raise
            except BaseException:
                self.statement_failed()
                raise
            finally:
                self._close_cursor()
                self._end_statement()
            self.last_error = 0

    def _statement(self, node) -> Iterator:
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise unknown(type(node).__name__)
        if self.settings["IMPLICIT_TRANSACTIONS"] == "ON" and self.trancount == 0 and type(node) in _IMPLICIT:
            self.begin("")
        for event in handler(self, node) or ():
            if isinstance(event, RowCount):
                if event.rows >= 0:
                    self.rowcount = event.rows
                if self.settings.get("NOCOUNT") == "ON":
                    event = RowCount(-1)
            yield event

    # ---- SELECT

    def _select(self, node: s.SelectStatement) -> Iterator:
        body = node.query.body
        if isinstance(body, s.Select) and body.into is not None:
            yield from self.select_into(node.query)
            return
        if _assigns(node.query):
            self._assign(node.query)
            return
        compiler = QueryCompiler(self, self.runtime)
        compiled = compiler.query(node.query, top_level=True)
        self.lock_tables()
        columns = compiled.described()
        if self.settings.get("FMTONLY") == "ON":
            yield ResultSet(columns, iter(()))
            return
        sql = compiled.sql
        if self.row_limit:
            sql = f"SELECT * FROM ({sql}) LIMIT {self.row_limit}"
        self._cursor = self.read(sql, compiler.parameters)
        yield ResultSet(columns, self._rows(self._cursor, [column.type for column in columns]))

    def _rows(self, cursor: sqlite3.Cursor, column_types: list[SqlType]) -> Iterator[tuple]:
        decode = storage.row_decoder(column_types)
        count = 0
        limit = self.settings.get("TEXTSIZE", 0)
        cut = _cutter(column_types, limit) if isinstance(limit, int) and 0 < limit < 2147483647 else None
        try:
            while True:
                self.check_cancelled()
                rows = cursor.fetchmany(_BATCH)
                if not rows:
                    break
                count += len(rows)
                if decode:
                    rows = map(decode, rows)
                yield from map(cut, rows) if cut else rows
        except sqlite3.Error as error:
            known = self.runtime.explained(error)
            found = known if isinstance(known, SqlError) else SqlError(40000, f"the stand-in failed: {error}")
            self._failed(found)
            raise found from error
        finally:
            self.rowcount = count
            cursor.close()
            self._end_statement()

    def _close_cursor(self) -> None:
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor.close()

    def _assign(self, query: s.Query) -> None:
        """SELECT @x = …: the last row wins; without rows nothing changes."""
        items = query.body.items
        if any(item.variable is None for item in items):
            raise SqlError(141, "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.", 15)
        for item in items:
            if item.op != "=":
                item.expression = s.Binary(item.op[0], s.Variable(item.variable), item.expression)
        compiler = QueryCompiler(self, self.runtime)
        compiled = compiler.query(query, top_level=True)
        self.lock_tables()
        converted = []
        for at, (item, ex) in enumerate(zip(items, compiled.columns)):
            known = self.variables.get(item.variable.lower())
            if known is None:
                raise SqlError(137, f'Must declare the scalar variable "{item.variable}".', 15)
            ex.sql = f"c{at}"
            converted.append(compiler.convert(ex, known[0]).sql)
        count = 0
        for row in self.read(f"SELECT {', '.join(converted)} FROM ({compiled.sql})", compiler.parameters):
            count += 1
            for item, stored in zip(items, row):
                self.variables[item.variable.lower()] = (self.variables[item.variable.lower()][0], stored)
        self.rowcount = count

    def evaluate(self, expression, type_: SqlType | None = None) -> tuple[SqlType, object]:
        """Type and stored value of an expression without columns."""
        compiler = QueryCompiler(self, self.runtime)
        ex = compiler.value(expression, Scope())
        if type_ is not None:
            ex = compiler.convert(ex, type_)
        if ex.constant is not ABSENT:
            return ex.type, ex.constant
        self.lock_tables()
        return ex.type, self.read(f"SELECT {ex.sql}", compiler.parameters).fetchone()[0]

    def holds(self, condition) -> bool:
        compiler = QueryCompiler(self, self.runtime)
        sql = compiler.condition(condition, Scope())
        self.lock_tables()
        found = self.read(f"SELECT 1 WHERE {sql}", compiler.parameters).fetchone()
        self._end_statement()
        return found is not None

    # ---- variables, options, flow

    def _declare(self, node: s.Declare) -> None:
        for name, type_name, expression in node.variables:
            type_, _ = self.resolve_type(type_name, 1)
            self.variables[name.lower()] = (type_, None)
            if expression is not None:
                self.variables[name.lower()] = (type_, self.evaluate(expression, type_)[1])

    def _set_variable(self, node: s.SetVariable) -> None:
        known = self.variables.get(node.name.lower())
        if known is None:
            raise SqlError(137, f'Must declare the scalar variable "{node.name}".', 15)
        value = node.expression if node.op == "=" else s.Binary(node.op[0], s.Variable(node.name), node.expression)
        self.variables[node.name.lower()] = (known[0], self.evaluate(value, known[0])[1])

    def _set_option(self, node: s.SetOption) -> Iterator:
        for name in node.names:
            value = node.value
            if name == "LOCK_TIMEOUT":
                self.lock_timeout = self.evaluate(value, types.INT)[1]
            elif name == "ROWCOUNT":
                self.row_limit = self.evaluate(value, types.INT)[1] or 0
            elif name == "TEXTSIZE":
                size = self.evaluate(value, types.INT)[1]
                self.settings["TEXTSIZE"] = 2147483647 if size == -1 else size or 4096
            elif name == "DATEFORMAT":
                text = value if isinstance(value, str) else self.evaluate(value)[1]
                if str(text).lower() not in ("mdy", "dmy", "ymd", "ydm", "myd", "dym"):
                    raise SqlError(2741, f"SET DATEFORMAT date order '{text}' is invalid.")
                self.settings["DATEFORMAT"] = str(text).lower()
            elif name == "LANGUAGE":
                text = str(value if isinstance(value, str) else self.evaluate(value)[1])
                if text.lower() not in ("us_english", "english"):
                    raise unknown(f"SET LANGUAGE {text}")
            elif name == "IDENTITY_INSERT":
                self.set_identity_insert(*value)
            elif name in ("XACT_ABORT", "QUOTED_IDENTIFIER", "IMPLICIT_TRANSACTIONS", "FMTONLY", "NOEXEC") or name in _ACCEPTED:
                if name == "NOEXEC" and value == "ON":
                    raise unknown("SET NOEXEC ON")
                self.settings[name] = value
            else:
                raise SqlError(195, f"'{name}' is not a recognized SET option.", 15)
        yield RowCount(-1)

    def _set_isolation_level(self, node: s.SetIsolation) -> Iterator:
        self.set_isolation(node.level)
        yield RowCount(-1)

    def _transaction(self, node: s.Transaction) -> Iterator:
        if node.action == "BEGIN":
            self.begin("")
        elif node.action == "COMMIT":
            self.commit()
        elif node.action == "SAVE":
            self.save_point(node.name)
        else:
            self.rollback(node.name)
        yield RowCount(-1)

    def _if(self, node: s.If) -> Iterator:
        branch = node.then if self.holds(node.condition) else node.otherwise
        if branch is not None:
            yield from self._run([branch])

    def _while(self, node: s.While) -> Iterator:
        while self.holds(node.condition):
            self.check_cancelled()
            try:
                yield from self._run([node.body])
            except _Leave as leave:
                if leave.action == "RETURN":
                    raise
                if leave.action == "BREAK":
                    return

    def _block(self, node: s.Block) -> Iterator:
        yield from self._run(node.statements)

    def _flow(self, node: s.Flow) -> None:
        raise _Leave(node.action)

    def _try(self, node: s.TryCatch) -> Iterator:
        try:
            yield from self._run(node.body)
        except SqlError as error:
            if error.number == 0:
                raise
            self._failed(error)
            kept, self.caught = self.caught, error
            try:
                yield from self._run(node.handler)
            finally:
                self.caught = kept

    def _print(self, node: s.Print) -> Iterator:
        yield Message(0, self.evaluate(node.expression, SqlType("nvarchar", -1))[1] or " ")

    def _raise(self, node: s.RaiseError) -> Iterator:
        if node.message is None:
            if self.caught is None:
                raise SqlError(10704, "To rethrow an error, a THROW statement must be used inside a CATCH block.", 15)
            raise self.caught
        text = self.evaluate(node.message, SqlType("nvarchar", 2048))[1]
        state = self.evaluate(node.state, types.INT)[1] if node.state is not None else 1
        if node.number is not None:
            raise SqlError(self.evaluate(node.number, types.INT)[1], text, 16, state)
        severity = self.evaluate(node.severity, types.INT)[1]
        values = [storage.decode(*self.evaluate(argument)) for argument in node.arguments]
        text = re.sub(r"%l?[ds]|%I64d", lambda match: str(values.pop(0)), text) if values else text
        if severity > 10:
            raise SqlError(50000, text, severity, state)
        yield Message(50000, text, severity, state)

    def _use(self, node: s.Use) -> Iterator:
        database = self.engine.find(node.database)
        if not self.has_database_access(node.database):
            raise SqlError(916, f'The server principal "{self.login.user}" is not able to access the database "{node.database}" under the '
                                "current security context.", 14)
        self.database = database.settings.name
        yield Message(5701, f"Changed database context to '{self.database}'.", 0, 1)

    def _wait_for(self, node: s.WaitFor) -> None:
        text = self.evaluate(node.expression, SqlType("varchar", 30))[1]
        hours, minutes, seconds = (text.split(":") + ["0", "0"])[:3]
        until = time.monotonic() + int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        while time.monotonic() < until:
            self.check_cancelled()
            time.sleep(min(0.01, max(until - time.monotonic(), 0)))

    def _nothing(self, node) -> Iterator:
        yield RowCount(-1)


def _assigns(query: s.Query) -> bool:
    return isinstance(query.body, s.Select) and any(item.variable for item in query.body.items)


def _cutter(column_types: list[SqlType], limit: int):
    """TEXTSIZE: long values end after so many bytes."""
    wide = [(at, type_.name in types.UNICODE) for at, type_ in enumerate(column_types)
            if types.is_max(type_) and types.family(type_) in ("text", "binary")]
    if not wide:
        return None

    def cut(row: tuple) -> tuple:
        cells = list(row)
        for at, unicode in wide:
            if cells[at] is not None:
                cells[at] = cells[at][:limit // 2 if unicode else limit]
        return tuple(cells)

    return cut


_HANDLERS = {
    s.SelectStatement: Session._select, s.Declare: Session._declare, s.SetVariable: Session._set_variable, s.SetOption: Session._set_option,
    s.SetIsolation: Session._set_isolation_level, s.Transaction: Session._transaction, s.If: Session._if, s.While: Session._while,
    s.Block: Session._block, s.Flow: Session._flow, s.TryCatch: Session._try, s.Print: Session._print, s.RaiseError: Session._raise,
    s.Use: Session._use, s.WaitFor: Session._wait_for, s.Nothing: Session._nothing, s.Insert: Session.insert, s.Update: Session.update,
    s.Delete: Session.delete, s.Truncate: Session.truncate, s.Execute: Session.execute_procedure, **Definitions.handlers(),
}
_IMPLICIT = (s.SelectStatement, s.Insert, s.Update, s.Delete, s.Truncate, s.CreateTable, s.AlterTable, s.Drop)
