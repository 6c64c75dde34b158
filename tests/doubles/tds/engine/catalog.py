"""What exists in a database. It lies, pickled, in the database's own file, so that a copy of the file is a copy of everything."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field

from ..model import SqlError, SqlType
from . import types

OBJECT_STEP = 16000057  # the server's object ids lie that far apart


@dataclass
class Column:
    id: int
    name: str
    type: SqlType
    nullable: bool = True
    alias: str | None = None  # "schema.name" of an alias type
    identity: tuple[int, int] | None = None
    default: object = None
    default_text: str = ""
    default_name: str = ""
    computed: object = None
    computed_text: str = ""
    persisted: bool = False
    sparse: bool = False
    column_set: bool = False
    rowguid: bool = False
    generated: str = ""
    hidden: bool = False
    masked: str | None = None

    @property
    def physical(self) -> str:
        return f"c{self.id}"

    @property
    def stored(self) -> bool:
        return self.computed is None and not self.column_set


@dataclass
class Index:
    id: int
    name: str
    columns: list[tuple[int, bool]]  # column id, descending
    kind: str = ""  # PK, UQ, "" of CREATE INDEX
    unique: bool = False
    clustered: bool = False
    columnstore: bool = False
    included: list[int] = field(default_factory=list)
    object_id: int = 0  # of the constraint
    system_named: bool = False
    filtered: bool = False


@dataclass
class Statistics:
    id: int
    name: str
    columns: list[int]


@dataclass
class Object:
    id: int
    schema: str
    name: str
    kind: str  # U, V, SN
    created: datetime.datetime
    modified: datetime.datetime
    columns: list[Column] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    statistics: list[Statistics] = field(default_factory=list)
    checks: list = field(default_factory=list)  # (name, object id, condition, text)
    foreign_keys: list = field(default_factory=list)  # (name, object id, column ids, referenced object, referenced columns)
    next_column: int = 1
    temporal: int = 0  # 1: history, 2: system-versioned
    history: int = 0
    period: tuple[str, str] | None = None
    memory_optimized: bool = False
    query: object = None  # of a view
    names: list[str] | None = None
    text: str = ""
    target: tuple = ()  # of a synonym
    version: int = 0  # changes with each definition

    @property
    def physical(self) -> str:
        return f"t{self.id}"

    def column(self, name: str) -> Column | None:
        wanted = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == wanted), None)

    def by_id(self, column_id: int) -> Column:
        return next(column for column in self.columns if column.id == column_id)

    def stored_columns(self) -> list[Column]:
        return [column for column in self.columns if column.stored]


@dataclass
class AliasType:
    schema: str
    name: str
    type: SqlType
    nullable: bool
    id: int


@dataclass
class Catalog:
    objects: dict[int, Object] = field(default_factory=dict)
    schemas: dict[str, int] = field(default_factory=lambda: {
        "dbo": 1, "guest": 2, "INFORMATION_SCHEMA": 3, "sys": 4})
    types: list[AliasType] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=lambda: {"dbo": "sa"})  # user: login
    roles: dict[str, set] = field(default_factory=dict)  # role: members
    grants: list = field(default_factory=list)  # (action, permission, class, securable, grantee, columns)
    policies: list = field(default_factory=list)  # (schema, name, object id, predicates, enabled)
    next_object: int = 901578250
    next_type: int = 257
    next_version: int = 1

    def new_object_id(self) -> int:
        self.next_object = (self.next_object + OBJECT_STEP) % 2_000_000_000
        return self.next_object

    def schema(self, name: str) -> str | None:
        return next((schema for schema in self.schemas if schema.casefold() == name.casefold()), None)

    def find(self, schema: str, name: str) -> Object | None:
        schema, name = schema.casefold(), name.casefold()
        for found in self.objects.values():
            if found.name.casefold() == name and found.schema.casefold() == schema:
                return found
        return None

    def find_type(self, parts: tuple[str, ...]) -> AliasType | None:
        schema = parts[-2].casefold() if len(parts) > 1 else "dbo"
        return next((t for t in self.types if t.name.casefold() == parts[-1].casefold() and t.schema.casefold() == schema), None)

    def touch(self, changed: Object) -> None:
        changed.modified = now()
        self.next_version += 1
        changed.version = self.next_version


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


@dataclass
class DatabaseSettings:
    id: int
    name: str
    file: str
    collation: str = types.DEFAULT_COLLATION
    source_id: int | None = None
    snapshot_isolation: bool = False
    read_committed_snapshot: bool = False
    read_only: bool = False
    created: datetime.datetime = field(default_factory=now)
    compatibility_level: int = 160
    broker: uuid.UUID = field(default_factory=uuid.uuid4)
    single_user: bool = False


def not_there(name: str, line: int = 1) -> SqlError:
    return SqlError(208, f"Invalid object name '{name}'.", line=line)
