"""CREATE, ALTER, DROP, GRANT."""

from __future__ import annotations

from ..model import SqlError
from . import syntax as s
from .parse_queries import QueryParser


class DefinitionParser(QueryParser):
    def create(self):
        start = self.token
        self.expect("CREATE")
        alter = self.accept("OR", "ALTER")
        if self.accept("DATABASE"):
            return self._create_database()
        if self.accept("SCHEMA"):
            name = self.name()
            if self.accept("AUTHORIZATION"):
                self.name()
            return s.CreateSchema(name)
        if self.accept("TABLE"):
            return self._create_table()
        if self.accept("VIEW"):
            return self._create_view(start, alter)
        if self.accept("TYPE"):
            name = self.dotted()
            self.expect("FROM")
            base = self.type_name()
            nullable = not self.accept("NOT", "NULL")
            self.accept("NULL")
            return s.CreateType(name, base, nullable)
        if self.accept("SYNONYM"):
            name = self.dotted()
            self.expect("FOR")
            return s.CreateSynonym(name, self.dotted())
        if self.accept("STATISTICS"):
            name = self.name()
            self.expect("ON")
            table = self.dotted()
            columns = self.name_list()
            if self.accept("WITH"):
                self._options()
            return s.CreateStatistics(name, table, columns)
        if self.accept("LOGIN"):
            return self._create_login()
        if self.accept("USER"):
            name = self.name()
            login = name
            if self.accept("FOR", "LOGIN") or self.accept("FROM", "LOGIN"):
                login = self.name()
            elif self.accept("WITHOUT", "LOGIN"):
                login = ""
            return s.CreateUser(name, login)
        if self.accept("SECURITY", "POLICY"):
            return self._create_policy()
        return self._create_index()

    def _create_database(self):
        name = self.name()
        statement = s.CreateDatabase(name)
        if self.accept("COLLATE"):
            statement.collation = self.name()
        if self.accept("ON"):
            if self.accept("PRIMARY"):
                pass
            self.skip_parentheses()
            while self.accept_op(","):
                self.skip_parentheses()
        if self.accept("AS", "SNAPSHOT", "OF"):
            statement.snapshot_of = self.name()
        if self.accept("COLLATE"):
            statement.collation = self.name()
        return statement

    def _create_login(self):
        name = self.name()
        password = None
        statement = s.CreateLogin(name, None)
        if self.accept("FROM"):
            self.name()  # WINDOWS, EXTERNAL PROVIDER
            self.accept("PROVIDER")
        if self.accept("WITH"):
            while True:
                if self.accept("PASSWORD"):
                    self.expect_op("=")
                    password = self.next().text
                else:
                    option = self.next().upper
                    self.expect_op("=")
                    value = self.next().text
                    if option == "DEFAULT_DATABASE":
                        statement.database = value
                if not self.accept_op(","):
                    break
        statement.password = password
        return statement

    def _create_policy(self):
        name = self.dotted()
        predicates = []
        while self.accept("ADD"):
            self.accept("FILTER") or self.accept("BLOCK")
            self.expect("PREDICATE")
            start = self.token
            self.dotted()
            self.skip_parentheses()
            text = self.text_since(start)
            self.expect("ON")
            predicates.append((text, self.dotted()))
            self.accept_op(",")
        enabled = True
        if self.accept("WITH"):
            self.expect_op("(")
            while not self.accept_op(")"):
                if self.accept("STATE"):
                    self.expect_op("=")
                    enabled = self.next().upper == "ON"
                else:
                    self.next()
        return s.CreateSecurityPolicy(name, predicates, enabled)

    def _create_view(self, start, alter: bool):
        name = self.dotted()
        columns = self.name_list() if self.is_op("(") else None
        if self.accept("WITH"):
            self.next()
        self.expect("AS")
        query = self.query()
        if self.accept("WITH", "CHECK"):
            self.expect("OPTION")
        return s.CreateView(name, columns, query, self.text_since(start), alter)

    def _create_index(self):
        unique = self.accept("UNIQUE")
        clustered = self.accept("CLUSTERED")
        if not clustered:
            self.accept("NONCLUSTERED")
        columnstore = self.accept("COLUMNSTORE")
        if not self.accept("INDEX"):
            raise SqlError(40001, f"the stand-in does not know CREATE {self.token.text.upper()}", line=self.token.line)
        name = self.name()
        self.expect("ON")
        index = s.CreateIndex(name, self.dotted(), [], unique, clustered, columnstore)
        if self.is_op("("):
            index.columns = self._key_columns()
        if self.accept("INCLUDE"):
            index.included = self.name_list()
        if self.accept("WHERE"):
            index.where = self.condition()
        if self.accept("WITH"):
            self._options()
        self._on_filegroup()
        return index

    def _key_columns(self) -> list:
        self.expect_op("(")
        columns = []
        while True:
            name = self.name()
            descending = self.accept("DESC")
            if not descending:
                self.accept("ASC")
            columns.append((name, descending))
            if not self.accept_op(","):
                break
        self.expect_op(")")
        return columns

    def _options(self) -> None:
        if self.is_op("("):
            self.skip_parentheses()
        else:
            self.next()
            if self.accept_op("="):
                self.next()

    def _on_filegroup(self) -> None:
        while self.is_word("ON", "TEXTIMAGE_ON"):
            self.next()
            self.name() if self.is_name() else self.expect("PRIMARY")
            if self.is_op("("):
                self.skip_parentheses()

    # ---- tables

    def _create_table(self):
        table = s.CreateTable(self.dotted(), [], [])
        self.expect_op("(")
        while True:
            if self.is_op(")"):
                break
            self._table_element(table)
            if not self.accept_op(","):
                break
        self.expect_op(")")
        self._on_filegroup()
        if self.accept("WITH"):
            self._table_options(table)
        self._on_filegroup()
        return table

    def _table_options(self, table) -> None:
        self.expect_op("(")
        while not self.accept_op(")"):
            option = self._any_word().upper()
            if self.accept_op("="):
                value = self._any_word().upper()
                if option == "SYSTEM_VERSIONING":
                    table.system_versioned = value == "ON"
                    if self.accept_op("("):
                        while not self.accept_op(")"):
                            if self.accept("HISTORY_TABLE"):
                                self.expect_op("=")
                                table.history = self.dotted()
                            else:
                                self.next()
                elif option == "MEMORY_OPTIMIZED":
                    table.memory_optimized = value == "ON"
            self.accept_op(",")

    def _table_element(self, table) -> None:
        if self.accept("PERIOD", "FOR"):
            self.expect("SYSTEM_TIME")
            names = self.name_list()
            table.period = (names[0], names[1])
            return
        if self.is_word("INDEX"):
            self.next()
            index = s.CreateIndex(self.name(), table.name, [])
            index.unique = self.accept("UNIQUE")
            index.clustered = self.accept("CLUSTERED")
            if not index.clustered:
                self.accept("NONCLUSTERED")
            index.columnstore = self.accept("COLUMNSTORE")
            if self.is_op("("):
                index.columns = self._key_columns()
            table.keys.append(index)
            return
        if self.is_word("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
            table.keys.append(self._constraint(None))
            return
        table.columns.append(self._column(table.keys))

    def _constraint(self, column: str | None):
        name = self.name() if self.accept("CONSTRAINT") else None
        if self.accept("PRIMARY", "KEY") or self.is_word("UNIQUE"):
            kind = "UQ" if self.accept("UNIQUE") else "PK"
            clustered = None
            if self.accept("CLUSTERED"):
                clustered = True
            elif self.accept("NONCLUSTERED"):
                clustered = False
            self.accept("HASH")
            columns = self._key_columns() if self.is_op("(") and column is None else [(column, False)]
            if self.accept("WITH"):
                self._options()
            self._on_filegroup()
            return s.KeyDefinition(name, kind, clustered, columns)
        if self.accept("CHECK"):
            start = self.token
            self.expect_op("(")
            condition = self.condition()
            self.expect_op(")")
            return s.CheckDefinition(name, condition, self.text_since(start))
        if self.is_word("FOREIGN", "REFERENCES"):
            columns = [column]
            if self.accept("FOREIGN", "KEY"):
                columns = self.name_list()
            self.expect("REFERENCES")
            table = self.dotted()
            referenced = self.name_list() if self.is_op("(") else []
            while self.accept("ON"):
                self.next()
                if not self.accept("NO", "ACTION"):
                    raise SqlError(40001, "the stand-in does not know ON … CASCADE", line=self.token.line)
            return s.ForeignKeyDefinition(name, columns, table, referenced)
        raise self.wrong()

    def _column(self, keys: list) -> s.ColumnDefinition:
        column = s.ColumnDefinition(self.name())
        if self.accept("AS"):
            start = self.token
            column.computed = self.expression()
            column.computed_text = self.text_since(start)
            column.persisted = self.accept("PERSISTED")
            if self.accept("NOT", "NULL"):
                column.nullable = False
        else:
            column.type = self.type_name()
        while self._column_option(column, keys):
            pass
        return column

    def _column_option(self, column: s.ColumnDefinition, keys: list) -> bool:
        if self.accept("NULL"):
            column.nullable = True
        elif self.accept("NOT", "NULL"):
            column.nullable = False
        elif self.accept("COLLATE"):
            column.collation = self.name()
        elif self.accept("SPARSE"):
            column.sparse = True
        elif self.accept("COLUMN_SET"):
            self.expect("FOR", "ALL_SPARSE_COLUMNS")
            column.column_set = True
        elif self.accept("ROWGUIDCOL"):
            column.rowguid = True
        elif self.accept("IDENTITY"):
            column.identity = (1, 1)
            if self.accept_op("("):
                seed = self._signed_int()
                self.expect_op(",")
                column.identity = (seed, self._signed_int())
                self.expect_op(")")
            if self.accept("NOT", "FOR"):
                self.expect("REPLICATION")
        elif self.is_word("CONSTRAINT") and self.ahead(2).upper == "DEFAULT":
            self.next()
            column.default_name = self.name()
        elif self.accept("DEFAULT"):
            start = self.token
            column.default = self.expression()
            column.default_text = self.text_since(start)
        elif self.accept("MASKED"):
            self.expect("WITH")
            self.expect_op("(")
            self.expect("FUNCTION")
            self.expect_op("=")
            column.masked = self.next().text
            self.expect_op(")")
        elif self.accept("GENERATED", "ALWAYS", "AS"):
            self.expect("ROW")
            column.generated = "START" if self.accept("START") else "END"
            if column.generated == "END":
                self.expect("END")
        elif self.accept("HIDDEN"):
            column.hidden = True
        elif self.is_word("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "REFERENCES"):
            keys.append(self._constraint(column.name))
        else:
            return False
        return True

    def _signed_int(self) -> int:
        sign = -1 if self.accept_op("-") else 1
        if self.token.kind != "int":
            raise self.wrong()
        return sign * int(self.next().text)

    # ---- ALTER

    def alter(self):
        start = self.token
        self.expect("ALTER")
        if self.accept("TABLE"):
            return self._alter_table()
        if self.accept("DATABASE"):
            if self.accept("CURRENT"):
                name = None
            else:
                name = self.name()
            self.expect("SET")
            option = self._any_word().upper()
            self.accept_op("=")
            value = self._any_word().upper() if self.token.kind == "word" else self.next().text
            if self.accept("WITH"):
                while self.token.kind != "end" and not self.is_op(";"):
                    self.next()
            return s.AlterDatabase(name, option, value)
        if self.accept("ROLE") or self.accept("SERVER", "ROLE"):
            role = self.name()
            add = self.accept("ADD")
            if not add:
                self.expect("DROP")
            self.expect("MEMBER")
            return s.RoleMember(role, self.name(), add)
        if self.accept("LOGIN"):
            name = self.name()
            self.expect("WITH")
            self.expect("PASSWORD")
            self.expect_op("=")
            return s.CreateLogin(name, self.next().text)
        if self.accept("VIEW"):
            return self._create_view(start, True)
        if self.accept("INDEX"):
            while self.token.kind != "end" and not self.is_op(";"):
                self.next()
            return s.Nothing()
        raise SqlError(40001, f"the stand-in does not know ALTER {self.token.text.upper()}", line=self.token.line)

    def _alter_table(self):
        name = self.dotted()
        if self.accept("WITH", "CHECK") or self.accept("WITH", "NOCHECK"):
            pass
        if self.accept("ADD"):
            table = s.CreateTable(name, [], [])
            while True:
                self._table_element(table)
                if not self.accept_op(","):
                    break
            return s.AlterTable(name, "ADD", table.columns, table.keys)
        if self.accept("DROP"):
            if self.accept("PERIOD"):
                self.expect("FOR")
                self.name()
                return s.AlterTable(name, "NOTHING")
            action = "DROP COLUMN" if self.accept("COLUMN") else "DROP CONSTRAINT"
            if action == "DROP CONSTRAINT":
                self.accept("CONSTRAINT")
            if self.accept("IF"):
                self.expect("EXISTS")
            names = [self.name()]
            while self.accept_op(","):
                self.accept("COLUMN")
                names.append(self.name())
            return s.AlterTable(name, action, names=names)
        if self.accept("ALTER", "COLUMN"):
            keys: list = []
            column = self._column(keys)
            return s.AlterTable(name, "ALTER COLUMN", [column])
        if self.accept("REBUILD"):
            if self.accept("WITH"):
                self._options()
            return s.AlterTable(name, "NOTHING")
        if self.accept("SET"):
            table = s.CreateTable(name, [], [])
            self._table_options(table)
            return s.AlterTable(name, "SET", [table])
        raise SqlError(40001, f"the stand-in does not know ALTER TABLE … {self.token.text.upper()}", line=self.token.line)

    # ---- DROP, GRANT

    def drop(self):
        self.expect("DROP")
        kind = self._any_word().upper()
        if kind not in ("TABLE", "VIEW", "DATABASE", "SCHEMA", "TYPE", "INDEX", "LOGIN", "USER", "SYNONYM", "STATISTICS"):
            raise SqlError(40001, f"the stand-in does not know DROP {kind}", line=self.token.line)
        statement = s.Drop(kind, [])
        if self.accept("IF"):
            self.expect("EXISTS")
            statement.if_exists = True
        statement.names.append(self.dotted())
        while self.accept_op(","):
            statement.names.append(self.dotted())
        if kind == "INDEX":
            self.expect("ON")
            statement.table = self.dotted()
        return statement

    def grant(self):
        action = self.next().upper
        if action == "REVOKE":
            self.accept("GRANT", "OPTION")
        permissions, words, columns = [], [], []
        while True:
            if self.is_op("("):
                columns = self.name_list()
            elif self.is_word("ON", "TO", "FROM") or self.is_op(","):
                permissions.append(" ".join(words))
                words = []
                if not self.accept_op(","):
                    break
            else:
                words.append(self._any_word().upper())
        securable: tuple = ("DATABASE", ())
        if self.accept("ON"):
            kind = "OBJECT"
            if self.ahead().text == "::":
                kind = self._any_word().upper()
                self.next()
            securable = (kind, self.dotted())
            if self.is_op("("):
                columns = self.name_list()
        if not (self.accept("TO") or self.accept("FROM")):
            raise self.wrong()
        grantees = [self.next().text]
        while self.accept_op(","):
            grantees.append(self.next().text)
        if self.accept("WITH", "GRANT"):
            self.expect("OPTION")
        self.accept("CASCADE")
        return s.Grant(action, permissions, securable, grantees, columns)
