"""Server cursors (sp_cursoropen and its family) as drivers use them: to read. A static, keyset or dynamic cursor is a copy of its
rows; a forward-only one reads them as they are asked for."""

from collections import deque
from dataclasses import dataclass, field, replace

from .answers import rows_until, suffer
from .model import Column, Parameter, ResultSet, SqlError, SqlType
from .parameters import declared

KEYSET, DYNAMIC, FORWARD_ONLY, STATIC, FAST_FORWARD = 1, 2, 4, 8, 16
PARAMETERIZED, AUTO_FETCH, AUTO_CLOSE = 0x1000, 0x2000, 0x4000
READ_ONLY = 1
FIRST, NEXT, PREVIOUS, LAST, ABSOLUTE, RELATIVE, REFRESH, INFO = 1, 2, 4, 8, 16, 32, 128, 256

_ROW_STATUS = Column("ROWSTAT", SqlType("int"), nullable=False)
_FETCHED = 1
_REFRESH_ROW, _SET_POSITION = 0x08, 0x20


@dataclass
class Cursor:
    columns: list
    source: object          # iterator of rows that are not read yet; None: all are
    events: object          # the statement's, behind those rows
    kept: list = field(default_factory=list)
    scrollable: bool = False
    position: int = 0       # of the first row of the last fetch, from 1; 0: before the first
    last: list = field(default_factory=list)  # rows of the last fetch

    @property
    def fetched(self) -> int:
        return len(self.last)

    def read(self, count: int | None):
        """Reads so many further rows, or all, into `kept`."""
        while self.source is not None and (count is None or len(self.kept) < count):
            row = next(self.source, None)
            if row is None:
                self.source = None
                deque(self.events, maxlen=0)  # what the batch does behind its SELECT
            else:
                self.kept.append(row)

    def forward(self, count: int) -> list:
        self.read(count)
        rows, self.kept = self.kept[:count], self.kept[count:]
        self.position += self.fetched if self.position else 1
        self.last = rows
        return rows

    def scroll(self, kind: int, number: int, count: int) -> list:
        total, here = len(self.kept), self.position
        if count == 0 and kind in (FIRST, LAST):  # how drivers go to a row of a dynamic cursor: here, then RELATIVE
            self.position, self.last = (0 if kind == FIRST else total + 1), []
            return []
        if kind == FIRST:
            start = 1
        elif kind == NEXT:
            start = here + self.fetched if here else 1
        elif kind == PREVIOUS:
            start = here - count
            if here > 1 and start < 1:
                start = 1
        elif kind == LAST:
            start = max(1, total - count + 1)
        elif kind == ABSOLUTE:
            start = number if number >= 0 else total + number + 1
        elif kind in (RELATIVE, REFRESH):
            start = here + (number if kind == RELATIVE else 0)
        else:
            raise SqlError(16902, "sp_cursorfetch: The value of the parameter 'fetchtype' is invalid.")
        if start < 1:
            self.position, self.last = 0, []
            return []
        self.position = min(start, total + 1)
        self.last = self.kept[self.position - 1:self.position - 1 + count]
        return self.last


class Cursors:
    """Of one connection. Every method that is named as a procedure takes its parameters and gives its output values."""

    def __init__(self, connection, procedures):
        self.connection, self._procedures = connection, procedures
        self._open = {}
        self._next = 180150003

    def forget(self):
        for cursor in self._open.values():
            cursor.events.close()
        self._open.clear()

    def read_all(self):
        """Before another statement of the same connection: the engine runs one at a time."""
        for cursor in self._open.values():
            cursor.read(None)

    def cursoropen(self, parameters, answer):
        cursor, statement, options, concurrency, count = _filled(parameters, 5)
        definitions = []
        if (options.value or 0) & PARAMETERIZED and len(parameters) > 5:
            definitions = declared(parameters[5].value or "")
        arguments = self._procedures.arguments(definitions, parameters[6:])
        return self._opened("sp_cursoropen", statement.value, arguments, (0, cursor), (2, options), (3, concurrency), (4, count), answer)

    def cursorprepare(self, parameters, answer):
        handle, sql, definitions = self._procedures.keep(parameters)
        columns = self.connection.session.describe(sql, [Parameter(name, type_, None) for name, type_, _ in definitions])
        self.connection.remember("sp_cursorprepare", sql)
        self._describe(columns, answer, sql)
        answer.hold()
        return [(0, handle)]

    def cursorexecute(self, parameters, answer):
        sql, definitions = self._procedures.prepared(parameters)
        _, cursor, options, concurrency, count = _filled(parameters, 5)
        arguments = self._procedures.arguments(definitions, parameters[5:])
        return self._opened("sp_cursorexecute", sql, arguments, (1, cursor), (2, options), (3, concurrency), (4, count), answer)

    def cursorprepexec(self, parameters, answer):
        handle, sql, definitions = self._procedures.keep([parameters[0], *parameters[2:4]])
        _, cursor, _, _, options, concurrency, count = _filled(parameters, 7)
        arguments = self._procedures.arguments(definitions, parameters[7:])
        return [(0, handle), *self._opened("sp_cursorprepexec", sql, arguments, (1, cursor), (4, options), (5, concurrency), (6, count), answer)]

    def cursorunprepare(self, parameters, answer):
        return self._procedures._sp_unprepare(parameters, answer)

    def _opened(self, kind, sql, arguments, cursor, options, concurrency, count, answer):
        self.connection.remember(kind, sql, arguments)
        wanted = options[1].value or 0
        events, made, fault = self._run(sql, arguments, answer)
        if made is None:  # no SELECT: it has run, and there is no cursor
            return [(cursor[0], _integer(cursor[1], 0)), (options[0], options[1]), (concurrency[0], concurrency[1]), (count[0], _integer(count[1], 0))]
        rows = made.rows if fault is None else rows_until(made.rows, fault, self.connection, answer.writer.flush)
        got = Cursor(made.columns, iter(rows), events)
        kind_bit = next((bit for bit in (FORWARD_ONLY, FAST_FORWARD, STATIC, KEYSET, DYNAMIC) if wanted & bit), KEYSET)
        got.scrollable = kind_bit in (STATIC, KEYSET, DYNAMIC)
        if got.scrollable:
            got.read(None)
        number, self._next = self._next, self._next + 2
        self._open[number] = got
        first = []
        if wanted & AUTO_FETCH:
            first = got.scroll(NEXT, 0, count[1].value or 1) if got.scrollable else got.forward(count[1].value or 1)
        rows_there = len(got.kept) if got.scrollable else -1
        if wanted & AUTO_FETCH and wanted & AUTO_CLOSE and got.source is None and not got.kept and not got.scrollable:
            del self._open[number]
            number = 0
        written = self._describe(made.columns, answer, number)
        answer.hold(count=answer.rows((tuple(row) + (_FETCHED,) for row in first), written))
        kept = wanted & ~(KEYSET | DYNAMIC | FORWARD_ONLY | STATIC | FAST_FORWARD) | kind_bit
        return [(cursor[0], _integer(cursor[1], number)), (options[0], _integer(options[1], kept & 0xFFF)),
                (concurrency[0], _integer(concurrency[1], READ_ONLY)), (count[0], _integer(count[1], rows_there))]

    def _run(self, sql, arguments, answer):
        """(the statement's events, its first result set or None, the fault that is to end it)"""
        self.read_all()
        fault = self.connection.service.faults.for_statement(sql)
        if fault and fault.after_rows is None:
            suffer(fault, self.connection, answer.writer.flush)
            fault = None
        events = self.connection.session.execute(sql, arguments)
        for event in events:
            answer.tell_changes()
            if isinstance(event, ResultSet):
                return events, event, fault
        answer.tell_changes()
        return events, None, fault

    def _describe(self, columns, answer, key):
        known = answer.spares_metadata and key in self._procedures.told
        carriers = answer.describe([*columns, _ROW_STATUS], key)
        if not known:
            answer.write(_column_information(len(columns)))
        return carriers

    def _found(self, parameters) -> tuple[int, Cursor]:
        number = parameters[0].value
        if number not in self._open:
            raise SqlError(16916, f"A cursor with the name '{number}' does not exist.")
        return number, self._open[number]

    def cursorfetch(self, parameters, answer):
        number, cursor = self._found(parameters)
        _, kind, row, count = _filled(parameters, 4)
        what = NEXT if kind.value is None else kind.value & ~0x600
        if what == INFO:
            total = len(cursor.kept) if cursor.scrollable else -1
            return [(2, _integer(row, cursor.position)), (3, _integer(count, total))]
        wanted = 20 if count.value is None else count.value
        if cursor.scrollable:
            rows = cursor.scroll(what, row.value or 0, wanted)
        elif what == NEXT:
            rows = cursor.forward(wanted)
        else:
            raise SqlError(16911, "fetch: The fetch type cannot be used with forward only cursors.")
        carriers = self._describe(cursor.columns, answer, number)
        answer.hold(count=answer.rows((tuple(one) + (_FETCHED,) for one in rows), carriers))
        return []

    def cursorclose(self, parameters, answer):
        number = parameters[0].value
        if number == -1:
            self.forget()
            return []
        number, cursor = self._found(parameters)
        cursor.events.close()
        del self._open[number]
        return []

    def cursoroption(self, parameters, answer):
        self._found(parameters)
        return []

    def cursor(self, parameters, answer):
        """sp_cursor itself: rows of the last fetch once more, which is how a driver gets at the parts of one."""
        number, cursor = self._found(parameters)
        _, what, row = _filled(parameters, 3)
        if what.value & ~(_REFRESH_ROW | _SET_POSITION):
            raise SqlError(16929, "The cursor is READ ONLY.")
        if what.value & _REFRESH_ROW:
            rows = cursor.last if not row.value else cursor.last[row.value - 1:row.value]
            carriers = self._describe(cursor.columns, answer, number)
            answer.hold(count=answer.rows((tuple(one) + (_FETCHED,) for one in rows), carriers))
        return []


def _filled(parameters: list, count: int) -> list[Parameter]:
    missing = [Parameter("", SqlType("int"), None) for _ in range(count - len(parameters))]
    return [*parameters[:count], *missing]


def _integer(parameter: Parameter, value: int) -> Parameter:
    return replace(parameter, type=SqlType("int"), value=value, output=True)


def _column_information(columns: int) -> bytes:
    """COLINFO: the columns are expressions, and the last one is hidden."""
    expression, hidden = 0x04, 0x10
    body = b"".join(bytes([i & 255, 0, expression]) for i in range(1, columns + 1)) + bytes([(columns + 1) & 255, 0, expression | hidden])
    return b"\xa5" + len(body).to_bytes(2, "little") + body
