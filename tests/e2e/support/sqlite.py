"""A SQLite file as a source, read over ODBC by pulk and by Python's own module here."""

import contextlib
import sqlite3


class SqliteSource:
    def __init__(self, path):
        self.path = path

    def execute(self, sql: str):
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(sql)
            connection.commit()

    def rows(self, sql: str) -> list:
        """Tuples of canonical text (see support.values)."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return [tuple(_text(value) for value in row) for row in connection.execute(sql)]


def _text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return repr(value)
