"""SELECT and what stands in it."""

from __future__ import annotations

from ..model import SqlError
from . import syntax as s
from .parse_expressions import ExpressionParser

HINTS = frozenset("""NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK REPEATABLEREAD SERIALIZABLE HOLDLOCK TABLOCK TABLOCKX UPDLOCK XLOCK
ROWLOCK PAGLOCK NOWAIT READPAST SNAPSHOT NOEXPAND FORCESEEK FORCESCAN INDEX KEEPIDENTITY KEEPDEFAULTS""".split())
_AFTER_TABLE = ("WITH",)


class QueryParser(ExpressionParser):
    def query(self) -> s.Query:
        ctes = self.ctes()
        query = s.Query(self._set_operations(), ctes)
        if self.accept("ORDER", "BY"):
            query.order = self.order_list()
            if self.accept("OFFSET"):
                query.offset = self.expression()
                self._rows_word()
                if self.accept("FETCH"):
                    if not (self.accept("NEXT") or self.accept("FIRST")):
                        raise self.wrong()
                    query.fetch = self.expression()
                    self._rows_word()
                    self.expect("ONLY")
        if self.is_word("FOR") and self.ahead().upper in ("XML", "JSON", "BROWSE"):
            if self.ahead().upper != "BROWSE":
                raise SqlError(40001, f"the stand-in does not know FOR {self.ahead().upper}", line=self.token.line)
            self.next()
            self.next()
        if self.accept("OPTION"):
            self.skip_parentheses()
        return query

    def ctes(self) -> list[s.Cte]:
        ctes = []
        if self.accept("WITH"):
            while True:
                name = self.name()
                columns = self.name_list() if self.is_op("(") else None
                self.expect("AS")
                self.expect_op("(")
                ctes.append(s.Cte(name, columns, self.query()))
                self.expect_op(")")
                if not self.accept_op(","):
                    break
        return ctes

    def skip_parentheses(self) -> None:
        self.expect_op("(")
        depth = 1
        while depth:
            token = self.next()
            if token.kind == "end":
                raise self.wrong()
            if token.kind == "op":
                depth += {"(": 1, ")": -1}.get(token.text, 0)

    def _rows_word(self) -> None:
        if not (self.accept("ROWS") or self.accept("ROW")):
            raise self.wrong()

    def _set_operations(self):
        left = self._intersections()
        while self.is_word("UNION", "EXCEPT"):
            op = self.next().upper
            if op == "UNION" and self.accept("ALL"):
                op = "UNION ALL"
            left = s.SetOperation(op, left, self._intersections())
        return left

    def _intersections(self):
        left = self._query_body()
        while self.accept("INTERSECT"):
            left = s.SetOperation("INTERSECT", left, self._query_body())
        return left

    def _query_body(self):
        if self.accept_op("("):
            inner = self.query()
            self.expect_op(")")
            return inner if inner.order or inner.ctes else inner.body
        return self.select()

    def select(self) -> s.Select:
        line = self.token.line
        self.expect("SELECT")
        select = s.Select([], line=line)
        select.distinct = self.accept("DISTINCT")
        if not select.distinct:
            self.accept("ALL")
        if self.accept("TOP"):
            select.top = self.top_count()
            select.top_percent = self.accept("PERCENT")
            select.top_ties = self.accept("WITH", "TIES")
        select.items.append(self.item())
        while self.accept_op(","):
            select.items.append(self.item())
        if self.accept("INTO"):
            select.into = self.dotted()
        if self.accept("FROM"):
            select.source = self.sources()
        if self.accept("WHERE"):
            select.where = self.condition()
        if self.accept("GROUP", "BY"):
            select.group = self.expression_list()
        if self.accept("HAVING"):
            select.having = self.condition()
        return select

    def top_count(self):
        if self.accept_op("("):
            value = self.expression()
            self.expect_op(")")
            return value
        if self.token.kind == "int":
            return s.Literal("int", self.next().text)
        if self.token.text[:1] == "@":
            return s.Variable(self.next().text)
        raise self.wrong()

    def item(self) -> s.Item:
        if self.accept_op("*"):
            return s.Item(s.Star())
        token = self.token
        if token.kind == "word" and token.text[0] == "@" and token.text[1:2] != "@" and self.ahead().text in ("=", "+=", "-="):
            self.next()
            op = self.next().text
            return s.Item(self.expression(), variable=token.text, op=op)
        if (self.is_name() or token.kind in ("string", "nstring")) and self.ahead().text == "=" and self.ahead().kind == "op":
            self.next()
            self.next()
            return s.Item(self.expression(), token.text)
        expression = self.expression()
        if isinstance(expression, s.Name) and self.is_op(".") and self.ahead().text == "*":
            self.next()
            self.next()
            return s.Item(s.Star(expression.parts))
        if self.token.kind in ("string", "nstring"):
            return s.Item(expression, self.next().text)
        return s.Item(expression, self.alias())

    # ---- FROM

    def sources(self):
        left = self._joined()
        while self.accept_op(","):
            left = s.Join("CROSS", left, self._joined())
        return left

    def _joined(self):
        left = self._source()
        while True:
            if self.accept("CROSS", "JOIN"):
                left = s.Join("CROSS", left, self._source())
            elif self.accept("CROSS", "APPLY"):
                left = s.Join("CROSS APPLY", left, self._source())
            elif self.accept("OUTER", "APPLY"):
                left = s.Join("OUTER APPLY", left, self._source())
            else:
                kind = self._join_kind()
                if kind is None:
                    return left
                right = self._joined() if self._nested_join() else self._source()
                while self.is_word("INNER", "LEFT", "RIGHT", "FULL", "JOIN"):
                    inner = self._join_kind()
                    other = self._source()
                    self.expect("ON")
                    right = s.Join(inner, right, other, self.condition())
                self.expect("ON")
                left = s.Join(kind, left, right, self.condition())

    def _nested_join(self) -> bool:
        return False

    def _join_kind(self) -> str | None:
        mark = self.mark()
        kind = "INNER"
        if self.accept("INNER"):
            pass
        elif self.is_word("LEFT", "RIGHT", "FULL"):
            kind = self.next().upper
            self.accept("OUTER")
        if self.is_word("HASH", "LOOP", "MERGE") and self.ahead().upper == "JOIN":
            self.next()
        if self.accept("JOIN"):
            return kind
        self.back_to(mark)
        return None

    def _source(self):
        if self.accept_op("("):
            if self.is_word("SELECT", "WITH") or (self.is_op("(") and self._opens_query()):
                source = s.Derived(self.query(), "")
            elif self.is_word("VALUES"):
                source = s.Derived(s.Query(self.values()), "")
            else:
                joined = self._joined()
                self.expect_op(")")
                return joined
            self.expect_op(")")
            alias = self.alias()
            if alias is None:
                raise self.wrong()
            source.alias = alias
            source.columns = self.name_list() if self.is_op("(") else None
            return source
        if self.token.kind == "word" and self.token.text[0] == "@":
            line = self.token.line
            return s.Table((self.next().text,), self.alias(), line=line)
        line = self.token.line
        if self.accept_op("::"):
            parts: s.Parts = ("sys", self.name())
        else:
            parts = self.dotted()
        if self.is_op("(") and not (self.ahead().upper in HINTS and self.ahead(2).text in (")", ",")):
            call = self._call(parts, line)
            alias = self.alias()
            return s.TableCall(call, alias, self.name_list() if alias and self.is_op("(") else None)
        table = s.Table(parts, line=line)
        if self.accept("FOR", "SYSTEM_TIME"):
            raise SqlError(40001, "the stand-in does not know FOR SYSTEM_TIME", line=line)
        hints = self.hints() if self.is_op("(") else ()
        table.alias = self.alias()
        if self.is_word("TABLESAMPLE"):
            raise SqlError(40001, "the stand-in does not know TABLESAMPLE", line=line)
        if self.is_word("WITH") and self.ahead().text == "(":
            self.next()
            hints = self.hints()
        elif self.is_op("(") and self.ahead().upper in HINTS:
            hints = self.hints()
        table.hints = hints
        return table

    def hints(self) -> tuple[str, ...]:
        self.expect_op("(")
        found = []
        while not self.accept_op(")"):
            word = self.next().upper
            if word not in HINTS:
                raise SqlError(321, f'"{word}" is not a recognized table hints option.', 15, line=self.token.line)
            if self.is_op("("):
                self.skip_parentheses()
            elif self.accept_op("="):
                self.next()
            found.append(word)
            self.accept_op(",")
        return tuple(found)

    def values(self) -> s.Values:
        self.expect("VALUES")
        rows = []
        while True:
            self.expect_op("(")
            rows.append(self.expression_list())
            self.expect_op(")")
            if not self.accept_op(","):
                break
        return s.Values(rows)
