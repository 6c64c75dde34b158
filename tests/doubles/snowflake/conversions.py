"""Conversions between Snowflake's types, as SQL of the engine, by the macros of macros.py.

Precision beyond the target's scale is cut off from dates and times (as the vendor's documents
have it) and rounded half away from zero for numbers.
"""

import itertools
import re

from .errors import NotImplementedHere, compilation
from .types import DEFAULT_TEXT, LTZ, NTZ, TIME, TZ, SfType


def attempt(sql: str, to: SfType) -> str:
    """A conversion that gives NULL instead of an error: TRY_CAST and its kin."""
    tried = f"TRY({re.sub(r'sf_(?=[a-z0-9_]+[(])', 'sfq_', sql)})"
    field = {"TIME": "time", "TIMESTAMP_NTZ": "ntz", "TIMESTAMP_LTZ": "ltz", "TIMESTAMP_TZ": "tz"}.get(to.base)
    return once(tried, lambda v: f"CASE WHEN {v}.{field} IS NULL THEN NULL ELSE {v} END") if field else tried


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _guard(x: str, value: str) -> str:
    return f"CASE WHEN {x} IS NULL THEN NULL ELSE {value} END"


_names = itertools.count(1)


def once(x: str, body) -> str:
    """body(x), with `x` evaluated once: the engine does not notice that a conversion is repeated."""
    if re.fullmatch(r'[\w"$.#~]+', x):
        return body(x)
    name = f"v{next(_names)}"
    return f"list_transform([{x}], lambda {name}: {body(name)})[1]"


def _cut(nanos: str, scale: int) -> str:
    return nanos if scale >= 9 else f"({nanos} - {nanos} % {10 ** (9 - scale)})"


def _is_number(engine: str) -> bool:
    return engine.startswith("DECIMAL") or engine.endswith("INT") or engine in ("INTEGER", "UINTEGER")


def _nanos(x: str, engine: str):
    """Nanoseconds since 1970 (or midnight) of the engine's own types, which files bring."""
    if engine in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return f"epoch_ns({x})", 1000000000, 1
    return f"epoch_us({x})", 1000000, 1000


def _timestamp(x: str, engine: str, to: SfType, zone: str) -> str:
    """A struct of full precision; the caller cuts."""
    kind, z = to.base, quote(zone)
    fields = {NTZ: "ntz", LTZ: "ltz", TZ: "tz"}
    if engine in fields:
        field = fields[engine]
        epoch, f = f"{x}.{field}", f"{x}.f"
        if field == "ntz":
            utc, wall, offset = f"sf_zone_epoch({epoch}, {z})", epoch, f"(({epoch} - sf_zone_epoch({epoch}, {z})) // 60)"
        elif field == "ltz":
            utc, wall = epoch, f"({epoch} + sf_zone_offset({epoch}, {z}))"
            offset = f"(sf_zone_offset({epoch}, {z}) // 60)"
        else:
            utc, wall, offset = epoch, f"({epoch} + {x}.o * 60)", f"{x}.o"
    elif engine == "DATE":
        return _timestamp(f"CAST({x} AS TIMESTAMP)", "TIMESTAMP", to, zone)
    elif engine.startswith("TIMESTAMP"):
        count, unit, factor = _nanos(x, engine)
        epoch, f = f"sf_floor({count}, {unit})", f"CAST(sf_mod({count}, {unit}) * {factor} AS INTEGER)"
        if engine in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
            utc, wall = epoch, f"({epoch} + sf_zone_offset({epoch}, {z}))"
            offset = f"(sf_zone_offset({epoch}, {z}) // 60)"
        else:
            utc, wall, offset = f"sf_zone_epoch({epoch}, {z})", epoch, f"(({epoch} - sf_zone_epoch({epoch}, {z})) // 60)"
    elif _is_number(engine):
        return from_epoch(x, 0, to, zone)
    elif engine == "JSON":
        return once(f"sf_json_text({x})", lambda v: _timestamp(v, "VARCHAR", to, zone))
    else:
        text = x if engine == "VARCHAR" else f"CAST({x} AS VARCHAR)"
        return {"TIMESTAMP_NTZ": f"sf_text_ntz({text})", "TIMESTAMP_LTZ": f"sf_text_ltz({text}, {z})",
                "TIMESTAMP_TZ": f"sf_text_tz({text}, {z})"}[kind]
    body = {"TIMESTAMP_NTZ": f"{{'ntz': CAST({wall} AS BIGINT), 'f': {f}}}",
            "TIMESTAMP_LTZ": f"{{'ltz': CAST({utc} AS BIGINT), 'f': {f}}}",
            "TIMESTAMP_TZ": f"{{'tz': CAST({utc} AS BIGINT), 'f': {f}, 'o': CAST({offset} AS INTEGER)}}"}[kind]
    return _guard(x, body)


def from_epoch(x: str, scale: int, to: SfType, zone: str) -> str:
    """TO_TIMESTAMP_*(number, scale): ticks since 1970."""
    ticks = f"CAST({x} AS HUGEINT)"
    epoch, f = f"sf_floor({ticks}, {10 ** scale})", f"CAST(sf_mod({ticks}, {10 ** scale}) * {10 ** (9 - scale)} AS INTEGER)"
    body = {"TIMESTAMP_NTZ": f"{{'ntz': {epoch}, 'f': {f}}}", "TIMESTAMP_LTZ": f"{{'ltz': {epoch}, 'f': {f}}}",
            "TIMESTAMP_TZ": f"{{'tz': {epoch}, 'f': {f}, 'o': CAST(sf_zone_offset({epoch}, {quote(zone)}) // 60 AS INTEGER)}}"}
    return _guard(x, body[to.base])


def cut_timestamp(x: str, to: SfType) -> str:
    if to.scale >= 9:
        return x
    field = {"TIMESTAMP_NTZ": "ntz", "TIMESTAMP_LTZ": "ltz", "TIMESTAMP_TZ": "tz"}[to.base]
    return once(x, lambda v: _guard(v, f"{{'{field}': {v}.{field}, 'f': CAST({_cut(v + '.f', to.scale)} AS INTEGER)"
                                       + (f", 'o': {v}.o}}" if field == "tz" else "}")))


def to_text(x: str, engine: str, zone: str, formats=None) -> str:
    """CAST(… AS VARCHAR), with the output formats of the session."""
    formats = formats or {}
    if engine in (NTZ, LTZ, TZ, TIME):
        kind = {NTZ: "TIMESTAMP_NTZ", LTZ: "TIMESTAMP_LTZ", TZ: "TIMESTAMP_TZ", TIME: "TIME"}[engine]
        default = {"TIMESTAMP_NTZ": "YYYY-MM-DD HH24:MI:SS.FF3", "TIME": "HH24:MI:SS"}.get(
            kind, "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM")
        return once(x, lambda v: format_text(v, engine, formats.get(kind) or default, zone))
    if engine == "BLOB":
        return f"hex({x})"
    if engine == "JSON":
        return f"sf_json_text({x})"
    if engine in ("DOUBLE", "FLOAT"):
        return f"regexp_replace(CAST({x} AS VARCHAR), '\\.0$', '')"
    if engine == "VARCHAR":
        return x
    return f"CAST({x} AS VARCHAR)"


_FORMAT = ("YYYY", "MM", "DD", "HH24", "HH", "MI", "SS", "TZHTZM", "TZH:TZM", "TZH", "TZM")


def format_text(x: str, engine: str, pattern: str, zone: str) -> str:
    """TO_CHAR(x, pattern)."""
    if engine == "DATE" or engine.startswith("TIMESTAMP"):
        stamp = _timestamp(x, engine, SfType("TIMESTAMP_NTZ", scale=9), zone)
        return once(stamp, lambda v: format_text(v, NTZ, pattern, zone))
    if engine == TIME:
        wall, f, offset = f"CAST({x}.time // 1000000000 AS BIGINT)", f"({x}.time % 1000000000)", "0"
    elif engine == NTZ:
        wall, f, offset = f"{x}.ntz", f"{x}.f", "0"
    elif engine == LTZ:
        offset = f"(sf_zone_offset({x}.ltz, {quote(zone)}) // 60)"
        wall, f = f"({x}.ltz + sf_zone_offset({x}.ltz, {quote(zone)}))", f"{x}.f"
    elif engine == TZ:
        wall, f, offset = f"({x}.tz + {x}.o * 60)", f"{x}.f", f"{x}.o"
    else:
        raise NotImplementedHere(f"TO_CHAR with a format of {engine}")
    names = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "HH": "%H", "MI": "%M", "SS": "%S"}
    parts, rest = [], pattern.upper()
    source = pattern
    while rest:
        if rest[0] == '"' and '"' in rest[1:]:
            end = rest.index('"', 1)
            parts.append(quote(source[1:end]))
            rest, source = rest[end + 1:], source[end + 1:]
            continue
        token = next((t for t in _FORMAT if rest.startswith(t)), None)
        if token in names:
            parts.append(f"strftime(make_timestamp({wall} * 1000000), '{names[token]}')")
        elif token in ("TZHTZM", "TZH:TZM"):
            parts.append(f"sf_offset_text({offset}, {quote(':' if ':' in token else '')})")
        elif token == "TZH":
            parts.append(f"sf_offset_text({offset}, '')[1:3]")
        elif token == "TZM":
            parts.append(f"sf_offset_text({offset}, '')[4:5]")
        elif rest.startswith("FF"):
            digits = int(rest[2]) if rest[2:3].isdigit() else 9
            token = rest[:3] if rest[2:3].isdigit() else "FF"
            if digits == 0 and parts and parts[-1].endswith("'.'"):
                parts.pop()
            elif digits:
                parts.append(f"lpad(CAST({f} AS VARCHAR), 9, '0')[1:{digits}]")
        else:
            token = source[0]
            parts.append(quote(token))
        rest, source = rest[len(token):], source[len(token):]
    return _guard(x, "(" + " || ".join(parts or ["''"]) + ")")


def cut(x: str, to: SfType) -> str:
    """A text or binary value, no longer than its type."""
    if to.base == "TEXT":
        return f"left({x}, {to.length})"
    return f"unhex(left(hex({x}), {2 * to.length}))"


def convert(x: str, engine, to: SfType, zone="UTC", formats=None, column=None) -> str:
    """`x`, which is of the engine's type `engine` (None: not known), as a value of `to`."""
    return once(x, lambda v: _convert(v, engine, to, zone, formats, column))


def _convert(x: str, engine, to: SfType, zone, formats, column) -> str:
    if engine is not None:
        engine = str(engine)
    if engine == '"NULL"' or engine == "NULL":
        return f"CAST({x} AS {to.engine})"
    temporal = engine in (TIME, NTZ, LTZ, TZ)
    base = to.base

    def mismatch():
        from .types import from_engine
        name = f" for column {column}" if column else ""
        return compilation("002023", f"Expression type does not match column data type, expecting {to.sql} but got "
                           f"{from_engine(engine).sql}{name}", "22000")

    if base == "FIXED":
        if temporal or engine in ("DATE", "BLOB") or (engine or "").startswith("TIMESTAMP"):
            raise mismatch()
        if engine == "JSON":
            x, engine = f"sf_json_text({x})", "VARCHAR"
        if engine == "VARCHAR":
            x = f"sf_text_number({x})"
        return f"CAST({x} AS {to.engine})"
    if base == "REAL":
        if temporal or engine in ("DATE", "BLOB") or (engine or "").startswith("TIMESTAMP"):
            raise mismatch()
        return f"CAST({f'sf_json_text({x})' if engine == 'JSON' else x} AS DOUBLE)"
    if base == "TEXT":
        text = to_text(x, engine, zone, formats) if engine else f"CAST({x} AS VARCHAR)"
        return text if to.length >= DEFAULT_TEXT else f"sf_limit_text({text}, {to.length})"
    if base == "BINARY":
        if engine not in ("BLOB", "VARCHAR", "JSON", None):
            raise mismatch()
        data = x if engine == "BLOB" else f"sf_text_binary({x if engine == 'VARCHAR' else to_text(x, engine or 'VARCHAR', zone)})"
        return data if to.length >= 8388608 else f"sf_limit_binary({data}, {to.length})"
    if base == "BOOLEAN":
        if engine in ("VARCHAR", "JSON"):
            return f"sf_text_bool({to_text(x, engine, zone)})"
        if temporal or engine in ("BLOB", "DATE"):
            raise mismatch()
        return f"CAST({x} AS BOOLEAN)"
    if base == "DATE":
        if engine in (NTZ, LTZ, TZ):
            stamp = _timestamp(x, engine, SfType("TIMESTAMP_NTZ", scale=9), zone)
            return f"CAST(make_timestamp(({stamp}).ntz * 1000000) AS DATE)"
        if engine in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
            return f"CAST(timezone({quote(zone)}, CAST({x} AS TIMESTAMPTZ)) AS DATE)"
        if engine == "DATE" or (engine or "").startswith("TIMESTAMP"):
            return f"CAST({x} AS DATE)"
        if engine == TIME or engine in ("BOOLEAN", "BLOB", "DOUBLE"):
            raise mismatch()
        if engine and _is_number(engine):
            return f"CAST(make_timestamp(CAST({x} AS BIGINT) * 1000000) AS DATE)"
        return f"sf_text_date({to_text(x, engine or 'DATE', zone)})"
    if base == "TIME":
        if engine == TIME:
            value = x
        elif engine in ("TIME", "TIME_NS"):
            value = _guard(x, f"{{'time': CAST(epoch_ns({x}) AS BIGINT)}}")
        elif engine in (NTZ, LTZ, TZ) or (engine or "").startswith("TIMESTAMP"):
            stamp = _timestamp(x, engine, SfType("TIMESTAMP_NTZ", scale=9), zone)
            value = once(stamp, lambda v: _guard(
                v, f"{{'time': CAST(sf_mod({v}.ntz, 86400) * 1000000000 + {v}.f AS BIGINT)}}"))
        elif engine in ("DATE", "BOOLEAN", "BLOB"):
            raise mismatch()
        else:
            value = f"sf_text_time({to_text(x, engine or 'DATE', zone)})"
        if to.scale >= 9:
            return value
        return _guard(x, f"{{'time': CAST({_cut(f'({value}).time', to.scale)} AS BIGINT)}}")
    if base in ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"):
        if engine in (TIME, "TIME", "TIME_NS", "BOOLEAN", "BLOB", "DOUBLE"):
            raise mismatch()
        value = _timestamp(x, engine or "unknown", to, zone)
        return cut_timestamp(f"({value})", to) if to.scale < 9 else value
    # Semi-structured
    if engine == "JSON":
        return x
    if base in ("GEOGRAPHY", "GEOMETRY"):
        return f"CAST(to_json({x}) AS JSON)"
    if temporal or engine == "BLOB":
        return f"CAST(to_json({to_text(x, engine, zone, formats)}) AS JSON)"
    return f"CAST(to_json({x}) AS JSON)"


def instant(x: str, engine, zone: str) -> str:
    """What two points in time are compared by: nanoseconds, as a wide integer."""
    engine = engine or "unknown"
    if engine in (TIME, "TIME", "TIME_NS"):
        return f"({convert(x, engine, SfType('TIME', scale=9))}).time"
    stamp = once(x, lambda v: _timestamp(v, engine, SfType("TIMESTAMP_LTZ", scale=9), zone))
    return once(stamp, lambda v: f"(CAST(({v}).ltz AS HUGEINT) * 1000000000 + ({v}).f)")


def wall_clock(x: str, engine, zone: str) -> str:
    """The engine's TIMESTAMP in whole microseconds, for its own functions of dates."""
    if engine == "DATE":
        return f"CAST({x} AS TIMESTAMP)"
    stamp = once(x, lambda v: _timestamp(v, engine or "unknown", SfType("TIMESTAMP_NTZ", scale=9), zone))
    return once(stamp, lambda v: f"make_timestamp(({v}).ntz * 1000000 + ({v}).f // 1000)")
