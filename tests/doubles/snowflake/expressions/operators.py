"""Division, comparisons, addition."""

from sqlglot import exp

from .. import conversions as conv
from .. import types
from ..scope import generate
from ..types import TZ, SfType
from .typed import POINTS, declare, engine_of, raw


def division(t, node, scope):
    left, right = t.expression(node.this, scope), t.expression(node.expression, scope)
    real = "DOUBLE" in (engine_of(left), engine_of(right))
    if real or None in (engine_of(left), engine_of(right)):
        return raw(f"sf_div({generate(left)}, {generate(right)})", None)
    return raw(f"sf_div_number({generate(left)}, {generate(right)})", SfType("FIXED", 38, 6))


def comparison(t, node, scope):
    t.children(node, scope)
    sides = [node.this] + ([node.expression] if node.args.get("expression") is not None else [])
    if isinstance(node, exp.Between):
        sides = [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        sides = [node.this, *node.expressions] if not node.args.get("query") else [node.this]
    engines = {engine_of(s) for s in sides}
    points = engines & set(POINTS)
    if points and (len(engines) > 1 or TZ in points):
        anchor = next(engine_of(s) for s in sides if engine_of(s) in POINTS)

        def instant(side):
            if isinstance(side, exp.Null):
                return side
            engine = engine_of(side)
            sql = generate(side)
            if engine == "VARCHAR" or engine is None:
                # Text beside a point in time becomes one of the same kind.
                kind = types.from_engine(anchor)
                sql, engine = conv.convert(sql, engine, kind, t.zone), anchor
            return raw(conv.instant(sql, engine, t.zone))
        return declare(_with_sides(node, [instant(s) for s in sides]), "BOOLEAN", types.BOOLEAN)
    if "DATE" in engines and "VARCHAR" in engines:
        node = _with_sides(node, [raw(conv.convert(generate(s), "VARCHAR", types.DATE), types.DATE)
                                  if engine_of(s) == "VARCHAR" else s for s in sides])
    if "JSON" in engines and len(engines) > 1:
        other = next((e for e in engines if e not in ("JSON", None)), None)
        if other:
            node = _with_sides(node, [raw(conv.convert(generate(s), "JSON", types.from_engine(other), t.zone))
                                      if engine_of(s) == "JSON" else s for s in sides])
    return declare(node, "BOOLEAN", types.BOOLEAN)


def _with_sides(node, sides):
    node.set("this", sides[0])
    if isinstance(node, exp.Between):
        node.set("low", sides[1])
        node.set("high", sides[2])
    elif isinstance(node, exp.In):
        if sides[1:]:
            node.set("expressions", sides[1:])
    elif len(sides) > 1:
        node.set("expression", sides[1])
    return node
