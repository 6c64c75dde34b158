"""+ - * / % & | ^ ~ over typed expressions. Rules of precision: learn.microsoft.com/sql/t-sql/data-types/precision-scale-and-length."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from ..model import SqlError, SqlType
from . import types
from .expression import ABSENT, Ex
from .storage import decoder, encoder, is_wide, scale_of, unscaled_of, wide
from .types import INT_RANGES, family

_NAMES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo", "&": "'&'", "|": "'|'", "^": "'^'"}


def clash(op: str, left: Ex, right: Ex) -> SqlError:
    if family(left.type) == family(right.type):
        return SqlError(8117, f"Operand data type {left.type.name} is invalid for {_NAMES[op]} operator.")
    return SqlError(206, f"Operand type clash: {left.type.name} is incompatible with {right.type.name}")


def binary(c, op: str, left: Ex, right: Ex) -> Ex:
    if left.is_null:
        left = replace(left, type=right.type) if not right.is_null else left
    if right.is_null:
        right = replace(right, type=left.type)
    kinds = family(left.type), family(right.type)
    if op == "+" and kinds == ("text", "text"):
        return _concatenated(c, left, right)
    if op == "+" and kinds == ("binary", "binary"):
        length = -1 if -1 in (left.type.length, right.type.length) else min(left.type.length + right.type.length, 8000)
        name = c.runtime.function(("join bytes",), 2, lambda a, b: None if a is None or b is None else a + b)
        return Ex(f"{name}({left.sql}, {right.sql})", SqlType("varbinary", length), left.nullable or right.nullable)
    if "moment" in kinds:
        return _moments(c, op, left, right, kinds)
    type_ = types.common(left.type, right.type)
    if family(type_) in ("text", "guid", "variant", "clr", "xml", "json", "binary"):
        raise clash(op, left, right)
    if family(type_) == "int" and type_.name == "bit" and op not in "&|^":
        raise clash(op, left, right)
    # The server takes most expressions for nullable, whatever they are made of.
    nullable = left.nullable or right.nullable or left.constant is ABSENT or right.constant is ABSENT
    if op in "&|^":
        if family(type_) != "int":
            raise clash(op, left, right)
        a, b = c.convert(left, type_).sql, c.convert(right, type_).sql
        return Ex(f"({a} {op} {b})" if op != "^" else f"(({a} | {b}) - ({a} & {b}))", type_, nullable)
    if family(type_) == "int":
        return _integers(c, op, c.convert(left, type_), c.convert(right, type_), type_, nullable)
    if family(type_) == "float":
        return _floats(c, op, c.convert(left, type_), c.convert(right, type_), type_, nullable)
    return _decimals(c, op, left, right, type_, nullable)


def _folded(c, function, type_: SqlType, left: Ex, right: Ex) -> Ex | None:
    if left.constant is ABSENT or right.constant is ABSENT:
        return None
    try:
        return c.constant(function(left.constant, right.constant), type_)
    except SqlError:
        return None


def _concatenated(c, left: Ex, right: Ex) -> Ex:
    unicode = left.type.name in types.UNICODE or right.type.name in types.UNICODE
    most = 4000 if unicode else 8000
    length = -1 if -1 in (left.type.length, right.type.length) else min(left.type.length + right.type.length, most)
    collation, label = c.common_collation([left, right])
    type_ = SqlType("nvarchar" if unicode else "varchar", length, collation=collation)
    sql = f"({left.sql} || {right.sql})"
    found = Ex(sql, type_, left.nullable or right.nullable, label=label)
    if length == most and left.type.length + right.type.length > most:
        return c.convert(replace(found, type=replace(type_, length=-1)), type_)
    return found


def overflow(type_: SqlType) -> SqlError:
    return SqlError(8115, f"Arithmetic overflow error converting expression to data type {type_.name}.")


def divided_by_zero() -> SqlError:
    return SqlError(8134, "Divide by zero error encountered.")


def checked_integer(c, sql: str, type_: SqlType) -> str:
    low, high = INT_RANGES[type_.name]

    def check(value):
        if value is None or (isinstance(value, int) and low <= value <= high):
            return value
        raise overflow(type_)

    return f"{c.runtime.function(('range', type_.name), 1, check)}({sql})"


def _bounds(ex: Ex) -> tuple[int, int]:
    low, high = INT_RANGES[ex.type.name]
    return ex.low if ex.low is not None else low, ex.high if ex.high is not None else high


def _integers(c, op: str, left: Ex, right: Ex, type_: SqlType, nullable: bool) -> Ex:
    (a, b), (x, y) = _bounds(left), _bounds(right)
    if op in "/%":
        whole = op == "/"
        if x > 0 or y < 0:
            sql = f"({left.sql} {op} {right.sql})"
        else:
            def divide(n, d):
                if n is None or d is None:
                    return None
                if d == 0:
                    raise divided_by_zero()
                quotient = abs(n) // abs(d) * (1 if (n < 0) == (d < 0) else -1)
                return quotient if whole else n - d * quotient
            sql = f"{c.runtime.function(('integers', op), 2, divide)}({left.sql}, {right.sql})"
        found = Ex(sql, type_, nullable)
        if whole:
            found.low, found.high = -max(abs(a), abs(b)), max(abs(a), abs(b))
        else:
            most = max(abs(x), abs(y)) - 1
            found.low, found.high = (-most if a < 0 else 0), most
        return found
    ends = {"+": (a + x, b + y), "-": (a - y, b - x)}.get(op) or (min(a * x, a * y, b * x, b * y), max(a * x, a * y, b * x, b * y))
    low, high = INT_RANGES[type_.name]
    sql = f"({left.sql} {op} {right.sql})"
    if low <= ends[0] and ends[1] <= high:
        return Ex(sql, type_, nullable, low=ends[0], high=ends[1])
    return Ex(checked_integer(c, sql, type_), type_, nullable)


def _floats(c, op: str, left: Ex, right: Ex, type_: SqlType, nullable: bool) -> Ex:
    if op == "%":
        raise SqlError(402, "The data types float and float are incompatible in the modulo operator.")

    def calculate(a, b):
        if a is None or b is None:
            return None
        if op == "/" and b == 0:
            raise divided_by_zero()
        value = a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b
        if value in (float("inf"), float("-inf")):
            raise overflow(type_)
        return struct.unpack("<f", struct.pack("<f", value))[0] if type_.name == "real" else value

    return Ex(f"{c.runtime.function(('floats', op, type_.name), 2, calculate)}({left.sql}, {right.sql})", type_, nullable)


def _decimals(c, op: str, left: Ex, right: Ex, type_: SqlType, nullable: bool) -> Ex:
    if type_.name in ("money", "smallmoney"):
        left, right = c.convert(left, type_), c.convert(right, type_)
        result, a, b = type_, left.type, right.type
    else:
        a, b = _numeric(left), _numeric(right)
        left, right = c.convert(left, a), c.convert(right, b)
        result = result_of(op, a, b, type_.name)
    calculate = _exact(op, a, b, result)
    folded = _folded(c, calculate, result, left, right)
    if folded is not None:
        return folded
    return Ex(f"{c.runtime.function(('decimals', op, a, b, result), 2, calculate)}({left.sql}, {right.sql})", result, nullable)


def _exact(op: str, a: SqlType, b: SqlType, result: SqlType):
    """The operation on stored values; unscaled integers, so that nothing is rounded but at the end."""
    scale_a, scale_b, scale = scale_of(a), scale_of(b), scale_of(result)
    read_a, read_b = unscaled_of(a), unscaled_of(b)
    plain_a, plain_b, is_wide_result = read_a is int, read_b is int, is_wide(result)
    common = max(scale_a, scale_b)
    up_a, up_b = 10 ** (common - scale_a), 10 ** (common - scale_b)
    money = result.name in ("money", "smallmoney")
    most = {"money": 2**63, "smallmoney": 2**31}.get(result.name) or 10**result.precision
    exact_scale = scale_a + scale_b if op == "*" else common
    down, up = 10 ** max(exact_scale - scale, 0), 10 ** max(scale - exact_scale, 0)
    over, under = 10 ** (scale + scale_b), 10**scale_a

    def calculate(x, y):
        if x is None or y is None:
            return None
        x, y = x if plain_a else read_a(x), y if plain_b else read_b(y)
        if op == "/":
            if y == 0:
                raise divided_by_zero()
            value = _divided(x * over, y * under, not money)
        else:
            if op == "+":
                value = x * up_a + y * up_b
            elif op == "-":
                value = x * up_a - y * up_b
            elif op == "*":
                value = x * y
            else:
                if y == 0:
                    raise divided_by_zero()
                value = abs(x * up_a) % abs(y * up_b) * (-1 if x < 0 else 1)
            value = _divided(value, down, False) if down > 1 else value * up
        if not -most < value < most:
            raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {types_name(result)}.")
        return wide(value) if is_wide_result else value

    return calculate


def _divided(x: int, y: int, cut: bool) -> int:
    """Towards zero, or to the nearest with halves away from zero."""
    quotient, rest = divmod(abs(x), abs(y))
    if not cut and 2 * rest >= abs(y):
        quotient += 1
    return quotient if (x < 0) == (y < 0) else -quotient


def types_name(type_: SqlType) -> str:
    return "numeric" if type_.name == "decimal" else type_.name


def _numeric(ex: Ex) -> SqlType:
    """A whole constant counts with the digits that it has, other integers with those of their type."""
    if family(ex.type) == "int" and isinstance(ex.constant, int):
        return SqlType("decimal", precision=len(str(abs(ex.constant))))
    return types.as_decimal(ex.type)


def result_of(op: str, a: SqlType, b: SqlType, name: str) -> SqlType:
    if op in "+-":
        scale = max(a.scale, b.scale)
        return types.fitted(name, max(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale)
    if op == "*":
        return types.fitted(name, a.precision + b.precision + 1, a.scale + b.scale)
    if op == "/":
        scale = max(6, a.scale + b.precision + 1)
        return types.fitted(name, a.precision - a.scale + b.scale + scale, scale)
    scale = max(a.scale, b.scale)
    return types.fitted(name, min(a.precision - a.scale, b.precision - b.scale) + scale, scale)


def negated(c, ex: Ex) -> Ex:
    kind = family(ex.type)
    if kind == "int":
        if isinstance(ex.constant, int) and ex.type.name != "bit":
            type_ = SqlType("smallint") if ex.type.name == "tinyint" else ex.type
            return c.constant(-ex.constant, type_)
        return _integers(c, "-", c.constant(0, ex.type), ex, ex.type, ex.nullable)
    if kind == "float":
        return c.constant(-ex.constant, ex.type) if isinstance(ex.constant, float) else Ex(f"(-{ex.sql})", ex.type, ex.nullable)
    if kind == "decimal":
        read, write = decoder(ex.type), encoder(ex.type)

        def negate(stored):
            return None if stored is None else write(read(stored).copy_negate())  # "-" would round to 28 digits
        if ex.constant is not ABSENT:
            return c.constant(negate(ex.constant), ex.type)
        return Ex(f"{c.runtime.function(('negate', ex.type), 1, negate)}({ex.sql})", ex.type, ex.nullable)
    raise SqlError(8117, f"Operand data type {ex.type.name} is invalid for minus operator.")


def complement(c, ex: Ex) -> Ex:
    if family(ex.type) != "int":
        raise SqlError(8117, f"Operand data type {ex.type.name} is invalid for '~' operator.")
    if ex.type.name == "bit":
        return Ex(f"(1 - {ex.sql})", ex.type, ex.nullable)
    return Ex(f"(255 - {ex.sql})" if ex.type.name == "tinyint" else f"(~{ex.sql})", ex.type, ex.nullable)


def _moments(c, op: str, left: Ex, right: Ex, kinds) -> Ex:
    legacy = ("datetime", "smalldatetime")
    if op in "+-" and all(ex.type.name in legacy or family(ex.type) in ("int", "decimal", "float", "text") for ex in (left, right)):
        if not (op == "-" and kinds[1] == "moment" and kinds[0] != "moment"):
            type_ = left.type if left.type.name in legacy else right.type
            sides = [c.convert(side, type_) for side in (left, right)]
            day = 25_920_000 if type_.name == "datetime" else 1440
            low, high = (-53690 * day, 2958464 * day) if type_.name == "datetime" else (0, 65536 * day)

            def check(value):
                if value is not None and not low <= value < high:
                    raise SqlError(517, f"Adding a value to a '{type_.name}' column caused an overflow.")
                return value
            return Ex(f"{c.runtime.function(('legacy', type_.name), 1, check)}({sides[0].sql} {op} {sides[1].sql})", type_,
                      left.nullable or right.nullable)
    raise clash(op, left, right) if kinds[0] != kinds[1] else SqlError(
        402, f"The data types {left.type.name} and {right.type.name} are incompatible in the {_NAMES[op]} operator.")


def point(type_name: str, method: str, arguments: list) -> bytes:
    """A point in the server's own form (MS-SSCLRT): SRID, version 1, properties "valid, single point", two doubles."""
    if method == "Point":
        x, y, srid = (float(str(argument)) for argument in arguments)
    else:
        match = re.fullmatch(r" *POINT *\( *(-?[\d.]+) +(-?[\d.]+) *\) *", str(arguments[0]), re.I)
        if not match:
            raise SqlError(40001, f"the stand-in knows only points, not {arguments[0]}")
        x, y = float(match[1]), float(match[2])
        srid = arguments[1] if len(arguments) > 1 else (4326 if type_name == "geography" else 0)
        if type_name == "geography":
            x, y = y, x
    return struct.pack("<iBBdd", int(srid), 1, 0x0C, x, y)
