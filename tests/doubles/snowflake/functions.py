"""Expressions that need more than the dialect's translation: conversions, dates and times, paths into documents, the
session's functions. HANDLERS maps sqlglot's classes to functions (translator, node, scope) → node."""

from sqlglot import exp

from . import conversions as conv
from . import errors, types
from .catalog import render
from .scope import Raw, encode, fold, generate
from .types import LTZ, NTZ, TIME, TZ, SfType

_STAMP = {name: SfType(name, scale=9) for name in types.TIMESTAMPS}
_POINTS = (NTZ, LTZ, TZ, TIME)


def declare(node, engine, type_=None, nullable=True):
    node.meta["engine"], node.meta["type"], node.meta["nullable"] = engine, type_, nullable
    return node


def raw(sql: str, type_: SfType = None, engine=None):
    return declare(Raw.of(sql), engine or (type_.engine if type_ else None), type_)


def _engine(node):
    return node.meta.get("engine")


def _visit(t, node, scope):
    return t.expression(node, scope)


# --- names

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
    return declare(node, _engine(node.this), node.this.meta.get("type"))


def same_as_inner(t, node, scope):
    t.children(node, scope)
    return declare(node, _engine(node.this), node.this.meta.get("type"), node.this.meta.get("nullable", True))


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
            node.set(key, _as_text(t, node.args[key]))
    if node.expressions:
        node.set("expressions", [_as_text(t, e) for e in node.expressions])
    return declare(node, "VARCHAR", types.TEXT)


def _as_text(t, node):
    if _engine(node) in (None, "VARCHAR"):
        return node
    return raw(conv.convert(generate(node), _engine(node), types.TEXT, t.zone, t.session.formats), types.TEXT)


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
    known = next((b for _, b in branches if b is not None and _engine(b) and not isinstance(b, exp.Null)
                  and _engine(b) in _POINTS), None) or next(
        (b for _, b in branches if b is not None and _engine(b)), None)
    if known is None:
        return node
    engine, type_ = _engine(known), known.meta.get("type")
    if engine in _POINTS:
        type_ = type_ or types.from_engine(engine)
        for key, branch in branches:
            if branch is None or _engine(branch) == engine or isinstance(branch, exp.Null):
                continue
            new = raw(conv.convert(generate(branch), _engine(branch), type_, t.zone, t.session.formats), type_)
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


# --- conversions

def cast(t, node, scope):
    to = types.from_sqlglot(node.args["to"])
    return _convert(t, node.this, to, scope, isinstance(node, exp.TryCast))


def _convert(t, inner, to, scope, safe=False):
    value = t.expression(inner, scope)
    sql = conv.convert(generate(value), _engine(value), to, t.zone, t.session.formats)
    return raw(conv.attempt(sql, to) if safe else sql, to)


def to_function(base, scale_position=None):
    """TO_TIMESTAMP_TZ(x) and its kin, as sqlglot leaves them: Anonymous."""
    def handle(t, node, scope, safe=False):
        to = SfType(base, scale=9)
        args = node.expressions
        value = t.expression(args[0], scope)
        x = generate(value)
        if len(args) > 1 and not (isinstance(args[1], exp.Literal) and not args[1].is_string):
            _check_format(args[1].name)
            sql = conv.convert(x, _engine(value), to, t.zone)
        elif len(args) > 1:
            sql = conv.once(x, lambda v: conv.from_epoch(v, int(args[1].name), to, t.zone))
        else:
            sql = conv.convert(x, _engine(value), to, t.zone)
        return raw(conv.attempt(sql, to) if safe else sql, to)
    return handle


def _check_format(pattern: str):
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
    if _engine(value) == "VARCHAR":
        return raw(conv.convert(generate(value), "VARCHAR", to, t.zone), to)
    return raw(conv.once(generate(value), lambda v: conv.from_epoch(v, scale, to, t.zone)), to)


def str_to_time(t, node, scope):
    to = types.from_sqlglot(node.args["target_type"]) if node.args.get("target_type") else _STAMP["TIMESTAMP_NTZ"]
    _check_format(node.args["format"].name)
    return _convert(t, node.this, to, scope, bool(node.args.get("safe")))


def to_type(to):
    def handle(t, node, scope):
        if isinstance(node.args.get("format"), exp.Literal):
            _check_format(node.args["format"].name)
        return _convert(t, node.this, to, scope, bool(node.args.get("safe")))
    return handle


def to_number(t, node, scope):
    if node.args.get("format"):
        raise errors.NotImplementedHere("TO_NUMBER with a format")
    precision = int(node.args["precision"].name) if node.args.get("precision") else 38
    scale = int(node.args["scale"].name) if node.args.get("scale") else 0
    return _convert(t, node.this, SfType("FIXED", precision, scale), scope, bool(node.args.get("safe")))


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
        return _as_text(t, value) if _engine(value) else raw(f"CAST({generate(value)} AS VARCHAR)", types.TEXT)
    engine = _engine(value)
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


# --- documents

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
    if _engine(value) not in ("JSON", None):
        x = conv.convert(x, _engine(value), types.VARIANT, t.zone)
    path = "$" + "".join(f'."{s.this}"' if isinstance(s, exp.JSONPathKey) else f"[{s.this}]" for s in steps)
    return raw(f"json_extract({x}, {conv.quote(path)})", types.VARIANT)


def bracket(t, node, scope):
    value = t.expression(node.this, scope)
    if _engine(value) not in ("JSON", None):
        raise errors.NotImplementedHere("[] on a value that is no document")
    key = node.expressions[0]
    step = f'."{key.name}"' if isinstance(key, exp.Literal) and key.is_string else f"[{key.name}]"
    return raw(f"json_extract({generate(value)}, {conv.quote('$' + step)})", types.VARIANT)


# --- arithmetic and comparisons

def division(t, node, scope):
    left, right = t.expression(node.this, scope), t.expression(node.expression, scope)
    real = "DOUBLE" in (_engine(left), _engine(right))
    if real or None in (_engine(left), _engine(right)):
        return raw(f"sf_div({generate(left)}, {generate(right)})", None)
    return raw(f"sf_div_number({generate(left)}, {generate(right)})", SfType("FIXED", 38, 6))


def comparison(t, node, scope):
    t.children(node, scope)
    sides = [node.this] + ([node.expression] if node.args.get("expression") is not None else [])
    if isinstance(node, exp.Between):
        sides = [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        sides = [node.this, *node.expressions] if not node.args.get("query") else [node.this]
    engines = {_engine(s) for s in sides}
    points = engines & set(_POINTS)
    if points and (len(engines) > 1 or TZ in points):
        anchor = next(_engine(s) for s in sides if _engine(s) in _POINTS)

        def instant(side):
            if isinstance(side, exp.Null):
                return side
            engine = _engine(side)
            sql = generate(side)
            if engine == "VARCHAR" or engine is None:
                # Text beside a point in time becomes one of the same kind.
                kind = types.from_engine(anchor)
                sql, engine = conv.convert(sql, engine, kind, t.zone), anchor
            return raw(conv.instant(sql, engine, t.zone))
        return declare(_with_sides(node, [instant(s) for s in sides]), "BOOLEAN", types.BOOLEAN)
    if "DATE" in engines and "VARCHAR" in engines:
        node = _with_sides(node, [raw(conv.convert(generate(s), "VARCHAR", types.DATE), types.DATE)
                                  if _engine(s) == "VARCHAR" else s for s in sides])
    if "JSON" in engines and len(engines) > 1:
        other = next((e for e in engines if e not in ("JSON", None)), None)
        if other:
            node = _with_sides(node, [raw(conv.convert(generate(s), "JSON", types.from_engine(other), t.zone))
                                      if _engine(s) == "JSON" else s for s in sides])
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


# --- dates and times

def now(t, node, scope):
    stamp = t.query.started_at
    if node.args.get("sysdate"):
        return raw(f"{{'ntz': {stamp // 10**9}::BIGINT, 'f': {stamp % 10**9}::INTEGER}}", _STAMP["TIMESTAMP_NTZ"])
    scale = int(node.this.name) if isinstance(node.this, exp.Literal) else 9
    to = SfType("TIMESTAMP_LTZ", scale=scale)
    nanos = stamp % 10**9 // 10 ** (9 - scale) * 10 ** (9 - scale)
    return raw(f"{{'ltz': {stamp // 10**9}::BIGINT, 'f': {nanos}::INTEGER}}", to)


def today(t, node, scope):
    stamp = t.query.started_at // 10**9
    return raw(conv.convert(f"{{'ltz': {stamp}::BIGINT, 'f': 0::INTEGER}}", LTZ, types.DATE, t.zone), types.DATE)


def time_of_day(t, node, scope):
    stamp = t.query.started_at
    to = SfType("TIME", scale=9)
    return raw(conv.convert(f"{{'ltz': {stamp // 10**9}::BIGINT, 'f': {stamp % 10**9}::INTEGER}}", LTZ, to, t.zone), to)


_NANOS = {"NANOSECOND": 1, "NS": 1, "MICROSECOND": 10**3, "US": 10**3, "MILLISECOND": 10**6, "MS": 10**6, "SECOND": 10**9,
          "MINUTE": 60 * 10**9, "HOUR": 3600 * 10**9}


def date_add(t, node, scope):
    unit = (node.args.get("unit").name if node.args.get("unit") else "DAY").upper().rstrip("S") or "DAY"
    value, amount = t.expression(node.this, scope), t.expression(node.expression, scope)
    sign = "-" if isinstance(node, exp.DateSub) else ""
    n = f"{sign}({generate(amount)})"
    engine = _engine(value)
    x = generate(value)
    if engine == "VARCHAR" or engine is None:
        x, engine = conv.convert(x, engine, _STAMP["TIMESTAMP_NTZ"], t.zone), NTZ
    if engine == "DATE" and unit in _NANOS:
        x, engine = conv.convert(x, "DATE", _STAMP["TIMESTAMP_NTZ"], t.zone), NTZ
    if engine == "DATE":
        return raw(f"CAST({x} + to_{unit.lower()}s(CAST({n} AS INTEGER)) AS DATE)", types.DATE)
    if engine == TIME:
        if unit not in _NANOS:
            raise errors.compilation("002124", f"{unit} is not a unit of TIME")
        return raw(conv.once(x, lambda v: f"CASE WHEN {v} IS NULL THEN NULL ELSE {{'time': sf_mod({v}.time + "
                             f"CAST({n} AS BIGINT) * {_NANOS[unit]}, 86400000000000)}} END"), SfType("TIME", scale=9))
    field = {NTZ: "ntz", LTZ: "ltz", TZ: "tz"}[engine]
    type_ = value.meta.get("type") or types.from_engine(engine)

    def body(v):
        offset = f", 'o': {v}.o" if field == "tz" else ""
        if unit in _NANOS:
            total = f"(CAST({v}.f AS HUGEINT) + CAST({n} AS HUGEINT) * {_NANOS[unit]})"
            new = f"{{'{field}': {v}.{field} + sf_floor({total}, 1000000000), 'f': CAST(sf_mod({total}, 1000000000) AS INTEGER){offset}}}"
        else:
            moved = f"make_timestamp({v}.{field} * 1000000) + to_{unit.lower()}s(CAST({n} AS INTEGER))"
            new = f"{{'{field}': sf_floor(epoch_us({moved}), 1000000), 'f': {v}.f{offset}}}"
        return f"CASE WHEN {v} IS NULL OR {n} IS NULL THEN NULL ELSE {new} END"
    return raw(conv.once(x, body), SfType(type_.base, scale=9))


def date_diff(t, node, scope):
    unit = (node.args.get("unit").name if node.args.get("unit") else "DAY").upper().rstrip("S")
    end, start = t.expression(node.this, scope), t.expression(node.expression, scope)
    if unit in ("NANOSECOND", "N"):
        return raw(f"({conv.instant(generate(end), _engine(end), t.zone)} - "
                   f"{conv.instant(generate(start), _engine(start), t.zone)})", None, "HUGEINT")
    return raw(f"date_diff('{unit.lower()}', {conv.wall_clock(generate(start), _engine(start), t.zone)}, "
               f"{conv.wall_clock(generate(end), _engine(end), t.zone)})", SfType("FIXED", 9, 0), "BIGINT")


def date_part(name=None):
    def handle(t, node, scope):
        unit = name or (node.this.name if isinstance(node.this, exp.Expression) else str(node.this))
        inner = node.expression if name is None else node.this
        value = t.expression(inner, scope)
        unit = unit.lower()
        x, engine = generate(value), _engine(value)
        if unit.startswith("epoch"):
            factor = {"epoch": 10**9, "epoch_second": 10**9, "epoch_millisecond": 10**6, "epoch_microsecond": 10**3,
                      "epoch_nanosecond": 1}[unit]
            if engine in (NTZ, "DATE"):
                stamp = conv.convert(x, engine, _STAMP["TIMESTAMP_NTZ"], "UTC")
                total = conv.once(stamp, lambda v: f"(CAST({v}.ntz AS HUGEINT) * 1000000000 + {v}.f)")
            else:
                total = conv.instant(x, engine, t.zone)
            return raw(f"({total} // {factor})", None, "HUGEINT")
        if unit in ("nanosecond", "ns", "nsec"):
            return raw(conv.once(x, lambda v: f"{v}.f" if engine != TIME else f"({v}.time % 1000000000)"), None, "BIGINT")
        if engine == TIME:
            nanos = {"hour": 3600 * 10**9, "minute": 60 * 10**9, "second": 10**9}[unit]
            return raw(f"(({x}).time // {nanos} % {24 if unit == 'hour' else 60})", None, "BIGINT")
        return raw(f"date_part('{unit}', {conv.wall_clock(x, engine, t.zone)})", SfType("FIXED", 4, 0), "BIGINT")
    return handle


def date_trunc(t, node, scope):
    unit = node.args["unit"].name.lower()
    value = t.expression(node.this, scope)
    engine = _engine(value)
    if engine == "DATE":
        return raw(f"CAST(date_trunc('{unit}', {generate(value)}) AS DATE)", types.DATE)
    stamp = f"CAST(date_trunc('{unit}', {conv.wall_clock(generate(value), engine, t.zone)}) AS TIMESTAMP)"
    to = _STAMP[types.from_engine(engine).base if engine in (NTZ, LTZ, TZ) else "TIMESTAMP_NTZ"]
    return raw(conv.convert(stamp, "TIMESTAMP", to, t.zone), to)


def convert_timezone(t, node, scope):
    zone = node.args["target_tz"].name
    value = t.expression(node.args["timestamp"], scope)
    if node.args.get("source_tz"):
        source = node.args["source_tz"].name
        there = conv.convert(generate(value), _engine(value), _STAMP["TIMESTAMP_LTZ"], source)
        return raw(conv.convert(there, LTZ, _STAMP["TIMESTAMP_NTZ"], zone), _STAMP["TIMESTAMP_NTZ"])
    instant = conv.convert(generate(value), _engine(value), _STAMP["TIMESTAMP_LTZ"], t.zone)
    return raw(conv.convert(instant, LTZ, _STAMP["TIMESTAMP_TZ"], zone), _STAMP["TIMESTAMP_TZ"])


def add(t, node, scope):
    """date + n, timestamp + interval; all else is the engine's."""
    if isinstance(node.expression, exp.Interval):
        span = node.expression
        amount = span.this
        unit = span.args.get("unit")
        if unit is None and isinstance(amount, exp.Literal):
            parts = amount.name.split()
            amount, unit = exp.Literal.number(parts[0]), exp.var(parts[1] if len(parts) > 1 else "DAY")
        elif isinstance(amount, exp.Literal):
            amount = exp.Literal.number(amount.name)
        kind = exp.DateAdd if isinstance(node, exp.Add) else exp.DateSub
        return date_add(t, kind(this=node.this, expression=amount, unit=unit), scope)
    t.children(node, scope)
    if _engine(node.this) == "DATE" and _engine(node.expression) not in ("DATE",):
        sign = "+" if isinstance(node, exp.Add) else "-"
        return raw(f"CAST({generate(node.this)} {sign} CAST({generate(node.expression)} AS INTEGER) AS DATE)", types.DATE)
    return node


# --- the session

def context(name):
    def handle(t, node, scope):
        s = t.session
        value = {"USER": s.user.name, "ROLE": s.role, "WAREHOUSE": s.warehouse, "DATABASE": s.database,
                 "SCHEMA": s.schema, "ACCOUNT": t.service.account.name, "ACCOUNT_NAME": t.service.account.name,
                 "VERSION": t.service.version, "REGION": "AWS_US_EAST_1", "SESSION": str(s.id), "STATEMENT": t.query.sql,
                 "ORGANIZATION_NAME": "STANDIN", "CLIENT": s.application, "SECONDARY_ROLES": '{"roles":"","value":""}',
                 "TRANSACTION": str(s.transaction.id) if s.transaction and s.transaction.explicit else None,
                 "LAST_TRANSACTION": str(s.last_transaction) if s.last_transaction else None,
                 "AVAILABLE_ROLES": "[" + ", ".join(f'"{r}"' for r in s.user.roles) + "]"}[name]
        return raw("NULL::VARCHAR" if value is None else conv.quote(value), types.TEXT)
    return handle


def last_query_id(t, node, scope):
    number = 0
    if node.expressions:
        number = int(generate(node.expressions[0]).replace(" ", ""))
    ids = t.session.query_ids[:-1] if t.session.query_ids[-1:] == [t.query.id] else t.session.query_ids
    if number == 0:
        number = -1
    index = number if number < 0 else number - 1
    found = ids[index] if -len(ids) <= index < len(ids) else None
    return raw("NULL::VARCHAR" if found is None else conv.quote(found), types.TEXT)


def system(t, node, scope):
    arguments = []
    for argument in node.expressions:
        value = t.expression(argument, scope)
        arguments.append(t.service.engine.value("SELECT " + generate(value)))
    return raw(conv.quote(t.service.system.call(t, node.name.upper()[7:], arguments)), types.TEXT)


def array_size(t, node, scope):
    return raw(f"json_array_length({generate(t.expression(node.this, scope))})", SfType("FIXED", 9, 0), "UBIGINT")


def typeof(t, node, scope):
    value = t.expression(node.this, scope)
    x = generate(value)
    return raw(f"CASE json_type({x}) WHEN 'VARCHAR' THEN 'VARCHAR' WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER' "
               f"WHEN 'DOUBLE' THEN 'DECIMAL' WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type({x}) END", types.TEXT)


def anonymous(t, node, scope):
    name = node.name.upper()
    if name.startswith("SYSTEM$"):
        return system(t, node, scope)
    if name in NAMED:
        return NAMED[name](t, node, scope)
    t.children(node, scope)
    return node


def _safe(handler):
    return lambda t, node, scope: handler(t, node, scope, safe=True)


def _to_document(t, node, scope):
    return _convert(t, node.expressions[0], types.VARIANT, scope)


def _hash(t, node, scope):
    t.children(node, scope)
    listed = ", ".join(generate(e) for e in node.expressions)
    return raw(f"CAST((hash({listed}) >> 1) AS BIGINT)", SfType("FIXED", 19, 0), "BIGINT")


NAMED = {
    "TO_TIMESTAMP_NTZ": to_function("TIMESTAMP_NTZ"), "TO_TIMESTAMP_LTZ": to_function("TIMESTAMP_LTZ"),
    "TO_TIMESTAMP_TZ": to_function("TIMESTAMP_TZ"), "TO_TIMESTAMP": to_function("TIMESTAMP_NTZ"),
    "TRY_TO_TIMESTAMP_NTZ": _safe(to_function("TIMESTAMP_NTZ")), "TRY_TO_TIMESTAMP": _safe(to_function("TIMESTAMP_NTZ")),
    "TRY_TO_TIMESTAMP_LTZ": _safe(to_function("TIMESTAMP_LTZ")), "TRY_TO_TIMESTAMP_TZ": _safe(to_function("TIMESTAMP_TZ")),
    "LAST_QUERY_ID": last_query_id, "CURRENT_SESSION": context("SESSION"), "CURRENT_STATEMENT": context("STATEMENT"),
    "CURRENT_TRANSACTION": context("TRANSACTION"), "LAST_TRANSACTION": context("LAST_TRANSACTION"),
    "CURRENT_CLIENT": context("CLIENT"), "TO_OBJECT": _to_document, "TO_ARRAY": _to_document, "HASH": _hash,
    "CURRENT_ACCOUNT_NAME": context("ACCOUNT"), "CURRENT_ORGANIZATION_NAME": context("ORGANIZATION_NAME"),
    "TO_GEOGRAPHY": lambda t, n, s: _convert(t, n.expressions[0], SfType("GEOGRAPHY"), s),
    "TO_GEOMETRY": lambda t, n, s: _convert(t, n.expressions[0], SfType("GEOMETRY"), s),
}

HANDLERS = {
    exp.Column: column, exp.Parameter: parameter, exp.Literal: literal, exp.Neg: negative, exp.Paren: same_as_inner,
    exp.Max: same_as_inner, exp.Min: same_as_inner, exp.AnyValue: same_as_inner, exp.Alias: same_as_inner,
    exp.Boolean: boolean, exp.Not: boolean, exp.And: boolean, exp.Or: boolean, exp.Is: boolean, exp.Exists: boolean,
    exp.Like: boolean, exp.ILike: boolean, exp.RegexpLike: boolean, exp.Subquery: same_as_inner,
    exp.Count: number(18), exp.CountIf: number(18), exp.RowNumber: number(18), exp.Length: number(18), exp.Window: same_as_inner,
    exp.Upper: text, exp.Lower: text, exp.Trim: text, exp.Substring: text, exp.Replace: text, exp.MD5: text, exp.SHA2: text,
    exp.Uuid: text, exp.SplitPart: text, exp.DPipe: concatenation, exp.Concat: concatenation,
    exp.Coalesce: first_known, exp.Case: first_known, exp.If: if_branch, exp.Nullif: first_known,
    exp.Cast: cast, exp.TryCast: cast, exp.UnixToTime: unix_to_time, exp.StrToTime: str_to_time,
    exp.TsOrDsToDate: to_type(types.DATE), exp.TsOrDsToTime: to_type(SfType("TIME", scale=9)), exp.ToNumber: to_number,
    exp.ToBoolean: to_type(types.BOOLEAN), exp.ToDouble: to_type(types.REAL), exp.ToBinary: to_binary, exp.ToChar: to_char,
    exp.ToVariant: to_type(types.VARIANT), exp.Hex: hexadecimal, exp.HexString: hex_string, exp.ParseJSON: parse_json,
    exp.JSONExtract: json_extract, exp.Bracket: bracket, exp.Div: division, exp.JSONFormat: to_type(types.TEXT),
    exp.EQ: comparison, exp.NEQ: comparison, exp.GT: comparison, exp.GTE: comparison, exp.LT: comparison, exp.LTE: comparison,
    exp.Between: comparison, exp.In: comparison, exp.NullSafeEQ: comparison, exp.NullSafeNEQ: comparison,
    exp.EqualNull: comparison,
    exp.CurrentTimestamp: now, exp.CurrentDate: today, exp.Localtime: time_of_day, exp.CurrentTime: time_of_day,
    exp.Localtimestamp: now,
    exp.DateAdd: date_add, exp.DateSub: date_add, exp.TsOrDsAdd: date_add, exp.DateDiff: date_diff, exp.Extract: date_part(),
    exp.Year: date_part("year"), exp.Month: date_part("month"), exp.Day: date_part("day"), exp.TimestampTrunc: date_trunc,
    exp.DateTrunc: date_trunc, exp.ConvertTimezone: convert_timezone, exp.Add: add, exp.Sub: add, exp.Typeof: typeof,
    exp.ArraySize: array_size,
    exp.CurrentUser: context("USER"), exp.CurrentRole: context("ROLE"), exp.CurrentWarehouse: context("WAREHOUSE"),
    exp.CurrentDatabase: context("DATABASE"), exp.CurrentSchema: context("SCHEMA"), exp.CurrentAccount: context("ACCOUNT"),
    exp.CurrentVersion: context("VERSION"), exp.Anonymous: anonymous,
}
for _class, _name in (("CurrentSession", "SESSION"), ("CurrentStatement", "STATEMENT"), ("CurrentTransaction", "TRANSACTION"),
                      ("CurrentRegion", "REGION"), ("CurrentClient", "CLIENT"), ("CurrentAccountName", "ACCOUNT_NAME"),
                      ("CurrentOrganizationName", "ORGANIZATION_NAME"), ("CurrentSecondaryRoles", "SECONDARY_ROLES"),
                      ("CurrentAvailableRoles", "AVAILABLE_ROLES")):
    if hasattr(exp, _class):
        HANDLERS[getattr(exp, _class)] = context(_name)


def _sequence(t, node, scope):
    return raw("gen", SfType("FIXED", 19, 0), "BIGINT")


for _class in ("Seq1", "Seq2", "Seq4", "Seq8"):
    HANDLERS[getattr(exp, _class)] = _sequence
