"""Transactions, isolation and locks of a session.

SQLite keeps the rows: one writer per database at a time, readers see what was committed when their statement (SNAPSHOT: their transaction)
first read. Table locks on top of it make writers and readers wait for each other as in SQL Server:
  a writer holds IX on its table to the end, and the only write lock of the database;
  a READ COMMITTED reader waits for other writers of its tables, unless READ_COMMITTED_SNAPSHOT is on, and then holds nothing;
  HOLDLOCK, SERIALIZABLE and REPEATABLE READ hold S on the table to the end; NOLOCK waits only for definitions, and sees committed rows."""

from __future__ import annotations

import pickle
import sqlite3

from .. import wrongs
from ..model import SqlError
from . import locks
from .server import Database

_LEVELS = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SNAPSHOT", "SERIALIZABLE")


class Transactions:
    def _init_transactions(self) -> None:
        self.trancount = 0
        self.isolation = "READ COMMITTED"
        self._began_as = ""
        self._open = False  # a transaction of SQLite
        self._writes: set[str] = set()  # databases whose write lock is held
        self._undo: dict[str, bytes] = {}  # catalogs before this transaction's definitions
        self._statement_locks: list[tuple[tuple, str]] = []
        self._snapshot_at: dict[str, int] = {}  # the newest definition when the snapshot was taken, by database
        self._touched: list[tuple] = []  # what the statement reads: (database, object, hints)

    # ---- the contract

    def begin(self, isolation: str) -> None:
        if isolation:
            self.set_isolation(isolation)
        if self.trancount == 0:
            self._began_as = self.isolation
        self.trancount += 1

    def commit(self) -> None:
        if self.trancount == 0:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.trancount -= 1
        if self.trancount == 0:
            self._end(True)

    def rollback(self, name: str = "") -> None:
        if name and name.lower() in self._save_points():
            self.runtime.run(f'ROLLBACK TO "{name.lower()}"')
            return
        if self.trancount == 0:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.roll_back_everything()

    def set_isolation(self, isolation: str) -> None:
        if isolation not in _LEVELS:
            raise SqlError(40001, f"the stand-in does not know the isolation level {isolation}")
        self.isolation = isolation

    def save_point(self, name: str) -> None:
        if self.trancount == 0:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.")
        self._open_sqlite()
        self._save_points().add(name.lower())
        self.runtime.run(f'SAVEPOINT "{name.lower()}"')

    def _save_points(self) -> set:
        return self.__dict__.setdefault("_names", set())

    def roll_back_everything(self) -> None:
        self.trancount = 0
        self._end(False)

    def _end(self, commit: bool) -> None:
        self._close_cursor()
        try:
            if self._open:
                if commit:
                    for name in self._undo:
                        self._save_catalog(self.engine.databases[name])
                if self.runtime.connection.in_transaction:
                    self.runtime.run("COMMIT" if commit else "ROLLBACK")
        finally:
            if not commit:
                for name, document in self._undo.items():
                    database = self.engine.databases.get(name)
                    if database is not None:
                        database.catalog, _ = pickle.loads(document)  # noqa: S301  our own
            self._open = False
            self._writes.clear()
            self._undo.clear()
            self._snapshot_at.clear()
            self._save_points().clear()
            self._statement_locks.clear()
            self.engine.locks.release_all(self)

    # ---- statements

    def _open_sqlite(self) -> None:
        if not self._open:
            self.runtime.run("BEGIN")
            self._open = True

    def touch(self, database: Database, found, hints: tuple[str, ...]) -> None:
        self._touched.append((database, found, hints))

    def _without_locks(self, action):
        try:
            return action()
        finally:
            self._touched.clear()

    def lock_tables(self) -> None:
        """Takes what the statement's tables need, after it is known that it can be carried out."""
        touched, self._touched = self._touched, []
        for database, found, hints in touched:
            self._lock_for_read(database, found, set(hints))

    def _lock_for_read(self, database: Database, found, hints: set[str]) -> None:
        resource = (database.settings.id, found.id)
        level = self._level(hints)
        explicit = self.trancount > 0
        self._take(resource, locks.SCH_S, False)
        if level == "SNAPSHOT" and database.settings.id > 4:
            if explicit and self._began_as != "SNAPSHOT":
                raise SqlError(3951, f"Transaction failed in database '{database.settings.name}' because the statement was run under snapshot "
                                     "isolation but the transaction did not start in snapshot isolation. You cannot change the isolation level "
                                     "of the transaction to snapshot after the transaction has started unless the transaction was originally "
                                     "started under snapshot isolation level.")
            if not (database.settings.snapshot_isolation or database.settings.source_id):
                raise SqlError(3952, f"Snapshot isolation transaction failed accessing database '{database.settings.name}' because snapshot "
                                     "isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.")
            seen = self._snapshot_at.get(database.schema)
            if seen is not None and found.version > seen and "ddl_unseen" not in wrongs.NOW:
                raise SqlError(3961, f"Snapshot isolation transaction failed in database '{database.settings.name}' because the object accessed "
                                     "by the statement has been modified by a DDL statement in another concurrent transaction since the start "
                                     "of this transaction.")
            if explicit:
                self._snapshot_at.setdefault(database.schema, database.catalog.next_version)
                if "snapshot_not_kept" not in wrongs.NOW:
                    self._open_sqlite()
        if "TABLOCKX" in hints or "XLOCK" in hints:
            self._take(resource, locks.X, explicit)
        elif "UPDLOCK" in hints:
            self._take(resource, locks.U, explicit)
        elif level in ("REPEATABLE READ", "SERIALIZABLE"):
            self._take(resource, locks.S, explicit)
        elif "TABLOCK" in hints and level != "SNAPSHOT":
            self._take(resource, locks.S, False)
        elif level == "READ COMMITTED" and not database.settings.read_committed_snapshot and "READPAST" not in hints:
            if self._take(resource, locks.S, False):
                self._release_now(resource, locks.S)

    def _level(self, hints: set[str]) -> str:
        for hint, level in (("NOLOCK", "READ UNCOMMITTED"), ("READUNCOMMITTED", "READ UNCOMMITTED"), ("HOLDLOCK", "SERIALIZABLE"),
                            ("SERIALIZABLE", "SERIALIZABLE"), ("REPEATABLEREAD", "REPEATABLE READ"), ("READCOMMITTED", "READ COMMITTED"),
                            ("SNAPSHOT", "SNAPSHOT")):
            if hint in hints and self.isolation != "SNAPSHOT":
                return level
        if self.isolation == "SNAPSHOT" and hints & {"HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD", "TABLOCK", "TABLOCKX", "UPDLOCK", "XLOCK"}:
            return "SERIALIZABLE" if hints & {"HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD"} else "SNAPSHOT"
        return self.isolation

    def lock_for_write(self, database: Database, found, hints: tuple[str, ...] = ()) -> None:
        """IX on the table, then the database's write lock, then a transaction of SQLite."""
        if database.settings.read_only:
            raise SqlError(3906, f'Failed to update database "{database.settings.name}" because the database is read-only.')
        self.lock_tables()
        explicit = self.trancount > 0
        if self.isolation == "SNAPSHOT":
            self._lock_for_read(database, found, set())
        resource = (database.settings.id, found.id)
        exclusive = {"TABLOCKX", "XLOCK"} & set(hints) or ("TABLOCK" in hints)
        self._take(resource, locks.X if exclusive else locks.IX, explicit)
        self._take_write(database)

    def lock_for_definition(self, database: Database, found=None) -> None:
        if database.settings.read_only:
            raise SqlError(3906, f'Failed to update database "{database.settings.name}" because the database is read-only.')
        self._touched.clear()
        if found is not None:
            self._take((database.settings.id, found.id), locks.SCH_M, self.trancount > 0)
        self._take_write(database)
        name = database.settings.name.casefold()
        if name not in self._undo:
            self._undo[name] = database.document()

    def _take_write(self, database: Database) -> None:
        self._take((database.settings.id,), locks.X, self.trancount > 0)
        self._writes.add(database.schema)
        self._open_sqlite()

    def _take(self, resource: tuple, mode: str, to_the_end: bool) -> bool:
        timeout = None if self.lock_timeout < 0 else self.lock_timeout / 1000
        taken = self.engine.locks.take(self, resource, mode, timeout, self.check_cancelled)
        if taken and not to_the_end:
            self._statement_locks.append((resource, mode))
        elif not taken and to_the_end:
            self._statement_locks = [kept for kept in self._statement_locks if kept != (resource, mode)]
        return taken

    def _release_now(self, resource: tuple, mode: str) -> None:
        self._statement_locks.remove((resource, mode))
        self.engine.locks.release(self, resource, mode)

    def _end_statement(self) -> None:
        """What holds for one statement only ends here; outside of a transaction that is everything."""
        self._touched.clear()
        if self.trancount == 0:
            if self._open:
                self._end(True)
            elif self._statement_locks:
                self._statement_locks.clear()
                self.engine.locks.release_all(self)
            return
        for resource, mode in self._statement_locks:
            self.engine.locks.release(self, resource, mode)
        self._statement_locks.clear()

    def statement_failed(self) -> None:
        """A transaction of the one statement is undone."""
        self._close_cursor()
        if self.trancount == 0:
            self._end(False)

    def read(self, sql: str, parameters: dict) -> sqlite3.Cursor:
        try:
            return self.runtime.run(sql, parameters)
        except sqlite3.OperationalError as error:
            raise self.busy(error) from error

    def write(self, sql: str, parameters: dict, database: Database) -> sqlite3.Cursor:
        try:
            return self.runtime.run(sql, parameters)
        except sqlite3.OperationalError as error:
            raise self.busy(error, database) from error

    def busy(self, error: sqlite3.OperationalError, database: Database | None = None) -> Exception:
        if "locked" in str(error) or "busy" in str(error):
            name = database.settings.name if database else self.database
            return SqlError(3960, f"Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access a "
                                  f"table directly or indirectly in database '{name}' to update, delete, or insert the row that has been "
                                  "modified or deleted by another transaction. Retry the transaction or change the isolation level for the "
                                  "update/delete statement.")
        return error

    def _save_catalog(self, database: Database) -> None:
        self.runtime.run(f"DELETE FROM {database.schema}.catalog")
        self.runtime.run(f"INSERT INTO {database.schema}.catalog VALUES (:d)", {"d": database.document()})
