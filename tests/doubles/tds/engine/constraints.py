"""CHECK and FOREIGN KEY: looked at over the whole table after each statement that changed it."""

from __future__ import annotations

from ..model import SqlError
from . import syntax as s
from .catalog import Object
from .compile_queries import QueryCompiler
from .expression import Scope, Source
from .server import Database


class Constraints:
    def constrained(self, database: Database, table: Object) -> bool:
        return bool(table.checks or table.foreign_keys or self._referring(database, table))

    def _referring(self, database: Database, table: Object) -> list[Object]:
        return [other for other in database.catalog.objects.values() if any(key[3] == table.id for key in other.foreign_keys)]

    def verify(self, database: Database, table: Object, verb: str) -> None:
        """Throws 547."""
        for name, _, condition, _ in table.checks:
            compiler = QueryCompiler(self, self.runtime)
            scope = Scope()
            scope.sources.append(Source(table.name, self.columns_of(compiler, database, table, "k"), "k", table.schema))
            sql = compiler.condition(condition, scope)
            if self.runtime.run(f"SELECT 1 FROM {database.schema}.{table.physical} AS k WHERE NOT ({sql}) LIMIT 1",
                                compiler.parameters).fetchone():
                raise self._conflict(verb, "CHECK", name, database, table)
        for key in table.foreign_keys:
            self._verify_key(database, table, key, verb, "FOREIGN KEY", database.catalog.objects[key[3]])
        for other in self._referring(database, table):
            if other is not table:
                for key in other.foreign_keys:
                    if key[3] == table.id:
                        self._verify_key(database, other, key, verb, "REFERENCE", other)

    def _verify_key(self, database: Database, child: Object, key: tuple, verb: str, what: str, shown: Object) -> None:
        name, _, columns, parent, referenced = key
        parent = database.catalog.objects[parent]
        pairs = " AND ".join(f"b.c{theirs} = a.c{own}" for own, theirs in zip(columns, referenced))
        given = " AND ".join(f"a.c{own} IS NOT NULL" for own in columns)
        if self.runtime.run(f"SELECT 1 FROM {database.schema}.{child.physical} AS a WHERE {given} AND NOT EXISTS (SELECT 1 FROM "
                            f"{database.schema}.{parent.physical} AS b WHERE {pairs}) LIMIT 1").fetchone():
            raise self._conflict(verb, what, name, database, shown)

    def _conflict(self, verb: str, what: str, name: str, database: Database, table: Object) -> SqlError:
        return SqlError(547, f'The {verb} statement conflicted with the {what} constraint "{name}". The conflict occurred in database '
                             f'"{database.settings.name}", table "{table.schema}.{table.name}".')

    def add_foreign_key(self, database: Database, table: Object, key: s.ForeignKeyDefinition) -> None:
        other_database, parent = (database, table) if key.table[-1].casefold() == table.name.casefold() else self.object(key.table)
        if other_database is not database or parent.kind != "U":
            raise SqlError(1763, "Cross-database foreign key references are not supported.")
        parent = database.catalog.objects[parent.id]
        wanted = key.referenced or [parent.by_id(id_).name for index in parent.indexes if index.kind == "PK" for id_, _ in index.columns]
        columns, referenced = [table.column(name) for name in key.columns], [parent.column(name) for name in wanted]
        if None in columns or None in referenced or len(columns) != len(referenced):
            raise SqlError(1770, f"Foreign key '{key.name}' references invalid column in referenced table '{parent.name}'.")
        ids = sorted(column.id for column in referenced)
        if not any(index.unique and sorted(id_ for id_, _ in index.columns) == ids for index in parent.indexes):
            raise SqlError(1776, f"There are no primary or candidate keys in the referenced table '{parent.schema}.{parent.name}' that match the "
                                 f"referencing column list in the foreign key '{key.name}'.")
        for own, theirs in zip(columns, referenced):
            if own.type != theirs.type:
                raise SqlError(1778, f"Column '{parent.name}.{theirs.name}' is not the same data type as referencing column "
                                     f"'{table.name}.{own.name}' in foreign key '{key.name}'.")
        object_id = database.catalog.new_object_id()
        name = key.name or f"FK__{table.name[:9]}__{columns[0].name[:5]}__{object_id:08X}"
        table.foreign_keys.append((name, object_id, [column.id for column in columns], parent.id, [column.id for column in referenced]))
