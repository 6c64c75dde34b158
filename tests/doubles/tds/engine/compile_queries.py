"""SELECT of T-SQL as SELECT of SQLite. Every source and every result names its columns c0, c1 …, so that no name needs care."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..model import Column, SqlError
from . import conversions, types
from . import syntax as s
from .compile_expressions import unknown
from .compile_functions import FunctionCompiler
from .expression import ABSENT, IMPLICIT, Ex, Scope, Source, SourceColumn
from .types import INT, family


@dataclass
class Compiled:
    sql: str
    columns: list[Ex]
    names: list[str]
    at_most_one: bool = False
    hidden: list[bool] = field(default_factory=list)
    origins: list = field(default_factory=list)

    def described(self) -> list[Column]:
        return [Column(name, ex.type, ex.nullable, bool(ex.column and ex.column.identity), bool(ex.column and ex.column.computed))
                for name, ex in zip(self.names, self.columns)]


class QueryCompiler(FunctionCompiler):
    """`session.table_source(parts, hints, …)` finds tables and takes note of what has to be locked."""

    def query(self, query: s.Query, parent: Scope | None = None, top_level: bool = False) -> Compiled:
        scope = Scope(parent)
        with_clause = self._ctes(query.ctes, scope)
        compiled = self._body(query.body, scope, query)
        if with_clause:
            compiled = replace(compiled, sql=f"{with_clause} {compiled.sql}")
        if query.order and parent is not None and not top_level and query.offset is None and not _has_top(query.body):
            raise SqlError(1033, "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table "
                                 "expressions, unless TOP, OFFSET or FOR XML is also specified.", 15)
        return compiled

    def subquery(self, query: s.Query, scope: Scope) -> Compiled:
        return self.query(query, scope)

    # ---- common table expressions

    def _ctes(self, ctes: list[s.Cte], scope: Scope) -> str:
        if not ctes:
            return ""
        written, recursive = [], False
        for cte in ctes:
            name = f"w{self.runtime.next_number()}"
            if self._refers_to(cte.query, cte.name):
                written.append(self._recursive(cte, name, scope))
                recursive = True
                continue
            compiled = self.query(cte.query, scope)
            columns = self._source_columns(compiled, cte.columns, cte.name)
            scope.ctes[cte.name.casefold()] = (name, columns)
            written.append(f"{name} AS ({compiled.sql})")
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(written)}"

    def _refers_to(self, query: s.Query, name: str) -> bool:
        def search(node) -> bool:
            if isinstance(node, s.Table):
                return len(node.parts) == 1 and node.parts[0].casefold() == name.casefold()
            if isinstance(node, (list, tuple)):
                return any(search(part) for part in node)
            return hasattr(node, "__slots__") and any(search(getattr(node, slot)) for slot in node.__slots__)
        return isinstance(query.body, s.SetOperation) and query.body.op == "UNION ALL" and search(query.body)

    def _recursive(self, cte: s.Cte, name: str, scope: Scope) -> str:
        anchor_scope = Scope(scope)
        anchor = self._body(cte.query.body.left, anchor_scope, s.Query(None))
        columns = self._source_columns(anchor, cte.columns, cte.name)
        for column in columns:
            column.nullable = True
            column.low = column.high = None
        scope.ctes[cte.name.casefold()] = (name, columns)
        member = self._body(cte.query.body.right, Scope(scope), s.Query(None))
        for one, other in zip(anchor.columns, member.columns):
            if one.type != other.type and not conversions.is_same(other.type, one.type, self.collation) and not other.is_null:
                raise SqlError(240, f'Types don\'t match between the anchor and the recursive part in column "{columns[0].name}" of recursive '
                                    f'query "{cte.name}".')
        names = ", ".join(f"c{at}" for at in range(len(columns)))
        return f"{name}({names}) AS ({anchor.sql} UNION ALL {member.sql})"

    def _source_columns(self, compiled: Compiled, names: list[str] | None, what: str, lead: str = "") -> list[SourceColumn]:
        if names is not None and len(names) != len(compiled.columns):
            few = len(names) < len(compiled.columns)
            raise SqlError(8158 if few else 8159, f"'{what}' has {'more' if few else 'fewer'} columns than were specified in the column list.")
        found = []
        for at, ex in enumerate(compiled.columns):
            name = names[at] if names else compiled.names[at]
            if not name:
                raise SqlError(8155, f"No column name was specified for column {at + 1} of '{what}'.")
            if any(name.casefold() == other.name.casefold() for other in found):
                raise SqlError(8156, f"The column '{name}' was specified multiple times for '{what}'.")
            column = ex.column
            found.append(SourceColumn(name, f"{lead}c{at}", ex.type, ex.nullable, bool(column and column.identity),
                                      bool(column and column.computed), label=ex.label, low=ex.low, high=ex.high))
        return found

    # ---- bodies

    def _body(self, body, scope: Scope, query: s.Query) -> Compiled:
        if isinstance(body, s.Select):
            return self._select(body, scope, query)
        if isinstance(body, s.Values):
            return self._values(body, scope)
        if isinstance(body, s.Query):
            inner = self.query(body, scope.parent)
            return self._ordered_outside(replace(inner, sql=f"SELECT * FROM ({inner.sql})"), query, scope)
        return self._ordered_outside(self._set_operation(body, scope), query, scope)

    def _values(self, body: s.Values, scope: Scope) -> Compiled:
        rows = [[self.value(cell, scope) for cell in row] for row in body.rows]
        if len({len(row) for row in rows}) > 1:
            raise SqlError(10709, "The number of columns for each row in a table value constructor must be the same.")
        columns = []
        for at in range(len(rows[0])):
            cells = [row[at] for row in rows]
            type_, label = self.unified(cells)
            for row in rows:
                row[at] = self.convert(row[at], type_)
            columns.append(Ex(f"c{at}", type_, any(cell.nullable for cell in cells), label=label))
        names = ", ".join(f"column{at + 1} AS c{at}" for at in range(len(columns)))
        values = ", ".join("(" + ", ".join(cell.sql for cell in row) + ")" for row in rows)
        return Compiled(f"SELECT {names} FROM (VALUES {values})", columns, [""] * len(columns))

    def _set_operation(self, body: s.SetOperation, scope: Scope) -> Compiled:
        left = self._body(body.left, Scope(scope), s.Query(None))
        right = self._body(body.right, Scope(scope), s.Query(None))
        if len(left.columns) != len(right.columns):
            raise SqlError(205, "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in "
                                "their target lists.")
        columns, sides = [], ([], [])
        for at, (one, other) in enumerate(zip(left.columns, right.columns)):
            type_, label = self.unified([one, other])
            for side, ex in zip(sides, (one, other)):
                inner = self.convert(replace(ex, sql=f"c{at}", constant=ABSENT, low=None, high=None), type_)
                side.append(f"{inner.sql if body.op == 'UNION ALL' else self.sortable(inner)} AS c{at}")
            columns.append(Ex(f"c{at}", type_, one.nullable or other.nullable, label=label))
        sql = (f"SELECT {', '.join(sides[0])} FROM ({left.sql}) {body.op} SELECT {', '.join(sides[1])} FROM ({right.sql})")
        return Compiled(sql, columns, left.names)

    def _ordered_outside(self, compiled: Compiled, query: s.Query, scope: Scope) -> Compiled:
        if not query.order and query.offset is None:
            return compiled
        outer = Scope(scope)
        named = [SourceColumn(name, f"c{at}", ex.type, ex.nullable, label=ex.label)
                 for at, (name, ex) in enumerate(zip(compiled.names, compiled.columns))]
        outer.sources.append(Source("", named))
        orders = []
        for order in query.order:
            at = self._ordinal(order.expression, len(named))
            ex = replace(compiled.columns[at], sql=f"c{at}") if at is not None else self.value(order.expression, outer)
            orders.append(self.sortable(ex) + (" DESC" if order.descending else ""))
        sql = f"SELECT * FROM ({compiled.sql}) ORDER BY {', '.join(orders)}{self._limit(query, None, scope)}"
        return replace(compiled, sql=sql)

    def _ordinal(self, node, count: int) -> int | None:
        if isinstance(node, s.Literal) and node.kind == "int":
            if not 1 <= int(node.text) <= count:
                raise SqlError(108, f"The ORDER BY position number {node.text} is out of range of the number of items in the select list.", 15)
            return int(node.text) - 1
        return None

    def _limit(self, query: s.Query, top, scope: Scope) -> str:
        if query.offset is not None:
            offset = self.convert(self.value(query.offset, scope), types.BIGINT)
            if isinstance(offset.constant, int) and offset.constant < 0:
                raise SqlError(10742, "The offset specified in a OFFSET clause may not be negative.", 15)
            fetch = "-1"
            if query.fetch is not None:
                count = self.convert(self.value(query.fetch, scope), types.BIGINT)
                if isinstance(count.constant, int) and count.constant < 1:
                    raise SqlError(10744, "The number of rows provided for a FETCH clause must be greater then zero.", 15)
                fetch = count.sql
            return f" LIMIT {fetch} OFFSET {offset.sql}"
        if top is not None:
            count = self.convert(self.value(top, scope), types.BIGINT)
            if isinstance(count.constant, int) and count.constant < 0:
                raise SqlError(1060, "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.", 15)
            return f" LIMIT {count.sql}"
        return ""

    def _select(self, select: s.Select, scope: Scope, query: s.Query) -> Compiled:
        if select.top_percent or select.top_ties:
            raise unknown("TOP … PERCENT and WITH TIES")
        source = self._source(select.source, scope) if select.source is not None else ""
        where = self.condition(select.where, scope) if select.where is not None else ""
        groups = [self._group(node, scope) for node in select.group]
        items = self._expanded(select.items, scope)
        orders = query.order
        if select.group or select.having is not None or any(_aggregates(item.expression) for item in items) or any(
                _aggregates(order.expression) for order in orders):
            scope.groups = {ex.sql for ex in groups}
        columns, names = [], []
        for item in items:
            ex = item.expression if isinstance(item.expression, Ex) else self.value(item.expression, scope)
            columns.append(ex)
            names.append(item.alias if item.alias is not None else ex.column.name if ex.column else "")
        having = self.condition(select.having, scope) if select.having is not None else ""
        order_sql = [self._order(order, items, columns, names, scope, select.distinct) for order in orders]
        results = [f"{self.sortable(ex) if select.distinct else ex.sql} AS c{at}" for at, ex in enumerate(columns)]
        sql = f"SELECT {'DISTINCT ' if select.distinct else ''}{', '.join(results)}"
        if source:
            sql += f" FROM {source}"
        if where:
            sql += f" WHERE {where}"
        if groups:
            sql += f" GROUP BY {', '.join(self.sortable(ex) for ex in groups)}"
        if having:
            sql += f" HAVING {having}" if groups or any(_aggregates(item.expression) for item in items) else f" GROUP BY NULL HAVING {having}"
        order_sql = [order for order in order_sql if order]
        if order_sql:
            sql += f" ORDER BY {', '.join(order_sql)}"
        sql += self._limit(query, select.top, scope)
        one = (scope.groups is not None and not groups and bool(scope.has_aggregates)) or (
            not source and not where) or (isinstance(select.top, s.Literal) and select.top.text in ("0", "1"))
        hidden = [bool(ex.column and ex.column.hidden) for ex in columns]
        plain = [replace(ex, constant=ex.constant if ex.is_null else ABSENT) for ex in columns]
        return Compiled(sql, plain, names, one, hidden)

    def _group(self, node, scope: Scope) -> Ex:
        if isinstance(node, s.Literal):
            raise SqlError(164, "Each GROUP BY expression must contain at least one column that is not an outer reference.", 15)
        return self.value(node, scope)

    def _order(self, order: s.Order, items, columns, names, scope: Scope, distinct: bool) -> str:
        node = order.expression
        if isinstance(node, s.Subquery) and isinstance(node.query.body, s.Select) and node.query.body.source is None:
            return ""  # ORDER BY (SELECT NULL)
        at = self._ordinal(node, len(columns))
        if at is None and isinstance(node, s.Name) and len(node.parts) == 1:
            wanted = node.parts[0].casefold()
            at = next((i for i, name in enumerate(names) if name and name.casefold() == wanted), None)
        ex = columns[at] if at is not None else self.value(node, scope)
        if at is None and distinct and all(ex.sql != column.sql for column in columns):
            raise SqlError(145, "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.", 15)
        if at is not None and ex.constant is not ABSENT:
            return ""
        return self.sortable(ex) + (" DESC" if order.descending else "")

    def _expanded(self, items: list[s.Item], scope: Scope) -> list[s.Item]:
        found = []
        for item in items:
            if not isinstance(item.expression, s.Star):
                found.append(item)
                continue
            qualifier = item.expression.qualifier
            sources = [source for source in scope.sources
                       if not qualifier or source.name.casefold() == qualifier[-1].casefold()]
            if not sources:
                raise SqlError(107 if qualifier else 263, f"The column prefix '{'.'.join(qualifier)}' does not match with a table name or alias "
                               "name used in the query." if qualifier else "Must specify table to select from.", 15)
            for source in sources:
                for column in source.columns:
                    if not column.in_star:
                        continue
                    ex = (replace(column.expression(), column=column, constant=ABSENT) if column.expression is not None else
                          Ex(column.sql, column.type, column.nullable, ABSENT, column.low, column.high, column.label, column))
                    if scope.groups is not None:
                        raise SqlError(8120, f"Column '{source.name}.{column.name}' is invalid in the select list because it is not contained "
                                             "in either an aggregate function or the GROUP BY clause.")
                    found.append(s.Item(ex, column.name))
        return found

    # ---- FROM

    def _source(self, node, scope: Scope, nullable: bool = False) -> str:
        if isinstance(node, s.Join):
            return self._join(node, scope, nullable)
        if isinstance(node, s.Table):
            return self._table(node, scope, nullable)
        if isinstance(node, s.Derived):
            return self._derived(node, scope, nullable)
        if isinstance(node, s.TableCall):
            return self._table_call(node, scope, nullable)
        raise unknown(type(node).__name__)

    def _add(self, scope: Scope, source: Source, nullable: bool) -> None:
        if any(source.name.casefold() == other.name.casefold() and source.schema == other.schema for other in scope.sources):
            raise SqlError(1013, f"The objects \"{source.name}\" and \"{source.name}\" in the FROM clause have the same exposed names. Use "
                                 "correlation names to distinguish them.")
        if nullable:
            for column in source.columns:
                column.nullable = True
        scope.sources.append(source)

    def _table(self, node: s.Table, scope: Scope, nullable: bool) -> str:
        alias = f"s{self.runtime.next_number()}"
        if len(node.parts) == 1:
            found = scope.ctes.get(node.parts[0].casefold())
            if found:
                name, columns = found
                copies = [replace(column, sql=f"{alias}.c{at}") for at, column in enumerate(columns)]
                self._add(scope, Source(node.alias or node.parts[0], copies, alias), nullable)
                return f"{name} AS {alias}"
        sql, source = self.session.table_source(self, node, alias, scope)
        self._add(scope, source, nullable)
        return sql

    def _derived(self, node: s.Derived, scope: Scope, nullable: bool) -> str:
        alias = f"s{self.runtime.next_number()}"
        if isinstance(node.query.body, s.Values):
            compiled = self._values(node.query.body, scope)
        else:
            outer = Scope(scope.parent, scope.ctes)
            compiled = self.query(node.query, outer)
        columns = self._source_columns(compiled, node.columns, node.alias, f"{alias}.")
        self._add(scope, Source(node.alias, columns, alias), nullable)
        return f"({compiled.sql}) AS {alias}"

    def _table_call(self, node: s.TableCall, scope: Scope, nullable: bool) -> str:
        alias = f"s{self.runtime.next_number()}"
        sql, columns = self.table_function(node.call, scope, alias)
        if node.columns:
            for column, name in zip(columns, node.columns):
                column.name = name
        self._add(scope, Source(node.alias or node.call.name[-1], columns, alias), nullable)
        return sql

    def _join(self, node: s.Join, scope: Scope, nullable: bool) -> str:
        left = self._source(node.left, scope, nullable or node.kind in ("RIGHT", "FULL"))
        if node.kind.endswith("APPLY"):
            if not isinstance(node.right, s.TableCall):
                raise unknown(f"{node.kind} of anything but a table function")
            right = self._source(node.right, scope, node.kind == "OUTER APPLY")
            return f"{left} {'CROSS JOIN' if node.kind == 'CROSS APPLY' else 'LEFT JOIN'} {right}" + (
                "" if node.kind == "CROSS APPLY" else " ON TRUE")
        right = self._source(node.right, scope, nullable or node.kind in ("LEFT", "FULL"))
        if isinstance(node.right, s.Join):
            right = f"({right})"
        if node.kind == "CROSS":
            return f"{left} CROSS JOIN {right}"
        kind = "JOIN" if node.kind == "INNER" else f"{node.kind} JOIN"
        return f"{left} {kind} {right} ON {self.condition(node.on, scope)}"

    # ---- table functions

    def table_function(self, call: s.Call, scope: Scope, alias: str):
        name = call.name[-1].lower()
        if name == "generate_series" and len(call.name) == 1:
            return self._series(call, scope, alias)
        if name == "string_split":
            text = self.text(self.value(call.arguments[0], scope))
            separator = self.text(self.value(call.arguments[1], scope))
            split = self.runtime.function(("split",), 2, _split)
            columns = [SourceColumn("value", f"{alias}.value", replace(text.type, length=text.type.length), False, label=IMPLICIT)]
            if len(call.arguments) > 2:
                columns.append(SourceColumn("ordinal", f"({alias}.key + 1)", types.BIGINT, False))
            return f"json_each({split}({text.sql}, {separator.sql})) AS {alias}", columns
        return self.session.system_function_source(self, call, scope, alias)

    def _series(self, call: s.Call, scope: Scope, alias: str):
        ends = [self.value(argument, scope) for argument in call.arguments]
        type_, _ = self.unified(ends)
        if family(type_) != "int":
            raise unknown("GENERATE_SERIES of anything but integers")
        start, stop = (self.convert(end, type_) for end in ends[:2])
        step = self.convert(ends[2], type_) if len(ends) > 2 else self.constant(1, INT)
        known = all(isinstance(end.constant, int) for end in (start, stop, step))
        low, high = (min(start.constant, stop.constant), max(start.constant, stop.constant)) if known else (None, None)
        down = known and step.constant < 0
        if not known and len(ends) > 2:
            raise unknown("GENERATE_SERIES with a step that is not a constant")
        sql = (f"(WITH RECURSIVE g(v) AS (SELECT {start.sql} WHERE {start.sql} {'>=' if down else '<='} {stop.sql} UNION ALL "
               f"SELECT v + {step.sql} FROM g WHERE v + {step.sql} {'>=' if down else '<='} {stop.sql}) SELECT v FROM g) AS {alias}")
        return sql, [SourceColumn("value", f"{alias}.v", type_, False, low=low, high=high)]


def _split(text, separator):
    import json
    return None if text is None else json.dumps(text.split(separator))


def _has_top(body) -> bool:
    return isinstance(body, s.Select) and body.top is not None


_AGGREGATES = frozenset("COUNT COUNT_BIG SUM AVG MIN MAX STRING_AGG STDEV STDEVP VAR VARP APPROX_COUNT_DISTINCT CHECKSUM_AGG".split())


def _aggregates(node) -> bool:
    """An aggregate stands in it, outside of sub-queries and windows."""
    if isinstance(node, s.Call) and node.name[-1].upper() in _AGGREGATES and node.over is None:
        return True
    if isinstance(node, (list, tuple)):
        return any(_aggregates(part) for part in node)
    if isinstance(node, (s.Query, Ex)) or not hasattr(node, "__slots__"):
        return False
    return any(_aggregates(getattr(node, slot)) for slot in node.__slots__)
