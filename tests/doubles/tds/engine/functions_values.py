"""Functions of numbers, of NULLs, and of any value."""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from ..model import SqlError, SqlType
from . import conversions, number_conversions, storage, types
from .compile_expressions import unknown
from .expression import Ex
from .storage import EXACT, decoder, encoder
from .types import FLOAT, INT, family


def _isnull(c, node, scope) -> Ex:
    first, second = (c.value(argument, scope) for argument in node.arguments)
    if first.is_null:
        return second
    type_ = first.type
    second = c.convert(second, type_)
    if not first.nullable:
        return replace(first, column=None)
    return Ex(f"ifnull({first.sql}, {second.sql})", type_, second.nullable, label=first.label)


def _coalesce(c, node, scope) -> Ex:
    values = [c.value(argument, scope) for argument in node.arguments]
    if all(value.is_null for value in values):
        raise SqlError(4127, "At least one of the arguments to COALESCE must be an expression that is not the NULL constant.")
    type_, label = c.unified(values)
    return Ex(f"coalesce({', '.join(c.convert(value, type_).sql for value in values)})", type_, all(v.nullable for v in values), label=label)


def _nullif(c, node, scope) -> Ex:
    first = c.value(node.arguments[0], scope)
    left, right = c.comparable(first, c.value(node.arguments[1], scope))
    return Ex(f"CASE WHEN {left} = {right} THEN NULL ELSE {first.sql} END", first.type, True, label=first.label)


def _choose(c, node, scope) -> Ex:
    at = c.integer(node.arguments[0], scope)
    values = [c.value(argument, scope) for argument in node.arguments[1:]]
    type_, label = c.unified(values)
    whens = " ".join(f"WHEN {i} THEN {c.convert(value, type_).sql}" for i, value in enumerate(values, 1))
    return Ex(f"CASE {at.sql} {whens} END", type_, True, label=label)


def _number(c, node, scope) -> Ex:
    value = c.value(node, scope)
    if value.is_null:
        return value
    if family(value.type) == "text":
        return c.convert(value, FLOAT)
    if family(value.type) not in ("int", "decimal", "float"):
        raise SqlError(8116, f"Argument data type {value.type.name} is invalid for argument 1 of the function.")
    return value


def _on_numbers(name: str, change):
    """A function that keeps the type: `change` gets an int, a Decimal or a float."""
    def handler(c, node, scope) -> Ex:
        value = _number(c, node.arguments[0], scope)
        type_ = value.type if value.type.name != "bit" else FLOAT
        value = c.convert(value, type_)
        read, write = decoder(type_), encoder(type_)

        def calculate(stored):
            if stored is None:
                return None
            found = change(read(stored) if read else stored)
            if family(type_) == "int":
                low, high = types.INT_RANGES[type_.name]
                if not low <= found <= high:
                    raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {type_.name}.")
            return write(found) if write else found
        return Ex(f"{c.runtime.function((name, type_), 1, calculate)}({value.sql})", type_, value.nullable)
    return handler


def _to_whole(rounding):
    def change(value):
        if isinstance(value, Decimal):
            return value.to_integral_value(rounding, EXACT)
        if isinstance(value, float):
            return float(math.ceil(value) if rounding == ROUND_CEILING else math.floor(value))
        return value
    return change


def _whole(name: str, rounding):
    inner = _on_numbers(name, _to_whole(rounding))

    def handler(c, node, scope) -> Ex:
        value = _number(c, node.arguments[0], scope)
        if value.type.name in ("decimal", "numeric") and value.type.scale:
            type_ = SqlType(value.type.name, precision=value.type.precision)
            read, write = decoder(value.type), encoder(type_)

            def calculate(stored):
                return None if stored is None else write(read(stored).to_integral_value(rounding, EXACT))
            return Ex(f"{c.runtime.function((name, value.type), 1, calculate)}({value.sql})", type_, value.nullable)
        return inner(c, node, scope)
    return handler


def _round(c, node, scope) -> Ex:
    value = _number(c, node.arguments[0], scope)
    digits = c.integer(node.arguments[1], scope)
    truncate = c.integer(node.arguments[2], scope).sql if len(node.arguments) > 2 else "0"
    type_ = value.type if value.type.name not in ("bit", "tinyint", "smallint", "real") else (FLOAT if value.type.name == "real" else INT)
    value = c.convert(value, type_)
    read, write = decoder(type_), encoder(type_)

    def calculate(stored, places, cut):
        if stored is None or places is None:
            return None
        number = Decimal(repr(stored)) if isinstance(stored, float) else read(stored) if read else Decimal(stored)
        found = number.scaleb(places, EXACT).to_integral_value(ROUND_DOWN if cut else ROUND_HALF_UP, EXACT).scaleb(-places, EXACT)
        if family(type_) == "float":
            return float(found)
        if family(type_) == "int":
            return number_conversions.to_int(found, SqlType("bigint"), type_)
        if abs(found.scaleb(storage.scale_of(type_), EXACT)) >= (10**type_.precision if type_.precision else 2**63):
            raise SqlError(8115, "Arithmetic overflow error converting expression to data type numeric.")
        return write(found)
    return Ex(f"{c.runtime.function(('round', type_), 3, calculate)}({value.sql}, {digits.sql}, {truncate})", type_, True)


def _float(name: str, function):
    def handler(c, node, scope) -> Ex:
        values = [c.convert(c.value(argument, scope), FLOAT) for argument in node.arguments]

        def calculate(*numbers):
            if None in numbers:
                return None
            try:
                return float(function(*numbers))
            except (ValueError, OverflowError, ZeroDivisionError):
                raise SqlError(3623, "An invalid floating point operation occurred.") from None
        return Ex(f"{c.runtime.function((name, len(values)), len(values), calculate)}({', '.join(v.sql for v in values)})", FLOAT, True)
    return handler


def _power(c, node, scope) -> Ex:
    value = _number(c, node.arguments[0], scope)
    type_ = FLOAT if value.type.name in ("real", "float") else value.type
    if family(type_) == "int":
        type_ = value.type if value.type.name == "bigint" else INT
    exponent = c.convert(c.value(node.arguments[1], scope), FLOAT)
    read, write = decoder(type_), encoder(type_)
    if family(type_) == "decimal":
        type_ = SqlType(type_.name, precision=38 if type_.precision else 0, scale=type_.scale)
        write = encoder(type_)
    base = c.convert(value, value.type)

    def calculate(stored, power):
        if stored is None or power is None:
            return None
        number = read(stored) if read else stored
        if isinstance(number, int) and power == int(power) and power >= 0:
            return number_conversions.to_int(number ** int(power), SqlType("bigint"), type_)
        if isinstance(number, Decimal) and power == int(power):
            return write(EXACT.power(number, int(power)).quantize(Decimal(1).scaleb(-type_.scale), ROUND_HALF_UP, EXACT))
        found = float(number) ** power
        return int(found) if family(type_) == "int" else found if not write else write(Decimal(repr(found)).quantize(
            Decimal(1).scaleb(-type_.scale), ROUND_HALF_UP, EXACT))
    return Ex(f"{c.runtime.function(('power', value.type), 2, calculate)}({base.sql}, {exponent.sql})", type_, True)


def _datalength(c, node, scope) -> Ex:
    value = c.value(node.arguments[0], scope)
    if value.is_null:
        return Ex("NULL", INT, True, None)
    kind, name = family(value.type), value.type.name
    if kind == "text" and name not in types.UNICODE:
        collation = value.type.collation or c.collation
        length = c.runtime.function(("bytes", collation), 1, lambda text: None if text is None else len(
            text) if text.isascii() else len(conversions.encoded(text, collation)))
    elif kind in ("text", "xml"):
        length = c.runtime.function(("utf-16",), 1, lambda text: None if text is None else 2 * conversions.utf16_length(text))
    elif kind == "json":
        length = c.runtime.function(("utf-8",), 1, lambda text: None if text is None else len(text.encode()))
    elif kind in ("binary", "clr"):
        length = "length"
    elif kind == "variant":
        raise unknown("DATALENGTH of sql_variant")
    else:
        return Ex(f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {types.sizes(value.type)[0]} END", INT, value.nullable)
    wide = types.is_max(value.type)
    return Ex(f"{length}({value.sql})", SqlType("bigint") if wide else INT, value.nullable)


def _newid(c, node, scope) -> Ex:
    write = encoder(SqlType("uniqueidentifier"))
    return Ex(f"{c.runtime.function(('newid',), 0, lambda: write(uuid.uuid4()), deterministic=False)}()", SqlType("uniqueidentifier"), False)


def _rand(c, node, scope) -> Ex:
    return c.constant(random.random(), FLOAT)


def _isnumeric(c, node, scope) -> Ex:
    value = c.text(c.value(node.arguments[0], scope))

    def is_number(text):
        try:
            number_conversions.number_of_text(text or "x", value.type, FLOAT)
            return int(bool(text.strip()))
        except SqlError:
            return 0
    return Ex(f"{c.runtime.function(('isnumeric', value.type), 1, is_number)}({value.sql})", INT, False)


def _variant_property(c, node, scope) -> Ex:
    value = c.value(node.arguments[0], scope)
    what = c.value(node.arguments[1], scope).constant
    if not isinstance(what, str):
        raise unknown("SQL_VARIANT_PROPERTY of anything but a constant")
    variant, result = SqlType("sql_variant"), SqlType("sql_variant")
    value = c.convert(value, variant)

    def tell(stored):
        if stored is None:
            return None
        type_, content = storage.variant(stored)
        length, precision, scale = types.sizes(type_)
        found = {"basetype": type_.name, "precision": precision, "scale": scale, "maxlength": length, "collation": type_.collation}.get(
            what.lower())
        if found is None:
            return None
        return storage.encode(result, (SqlType("nvarchar", 128) if isinstance(found, str) else INT, found))
    return Ex(f"{c.runtime.function(('variant property', what), 1, tell)}({value.sql})", result, True)


def _absolute(value):
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)  # abs() would round to 28 digits


def _sign(value):
    return type(value)((value > 0) - (value < 0))


FUNCTIONS = {
    "ISNULL": (2, 2, _isnull), "COALESCE": (2, 100, _coalesce), "NULLIF": (2, 2, _nullif), "CHOOSE": (2, 100, _choose),
    "ABS": (1, 1, _on_numbers("abs", _absolute)), "SIGN": (1, 1, _on_numbers("sign", _sign)),
    "CEILING": (1, 1, _whole("ceiling", ROUND_CEILING)), "FLOOR": (1, 1, _whole("floor", ROUND_FLOOR)), "ROUND": (2, 3, _round),
    "SQRT": (1, 1, _float("sqrt", math.sqrt)), "EXP": (1, 1, _float("exp", math.exp)),
    "LOG": (1, 2, _float("log", lambda x, *base: math.log(x, *base))), "LOG10": (1, 1, _float("log10", math.log10)),
    "SIN": (1, 1, _float("sin", math.sin)), "COS": (1, 1, _float("cos", math.cos)), "PI": (0, 0, _float("pi", lambda: math.pi)),
    "SQUARE": (1, 1, _float("square", lambda x: x * x)), "POWER": (2, 2, _power),
    "DATALENGTH": (1, 1, _datalength), "NEWID": (0, 0, _newid), "NEWSEQUENTIALID": (0, 0, _newid), "RAND": (0, 1, _rand),
    "ISNUMERIC": (1, 1, _isnumeric), "SQL_VARIANT_PROPERTY": (2, 2, _variant_property),
}
