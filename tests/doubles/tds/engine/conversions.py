"""CAST, CONVERT and assignment: from the stored value of one type to that of another, with the server's errors."""

from __future__ import annotations

import math
import re
import struct
import uuid
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

from ..model import SqlError, SqlType
from . import collations, hierarchy, moments
from .storage import DAY_TICKS, EXACT, decode, decoder, encoder, scale_of
from .types import FAMILIES, INT_RANGES, UNICODE, family, is_max

Settings = dict  # of a session: DATEFORMAT

_BIG_MONEY = {"money": 2**63, "smallmoney": 2**31}
# What only CAST and CONVERT do, and what nobody does. learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql
_REFUSED = {
    ("int", "moment"), ("decimal", "moment"), ("float", "moment"), ("moment", "int"), ("moment", "decimal"), ("moment", "float"),
    ("guid", "int"), ("int", "guid"), ("guid", "decimal"), ("decimal", "guid"), ("guid", "float"), ("float", "guid"), ("guid", "moment"),
    ("moment", "guid"), ("binary", "float"), ("xml", "int"), ("xml", "decimal"), ("xml", "float"), ("xml", "moment"), ("xml", "guid"),
    ("int", "xml"), ("decimal", "xml"), ("float", "xml"), ("moment", "xml"), ("guid", "xml"), ("variant", "xml"), ("xml", "variant"),
    ("variant", "clr"), ("clr", "variant"), ("int", "clr"), ("decimal", "clr"), ("float", "clr"), ("moment", "clr"), ("guid", "clr"),
    ("clr", "int"), ("clr", "decimal"), ("clr", "float"), ("clr", "moment"), ("clr", "guid"), ("xml", "clr"), ("clr", "xml"),
}
_LEGACY = ("datetime", "smalldatetime")


def allowed(source: SqlType, target: SqlType, implicit: bool) -> bool:
    pair = (family(source), family(target))
    if pair in _REFUSED:
        number_with_legacy = "moment" in pair and (target if pair[1] == "moment" else source).name in _LEGACY
        return number_with_legacy and "guid" not in pair and "xml" not in pair and (pair[0] != "moment" or not implicit)
    if {source.name, target.name} in ({"date", "time"},):
        return False
    if "variant" in pair:
        other = target if pair[0] == "variant" else source
        return family(other) != "json" and not is_max(other) and other.name != "rowversion" and not (implicit and pair[0] == "variant"
                                                                                                    and pair[1] != "variant")
    if implicit and (pair in (("text", "binary"), ("moment", "binary"), ("binary", "moment"), ("float", "binary"), ("guid", "text")) and
                     pair != ("guid", "text") or pair == ("binary", "decimal") and False):
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


def refuse(source: SqlType, target: SqlType, implicit: bool) -> SqlError:
    legacy = source.name in _LEGACY and family(target) in ("int", "decimal", "float")
    if implicit and (legacy or (family(source), family(target)) in (("text", "binary"), ("variant", "int"), ("variant", "text"))):
        return SqlError(257, f"Implicit conversion from data type {source.name} to {target.name} is not allowed. Use the CONVERT function "
                             "to run this query.")
    if implicit:
        return SqlError(206, f"Operand type clash: {source.name} is incompatible with {target.name}")
    return SqlError(529, f"Explicit conversion from data type {source.name} to {target.name} is not allowed.")


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
        return _to_number(source, target)
    if kinds[1] == "moment":
        return _to_moment(source, target, settings, style)
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


def shown_name(type_: SqlType) -> str:
    return {"int": "expression", "decimal": "numeric"}.get(type_.name, type_.name)


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
        return f"{value:.{digits - 1}e}" if False else _general(value, digits)
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


def moment(type_: SqlType, value) -> tuple[int, int, int | None]:
    """Days since 0001-01-01 and ticks, of UTC where there is an offset, and the offset."""
    name = type_.name
    if name == "date":
        return value, 0, None
    if name == "time":
        return moments.EPOCH_1900, value, None
    if name == "datetime":
        return value[0] + moments.EPOCH_1900, datetime_ticks(value[1]), None
    if name == "smalldatetime":
        return value[0] + moments.EPOCH_1900, value[1] * 600_000_000, None
    return (value[0], value[1], value[2] if len(value) > 2 else None)


def datetime_ticks(units: int) -> int:
    """1/300 s are shown as ….000, ….003, ….007; as datetime2 they are 3.3333333 ms."""
    return (units * 100_000 + 1) // 3


def moment_text(type_: SqlType, value, style: int) -> str:
    days, ticks, offset = moment(type_, value)
    if offset is not None:
        days, ticks = moments.shifted(days, ticks, offset)
    if type_.name == "datetime":
        seconds, units = divmod(value[1], 300)
        ticks = seconds * moments.SECOND + (units * 10 + 1) // 3 * 10_000
    if style == 0 and type_.name not in _LEGACY:
        style = 121
    return moments.written(type_.name, days, ticks, type_.scale if type_.name not in _LEGACY else 3, offset, style)


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
        if kind == "decimal" and source.name in _BIG_MONEY:
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
            found = found[-length:] if kind in ("int", "decimal", "float") or source.name in _LEGACY else found[:length]
        if target.name in ("binary", "rowversion") and len(found) < length:
            found = b"\0" * (length - len(found)) + found if kind in ("int", "decimal") else found.ljust(length, b"\0")
        return found

    return convert


def _hex(value: str, style: int, source, target) -> bytes:
    text = value[2:] if style == 1 and value[:2].lower() == "0x" else None if style == 1 else value
    if text is None or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", text):
        raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.")
    return bytes.fromhex(text)


# ---- numbers


def _to_number(source: SqlType, target: SqlType):
    kind = family(source)
    into = {"int": to_int, "decimal": to_decimal, "float": to_float}[family(target)]
    if kind == "text":
        return lambda value: _number_of_text(value, source, target)
    if kind in ("int", "decimal", "float"):
        return lambda value: into(value, source, target)
    if source.name == "datetime":
        return lambda value: into(value[0] + value[1] / (300 * 86400), SqlType("float"), target)
    if source.name == "smalldatetime":
        return lambda value: into(value[0] + value[1] / 1440, SqlType("float"), target)
    if kind == "binary" and family(target) == "int":
        low, high = INT_RANGES[target.name]
        size = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}[target.name]

        def read(value):
            if target.name == "bit":
                return any(value)
            return int.from_bytes(value[-size:].rjust(size, b"\0"), "big", signed=low < 0)

        return read
    if kind == "binary" and target.name in _BIG_MONEY:
        size = 8 if target.name == "money" else 4
        return lambda value: Decimal(int.from_bytes(value[-size:].rjust(size, b"\0"), "big", signed=True)).scaleb(-4, EXACT)
    raise refuse(source, target, False)


def to_int(value, source: SqlType, target: SqlType):
    if target.name == "bit":
        return value != 0
    whole = int(value) if not isinstance(value, float) or math.isfinite(value) else 2**64
    if source.name in _BIG_MONEY:
        whole = int(value.to_integral_value(ROUND_HALF_UP))
    low, high = INT_RANGES[target.name]
    if low <= whole <= high:
        return whole
    if family(source) == "float":
        raise SqlError(232, f"Arithmetic overflow error for type {target.name}, value = {value:.6f}.")
    if target.name in ("tinyint", "smallint"):
        raise SqlError(220, f"Arithmetic overflow error for data type {target.name}, value = {whole}.")
    raise SqlError(8115, f"Arithmetic overflow error converting {shown_name(source) if source.name != 'bigint' else 'expression'} to data "
                         f"type {target.name}.")


def to_decimal(value, source: SqlType, target: SqlType) -> Decimal:
    scale = scale_of(target)
    exact = Decimal(repr(value)) if source.name == "real" else Decimal(value)
    if isinstance(value, float) and source.name == "float":
        exact = Decimal(f"{value:.17g}") if abs(value) < 1e15 else Decimal(value)
        exact = Decimal(repr(value))
    rounded = exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, EXACT)
    unscaled = int(rounded.scaleb(scale, EXACT))
    most = _BIG_MONEY.get(target.name) or 10**target.precision
    if not (-most <= unscaled < most if target.name in _BIG_MONEY else abs(unscaled) < most):
        raise SqlError(8115, f"Arithmetic overflow error converting {'expression' if family(source) == 'int' else shown_name(source)} to "
                             f"data type {shown_name(target)}.")
    return rounded


def to_float(value, source: SqlType, target: SqlType) -> float:
    number = float(value)
    if target.name == "real":
        try:
            return struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError:
            raise SqlError(232, f"Arithmetic overflow error for type real, value = {number:.6f}.") from None
    return number


_INTEGER = re.compile(r" *[+-]? *\d+ *")
_DECIMAL = re.compile(r" *[+-]? *(?:\d+\.?\d*|\.\d+) *")
_FLOAT = re.compile(r" *[+-]? *(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *")
_MONEY = re.compile(r" *[+-]?[$€£¥]?[+-]? *(?:[\d,]+\.?\d*|\.\d+) *")


def _number_of_text(value: str, source: SqlType, target: SqlType):
    name = target.name
    if name == "bit" and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    compact = value.replace(" ", "")
    if family(target) == "int":
        if not compact:
            return 0
        if not _INTEGER.fullmatch(value):
            raise SqlError(245, f"Conversion failed when converting the {source.name} value '{value}' to data type {name}.")
        number = int(compact)
        low, high = INT_RANGES[name]
        if name == "bit":
            return number != 0
        if low <= number <= high:
            return number
        if name == "bigint":
            raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {name}.")
        if name == "int":
            raise SqlError(248, f"The conversion of the {source.name} value '{value}' overflowed an int column.")
        raise SqlError(244, f"The conversion of the {source.name} value '{value}' overflowed an INT{1 if name == 'tinyint' else 2} column. "
                            "Use a larger integer column.")
    if family(target) == "float":
        if not compact:
            return 0.0
        if not _FLOAT.fullmatch(value):
            raise SqlError(8114, f"Error converting data type {source.name} to {name}.")
        return to_float(float(compact), SqlType("float"), target)
    if name in _BIG_MONEY:
        if not compact:
            return Decimal("0.0000")
        if not _MONEY.fullmatch(value):
            raise SqlError(235, "Cannot convert a char value to money. The char value has incorrect syntax.")
        return to_decimal(Decimal(re.sub(r"[$€£¥,]", "", compact)), source, target)
    if not _DECIMAL.fullmatch(value):
        raise SqlError(8114, f"Error converting data type {source.name} to numeric.")
    try:
        return to_decimal(EXACT.create_decimal(compact), source, target)
    except InvalidOperation:
        raise SqlError(8115, f"Arithmetic overflow error converting {source.name} to data type numeric.") from None


# ---- moments


def _to_moment(source: SqlType, target: SqlType, settings: Settings, style: int):
    kind = family(source)
    if kind == "moment":
        return lambda value: _as(target, *moment(source, value), source)
    if kind == "text":
        return lambda value: _moment_of_text(value, source, target, settings, style)
    if kind in ("int", "decimal", "float"):
        def of_number(value):
            days = math.floor(value)
            fraction = value - days
            if target.name == "datetime":
                return _checked_legacy(days, int(fraction * 25_920_000 + (Decimal("0.5") if kind == "decimal" else 0.5)), source, target)
            return _checked_legacy(days, int(fraction * 1440 + (Decimal("0.5") if kind == "decimal" else 0.5)), source, target)
        return of_number
    if kind == "binary" and target.name == "datetime":
        return lambda value: (int.from_bytes(value[-8:-4], "big", signed=True), int.from_bytes(value[-4:], "big"))
    raise refuse(source, target, False)


def _moment_of_text(text: str, source, target, settings, style):
    try:
        days, ticks, offset, digits = moments.parse(text, settings.get("DATEFORMAT", "mdy"), target.name in _LEGACY)
    except moments.NotAMoment as wrong:
        if wrong.out_of_range and target.name in _LEGACY:
            raise SqlError(242, f"The conversion of a {source.name} data type to a {target.name} data type resulted in an out-of-range "
                                "value.") from None
        raise SqlError(241, "Conversion failed when converting date and/or time from character string.") from None
    if target.name in _LEGACY and (digits > 3 or offset is not None and "T" not in text.upper()):
        raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
    if days is None:
        days = moments.EPOCH_1900
    if offset is not None:
        days, ticks = moments.shifted(days, ticks, -offset)
        if target.name in _LEGACY:
            offset = None
    return _as(target, days, ticks, offset, source)


def _as(target: SqlType, days: int, ticks: int, offset: int | None, source: SqlType):
    """`days` and `ticks` of UTC where there is an offset."""
    name = target.name
    if offset is not None and name != "datetimeoffset":
        days, ticks = moments.shifted(days, ticks, offset)
    if name == "date":
        return days
    if name == "datetime":
        units = (ticks * 3 + 50_000) // 100_000
        return _checked_legacy(days - moments.EPOCH_1900, units, source, target)
    if name == "smalldatetime":
        return _checked_legacy(days - moments.EPOCH_1900, (ticks + 300_000_000) // 600_000_000 if source.name != "datetime" else
                               (ticks + 300_020_000) // 600_000_000, source, target)
    if target.scale < 7:
        unit = 10 ** (7 - target.scale)
        if name == "time" and ticks + unit // 2 >= DAY_TICKS:
            ticks = 0
        days, ticks = moments.rounded(days, ticks, unit)
    if name == "time":
        return ticks
    if not 0 <= days <= moments.LAST_DAY:
        if family(source) == "text":
            raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
        raise SqlError(517, f"Adding a value to a '{name}' column caused an overflow.")
    return (days, ticks, offset or 0) if name == "datetimeoffset" else (days, ticks)


def _checked_legacy(days: int, units: int, source: SqlType, target: SqlType):
    whole = 25_920_000 if target.name == "datetime" else 1440
    days, units = days + units // whole, units % whole
    low, high = (-53690, 2958463) if target.name == "datetime" else (0, 65535)
    if not low <= days <= high:
        if family(source) in ("int", "decimal", "float"):
            raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {target.name}.")
        raise SqlError(242, f"The conversion of a {source.name} data type to a {target.name} data type resulted in an out-of-range value.")
    return days, units


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


__all__ = ["FAMILIES", "ROUND_DOWN", "allowed", "converter", "decode", "is_same", "refuse"]
