"""sql_variant (MS-TDS 2.2.5.5.4): a value that carries its type."""

import struct
import uuid

from . import collations
from .model import SqlType
from .scalars import FIXED, fixed_scalar, read_fixed, read_scalar, scaled_token

_TEXTS = {"char": 0xAF, "varchar": 0xA7, "nchar": 0xEF, "nvarchar": 0xE7}
_BYTES = {"binary": 0xAD, "varbinary": 0xA5}
_NAMES = {token: name for name, token in {**_TEXTS, **_BYTES, **{name: token for name, (token, _) in FIXED.items()}, "uniqueidentifier": 0x24,
                                          "date": 0x28, "decimal": 0x6A, "numeric": 0x6C,
                                          **{name: scaled_token(name) for name in ("time", "datetime2", "datetimeoffset")}}.items()}


def encode(pair, default_collation: str) -> bytes:
    """`pair` is (SqlType, value)."""
    type_, value = pair
    name, properties = type_.name, b""
    if name in FIXED:
        token, pack = FIXED[name]
        data = pack(value)
    elif name in ("decimal", "numeric"):
        token, properties, data = 0x6A if name == "decimal" else 0x6C, bytes([type_.precision, type_.scale]), fixed_scalar(type_)(value)
    elif name == "uniqueidentifier":
        token, data = 0x24, value.bytes_le
    elif name == "date":
        token, data = 0x28, fixed_scalar(type_)(value)
    elif name in ("time", "datetime2", "datetimeoffset"):
        token, properties, data = scaled_token(name), bytes([type_.scale]), fixed_scalar(type_)(value)
    elif name in _TEXTS:
        mark, codec = collations.parse(type_.collation or default_collation)
        wide = name.startswith("n")
        token, data = _TEXTS[name], value.encode("utf-16-le" if wide else codec, "replace")
        properties = mark + struct.pack("<H", (type_.length or len(value)) * (2 if wide else 1))
    elif name in _BYTES:
        token, properties, data = _BYTES[name], struct.pack("<H", type_.length or len(value)), bytes(value)
    else:
        raise NotImplementedError(f"sql_variant of {name}")
    return struct.pack("<IBB", 2 + len(properties) + len(data), token, len(properties)) + properties + data


def decode(data: bytes):
    """The bytes behind the length; (SqlType, value)."""
    token, count = data[0], data[1]
    properties, body = data[2:2 + count], data[2 + count:]
    name = _NAMES[token]
    if name in FIXED:
        return SqlType(name), read_fixed(name, body)
    if name in ("decimal", "numeric"):
        type_ = SqlType(name, precision=properties[0], scale=properties[1])
        return type_, read_scalar(type_, body)
    if name == "uniqueidentifier":
        return SqlType(name), uuid.UUID(bytes_le=body)
    if name in ("date", "time", "datetime2", "datetimeoffset"):
        type_ = SqlType(name, scale=properties[0] if properties else 0)
        return type_, read_scalar(type_, body)
    if name in _BYTES:
        return SqlType(name, struct.unpack("<H", properties)[0]), body
    most = struct.unpack("<H", properties[5:7])[0]
    if name.startswith("n"):
        return SqlType(name, most // 2), body.decode("utf-16-le", "surrogatepass")
    return SqlType(name, most), body.decode(collations.codec_of(properties[:5]), "replace")
