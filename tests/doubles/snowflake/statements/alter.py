"""ALTER TABLE, ALTER WAREHOUSE, TRUNCATE, COMMENT."""

from sqlglot import exp

from .. import errors, types
from ..catalog import dotted, render
from ..options import Scanner
from ..results import Result, status
from ..translate import parse
from . import dml
from .create_table import column_of

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
            column = column_of(service, action, [])
            if table.column(column.name) is not None:
                if action.args.get("exists"):
                    continue
                raise errors.compilation("001430", f"column '{column.name}' already exists")
            number = service.engine.value("SELECT nextval('data.row_number')")
            column.physical = f"a{number}"
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
                (new.base == "FIXED" and new.scale == column.type.scale)
                or (new.base in ("TEXT", "BINARY") and new.length >= column.type.length))
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
