"""Columns, $1, literals, and expressions that only pass a type on."""

from sqlglot import exp

from .. import conversions as conv
from .. import errors, types
from ..catalog import render
from ..scope import encode, fold, generate
from ..types import SfType
from .typed import POINTS, declare, engine_of, raw


def column(t, node, scope):
    if isinstance(node.this, exp.Star):
        return node
    table = fold(node.args["table"]) if node.args.get("table") else None
    if isinstance(node.this, exp.Parameter):
        return parameter(t, node.this, scope, table)
    name = fold(node.this)
    if name.startswith("METADATA$"):
        source = scope.stage(table)
        if source:
            return raw(source.stage.metadata(name), types.TEXT if name in ("METADATA$FILENAME", "METADATA$FILE_CONTENT_KEY")
                       else types.NUMBER)
    found = scope.find(table, name)
    if found is None:
        if table is None and any(name in s.aliases for s in _chain(scope)):
            return exp.column(exp.to_identifier(encode(name), quoted=True))
        if table is None and name in ("CURRENT_TIMESTAMP", "CURRENT_DATE", "SYSDATE"):
            return t.expression(exp.CurrentTimestamp(), scope)
        shown = render(name) if table is None else f"{render(table)}.{render(name)}"
        raise errors.invalid_identifier(shown)
    source, field = found
    new = exp.column(exp.to_identifier(encode(name), quoted=True),
                     exp.to_identifier(encode(source.alias), quoted=True) if source.alias and table else None)
    return declare(new, field and field.engine, field and field.type, field.nullable if field else True)


def _chain(scope):
    while scope:
        yield scope
        scope = scope.parent


def parameter(t, node, scope, table=None):
    inner = node.this
    name = inner.name if isinstance(inner, exp.Expression) else str(inner)
    if name.isdigit():
        source = scope.stage(table)
        if source is None:
            found = scope.find(table, f"${name}") or _nth(scope, table, int(name))
            if not found:
                raise errors.invalid_identifier("$" + name)
            return declare(exp.column(exp.to_identifier(encode(found.name), quoted=True)), found.engine, found.type)
        sql, engine = source.stage.column(int(name))
        return raw(sql, None, engine)
    value = t.session.variables.get(name.upper())
    if value is None:
        raise errors.compilation("000904", f"error line 1 at position 7\nSession variable '${name.upper()}' does not exist")
    return raw(value[0], value[1])


def _nth(scope, table, number):
    for source in scope.sources:
        if table in (None, source.alias) and 0 < number <= len(source.fields):
            return source.fields[number - 1]
    return None


def literal(t, node, scope):
    if node.is_string:
        text = node.this
        return raw(conv.quote(text), SfType("TEXT", length=max(len(text), 1)))
    text = node.this
    if text.isdigit():
        return raw(text if len(text) < 39 else f"{text}::DOUBLE", SfType("FIXED", max(len(text), 1), 0) if len(text) < 39
                   else types.REAL, None if len(text) < 39 else "DOUBLE")
    if "e" in text.lower():
        return raw(f"{text}::DOUBLE", types.REAL)
    whole, _, part = text.partition(".")
    scale, precision = len(part), max(len(whole.lstrip("0")) + len(part), 1)
    return raw(f"{text}::DECIMAL({max(precision, scale)},{scale})", SfType("FIXED", max(precision, scale), scale))


def negative(t, node, scope):
    t.children(node, scope)
    return declare(node, engine_of(node.this), node.this.meta.get("type"))


def same_as_inner(t, node, scope):
    t.children(node, scope)
    return declare(node, engine_of(node.this), node.this.meta.get("type"), node.this.meta.get("nullable", True))


def boolean(t, node, scope):
    t.children(node, scope)
    return declare(node, "BOOLEAN", types.BOOLEAN)


def number(precision, engine="BIGINT"):
    def handle(t, node, scope):
        t.children(node, scope)
        return declare(node, engine, SfType("FIXED", precision, 0), False)
    return handle


def text(t, node, scope):
    t.children(node, scope)
    return declare(node, "VARCHAR", types.TEXT)


def concatenation(t, node, scope):
    t.children(node, scope)
    for key in ("this", "expression"):
        if isinstance(node.args.get(key), exp.Expression):
            node.set(key, as_text(t, node.args[key]))
    if node.expressions:
        node.set("expressions", [as_text(t, e) for e in node.expressions])
    return declare(node, "VARCHAR", types.TEXT)


def as_text(t, node):
    if engine_of(node) in (None, "VARCHAR"):
        return node
    return raw(conv.convert(generate(node), engine_of(node), types.TEXT, t.zone, t.session.formats), types.TEXT)


def first_known(t, node, scope):
    """COALESCE, IFF, CASE: of the type of the first branch that has one; the others are converted to it when it is temporal."""
    t.children(node, scope)
    if isinstance(node, exp.Coalesce):
        branches = [("this", node.this)] + [(i, e) for i, e in enumerate(node.expressions)]
    elif isinstance(node, exp.If):
        branches = [("true", node.args.get("true")), ("false", node.args.get("false"))]
    elif isinstance(node, exp.Nullif):
        branches = [("this", node.this)]
    else:
        branches = [(("ifs", i), e.args["true"]) for i, e in enumerate(node.args["ifs"])]
        if node.args.get("default"):
            branches.append(("default", node.args["default"]))
    known = next((b for _, b in branches if b is not None and engine_of(b) and not isinstance(b, exp.Null)
                  and engine_of(b) in POINTS), None) or next(
        (b for _, b in branches if b is not None and engine_of(b)), None)
    if known is None:
        return node
    engine, type_ = engine_of(known), known.meta.get("type")
    if engine in POINTS:
        type_ = type_ or types.from_engine(engine)
        for key, branch in branches:
            if branch is None or engine_of(branch) == engine or isinstance(branch, exp.Null):
                continue
            new = raw(conv.convert(generate(branch), engine_of(branch), type_, t.zone, t.session.formats), type_)
            if isinstance(key, int):
                node.expressions[key] = new
            elif isinstance(key, tuple):
                node.args["ifs"][key[1]].set("true", new)
            else:
                node.set(key, new)
        return declare(node, engine, type_)
    if engine in ("VARCHAR", "BOOLEAN", "DATE", "BLOB", "JSON", "DOUBLE"):
        return declare(node, engine, None)
    return node


def if_branch(t, node, scope):
    if isinstance(node.parent, exp.Case):
        t.children(node, scope)
        return node
    return first_known(t, node, scope)
