"""INSERT, UPDATE, DELETE: rows in versions (see transactions.py)."""

import contextlib

from sqlglot import exp

from .. import conversions as conv
from .. import errors, results, wrongs
from ..catalog import View, dotted, render
from ..results import Result, of_rows
from ..scope import Scope, Source, encode, fold, generate
from ..translate import Translator, table_fields, table_parts
from ..types import NUMBER, TEXT


@contextlib.contextmanager
def changes(service, session, query):
    """The transaction for one statement that changes rows: the open one, or one of its own that ends with it."""
    transaction = session.transaction
    if transaction is None:
        transaction = service.transactions.begin(session, explicit=not session.parameter("AUTOCOMMIT"))
        session.transaction = transaction
        own = not transaction.explicit
    else:
        own = False
    try:
        yield transaction
    except BaseException:
        if own:
            service.transactions.rollback(transaction)
        raise
    else:
        if own and transaction.number in service.transactions.open:
            service.transactions.commit(transaction)


def target_of(service, session, node: exp.Table, privilege) -> tuple:
    parts = table_parts(node)
    path, table = service.catalog.table(session, parts, privilege)
    if isinstance(table, View):
        raise errors.compilation("001506", f"'{dotted(*path)}' is a view and cannot be changed.")
    service.require(session, privilege, "TABLE", dotted(*path))
    return path, table


def assigned(service, session, table, names: list, sql: str, engine_types: list, cut=False) -> str:
    """A query's rows as rows of the table: `names` get its columns, the others their defaults. `cut`: texts that are too long."""
    by_name = {}
    for number, (name, engine) in enumerate(zip(names, engine_types)):
        column = table.column(name)
        cuts = cut and column.type.base == "TEXT"
        by_name[name] = conv.convert(f"i{number}", engine, TEXT if cuts else column.type, session.zone, session.formats, render(name))
        if cuts:
            by_name[name] = conv.cut(by_name[name], column.type)
    values = []
    for column in table.columns:
        value = by_name.get(column.name)
        if value is None:
            value = default_of(service, session, column)
        values.append(f"{value} AS {column.physical}")
    listed = ", ".join(f"i{n}" for n in range(len(names)))
    inner = f"SELECT {', '.join(values)} FROM ({sql}) AS incoming({listed})"
    out = []
    for column in table.columns:
        value = column.physical
        if not column.nullable:
            value = not_null(value, column)
        out.append(value)
    return f"SELECT {', '.join(out)} FROM ({inner})"


def not_null(x: str, column) -> str:
    return (f"CASE WHEN {x} IS NULL THEN sf_raise('100072', 'NULL result in a non-nullable column')::{column.type.engine} "
            f"ELSE {x} END")


def append(service, session, transaction, table, names: list, sql: str, engine_types: list, cut=False) -> int:
    """Adds the rows of a query whose columns go into `names`; returns their number."""
    rows = assigned(service, session, table, names, sql, engine_types, cut)
    transaction.touched.add(table.id)
    done = service.engine.execute(f"INSERT INTO {table.physical} SELECT *, {transaction.number}, 0 FROM ({rows})")
    return done.fetchone()[0]


def _is_default(value) -> bool:
    return value.sql().upper() == "DEFAULT"


def default_of(service, session, column) -> str:
    if column.identity:
        return f"nextval('data.s{column.identity[2]}')"
    if column.default is None:
        return f"NULL::{column.type.engine}"
    from ..translate import parse
    translator = Translator(service, session, service.current)
    value = translator.expression(parse("SELECT " + column.default).expressions[0], Scope())
    return conv.convert(generate(value), value.meta.get("engine"), column.type, session.zone)


def insert(service, session, query, node) -> Result:
    schema = node.this
    if node.args.get("by_name"):
        raise errors.NotImplementedHere("INSERT BY NAME")
    listed = schema.expressions if isinstance(schema, exp.Schema) else []
    path, table = target_of(service, session, schema.this if isinstance(schema, exp.Schema) else schema, "INSERT")
    names = [fold(c if isinstance(c, exp.Identifier) else c.this) for c in listed] or [c.name for c in table.columns]
    for name in names:
        if table.column(name) is None:
            raise errors.invalid_identifier(render(name))
    if len(set(names)) != len(names):
        raise errors.compilation("002025", f"duplicate column name '{names[0]}'")
    overwrite = bool(node.args.get("overwrite"))
    if overwrite:
        service.require(session, "DELETE", "TABLE", dotted(*path))
    alone = "insert_overwrite_commits" if overwrite else None
    with wrongs.committed_at_once(service, session, alone), changes(service, session, query) as transaction:
        if overwrite:
            if service.settings["overwrite_loses_comment"]:
                table.comment = ""
            service.transactions.lock(table, transaction, query)
        translator = Translator(service, session, query)
        source = node.expression
        if isinstance(source, exp.Values):
            source = _values(translator, source, table, names)
        else:
            source = generate_query(translator, source)
        service.need_warehouse(session, node, translator)
        with service.engine:
            engine_types = service.engine.types(source)
            if len(engine_types) != len(names):
                raise errors.compilation("002020", f"Insert value list does not match column list expecting {len(names)} "
                                         f"but got {len(engine_types)}", "21S01")
            if overwrite:
                # The rows are read first: the statement may read the table that it overwrites.
                service.engine.execute(f"CREATE OR REPLACE TEMP TABLE overwriting AS {source}")
                delete_where(service, transaction, table, "true")
                source = "SELECT * FROM overwriting"
            count = append(service, session, transaction, table, names, source, engine_types)
            if overwrite:
                service.engine.execute("DROP TABLE overwriting")
    return of_rows([("number of rows inserted", NUMBER)], [[count]], results.INSERT)


def generate_query(translator, node) -> str:
    return translator.top(node)[0]


def _values(translator, node, table, names) -> str:
    """VALUES: each value is converted by itself, because a column's values need not be of one type."""
    rows = []
    scope = Scope()
    for row in node.expressions:
        if len(row.expressions) != len(names):
            raise errors.compilation("002020", f"Insert value list does not match column list expecting {len(names)} but "
                                     f"got {len(row.expressions)}", "21S01")
        cells = []
        for name, value in zip(names, row.expressions):
            column = table.column(name)
            if _is_default(value):
                cells.append(default_of(translator.service, translator.session, column))
                continue
            value = translator.expression(value, scope)
            cells.append(conv.convert(generate(value), value.meta.get("engine") if not isinstance(value, exp.Null) else '"NULL"',
                                      column.type, translator.zone, translator.session.formats, render(name)))
        rows.append("SELECT " + ", ".join(f"{c} AS v{n}" for n, c in enumerate(cells)))
    return " UNION ALL ".join(rows)


def delete_where(service, transaction, table, condition: str, using="") -> int:
    """Marks the rows that this transaction sees and `condition` names."""
    visible = service.transactions.visible(table, transaction)
    where = " AND ".join(f"({c})" for c in (condition, visible) if c)
    transaction.touched.add(table.id)
    return service.engine.execute(f"UPDATE {table.physical} SET dead = {transaction.number} WHERE {where}").fetchone()[0]


def aliased(translator, node: exp.Table, path, table, scope):
    """The target as a source, with its row numbers, and its alias."""
    alias = fold(node.args["alias"].this) if node.args.get("alias") else path[2]
    scope.sources.append(Source(alias, table_fields(table)))
    return alias, f'({translator.table_sql(table, with_row=True)}) AS "{encode(alias)}"'


def others_of(translator, nodes, scope) -> list:
    out = []
    for node in nodes:
        holder = exp.From(this=node)
        joins = node.args.pop("joins", None) or []
        scope.sources.append(translator.source(holder, scope))
        text = generate(holder.this)
        for join in joins:
            scope.sources.append(translator.source(join, scope))
            if join.args.get("on"):
                join.set("on", translator.expression(join.args["on"], scope))
            text += " " + generate(join)
        out.append(text)
    return out


def delete(service, session, query, node) -> Result:
    path, table = target_of(service, session, node.this, "DELETE")
    with changes(service, session, query) as transaction:
        service.transactions.lock(table, transaction, query)
        translator = Translator(service, session, query)
        scope = Scope()
        alias, target = aliased(translator, node.this, path, table, scope)
        others = others_of(translator, node.args.get("using") or [], scope)
        where = node.args.get("where")
        condition = generate(translator.expression(where.this, scope)) if where else "true"
        service.need_warehouse(session, node, translator)
        with service.engine:
            rows = f'SELECT "{encode(alias)}"."$ROW" FROM {", ".join([target, *others])} WHERE {condition}'
            count = delete_where(service, transaction, table, f"rowid IN ({rows})")
    return of_rows([("number of rows deleted", NUMBER)], [[count]], results.DELETE)


def update(service, session, query, node) -> Result:
    path, table = target_of(service, session, node.this, "UPDATE")
    with changes(service, session, query) as transaction:
        service.transactions.lock(table, transaction, query)
        translator = Translator(service, session, query)
        scope = Scope()
        alias, target = aliased(translator, node.this, path, table, scope)
        from_ = node.args.get("from_") or node.args.get("from")
        others = others_of(translator, [from_.this] if from_ else [], scope)
        setting = assignments(translator, node.expressions, table, scope)
        where = node.args.get("where")
        condition = generate(translator.expression(where.this, scope)) if where else "true"
        service.need_warehouse(session, node, translator)
        with service.engine:
            count, joined = replace(service, transaction, table, alias, ", ".join([target, *others]), condition, setting)
            if service.settings["update_counts_wrong"]:
                count = 1
    return of_rows([("number of rows updated", NUMBER), ("number of multi-joined rows updated", NUMBER)], [[count, joined]],
                   results.UPDATE)


def assignments(translator, nodes, table, scope) -> dict:
    """Column name → SQL of its new value, of the column's type."""
    setting = {}
    for node in nodes:
        left = node.this
        name = fold(left.this if isinstance(left, exp.Column) else left)
        column = table.column(name)
        if column is None:
            raise errors.invalid_identifier(render(name))
        right = node.expression
        if _is_default(right):
            setting[name] = default_of(translator.service, translator.session, column)
            continue
        value = translator.expression(right, scope)
        engine = '"NULL"' if isinstance(value, exp.Null) else value.meta.get("engine")
        new = conv.convert(generate(value), engine, column.type, translator.zone, translator.session.formats, render(name))
        if not column.nullable:
            new = not_null(new, column)
        setting[name] = new
    return setting


def replace(service, transaction, table, alias, sources, condition, setting) -> tuple:
    """New versions of the rows; returns how many, and how many met more than one row of the other sources."""
    engine = service.engine
    listed = ", ".join((setting[c.name] if c.name in setting else f'"{encode(alias)}"."{encode(c.name)}"') + f" AS {c.physical}"
                       for c in table.columns)
    engine.execute(f'CREATE OR REPLACE TEMP TABLE changing AS SELECT "{encode(alias)}"."$ROW" AS row_id, {listed} FROM {sources} '
                   f"WHERE {condition}")
    joined = engine.value("SELECT count(*) FROM (SELECT row_id FROM changing GROUP BY row_id HAVING count(*) > 1)")
    columns = ", ".join(c.physical for c in table.columns)
    delete_where(service, transaction, table, "rowid IN (SELECT row_id FROM changing)")
    count = engine.execute(f"INSERT INTO {table.physical} SELECT {columns}, {transaction.number}, 0 FROM "
                           "(SELECT DISTINCT ON (row_id) * FROM changing)").fetchone()[0]
    engine.execute("DROP TABLE changing")
    return count, joined
