"""A translated expression, and where names are looked up."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import SqlType

ABSENT = object()
DEFAULT, IMPLICIT, EXPLICIT = 0, 1, 2  # how a text came by its collation


@dataclass(slots=True)
class Ex:
    sql: str
    type: SqlType
    nullable: bool = True
    constant: object = ABSENT  # the stored value
    low: int | None = None  # bounds of an integer, when they are known to be narrower than the type's
    high: int | None = None
    label: int = DEFAULT
    column: SourceColumn | None = None  # a plain reference
    is_null: bool = False  # NULL written as such: it has no type of its own


@dataclass(slots=True)
class SourceColumn:
    name: str
    sql: str
    type: SqlType
    nullable: bool = True
    identity: bool = False
    computed: bool = False
    hidden: bool = False
    label: int = IMPLICIT
    low: int | None = None
    high: int | None = None
    expression: object = None  # of a computed column
    column_id: int = 0
    in_star: bool = True


@dataclass(slots=True)
class Source:
    name: str  # alias, or name of the table
    columns: list[SourceColumn]
    sql_name: str = ""
    schema: str = ""  # of a table without an alias
    table: object = None
    by_name: dict = field(default_factory=dict)


class Scope:
    def __init__(self, parent: Scope | None = None, ctes: dict | None = None):
        self.parent = parent
        self.sources: list[Source] = []
        self.ctes: dict = dict(parent.ctes) if parent else {}
        if ctes:
            self.ctes.update(ctes)
        self.groups: set[str] | None = None
        self.in_aggregate = False
        self.has_aggregates = False


def literal(stored: object) -> str | None:
    """Written in SQLite's SQL; None: it has to be a parameter."""
    if stored is None:
        return "NULL"
    if isinstance(stored, (int, float)):
        if isinstance(stored, float):
            text = repr(stored)
            return f"({text})" if stored < 0 else text
        return f"({int(stored)})" if stored < 0 and stored != -2**63 else None if stored == -2**63 else str(int(stored))
    if len(stored) > 2000:
        return None
    if isinstance(stored, bytes):
        return f"x'{stored.hex()}'"
    if "\0" in stored:
        return None
    return "'" + stored.replace("'", "''") + "'"
