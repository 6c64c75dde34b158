"""Columns and their values as an answer holds them (MS-TDS 2.2.5.4 to 2.2.5.6): a type of the model becomes bytes that describe
it, and a function from a value to its bytes."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from . import collations, variants
from .model import Column, SqlType
from .scalars import FIXED, fixed_scalar, scaled_token, time_size
from .tokens import short_text, text

NULLABLE, UPDATABLE_UNKNOWN, IDENTITY, COMPUTED = 0x01, 0x08, 0x10, 0x20
ROWVERSION_USER_TYPE = 0x50
PLP_UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFE
JSON_COLLATION = "Latin1_General_100_BIN2_UTF8"


@dataclass(frozen=True)
class Style:
    """How one session wants its values, and what a test asks for."""

    collation: str = collations.DEFAULT  # the database's
    utf8: bool = True                    # the client has said that it reads UTF-8
    chunk: int = 8000                    # bytes of one chunk of a (max) value
    lengths_known: bool = True           # of (max) values
    bitmaps: bool = True                 # rows with NULLs are NBCROWs where that is shorter


@dataclass(frozen=True)
class Carrier:
    type_info: bytes
    encode: Callable  # value (never None) -> bytes with their length
    null: bytes       # in a plain row
    user_type: int = 0


_UDT = {"hierarchyid": (892, "SqlHierarchyId"), "geometry": (0xFFFF, "SqlGeometry"), "geography": (0xFFFF, "SqlGeography")}
_NULLABLE_TOKENS = {"tinyint": (0x26, 1), "smallint": (0x26, 2), "int": (0x26, 4), "bigint": (0x26, 8), "bit": (0x68, 1), "real": (0x6D, 4),
                    "float": (0x6D, 8), "smallmoney": (0x6E, 4), "money": (0x6E, 8), "smalldatetime": (0x6F, 4), "datetime": (0x6F, 8)}


class TooLong(ValueError):
    """The engine gave a value that its column cannot hold."""


def carrier(column: Column, style: Style) -> Carrier:
    type_ = _as_sent(column.type, style)
    name = type_.name
    if name in FIXED:
        token, encode = FIXED[name]
        if not column.nullable:
            return Carrier(bytes([token]), encode, b"")
        token, size = _NULLABLE_TOKENS[name]
        head = bytes([size])
        return Carrier(bytes([token, size]), lambda value: head + encode(value), b"\0")
    if name in ("decimal", "numeric"):
        size = decimal_size(type_.precision)
        encode = fixed_scalar(type_)
        head = bytes([size])
        return Carrier(bytes([0x6A if name == "decimal" else 0x6C, size, type_.precision, type_.scale]), lambda value: head + encode(value), b"\0")
    if name == "uniqueidentifier":
        return Carrier(b"\x24\x10", lambda value: b"\x10" + value.bytes_le, b"\0")
    if name in ("date", "time", "datetime2", "datetimeoffset"):
        encode = fixed_scalar(type_)
        size = 3 if name == "date" else time_size(type_.scale) + {"time": 0, "datetime2": 3, "datetimeoffset": 5}[name]
        head = bytes([size])
        info = b"\x28" if name == "date" else bytes([scaled_token(name), type_.scale])
        return Carrier(info, lambda value: head + encode(value), b"\0")
    if name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary", "rowversion"):
        return _lengthy(type_, style)
    if name in ("text", "ntext", "image"):
        return _with_text_pointer(type_, style)
    if name == "xml":
        return Carrier(b"\xf1\0", _in_chunks(lambda value: value.encode("utf-16-le"), style), b"\xff" * 8)
    if name in _UDT:
        size, class_name = _UDT[name]
        assembly = f"Microsoft.SqlServer.Types.{class_name}, Microsoft.SqlServer.Types, Version=16.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91"
        info = b"\xf0" + struct.pack("<H", size) + short_text("") + short_text("sys") + short_text(name) + text(assembly)
        return Carrier(info, _in_chunks(bytes, style), b"\xff" * 8)
    if name == "sql_variant":
        return Carrier(b"\x62" + struct.pack("<I", 8009), lambda value: variants.encode(value, style.collation), struct.pack("<I", 0))
    raise NotImplementedError(f"a column of type {name}")


def _as_sent(type_: SqlType, style: Style) -> SqlType:
    """Clients that have not asked for json and vector get them as text."""
    if type_.name == "json":
        return SqlType("varchar", -1, collation=JSON_COLLATION) if style.utf8 else SqlType("nvarchar", -1)
    if type_.name == "vector":
        return SqlType("varchar", -1)
    if type_.name == "timestamp":  # as sys.types calls it
        return SqlType("rowversion")
    return type_


def decimal_size(precision: int) -> int:
    return 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17


def collation_of(type_: SqlType, default: str) -> tuple[bytes, str]:
    return collations.parse(type_.collation or default)


def _texts(type_: SqlType, default: str):
    """(five bytes of collation, value -> bytes)"""
    mark, codec = collation_of(type_, default)
    if type_.name.startswith("n"):
        return mark, lambda value: value.encode("utf-16-le", "surrogatepass")
    return mark, lambda value: value.encode(codec, "replace")


def _lengthy(type_: SqlType, style: Style) -> Carrier:
    name = type_.name
    token = {"char": 0xAF, "varchar": 0xA7, "nchar": 0xEF, "nvarchar": 0xE7, "binary": 0xAD, "rowversion": 0xAD, "varbinary": 0xA5}[name]
    if name in ("binary", "varbinary", "rowversion"):
        mark, encode = b"", bytes
    else:
        mark, encode = _texts(type_, style.collation)
    if type_.length == -1:
        return Carrier(struct.pack("<BH", token, 0xFFFF) + mark, _in_chunks(encode, style), b"\xff" * 8)
    size = 8 if name == "rowversion" else type_.length * (2 if name.startswith("n") else 1)
    pack = struct.Struct("<H").pack

    def with_length(value):
        data = encode(value)
        if len(data) > size:
            raise TooLong(f"{len(data)} bytes in a column {name}({type_.length})")
        return pack(len(data)) + data

    return Carrier(struct.pack("<BH", token, size) + mark, with_length, b"\xff\xff", ROWVERSION_USER_TYPE if name == "rowversion" else 0)


def _in_chunks(encode: Callable, style: Style) -> Callable:
    """Partially length-prefixed bytes."""
    pack_long, pack = struct.Struct("<Q").pack, struct.Struct("<I").pack
    size, end = style.chunk, struct.pack("<I", 0)

    def chunks(value):
        data = encode(value)
        parts = [pack_long(len(data) if style.lengths_known else PLP_UNKNOWN_LENGTH)]
        for start in range(0, len(data), size):
            chunk = data[start:start + size]
            parts += [pack(len(chunk)), chunk]
        parts.append(end)
        return b"".join(parts)

    return chunks


def _with_text_pointer(type_: SqlType, style: Style) -> Carrier:
    token, most = {"text": (0x23, 0x7FFFFFFF), "ntext": (0x63, 0x7FFFFFFE), "image": (0x22, 0x7FFFFFFF)}[type_.name]
    mark, encode = (b"", bytes) if type_.name == "image" else _texts(type_, style.collation)
    pointer = b"\x10" + b"dummy textptr\0\0\0" + b"dummyTS\0"  # what the server sends for values that nobody may write to

    def pointed(value):
        data = encode(value)
        return pointer + struct.pack("<I", len(data)) + data

    no_table = b"\1" + text("")
    return Carrier(struct.pack("<BI", token, most) + mark + no_table, pointed, b"\0")


def metadata(columns: list[Column], carriers: list[Carrier]) -> bytes:
    """COLMETADATA."""
    parts = [struct.pack("<BH", 0x81, len(columns))]
    for column, made in zip(columns, carriers):
        flags = UPDATABLE_UNKNOWN | (NULLABLE if column.nullable else 0)
        if column.identity:
            flags = flags & ~UPDATABLE_UNKNOWN | IDENTITY
        if column.computed:
            flags = flags & ~UPDATABLE_UNKNOWN | COMPUTED
        if column.type.name in ("rowversion", "timestamp"):
            flags &= ~UPDATABLE_UNKNOWN
        parts += [struct.pack("<IH", made.user_type, flags), made.type_info, short_text(column.name)]
    return b"".join(parts)


def row_encoder(carriers: list[Carrier], style: Style) -> Callable:
    """A function from a tuple to the bytes of its row."""
    encoders = [made.encode for made in carriers]
    nulls = [made.null for made in carriers]
    fixed = [not made.null for made in carriers]
    bitmap_size = (len(carriers) + 7) // 8

    def encode(row) -> bytes:
        if None not in row:
            return b"\xd1" + b"".join([encode(value) for encode, value in zip(encoders, row, strict=True)])
        missing = [i for i, value in enumerate(row) if value is None]
        if any(fixed[i] for i in missing):
            raise TooLong("NULL in a column that is NOT NULL")
        if style.bitmaps and bitmap_size < sum(len(nulls[i]) for i in missing):
            bitmap = bytearray(bitmap_size)
            for i in missing:
                bitmap[i >> 3] |= 1 << (i & 7)
            return b"\xd2" + bytes(bitmap) + b"".join([encode(value) for encode, value in zip(encoders, row, strict=True) if value is not None])
        return b"\xd1" + b"".join([null if value is None else encode(value)
                                   for encode, null, value in zip(encoders, nulls, row, strict=True)])

    return encode


