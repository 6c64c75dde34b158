"""Now, and functions of dates and times."""

from sqlglot import exp

from .. import conversions as conv
from .. import errors, types
from ..scope import generate
from ..types import LTZ, NTZ, TIME, TZ, SfType
from .typed import STAMP, engine_of, raw


def now(t, node, scope):
    stamp = t.query.started_at
    if node.args.get("sysdate"):
        return raw(f"{{'ntz': {stamp // 10**9}::BIGINT, 'f': {stamp % 10**9}::INTEGER}}", STAMP["TIMESTAMP_NTZ"])
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
    engine = engine_of(value)
    x = generate(value)
    if engine == "VARCHAR" or engine is None:
        x, engine = conv.convert(x, engine, STAMP["TIMESTAMP_NTZ"], t.zone), NTZ
    if engine == "DATE" and unit in _NANOS:
        x, engine = conv.convert(x, "DATE", STAMP["TIMESTAMP_NTZ"], t.zone), NTZ
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
        return raw(f"({conv.instant(generate(end), engine_of(end), t.zone)} - "
                   f"{conv.instant(generate(start), engine_of(start), t.zone)})", None, "HUGEINT")
    return raw(f"date_diff('{unit.lower()}', {conv.wall_clock(generate(start), engine_of(start), t.zone)}, "
               f"{conv.wall_clock(generate(end), engine_of(end), t.zone)})", SfType("FIXED", 9, 0), "BIGINT")


def date_part(name=None):
    def handle(t, node, scope):
        unit = name or (node.this.name if isinstance(node.this, exp.Expression) else str(node.this))
        inner = node.expression if name is None else node.this
        value = t.expression(inner, scope)
        unit = unit.lower()
        x, engine = generate(value), engine_of(value)
        if unit.startswith("epoch"):
            factor = {"epoch": 10**9, "epoch_second": 10**9, "epoch_millisecond": 10**6, "epoch_microsecond": 10**3,
                      "epoch_nanosecond": 1}[unit]
            if engine in (NTZ, "DATE"):
                stamp = conv.convert(x, engine, STAMP["TIMESTAMP_NTZ"], "UTC")
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
    engine = engine_of(value)
    if engine == "DATE":
        return raw(f"CAST(date_trunc('{unit}', {generate(value)}) AS DATE)", types.DATE)
    stamp = f"CAST(date_trunc('{unit}', {conv.wall_clock(generate(value), engine, t.zone)}) AS TIMESTAMP)"
    to = STAMP[types.from_engine(engine).base if engine in (NTZ, LTZ, TZ) else "TIMESTAMP_NTZ"]
    return raw(conv.convert(stamp, "TIMESTAMP", to, t.zone), to)


def convert_timezone(t, node, scope):
    zone = node.args["target_tz"].name
    value = t.expression(node.args["timestamp"], scope)
    if node.args.get("source_tz"):
        source = node.args["source_tz"].name
        there = conv.convert(generate(value), engine_of(value), STAMP["TIMESTAMP_LTZ"], source)
        return raw(conv.convert(there, LTZ, STAMP["TIMESTAMP_NTZ"], zone), STAMP["TIMESTAMP_NTZ"])
    instant = conv.convert(generate(value), engine_of(value), STAMP["TIMESTAMP_LTZ"], t.zone)
    return raw(conv.convert(instant, LTZ, STAMP["TIMESTAMP_TZ"], zone), STAMP["TIMESTAMP_TZ"])


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
    if engine_of(node.this) == "DATE" and engine_of(node.expression) not in ("DATE",):
        sign = "+" if isinstance(node, exp.Add) else "-"
        return raw(f"CAST({generate(node.this)} {sign} CAST({generate(node.expression)} AS INTEGER) AS DATE)", types.DATE)
    return node
