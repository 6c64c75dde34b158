"""A batch as a list of statements."""

from __future__ import annotations

from ..model import SqlError
from . import syntax as s
from .parse_definitions import DefinitionParser


def parse(sql: str, quoted_identifier: bool = True) -> list:
    """Throws the syntax error that the server would; nothing of the batch has run then."""
    return StatementParser(sql, quoted_identifier).batch()


class StatementParser(DefinitionParser):
    def batch(self) -> list:
        statements = []
        while True:
            while self.accept_op(";"):
                pass
            if self.token.kind == "end":
                return statements
            statements.append(self.statement())

    def statement(self):
        token = self.token
        word = token.upper
        if word == "SELECT" or (token.kind == "op" and token.text == "("):
            return s.SelectStatement(self.query())
        if word == "WITH":
            return self._with()
        method = _STATEMENTS.get(word)
        if method is None:
            if self.is_name() and self.mark() == 0:
                return self._execute_rest()
            raise self.wrong()
        return method(self)

    def _with(self):
        mark = self.mark()
        ctes = self.ctes()
        if self.is_word("INSERT", "UPDATE", "DELETE"):
            statement = self.statement()
            statement.ctes = ctes
            return statement
        self.back_to(mark)
        return s.SelectStatement(self.query())

    def body(self):
        while self.accept_op(";"):
            pass
        return self.statement()

    # ---- changes

    def insert(self):
        self.expect("INSERT")
        top = self.top_count() if self.accept("TOP") else None
        self.accept("INTO")
        line = self.token.line
        table = s.Table((self.next().text,) if self.token.text[:1] == "@" else self.dotted(), line=line)
        if self.accept("WITH"):
            table.hints = self.hints()
        columns = self.name_list() if self.is_op("(") and self.ahead().upper not in ("SELECT", "WITH") else None
        output = None
        if self.accept("OUTPUT"):
            output = [self.item()]
            while self.accept_op(","):
                output.append(self.item())
            if self.is_word("INTO"):
                raise SqlError(40001, "the stand-in does not know OUTPUT … INTO", line=line)
        if self.accept("DEFAULT", "VALUES"):
            source = None
        elif self.is_word("VALUES"):
            source = self.values()
            if len(source.rows) > 1000:
                raise SqlError(10738, "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of "
                                      "1000 row values.", 15, line=line)
        elif self.is_word("EXEC", "EXECUTE"):
            source = self.execute()
        else:
            source = self.query()
        return s.Insert(table, columns, source, output=output, top=top)

    def update(self):
        self.expect("UPDATE")
        if self.accept("STATISTICS"):
            self._to_end_of_statement()
            return s.Nothing()
        top = self.top_count() if self.accept("TOP") else None
        line = self.token.line
        target = s.Table(self.dotted(), line=line)
        if self.accept("WITH"):
            target.hints = self.hints()
        self.expect("SET")
        assignments = []
        while True:
            column = self.next().text if self.token.text[:1] == "@" else self.dotted()[-1]
            op = self.next().text
            if op not in ("=", "+=", "-=", "*=", "/="):
                raise self.wrong()
            value = self.expression()
            if op != "=":
                value = s.Binary(op[0], s.Variable(column) if column[0] == "@" else s.Name((column,)), value)
            assignments.append((column, value))
            if not self.accept_op(","):
                break
        if self.is_word("OUTPUT"):
            raise SqlError(40001, "the stand-in does not know UPDATE … OUTPUT", line=line)
        source = self.sources() if self.accept("FROM") else None
        where = self.condition() if self.accept("WHERE") else None
        self._option()
        return s.Update(target, assignments, source, where, top)

    def delete(self):
        self.expect("DELETE")
        top = self.top_count() if self.accept("TOP") else None
        self.accept("FROM")
        line = self.token.line
        target = s.Table(self.dotted(), line=line)
        if self.accept("WITH"):
            target.hints = self.hints()
        if self.is_word("OUTPUT"):
            raise SqlError(40001, "the stand-in does not know DELETE … OUTPUT", line=line)
        source = self.sources() if self.accept("FROM") else None
        where = self.condition() if self.accept("WHERE") else None
        self._option()
        return s.Delete(target, source, where, top)

    def _option(self) -> None:
        if self.accept("OPTION"):
            self.skip_parentheses()

    def truncate(self):
        self.expect("TRUNCATE", "TABLE")
        return s.Truncate(self.dotted())

    # ---- variables and options

    def declare(self):
        self.expect("DECLARE")
        variables = []
        while True:
            name = self.next().text
            if name[:1] != "@":
                raise self.wrong()
            self.accept("AS")
            if self.is_word("TABLE", "CURSOR"):
                raise SqlError(40001, f"the stand-in does not know DECLARE {name} {self.token.upper}", line=self.token.line)
            type_name = self.type_name()
            variables.append((name, type_name, self.expression() if self.accept_op("=") else None))
            if not self.accept_op(","):
                return s.Declare(variables)

    def set(self):
        self.expect("SET")
        token = self.token
        if token.text[:1] == "@" and token.kind == "word":
            self.next()
            op = self.next().text
            if op not in ("=", "+=", "-=", "*=", "/="):
                raise self.wrong()
            return s.SetVariable(token.text, self.expression(), op)
        if self.accept("TRANSACTION", "ISOLATION", "LEVEL"):
            words = [self.next().upper]
            if words[0] in ("READ", "REPEATABLE"):
                words.append(self.next().upper)
            level = " ".join(words)
            if level not in ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SNAPSHOT", "SERIALIZABLE"):
                raise self.wrong()
            return s.SetIsolation(level)
        if self.accept("IDENTITY_INSERT"):
            table = self.dotted()
            return s.SetOption(["IDENTITY_INSERT"], (table, self._on_off()))
        if self.accept("STATISTICS"):
            self.next()
            return s.SetOption(["STATISTICS"], self._on_off())
        names = [self._any_word().upper()]
        while self.accept_op(","):
            names.append(self._any_word().upper())
        if self.is_word("ON", "OFF"):
            return s.SetOption(names, self._on_off())
        if self.token.kind == "word" and self.token.text[0] != "@":
            return s.SetOption(names, self.next().text)
        return s.SetOption(names, self.expression())

    def _on_off(self) -> str:
        if not self.is_word("ON", "OFF"):
            raise self.wrong()
        return self.next().upper

    # ---- flow

    def begin(self):
        if self.ahead().upper in ("TRAN", "TRANSACTION"):
            self.next()
            self.next()
            name = self._transaction_name()
            if self.accept("WITH", "MARK"):
                self.accept_string()
            return s.Transaction("BEGIN", name)
        self.expect("BEGIN")
        if self.accept("TRY"):
            body = self._until_end()
            self.expect("TRY")
            self.accept_op(";")
            self.expect("BEGIN", "CATCH")
            handler = self._until_end()
            self.expect("CATCH")
            return s.TryCatch(body, handler)
        return s.Block(self._until_end())

    def _until_end(self) -> list:
        statements = []
        while True:
            while self.accept_op(";"):
                pass
            if self.accept("END"):
                return statements
            statements.append(self.statement())

    def commit(self):
        self.expect("COMMIT")
        if self.accept("TRAN") or self.accept("TRANSACTION"):
            self._transaction_name()
        else:
            self.accept("WORK")
        if self.accept("WITH"):
            self.skip_parentheses()
        return s.Transaction("COMMIT")

    def rollback(self):
        self.expect("ROLLBACK")
        name = ""
        if self.accept("TRAN") or self.accept("TRANSACTION"):
            name = self._transaction_name()
        else:
            self.accept("WORK")
        return s.Transaction("ROLLBACK", name)

    def save(self):
        self.expect("SAVE")
        self.next()
        return s.Transaction("SAVE", self._transaction_name())

    def _transaction_name(self) -> str:
        if self.is_name() or self.token.text[:1] == "@":
            return self.next().text
        return ""

    def if_(self):
        self.expect("IF")
        condition = self.condition()
        then = self.body()
        mark = self.mark()
        while self.accept_op(";"):
            pass
        if self.accept("ELSE"):
            return s.If(condition, then, self.body())
        self.back_to(mark)
        return s.If(condition, then)

    def while_(self):
        self.expect("WHILE")
        condition = self.condition()
        return s.While(condition, self.body())

    def flow(self):
        action = self.next().upper
        if action == "RETURN" and (self.token.kind == "int" or self.token.text[:1] == "@"):
            self.expression()
        return s.Flow(action)

    def print_(self):
        self.expect("PRINT")
        return s.Print(self.expression())

    def raiserror(self):
        self.expect("RAISERROR")
        self.expect_op("(")
        values = self.expression_list()
        self.expect_op(")")
        if self.accept("WITH"):
            self.next()
        if len(values) < 3:
            raise self.wrong()
        return s.RaiseError(values[0], values[1], values[2], values[3:])

    def throw(self):
        self.expect("THROW")
        if self.token.kind in ("int",) or self.token.text[:1] == "@":
            number = self.expression()
            self.expect_op(",")
            message = self.expression()
            self.expect_op(",")
            return s.RaiseError(message, state=self.expression(), number=number)
        return s.RaiseError(None)

    def use(self):
        self.expect("USE")
        return s.Use(self.name())

    def wait_for(self):
        self.expect("WAITFOR", "DELAY")
        return s.WaitFor(self.expression())

    def execute(self):
        self.next()
        if self.accept_op("("):
            text = self.expression()
            self.expect_op(")")
            return s.Execute(None, text=text)
        return self._execute_rest()

    def _execute_rest(self):
        returns = None
        if self.token.text[:1] == "@":
            returns = self.next().text
            self.expect_op("=")
        call = s.Execute(self.dotted(), returns=returns)
        if self.token.kind == "end" or self.is_op(";") or self.token.upper in _STATEMENTS or self.is_word("END", "ELSE", "SELECT"):
            return call
        while True:
            name = None
            if self.token.text[:1] == "@" and self.ahead().text == "=":
                name = self.next().text
                self.next()
            value = s.Literal("nstring", self.next().text) if self.is_name() else self.expression()
            call.arguments.append((name, value, self.accept("OUTPUT") or self.accept("OUT")))
            if not self.accept_op(","):
                return call

    def kill(self):
        self.expect("KILL")
        return s.Execute(("sys", "kill"), [(None, self.expression(), False)])

    def checkpoint(self):
        self.expect("CHECKPOINT")
        return s.Nothing()

    def accept_string(self) -> str | None:
        return self.next().text if self.token.kind in ("string", "nstring") else None

    def _to_end_of_statement(self) -> None:
        while self.token.kind != "end" and not self.is_op(";"):
            self.next()


_STATEMENTS = {
    "INSERT": StatementParser.insert, "UPDATE": StatementParser.update, "DELETE": StatementParser.delete,
    "TRUNCATE": StatementParser.truncate, "DECLARE": StatementParser.declare, "SET": StatementParser.set,
    "BEGIN": StatementParser.begin, "COMMIT": StatementParser.commit, "ROLLBACK": StatementParser.rollback, "SAVE": StatementParser.save,
    "IF": StatementParser.if_, "WHILE": StatementParser.while_, "RETURN": StatementParser.flow, "BREAK": StatementParser.flow,
    "CONTINUE": StatementParser.flow, "PRINT": StatementParser.print_, "RAISERROR": StatementParser.raiserror,
    "THROW": StatementParser.throw, "USE": StatementParser.use, "WAITFOR": StatementParser.wait_for, "EXEC": StatementParser.execute,
    "EXECUTE": StatementParser.execute, "CREATE": StatementParser.create, "ALTER": StatementParser.alter, "DROP": StatementParser.drop,
    "GRANT": StatementParser.grant, "DENY": StatementParser.grant, "REVOKE": StatementParser.grant, "KILL": StatementParser.kill,
    "CHECKPOINT": StatementParser.checkpoint,
}
