"""INSERT, UPDATE, DELETE, TRUNCATE."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..model import ResultSet, RowCount, SqlError, SqlType
from . import storage, types
from . import syntax as s
from .catalog import Column, Object
from .compile_expressions import unknown
from .compile_queries import QueryCompiler
from .expression import ABSENT, Ex, Scope, Source
from .server import Database, stored_rows


class Changes:
    # ---- INSERT

    def insert(self, node: s.Insert) -> Iterator:
        compiler = QueryCompiler(self, self.runtime)
        database, table = self._target(node.table, "INSERT")
        given = self._given_columns(table, node.columns)
        compiler_rows = self._rows_to_insert(compiler, node, table, given)
        events = []
        if compiler_rows is None:  # INSERT … EXEC
            yield from self._insert_results(node, database, table, given)
            return
        sql, values = compiler_rows
        self.lock_for_write(database, table, node.table.hints)
        names, cells = self._completed(compiler, database, table, given, values)
        sql = f"INSERT INTO {database.schema}.{table.physical} ({', '.join(names)}) {sql.format(cells=', '.join(cells))}"
        if node.output is not None:
            sql, columns = self._returning(compiler, sql, database, table, node.output)
        cursor = self._changed(sql, compiler.parameters, database, table)
        if node.output is not None:
            rows = cursor.fetchall()
            decode = storage.row_decoder([column.type for column in columns])
            yield ResultSet(columns, iter([decode(row) if decode else row for row in rows]))
            events.append(RowCount(len(rows)))
        else:
            events.append(RowCount(cursor.rowcount))
        yield from events

    def _target(self, node: s.Table, permission: str) -> tuple[Database, Object]:
        database, table = self.object(node.parts, node.line)
        if table.kind != "U":
            raise unknown(f"{permission} of a view")
        self.denied_columns(database, table, node.line, permission)
        self.attached(database)
        return database, table

    def _given_columns(self, table: Object, names: list[str] | None) -> list[Column]:
        may_identity = self.identity_insert is not None and self.identity_insert[1] == table.id
        if names is None:
            return [column for column in table.columns if column.stored and column.type.name != "rowversion" and not column.generated
                    and column.identity is None]
        found = []
        for name in names:
            column = table.column(name)
            if column is None:
                raise SqlError(207, f"Invalid column name '{name}'.")
            if column in found:
                raise SqlError(264, f"The column name '{name}' is specified more than once in the SET clause or column list of an INSERT.")
            if column.computed is not None:
                raise SqlError(271, f'The column "{column.name}" cannot be modified because it is either a computed column or is the result of a '
                                    "UNION operator.")
            if column.column_set:
                raise unknown("INSERT of a column set")
            if column.type.name == "rowversion":
                raise SqlError(273, "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the "
                                    "timestamp column, or insert a DEFAULT into the timestamp column.")
            if column.identity is not None and not may_identity:
                raise SqlError(544, f"Cannot insert explicit value for identity column in table '{table.name}' when IDENTITY_INSERT is set to OFF.")
            if column.generated and table.temporal == 2:
                raise SqlError(13536, f"Cannot insert an explicit value into a GENERATED ALWAYS column in table '{table.schema}.{table.name}'.")
            found.append(column)
        if may_identity and not any(column.identity for column in found):
            raise SqlError(545, f"Explicit value must be specified for identity column in table '{table.name}' either when IDENTITY_INSERT is set "
                                "to ON or when a replication user is inserting into a NOT FOR REPLICATION identity column.")
        return found

    def _rows_to_insert(self, compiler: QueryCompiler, node: s.Insert, table: Object, given: list[Column]):
        """SQL with {cells} for what is inserted of each row, and an expression for each given column."""
        if node.source is None:
            return "VALUES ({cells})", []
        if isinstance(node.source, s.Execute):
            return None
        where = (f"{self.database}.{table.schema}.{table.name}", )
        if isinstance(node.source, s.Values):
            rows = []
            scope = Scope()
            for row in node.source.rows:
                self._check_count(len(row), len(given), node.columns is not None, False)
                cells = []
                for cell, column in zip(row, given):
                    if isinstance(cell, s.Literal) and cell.kind == "default":
                        cells.append(self._default(compiler, column))
                    else:
                        cells.append(compiler.convert(compiler.value(cell, scope), column.type, assigned_to=(where[0], column.name)).sql)
                rows.append(cells)
            if len(rows) == 1 or not given:
                return "VALUES ({cells})", rows[0]
            lines = ", ".join(f"({', '.join(cells)})" for cells in rows)
            return f"SELECT {{cells}} FROM (VALUES {_braces(lines)})", [f"column{at + 1}" for at in range(len(given))]
        query = node.source if not node.ctes else replace(node.source, ctes=node.ctes + node.source.ctes)
        compiled = compiler.query(query, top_level=True)
        self._check_count(len(compiled.columns), len(given), node.columns is not None, True)
        values = [compiler.convert(replace(ex, sql=f"q.c{at}"), column.type, assigned_to=(where[0], column.name)).sql
                  for at, (ex, column) in enumerate(zip(compiled.columns, given))]
        limit = ""
        if node.top is not None:
            limit = f" LIMIT {compiler.convert(compiler.value(node.top, Scope()), types.BIGINT).sql}"
        return f"SELECT {{cells}} FROM ({_braces(compiled.sql)}) AS q WHERE TRUE{limit}", values

    def _check_count(self, have: int, want: int, named: bool, selected: bool) -> None:
        if have == want:
            return
        if not named:
            raise SqlError(213, "Column name or number of supplied values does not match table definition.")
        few = have < want
        if selected:
            raise SqlError(120 if few else 121, f"The select list for the INSERT statement contains {'fewer' if few else 'more'} items than the "
                                                "insert list. The number of SELECT values must match the number of INSERT columns.", 15)
        raise SqlError(109 if few else 110, f"There are {'more' if few else 'fewer'} columns in the INSERT statement than values specified in the "
                                            "VALUES clause. The number of values in the VALUES clause must match the number of columns "
                                            "specified in the INSERT statement.", 15)

    def _default(self, compiler: QueryCompiler, column: Column) -> str:
        if column.type.name == "rowversion":
            return "NULL"
        if column.default is None:
            return "NULL"
        return compiler.convert(compiler.value(column.default, Scope()), column.type).sql

    def _completed(self, compiler: QueryCompiler, database: Database, table: Object, given: list[Column], values: list[str]):
        names = [column.physical for column in given]
        cells = list(values)
        for column in table.stored_columns():
            if column in given:
                if column.identity is not None:
                    at = given.index(column)
                    cells[at] = f"{self._identity_seen(database, table, column)}({cells[at]})"
                continue
            if column.identity is not None:
                cell = f"{self._next_identity(database, table, column)}()"
            elif column.type.name == "rowversion":
                cell = f"{self._rowversion(database)}()"
            elif column.generated:
                cell = self._period(compiler, column)
            else:
                cell = self._default(compiler, column)
            names.append(column.physical)
            cells.append(cell)
        return names, cells

    def _period(self, compiler: QueryCompiler, column: Column) -> str:
        if column.generated == "END":
            last = SqlType("datetime2", scale=7)
            return compiler.convert(compiler.constant(storage.encode(last, (3652058, 863_999_999_999)), last), column.type).sql \
                if column.type.scale == 7 else str(3652058 * storage.DAY_TICKS + 864_000_000_000 - 10 ** (7 - column.type.scale))
        now = compiler.value(s.Call(("SYSUTCDATETIME",), []), Scope())
        return compiler.convert(now, column.type).sql

    def _rowversion(self, database: Database) -> str:
        return self.runtime.function(("rowversion", id(database)), 0, database.next_rowversion, deterministic=False)

    # ---- identity

    def _last_identity(self, database: Database, table: Object, column: Column) -> int | None:
        if table.id not in database.identities:
            most = "MAX" if column.identity[1] > 0 else "MIN"
            decode = storage.unscaled_of(column.type)
            found = self.runtime.run(f"SELECT {most}({column.physical}) FROM {database.schema}.{table.physical}").fetchone()[0]
            if found is not None:
                database.identities[table.id] = decode(found)
        return database.identities.get(table.id)

    def _next_identity(self, database: Database, table: Object, column: Column) -> str:
        self._last_identity(database, table, column)
        seed, step = column.identity
        low, high = types.INT_RANGES.get(column.type.name, (-10**column.type.precision + 1, 10**column.type.precision - 1))
        wide = storage.is_wide(column.type)

        def following():
            last = database.identities.get(table.id)
            value = seed if last is None else last + step
            if not low <= value <= high:
                raise SqlError(8115, f"Arithmetic overflow error converting IDENTITY to data type {column.type.name}.")
            database.identities[table.id] = value
            self.last_identity = value
            return storage.wide(value) if wide else value

        return self.runtime.function(("identity", database.settings.id, table.id), 0, following, deterministic=False)

    def _identity_seen(self, database: Database, table: Object, column: Column) -> str:
        self._last_identity(database, table, column)
        unscaled = storage.unscaled_of(column.type)

        def see(stored):
            value = unscaled(stored)
            last = database.identities.get(table.id)
            if last is None or (value - last) * column.identity[1] > 0:
                database.identities[table.id] = value
            self.last_identity = value
            return stored

        return self.runtime.function(("identity seen", database.settings.id, table.id), 1, see, deterministic=False)

    def identity_stored(self) -> bytes | None:
        return None if self.last_identity is None else storage.wide(self.last_identity)

    def identity_of(self, parts: tuple[str, ...] | None) -> bytes | None:
        try:
            database, table = self.object(parts or ("",))
        except SqlError:
            return None
        column = next((column for column in table.columns if column.identity), None)
        if column is None:
            return None
        self.attached(database)
        last = self._last_identity(database, table, column)
        return storage.wide(column.identity[0] if last is None else last)

    def set_identity_insert(self, parts: tuple[str, ...], value: str) -> None:
        database, table = self.object(parts)
        if not any(column.identity for column in table.columns):
            raise SqlError(8106, f"Table '{table.name}' does not have the identity property. Cannot perform SET operation.")
        if value == "OFF":
            self.identity_insert = None
            return
        if self.identity_insert is not None and self.identity_insert != (database.settings.id, table.id):
            raise SqlError(8107, f"IDENTITY_INSERT is already ON for table '{self.identity_insert[1]}'. Cannot perform SET operation for table "
                                 f"'{table.name}'.")
        self.identity_insert = (database.settings.id, table.id)

    # ---- OUTPUT

    def _returning(self, compiler: QueryCompiler, sql: str, database: Database, table: Object, items: list[s.Item]):
        scope = Scope()
        columns = self.columns_of(compiler, database, table, "")
        scope.sources.append(Source("inserted", columns, ""))
        compiled = compiler._expanded(items, scope)
        found, names = [], []
        for item in compiled:
            ex = item.expression if isinstance(item.expression, Ex) else compiler.value(item.expression, scope)
            found.append(ex)
            names.append(item.alias if item.alias is not None else ex.column.name if ex.column else "")
        from .compile_queries import Compiled
        described = Compiled("", [replace(ex, constant=ABSENT) for ex in found], names).described()
        return f"{sql} RETURNING {', '.join(ex.sql for ex in found)}", described

    def _insert_results(self, node: s.Insert, database: Database, table: Object, given: list[Column]) -> Iterator:
        total = 0
        for event in list(self.execute_procedure(node.source)):
            if isinstance(event, ResultSet):
                total += self.bulk_insert(node.table.parts, [column.name for column in given], list(event.rows))
        yield RowCount(total)

    # ---- UPDATE and DELETE

    def update(self, node: s.Update) -> Iterator:
        compiler = QueryCompiler(self, self.runtime)
        database, table, alias, scope, source = self._matched(compiler, node, "UPDATE")
        where = f" WHERE {compiler.condition(node.where, scope)}" if node.where is not None else ""
        columns, values = [], []
        for name, expression in node.assignments:
            if name[0] == "@":
                raise unknown("UPDATE … SET @variable")
            column = table.column(name)
            if column is None:
                raise SqlError(207, f"Invalid column name '{name}'.")
            if column.computed is not None:
                raise SqlError(271, f'The column "{column.name}" cannot be modified because it is either a computed column or is the result of a '
                                    "UNION operator.")
            if column.identity is not None:
                raise SqlError(8102, f"Cannot update identity column '{column.name}'.")
            if column.type.name == "rowversion":
                raise SqlError(272, "Cannot update a timestamp column.")
            if isinstance(expression, s.Literal) and expression.kind == "default":
                value = self._default(compiler, column)
            else:
                value = compiler.convert(compiler.value(expression, scope), column.type,
                                         assigned_to=(f"{self.database}.{table.schema}.{table.name}", column.name)).sql
            columns.append(column.physical)
            values.append(value)
        limit = self._top(compiler, node.top)
        self.lock_for_write(database, table, node.target.hints)
        selected = ", ".join([f"{alias}.rowid AS r"] + [f"{value} AS v{at}" for at, value in enumerate(values)])
        sets = [f"{column} = q.v{at}" for at, column in enumerate(columns)]
        for column in table.columns:
            if column.type.name == "rowversion":
                sets.append(f"{column.physical} = {self._rowversion(database)}()")
            if column.generated == "START" and table.temporal == 2:
                sets.append(f"{column.physical} = {self._period(compiler, column)}")
        self._keep_history(database, table, f"SELECT {alias}.rowid FROM {source}{where}{limit}", compiler)
        sql = (f"UPDATE {database.schema}.{table.physical} SET {', '.join(sets)} FROM (SELECT {selected} FROM {source}{where}{limit}) AS q "
               f"WHERE {table.physical}.rowid = q.r")
        yield RowCount(self._changed(sql, compiler.parameters, database, table).rowcount)

    def delete(self, node: s.Delete) -> Iterator:
        compiler = QueryCompiler(self, self.runtime)
        database, table, alias, scope, source = self._matched(compiler, node, "DELETE")
        where = f" WHERE {compiler.condition(node.where, scope)}" if node.where is not None else ""
        limit = self._top(compiler, node.top)
        self.lock_for_write(database, table, node.target.hints)
        rows = f"SELECT {alias}.rowid FROM {source}{where}{limit}"
        self._keep_history(database, table, rows, compiler)
        sql = f"DELETE FROM {database.schema}.{table.physical} WHERE rowid IN ({rows})"
        yield RowCount(self._changed(sql, compiler.parameters, database, table).rowcount)

    def _keep_history(self, database: Database, table: Object, rows: str, compiler: QueryCompiler) -> None:
        if table.temporal != 2 or not table.history:
            return
        history = database.catalog.objects[table.history]
        names, values = [], []
        for column in table.stored_columns():
            other = history.column(column.name)
            names.append(other.physical)
            values.append(self._period(compiler, replace(column, generated="START")) if column.generated == "END" else column.physical)
        self._changed(f"INSERT INTO {database.schema}.{history.physical} ({', '.join(names)}) SELECT {', '.join(values)} FROM "
                      f"{database.schema}.{table.physical} WHERE rowid IN ({rows})", compiler.parameters, database, table)

    def _top(self, compiler: QueryCompiler, top) -> str:
        count = f"{compiler.convert(compiler.value(top, Scope()), types.BIGINT).sql}" if top is not None else ""
        if self.row_limit:
            count = str(self.row_limit) if not count else f"min({count}, {self.row_limit})"
        return f" LIMIT {count}" if count else ""

    def _matched(self, compiler: QueryCompiler, node, permission: str):
        """Database, table, its alias in SQLite, the scope and the FROM clause; the target may be named by an alias of FROM."""
        scope = Scope()
        compiler_ctes = compiler._ctes(node.ctes, scope)
        if compiler_ctes:
            raise unknown(f"WITH before {permission}")
        source_node = node.source
        target = node.target
        if source_node is not None:
            named = _find_table(source_node, target.parts)
            if named is None:
                source_node = s.Join("CROSS", target, source_node)
            else:
                target = named
        else:
            source_node = target
        database, table = self._target(s.Table(target.parts, line=target.line), permission)
        source = compiler._source(source_node, scope)
        wanted = (target.alias or target.parts[-1]).casefold()
        found = next(found for found in scope.sources if found.name.casefold() == wanted)
        return database, table, found.sql_name, scope, source

    def truncate(self, node: s.Truncate) -> Iterator:
        database, table = self._target(s.Table(node.table), "ALTER")
        if self._referring(database, table):
            raise SqlError(4712, f"Cannot truncate table '{table.name}' because it is being referenced by a FOREIGN KEY constraint.")
        self.lock_for_definition(database, table)
        self.write(f"DELETE FROM {database.schema}.{table.physical}", {}, database)
        database.identities.pop(table.id, None)
        yield RowCount(-1)

    # ---- running them

    def _changed(self, sql: str, parameters: dict, database: Database, table: Object) -> sqlite3.Cursor:
        try:
            if not self.constrained(database, table):
                return self.write(sql, parameters, database)
            self.runtime.run("SAVEPOINT change")
            try:
                cursor = self.write(sql, parameters, database)
                self.verify(database, table, sql[:6])
            except BaseException:
                self.runtime.run("ROLLBACK TO change")
                raise
            finally:
                self.runtime.run("RELEASE change")
            return cursor
        except sqlite3.IntegrityError as error:
            raise self._violation(str(error), database, table) from error

    def _violation(self, text: str, database: Database, table: Object) -> SqlError:
        full = f"{table.schema}.{table.name}"
        if "NOT NULL" in text:
            column = table.by_id(int(re.search(r"\.c(\d+)", text)[1]))
            return SqlError(515, f"Cannot insert the value NULL into column '{column.name}', table '{database.settings.name}.{full}'; column does "
                                 "not allow nulls. INSERT fails.")
        match = re.search(r"index '\w*i(\d+)_(\d+)'", text)
        index = next((i for i in table.indexes if match and i.id == int(match[2])), None)
        if index is None:
            ids = [int(found) for found in re.findall(r"\.c(\d+)", text)]
            index = next((i for i in table.indexes if i.unique and [column for column, _ in i.columns] == ids), None)
        if index is None:
            return SqlError(40000, f"the stand-in failed: {text}")
        if index.kind:
            what = "PRIMARY KEY" if index.kind == "PK" else "UNIQUE KEY"
            return SqlError(2627, f"Violation of {what} constraint '{index.name}'. Cannot insert duplicate key in object '{full}'.", 14)
        return SqlError(2601, f"Cannot insert duplicate key row in object '{full}' with unique index '{index.name}'.", 14)

    def bulk_insert(self, parts: tuple[str, ...], columns: list[str] | None, rows: Iterable[tuple]) -> int:
        database, table = self._target(s.Table(tuple(parts)), "INSERT")
        if columns is None:
            given = [column for column in table.stored_columns() if column.type.name != "rowversion"]
        else:
            given = [table.column(name) for name in columns]
            if None in given:
                raise SqlError(207, f"Invalid column name '{columns[given.index(None)]}'.")
        compiler = QueryCompiler(self, self.runtime)
        self._cancelled = False
        try:
            self.lock_for_write(database, table)
            names, cells = self._completed(compiler, database, table, given, [f"?{at + 1}" for at in range(len(given))])
            sql = f"INSERT INTO {database.schema}.{table.physical} ({', '.join(names)}) VALUES ({', '.join(cells)})"
            count = 0

            def counted():
                nonlocal count
                for row in stored_rows([column.type for column in given], rows):
                    count += 1
                    yield row
            self.runtime.error = None
            self.runtime.connection.executemany(sql, counted())
            self.verify(database, table, "INSERT")
        except sqlite3.IntegrityError as error:
            self.statement_failed()
            raise self._violation(str(error), database, table) from error
        except BaseException:
            self.statement_failed()
            raise
        self._end_statement()
        return count


def _braces(sql: str) -> str:
    return sql.replace("{", "{{").replace("}", "}}")


def _find_table(node, parts: tuple[str, ...]) -> s.Table | None:
    if isinstance(node, s.Join):
        return _find_table(node.left, parts) or _find_table(node.right, parts)
    if isinstance(node, s.Table):
        if len(parts) == 1 and (node.alias or node.parts[-1]).casefold() == parts[0].casefold():
            return node
        if node.alias is None and node.parts[-1].casefold() == parts[-1].casefold():
            return node
    return None
