"""CREATE TABLE and ALTER TABLE, and the tables of SQLite behind them."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from ..model import RowCount, SqlError
from . import collations, types
from . import syntax as s
from .catalog import Column, Index, Object, now
from .compile_expressions import unknown
from .compile_queries import QueryCompiler
from .expression import Ex, Scope, Source
from .server import Database
from .types import family


class TableDefinitions:
    def _create_table(self, node: s.CreateTable) -> Iterator:
        database, schema, name = self._new_place(node.name, "CREATE TABLE")

        def create():
            catalog = database.catalog
            made = Object(catalog.new_object_id(), schema, name, "U", now(), now(), memory_optimized=node.memory_optimized)
            catalog.objects[made.id] = made
            if not node.columns:
                raise SqlError(102, "Incorrect syntax near ')'.", 15)
            for definition in node.columns:
                self._add_column(database, made, definition)
            self._check_columns(made)
            self._keys(database, made, node.keys)
            if node.period:
                made.period = node.period
                for end in node.period:
                    column = made.column(end)
                    if column is None or column.type.name != "datetime2":
                        raise SqlError(13501, f"Temporal generated always column definition '{end}' is missing or has invalid data type.")
                    column.nullable = False
            self._make_file_table(database, made)
            if node.system_versioned:
                self._versioned(database, made, node.history)
            catalog.touch(made)
        yield from self._defining(database, None, create)

    def _versioned(self, database: Database, made: Object, history: tuple | None) -> None:
        if not made.period:
            raise SqlError(13510, "Cannot set SYSTEM_VERSIONING to ON when SYSTEM_TIME period is not defined.")
        if not any(index.kind == "PK" for index in made.indexes):
            raise SqlError(13553, f"System versioned temporal table '{made.schema}.{made.name}' must have primary key defined.")
        catalog = database.catalog
        schema, name = (history[-2] if history and len(history) > 1 else made.schema,
                        history[-1] if history else f"MSSQL_TemporalHistoryFor_{made.id}")
        kept = catalog.find(schema, name)
        if kept is None:
            kept = Object(catalog.new_object_id(), schema, name, "U", now(), now())
            kept.columns = [replace(copy.copy(column), identity=None, default=None, hidden=False, generated="") for column in made.columns
                            if column.stored]
            kept.next_column = made.next_column
            catalog.objects[kept.id] = kept
            self._make_file_table(database, kept)
        kept.temporal, made.temporal, made.history = 1, 2, kept.id
        catalog.touch(kept)

    def _add_column(self, database: Database, table: Object, definition: s.ColumnDefinition) -> Column:
        if table.column(definition.name):
            raise SqlError(2705, f"Column names in each table must be unique. Column name '{definition.name}' in table '{table.name}' is specified "
                                 "more than once.")
        if definition.computed is not None:
            column = self._computed_column(database, table, definition)
        else:
            type_, alias = self.resolve_type(definition.type, 1)
            alias_type = database.catalog.find_type(tuple(alias.split("."))) if alias and not alias.startswith("sys.") else None
            if definition.collation:
                if family(type_) != "text":
                    raise SqlError(447, f"Expression type {type_.name} is invalid for COLLATE clause.")
                type_ = types.with_collation(type_, collations.check(definition.collation))
                if type_.collation.casefold() == database.settings.collation.casefold():
                    type_ = types.with_collation(type_, None)
            nullable = definition.nullable
            if nullable is None:
                nullable = (alias_type.nullable if alias_type else True) and not definition.identity and type_.name != "rowversion"
            column = Column(table.next_column, definition.name, type_, nullable, alias, definition.identity, definition.default,
                            definition.default_text, sparse=definition.sparse, column_set=definition.column_set, rowguid=definition.rowguid,
                            generated=definition.generated, hidden=definition.hidden, masked=definition.masked)
            if definition.default is not None:
                column.default_name = definition.default_name or f"DF__{table.name[:9]}__{definition.name[:5]}__{table.next_column:08X}"
            if definition.identity and (family(type_) not in ("int", "decimal") or type_.scale or type_.name == "bit"):
                raise SqlError(2749, f"Identity column '{definition.name}' must be of data type int, bigint, smallint, tinyint, or decimal or "
                                     "numeric with a scale of 0, unencrypted, and constrained to be nonnullable.")
            if definition.sparse and not nullable:
                raise SqlError(1731, f"Cannot create the sparse column '{definition.name}' in the table '{table.name}' because an option or data "
                                     "type specified is not valid. A sparse column must be nullable.")
            if definition.column_set and type_.name != "xml":
                raise SqlError(1734, f"Cannot create the sparse column set '{definition.name}' in the table '{table.name}' because a column set "
                                     "must be a nullable xml column.")
        table.columns.append(column)
        table.next_column += 1
        return column

    def _computed_column(self, database: Database, table: Object, definition: s.ColumnDefinition) -> Column:
        compiler = QueryCompiler(self, self.runtime)
        scope = Scope()
        scope.sources.append(Source(table.name, self.columns_of(compiler, database, table, ""), ""))
        ex = compiler.value(definition.computed, scope)
        return Column(table.next_column, definition.name, ex.type, ex.nullable if definition.nullable is None else definition.nullable,
                      computed=definition.computed, computed_text=f"({definition.computed_text.strip()})"
                      if not definition.computed_text.startswith("(") else definition.computed_text, persisted=definition.persisted)

    def _check_columns(self, table: Object) -> None:
        for what, number, count in (
                ("identity", 2744, sum(column.identity is not None for column in table.columns)),
                ("rowversion", 2738, sum(column.type.name == "rowversion" for column in table.columns)),
                ("column set", 1735, sum(column.column_set for column in table.columns))):
            if count > 1:
                raise SqlError(number, f"Multiple {what} columns specified for table '{table.name}'. Only one {what} column per table is allowed.")
        if len(table.columns) > 1024 and not any(column.column_set for column in table.columns):
            raise SqlError(1702, f"CREATE TABLE failed because column '{table.columns[1024].name}' in table '{table.name}' exceeds the maximum of "
                                 "1024 columns.")

    def _keys(self, database: Database, table: Object, keys: list) -> None:
        catalog = database.catalog
        keys = sorted(keys, key=lambda key: not (isinstance(key, s.KeyDefinition) and key.kind == "PK"))
        for key in keys:
            if isinstance(key, s.KeyDefinition):
                clustered = key.clustered
                if clustered is None:
                    clustered = key.kind == "PK" and not any(index.clustered for index in table.indexes) and not any(
                        isinstance(other, s.KeyDefinition) and other.clustered or isinstance(other, s.CreateIndex) and other.clustered
                        for other in keys)
                object_id = catalog.new_object_id()
                name = key.name or f"{key.kind}__{table.name[:8]}__{object_id:016X}"
                if key.kind == "PK":
                    if any(index.kind == "PK" for index in table.indexes):
                        raise SqlError(1779, f"Table '{table.name}' already has a primary key defined on it.")
                self._add_index(database, table, name, key.columns, key.kind, True, clustered, object_id=object_id,
                                system_named=key.name is None)
                if key.kind == "PK":
                    for column_id, _ in table.indexes[-1].columns:
                        table.by_id(column_id).nullable = False
            elif isinstance(key, s.CreateIndex):
                self._add_index(database, table, key.name, key.columns, "", key.unique, key.clustered, key.columnstore, key.included)
            elif isinstance(key, s.CheckDefinition):
                object_id = catalog.new_object_id()
                table.checks.append((key.name or f"CK__{table.name[:9]}__{object_id:08X}", object_id, key.condition, key.text))
            else:
                self.add_foreign_key(database, table, key)

    def _add_index(self, database: Database, table: Object, name: str, columns: list, kind: str, unique: bool, clustered: bool,
                   columnstore: bool = False, included: list = (), object_id: int = 0, system_named: bool = False) -> Index:
        if any(index.name.casefold() == name.casefold() for index in table.indexes):
            raise SqlError(1913, f"The operation failed because an index or statistics with name '{name}' already exists on table "
                                 f"'{table.schema}.{table.name}'.")
        if clustered and any(index.clustered for index in table.indexes):
            raise SqlError(1902, f"Cannot create more than one clustered index on table '{table.name}'.")
        keys = []
        for column_name, descending in columns:
            column = table.column(column_name)
            if column is None:
                raise SqlError(1911, f"Column name '{column_name}' does not exist in the target table or view.")
            if (types.is_max(column.type) or column.type.name in ("geometry", "geography")) and not columnstore:
                raise SqlError(1919, f"Column '{column_name}' in table '{table.name}' is of a type that is invalid for use as a key column in an "
                                     "index.")
            keys.append((column.id, descending))
        used = {index.id for index in table.indexes}
        index_id = 1 if clustered else next(number for number in range(2, 1000) if number not in used)
        index = Index(index_id, name, keys, kind, unique, clustered, columnstore, [table.column(column).id for column in included], object_id,
                      system_named)
        table.indexes.append(index)
        return index

    # ---- their tables in SQLite

    def _sqlite_columns(self, compiler: QueryCompiler, database: Database, table: Object) -> list[str]:
        written = []
        for column in table.stored_columns():
            collate = ""
            if family(column.type) == "text":
                collate = f" COLLATE {self.runtime.collation(column.type.collation or database.settings.collation)}"
            elif column.type.name == "datetimeoffset":
                collate = ' COLLATE "instant"'
            elif column.type.name == "sql_variant":
                collate = ' COLLATE "variant"'
            written.append(f"{column.physical}{collate}{'' if column.nullable else ' NOT NULL'}")
        return written

    def _make_file_table(self, database: Database, table: Object, name: str | None = None) -> None:
        compiler = QueryCompiler(self, self.runtime)
        columns = self._sqlite_columns(compiler, database, table)
        if not columns:
            columns = ["nothing"]
        physical = name or table.physical
        self.runtime.run(f"CREATE TABLE {database.schema}.{physical} ({', '.join(columns)})")
        if name is None:
            for index in table.indexes:
                self._make_file_index(database, table, index)

    def _make_file_index(self, database: Database, table: Object, index: Index) -> None:
        if index.columnstore or not index.columns or any(not table.by_id(id_).stored for id_, _ in index.columns):
            if index.unique:
                raise unknown("a unique index over a computed column")
            return
        keys = []
        for column_id, descending in index.columns:
            column = table.by_id(column_id)
            down = " DESC" if descending else ""
            keys.append(f"{column.physical}{down}")
            if index.unique and column.nullable:
                keys[-1] = f"({column.physical} IS NULL)"
                collate = ""
                if family(column.type) == "text":
                    collate = f" COLLATE {self.runtime.collation(column.type.collation or database.settings.collation)}"
                elif column.type.name == "datetimeoffset":
                    collate = ' COLLATE "instant"'
                keys.append(f"ifnull({column.physical}, 0){collate}{down}")
        self.runtime.run(f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {database.schema}.i{table.id}_{index.id} ON {table.physical} "
                         f"({', '.join(keys)})")

    def _rebuild(self, database: Database, table: Object, expressions: dict[int, str]) -> None:
        """The table anew from its own rows; `expressions`: of columns that are not just copied, over the old columns."""
        temporary = f"{table.physical}_new"
        self._make_file_table(database, table, temporary)
        old = {row[1] for row in self.runtime.run(f"PRAGMA {database.schema}.table_info({table.physical})")}
        names, values = ["rowid"], ["rowid"]
        for column in table.stored_columns():
            if column.id in expressions:
                names.append(column.physical)
                values.append(expressions[column.id])
            elif column.physical in old:
                names.append(column.physical)
                values.append(column.physical)
        try:
            self.runtime.run(f"INSERT INTO {database.schema}.{temporary} ({', '.join(names)}) SELECT {', '.join(values)} FROM "
                             f"{database.schema}.{table.physical}")
        except sqlite3.IntegrityError as error:
            raise self._violation(str(error), database, table) from error
        self.runtime.run(f"DROP TABLE {database.schema}.{table.physical}")
        self.runtime.run(f"ALTER TABLE {database.schema}.{temporary} RENAME TO {table.physical}")
        for index in table.indexes:
            self._make_file_index(database, table, index)

    # ---- ALTER TABLE

    def _alter_table(self, node: s.AlterTable) -> Iterator:
        if node.action == "NOTHING":
            yield RowCount(-1)
            return
        database, table = self.object(node.name)
        self._owner_only("ALTER TABLE")
        action = {"ADD": self._alter_add, "DROP COLUMN": self._alter_drop_column, "ALTER COLUMN": self._alter_column,
                  "DROP CONSTRAINT": self._alter_drop_constraint, "SET": self._alter_set}[node.action]

        def alter():
            action(database, database.catalog.objects[table.id], node)
            database.catalog.touch(database.catalog.objects[table.id])
        yield from self._defining(database, table, alter)

    def _alter_add(self, database: Database, table: Object, node: s.AlterTable) -> None:
        compiler = QueryCompiler(self, self.runtime)
        expressions = {}
        for definition in node.columns:
            column = self._add_column(database, table, definition)
            if column.identity:
                raise unknown("ALTER TABLE … ADD … IDENTITY")
            if column.default is not None and not column.nullable:
                expressions[column.id] = self._default(compiler, column)
            elif column.type.name == "rowversion":
                expressions[column.id] = f"{self._rowversion(database)}()"
            elif not column.nullable and column.stored and self.runtime.run(
                    f"SELECT 1 FROM {database.schema}.{table.physical} LIMIT 1").fetchone():
                raise SqlError(4901, "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified, "
                                     "or the column being added is an identity or timestamp column, or alternatively if none of the previous "
                                     f"conditions are satisfied the table must be empty to allow addition of this column. Column '{column.name}' "
                                     f"cannot be added to non-empty table '{table.name}' because it does not satisfy these conditions.")
        self._check_columns(table)
        self._keys(database, table, node.keys)
        self._rebuild(database, table, expressions)
        self.verify(database, table, "ALTER TABLE")

    def _alter_drop_column(self, database: Database, table: Object, node: s.AlterTable) -> None:
        for name in node.names:
            column = table.column(name)
            if column is None:
                raise SqlError(4924, f"ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table '{table.name}'.")
            if any(column.id in [id_ for id_, _ in index.columns] for index in table.indexes):
                raise SqlError(5074, f"The object '{table.indexes[0].name}' is dependent on column '{name}'.")
            table.columns.remove(column)
        self._rebuild(database, table, {})

    def _alter_column(self, database: Database, table: Object, node: s.AlterTable) -> None:
        definition = node.columns[0]
        column = table.column(definition.name)
        if column is None:
            raise SqlError(4924, f"ALTER TABLE ALTER COLUMN failed because column '{definition.name}' does not exist in table '{table.name}'.")
        if definition.masked:
            raise unknown("ALTER COLUMN … MASKED")
        type_, alias = self.resolve_type(definition.type, 1)
        if definition.collation:
            type_ = types.with_collation(type_, collations.check(definition.collation))
            if type_.collation.casefold() == database.settings.collation.casefold():
                type_ = types.with_collation(type_, None)
        compiler = QueryCompiler(self, self.runtime)
        old = Ex(column.physical, column.type, True)
        value = compiler.convert(old, type_, assigned_to=(f"{database.settings.name}.{table.schema}.{table.name}", column.name))
        column.type, column.alias = type_, alias
        column.nullable = True if definition.nullable is None else definition.nullable
        self._rebuild(database, table, {column.id: value.sql})

    def _alter_drop_constraint(self, database: Database, table: Object, node: s.AlterTable) -> None:
        for name in node.names:
            index = next((index for index in table.indexes if index.kind and index.name.casefold() == name.casefold()), None)
            if index is not None:
                table.indexes.remove(index)
                continue
            kept = len(table.checks) + len(table.foreign_keys)
            table.checks = [check for check in table.checks if check[0].casefold() != name.casefold()]
            table.foreign_keys = [key for key in table.foreign_keys if key[0].casefold() != name.casefold()]
            if len(table.checks) + len(table.foreign_keys) < kept:
                continue
            column = next((column for column in table.columns if column.default_name.casefold() == name.casefold()), None)
            if column is None:
                raise SqlError(3728, f"'{name}' is not a constraint.")
            column.default, column.default_text, column.default_name = None, "", ""
        self._rebuild(database, table, {})

    def _alter_set(self, database: Database, table: Object, node: s.AlterTable) -> None:
        wanted = node.columns[0]
        if wanted.system_versioned:
            self._versioned(database, table, wanted.history)
        elif table.temporal == 2:
            database.catalog.objects[table.history].temporal = 0
            table.temporal, table.history = 0, 0
