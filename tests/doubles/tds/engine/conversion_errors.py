"""What the conversions of all types share: how they are refused, how types are named in errors."""

from __future__ import annotations

from ..model import SqlError, SqlType
from .types import family

LEGACY = ("datetime", "smalldatetime")


def refuse(source: SqlType, target: SqlType, implicit: bool) -> SqlError:
    legacy = source.name in LEGACY and family(target) in ("int", "decimal", "float")
    if implicit and (legacy or (family(source), family(target)) in (("text", "binary"), ("variant", "int"), ("variant", "text"))):
        return SqlError(257, f"Implicit conversion from data type {source.name} to {target.name} is not allowed. Use the CONVERT function "
                             "to run this query.")
    if implicit:
        return SqlError(206, f"Operand type clash: {source.name} is incompatible with {target.name}")
    return SqlError(529, f"Explicit conversion from data type {source.name} to {target.name} is not allowed.")


def shown_name(type_: SqlType) -> str:
    return {"int": "expression", "decimal": "numeric"}.get(type_.name, type_.name)
