"""CREATE, ALTER, DROP, GRANT."""

from __future__ import annotations

import copy
import pickle
import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from ..model import RowCount, SqlError, SqlType
from . import collations, types
from . import syntax as s
from .catalog import AliasType, Column, Index, Object, Statistics, now
from .compile_expressions import unknown
from .compile_queries import QueryCompiler
from .expression import Ex, Scope, Source
from .server import Database
from .types import family


class Definitions:
    @staticmethod
    def handlers() -> dict:
        return {
            s.CreateDatabase: Definitions._create_database, s.AlterDatabase: Definitions._alter_database,
            s.CreateSchema: Definitions._create_schema, s.CreateTable: Definitions._create_table, s.CreateType: Definitions._create_type,
            s.CreateView: Definitions._create_view, s.CreateIndex: Definitions._create_index, s.CreateSynonym: Definitions._create_synonym,
            s.CreateStatistics: Definitions._create_statistics, s.CreateLogin: Definitions._create_login, s.CreateUser: Definitions._create_user,
            s.Grant: Definitions._grant, s.RoleMember: Definitions._role_member, s.CreateSecurityPolicy: Definitions._create_policy,
            s.AlterTable: Definitions._alter_table, s.Drop: Definitions._drop,
        }

    def _owner_only(self, what: str) -> None:
        if not self.engine.is_sysadmin(self.login.user) and "db_owner" not in self._principals(self.engine.find(self.database)):
            raise SqlError(262, f"{what} permission denied in database '{self.database}'.", 14)

    def _defining(self, database: Database, found: Object | None, action) -> Iterator:
        """Runs `action`; what it did to file and catalog is undone when it fails."""
        self.attached(database)
        self.lock_for_definition(database, found)
        before = pickle.dumps(database.catalog)
        self.runtime.run("SAVEPOINT definition")
        try:
            action()
        except BaseException:
            database.catalog = pickle.loads(before)  # noqa: S301  our own
            self.runtime.run("ROLLBACK TO definition")
            self.runtime.run("RELEASE definition")
            raise
        self.runtime.run("RELEASE definition")
        yield RowCount(-1)

    def _new_place(self, parts: tuple[str, ...], what: str) -> tuple[Database, str, str]:
        self._owner_only(what)
        if parts[-1].startswith("#"):
            return self.engine.find("tempdb"), f"#{self.id}", parts[-1]
        database, schema, name = self.place(parts)
        found = database.catalog.schema(schema)
        if found is None:
            raise SqlError(2760, f'The specified schema name "{schema}" either does not exist or you do not have permission to use it.')
        if database.catalog.find(found, name) is not None:
            raise SqlError(2714, f"There is already an object named '{name}' in the database.")
        return database, found, name

    def drop_temporary(self) -> None:
        database = self.engine.find("tempdb")
        for found in [found for found in database.catalog.objects.values() if found.schema == f"#{self.id}"]:
            del database.catalog.objects[found.id]

    # ---- databases

    def _create_database(self, node: s.CreateDatabase) -> Iterator:
        if self.trancount:
            raise SqlError(226, "CREATE DATABASE statement not allowed within multi-statement transaction.")
        self._owner_only("CREATE DATABASE")
        if node.collation:
            collations.check(node.collation)
        self.engine.create_database(node.name, node.collation, node.snapshot_of)
        yield RowCount(-1)

    def _alter_database(self, node: s.AlterDatabase) -> Iterator:
        if self.trancount:
            raise SqlError(226, "ALTER DATABASE statement not allowed within multi-statement transaction.")
        database = self.engine.find(node.name or self.database)
        on = node.value == "ON"
        if node.option == "ALLOW_SNAPSHOT_ISOLATION":
            database.settings.snapshot_isolation = on
        elif node.option == "READ_COMMITTED_SNAPSHOT":
            database.settings.read_committed_snapshot = on
        elif node.option in ("READ_ONLY", "READ_WRITE"):
            database.settings.read_only = node.option == "READ_ONLY"
        elif node.option == "COMPATIBILITY_LEVEL":
            database.settings.compatibility_level = int(node.value)
        elif node.option not in ("RECOVERY", "AUTO_CLOSE", "AUTO_SHRINK", "AUTO_UPDATE_STATISTICS", "AUTO_CREATE_STATISTICS", "MULTI_USER",
                                 "DELAYED_DURABILITY", "TRUSTWORTHY", "ANSI_NULLS", "QUOTED_IDENTIFIER"):
            raise unknown(f"ALTER DATABASE … SET {node.option}")
        self.engine.save()
        yield RowCount(-1)

    def _create_schema(self, node: s.CreateSchema) -> Iterator:
        self._owner_only("CREATE SCHEMA")
        database = self.engine.find(self.database)

        def create():
            if database.catalog.schema(node.name):
                raise SqlError(2714, f"There is already an object named '{node.name}' in the database.")
            database.catalog.schemas[node.name] = max(max(database.catalog.schemas.values()) + 1, 5)
        yield from self._defining(database, None, create)

    def _create_type(self, node: s.CreateType) -> Iterator:
        database, schema, name = self.place(node.name)
        type_, _ = self.resolve_type(node.base, 1)

        def create():
            if database.catalog.find_type((schema, name)):
                raise SqlError(219, f"The type '{schema}.{name}' already exists, or you do not have permission to create it.")
            database.catalog.types.append(AliasType(schema, name, type_, node.nullable, database.catalog.next_type))
            database.catalog.next_type += 1
        yield from self._defining(database, None, create)

    # ---- tables

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

    # ---- what stands beside tables

    def _create_index(self, node: s.CreateIndex) -> Iterator:
        database, table = self.object(node.table)
        self._owner_only("CREATE INDEX")

        def create():
            found = database.catalog.objects[table.id]
            if node.where is not None and node.unique:
                raise unknown("a unique index with WHERE")
            index = self._add_index(database, found, node.name, node.columns, "", node.unique, node.clustered, node.columnstore, node.included)
            index.filtered = node.where is not None
            try:
                self._make_file_index(database, found, index)
            except sqlite3.IntegrityError as error:
                raise SqlError(1505, f"The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name "
                                     f"'{found.schema}.{found.name}' and the index name '{node.name}'.") from error
            database.catalog.touch(found)
        yield from self._defining(database, table, create)

    def _create_statistics(self, node: s.CreateStatistics) -> Iterator:
        database, table = self.object(node.table)

        def create():
            found = database.catalog.objects[table.id]
            used = {index.id for index in found.indexes} | {statistics.id for statistics in found.statistics}
            columns = [found.column(name) for name in node.columns]
            if None in columns:
                raise SqlError(1911, f"Column name '{node.columns[columns.index(None)]}' does not exist in the target table or view.")
            found.statistics.append(Statistics(next(n for n in range(2, 1000) if n not in used), node.name, [column.id for column in columns]))
        yield from self._defining(database, table, create)

    def _create_view(self, node: s.CreateView) -> Iterator:
        database, schema, name = self.place(node.name)
        self._owner_only("CREATE VIEW")
        existing = database.catalog.find(schema, name)
        if existing is not None and not (node.alter and existing.kind == "V"):
            raise SqlError(2714, f"There is already an object named '{name}' in the database.")
        if database.catalog.schema(schema) is None:
            raise SqlError(2760, f'The specified schema name "{schema}" either does not exist or you do not have permission to use it.')
        compiler = QueryCompiler(self, self.runtime)
        compiled = compiler.query(node.query, Scope())
        compiler._source_columns(compiled, node.columns, name)
        self._touched.clear()

        def create():
            made = existing and database.catalog.objects[existing.id] or Object(
                database.catalog.new_object_id(), database.catalog.schema(schema), name, "V", now(), now())
            database.catalog.objects[made.id] = made
            made.query, made.names, made.text = node.query, node.columns, node.text
            made.columns = [Column(at + 1, label, ex.type, ex.nullable) for at, (label, ex) in enumerate(
                zip(node.columns or compiled.names, compiled.columns))]
            database.catalog.touch(made)
        yield from self._defining(database, existing, create)

    def _create_synonym(self, node: s.CreateSynonym) -> Iterator:
        database, schema, name = self._new_place(node.name, "CREATE SYNONYM")

        def create():
            made = Object(database.catalog.new_object_id(), schema, name, "SN", now(), now(), target=node.target)
            database.catalog.objects[made.id] = made
        yield from self._defining(database, None, create)

    def _create_policy(self, node: s.CreateSecurityPolicy) -> Iterator:
        database, schema, name = self._new_place(node.name, "CREATE SECURITY POLICY")

        def create():
            predicates = [(text, self.object(table)[1].id) for text, table in node.predicates]
            database.catalog.policies.append((schema, name, database.catalog.new_object_id(), predicates, node.enabled))
        yield from self._defining(database, None, create)

    # ---- people

    def _create_login(self, node: s.CreateLogin) -> Iterator:
        self._owner_only("CREATE LOGIN")
        self.engine.add_login(node.name, node.password, node.database)
        yield RowCount(-1)

    def _create_user(self, node: s.CreateUser) -> Iterator:
        self._owner_only("CREATE USER")
        database = self.engine.find(self.database)
        if node.login and self.engine.find_login(node.login) is None:
            raise SqlError(15007, f"'{node.login}' is not a valid login or you do not have permission.")

        def create():
            if node.name.casefold() in {user.casefold() for user in database.catalog.users}:
                raise SqlError(15023, f"User, group, or role '{node.name}' already exists in the current database.")
            database.catalog.users[node.name] = node.login
        yield from self._defining(database, None, create)

    def _role_member(self, node: s.RoleMember) -> Iterator:
        self._owner_only("ALTER ROLE")
        if node.role.lower() in self.engine.server_roles:
            members = self.engine.server_roles[node.role.lower()]
            members.add(node.member) if node.add else members.discard(node.member)
            self.engine.save()
            yield RowCount(-1)
            return
        database = self.engine.find(self.database)

        def change():
            members = database.catalog.roles.setdefault(node.role.lower(), set())
            members.add(node.member) if node.add else members.discard(node.member)
        yield from self._defining(database, None, change)

    def _grant(self, node: s.Grant) -> Iterator:
        self._owner_only("GRANT")
        database = self.engine.find(self.database)
        kind, parts = node.securable
        securable: object = None
        if kind == "OBJECT":
            database, found = self.object(parts)
            securable = found.id
        elif kind == "SCHEMA":
            securable = parts[-1]
        elif kind not in ("DATABASE",):
            raise unknown(f"GRANT ON {kind}")

        def change():
            for grantee in node.grantees:
                if grantee.casefold() not in {user.casefold() for user in database.catalog.users} | {"public", "guest"} | set(database.catalog.roles):
                    raise SqlError(15151, f"Cannot find the user '{grantee}', because it does not exist or you do not have permission.")
                for permission in node.permissions:
                    same = (permission, kind, securable, grantee.casefold())
                    database.catalog.grants = [grant for grant in database.catalog.grants
                                               if (grant[1], grant[2], grant[3], grant[4].casefold()) != same or node.columns]
                    if node.action != "REVOKE":
                        database.catalog.grants.append((node.action, permission, kind, securable, grantee, node.columns))
        yield from self._defining(database, None, change)

    # ---- DROP

    def _drop(self, node: s.Drop) -> Iterator:
        self._owner_only(f"DROP {node.kind}")
        if node.kind == "DATABASE":
            for parts in node.names:
                if node.if_exists and parts[-1].casefold() not in self.engine.databases:
                    continue
                if parts[-1].casefold() not in self.engine.databases:
                    raise SqlError(3701, f"Cannot drop the database '{parts[-1]}', because it does not exist or you do not have permission.", 11)
                self.engine.drop_database(parts[-1])
            yield RowCount(-1)
        elif node.kind == "LOGIN":
            for parts in node.names:
                self.engine.logins.pop(parts[-1], None)
            self.engine.save()
            yield RowCount(-1)
        elif node.kind in ("TABLE", "VIEW", "SYNONYM"):
            for parts in node.names:
                yield from self._drop_object(node, parts)
        else:
            database = self.engine.find(self.database)
            yield from self._defining(database, None, lambda: self._drop_other(database, node))

    def _drop_object(self, node: s.Drop, parts: tuple[str, ...]) -> Iterator:
        kind = {"TABLE": "U", "VIEW": "V", "SYNONYM": "SN"}[node.kind]
        database, schema, name = self.place(parts)
        if name.startswith("#"):
            database, schema = self.engine.find("tempdb"), f"#{self.id}"
        found = database.catalog.find(schema, name)
        if found is None or found.kind != kind:
            if node.if_exists:
                return
            raise SqlError(3701, f"Cannot drop the {node.kind.lower()} '{name}', because it does not exist or you do not have permission.", 11)
        if kind == "U" and any(other is not found for other in self._referring(database, found)):
            raise SqlError(3726, f"Could not drop object '{name}' because it is referenced by a FOREIGN KEY constraint.")
        if found.temporal:
            raise SqlError(13552, f"Drop table operation failed on table '{database.settings.name}.{schema}.{name}' because it is not a supported "
                                  "operation on system-versioned temporal tables.")

        def drop():
            del database.catalog.objects[found.id]
            if kind == "U":
                self.runtime.run(f"DROP TABLE {database.schema}.{found.physical}")
            database.catalog.grants = [grant for grant in database.catalog.grants if grant[3] != found.id]
            database.identities.pop(found.id, None)
        yield from self._defining(database, found, drop)

    def _drop_other(self, database: Database, node: s.Drop) -> None:
        catalog = database.catalog
        for parts in node.names:
            name = parts[-1]
            if node.kind == "SCHEMA":
                schema = catalog.schema(name)
                if schema and any(found.schema == schema for found in catalog.objects.values()):
                    raise SqlError(3729, f"Cannot drop schema '{name}' because it is being referenced by object "
                                         f"'{next(f.name for f in catalog.objects.values() if f.schema == schema)}'.")
                done = catalog.schemas.pop(schema, None) if schema else None
            elif node.kind == "TYPE":
                found = catalog.find_type(parts)
                done = found and not catalog.types.remove(found)
            elif node.kind == "USER":
                done = catalog.users.pop(name, None) is not None
            elif node.kind == "INDEX":
                done = self._drop_index(database, node.table, name)
            else:
                table = self.object(parts[:-1])[1]
                kept = [statistics for statistics in table.statistics if statistics.name.casefold() != name.casefold()]
                done, table.statistics = len(kept) < len(table.statistics), kept
            if not done and not node.if_exists:
                raise SqlError(3701, f"Cannot drop the {node.kind.lower()} '{name}', because it does not exist or you do not have permission.", 11)

    def _drop_index(self, database: Database, table_parts: tuple[str, ...], name: str) -> bool:
        table = self.object(table_parts)[1]
        index = next((index for index in table.indexes if index.name.casefold() == name.casefold()), None)
        if index is None:
            return False
        if index.kind:
            raise SqlError(3723, f"An explicit DROP INDEX is not allowed on index '{table.name}.{name}'. It is being used for a key constraint.")
        table.indexes.remove(index)
        self.runtime.run(f"DROP INDEX IF EXISTS {database.schema}.i{table.id}_{index.id}")
        database.catalog.touch(table)
        return True

    def select_into(self, query: s.Query) -> Iterator:
        parts = query.body.into
        query.body.into = None
        try:
            compiled = QueryCompiler(self, self.runtime).query(query, top_level=True)
            self._touched.clear()
            columns = []
            for name, ex in zip(compiled.names, compiled.columns):
                definition = s.ColumnDefinition(name, s.TypeName((ex.type.name,), _arguments(ex.type)), nullable=ex.nullable,
                                                collation=ex.type.collation)
                columns.append(definition)
            for event in self._create_table(s.CreateTable(parts, columns, [])):
                del event
            yield from self.insert(s.Insert(s.Table(parts), None, query))
        finally:
            query.body.into = parts


def _arguments(type_: SqlType) -> tuple[int, ...]:
    if type_.name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        return (type_.length,)
    if type_.name in ("decimal", "numeric"):
        return (type_.precision, type_.scale)
    return (type_.scale,) if type_.name in ("time", "datetime2", "datetimeoffset") else ()
