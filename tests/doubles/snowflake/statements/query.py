"""SELECT, WITH, VALUES."""

from sqlglot import exp

from .. import results, types
from ..results import Result
from ..scope import Field


def select(service, session, query, node) -> Result:
    from ..translate import Translator
    translator = Translator(service, session, query)
    if isinstance(node, exp.Values):
        node = exp.select("*").from_(exp.Subquery(this=node))
    sql, fields = translator.top(node)
    service.need_warehouse(session, node, translator)
    return fetch(service, f"SELECT * FROM ({sql}) LIMIT 0" if query.describe else sql, fields)


def fetch(service, sql: str, fields: list) -> Result:
    table, engine_types = service.engine.arrow(sql)
    out = []
    for field, engine in zip(fields, engine_types):
        type_ = field.type
        if type_ is None or not compatible(type_, engine):
            type_ = types.from_engine(engine)
        elif type_.base == "FIXED" and engine.startswith("DECIMAL"):
            found = types.from_engine(engine)
            type_ = type_ if type_.scale == found.scale else found
        out.append(Field(field.name, engine, type_, field.nullable))
    table = _plain(service, table, engine_types, sql)
    return Result(out, table=table, statement=results.SELECT)


def compatible(type_, engine: str) -> bool:
    found = types.from_engine(engine)
    if found.base == type_.base:
        return True
    return type_.base in types.SEMI and found.base == "VARIANT"


_NATIVE = {"TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMP_NS": "TIMESTAMP_NTZ", "TIMESTAMP_S": "TIMESTAMP_NTZ",
           "TIMESTAMP_MS": "TIMESTAMP_NTZ", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_LTZ", "TIME": "TIME", "TIME_NS": "TIME",
           "TIMESTAMPTZ_NS": "TIMESTAMP_LTZ"}


def _is_nested(engine: str) -> bool:
    return engine.endswith("]") or engine.startswith(("MAP", "STRUCT")) and types.from_engine(engine).base == "OBJECT"


def _plain(service, table, engine_types, sql):
    """Columns of types that are the engine's own become those of the service."""
    from ..conversions import convert
    if not any(e in _NATIVE or _is_nested(e) for e in engine_types):
        return table
    listed = []
    for number, engine in enumerate(engine_types):
        name = f"c{number}"
        if engine in _NATIVE:
            name = convert(name, engine, types.SfType(_NATIVE[engine], scale=9))
        elif _is_nested(engine):
            name = f"CAST(to_json({name}) AS VARCHAR)"
        listed.append(name)
    names = ", ".join(f"c{n}" for n in range(len(engine_types)))
    return service.engine.arrow(f"SELECT {', '.join(listed)} FROM ({sql}) AS plain({names})")[0]
