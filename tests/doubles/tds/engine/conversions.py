"""CAST, CONVERT and assignment: from the stored value of one type to that of another, with the server's errors."""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from ..model import SqlError, SqlType
from . import collations, hierarchy
from .conversion_errors import LEGACY, refuse, shown_name
from .moment_conversions import moment_text, to_moment
from .number_conversions import BIG_MONEY, to_number
from .storage import EXACT, decoder, encoder, scale_of
from .types import INT_RANGES, UNICODE, family, is_max

Settings = dict  # of a session: DATEFORMAT

# What only CAST and CONVERT do, and what nobody does. learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql
_REFUSED = {
    ("int", "moment"), ("decimal", "moment"), ("float", "moment"), ("moment", "int"), ("moment", "decimal"), ("moment", "float"),
    ("guid", "int"), ("int", "guid"), ("guid", "decimal"), ("decimal", "guid"), ("guid", "float"), ("float", "guid"), ("guid", "moment"),
    ("moment", "guid"), ("binary", "float"), ("xml", "int"), ("xml", "decimal"), ("xml", "float"), ("xml", "moment"), ("xml", "guid"),
    ("int", "xml"), ("decimal", "xml"), ("float", "xml"), ("moment", "xml"), ("guid", "xml"), ("variant", "xml"), ("xml", "variant"),
    ("variant", "clr"), ("clr", "variant"), ("int", "clr"), ("decimal", "clr"), ("float", "clr"), ("moment", "clr"), ("guid", "clr"),
    ("clr", "int"), ("clr", "decimal"), ("clr", "float"), ("clr", "moment"), ("clr", "guid"), ("xml", "clr"), ("clr", "xml"),
}


def allowed(source: SqlType, target: SqlType, implicit: bool) -> bool:
    pair = (family(source), family(target))
    if pair in _REFUSED:
        number_with_legacy = "moment" in pair and (target if pair[1] == "moment" else source).name in LEGACY
        return number_with_legacy and "guid" not in pair and "xml" not in pair and (pair[0] != "moment" or not implicit)
    if {source.name, target.name} in ({"date", "time"},):
        return False
    if "variant" in pair:
        other = target if pair[0] == "variant" else source
        return family(other) != "json" and not is_max(other) and other.name != "rowversion" and not (implicit and pair[0] == "variant"
                                                                                                    and pair[1] != "variant")
    if implicit and pair in (("text", "binary"), ("moment", "binary"), ("binary", "moment"), ("float", "binary")):
        return False
    if pair == ("text", "clr"):
        return target.name == "hierarchyid"
    if pair == ("clr", "text"):
        return source.name == "hierarchyid" and not implicit
    if pair == ("clr", "clr"):
        return source.name == target.name
    if "json" in pair and set(pair) - {"json", "text"}:
        return False
    return True


def is_same(source: SqlType, target: SqlType, collation: str) -> bool:
    """The stored value needs no change."""
    if source == target:
        return True
    a, b = family(source), family(target)
    if a == b == "int":
        return INT_RANGES[source.name][0] >= INT_RANGES[target.name][0] and INT_RANGES[source.name][1] <= INT_RANGES[target.name][1]
    if a == b == "text":
        if target.name in ("char", "nchar"):
            return source.name == target.name and source.length == target.length
        if source.name in UNICODE and target.name not in UNICODE:
            return False
        return is_max(target) or (not is_max(source) and source.length <= target.length)
    if a == b == "binary":
        return target.name != "binary" and (is_max(target) or (not is_max(source) and (source.length or 8) <= target.length))
    if a == b == "float":
        return source.name == "real"
    if a == b == "decimal":
        return (scale_of(source) == scale_of(target) and source.name in ("decimal", "numeric") and target.name in ("decimal", "numeric")
                and source.precision <= target.precision and (source.precision > 18) == (target.precision > 18))
    if a == b == "moment" and source.name == target.name:
        return source.scale <= target.scale
    return a == b and a in ("guid", "xml", "json", "variant", "clr")


def converter(source: SqlType, target: SqlType, collation: str, style: int = 0, settings: Settings | None = None,
              assigned_to: tuple[str, str] | None = None) -> Callable[[object], object]:
    """`collation` of the target, when it is text. `assigned_to`: table and column, where a text that is too long is error 2628."""
    settings = settings or {}
    read, write = decoder(source), encoder(target)
    change = _change(source, target, collation, style, settings, assigned_to)

    def convert(stored):
        if stored is None:
            return None
        value = change(read(stored) if read else stored)
        return write(value) if write and value is not None else value

    return convert


def _change(source, target, collation, style, settings, assigned_to):
    kinds = family(source), family(target)
    if kinds[0] == "variant" and kinds[1] != "variant":
        def unpack(value):
            inner, content = value
            return _change(inner, target, collation, style, settings, assigned_to)(content)
        return unpack
    if kinds[1] == "variant":
        return (lambda value: value) if kinds[0] == "variant" else (lambda value: (source, value))
    if kinds[1] == "text":
        text = _to_text(source, target, style)
        return lambda value: fit_text(text(value), source, target, collation, assigned_to)
    if kinds[1] == "binary":
        return _to_binary(source, target, collation, style, assigned_to)
    if kinds[1] in ("int", "decimal", "float"):
        return to_number(source, target)
    if kinds[1] == "moment":
        return to_moment(source, target, settings, style)
    if kinds[1] == "guid":
        return _to_guid(source)
    if kinds[1] == "clr":
        if kinds[0] == "text":
            return hierarchy.parse
        return bytes
    if kinds[1] in ("xml", "json") and kinds[0] in ("text", kinds[1]):
        return str
    if kinds[1] == "xml" and kinds[0] == "binary":
        return lambda value: value.decode("utf-8")
    raise refuse(source, target, False)


# ---- texts


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_slice(text: str, start: int, end: int) -> str:
    if text.isascii():
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start:2 * end].decode("utf-16-le", "replace")


def encoded(text: str, collation: str) -> bytes:
    """In the code page; what is not in it is a question mark."""
    return text.encode(collations.code_page(collation), "replace")


def fit_text(text: str, source: SqlType, target: SqlType, collation: str, assigned_to=None) -> str:
    if target.name in UNICODE:
        length = utf16_length(text)
    elif text.isascii():
        length = len(text)
    else:
        page = collations.code_page(collation)
        raw = text.encode(page, "replace")
        text, length = raw.decode(page), len(raw)
    if is_max(target):
        return text
    if length > target.length:
        blanks = target.length + len(text) - len(text.rstrip(" ")) >= length
        if assigned_to and not blanks:
            shown = utf16_slice(text, 0, target.length)
            raise SqlError(2628, f"String or binary data would be truncated in table '{assigned_to[0]}', column '{assigned_to[1]}'. "
                                 f"Truncated value: '{shown}'.")
        if family(source) in ("int", "decimal", "float", "guid"):
            if family(source) == "int" and target.name not in UNICODE:
                return "*"
            if family(source) == "guid":
                raise SqlError(8170, "Insufficient result space to convert uniqueidentifier value to char.")
            raise SqlError(8115 if source.name != "money" else 234,
                           f"Arithmetic overflow error converting {shown_name(source)} to data type {target.name}.")
        if target.name in UNICODE:
            text = utf16_slice(text, 0, target.length)
        else:
            page = collations.code_page(collation)
            text = text.encode(page, "replace")[:target.length].decode(page, "ignore")
        length = target.length
    if target.name in ("char", "nchar") and length < target.length:
        text += " " * (target.length - length)
    return text


def _to_text(source: SqlType, target: SqlType, style: int) -> Callable[[object], str]:
    kind = family(source)
    if kind in ("text", "xml", "json"):
        return str
    if kind == "int":
        return lambda value: str(int(value))
    if kind == "decimal":
        return (lambda value: money_text(value, style)) if source.name in ("money", "smallmoney") else (lambda value: f"{value:f}")
    if kind == "float":
        return lambda value: float_text(value, style, source.name)
    if kind == "guid":
        return lambda value: str(value).upper()
    if kind == "moment":
        return lambda value: moment_text(source, value, style)
    if kind == "binary":
        return lambda value: binary_text(value, style, target)
    if source.name == "hierarchyid":
        return hierarchy.written
    raise refuse(source, target, False)


def money_text(value: Decimal, style: int) -> str:
    if style == 2:
        return f"{value:.4f}"
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_UP, EXACT)
    return f"{rounded:,}" if style == 1 else f"{rounded:f}"


def float_text(value: float, style: int, name: str = "float") -> str:
    if style == 3:
        digits = 17 if name == "float" else 9
        return _general(value, digits)
    if style in (1, 2):
        digits = 8 if style == 1 else 16
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{exponent[0]}{int(exponent[1:]):03d}"
    if style:
        raise SqlError(40001, f"the stand-in does not know style {style} of floats")
    return _general(value, 6)


def _general(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{exponent[0]}{int(exponent[1:]):03d}"
    return "0" if text == "-0" else text


def binary_text(value: bytes, style: int, target: SqlType) -> str:
    if style in (1, 2):
        return ("0x" if style == 1 else "") + value.hex().upper()
    if target.name in UNICODE:
        return (value + b"\0" * (len(value) % 2)).decode("utf-16-le", "replace")
    return value.decode("cp1252", "replace")


# ---- binary


def _to_binary(source, target, collation, style, assigned_to):
    kind = family(source)

    def raw(value) -> bytes:
        if kind in ("binary", "clr"):
            return bytes(value)
        if kind == "text":
            if style in (1, 2):
                return _hex(value, style, source, target)
            return value.encode("utf-16-le", "surrogatepass") if source.name in UNICODE else encoded(value, collation)
        if kind == "int":
            size = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}[source.name]
            return int(value).to_bytes(size, "big", signed=source.name not in ("bit", "tinyint"))
        if kind == "float":
            return struct.pack(">d" if source.name == "float" else ">f", value)
        if kind == "guid":
            return value.bytes_le
        if kind == "decimal" and source.name in BIG_MONEY:
            return int(value.scaleb(4)).to_bytes(8 if source.name == "money" else 4, "big", signed=True)
        if source.name == "datetime":
            return value[0].to_bytes(4, "big", signed=True) + value[1].to_bytes(4, "big")
        if source.name == "smalldatetime":
            return value[0].to_bytes(2, "big") + value[1].to_bytes(2, "big")
        if source.name == "date":
            return value.to_bytes(3, "little")
        raise SqlError(40001, f"the stand-in does not know how {source.name} looks as {target.name}")

    def convert(value):
        found = raw(value)
        if is_max(target):
            return found
        length = target.length or 8
        if len(found) > length:
            if assigned_to:
                raise SqlError(2628, f"String or binary data would be truncated in table '{assigned_to[0]}', column '{assigned_to[1]}'. "
                                     "Truncated value: ''.")
            found = found[-length:] if kind in ("int", "decimal", "float") or source.name in LEGACY else found[:length]
        if target.name in ("binary", "rowversion") and len(found) < length:
            found = b"\0" * (length - len(found)) + found if kind in ("int", "decimal") else found.ljust(length, b"\0")
        return found

    return convert


def _hex(value: str, style: int, source, target) -> bytes:
    text = value[2:] if style == 1 and value[:2].lower() == "0x" else None if style == 1 else value
    if text is None or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", text):
        raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.")
    return bytes.fromhex(text)


# ---- uniqueidentifier

_GUID = re.compile(r"\{?([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})")


def _to_guid(source: SqlType):
    if family(source) == "text":
        def parse(value):
            match = _GUID.match(value)
            if not match:
                raise SqlError(8169, "Conversion failed when converting from a character string to uniqueidentifier.")
            return uuid.UUID(match[1])
        return parse
    if family(source) == "binary":
        return lambda value: uuid.UUID(bytes_le=value[:16].ljust(16, b"\0"))
    if family(source) == "guid":
        return lambda value: value
    raise refuse(source, SqlType("uniqueidentifier"), False)

