"""Databases, schemas, tables, stages and file formats: what exists, under which name. Rows are in the engine.

Every access happens under the service's lock.
"""

import itertools
import time
from dataclasses import dataclass, field

from . import errors
from .types import SfType

_ids = itertools.count(1)


@dataclass
class Column:
    name: str
    type: SfType
    nullable: bool = True
    default: str = None        # SQL as it was written
    identity: tuple = None     # (start, step)
    comment: str = None
    physical: str = ""         # its name in the engine: independent of renames, and of names that differ in case only


@dataclass
class Table:
    name: str
    columns: list
    kind: str = "TABLE"        # TABLE, TRANSIENT, TEMPORARY
    owner: str = None          # the role
    session: int = None        # of a temporary table
    comment: str = ""
    cluster_by: str = ""
    primary_key: list = field(default_factory=list)
    created: float = field(default_factory=time.time)
    id: int = field(default_factory=lambda: next(_ids))
    retention: int = 1

    @property
    def physical(self) -> str:
        return f"data.t{self.id}"

    def column(self, name: str):
        return next((c for c in self.columns if c.name == name), None)


@dataclass
class View:
    name: str
    sql: str
    columns: list              # given names, or empty
    owner: str = None
    comment: str = ""
    created: float = field(default_factory=time.time)
    session: int = None


@dataclass
class Stage:
    name: str
    url: str = ""              # of an external stage
    credentials: dict = field(default_factory=dict, repr=False)
    file_format: dict = field(default_factory=dict)
    copy_options: dict = field(default_factory=dict)
    session: int = None
    owner: str = None
    comment: str = ""
    integration: str = None
    encryption: dict = field(default_factory=dict, repr=False)
    endpoint: str = None
    created: float = field(default_factory=time.time)
    id: int = field(default_factory=lambda: next(_ids))

    @property
    def cloud(self):
        """Where an external stage is; nothing for an internal one."""
        scheme = self.url.split("://")[0]
        return {"azure": "AZURE", "gcs": "GCP", "gcsgov": "GCP"}.get(scheme, "AWS") if self.url else None


@dataclass
class FileFormat:
    name: str
    options: dict
    owner: str = None
    session: int = None
    comment: str = ""
    created: float = field(default_factory=time.time)


@dataclass
class Sequence:
    name: str
    start: int = 1
    step: int = 1
    id: int = field(default_factory=lambda: next(_ids))


@dataclass
class Schema:
    name: str
    owner: str = None
    transient: bool = False
    comment: str = ""
    created: float = field(default_factory=time.time)
    relations: dict = field(default_factory=dict)     # name → Table or View
    temporary: dict = field(default_factory=dict)     # (session, name) → Table
    stages: dict = field(default_factory=dict)
    temporary_stages: dict = field(default_factory=dict)
    formats: dict = field(default_factory=dict)
    sequences: dict = field(default_factory=dict)


@dataclass
class Database:
    name: str
    owner: str = None
    transient: bool = False
    comment: str = ""
    created: float = field(default_factory=time.time)
    schemas: dict = field(default_factory=dict)


def render(name: str) -> str:
    """A name as the service prints it: quoted only where it has to be."""
    plain = name and (name[0].isalpha() or name[0] == "_") and all(
        (c.isascii() and (c.isupper() or c.isdigit())) or c in "_$" for c in name)
    return name if plain else '"' + name.replace('"', '""') + '"'


def dotted(*parts) -> str:
    return ".".join(render(p) for p in parts)


class Catalog:
    def __init__(self, sees):
        """`sees(session, kind, name)`: whether its role has any privilege on an object."""
        self.databases = {}
        self.sees = sees

    def create_database(self, name: str, owner: str, transient=False) -> Database:
        database = Database(name, owner, transient)
        database.schemas["PUBLIC"] = Schema("PUBLIC", owner)
        self.databases[name] = database
        return database

    def database(self, name: str) -> Database:
        if name not in self.databases:
            raise errors.missing("Database", render(name))
        return self.databases[name]

    def qualify(self, session, parts: list, verb="SELECT") -> tuple:
        """(database, schema, name) of a name of one to three parts."""
        parts = list(parts)
        if len(parts) < 3:
            if not session.database:
                raise errors.no_database(verb)
            parts.insert(0, session.database)
        if len(parts) < 3:
            if not session.schema:
                raise errors.no_schema(verb)
            parts.insert(1, session.schema)
        if parts[1] == "":
            parts[1] = "PUBLIC"
        return tuple(parts)

    def schema(self, session, parts: list, verb="SELECT") -> Schema:
        """A schema by one or two parts. What is in it exists only for roles with some privilege on both of its parents."""
        if len(parts) == 1:
            if not session.database:
                raise errors.no_database(verb)
            parts = [session.database, *parts]
        database = self.database(parts[0])
        if not self.sees(session, "DATABASE", dotted(parts[0])):
            raise errors.missing("Database", render(parts[0]))
        if parts[1] not in database.schemas or not self.sees(session, "SCHEMA", dotted(*parts)):
            raise errors.missing("Schema", dotted(*parts))
        return database.schemas[parts[1]]

    def find(self, session, path: tuple):
        """A table or view; a temporary table of this session hides one that is not temporary."""
        schema = self.schema(session, path[:2])
        return schema.temporary.get((session.id, path[2])) or schema.relations.get(path[2])

    def table(self, session, parts: list, verb="SELECT"):
        path = self.qualify(session, parts, verb)
        try:
            found = self.find(session, path)
        except errors.SnowflakeError:
            raise
        if found is None:
            shown = dotted(*path) if len(parts) > 1 else render(parts[-1])
            raise errors.missing("Object", shown) if verb == "SELECT" else errors.missing("Table", shown)
        return path, found

    def stage(self, session, parts: list) -> tuple:
        path = self.qualify(session, parts, "operation")
        schema = self.schema(session, path[:2])
        found = schema.temporary_stages.get((session.id, path[2])) or schema.stages.get(path[2])
        if found is None:
            raise errors.missing("Stage", dotted(*path))
        return path, found

    def file_format(self, session, parts: list) -> FileFormat:
        path = self.qualify(session, parts, "operation")
        schema = self.schema(session, path[:2])
        found = schema.formats.get((session.id, path[2])) or schema.formats.get(path[2])
        if found is None:
            raise errors.missing("File format", dotted(*path))
        return found

    def drop_session(self, session_id: int) -> list:
        """Forgets what was temporary; returns the tables and stages, whose rows and files are still there."""
        gone = []
        for database in self.databases.values():
            for schema in database.schemas.values():
                for held in (schema.temporary, schema.temporary_stages):
                    for key in [k for k in held if k[0] == session_id]:
                        gone.append(held.pop(key))
        return gone

    def tables(self):
        """(database, schema, Table or View) of all that is not temporary, and of the temporary ones too."""
        for database in self.databases.values():
            for schema in database.schemas.values():
                for relation in [*schema.relations.values(), *schema.temporary.values()]:
                    yield database, schema, relation

    def path_of(self, table) -> tuple:
        for database, schema, relation in self.tables():
            if relation is table:
                return database.name, schema.name, relation.name
        return ("?", "?", table.name)
