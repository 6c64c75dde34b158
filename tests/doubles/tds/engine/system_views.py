"""sys.… and INFORMATION_SCHEMA.…: rows made from the catalog when a statement names them, handed to SQLite as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from ..model import SqlType
from . import storage, types
from .compile_expressions import unknown
from .expression import IMPLICIT, SourceColumn
from .parse_expressions import TokenReader

_OWN_TYPES = {"sysname": types.SYSNAME}


@dataclass
class View:
    schema: str
    name: str
    columns: list[tuple[str, SqlType, bool]]
    rows: Callable  # (session, database) -> tuples of values of model.py
    encoders: list

    @property
    def id(self) -> int:
        return object_id(self)


VIEWS: dict[tuple[str, str], View] = {}


def parsed_columns(text: str) -> list[tuple[str, SqlType, bool]]:
    """"name sysname, object_id int, collation_name sysname?": a question mark for a column that may be NULL."""
    reader = TokenReader(text)
    columns = []
    while reader.token.kind != "end":
        name = reader.next().text
        type_name = reader.type_name()
        word = type_name.parts[-1].lower()
        type_ = _OWN_TYPES.get(word) or types.checked(types.SYNONYMS.get(word, word), type_name.arguments, 1)
        columns.append((name, type_, reader.accept_op("?")))
        reader.accept_op(",")
    return columns


def view(full_name: str, columns: str):
    def register(rows):
        schema, name = full_name.split(".")
        parsed = parsed_columns(columns)
        VIEWS[schema.lower(), name.lower()] = View(schema, name, parsed, rows, [storage.encoder(type_) for _, type_, _ in parsed])
        return rows
    return register


def object_id(found: View) -> int:
    return -(sum(ord(c) * (at + 7) for at, c in enumerate(found.schema + found.name)) % 100_000 + 100)


def by_object_id(wanted: int | None) -> View | None:
    return next((found for found in VIEWS.values() if object_id(found) == wanted), None)


def find(session, parts: tuple[str, ...]):
    """Database and view of a name; None: no system view."""
    from . import system_rows  # noqa: F401  registers them
    if len(parts) < 2:
        found = VIEWS.get(("sys", parts[0].lower())) if parts[0].lower() in ("sysobjects", "syscolumns", "sysdatabases") else None
        return (session.engine.find(session.database), found) if found else None
    schema, name = parts[-2].lower(), parts[-1].lower()
    if schema not in ("sys", "information_schema"):
        return None
    found = VIEWS.get((schema, name))
    database = session.engine.find(parts[-3] if len(parts) > 2 and parts[-3] else session.database)
    if found is None:
        if schema == "sys" and not name.startswith(("dm_", "all_", "fn_")) or schema == "information_schema":
            raise unknown(f"{parts[-2]}.{parts[-1]}")
        raise unknown(f"{parts[-2]}.{parts[-1]}")
    return database, found


def source(session, compiler, database, found: View, alias: str):
    rows = []
    for row in found.rows(session, database):
        cells = []
        for value, encode in zip(row, found.encoders):
            value = value if value is None or encode is None else encode(value)
            cells.append(value.hex() if isinstance(value, bytes) else value)
        rows.append(cells)
    return from_json(compiler, compiler.bind(json.dumps(rows, ensure_ascii=False)), found.columns, alias)


def from_json(compiler, document: str, columns, alias: str):
    """A source over a JSON array of arrays of stored values, bytes as hex."""
    unhex = compiler.runtime.function(("unhex",), 1, lambda text: None if text is None else bytes.fromhex(text))
    found = []
    for at, (name, type_, nullable) in enumerate(columns):
        binary = types.family(type_) in ("binary", "guid", "clr") or storage.is_wide(type_)
        cell = f"{alias}.value ->> '$[{at}]'"
        found.append(SourceColumn(name, f"{unhex}({cell})" if binary else f"({cell})", type_, nullable, label=IMPLICIT))
    return f"json_each({document}) AS {alias}", found


def function_source(session, compiler, call, scope, alias: str):
    from . import system_rows
    function = system_rows.FUNCTIONS.get(call.name[-1].lower())
    if function is None:
        raise unknown(f"the table function {'.'.join(call.name)}")
    columns, rows = function
    arguments = [compiler.integer(argument, scope).sql for argument in call.arguments]
    encoders = [storage.encoder(type_) for _, type_, _ in columns]

    def produce(*values):
        made = []
        for row in rows(session, *values):
            cells = [value if value is None or encode is None else encode(value) for value, encode in zip(row, encoders)]
            made.append([cell.hex() if isinstance(cell, bytes) else cell for cell in cells])
        return json.dumps(made, ensure_ascii=False)

    name = compiler.runtime.function(("rows of", call.name[-1].lower(), len(arguments)), len(arguments), produce, deterministic=False)
    return from_json(compiler, f"{name}({', '.join(arguments)})", columns, alias)
