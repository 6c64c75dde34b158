"""CREATE, ALTER, DROP, TRUNCATE, COMMENT. Each ends the open transaction before it starts (implicit commit)."""

import re

from sqlglot import exp

from .. import errors, file_formats, types
from ..catalog import Column, FileFormat, Sequence, Schema, Stage, Table, View, dotted, render
from ..options import Scanner
from ..results import Result, status
from ..scope import fold
from ..translate import Translator, parse, table_parts
from . import dml

_KINDS = ("DATABASE", "SCHEMA", "TABLE", "VIEW", "STAGE", "FILE FORMAT", "SEQUENCE", "WAREHOUSE", "ROLE", "USER")


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
    kind = next((k for k in _KINDS if scanner.accept(*k.split())), None)
    refused = modifiers & {"HYBRID", "ICEBERG", "DYNAMIC", "EXTERNAL", "MATERIALIZED", "EVENT"}
    if kind is None or refused:
        if kind is None and scanner.peek and scanner.peek.upper not in (
                "PROCEDURE", "FUNCTION", "TASK", "STREAM", "PIPE", "INTEGRATION", "NETWORK", "TAG", "STREAMLIT", "SECRET"):
            raise scanner.unexpected()
        raise errors.NotImplementedHere("CREATE " + " ".join(sorted(refused) + [kind or scanner.peek.upper]))
    if_not_exists = scanner.accept("IF", "NOT", "EXISTS")
    if replace and if_not_exists:
        raise errors.compilation("001008", "options OR REPLACE and IF NOT EXISTS are incompatible.")
    made = {"DATABASE": _create_database, "SCHEMA": _create_schema, "TABLE": _create_table, "VIEW": _create_view,
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
        _drop_tables(service, service.catalog.databases[name].schemas.values())
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
    if name in database.schemas and if_not_exists:
        return _already(name)
    service.require(session, "CREATE SCHEMA", "DATABASE", dotted(database.name))
    if name in database.schemas:
        if not replace:
            raise errors.exists(render(name))
        _drop_tables(service, [database.schemas[name]])
    database.schemas[name] = Schema(name, session.role, "TRANSIENT" in modifiers, options.get("COMMENT", ""))
    session.database, session.schema = database.name, name
    return _done("Schema", name)


def _drop_tables(service, schemas):
    for schema in schemas:
        for relation in [*schema.relations.values(), *schema.temporary.values()]:
            if isinstance(relation, Table):
                service.engine.drop_table(relation)
        for stage in [*schema.stages.values(), *schema.temporary_stages.values()]:
            service.stages.drop(stage)


def _create_table(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    node = parse(query.sql)
    if not isinstance(node, exp.Create):
        raise scanner.unexpected()
    holder = node.this
    target = holder.this if isinstance(holder, exp.Schema) else holder
    path = service.catalog.qualify(session, table_parts(target), "CREATE TABLE")
    schema = service.catalog.schema(session, path[:2])
    name = path[2]
    temporary = "TEMPORARY" in modifiers
    known = schema.temporary.get((session.id, name)) if temporary else schema.relations.get(name)
    if known is not None and if_not_exists:
        return _already(name)
    if not temporary:
        service.require(session, "CREATE TABLE", "SCHEMA", dotted(*path[:2]))
    if known is not None and not replace:
        raise errors.exists(dotted(*path) if len(table_parts(target)) > 1 else render(name))
    if isinstance(known, Table):
        service.transactions.wait_for_all(known, session, query)
    kind = "TEMPORARY" if temporary else "TRANSIENT" if "TRANSIENT" in modifiers or schema.transient else "TABLE"
    like = next((p for p in (node.args.get("properties").expressions if node.args.get("properties") else [])
                 if isinstance(p, exp.LikeProperty)), None)
    comment = re.search(r"\bCOMMENT\s*=\s*'((?:[^']|'')*)'", query.sql, re.I)
    cluster = re.search(r"\bCLUSTER\s+BY\s*(\((?:[^()]|\([^()]*\))*\))", query.sql, re.I)
    select, fill = None, None
    if like is not None or node.args.get("clone"):
        source_node = (like or node.args["clone"]).this
        _, source = service.catalog.table(session, table_parts(source_node), "SELECT")
        if isinstance(source, View):
            raise errors.compilation("001506", "a view cannot be copied by LIKE or CLONE")
        columns = [Column(c.name, c.type, c.nullable, c.default, c.identity, c.comment) for c in source.columns]
        table = Table(name, columns, kind, session.role, cluster_by=source.cluster_by, primary_key=list(source.primary_key))
        if node.args.get("clone"):
            fill = source
    else:
        columns, primary = [], []
        for definition in holder.expressions if isinstance(holder, exp.Schema) else []:
            if isinstance(definition, exp.ColumnDef):
                if definition.args.get("kind") is None:
                    raise errors.compilation("002016" if node.expression else "001003",
                                             f"Missing column specification '{definition.name}'")
                columns.append(_column(service, definition, primary))
            elif isinstance(definition, exp.Identifier):
                columns.append(Column(fold(definition), None))
            else:
                primary += [fold(i.this if not isinstance(i, exp.Identifier) else i) for k in definition.find_all(exp.PrimaryKey)
                            for i in k.expressions]
        select = node.expression
        table = Table(name, columns, kind, session.role, primary_key=primary)
    names = [c.name for c in table.columns]
    doubled = next((n for n in names if names.count(n) > 1), None)
    if doubled:
        raise errors.compilation("002025", f"duplicate column name '{doubled}'")
    table.comment = comment[1].replace("''", "'") if comment else ""
    table.cluster_by = "LINEAR" + cluster[1] if cluster else table.cluster_by
    table.session = session.id if temporary else None
    for column_name in table.primary_key:
        found = table.column(column_name)
        if found is None:
            raise errors.invalid_identifier(render(column_name))
        found.nullable = False
    with service.engine:
        sql = None
        if select is not None:
            translator = Translator(service, session, query)
            sql, fields = translator.top(select)
            service.need_warehouse(session, select, translator)
            engine_types = service.engine.types(sql)
            if not table.columns:
                table.columns = [Column(f.name, f.type or types.from_engine(e)) for f, e in zip(fields, engine_types)]
            for column, f, e in zip(table.columns, fields, engine_types):
                if column.type is None:
                    column.type = f.type or types.from_engine(e)
            if len(table.columns) != len(engine_types):
                raise errors.compilation("002026", "number of columns of the query and of the table differ", "21S01")
        elif not table.columns:
            raise errors.compilation("002028", "Table must have at least one column.")
        service.engine.create_table(table)
        if sql is not None:
            with dml.changes(service, session, query) as transaction:
                dml.append(service, session, transaction, table, [c.name for c in table.columns], sql, engine_types)
        if fill is not None:
            pairs = ", ".join(c.physical for c in fill.columns)
            visible = service.transactions.visible(fill, None)
            service.engine.execute(f"INSERT INTO {table.physical} SELECT {pairs}, 0, 0 FROM {fill.physical}"
                                   + (f" WHERE {visible}" if visible else ""))
        if known is not None and isinstance(known, Table):
            service.engine.drop_table(known)
    (schema.temporary if temporary else schema.relations)[(session.id, name) if temporary else name] = table
    return _done("Table", name)


def _column(service, node: exp.ColumnDef, primary: list) -> Column:
    column = Column(fold(node.this), types.from_sqlglot(node.args["kind"]))
    for constraint in node.args.get("constraints") or []:
        kind = constraint.args.get("kind")
        if isinstance(kind, exp.NotNullColumnConstraint):
            column.nullable = bool(kind.args.get("allow_null"))
        elif isinstance(kind, exp.PrimaryKeyColumnConstraint):
            primary.append(column.name)
        elif isinstance(kind, exp.DefaultColumnConstraint):
            column.default = kind.this.sql("snowflake")
        elif isinstance(kind, exp.CommentColumnConstraint):
            column.comment = kind.this.name
        elif isinstance(kind, (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)):
            start = int(kind.args["start"].name) if kind.args.get("start") else 1
            step = int(kind.args["increment"].name) if kind.args.get("increment") else 1
            sequence = Sequence("", start, step)
            service.engine.execute(f"CREATE SEQUENCE data.s{sequence.id} START {start} INCREMENT {step}")
            column.identity = (start, step, sequence.id)
    return column


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
    if key in stages and if_not_exists:
        return _already(path[2])
    if not temporary:
        service.require(session, "CREATE STAGE", "SCHEMA", dotted(*path[:2]))
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
                        str(options.get("COMMENT") or ""))
    return status(f"Stage area {render(path[2])} successfully created.")


def _create_format(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
    path = service.catalog.qualify(session, scanner.names(), "CREATE FILE FORMAT")
    schema = service.catalog.schema(session, path[:2])
    options = scanner.options()
    comment = options.pop("COMMENT", "")
    key = (session.id, path[2]) if "TEMPORARY" in modifiers else path[2]
    if key in schema.formats and if_not_exists:
        return _already(path[2])
    service.require(session, "CREATE FILE FORMAT", "SCHEMA", dotted(*path[:2]))
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


# --- DROP

def drop(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("DROP")
    kind = next((k for k in _KINDS if scanner.accept(*k.split())), None)
    if kind is None:
        raise scanner.unexpected() if scanner.peek is None else errors.NotImplementedHere("DROP " + scanner.peek.upper)
    if_exists = scanner.accept("IF", "EXISTS")
    parts = scanner.names()
    scanner.accept("CASCADE") or scanner.accept("RESTRICT")
    catalog = service.catalog
    name = parts[-1]

    def gone(shown, what):
        if if_exists:
            return status("Drop statement executed successfully "
                          f"({render(name)} already dropped).")
        raise errors.missing(what, shown)

    if kind == "DATABASE":
        if name not in catalog.databases:
            return gone(render(name), "Database")
        service.require(session, "OWNERSHIP", "DATABASE", dotted(name))
        _drop_tables(service, catalog.databases.pop(name).schemas.values())
        if session.database == name:
            session.database = session.schema = None
    elif kind == "SCHEMA":
        database = catalog.databases.get(parts[0] if len(parts) == 2 else session.database)
        if database is None or name not in database.schemas:
            return gone(dotted(*parts), "Schema")
        service.require(session, "OWNERSHIP", "SCHEMA", dotted(database.name, name))
        _drop_tables(service, [database.schemas.pop(name)])
        if session.schema == name and session.database == database.name:
            session.schema = None
    elif kind == "WAREHOUSE":
        if service.account.warehouses.pop(name, None) is None:
            return gone(render(name), "Warehouse")
    elif kind in ("TABLE", "VIEW"):
        path = catalog.qualify(session, parts, "DROP")
        try:
            schema = catalog.schema(session, path[:2])
        except errors.SnowflakeError:
            if if_exists:
                return gone(dotted(*path), kind.capitalize())
            raise
        found = catalog.find(session, path)
        if found is None or isinstance(found, View) != (kind == "VIEW"):
            return gone(dotted(*path) if len(parts) > 1 else render(name), kind.capitalize())
        if found.session is None:
            service.require(session, "OWNERSHIP", kind, dotted(*path))
        if isinstance(found, Table):
            service.transactions.wait_for_all(found, session, query)
            service.engine.drop_table(found)
            service.load_history.forget_table(found.id)
        if isinstance(found, Table) and found.session is not None:
            del schema.temporary[(session.id, name)]
        else:
            del schema.relations[name]
    elif kind == "STAGE":
        path = catalog.qualify(session, parts, "DROP")
        schema = catalog.schema(session, path[:2])
        for held, key in ((schema.temporary_stages, (session.id, name)), (schema.stages, name)):
            if key in held:
                service.stages.drop(held.pop(key))
                return status(f"{render(name)} successfully dropped.")
        return gone(dotted(*path), "Stage")
    elif kind == "FILE FORMAT":
        path = catalog.qualify(session, parts, "DROP")
        schema = catalog.schema(session, path[:2])
        if schema.formats.pop(name, None) is None:
            return gone(dotted(*path), "File format")
    else:
        raise errors.NotImplementedHere("DROP " + kind)
    return status(f"{render(name)} successfully dropped.")


# --- ALTER, TRUNCATE, COMMENT

def alter(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("ALTER")
    if scanner.accept("TABLE"):
        return _alter_table(service, session, query, scanner)
    if scanner.accept("WAREHOUSE"):
        if_exists = scanner.accept("IF", "EXISTS")
        name = session.warehouse if scanner.peek and scanner.peek.upper in ("RESUME", "SUSPEND", "SET") else scanner.names()[0]
        if name not in service.account.warehouses and not if_exists:
            raise errors.missing("Warehouse", render(name or ""))
        return status("Statement executed successfully.")
    raise errors.NotImplementedHere("ALTER " + (scanner.peek.upper if scanner.peek else ""))


def _alter_table(service, session, query, scanner) -> Result:
    if_exists = scanner.accept("IF", "EXISTS")
    parts = scanner.names()
    catalog = service.catalog
    path = catalog.qualify(session, parts, "ALTER")
    schema = catalog.schema(session, path[:2])
    table = catalog.find(session, path)
    if table is None:
        if if_exists:
            return status("Statement executed successfully.")
        raise errors.missing("Table", dotted(*path) if len(parts) > 1 else render(path[2]))
    if table.session is None:
        service.require(session, "OWNERSHIP", "TABLE", dotted(*path))
    service.transactions.wait_for_all(table, session, query)
    done = status("Statement executed successfully.")
    if scanner.accept("SWAP", "WITH"):
        other_path = catalog.qualify(session, scanner.names(), "ALTER")
        other = catalog.find(session, other_path)
        if other is None:
            raise errors.missing("Table", dotted(*other_path))
        service.require(session, "OWNERSHIP", "TABLE", dotted(*other_path))
        service.transactions.wait_for_all(other, session, query)
        if (table.session is None) != (other.session is None):
            raise errors.compilation("002003", "a temporary table cannot be swapped with one that is not")
        there = catalog.schema(session, other_path[:2])
        table.name, other.name = other.name, table.name
        key, other_key = ((session.id, path[2]), (session.id, other_path[2])) if table.session else (path[2], other_path[2])
        (schema.temporary if table.session else schema.relations)[key] = other
        (there.temporary if table.session else there.relations)[other_key] = table
        return done
    if scanner.accept("RENAME", "TO"):
        new = catalog.qualify(session, scanner.names(), "ALTER")
        there = catalog.schema(session, new[:2])
        held = "temporary" if table.session else "relations"
        key, new_key = ((session.id, path[2]), (session.id, new[2])) if table.session else (path[2], new[2])
        if new_key in getattr(there, held):
            raise errors.exists(render(new[2]))
        del getattr(schema, held)[key]
        table.name = new[2]
        getattr(there, held)[new_key] = table
        return done
    if scanner.accept("RENAME", "COLUMN"):
        old = scanner.identifier()
        scanner.expect("TO")
        new = scanner.identifier()
        if table.column(old) is None:
            raise errors.invalid_identifier(render(old))
        if table.column(new) is not None:
            raise errors.compilation("002025", f"column '{new}' already exists")
        table.column(old).name = new
        return done
    if scanner.accept("ADD"):
        node = parse(query.sql)
        for action in node.args["actions"]:
            if not isinstance(action, exp.ColumnDef):
                continue      # constraints are not enforced by the service either
            column = _column(service, action, [])
            if table.column(column.name) is not None:
                if action.args.get("exists"):
                    continue
                raise errors.compilation("001430", f"column '{column.name}' already exists")
            column.physical = f"a{len(table.columns)}_{service.engine.value('SELECT nextval(' + chr(39) + 'data.row_number' + chr(39) + ')')}"
            value = dml.default_of(service, session, column) if column.default else f"NULL::{column.type.engine}"
            with service.engine:
                service.engine.execute(f"ALTER TABLE {table.physical} ADD COLUMN {column.physical} {column.type.engine}")
                # The hidden columns stay last.
                listed = ", ".join([c.physical for c in table.columns] + [f"{value} AS {column.physical}", "born", "dead"])
                service.engine.execute(f"CREATE OR REPLACE TABLE data.adding AS SELECT {listed} FROM {table.physical}")
                service.engine.execute(f"DROP TABLE {table.physical}")
                service.engine.execute(f"ALTER TABLE data.adding RENAME TO t{table.id}")
            table.columns.append(column)
        return done
    if scanner.accept("DROP"):
        if scanner.accept("CLUSTERING", "KEY"):
            table.cluster_by = ""
            return done
        scanner.accept("COLUMN")
        if_there = scanner.accept("IF", "EXISTS")
        while True:
            name = scanner.identifier()
            column = table.column(name)
            if column is None and not if_there:
                raise errors.invalid_identifier(render(name))
            if column is not None:
                service.engine.execute(f"ALTER TABLE {table.physical} DROP COLUMN {column.physical}")
                table.columns.remove(column)
            if not scanner.accept(","):
                return done
    if scanner.accept("CLUSTER", "BY"):
        table.cluster_by = "LINEAR(" + scanner.parenthesized() + ")"
        return done
    if scanner.accept("SET"):
        if scanner.peek and scanner.peek.upper in ("TAG", "MASKING"):
            raise errors.NotImplementedHere("ALTER TABLE … SET " + scanner.peek.upper)
        options = scanner.options()
        table.comment = options.get("COMMENT", table.comment)
        table.retention = options.get("DATA_RETENTION_TIME_IN_DAYS", table.retention)
        return done
    if scanner.accept("ALTER") or scanner.accept("MODIFY"):
        scanner.accept("COLUMN")
        name = scanner.identifier()
        column = table.column(name)
        if column is None:
            raise errors.invalid_identifier(render(name))
        if scanner.accept("DROP", "NOT", "NULL"):
            column.nullable = True
            return done
        if scanner.accept("SET", "NOT", "NULL"):
            if service.engine.value(f"SELECT count(*) FROM {table.physical} WHERE {column.physical} IS NULL AND dead = 0"):
                raise errors.SnowflakeError("100072", "NULL result in a non-nullable column")
            column.nullable = False
            return done
        if scanner.accept("COMMENT"):
            column.comment = str(scanner.value())
            return done
        if scanner.accept("DROP", "DEFAULT"):
            column.default = None
            return done
        if scanner.accept("SET", "DATA", "TYPE") or scanner.accept("TYPE"):
            text = query.sql[scanner.peek.start:].rstrip().rstrip(";")
            new = types.from_sqlglot(exp.DataType.build(text, dialect="snowflake"))
            wider = new.base == column.type.base and (
                (new.base == "FIXED" and new.scale == column.type.scale) or (new.base in ("TEXT", "BINARY") and new.length >= column.type.length))
            if not wider:
                raise errors.compilation("040053", f"cannot change column {render(name)} from type {column.type.sql} to {new.sql}")
            service.engine.execute(f"ALTER TABLE {table.physical} ALTER {column.physical} TYPE {new.engine}")
            column.type = new
            return done
    raise errors.NotImplementedHere("ALTER TABLE … " + (scanner.peek.upper if scanner.peek else ""))


def truncate(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("TRUNCATE")
    scanner.accept("TABLE")
    if_exists = scanner.accept("IF", "EXISTS")
    parts = scanner.names()
    path = service.catalog.qualify(session, parts, "TRUNCATE")
    table = service.catalog.find(session, path)
    if table is None:
        if if_exists:
            return status("Statement executed successfully.")
        raise errors.missing("Table", dotted(*path) if len(parts) > 1 else render(path[2]))
    service.require(session, "TRUNCATE", "TABLE", dotted(*path))
    service.transactions.wait_for_all(table, session, query)
    service.engine.execute(f"DELETE FROM {table.physical}")
    service.load_history.forget_table(table.id)
    return status("Statement executed successfully.")


def comment(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("COMMENT")
    if_exists = scanner.accept("IF", "EXISTS")
    scanner.expect("ON")
    kind = scanner.next().upper
    parts = scanner.names()
    scanner.expect("IS")
    text = str(scanner.value())
    if kind == "TABLE":
        service.catalog.table(session, parts, "COMMENT")[1].comment = text
    elif kind == "SCHEMA":
        service.catalog.schema(session, parts).comment = text
    elif kind == "DATABASE":
        service.catalog.database(parts[0]).comment = text
    elif kind == "COLUMN":
        _, table = service.catalog.table(session, parts[:-1], "COMMENT")
        column = table.column(parts[-1])
        if column is None and not if_exists:
            raise errors.invalid_identifier(render(parts[-1]))
        column.comment = text
    else:
        raise errors.NotImplementedHere("COMMENT ON " + kind)
    return status("Statement executed successfully.")
