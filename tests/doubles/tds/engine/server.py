"""The server: its databases, logins and sessions. Threads: each session has its own; what is shared here is under `lock`."""

from __future__ import annotations

import os
import pickle
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from ..model import Login, SqlError, SqlType
from . import storage
from .catalog import Catalog, DatabaseSettings
from .locks import Locks

_SYSTEM = ("master", "tempdb", "model", "msdb")


class Database:
    """One file of SQLite, and its catalog as it is now, with what an open transaction has defined."""

    def __init__(self, settings: DatabaseSettings):
        self.settings = settings
        self.catalog = Catalog()
        self.identities: dict[int, int] = {}  # by table: the value that was given last; found in the rows after a start
        self.rowversion = 2000
        connection = sqlite3.connect(settings.file, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS catalog (document BLOB)")
            found = connection.execute("SELECT document FROM catalog").fetchone()
            if found:
                self.catalog, self.rowversion = pickle.loads(found[0])  # noqa: S301  our own file
                self.rowversion += 1_000_000
        finally:
            connection.close()

    @property
    def schema(self) -> str:
        return f"d{self.settings.id}"

    def document(self) -> bytes:
        return pickle.dumps((self.catalog, self.rowversion))

    def next_rowversion(self) -> bytes:
        self.rowversion += 1
        return self.rowversion.to_bytes(8, "big")


class Server:
    """The Engine of model.py."""

    def __init__(self, folder: Path, version: tuple[int, int, int] = (16, 0, 4135), server_name: str = "STANDIN",
                 collation: str = "SQL_Latin1_General_CP1_CI_AS", properties: dict | None = None):
        self.version = version
        self.server_name = server_name
        self.collation = collation
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.properties = dict(properties or {})
        self.lock = threading.RLock()
        self.locks = Locks()
        self.sessions: dict[int, object] = {}
        self.logins: dict[str, dict] = {"sa": {"password": None, "database": "master"}}
        self.server_roles: dict[str, set[str]] = {"sysadmin": {"sa"}}
        self.databases: dict[str, Database] = {}
        self._next_database = 5
        self._load()
        for name in _SYSTEM:
            if name not in self.databases:
                self._add(DatabaseSettings(_SYSTEM.index(name) + 1, name, self._file(_SYSTEM.index(name) + 1), collation,
                                           snapshot_isolation=name in ("master", "msdb"), read_committed_snapshot=name == "msdb"))

    # ---- files

    def _file(self, database_id: int) -> str:
        return str(self.folder / f"{database_id}.db")

    def _load(self) -> None:
        path = self.folder / "server.pickle"
        if path.exists():
            settings, self.logins, self.server_roles, self._next_database = pickle.loads(path.read_bytes())  # noqa: S301  our own file
            for found in settings:
                self.databases[found.name.casefold()] = Database(found)

    def save(self) -> None:
        with self.lock:
            settings = [database.settings for database in self.databases.values()]
            temporary = self.folder / "server.pickle.new"
            temporary.write_bytes(pickle.dumps((settings, self.logins, self.server_roles, self._next_database)))
            os.replace(temporary, self.folder / "server.pickle")

    def _add(self, settings: DatabaseSettings) -> Database:
        database = self.databases[settings.name.casefold()] = Database(settings)
        self.save()
        return database

    # ---- databases

    def find(self, name: str, line: int = 1) -> Database:
        found = self.databases.get(name.casefold())
        if found is None:
            raise SqlError(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.", line=line)
        return found

    def find_database(self, name: str) -> DatabaseSettings | None:
        found = self.databases.get(name.casefold())
        return found.settings if found else None

    def database_id(self, name: str) -> int | None:
        found = self.find_database(name)
        return found.id if found else None

    def by_id(self, database_id: int | None) -> Database | None:
        return next((database for database in list(self.databases.values()) if database.settings.id == database_id), None)

    def database_name(self, database_id: int | None) -> str | None:
        found = self.by_id(database_id)
        return found.settings.name if found else None

    def create_database(self, name: str, collation: str | None = None, source: str | None = None) -> Database:
        with self.lock:
            if name.casefold() in self.databases:
                raise SqlError(1801, f"Database '{name}' already exists. Choose a different database name.")
            settings = DatabaseSettings(self._next_database, name, self._file(self._next_database), collation or self.collation)
            self._next_database += 1
            if source is not None:
                original = self.find(source)
                self._copy(original, settings)
                settings.source_id, settings.read_only = original.settings.id, True
                settings.collation, settings.snapshot_isolation = original.settings.collation, True
            return self._add(settings)

    def _copy(self, original: Database, settings: DatabaseSettings) -> None:
        """What is committed now, as a database snapshot has it."""
        source = sqlite3.connect(original.settings.file)
        target = sqlite3.connect(settings.file)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()

    def drop_database(self, name: str) -> None:
        with self.lock:
            database = self.find(name)
            if database.settings.id < 5:
                raise SqlError(3708, f"Cannot drop the database '{name}' because it is a system database.")
            if any(session.database.casefold() == name.casefold() for session in self.sessions.values() if not session.closed):
                raise SqlError(3702, f'Cannot drop database "{name}" because it is currently in use.')
            for other in self.databases.values():
                if other.settings.source_id == database.settings.id:
                    raise SqlError(3709, f'Cannot drop the database while the database snapshot "{other.settings.name}" refers to it. Drop that '
                                         "database first.")
            # Sessions that have read it keep their handle; its number is never given again.
            del self.databases[name.casefold()]
            for suffix in ("", "-wal", "-shm"):
                Path(database.settings.file + suffix).unlink(missing_ok=True)
            self.save()

    def current_rowversion(self, name: str) -> bytes:
        return self.find(name).rowversion.to_bytes(8, "big")

    # ---- what it says of itself

    @property
    def version_text(self) -> str:
        major, minor, build = self.version
        year = {13: 2016, 14: 2017, 15: 2019, 16: 2022, 17: 2025}.get(major, 2022)
        return (f"Microsoft SQL Server {year} (stand-in) - {major}.{minor}.{build}.1 (X64) \n\tDeveloper Edition (64-bit) on Linux "
                "(a stand-in for tests, not SQL Server)")

    def server_property(self, name: str) -> object:
        major, minor, build = self.version
        known = {
            "productversion": f"{major}.{minor}.{build}.1", "productmajorversion": str(major), "productminorversion": str(minor),
            "productbuild": str(build), "productlevel": "RTM", "productupdatelevel": None, "edition": "Developer Edition (64-bit)",
            "engineedition": 3, "machinename": self.server_name, "servername": self.server_name, "instancename": None,
            "computernamephysicalnetbios": self.server_name, "ishadrenabled": 0, "isclustered": 0, "isintegratedsecurityonly": 0,
            "collation": self.collation, "lcid": 1033, "issingleuser": 0, "isfulltextinstalled": 0, "isxtpsupported": 1,
            "ispolybaseinstalled": 0, "buildclrversion": "v4.0.30319", "processid": os.getpid(), "sqlcharsetname": "iso_1",
            "sqlsortordername": "nocase_iso", "editionid": -2117995310, "islocaldb": 0, "isexternalauthenticationonly": 0,
        }
        return {**known, **{key.lower(): value for key, value in self.properties.items()}}.get(name.lower())

    # ---- sessions

    def add_login(self, user: str, password: str | None = None, database: str = "", sysadmin: bool = False) -> None:
        """A login that the wire may let in; without sysadmin it reads only what it is granted."""
        with self.lock:
            self.logins[user] = {"password": password, "database": database}
            if sysadmin:
                self.server_roles["sysadmin"].add(user)
            self.save()

    def password_of(self, user: str) -> str | None:
        found = self.find_login(user)
        return found["password"] if found else None

    def find_login(self, user: str) -> dict | None:
        return next((login for name, login in self.logins.items() if name.casefold() == user.casefold()), None)

    def is_sysadmin(self, user: str) -> bool:
        return any(user.casefold() == member.casefold() for member in self.server_roles["sysadmin"])

    def open_session(self, login: Login):
        from .session import Session
        known = self.find_login(login.user)
        if known is None:
            raise SqlError(18456, f"Login failed for user '{login.user}'.", 14, fatal=True)
        name = login.database or known["database"] or "master"
        database = self.databases.get(name.casefold())
        if database is None:
            raise SqlError(4060, f'Cannot open database "{name}" requested by the login. The login failed.', 11, fatal=True)
        with self.lock:
            session_id = next(number for number in range(51, 32767) if number not in self.sessions)
            session = Session(self, login, session_id, database.settings.name)
            if not session.has_database_access(name):
                session.close()
                raise SqlError(4060, f'Cannot open database "{name}" requested by the login. The login failed.', 11, fatal=True)
            self.sessions[session_id] = session
        return session

    def forget(self, session) -> None:
        with self.lock:
            if self.sessions.get(session.id) is session:
                del self.sessions[session.id]

    # ---- rows in bulk

    def bulk_insert(self, database: str, table: str, columns: list[str] | None, rows: Iterable[tuple], schema: str = "dbo") -> int:
        """Python rows with the values of model.py, in one transaction, as sa; keys and NOT NULL are checked, lengths are not."""
        session = self.open_session(Login("sa", "sql", database))
        try:
            return session.bulk_insert((schema, table), columns, rows)
        finally:
            session.close()

    def close(self) -> None:
        for session in list(self.sessions.values()):
            session.cancel()
        self.save()


def stored_rows(types: list[SqlType], rows: Iterable[tuple]) -> Iterable[tuple]:
    encoders = [storage.encoder(type_) for type_ in types]
    for row in rows:
        yield tuple(value if value is None or encode is None else encode(value) for encode, value in zip(encoders, row))

