"""How a value of each type lies in SQLite, so that SQLite's own order is the order of SQL Server.

    bit, integers           the integer
    decimal to 18 digits, money    the unscaled integer
    decimal beyond          16 bytes, big-endian, unscaled + 10**38
    date, time              the days, the ticks
    datetime, smalldatetime, datetime2    days × units of a day + units
    datetimeoffset          text "0 ticks of the instant, 19 digits" + "±minutes", compared up to the offset (collation `instant`)
    uniqueidentifier        16 bytes in the order in which the server compares them
    texts, xml, json        text, with the collation of the column
    binary, CLR types       bytes
    sql_variant             text: JSON of the type and the stored value (collation `variant`)
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from decimal import Context, Decimal

from ..model import SqlType
from .types import family

EXACT = Context(prec=80)
DAY_TICKS = 864_000_000_000
DAY_DATETIME = 300 * 86400
DAY_MINUTES = 1440
_WIDE = 10**38
# System.Data.SqlTypes.SqlGuid compares the bytes of the little-endian form in this order.
_GUID_ORDER = (10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3)
_GUID_BACK = tuple(_GUID_ORDER.index(i) for i in range(16))


def scale_of(type_: SqlType) -> int:
    return 4 if type_.name in ("money", "smallmoney") else type_.scale


def is_wide(type_: SqlType) -> bool:
    return type_.name in ("decimal", "numeric") and type_.precision > 18


def wide(unscaled: int) -> bytes:
    return (unscaled + _WIDE).to_bytes(16, "big")


def narrow(stored: bytes) -> int:
    return int.from_bytes(stored, "big") - _WIDE


def unscaled_of(type_: SqlType) -> Callable[[object], int]:
    return narrow if is_wide(type_) else int


def _guid(stored: bytes) -> uuid.UUID:
    return uuid.UUID(bytes_le=bytes([stored[i] for i in _GUID_BACK]))


def _stored_guid(value: uuid.UUID) -> bytes:
    little = value.bytes_le
    return bytes([little[i] for i in _GUID_ORDER])


def _offset_moment(stored: str) -> tuple[int, int, int]:
    days, ticks = divmod(int(stored[:19]), DAY_TICKS)
    return days, ticks, int(stored[19:])


def _stored_offset_moment(value: tuple[int, int, int]) -> str:
    return f"{value[0] * DAY_TICKS + value[1]:019d}{value[2]:+05d}"


def variant(stored: str) -> tuple[SqlType, object]:
    name, length, precision, scale, collation, kind, value = json.loads(stored)
    type_ = SqlType(name, length, precision, scale, collation)
    if kind == "b":
        value = bytes.fromhex(value)
    decode = decoder(type_)
    return type_, decode(value) if decode else value


def stored_variant(type_: SqlType, stored: object) -> str:
    kind = "b" if isinstance(stored, bytes) else "v"
    value = stored.hex() if isinstance(stored, bytes) else stored
    return json.dumps([type_.name, type_.length, type_.precision, type_.scale, type_.collation, kind, value], ensure_ascii=False)


def _stored_variant(value: tuple[SqlType, object]) -> str:
    encode = encoder(value[0])
    return stored_variant(value[0], encode(value[1]) if encode else value[1])


def decoder(type_: SqlType) -> Callable[[object], object] | None:
    """What makes the value of model.py of a stored one that is not NULL; None: it is the same."""
    name = type_.name
    if name == "bit":
        return bool
    if family(type_) == "decimal":
        exponent, scaleb, context = -scale_of(type_), Decimal.scaleb, EXACT
        if is_wide(type_):
            return lambda stored: scaleb(Decimal(int.from_bytes(stored, "big") - _WIDE), exponent, context)
        return (lambda stored: scaleb(Decimal(stored), exponent, context)) if exponent else Decimal
    if name == "datetime":
        return lambda stored: divmod(stored, DAY_DATETIME)
    if name == "smalldatetime":
        return lambda stored: divmod(stored, DAY_MINUTES)
    if name == "datetime2":
        return lambda stored: divmod(stored, DAY_TICKS)
    return {"datetimeoffset": _offset_moment, "uniqueidentifier": _guid, "sql_variant": variant}.get(name)


def encoder(type_: SqlType) -> Callable[[object], object] | None:
    name = type_.name
    if name == "bit":
        return int
    if family(type_) == "decimal":
        scale = scale_of(type_)

        def unscaled(value: Decimal) -> int:
            return int(Decimal(value).scaleb(scale, EXACT).to_integral_value())

        return (lambda value: wide(unscaled(value))) if is_wide(type_) else unscaled
    if name in ("datetime", "smalldatetime", "datetime2"):
        day = {"datetime": DAY_DATETIME, "smalldatetime": DAY_MINUTES, "datetime2": DAY_TICKS}[name]
        return lambda value: value[0] * day + value[1]
    if family(type_) in ("binary", "clr"):
        return bytes
    return {"datetimeoffset": _stored_offset_moment, "uniqueidentifier": _stored_guid, "sql_variant": _stored_variant,
            "float": float, "real": float}.get(name)


def decode(type_: SqlType, stored: object) -> object:
    function = decoder(type_)
    return stored if stored is None or function is None else function(stored)


def encode(type_: SqlType, value: object) -> object:
    function = encoder(type_)
    return value if value is None or function is None else function(value)


def row_decoder(types: list[SqlType]) -> Callable[[tuple], tuple] | None:
    """One function for a whole row; None: the rows are as they should be."""
    functions = [decoder(type_) for type_ in types]
    if not any(functions):
        return None
    names = {f"d{i}": function for i, function in enumerate(functions) if function}
    cells = [f"None if r[{i}] is None else d{i}(r[{i}])" if function else f"r[{i}]" for i, function in enumerate(functions)]
    return eval(f"lambda r: ({', '.join(cells)},)", names)  # noqa: S307  made of numbers only
