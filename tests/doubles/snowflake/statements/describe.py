"""DESCRIBE of tables, views, schemas, databases, stages, file formats and results."""

from .. import errors, results, types
from ..catalog import Table, View, dotted
from ..options import Scanner, unquote
from ..results import Result, of_rows
from .show import STAMP, relations

# --- DESCRIBE

def describe(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    if not scanner.accept("DESC"):
        scanner.expect("DESCRIBE")
    kind = next((k for k in ("TABLE", "VIEW", "STAGE", "FILE FORMAT", "SCHEMA", "DATABASE", "RESULT", "WAREHOUSE", "USER")
                 if scanner.accept(*k.split())), "TABLE")
    if kind == "RESULT":
        token = scanner.next()
        if token.kind == "string":
            query_id = unquote(token.text)
        else:
            raise errors.NotImplementedHere("DESCRIBE RESULT of anything but an id")
        found = service.result_of(query_id, session)
        return _described([(f.name, f.type or types.from_engine(f.engine), f.nullable, None, False, None) for f in found.fields])
    parts = scanner.names()
    if kind in ("TABLE", "VIEW"):
        path, table = service.catalog.table(session, parts, "DESCRIBE")
        service.require_any(session, "TABLE", dotted(*path))
        if isinstance(table, View):
            from ..translate import Translator, parse
            fields = Translator(service, session, query).top(parse(f"SELECT * FROM {dotted(*path)}"))[1]
            return _described([(f.name, f.type or types.from_engine(f.engine or "VARCHAR"), f.nullable, None, False, None) for f in fields])
        return _described([(c.name, c.type, c.nullable, c.default or (f"IDENTITY START {c.identity[0]} INCREMENT {c.identity[1]} NOORDER"
                                                                      if c.identity else None),
                            c.name in table.primary_key, c.comment) for c in table.columns])
    if kind == "SCHEMA":
        schema = service.catalog.schema(session, parts)
        return of_rows([("created_on", STAMP), "name", "kind"], [[t.created, t.name, "TABLE"] for t in relations(schema, session, Table)],
                       results.DESCRIBE)
    if kind == "DATABASE":
        database = service.catalog.database(parts[0])
        return of_rows([("created_on", STAMP), "name", "kind"], [[s.created, s.name, "SCHEMA"] for s in database.schemas.values()],
                       results.DESCRIBE)
    if kind == "STAGE":
        path, stage = service.catalog.stage(session, parts)
        rows = [["STAGE_FILE_FORMAT", key, "String", str(value), ""] for key, value in stage.file_format.items()]
        rows.append(["STAGE_LOCATION", "URL", "String", f'["{stage.url}"]' if stage.url else "", ""])
        return of_rows(["parent_property", "property", "property_type", "property_value", "property_default"], rows, results.DESCRIBE)
    if kind == "FILE FORMAT":
        options = service.catalog.file_format(session, parts).options
        return of_rows(["property", "property_type", "property_value", "property_default"],
                       [[k, "String", str(v), ""] for k, v in options.items()], results.DESCRIBE)
    raise errors.NotImplementedHere("DESCRIBE " + kind)


def _described(columns) -> Result:
    rows = [[name, type_.sql, "COLUMN", "Y" if nullable else "N", default, "Y" if key else "N", "N", None, None, comment, None, None]
            for name, type_, nullable, default, key, comment in columns]
    return of_rows(["name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment",
                    "policy name", "privacy domain"], rows, results.DESCRIBE)
