"""Parameters of remote procedure calls (MS-TDS 2.2.6.6), and how their output values go back."""

import re
import struct
import uuid

from . import collations, variants
from .columns import Carrier, Style, carrier
from .model import Column, Parameter, SqlError, SqlType
from .scalars import FIXED, read_fixed, read_scalar, scaled_token
from .tokens import short_text

_FIXED_SIZES = {0x30: 1, 0x32: 1, 0x34: 2, 0x38: 4, 0x3A: 4, 0x3B: 4, 0x3C: 8, 0x3D: 8, 0x3E: 8, 0x7A: 4, 0x7F: 8}
_FIXED_NAMES = {token: name for name, (token, _) in FIXED.items()}
_BY_SIZE = {0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}, 0x68: {1: "bit"}, 0x6D: {4: "real", 8: "float"},
            0x6E: {4: "smallmoney", 8: "money"}, 0x6F: {4: "smalldatetime", 8: "datetime"}}
_SCALED = {scaled_token(name): name for name in ("time", "datetime2", "datetimeoffset")}
_LONG = {0xA5: "varbinary", 0xA7: "varchar", 0xAD: "binary", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar"}
_BIG = {0x22: "image", 0x23: "text", 0x63: "ntext"}
_CLR = {"hierarchyid", "geometry", "geography"}


class Reader:
    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise protocol_error("a request ends too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, layout: str):
        (value,) = struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))
        return value

    def short_text(self) -> str:
        return self.take(self.unpack("B") * 2).decode("utf-16-le", "surrogatepass")

    def text(self) -> str:
        return self.take(self.unpack("H") * 2).decode("utf-16-le", "surrogatepass")


def protocol_error(what: str) -> SqlError:
    return SqlError(4002, f"The incoming tabular data stream (TDS) protocol stream is incorrect. {what}", severity=16, fatal=True)


def read_parameter(reader: Reader) -> Parameter:
    name, status = reader.short_text(), reader.unpack("B")
    if status & 8:
        raise SqlError(33299, "Always Encrypted is not supported.")
    type_, value = _read_value(reader)
    return Parameter(name, type_, value, output=bool(status & 1))


def _read_value(reader: Reader):
    token = reader.unpack("B")
    if token in _FIXED_SIZES:
        name = _FIXED_NAMES[token]
        return SqlType(name), read_fixed(name, reader.take(_FIXED_SIZES[token]))
    if token == 0x1F:
        return SqlType("nvarchar", 1), None
    if token in _BY_SIZE:
        name = _BY_SIZE[token][reader.unpack("B")]
        data = reader.take(reader.unpack("B"))
        if data and len(data) in _BY_SIZE[token]:
            name = _BY_SIZE[token][len(data)]
        return SqlType(name), read_fixed(name, data) if data else None
    if token == 0x24:
        reader.unpack("B")
        data = reader.take(reader.unpack("B"))
        return SqlType("uniqueidentifier"), uuid.UUID(bytes_le=data) if data else None
    if token in (0x6A, 0x6C, 0x37, 0x3F):
        reader.unpack("B")
        type_ = SqlType("decimal" if token in (0x6A, 0x37) else "numeric", precision=reader.unpack("B"), scale=reader.unpack("B"))
        data = reader.take(reader.unpack("B"))
        return type_, read_scalar(type_, data) if data else None
    if token == 0x28 or token in _SCALED:
        type_ = SqlType("date") if token == 0x28 else SqlType(_SCALED[token], scale=reader.unpack("B"))
        data = reader.take(reader.unpack("B"))
        return type_, read_scalar(type_, data) if data else None
    if token in _LONG:
        return _read_long(reader, token)
    if token in _BIG:
        return _read_big(reader, token)
    if token == 0xF1:
        if reader.unpack("B"):
            reader.short_text(), reader.short_text(), reader.text()
        data = _read_chunks(reader)
        return SqlType("xml"), None if data is None else _read_xml(data)
    if token == 0xF0:
        reader.short_text(), reader.short_text()
        name = reader.short_text().lower()
        data = _read_chunks(reader)
        return SqlType(name if name in _CLR else "varbinary", -1 if name not in _CLR else 0), data
    if token == 0x62:
        reader.unpack("I")
        data = reader.take(reader.unpack("I"))
        return SqlType("sql_variant"), variants.decode(data) if data else None
    raise SqlError(8009, f"The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. Data type 0x{token:02X} is unknown.")


def _read_xml(data: bytes) -> str:
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le")
    return data.decode("utf-16-le")


def _codec(name: str, mark: bytes) -> str:
    return "utf-16-le" if name.startswith("n") else collations.codec_of(mark)


def _as_value(name: str, data, mark: bytes):
    if data is None or name in ("binary", "varbinary", "image"):
        return data
    return data.decode(_codec(name, mark), "surrogatepass" if name.startswith("n") else "replace")


def _read_long(reader: Reader, token: int):
    name, size = _LONG[token], reader.unpack("H")
    mark = b"" if "binary" in name else reader.take(5)
    if size == 0xFFFF:
        return SqlType(name, -1), _as_value(name, _read_chunks(reader), mark)
    length = reader.unpack("H")
    data = None if length == 0xFFFF else reader.take(length)
    return SqlType(name, size // 2 if name.startswith("n") else size), _as_value(name, data, mark)


def _read_big(reader: Reader, token: int):
    name = _BIG[token]
    reader.unpack("I")
    mark = b"" if name == "image" else reader.take(5)
    length = reader.unpack("I")
    data = None if length == 0xFFFFFFFF else reader.take(length)
    return SqlType(name), _as_value(name, data, mark)


def _read_chunks(reader: Reader):
    if reader.unpack("Q") == 0xFFFFFFFFFFFFFFFF:
        return None
    parts = []
    while length := reader.unpack("I"):
        parts.append(reader.take(length))
    return b"".join(parts)


def return_value(ordinal: int, parameter: Parameter, style: Style) -> bytes:
    """RETURNVALUE of an output parameter."""
    made: Carrier = carrier(Column(parameter.name, parameter.type), style)
    value = made.null if parameter.value is None else made.encode(parameter.value)
    return (struct.pack("<BH", 0xAC, ordinal) + short_text(parameter.name) + b"\1" + struct.pack("<IH", 0, 0) + made.type_info + value)


_DECLARED = re.compile(r"\s*(@[\w@$#]+)\s+(?:AS\s+)?(?:\[?sys\]?\.)?\[?(\w+)\]?\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*(?:=\s*[^,]+)?"
                       r"(\s+(?:OUTPUT|OUT))?(?:\s+READONLY)?\s*(?:,|$)", re.I)


def declared(text: str) -> list[tuple[str, SqlType, bool]]:
    """The list of sp_executesql's second parameter: name, type, output."""
    out, at = [], 0
    while text[at:].strip():
        found = _DECLARED.match(text, at)
        if not found:
            raise SqlError(102, f"Incorrect syntax near '{text[at:].strip()[:30]}'.", severity=15)
        name, type_name, first, second, output = found.groups()
        out.append((name, _declared_type(type_name.lower(), first, second), bool(output)))
        at = found.end()
    return out


def _declared_type(name: str, first, second) -> SqlType:
    name = {"integer": "int", "dec": "decimal", "timestamp": "rowversion", "sysname": "nvarchar"}.get(name, name)
    if name in ("decimal", "numeric"):
        return SqlType(name, precision=int(first or 18), scale=int(second or 0))
    if name in ("time", "datetime2", "datetimeoffset"):
        return SqlType(name, scale=int(first) if first is not None else 7)
    if name == "float" and first is not None and int(first) <= 24:
        return SqlType("real")
    if name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        return SqlType(name, -1 if first and first.lower() == "max" else int(first or 1))
    return SqlType(name)
