"""A SELECT of the service as a SELECT of the engine.

Names are resolved here against the catalog, by the service's rules, and types are followed as far as conversions need them.
What is left is turned into the engine's dialect by sqlglot.
"""

import re

import sqlglot
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

from . import errors
from .catalog import Table, View, dotted, render
from .expressions import HANDLERS
from .expressions.typed import declare
from .scope import Field, Raw, Scope, Source, encode, fold, generate


class Spoken(Snowflake):
    """The service's dialect, with the formats of TO_CHAR kept as they were written."""

    class Parser(Snowflake.Parser):
        FUNCTIONS = {**Snowflake.Parser.FUNCTIONS, "TO_CHAR": exp.ToChar.from_arg_list, "TO_VARCHAR": exp.ToChar.from_arg_list}


def parse(sql: str):
    """One statement; the service's syntax error if it is none."""
    try:
        statements = [s for s in sqlglot.parse(sql, read=Spoken) if s is not None and not isinstance(s, exp.Semicolon)]
    except sqlglot.errors.ParseError as error:
        where = (error.errors or [{}])[0]
        raise errors.syntax(where.get("line") or 1, max((where.get("col") or 1) - 1, 0),
                            where.get("highlight") or "<EOF>") from None
    except sqlglot.errors.TokenError:
        raise errors.syntax(1, 0, sql.strip()[:20]) from None
    if not statements:
        raise errors.SnowflakeError("000900", "SQL compilation error:\nEmpty SQL statement.", "42601")
    if len(statements) > 1:
        raise errors.SnowflakeError("000008", f"Actual statement count {len(statements)} did not match the desired "
                                    "statement count 1.", "0A000")
    return statements[0]


def table_parts(node: exp.Table) -> list:
    """The names of a table: one to three parts."""
    inner = node.this
    if isinstance(inner, exp.DynamicIdentifier):
        text = inner.this
        if not (isinstance(text, exp.Literal) and text.is_string):
            raise errors.NotImplementedHere("IDENTIFIER() of anything but a string")
        return name_parts(text.this)
    parts = [node.args.get("catalog"), node.args.get("db"), inner]
    if isinstance(inner, exp.Dot):
        raise errors.NotImplementedHere("names of more than three parts")
    return [fold(p) for p in parts if p is not None and isinstance(p, exp.Identifier)]


def name_parts(text: str) -> list:
    """'db."Sch".t' → its parts."""
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', text.strip())
    return [quoted.replace('""', '"') if quoted else plain.strip().upper() for quoted, plain in parts]


class Translator:
    def __init__(self, service, session, query):
        self.service, self.session, self.query = service, session, query
        self.zone = session.zone
        self.read = []              # tables, views and files that the statement reads

    # --- queries

    def top(self, node) -> tuple:
        """(SQL of the engine, Fields) of a whole query."""
        fields = self.select(node, None)
        return generate(node), fields

    def select(self, node, parent) -> list:
        """Rewrites a query in place; returns its columns."""
        if isinstance(node, exp.Subquery):
            return self.select(node.this, parent)
        scope = Scope(parent=parent)
        with_ = node.args.get("with_") or node.args.get("with")
        if with_:
            for cte in with_.expressions:
                fields = self.select(cte.this, scope)
                alias = cte.args["alias"]
                names = [fold(c) for c in alias.args.get("columns") or []]
                name = fold(alias.this)
                scope.ctes[name] = [Field(n, f.engine, f.type, f.nullable) for n, f in
                                    zip(names or [f.name for f in fields], fields)]
                alias.set("this", exp.to_identifier(encode(name), quoted=True))
                alias.set("columns", [exp.to_identifier(encode(n), quoted=True) for n in names])
        if isinstance(node, exp.SetOperation):
            left = self.select(node.this, scope)
            right = self.select(node.expression, scope)
            if len(left) != len(right):
                raise errors.compilation("001789", f"invalid number of result columns for set operator input branches, "
                                         f"expected {len(left)}, got {len(right)} in branch {{2}}")
            self.order_and_limit(node, Scope([Source("", left)], scope))
            return [Field(a.name, a.engine if a.engine == b.engine else None, a.type if a.type == b.type else None,
                          a.nullable or b.nullable) for a, b in zip(left, right)]
        if isinstance(node, exp.Values):
            return self.values(node, scope)
        if not isinstance(node, exp.Select):
            raise errors.NotImplementedHere(type(node).__name__)
        return self.plain_select(node, scope)

    def values(self, node, scope) -> list:
        for row in node.expressions:
            row.set("expressions", [self.expression(e, scope) for e in row.expressions])
        first = node.expressions[0].expressions
        return [Field(f"COLUMN{n}", e.meta.get("engine"), e.meta.get("type")) for n, e in enumerate(first, 1)]

    def plain_select(self, node, scope) -> list:
        from_ = node.args.get("from_") or node.args.get("from")
        if from_:
            scope.sources.append(self.source(from_, scope))
        for join in node.args.get("joins") or []:
            scope.sources.append(self.source(join, scope))
            if join.args.get("on"):
                join.set("on", self.expression(join.args["on"], scope))
            if join.args.get("using"):
                join.set("using", [exp.to_identifier(encode(fold(i if isinstance(i, exp.Identifier) else i.this)),
                                                     quoted=True) for i in join.args["using"]])
        for lateral in node.args.get("laterals") or []:
            raise errors.NotImplementedHere("LATERAL " + lateral.sql("snowflake")[:60])

        projections = self.expand_stars(node.expressions, scope)
        fields, done = [], []
        names = [self.projection_name(p) for p in projections]
        scope.aliases = {p.alias and fold(p.args["alias"]) for p in projections if isinstance(p, exp.Alias)}
        for projection, name in zip(projections, names):
            inner = projection.this if isinstance(projection, exp.Alias) else projection
            inner = self.expression(inner, scope)
            nullable = inner.meta.get("nullable", True)
            fields.append(Field(name, inner.meta.get("engine"), inner.meta.get("type"), nullable))
            done.append(exp.alias_(inner, exp.to_identifier(encode(name), quoted=True)))
        node.set("expressions", done)
        for key in ("where", "group", "having", "qualify"):
            part = node.args.get(key)
            if part:
                for arg, value in list(part.args.items()):
                    if isinstance(value, list):
                        part.set(arg, [self.expression(v, scope) if isinstance(v, exp.Expression) else v for v in value])
                    elif isinstance(value, exp.Expression):
                        part.set(arg, self.expression(value, scope))
        if node.args.get("distinct") and node.args["distinct"].args.get("on"):
            raise errors.NotImplementedHere("DISTINCT ON")
        self.order_and_limit(node, scope)
        top = node.args.get("sample")
        if top:
            raise errors.NotImplementedHere("SAMPLE")
        return fields

    def order_and_limit(self, node, scope):
        order = node.args.get("order")
        if order:
            order.set("expressions", [self.expression(o, scope) for o in order.expressions])
        for key in ("limit", "offset"):
            if node.args.get(key):
                node.set(key, self.expression(node.args[key], scope))

    def projection_name(self, node) -> str:
        if isinstance(node, exp.Alias):
            return fold(node.args["alias"])
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
            return fold(node.this)
        if isinstance(node, exp.Anonymous):
            text = node.sql("snowflake")
            return node.name.upper() + text[len(node.name):]
        return node.sql("snowflake").upper()

    def expand_stars(self, projections, scope) -> list:
        out = []
        for node in projections:
            star = node if isinstance(node, exp.Star) else node.this if isinstance(node, exp.Column) and isinstance(
                node.this, exp.Star) else None
            if star is None:
                out.append(node)
                continue
            table = fold(node.args["table"]) if isinstance(node, exp.Column) and node.args.get("table") else None
            left_out = {fold(c.this if isinstance(c, exp.Column) else c) for c in
                        star.args.get("except_") or star.args.get("except") or []}
            renamed = {}
            for alias in star.args.get("rename") or []:
                renamed[fold(alias.this.this if isinstance(alias.this, exp.Column) else alias.this)] = fold(alias.args["alias"])
            if star.args.get("replace"):
                raise errors.NotImplementedHere("SELECT * REPLACE")
            sources = [s for s in scope.sources if table in (None, s.alias)]
            if not sources:
                raise errors.SnowflakeError("002003" if table else "002071", "SQL compilation error:\nSELECT with no "
                                            "columns" if not table else f"SQL compilation error:\nObject '{render(table)}' "
                                            "does not exist or not authorized.", "42601")
            for source in sources:
                for number, field in enumerate(source.fields, 1):
                    if field.name in left_out:
                        continue
                    if source.stage:
                        column = exp.Parameter(this=exp.Literal.number(number))
                        out.append(exp.alias_(column, exp.to_identifier(field.name, quoted=True)))
                        continue
                    column = exp.column(exp.to_identifier(field.name, quoted=True),
                                        exp.to_identifier(source.alias, quoted=True) if source.alias else None)
                    name = renamed.get(field.name, field.name)
                    out.append(exp.alias_(column, exp.to_identifier(name, quoted=True)))
        return out

    # --- sources

    def source(self, holder, scope) -> Source:
        """What FROM or JOIN names; replaces it by a subquery of the engine."""
        node = holder.this
        if isinstance(node, exp.Lateral):
            raise errors.NotImplementedHere("LATERAL")
        alias_node = node.args.get("alias")
        alias = fold(alias_node.this) if alias_node and alias_node.this else None
        names = [fold(c) for c in (alias_node.args.get("columns") or [])] if alias_node else []
        stage = None
        if isinstance(node, exp.Subquery) or isinstance(node, exp.Values):
            inner = node.this if isinstance(node, exp.Subquery) else node
            fields = self.select(inner, scope)
            sql = generate(inner)
            if isinstance(inner, exp.Values):
                listed = ", ".join(f'"{encode(f.name)}"' for f in fields)
                sql = f"SELECT * FROM ({sql}) AS v({listed})"
        elif isinstance(node, exp.Table) and isinstance(node.this, (exp.Var, exp.Literal)) and node.this.name.startswith("@"):
            sql, fields, stage = self.service.stage_relations.of_table(self, node)
            self.read.append(stage)
        elif isinstance(node, (exp.TableFromRows, exp.Generator)) or (
                isinstance(node, exp.Table) and not isinstance(node.this, (exp.Identifier, exp.DynamicIdentifier))):
            sql, fields = self.service.table_functions.relation(self, node, scope)
        elif isinstance(node, exp.Table):
            parts = table_parts(node)
            cte = scope.cte(parts[0]) if len(parts) == 1 else None
            alias = alias or parts[-1]
            if cte is not None:
                fields, sql = cte, f'SELECT * FROM "{encode(parts[0])}"'
            elif parts == ["DUAL"]:
                sql, fields = "SELECT 1 AS dummy", []
            else:
                sql, fields = self.relation(parts)
        else:
            raise errors.NotImplementedHere(type(node).__name__ + " in FROM")
        if names:
            listed = ", ".join(f'"{encode(n)}"' for n in names)
            sql = f"SELECT * FROM ({sql}) AS renamed({listed})"
            fields = [Field(n, f.engine, f.type, f.nullable) for n, f in zip(names, fields)]
        alias = alias or ""
        text = f"({sql})" + (f' AS "{encode(alias)}"' if alias else "")
        for key in ("pivots", "sample"):
            if node.args.get(key):
                raise errors.NotImplementedHere(key)
        inner_joins = node.args.get("joins")
        holder.set("this", Raw.of(text))
        if inner_joins:
            raise errors.NotImplementedHere("nested joins")
        return Source(alias, fields, stage)

    def relation(self, parts) -> tuple:
        """(SQL, Fields) of a table, a view, or one of INFORMATION_SCHEMA and ACCOUNT_USAGE."""
        special = self.service.information.relation(self.session, parts)
        if special:
            self.read.append(parts)
            return special
        path, found = self.service.catalog.table(self.session, parts)
        self.service.require(self.session, "SELECT", "VIEW" if isinstance(found, View) else "TABLE", dotted(*path))
        if isinstance(found, View):
            inner = parse(found.sql)
            keep = self.session.database, self.session.schema
            self.session.database, self.session.schema = path[:2]
            try:
                fields = self.select(inner, None)
            finally:
                self.session.database, self.session.schema = keep
            sql = generate(inner)
            if found.columns:
                listed = ", ".join(f'"{encode(n)}"' for n in found.columns)
                sql = f"SELECT * FROM ({sql}) AS v({listed})"
                fields = [Field(n, f.engine, f.type, f.nullable) for n, f in zip(found.columns, fields)]
            return sql, fields
        self.read.append(found)
        return self.table_sql(found), table_fields(found)

    def table_sql(self, table: Table, with_row=False) -> str:
        listed = ", ".join(f'{c.physical} AS "{encode(c.name)}"' for c in table.columns)
        where = self.service.transactions.visible(table, self.session.transaction)
        row = "rowid AS \"$ROW\", " if with_row else ""
        return f"SELECT {row}{listed} FROM {table.physical}" + (f" WHERE {where}" if where else "")

    # --- expressions

    def expression(self, node, scope):
        """Rewrites an expression; returns what replaces it, with the engine's type in .meta where it is known."""
        handler = HANDLERS.get(type(node))
        if handler:
            return handler(self, node, scope)
        if isinstance(node, (exp.Select, exp.SetOperation)):
            fields = self.select(node, scope)
            return declare(node, fields[0].engine, fields[0].type) if len(fields) == 1 else node
        self.children(node, scope)
        return node

    def children(self, node, scope):
        for key, value in list(node.args.items()):
            if isinstance(value, list):
                node.set(key, [self.expression(v, scope) if isinstance(v, exp.Expression) else v for v in value])
            elif isinstance(value, exp.Expression):
                node.set(key, self.expression(value, scope))


def table_fields(table: Table) -> list:
    return [Field(c.name, c.type.engine, c.type, c.nullable) for c in table.columns]
