"""The DuckDB below: one connection, used by one statement at a time under the service's lock."""

import duckdb

from .errors import SnowflakeError, from_engine
from .macros import MACROS


class Engine:
    def __init__(self, path=None):
        self._connection = duckdb.connect(str(path) if path else ":memory:")
        self.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true; SET threads = 2; SET autoinstall_known_extensions = false")
        self.execute("CREATE SCHEMA data; CREATE SEQUENCE data.row_number")
        self.execute(MACROS)
        self._tables = set()
        self._depth = 0

    def execute(self, sql: str):
        try:
            return self._connection.execute(sql)
        except duckdb.InterruptException:
            from .errors import canceled
            raise canceled() from None
        except duckdb.Error as error:
            raise from_engine(str(error)) from None

    def rows(self, sql: str) -> list:
        return self.execute(sql).fetchall()

    def value(self, sql: str):
        return self.rows(sql)[0][0]

    def arrow(self, sql: str):
        """A pyarrow.Table, and the engine's types of its columns."""
        try:
            relation = self._connection.sql(sql)
            return relation.to_arrow_table(), [str(type_) for type_ in relation.types]
        except duckdb.InterruptException:
            from .errors import canceled
            raise canceled() from None
        except duckdb.Error as error:
            raise from_engine(str(error)) from None

    def types(self, sql: str) -> list:
        """The engine's types of the columns of a query."""
        return [str(row[1]) for row in self.execute("DESCRIBE " + sql).fetchall()]

    def names_and_types(self, sql: str) -> list:
        return [(row[0], str(row[1])) for row in self.execute("DESCRIBE " + sql).fetchall()]

    def register(self, name: str, table):
        self._connection.register(name, table)

    def unregister(self, name: str):
        self._connection.unregister(name)

    def interrupt(self):
        self._connection.interrupt()

    # --- all or nothing, for one statement

    def __enter__(self):
        self._depth += 1
        if self._depth == 1:
            self.execute("BEGIN")
        return self

    def __exit__(self, kind, error, trace):
        self._depth -= 1
        if self._depth:
            return
        if kind is None:
            self.execute("COMMIT")
        else:
            try:
                self.execute("ROLLBACK")
            except SnowflakeError:
                pass  # the engine has rolled back by itself

    # --- tables

    def create_table(self, table):
        for number, column in enumerate(table.columns, 1):
            column.physical = column.physical or f"c{number}"
        columns = "".join(f"{c.physical} {c.type.engine}, " for c in table.columns)
        self.execute(f"CREATE TABLE {table.physical} ({columns}born BIGINT, dead BIGINT)")
        self._tables.add(table.id)

    def drop_table(self, table):
        self.execute(f"DROP TABLE IF EXISTS {table.physical}")
        self._tables.discard(table.id)

    def has_table(self, table_id: int) -> bool:
        return table_id in self._tables
