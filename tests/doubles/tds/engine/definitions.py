"""CREATE, ALTER, DROP, GRANT."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterator

from ..model import RowCount, SqlError, SqlType
from . import collations
from . import syntax as s
from .catalog import AliasType, Column, Object, Statistics, now
from .compile_expressions import unknown
from .compile_queries import QueryCompiler
from .expression import Scope
from .security_definitions import SecurityDefinitions
from .server import Database
from .table_definitions import TableDefinitions


class Definitions(TableDefinitions, SecurityDefinitions):
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
