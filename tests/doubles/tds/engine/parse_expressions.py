"""Tokens, expressions and names: the lower half of the parser."""

from __future__ import annotations

from ..model import SqlError
from . import syntax as s
from .lexer import Token, tokens

RESERVED = frozenset("""
ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK CHECKPOINT CLOSE CLUSTERED
COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE CONTINUE CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME
CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISK DISTINCT DISTRIBUTED DOUBLE DROP DUMP
ELSE END ERRLVL ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FREETEXTTABLE FROM FULL FUNCTION
GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IDENTITYCOL IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL LEFT LIKE
LINENO LOAD MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON OPEN OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION
OR ORDER OUTER OVER PERCENT PIVOT PLAN PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ READTEXT RECONFIGURE REFERENCES
REPLICATION RESTORE RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SECURITYAUDIT SELECT
SEMANTICKEYPHRASETABLE SEMANTICSIMILARITYDETAILSTABLE SEMANTICSIMILARITYTABLE SESSION_USER SET SETUSER SHUTDOWN SOME STATISTICS SYSTEM_USER
TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE
USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH WITHIN WRITETEXT
""".split())

NO_PARENTHESES = {"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER"}
DATEPARTS = {"DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEPART", "DATENAME", "DATETRUNC"}


class TokenReader:
    def __init__(self, sql: str, quoted_identifier: bool = True):
        self.sql = sql
        self._tokens = tokens(sql, quoted_identifier)
        self._at = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def ahead(self, n: int = 1) -> Token:
        return self._tokens[min(self._at + n, len(self._tokens) - 1)]

    def next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def mark(self) -> int:
        return self._at

    def back_to(self, mark: int) -> None:
        self._at = mark

    def is_word(self, *words: str) -> bool:
        return self.token.upper in words

    def are_words(self, *words: str) -> bool:
        return all(self.ahead(i).upper == word for i, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """All these words, one after the other."""
        if self.are_words(*words):
            self._at += len(words)
            return True
        return False

    def is_op(self, *ops: str) -> bool:
        return self.token.kind == "op" and self.token.text in ops

    def accept_op(self, op: str) -> bool:
        if self.is_op(op):
            self._at += 1
            return True
        return False

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.wrong()

    def expect_op(self, op: str) -> None:
        if not self.accept_op(op):
            raise self.wrong()

    def wrong(self) -> SqlError:
        token = self.token
        if token.upper in RESERVED:
            return SqlError(156, f"Incorrect syntax near the keyword '{token.text}'.", 15, line=token.line)
        near = token.text or (self._tokens[self._at - 1].text if self._at else "")
        return SqlError(102, f"Incorrect syntax near '{near}'.", 15, line=token.line)

    def text_since(self, start: Token) -> str:
        return self.sql[start.start:self.token.start].rstrip()

    # ---- names

    def is_name(self) -> bool:
        token = self.token
        return token.kind == "quoted" or (token.kind == "word" and token.upper not in RESERVED and token.text[0] != "@")

    def name(self) -> str:
        if not self.is_name():
            raise self.wrong()
        token = self.next()
        if not token.text:
            raise SqlError(1038, "An object or column name is missing or empty.", 15, line=token.line)
        if len(token.text) > 128:
            raise SqlError(103, f"The identifier that starts with '{token.text[:128]}' is too long. Maximum length is 128.", 15,
                           line=token.line)
        return token.text

    def dotted(self) -> s.Parts:
        parts = [self.name()]
        while self.accept_op("."):
            while self.accept_op("."):
                parts.append("")
            parts.append(self.name())
        if len(parts) > 4:
            raise SqlError(117, f"The object name '{'.'.join(parts)}' contains more than the maximum number of prefixes.", 15)
        return tuple(parts)

    def name_list(self) -> list[str]:
        self.expect_op("(")
        names = [self.name()]
        while self.accept_op(","):
            names.append(self.name())
        self.expect_op(")")
        return names

    def alias(self) -> str | None:
        if self.accept("AS"):
            return self.next().text if self.token.kind in ("string", "nstring") else self.name()
        return self.name() if self.is_name() else None

    def type_name(self) -> s.TypeName:
        start = self.token
        if self.is_word("NATIONAL"):
            self.next()
            self.next()
            parts: s.Parts = ("nvarchar" if self.accept("VARYING") else "nchar",)
        elif self.accept("DOUBLE"):
            self.expect("PRECISION")
            parts = ("float",)
        else:
            parts = self.dotted()
            if parts[-1].lower() in ("char", "character", "binary", "nchar") and self.accept("VARYING"):
                parts = ({"char": "varchar", "character": "varchar", "binary": "varbinary", "nchar": "nvarchar"}[parts[-1].lower()],)
        arguments = []
        if self.accept_op("("):
            while True:
                if self.accept("MAX"):
                    arguments.append(-1)
                elif self.token.kind == "int":
                    arguments.append(int(self.next().text))
                else:
                    raise self.wrong()
                if not self.accept_op(","):
                    break
            self.expect_op(")")
        return s.TypeName(parts, tuple(arguments), self.text_since(start), start.line)


class ExpressionParser(TokenReader):
    def query(self) -> s.Query:
        raise NotImplementedError

    def order_list(self) -> list[s.Order]:
        orders = []
        while True:
            expression = self.expression()
            descending = self.accept("DESC")
            if not descending:
                self.accept("ASC")
            orders.append(s.Order(expression, descending))
            if not self.accept_op(","):
                return orders

    def expression_list(self) -> list:
        values = [self.expression()]
        while self.accept_op(","):
            values.append(self.expression())
        return values

    # ---- conditions

    def condition(self):
        parts = [self._conjunction()]
        while self.accept("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else s.Logical("OR", parts)

    def _conjunction(self):
        parts = [self._negation()]
        while self.accept("AND"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else s.Logical("AND", parts)

    def _negation(self):
        if self.accept("NOT"):
            return s.Not(self._negation())
        return self._predicate()

    def _predicate(self):
        if self.accept("EXISTS"):
            self.expect_op("(")
            query = self.query()
            self.expect_op(")")
            return s.Exists(query)
        if self.is_op("("):
            mark = self.mark()
            try:
                return self._comparison(self.expression())
            except SqlError:
                self.back_to(mark)
            self.next()
            inner = self.condition()
            self.expect_op(")")
            return inner
        return self._comparison(self.expression())

    def _comparison(self, left):
        if self.is_op("=", "<>", "!=", "<", ">", "<=", ">=", "!<", "!>"):
            op = {"!=": "<>", "!<": ">=", "!>": "<="}.get(self.token.text, self.token.text)
            self.next()
            return s.Compare(op, left, self.expression())
        if self.accept("IS"):
            negated = self.accept("NOT")
            if self.accept("DISTINCT", "FROM"):
                return s.DistinctFrom(left, self.expression(), negated)
            self.expect("NULL")
            return s.IsNull(left, negated)
        negated = self.accept("NOT")
        if self.accept("BETWEEN"):
            low = self.expression()
            self.expect("AND")
            return s.Between(left, low, self.expression(), negated)
        if self.accept("LIKE"):
            pattern = self.expression()
            return s.Like(left, pattern, self.expression() if self.accept("ESCAPE") else None, negated)
        if self.accept("IN"):
            self.expect_op("(")
            values = self.query() if self.is_word("SELECT", "WITH") else self.expression_list()
            self.expect_op(")")
            return s.In(left, values, negated)
        raise self.wrong()

    # ---- values

    def expression(self):
        left = self._term()
        while self.is_op("+", "-", "&", "|", "^"):
            op = self.next().text
            left = s.Binary(op, left, self._term())
        return left

    def _term(self):
        left = self._factor()
        while self.is_op("*", "/", "%"):
            op = self.next().text
            left = s.Binary(op, left, self._factor())
        return left

    def _factor(self):
        if self.is_op("-", "+", "~"):
            op = self.next().text
            return s.Unary(op, self._factor())
        value = self._primary()
        while True:
            if self.is_word("COLLATE"):
                self.next()
                value = s.Collate(value, self.name())
            elif self.is_op(".") and self.ahead().kind == "word" and self.ahead(2).text == "(" and not isinstance(value, s.Name):
                self.next()
                value = s.Method(value, self.next().text, self._arguments())
            elif self.is_op(".") and isinstance(value, (s.Method, s.StaticMethod)):
                self.next()
                value = s.Method(value, self.next().text, None)
            elif self.accept("AT", "TIME", "ZONE"):
                value = s.Call(("AT TIME ZONE",), [value, self._primary()])
            else:
                return value

    def _arguments(self) -> list:
        self.expect_op("(")
        values = [] if self.is_op(")") else self.expression_list()
        self.expect_op(")")
        return values

    def _primary(self):
        token = self.token
        if token.kind in ("int", "decimal", "float", "money", "string", "nstring", "binary"):
            self.next()
            return s.Literal(token.kind, token.text)
        if token.kind == "word" and token.text[0] == "@":
            self.next()
            return s.Variable(token.text)
        if self.accept_op("("):
            if self.is_word("SELECT", "WITH") or (self.is_op("(") and self._opens_query()):
                value = s.Subquery(self.query())
            else:
                value = self.expression()
            self.expect_op(")")
            return value
        if self.accept_op("{"):
            return self._odbc_escape()
        if self.accept("NULL"):
            return s.Literal("null")
        if self.accept("DEFAULT"):
            return s.Literal("default")
        if self.accept("CASE"):
            return self._case()
        if self.is_word("CAST", "TRY_CAST") and self.ahead().text == "(":
            lenient = self.next().upper == "TRY_CAST"
            self.expect_op("(")
            operand = self.expression()
            self.expect("AS")
            type_name = self.type_name()
            self.expect_op(")")
            return s.Cast(operand, type_name, None, lenient)
        if self.is_word("CONVERT", "TRY_CONVERT") and self.ahead().text == "(":
            lenient = self.next().upper == "TRY_CONVERT"
            self.expect_op("(")
            type_name = self.type_name()
            self.expect_op(",")
            operand = self.expression()
            style = self.expression() if self.accept_op(",") else None
            self.expect_op(")")
            return s.Cast(operand, type_name, style, lenient)
        if token.upper in NO_PARENTHESES:
            self.next()
            return s.Call((token.upper,), [], line=token.line)
        if token.upper in ("LEFT", "RIGHT", "COALESCE", "NULLIF", "IDENTITY", "CONTAINS") and self.ahead().text == "(":
            self.next()
            return self._call((token.text,), token.line)
        if self.is_name():
            return self._named()
        raise self.wrong()

    def _opens_query(self) -> bool:
        n = 0
        while self.ahead(n).text == "(" and self.ahead(n).kind == "op":
            n += 1
        return self.ahead(n).upper in ("SELECT", "WITH")

    def _named(self):
        line = self.token.line
        parts = [self.name()]
        while self.is_op("."):
            if self.ahead().text == "*" and self.ahead().kind == "op":
                break
            self.next()
            while self.accept_op("."):
                parts.append("")
            parts.append(self._any_word())
        if self.is_op("::"):
            self.next()
            method = self._any_word()
            arguments = self._arguments() if self.is_op("(") else None
            return s.StaticMethod(tuple(parts), method, arguments)
        if self.is_op("("):
            if len(parts) > 1 and (len(parts) > 2 or parts[0].lower() not in ("sys", "dbo")) or parts[-1] in (
                    "ToString", "STAsText", "STAsBinary", "GetLevel", "GetAncestor", "IsDescendantOf", "value", "query", "exist"):
                return s.Method(s.Name(tuple(parts[:-1]), line), parts[-1], self._arguments())
            return self._call(tuple(parts), line)
        return s.Name(tuple(parts), line)

    def _any_word(self) -> str:
        if self.token.kind not in ("word", "quoted"):
            raise self.wrong()
        return self.next().text

    def _call(self, name: s.Parts, line: int) -> s.Call:
        self.expect_op("(")
        call = s.Call(name, [], line=line)
        upper = name[-1].upper()
        call.distinct = self.accept("DISTINCT")
        if not call.distinct:
            self.accept("ALL")
        if upper in DATEPARTS:
            call.arguments.append(s.Literal("string", self._any_word()))
            while self.accept_op(","):
                call.arguments.append(self.expression())
        elif upper == "IIF":
            condition = self.condition()
            self.expect_op(",")
            then = self.expression()
            self.expect_op(",")
            otherwise = self.expression()
            self.expect_op(")")
            return s.Case(None, [(condition, then)], otherwise)
        elif self.accept_op("*"):
            call.arguments.append(s.Star())
        elif upper == "TRIM":
            call.arguments.append(self.expression())
            if self.accept("FROM"):
                call.arguments.insert(0, self.expression())
        elif not self.is_op(")"):
            call.arguments = self.expression_list()
        self.expect_op(")")
        if self.accept("WITHIN", "GROUP"):
            self.expect_op("(")
            self.expect("ORDER", "BY")
            call.within = self.order_list()
            self.expect_op(")")
        if self.accept("OVER"):
            call.over = self._over()
        return call

    def _over(self) -> s.Over:
        self.expect_op("(")
        over = s.Over([], [])
        if self.accept("PARTITION", "BY"):
            over.partition = self.expression_list()
        if self.accept("ORDER", "BY"):
            over.order = self.order_list()
        if self.is_word("ROWS", "RANGE"):
            words = []
            while not self.is_op(")"):
                words.append(self.next().text.upper())
            if not all(word.isdigit() or word in ("ROWS", "RANGE", "BETWEEN", "UNBOUNDED", "PRECEDING", "FOLLOWING", "AND", "CURRENT", "ROW")
                       for word in words):
                raise self.wrong()
            over.frame = " ".join(words)
        self.expect_op(")")
        return over

    def _case(self) -> s.Case:
        operand = None if self.is_word("WHEN") else self.expression()
        whens = []
        while self.accept("WHEN"):
            when = self.expression() if operand is not None else self.condition()
            self.expect("THEN")
            whens.append((when, self.expression()))
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return s.Case(operand, whens, otherwise)

    def _odbc_escape(self):
        """{ts '…'}, {d '…'}, {t '…'}, {guid '…'}, {fn …}"""
        kind = self._any_word().lower()
        if kind == "fn":
            value = self._primary()
        elif kind in ("ts", "d", "t", "guid"):
            text = s.Literal("string", self.next().text)
            value = s.Cast(text, s.TypeName(("uniqueidentifier" if kind == "guid" else "datetime",)))
        else:
            raise self.wrong()
        self.expect_op("}")
        return value
