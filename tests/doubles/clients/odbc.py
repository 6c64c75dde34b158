"""ODBC by hand, over unixODBC: any driver, every value as the text that the driver makes of it, cursors of every kind."""

import ctypes
from ctypes import byref, c_int, c_long, c_short, c_ulong, c_ushort, c_void_p

_DONE, _MORE_INFORMATION, _NO_DATA, _NULL_DATA, _TERMINATED, _NO_TOTAL = 0, 1, 100, -1, -3, -4
_ENVIRONMENT, _CONNECTION, _STATEMENT = 1, 2, 3
_WIDE_TEXT, _BYTES, _WIDE_VARCHAR = -8, -2, -9

NEXT, FIRST, LAST, PRIOR, ABSOLUTE, RELATIVE = 1, 2, 3, 4, 5, 6
ATTR_QUERY_TIMEOUT, ATTR_CURSOR_TYPE, ATTR_CONCURRENCY, ATTR_AUTOCOMMIT = 0, 6, 7, 102
ATTR_LOGIN_TIMEOUT, ATTR_PACKET_SIZE, ATTR_ACCESS_TOKEN = 103, 112, 1256
FORWARD_ONLY, KEYSET, DYNAMIC, STATIC = 0, 1, 2, 3
READ_ONLY = 1
_BINARY_TYPES = (-2, -3, -4, -151)  # the last: CLR types of SQL Server

_library = ctypes.CDLL("libodbc.so.2")


class OdbcError(Exception):
    """`records`: (SQLSTATE, number of the server, text)."""

    def __init__(self, records):
        super().__init__("; ".join(f"{state} ({number}) {text}" for state, number, text in records))
        self.records = records
        self.states = [state for state, _, _ in records]
        self.numbers = [number for _, number, _ in records]


def _wide(text: str):
    return ctypes.create_string_buffer(text.encode("utf-16-le") + b"\0\0")


def _narrow(buffer, units: int) -> str:
    return buffer.raw[:units * 2].decode("utf-16-le", "surrogatepass")


def _records(kind: int, handle) -> list:
    records, state, text = [], ctypes.create_string_buffer(12), ctypes.create_string_buffer(8192)
    number, length = c_int(), c_short()
    while _library.SQLGetDiagRecW(c_short(kind), handle, c_short(len(records) + 1), state, byref(number), text, c_short(4096),
                                  byref(length)) in (_DONE, _MORE_INFORMATION):
        records.append((_narrow(state, 5), number.value, _narrow(text, length.value)))
    return records


def _check(done: int, kind: int, handle) -> int:
    done = c_short(done).value
    if done not in (_DONE, _MORE_INFORMATION, _NO_DATA):
        raise OdbcError(_records(kind, handle))
    return done


def _column_size(value) -> int:
    """0: nvarchar(max)"""
    units = len((value or "").encode("utf-16-le")) // 2
    return max(1, units) if units <= 4000 else 0


class Connection:
    """`attributes` are set before the connection is made: a number, or bytes."""

    def __init__(self, connection_string: str, autocommit=True, attributes=None):
        self._environment, self._handle = c_void_p(), c_void_p()
        _library.SQLAllocHandle(c_short(_ENVIRONMENT), None, byref(self._environment))
        _library.SQLSetEnvAttr(self._environment, c_int(200), c_void_p(3), c_int(0))
        _library.SQLAllocHandle(c_short(_CONNECTION), self._environment, byref(self._handle))
        self.connected = False
        try:
            for number, value in {ATTR_LOGIN_TIMEOUT: 20, **(attributes or {})}.items():
                pointer = ctypes.cast(ctypes.create_string_buffer(value, len(value)), c_void_p) if isinstance(value, bytes) else c_void_p(value)
                self._check(_library.SQLSetConnectAttrW(self._handle, c_int(number), pointer, c_int(0)))
            text = _wide(connection_string)
            self._check(_library.SQLDriverConnectW(self._handle, None, text, c_short(_TERMINATED), None, c_short(0), None, c_ushort(0)))
            self.connected = True
            self.set(ATTR_AUTOCOMMIT, int(autocommit))
        except OdbcError:
            self.close()
            raise

    def _check(self, done):
        return _check(done, _CONNECTION, self._handle)

    def set(self, attribute: int, value: int):
        self._check(_library.SQLSetConnectAttrW(self._handle, c_int(attribute), c_void_p(value), c_int(0)))

    def statement(self, **attributes) -> "Statement":
        return Statement(self._handle, attributes)

    def execute(self, sql: str, *parameters) -> list:
        """The rows of the first result that has columns, all others read too."""
        with self.statement() as statement:
            statement.execute(sql, *parameters)
            rows = None
            while True:
                if rows is None and statement.columns():
                    rows = statement.rows()
                if not statement.more():
                    return rows

    def commit(self):
        self._check(_library.SQLEndTran(c_short(_CONNECTION), self._handle, c_short(0)))

    def rollback(self):
        self._check(_library.SQLEndTran(c_short(_CONNECTION), self._handle, c_short(1)))

    def close(self):
        if self.connected:
            _library.SQLEndTran(c_short(_CONNECTION), self._handle, c_short(1))
            _library.SQLDisconnect(self._handle)
            self.connected = False
        if self._environment:
            _library.SQLFreeHandle(c_short(_CONNECTION), self._handle)
            _library.SQLFreeHandle(c_short(_ENVIRONMENT), self._environment)
            self._environment = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Statement:
    def __init__(self, connection, attributes):
        self._handle, self._columns = c_void_p(), None
        _check(_library.SQLAllocHandle(c_short(_STATEMENT), connection, byref(self._handle)), _CONNECTION, connection)
        numbers = {"timeout": ATTR_QUERY_TIMEOUT, "cursor": ATTR_CURSOR_TYPE, "concurrency": ATTR_CONCURRENCY}
        for name, value in attributes.items():
            self._check(_library.SQLSetStmtAttrW(self._handle, c_int(numbers[name]), c_void_p(value), c_int(0)))

    def _check(self, done):
        return _check(done, _STATEMENT, self._handle)

    def prepare(self, sql: str):
        text = _wide(sql)
        _library.SQLFreeStmt(self._handle, c_ushort(0))  # ends an earlier result
        self._check(_library.SQLPrepareW(self._handle, text, c_int(_TERMINATED)))

    def bind(self, *parameters):
        """Parameters travel as nvarchar."""
        self._kept = []
        for position, value in enumerate(parameters, 1):
            data = _wide(value or "")
            length = c_long(_NULL_DATA if value is None else len(data) - 3)
            self._kept += [data, length]
            self._check(_library.SQLBindParameter(self._handle, c_ushort(position), c_short(1), c_short(_WIDE_TEXT), c_short(_WIDE_VARCHAR),
                                                  c_ulong(_column_size(value)), c_short(0), data, c_long(0), byref(length)))

    def execute(self, sql: str | None, *parameters):
        """None: what is prepared."""
        _library.SQLFreeStmt(self._handle, c_ushort(0))
        if parameters:
            self.bind(*parameters)
        self._columns = None
        if sql is None:
            self._check(_library.SQLExecute(self._handle))
        else:
            text = _wide(sql)
            self._check(_library.SQLExecDirectW(self._handle, text, c_int(_TERMINATED)))

    def columns(self) -> list:
        """(name, type, size, digits, nullable); types are numbers of ODBC."""
        if self._columns is None:
            count, self._columns = c_short(), []
            self._check(_library.SQLNumResultCols(self._handle, byref(count)))
            for position in range(1, count.value + 1):
                name, length = ctypes.create_string_buffer(512), c_short()
                kind, size, digits, nullable = c_short(), c_ulong(), c_short(), c_short()
                self._check(_library.SQLDescribeColW(self._handle, c_ushort(position), name, c_short(256), byref(length), byref(kind), byref(size),
                                                     byref(digits), byref(nullable)))
                self._columns.append((_narrow(name, length.value), kind.value, size.value, digits.value, bool(nullable.value)))
        return self._columns

    def fetch(self, orientation=NEXT, offset=0):
        """A row, or None."""
        if self._check(_library.SQLFetchScroll(self._handle, c_short(orientation), c_long(offset))) == _NO_DATA:
            return None
        return tuple(self._value(position, column[1]) for position, column in enumerate(self.columns(), 1))

    def _value(self, position: int, kind: int):
        """Text; bytes in hexadecimal."""
        carrier, parts = (_BYTES, []) if kind in _BINARY_TYPES else (_WIDE_TEXT, [])
        buffer, left = ctypes.create_string_buffer(65536), c_long()
        while True:
            done = self._check(_library.SQLGetData(self._handle, c_ushort(position), c_short(carrier), buffer, c_long(len(buffer)), byref(left)))
            if done == _NO_DATA:
                break
            if left.value == _NULL_DATA:
                return None
            room = len(buffer) - (2 if carrier == _WIDE_TEXT else 0)
            parts.append(buffer.raw[:room if left.value == _NO_TOTAL or left.value > room else left.value])
            if done == _DONE:
                break
        data = b"".join(parts)
        return data.hex() if carrier == _BYTES else data.decode("utf-16-le", "surrogatepass")

    def rows(self) -> list:
        out = []
        while (row := self.fetch()) is not None:
            out.append(row)
        return out

    def more(self) -> bool:
        self._columns = None
        return self._check(_library.SQLMoreResults(self._handle)) != _NO_DATA

    def row_count(self) -> int:
        count = c_long()
        self._check(_library.SQLRowCount(self._handle, byref(count)))
        return count.value

    def cancel(self):
        self._check(_library.SQLCancel(self._handle))

    def messages(self) -> list:
        return _records(_STATEMENT, self._handle)

    def close(self):
        if self._handle:
            _library.SQLFreeHandle(c_short(_STATEMENT), self._handle)
            self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def access_token(token: str) -> bytes:
    """The structure behind SQL_COPT_SS_ACCESS_TOKEN."""
    data = token.encode("utf-16-le")
    return len(data).to_bytes(4, "little") + data
