"""COUNT, SUM, AVG, MIN, MAX, STRING_AGG, STDEV, VAR and the functions of windows."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN
from decimal import Decimal

from ..model import SqlError, SqlType
from . import syntax as s
from . import types
from .arithmetic import checked_integer
from .compile_expressions import unknown
from .expression import Ex, Scope
from .storage import EXACT, decoder, encoder, narrow, scale_of, wide
from .types import BIGINT, FLOAT, INT, family

_RANKING = {"ROW_NUMBER": BIGINT, "RANK": BIGINT, "DENSE_RANK": BIGINT, "NTILE": BIGINT, "PERCENT_RANK": FLOAT, "CUME_DIST": FLOAT}
_SHIFTING = ("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE")
_AGGREGATES = ("COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "STRING_AGG", "STDEV", "STDEVP", "VAR", "VARP")
NAMES = frozenset((*_RANKING, *_SHIFTING, *_AGGREGATES))


def call(c, node: s.Call, scope: Scope) -> Ex:
    name = node.name[-1].upper()
    if name in _RANKING or name in _SHIFTING:
        return _windowed(c, node, scope, name)
    if name not in NAMES:
        raise unknown(f"{name} with OVER")
    if scope.in_aggregate:
        raise SqlError(130, "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.", 15)
    over = f" OVER {c.over(node.over, scope)}" if node.over is not None else ""
    scope.in_aggregate = True
    try:
        operand = None if isinstance(node.arguments[0], s.Star) else c.value(node.arguments[0], scope)
        extra = [c.value(argument, scope) for argument in node.arguments[1:]]
    finally:
        scope.in_aggregate = False
    scope.has_aggregates = True
    distinct = "DISTINCT " if node.distinct else ""
    if name in ("COUNT", "COUNT_BIG"):
        counted = "*" if operand is None else distinct + (c.sortable(operand) if node.distinct else operand.sql)
        return Ex(f"COUNT({counted}){over}", INT if name == "COUNT" else BIGINT, False)
    if operand is None:
        raise SqlError(102, "Incorrect syntax near '*'.", 15)
    if name in ("MIN", "MAX"):
        if operand.type.name == "bit":
            raise SqlError(8117, f"Operand data type bit is invalid for {name.lower()} operator.")
        return Ex(f"{name}({c.sortable(operand)}){over}", operand.type, True, label=operand.label)
    if name == "STRING_AGG":
        text = c.text(operand)
        if node.within:
            raise unknown("STRING_AGG … WITHIN GROUP")
        most = types.with_collation(SqlType(text.type.name.replace("char", "char"), -1 if text.type.length == -1 else
                                            4000 if text.type.name in types.UNICODE else 8000), text.type.collation)
        return Ex(f"group_concat({text.sql}, {c.text(extra[0]).sql}){over}", most, True, label=text.label)
    if family(operand.type) not in ("int", "decimal", "float") or operand.type.name == "bit":
        raise SqlError(8117, f"Operand data type {operand.type.name} is invalid for {name.lower()} operator.")
    if name in ("STDEV", "STDEVP", "VAR", "VARP"):
        sql = f"{c.runtime.aggregate((name,), _spread(name))}({distinct}{c.convert(operand, FLOAT).sql})"
        if over:
            raise unknown(f"{name} OVER")
        return Ex(sql, FLOAT, True)
    if family(operand.type) == "decimal" and over:
        raise unknown(f"{name} of decimals OVER")
    return _sum(c, operand, over, distinct) if name == "SUM" else _average(c, operand, over, distinct)


def _sum(c, operand: Ex, over: str, distinct: str) -> Ex:
    kind = family(operand.type)
    if kind == "int":
        type_ = BIGINT if operand.type.name == "bigint" else INT
        return Ex(checked_integer(c, f"SUM({distinct}{operand.sql}){over}", type_), type_, True)
    if kind == "float":
        return Ex(f"(SUM({distinct}{operand.sql}){over} + 0.0)", FLOAT, True)
    if operand.type.name in ("money", "smallmoney"):
        return Ex(checked_integer(c, f"SUM({distinct}{operand.sql}){over}", BIGINT), SqlType("money"), True)
    type_ = SqlType(operand.type.name, precision=38, scale=operand.type.scale)
    read = decoder(operand.type)
    name = c.runtime.aggregate(("sum", operand.type), _exact_sum(operand.type, read, lambda total, count: _fit(total, type_)))
    return Ex(f"{name}({distinct}{operand.sql})", type_, True)


def _average(c, operand: Ex, over: str, distinct: str) -> Ex:
    kind = family(operand.type)
    if kind == "int":
        type_ = BIGINT if operand.type.name == "bigint" else INT
        total, count = f"SUM({distinct}{operand.sql}){over}", f"COUNT({distinct}{operand.sql}){over}"
        return Ex(f"({checked_integer(c, total, type_)} / NULLIF({count}, 0))", type_, True)
    if kind == "float":
        return Ex(f"AVG({distinct}{operand.sql}){over}", FLOAT, True)
    money = operand.type.name in ("money", "smallmoney")
    type_ = SqlType("money") if money else SqlType(operand.type.name, precision=38, scale=max(operand.type.scale, 6))
    write, unit = encoder(type_), Decimal(1).scaleb(-scale_of(type_))

    def mean(total, count):
        return write((Decimal(total).scaleb(-scale_of(operand.type), EXACT) / count).quantize(unit, ROUND_DOWN, EXACT))

    name = c.runtime.aggregate(("avg", operand.type), _exact_sum(operand.type, None, mean))
    return Ex(f"{name}({distinct}{operand.sql})", type_, True)


def _fit(total: int, type_: SqlType) -> bytes:
    if abs(total) >= 10**38:
        raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {type_.name}.")
    return wide(total)


def _exact_sum(type_: SqlType, _, end):
    unscaled = narrow if type_.name in ("decimal", "numeric") and type_.precision > 18 else int

    class Sum:
        def __init__(self):
            self.total = self.count = 0

        def step(self, stored):
            if stored is not None:
                self.total += unscaled(stored)
                self.count += 1

        def finalize(self):
            return end(self.total, self.count) if self.count else None

    return Sum


def _spread(name: str):
    class Spread:
        def __init__(self):
            self.values = []

        def step(self, value):
            if value is not None:
                self.values.append(value)

        def finalize(self):
            count = len(self.values) - (0 if name.endswith("P") else 1)
            if count <= 0:
                return None
            mean = math.fsum(self.values) / len(self.values)
            variance = math.fsum((value - mean) ** 2 for value in self.values) / count
            return math.sqrt(variance) if name.startswith("STDEV") else variance

    return Spread


def _windowed(c, node: s.Call, scope: Scope, name: str) -> Ex:
    if node.over is None:
        raise SqlError(10753, f"The function '{name}' must have an OVER clause.", 15)
    over = c.over(node.over, scope)
    if name in _RANKING:
        if not node.over.order:
            raise SqlError(4112, f"The function '{name}' must have an OVER clause with ORDER BY.", 15)
        inner = c.integer(node.arguments[0], scope).sql if name == "NTILE" else ""
        return Ex(f"{name}({inner}) OVER {over}", _RANKING[name], False)
    operand = c.value(node.arguments[0], scope)
    arguments = [operand.sql]
    if len(node.arguments) > 1:
        arguments.append(c.integer(node.arguments[1], scope, BIGINT).sql)
    if len(node.arguments) > 2:
        arguments.append(c.convert(c.value(node.arguments[2], scope), operand.type).sql)
    return Ex(f"{name}({', '.join(arguments)}) OVER {over}", operand.type, True, label=operand.label)
