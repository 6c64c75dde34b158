"""CREATE of all that is no table. Like all DDL it ends the open transaction before it starts (implicit commit)."""

from sqlglot import exp

from .. import errors, file_formats
from ..catalog import FileFormat, Schema, Stage, View, dotted, render
from ..options import Scanner
from ..results import Result, status
from ..scope import fold
from ..translate import Translator, parse, table_parts
from .create_table import create_table
from .drop import KINDS, drop_contents


def create(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("CREATE")
    replace = scanner.accept("OR", "REPLACE")
    modifiers = set()
    while True:
        word = next((w for w in ("TRANSIENT", "TEMPORARY", "TEMP", "VOLATILE", "LOCAL", "GLOBAL", "SECURE", "HYBRID", "ICEBERG",
                                 "DYNAMIC", "EXTERNAL", "RECURSIVE", "MATERIALIZED", "EVENT") if scanner.accept(w)), None)
        if word is None:
            break
        modifiers.add("TEMPORARY" if word in ("TEMP", "VOLATILE") else word)
    kind = next((k for k in KINDS if scanner.accept(*k.split())), None)
    refused = modifiers & {"HYBRID", "ICEBERG", "DYNAMIC", "EXTERNAL", "MATERIALIZED", "EVENT"}
    if kind is None or refused:
        if kind is None and scanner.peek and scanner.peek.upper not in (
                "PROCEDURE", "FUNCTION", "TASK", "STREAM", "PIPE", "INTEGRATION", "NETWORK", "TAG", "STREAMLIT", "SECRET"):
            raise scanner.unexpected()
        raise errors.NotImplementedHere("CREATE " + " ".join(sorted(refused) + [kind or scanner.peek.upper]))
    if_not_exists = scanner.accept("IF", "NOT", "EXISTS")
    if replace and if_not_exists:
        raise errors.compilation("001008", "options OR REPLACE and IF NOT EXISTS are incompatible.")
    made = {"DATABASE": _create_database, "SCHEMA": _create_schema, "TABLE": create_table, "VIEW": _create_view,
            "STAGE": _create_stage, "FILE FORMAT": _create_format, "SEQUENCE": _create_sequence,
            "WAREHOUSE": _create_warehouse, "ROLE": _create_role, "USER": _create_user}[kind]
    return made(service, session, query, scanner, replace, if_not_exists, modifiers)


def _already(name) -> Result:
    return status(f"{render(name)} already exists, statement succeeded.")


def _done(kind, name) -> Result:
    return status(f"{kind} {render(name)} successfully created.")


def _create_database(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    name = scanner.names()[0]
    service.require(session, "CREATE DATABASE", "ACCOUNT", service.account.name)
    if scanner.peek and scanner.peek.upper == "CLONE":
        raise errors.NotImplementedHere("CREATE DATABASE … CLONE")
    options = scanner.options({"DATA_RETENTION_TIME_IN_DAYS", "COMMENT", "MAX_DATA_EXTENSION_TIME_IN_DAYS"})
    if name in service.catalog.databases:
        if if_not_exists:
            return _already(name)
        if not replace:
            raise errors.exists(render(name))
        drop_contents(service, service.catalog.databases[name].schemas.values())
    database = service.catalog.create_database(name, session.role, "TRANSIENT" in modifiers)
    database.comment = options.get("COMMENT", "")
    session.database, session.schema = name, "PUBLIC"
    return _done("Database", name)


def _create_schema(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    parts = scanner.names()
    if len(parts) == 1 and not session.database:
        raise errors.no_database("CREATE SCHEMA")
    database = service.catalog.database(parts[0] if len(parts) == 2 else session.database)
    name = parts[-1]
    managed = scanner.accept("WITH", "MANAGED", "ACCESS")
    if scanner.peek and scanner.peek.upper == "CLONE":
        raise errors.NotImplementedHere("CREATE SCHEMA … CLONE")
    options = scanner.options({"DATA_RETENTION_TIME_IN_DAYS", "COMMENT", "MAX_DATA_EXTENSION_TIME_IN_DAYS"})
    del managed
    service.require(session, "CREATE SCHEMA", "DATABASE", dotted(database.name))
    if name in database.schemas and if_not_exists:
        return _already(name)
    if name in database.schemas:
        if not replace:
            raise errors.exists(render(name))
        drop_contents(service, [database.schemas[name]])
    database.schemas[name] = Schema(name, session.role, "TRANSIENT" in modifiers, options.get("COMMENT", ""))
    session.database, session.schema = database.name, name
    return _done("Schema", name)


def _create_view(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    node = parse(query.sql)
    holder = node.this
    target = holder.this if isinstance(holder, exp.Schema) else holder
    path = service.catalog.qualify(session, table_parts(target), "CREATE VIEW")
    schema = service.catalog.schema(session, path[:2])
    if path[2] in schema.relations:
        if if_not_exists:
            return _already(path[2])
        if not replace:
            raise errors.exists(dotted(*path))
    service.require(session, "CREATE VIEW", "SCHEMA", dotted(*path[:2]))
    columns = [fold(c.this if not isinstance(c, exp.Identifier) else c) for c in holder.expressions] if isinstance(
        holder, exp.Schema) else []
    sql = node.expression.sql("snowflake")
    Translator(service, session, query).top(node.expression)
    schema.relations[path[2]] = View(path[2], sql, columns, session.role)
    return _done("View", path[2])


def _create_stage(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    path = service.catalog.qualify(session, scanner.names(), "CREATE STAGE")
    schema = service.catalog.schema(session, path[:2])
    options = scanner.options({"URL", "CREDENTIALS", "STORAGE_INTEGRATION", "ENCRYPTION", "DIRECTORY", "FILE_FORMAT", "COPY_OPTIONS",
                               "COMMENT", "ENDPOINT", "AWS_ACCESS_POINT_ARN", "USE_PRIVATELINK_ENDPOINT"})
    temporary = "TEMPORARY" in modifiers
    stages = schema.temporary_stages if temporary else schema.stages
    key = (session.id, path[2]) if temporary else path[2]
    if not temporary:
        service.require(session, "CREATE STAGE", "SCHEMA", dotted(*path[:2]))
    if key in stages and if_not_exists:
        return _already(path[2])
    if key in stages:
        if not replace:
            raise errors.exists(dotted(*path))
        service.stages.drop(stages[key])
    given = options.get("FILE_FORMAT") or {}
    format_ = given if isinstance(given, dict) else {"FORMAT_NAME": given}
    file_formats.check(format_)
    credentials = options.get("CREDENTIALS") or {}
    stages[key] = Stage(path[2], str(options.get("URL") or ""), credentials if isinstance(credentials, dict) else {}, format_,
                        options.get("COPY_OPTIONS") or {}, session.id if temporary else None, session.role,
                        str(options.get("COMMENT") or ""), str(options["STORAGE_INTEGRATION"]).upper() if "STORAGE_INTEGRATION" in options else None,
                        options.get("ENCRYPTION") or {}, options.get("ENDPOINT"))
    return status(f"Stage area {render(path[2])} successfully created.")


def _create_format(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    path = service.catalog.qualify(session, scanner.names(), "CREATE FILE FORMAT")
    schema = service.catalog.schema(session, path[:2])
    options = scanner.options()
    comment = options.pop("COMMENT", "")
    key = (session.id, path[2]) if "TEMPORARY" in modifiers else path[2]
    service.require(session, "CREATE FILE FORMAT", "SCHEMA", dotted(*path[:2]))
    if key in schema.formats and if_not_exists:
        return _already(path[2])
    if key in schema.formats and not replace:
        raise errors.exists(dotted(*path))
    if "TYPE" not in options:
        raise errors.compilation("001416", "missing parameter 'TYPE'")
    schema.formats[key] = FileFormat(path[2], file_formats.check(options), session.role, comment=comment)
    return status(f"File format {render(path[2])} successfully created.")


def _create_sequence(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    raise errors.NotImplementedHere("CREATE SEQUENCE")


def _create_warehouse(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    name = scanner.names()[0]
    scanner.accept("WITH")
    options = scanner.options()
    if name in service.account.warehouses:
        if if_not_exists:
            return _already(name)
        if not replace:
            raise errors.exists(render(name))
    service.require(session, "CREATE WAREHOUSE", "ACCOUNT", service.account.name)
    service.account.warehouses[name] = {"size": str(options.get("WAREHOUSE_SIZE", "X-Small")), "state": "STARTED"}
    session.warehouse = name
    return _done("Warehouse", name)


def _create_role(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    raise errors.NotImplementedHere("CREATE ROLE (tests make roles by the control interface)")


def _create_user(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    raise errors.NotImplementedHere("CREATE USER (tests make users by the control interface)")
