"""Paths into documents: v:a.b[0], and $1:column of a staged file."""

from sqlglot import exp

from .. import conversions as conv
from .. import errors, types
from ..scope import fold, generate
from ..types import SfType
from .typed import engine_of, raw


def parse_json(t, node, scope):
    value = t.expression(node.this, scope)
    x = generate(value)
    if node.args.get("safe"):
        return raw(f"CASE WHEN json_valid({x}) THEN CAST({x} AS JSON) END", types.VARIANT)
    return raw(f"sf_json({x})", types.VARIANT)


def json_extract(t, node, scope):
    """v:a.b[0]; on $1 of a staged file, the first key is a column of the file."""
    steps = [s for s in node.expression.expressions if not isinstance(s, exp.JSONPathRoot)] if isinstance(
        node.expression, exp.JSONPath) else None
    if steps is None:
        raise errors.NotImplementedHere("a path that is computed")
    inner, table = node.this, None
    if isinstance(inner, exp.Column) and isinstance(inner.this, exp.Parameter):
        table = fold(inner.args["table"]) if inner.args.get("table") else None
        inner = inner.this
    if isinstance(inner, exp.Parameter) and isinstance(steps[0], exp.JSONPathKey):
        source = scope.stage(table)
        if source and source.stage.columnar:
            sql, engine = source.stage.member(steps[0].this)
            if len(steps) == 1:
                return raw(sql, None, engine)
            value = raw(conv.convert(sql, engine, types.VARIANT, t.zone), types.VARIANT)
            steps = steps[1:]
        else:
            value = t.expression(node.this, scope)
    else:
        value = t.expression(node.this, scope)
    x = generate(value)
    if engine_of(value) not in ("JSON", None):
        x = conv.convert(x, engine_of(value), types.VARIANT, t.zone)
    path = "$" + "".join(f'."{s.this}"' if isinstance(s, exp.JSONPathKey) else f"[{s.this}]" for s in steps)
    return raw(f"json_extract({x}, {conv.quote(path)})", types.VARIANT)


def bracket(t, node, scope):
    value = t.expression(node.this, scope)
    if engine_of(value) not in ("JSON", None):
        raise errors.NotImplementedHere("[] on a value that is no document")
    key = node.expressions[0]
    step = f'."{key.name}"' if isinstance(key, exp.Literal) and key.is_string else f"[{key.name}]"
    return raw(f"json_extract({generate(value)}, {conv.quote('$' + step)})", types.VARIANT)


def array_size(t, node, scope):
    return raw(f"json_array_length({generate(t.expression(node.this, scope))})", SfType("FIXED", 9, 0), "UBIGINT")


def typeof(t, node, scope):
    value = t.expression(node.this, scope)
    x = generate(value)
    return raw(f"CASE json_type({x}) WHEN 'VARCHAR' THEN 'VARCHAR' WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER' "
               f"WHEN 'DOUBLE' THEN 'DECIMAL' WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type({x}) END", types.TEXT)


def to_json(t, node, scope):
    """TO_JSON(v): the document as text, also where it is a string."""
    return raw(f"CAST({generate(t.expression(node.this, scope))} AS VARCHAR)", types.TEXT)
