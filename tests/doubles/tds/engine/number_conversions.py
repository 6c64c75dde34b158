"""Conversions to numbers."""

from __future__ import annotations

import math
import re
import struct
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from ..model import SqlError, SqlType
from .conversion_errors import refuse, shown_name
from .storage import EXACT, scale_of
from .types import INT_RANGES, family

BIG_MONEY = {"money": 2**63, "smallmoney": 2**31}


def to_number(source: SqlType, target: SqlType):
    kind = family(source)
    into = {"int": to_int, "decimal": to_decimal, "float": to_float}[family(target)]
    if kind == "text":
        return lambda value: number_of_text(value, source, target)
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
    if kind == "binary" and target.name in BIG_MONEY:
        size = 8 if target.name == "money" else 4
        return lambda value: Decimal(int.from_bytes(value[-size:].rjust(size, b"\0"), "big", signed=True)).scaleb(-4, EXACT)
    raise refuse(source, target, False)


def to_int(value, source: SqlType, target: SqlType):
    if target.name == "bit":
        return value != 0
    whole = int(value) if not isinstance(value, float) or math.isfinite(value) else 2**64
    if source.name in BIG_MONEY:
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
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    rounded = exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, EXACT)
    unscaled = int(rounded.scaleb(scale, EXACT))
    most = BIG_MONEY.get(target.name) or 10**target.precision
    if not (-most <= unscaled < most if target.name in BIG_MONEY else abs(unscaled) < most):
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


def number_of_text(value: str, source: SqlType, target: SqlType):
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
    if name in BIG_MONEY:
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
