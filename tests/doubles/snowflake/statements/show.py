"""SHOW. The columns are those that clients and people read; the rarer ones of the service are left out."""

import re
import time

from .. import errors, results, types
from ..catalog import Table, View, dotted
from ..options import Scanner, unquote
from ..results import Result, of_rows
from ..types import NUMBER, SfType
from . import grant

STAMP = SfType("TIMESTAMP_LTZ", scale=3)


def _like(pattern):
    if pattern is None:
        return lambda name: True
    expression = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return lambda name: re.fullmatch(expression, name, re.I | re.S) is not None


def show(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("SHOW")
    scanner.accept("TERSE")
    words = ("TABLES", "SCHEMAS", "DATABASES", "COLUMNS", "STAGES", "FILE FORMATS", "WAREHOUSES", "TRANSACTIONS", "LOCKS",
             "PARAMETERS", "VIEWS", "OBJECTS", "PRIMARY KEYS", "ROLES", "USERS", "GRANTS", "VARIABLES", "UNIQUE KEYS",
             "IMPORTED KEYS", "REGIONS")
    kind = next((w for w in words if scanner.accept(*w.split())), None)
    if kind is None:
        if scanner.peek is None:
            raise scanner.unexpected()
        raise errors.NotImplementedHere("SHOW " + scanner.peek.upper)
    scanner.accept("HISTORY")
    pattern, scope, limit, starts = None, [], None, None
    while scanner.peek is not None:
        if scanner.accept("LIKE"):
            pattern = unquote(scanner.next().text)
        elif scanner.accept("IN") or scanner.accept("FOR") or scanner.accept("ON") or scanner.accept("OF"):
            if scanner.accept("ACCOUNT"):
                scope = ["ACCOUNT"]
            elif scanner.accept("SESSION"):
                scope = ["SESSION"]
            else:
                word = next((w for w in ("DATABASE", "SCHEMA", "TABLE", "VIEW", "USER", "ROLE", "STAGE") if scanner.accept(w)), None)
                scope = [word, *scanner.names()] if scanner.peek and scanner.peek.kind in ("word", "quoted") else [word]
        elif scanner.accept("STARTS", "WITH"):
            starts = unquote(scanner.next().text)
        elif scanner.accept("LIMIT"):
            limit = int(scanner.next().text)
            if scanner.accept("FROM"):
                scanner.next()
        else:
            raise scanner.unexpected()
    listing = {"TABLES": _tables, "SCHEMAS": _schemas, "DATABASES": _databases, "COLUMNS": _columns, "STAGES": _stages,
               "FILE FORMATS": _formats, "WAREHOUSES": _warehouses, "TRANSACTIONS": _transactions, "LOCKS": _locks,
               "PARAMETERS": _parameters, "VIEWS": _views, "OBJECTS": _objects, "PRIMARY KEYS": _primary_keys, "ROLES": _roles,
               "UNIQUE KEYS": _no_keys, "GRANTS": _grants, "IMPORTED KEYS": _no_keys}.get(kind)
    if listing is None:
        raise errors.NotImplementedHere("SHOW " + kind)
    columns, rows, name_at = listing(service, session, scope)
    match = _like(pattern)
    rows = [r for r in rows if match(str(r[name_at])) and (starts is None or str(r[name_at]).startswith(starts))]
    return of_rows(columns, rows[:limit], results.SHOW)


def _schemas_in(service, session, scope) -> list:
    """(database, Schema) of a scope; the session's where none is given."""
    catalog = service.catalog
    databases = list(catalog.databases.values())
    if scope[:1] == ["ACCOUNT"]:
        return [(d, s) for d in databases for s in d.schemas.values()]
    names = scope[1:]
    if scope[:1] == ["DATABASE"]:
        database = catalog.database(names[0] if names else session.database)
        return [(database, s) for s in database.schemas.values()]
    if names and len(names) == 1 and scope[0] is None and names[0] in catalog.databases and (
            not session.database or names[0] not in catalog.databases[session.database].schemas):
        database = catalog.database(names[0])
        return [(database, s) for s in database.schemas.values()]
    if names:
        schema = catalog.schema(session, names)
        return [(catalog.database(names[0] if len(names) == 2 else session.database), schema)]
    if session.database and session.schema:
        return [(catalog.database(session.database), catalog.schema(session, [session.database, session.schema]))]
    if session.database:
        database = catalog.database(session.database)
        return [(database, s) for s in database.schemas.values()]
    return [(d, s) for d in databases for s in d.schemas.values()]


def relations(schema, session, kind) -> list:
    tables = [t for (owner, _), t in schema.temporary.items() if owner == session.id] + list(schema.relations.values())
    return sorted((t for t in tables if isinstance(t, kind)), key=lambda t: t.name)


def count_rows(service, session, table) -> int:
    where = service.transactions.visible(table, session.transaction)
    return service.engine.value(f"SELECT count(*) FROM {table.physical}" + (f" WHERE {where}" if where else ""))


def _tables(service, session, scope):
    rows = []
    for database, schema in _schemas_in(service, session, scope):
        for table in relations(schema, session, Table):
            if not service.sees(session, "TABLE", dotted(database.name, schema.name, table.name)):
                continue
            count = count_rows(service, session, table)
            rows.append([table.created, table.name, database.name, schema.name, table.kind, table.comment, table.cluster_by, count,
                         count * 8 * len(table.columns), table.owner, str(table.retention), "OFF", "OFF", "N", "ROLE"])
    return [("created_on", STAMP), "name", "database_name", "schema_name", "kind", "comment", "cluster_by", ("rows", NUMBER),
            ("bytes", NUMBER), "owner", "retention_time", "automatic_clustering", "change_tracking", "is_external",
            "owner_role_type"], rows, 1


def _views(service, session, scope):
    rows = [[v.created, v.name, "", d.name, s.name, v.owner, v.comment, v.sql, "false", "false"]
            for d, s in _schemas_in(service, session, scope) for v in relations(s, session, View)
            if service.sees(session, "VIEW", dotted(d.name, s.name, v.name))]
    return [("created_on", STAMP), "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure",
            "is_materialized"], rows, 1


def _objects(service, session, scope):
    rows = [[t.created, t.name, d.name, s.name, "VIEW" if isinstance(t, View) else t.kind, t.comment, "", None, None, t.owner]
            for d, s in _schemas_in(service, session, scope) for t in relations(s, session, (Table, View))]
    return [("created_on", STAMP), "name", "database_name", "schema_name", "kind", "comment", "cluster_by", ("rows", NUMBER),
            ("bytes", NUMBER), "owner"], rows, 1


def _schemas(service, session, scope):
    if scope[:1] == ["ACCOUNT"]:
        databases = list(service.catalog.databases.values())
    elif scope[1:] or session.database:
        databases = [service.catalog.database(scope[1] if scope[1:] else session.database)]
    else:
        databases = list(service.catalog.databases.values())
    rows = []
    for database in databases:
        if scope[:1] != ["ACCOUNT"] and not service.sees(session, "DATABASE", dotted(database.name)):
            raise errors.missing("Database", dotted(database.name))
        for schema in sorted(database.schemas.values(), key=lambda s: s.name):
            if service.sees(session, "SCHEMA", dotted(database.name, schema.name)):
                current = "Y" if (database.name, schema.name) == (session.database, session.schema) else "N"
                rows.append([schema.created, schema.name, "N", current, database.name, schema.owner, schema.comment,
                             "TRANSIENT" if schema.transient else "", "1"])
    return [("created_on", STAMP), "name", "is_default", "is_current", "database_name", "owner", "comment", "options",
            "retention_time"], rows, 1


def _databases(service, session, scope):
    rows = [[d.created, d.name, "N", "Y" if d.name == session.database else "N", "", d.owner, d.comment,
             "TRANSIENT" if d.transient else "", "1", "STANDARD"]
            for d in sorted(service.catalog.databases.values(), key=lambda d: d.name)
            if service.sees(session, "DATABASE", dotted(d.name))]
    return [("created_on", STAMP), "name", "is_default", "is_current", "origin", "owner", "comment", "options", "retention_time",
            "kind"], rows, 1


def _data_type(type_: SfType, nullable: bool) -> str:
    import json
    out = {"type": type_.base}
    if type_.base == "FIXED":
        out.update(precision=type_.precision, scale=type_.scale)
    elif type_.base in types.TEMPORAL:
        out.update(precision=0, scale=type_.scale)
    elif type_.base in ("TEXT", "BINARY"):
        out.update(length=type_.length, byteLength=type_.byte_length, fixed=False)
    out["nullable"] = nullable
    return json.dumps(out, separators=(",", ":"))


def _columns(service, session, scope):
    rows = []
    if scope[:1] in (["TABLE"], ["VIEW"]):
        path, table = service.catalog.table(session, scope[1:])
        found = [(path[0], path[1], table)]
    else:
        found = [(d.name, s.name, t) for d, s in _schemas_in(service, session, scope) for t in relations(s, session, Table)]
    for database, schema, table in found:
        for column in table.columns:
            rows.append([table.name, schema, column.name, _data_type(column.type, column.nullable),
                         "true" if column.nullable else "NOT_NULL", column.default or "", "COLUMN", "", column.comment or "", database,
                         ""])
    return ["table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment",
            "database_name", "autoincrement"], rows, 2


def _stages(service, session, scope):
    rows = []
    for database, schema in _schemas_in(service, session, scope):
        for stage in [*schema.stages.values(), *(v for k, v in schema.temporary_stages.items() if k[0] == session.id)]:
            if not stage.session and not service.sees(session, "STAGE", dotted(database.name, schema.name, stage.name)):
                continue
            kind = ("EXTERNAL" if stage.url else "INTERNAL") + (" TEMPORARY" if stage.session else "")
            rows.append([stage.created, stage.name, database.name, schema.name, stage.url, "Y" if stage.credentials else "N",
                         "Y" if "MASTER_KEY" in stage.encryption else "N", stage.owner, stage.comment,
                         service.s3.get("region") if stage.url and service.s3 else None, kind, stage.cloud, None, stage.integration,
                         stage.endpoint, "ROLE"])
    return [("created_on", STAMP), "name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner",
            "comment", "region", "type", "cloud", "notification_channel", "storage_integration", "endpoint", "owner_role_type"], rows, 1


def _formats(service, session, scope):
    rows = [[f.created, f.name, d.name, s.name, str(f.options.get("TYPE")), f.owner, f.comment, "{}", "ROLE"]
            for d, s in _schemas_in(service, session, scope) for f in s.formats.values()]
    return [("created_on", STAMP), "name", "database_name", "schema_name", "type", "owner", "comment", "format_options",
            "owner_role_type"], rows, 1


def _warehouses(service, session, scope):
    rows = [[name, facts["state"], "STANDARD", facts["size"], 1, 1, 1, 0, 0, "N", "Y" if name == session.warehouse else "N", "600", "true"]
            for name, facts in sorted(service.account.warehouses.items()) if service.sees(session, "WAREHOUSE", name)]
    return ["name", "state", "type", "size", ("min_cluster_count", NUMBER), ("max_cluster_count", NUMBER), ("started_clusters", NUMBER),
            ("running", NUMBER), ("queued", NUMBER), "is_default", "is_current", "auto_suspend", "auto_resume"], rows, 0


def _transactions(service, session, scope):
    everywhere = scope[:1] == ["ACCOUNT"]
    rows = [[t.id, t.session.user.name, t.session.id, t.name or str(t.id), t.started, "running",
             t.session.application + ":" + str(t.session.id)]
            for t in service.transactions.open.values() if t.explicit and (everywhere or t.session.user is session.user)]
    return [("id", NUMBER), "user", ("session", NUMBER), "name", ("started_on", STAMP), "state", "scope"], rows, 3


def _locks(service, session, scope):
    everywhere = scope[:1] == ["ACCOUNT"]
    rows = []
    names = {t.id: dotted(d.name, s.name, t.name) for d, s, t in service.catalog.tables() if isinstance(t, Table)}
    for t in service.transactions.open.values():
        if everywhere or t.session.user is session.user:
            for table_id, (at, query_id) in t.locks.items():
                rows.append([names.get(table_id, "?"), "PARTITIONS", t.id, t.started, "HOLDING", at, query_id, t.session.id])
    for query_id, (t, table, since) in service.transactions.waiting.items():
        rows.append([names.get(table.id, "?"), "PARTITIONS", t.id if t else None, t.started if t else None, "WAITING", None, query_id,
                     t.session.id if t else None])
    return ["resource", "type", ("transaction", NUMBER), ("transaction_started_on", STAMP), "status", ("acquired_on", STAMP),
            "query_id", ("session", NUMBER)], rows, 0


def _grants(service, session, scope):
    if not scope or scope[0] is None:
        raise errors.NotImplementedHere("SHOW GRANTS without ON")
    columns, rows = grant.show(service, session, scope[0], scope[1:])
    return [("created_on", STAMP), *columns], rows, 3


def _parameters(service, session, scope):
    rows = []
    for item in session.shown_parameters():
        from ..sessions import DEFAULTS
        name, value = item["name"], item["value"]
        default = DEFAULTS.get(name, "")
        shown = [str(v).lower() if isinstance(v, bool) else "" if v is None else str(v) for v in (value, default)]
        rows.append([name, *shown, "SESSION" if name in session.parameters else "", "", "BOOLEAN" if isinstance(default, bool) else
                     "NUMBER" if isinstance(default, int) else "STRING"])
    return ["key", "value", "default", "level", "description", "type"], sorted(rows), 0


def _primary_keys(service, session, scope):
    rows = []
    if scope[:1] == ["TABLE"]:
        path, table = service.catalog.table(session, scope[1:])
        found = [(path[0], path[1], table)]
    else:
        found = [(d.name, s.name, t) for d, s in _schemas_in(service, session, scope) for t in relations(s, session, Table)]
    for database, schema, table in found:
        for number, name in enumerate(table.primary_key, 1):
            rows.append([table.created, database, schema, table.name, name, number, f"SYS_CONSTRAINT_{table.id}", "false", None])
    return [("created_on", STAMP), "database_name", "schema_name", "table_name", "column_name", ("key_sequence", NUMBER),
            "constraint_name", "rely", "comment"], rows, 4


def _no_keys(service, session, scope):
    return [("created_on", STAMP), "database_name", "schema_name", "table_name", "column_name", ("key_sequence", NUMBER),
            "constraint_name", "rely", "comment"], [], 4


def _roles(service, session, scope):
    now = time.time()
    rows = [[now, name, "Y" if name == session.user.default_role else "N", "Y" if name == session.role else "N", "N", "", ""]
            for name in sorted(service.account.roles)]
    return [("created_on", STAMP), "name", "is_default", "is_current", "is_inherited", "owner", "comment"], rows, 1
