"""CREATE TABLE: with columns, AS SELECT, LIKE, CLONE."""

import re

from sqlglot import exp

from .. import errors, types
from ..catalog import Column, Sequence, Table, View, dotted, render
from ..results import Result, status
from ..scope import fold
from ..translate import Translator, parse, table_parts
from . import dml


def create_table(service, session, query, scanner, replace, if_not_exists, modifiers) -> Result:
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
    if not temporary:
        service.require(session, "CREATE TABLE", "SCHEMA", dotted(*path[:2]))
    if known is not None and if_not_exists:
        return status(f"{render(name)} already exists, statement succeeded.")
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
                columns.append(column_of(service, definition, primary))
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
    retention = re.search(r"\bDATA_RETENTION_TIME_IN_DAYS\s*=\s*(\d+)", query.sql, re.I)
    table.retention = int(retention[1]) if retention else 1
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
    return status(f"Table {render(name)} successfully created.")


def column_of(service, node: exp.ColumnDef, primary: list) -> Column:
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
