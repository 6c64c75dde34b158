"""What the tests of the engine behind the stand-in for SQL Server share. It runs in their own process, without the wire."""

import itertools
import threading

from .tds.engine import make_engine
from .tds.model import Login, ResultSet, SqlError

_names = itertools.count(1)


class Client:
    """A session, its results as lists."""

    def __init__(self, engine, database, user="sa"):
        self.session = engine.open_session(Login(user, "sql", database))
        self.engine, self.database = engine, database

    def results(self, sql, *parameters):
        return [(event.columns, list(event.rows)) if isinstance(event, ResultSet) else event
                for event in self.session.execute(sql, list(parameters))]

    def rows(self, sql, *parameters):
        """Of the first result."""
        return next((found[1] for found in self.results(sql, *parameters) if isinstance(found, tuple)), None)

    def row(self, sql, *parameters):
        rows = self.rows(sql, *parameters)
        assert len(rows) == 1, rows
        return rows[0]

    def value(self, sql, *parameters):
        row = self.row(sql, *parameters)
        assert len(row) == 1, row
        return row[0]

    def columns(self, sql):
        return [(column.name, column.type, column.nullable) for column in self.session.describe(sql, [])]

    def types(self, sql):
        return [column.type for column in self.session.describe(sql, [])]

    def fails(self, sql) -> int:
        return self.error(sql).number

    def error(self, sql) -> SqlError:
        try:
            found = self.results(sql)
        except SqlError as error:
            return error
        raise AssertionError(f"no error: {found}")

    def begins(self, sql) -> "Background":
        return Background(self, sql)

    def other(self, user="sa") -> "Client":
        return Client(self.engine, self.database, user)


class Background:
    """A statement in a thread, that waits for a lock when this is made."""

    def __init__(self, client, sql):
        self.result = self.error = None
        self._thread = threading.Thread(target=self._run, args=(client, sql), daemon=True)
        self._thread.start()
        locks = client.engine.locks
        with locks._changed:
            assert locks._changed.wait_for(lambda: not self._thread.is_alive() or any(
                request.session is client.session for queue in locks._waiting.values() for request in queue), 10)

    def _run(self, client, sql):
        try:
            self.result = client.results(sql)
        except SqlError as error:
            self.error = error.number

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()

    def end(self):
        self._thread.join(10)
        assert not self._thread.is_alive(), "the statement still waits"
        return self.result if self.error is None else self.error


def new_database(engine) -> Client:
    name = f"d{next(_names)}"
    engine.create_database(name)
    return Client(engine, name)


__all__ = ["Background", "Client", "make_engine", "new_database"]
