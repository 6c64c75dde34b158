"""Conversions that a statement asks for: casts, TO_… and TRY_TO_…."""

from sqlglot import exp

from .. import conversions as conv
from .. import errors, types
from ..scope import generate
from ..types import SfType
from .names import as_text
from .typed import STAMP, engine_of, raw


def cast(t, node, scope):
    to = types.from_sqlglot(node.args["to"])
    return converted(t, node.this, to, scope, isinstance(node, exp.TryCast))


def converted(t, inner, to, scope, safe=False):
    value = t.expression(inner, scope)
    if to.length and t.service.settings["casts_cut"]:
        whole = types.TEXT if to.base == "TEXT" else types.BINARY
        sql = conv.cut(conv.convert(generate(value), engine_of(value), whole, t.zone, t.session.formats), to)
    else:
        sql = conv.convert(generate(value), engine_of(value), to, t.zone, t.session.formats)
    return raw(conv.attempt(sql, to) if safe else sql, to)


def to_function(base, scale_position=None):
    """TO_TIMESTAMP_TZ(x) and its kin, as sqlglot leaves them: Anonymous."""
    def handle(t, node, scope, safe=False):
        to = SfType(base, scale=9)
        args = node.expressions
        value = t.expression(args[0], scope)
        x = generate(value)
        if len(args) > 1 and not (isinstance(args[1], exp.Literal) and not args[1].is_string):
            check_format(args[1].name)
            sql = conv.convert(x, engine_of(value), to, t.zone)
        elif len(args) > 1:
            sql = conv.once(x, lambda v: conv.from_epoch(v, int(args[1].name), to, t.zone))
        else:
            sql = conv.convert(x, engine_of(value), to, t.zone)
        return raw(conv.attempt(sql, to) if safe else sql, to)
    return handle


def check_format(pattern: str):
    """Formats that mean what the automatic one understands; the others are not done."""
    import re
    shape = r'(?i)^(auto|(YYYY|%Y)-(MM|%m)-(DD|%d)(("?T"?|\s)(HH24|%H):(MI|%M)(:(SS|%S)(\.(FF\d?|%f(_\w+)?))?)?)?\s*' \
            r'(TZH:?TZM|%:?z)?|(HH24|%H):(MI|%M):(SS|%S)(\.(FF\d?|%f(_\w+)?))?)$'
    if not re.match(shape, pattern):
        raise errors.NotImplementedHere(f"format '{pattern}'")


def unix_to_time(t, node, scope):
    to = types.from_sqlglot(node.args["target_type"])
    scale = int(node.args["scale"].name) if node.args.get("scale") else 0
    value = t.expression(node.this, scope)
    if engine_of(value) == "VARCHAR":
        return raw(conv.convert(generate(value), "VARCHAR", to, t.zone), to)
    return raw(conv.once(generate(value), lambda v: conv.from_epoch(v, scale, to, t.zone)), to)


def str_to_time(t, node, scope):
    to = types.from_sqlglot(node.args["target_type"]) if node.args.get("target_type") else STAMP["TIMESTAMP_NTZ"]
    check_format(node.args["format"].name)
    return converted(t, node.this, to, scope, bool(node.args.get("safe")))


def to_type(to):
    def handle(t, node, scope):
        if isinstance(node.args.get("format"), exp.Literal):
            check_format(node.args["format"].name)
        return converted(t, node.this, to, scope, bool(node.args.get("safe")))
    return handle


def to_number(t, node, scope):
    if node.args.get("format"):
        raise errors.NotImplementedHere("TO_NUMBER with a format")
    precision = int(node.args["precision"].name) if node.args.get("precision") else 38
    scale = int(node.args["scale"].name) if node.args.get("scale") else 0
    return converted(t, node.this, SfType("FIXED", precision, scale), scope, bool(node.args.get("safe")))


def to_binary(t, node, scope):
    kind = node.args["format"].name.upper() if node.args.get("format") else "HEX"
    value = t.expression(node.this, scope)
    x = generate(value)
    sql = {"HEX": f"sf_text_binary({x})", "BASE64": f"from_base64({x})", "UTF-8": f"encode({x})",
           "UTF8": f"encode({x})"}.get(kind)
    if sql is None:
        raise errors.compilation("002094", f"Unknown binary format '{kind}'")
    return raw(conv.attempt(sql, types.BINARY) if node.args.get("safe") else sql, types.BINARY)


def to_char(t, node, scope):
    value = t.expression(node.this, scope)
    pattern = node.args.get("format")
    if pattern is None:
        return as_text(t, value) if engine_of(value) else raw(f"CAST({generate(value)} AS VARCHAR)", types.TEXT)
    engine = engine_of(value)
    if engine == "BLOB":
        body = {"HEX": "hex({})", "BASE64": "to_base64({})", "UTF-8": "sf_utf8({})", "UTF8": "sf_utf8({})"}.get(
            pattern.name.upper())
        if body is None:
            raise errors.NotImplementedHere(f"TO_CHAR of a binary with '{pattern.name}'")
        return raw(body.format(generate(value)), types.TEXT)
    if engine is None:
        raise errors.NotImplementedHere("TO_CHAR with a format of an expression whose type the stand-in does not know")
    return raw(conv.once(generate(value), lambda v: conv.format_text(v, engine, pattern.name, t.zone)), types.TEXT)


def hexadecimal(t, node, scope):
    value = t.expression(node.this, scope)
    x = generate(value)
    return raw(f"hex({x})", types.TEXT)


def hex_string(t, node, scope):
    return raw(f"unhex('{node.this}')", types.BINARY)
