"""What names mean inside a SELECT: sources with their columns, and the names in the engine's SQL."""

import hashlib
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from .types import SfType


class Raw(exp.Expression):
    """SQL of the engine as text, in which ⟦0⟧, ⟦1⟧ … stand for the expressions beside it."""

    arg_types = {"this": True, "expressions": False}

    @staticmethod
    def of(template: str, *parts) -> "Raw":
        return Raw(this=template, expressions=list(parts))


def _raw_sql(generator, node) -> str:
    text = node.this
    for index, part in enumerate(node.expressions):
        text = text.replace(f"⟦{index}⟧", generator.sql(part))
    return text


class EngineSql(DuckDB):
    class Generator(DuckDB.Generator):
        TRANSFORMS = {**DuckDB.Generator.TRANSFORMS, Raw: _raw_sql}


def generate(node) -> str:
    return node.sql(dialect=EngineSql, identify=True)


def fold(identifier: exp.Identifier) -> str:
    """A name by the service's rule: upper case unless it is quoted."""
    return identifier.this if identifier.args.get("quoted") else identifier.this.upper()


def encode(name: str) -> str:
    """A name for the engine, which does not see case: names with small letters or
    quotes get a mark of their own."""
    if name == name.upper() and '"' not in name:
        return name
    return name.replace('"', "_") + "#" + hashlib.sha1(name.encode()).hexdigest()[:8]


@dataclass
class Field:
    """A column of a source or of a result. `engine` is the engine's type, None where it is not known."""

    name: str
    engine: str = None
    type: SfType = None
    nullable: bool = True


@dataclass
class Source:
    alias: str
    fields: list
    stage: object = None       # a StageRelation: $1, METADATA$… and so on
    open: bool = False         # columns are not known: names are not checked

    def field(self, name: str):
        return next((f for f in self.fields if f.name == name), None)


@dataclass
class Scope:
    sources: list = field(default_factory=list)
    parent: "Scope" = None
    ctes: dict = field(default_factory=dict)     # name → list of Field
    aliases: set = field(default_factory=set)    # names that the projections make

    def cte(self, name: str):
        scope = self
        while scope:
            if name in scope.ctes:
                return scope.ctes[name]
            scope = scope.parent
        return None

    def find(self, table, name: str):
        """(Source, Field) or None; `table` may be None."""
        scope = self
        while scope:
            for source in scope.sources:
                if table is None or source.alias == table:
                    found = source.field(name)
                    if found or source.open:
                        return source, found
            scope = scope.parent
        return None

    def stage(self, table=None):
        scope = self
        while scope:
            for source in scope.sources:
                if source.stage and table in (None, source.alias):
                    return source
            scope = scope.parent
        return None
