"""Collations: how texts compare. Linguistic order is an approximation: symbols, then digits, then letters; accents, then case."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from ..model import SqlError


def name_in_sqlite(collation: str) -> str:
    return f'"{collation.lower()}"'


def check(collation: str, line: int = 1) -> str:
    """Its name as sys.columns writes it. Throws 448."""
    parts = collation.upper().split("_")
    if len(parts) < 3 or not collation.isascii() or not ({"BIN", "BIN2"} & set(parts) or {"CI", "CS"} & set(parts)):
        raise SqlError(448, f"Invalid collation '{collation}'.", line=line)
    return collation


def is_binary(collation: str) -> bool:
    return collation.upper().endswith(("_BIN", "_BIN2", "_BIN2_UTF8"))


def ignores_case(collation: str) -> bool:
    return "_CI" in collation.upper()


def ignores_accents(collation: str) -> bool:
    return "_AI" in collation.upper()


def code_page(collation: str) -> str:
    upper = collation.upper()
    if upper.endswith("_UTF8"):
        return "utf-8"
    for mark, page in (("CYRILLIC", "cp1251"), ("GREEK", "cp1253"), ("TURKISH", "cp1254"), ("HEBREW", "cp1255"), ("ARABIC", "cp1256"),
                       ("BALTIC", "cp1257"), ("JAPANESE", "cp932"), ("CHINESE_PRC", "cp936"), ("KOREAN", "cp949"),
                       ("POLISH", "cp1250"), ("CZECH", "cp1250"), ("HUNGARIAN", "cp1250"), ("CP850", "cp850"), ("CP437", "cp437")):
        if mark in upper:
            return page
    return "cp1252"


def key(collation: str) -> Callable[[str], object]:
    """Blanks at the end never count."""
    if is_binary(collation):
        return lambda text: text.rstrip(" ").encode("utf-16-be", "surrogatepass")
    case, accents = not ignores_case(collation), not ignores_accents(collation)
    weighs_all = any(f"_{version}_" in collation for version in (100, 120, 140, 160))

    @lru_cache(maxsize=65536)
    def weigh(text: str):
        text = text.rstrip(" ")
        if text.isascii():
            primary = tuple((0 if not c.isalnum() else 1 if c.isdigit() else 2, c) for c in text.lower())
            return (primary, ()) + ((tuple(c.isupper() for c in text),) if case else ())
        if not weighs_all:
            text = "".join(c for c in text if c <= "\uffff")  # older collations give them no weight at all
        base, marks = [], []
        for c in unicodedata.normalize("NFD", text):
            if unicodedata.combining(c):
                marks.append((len(base), c))
            else:
                base.append(c)
        primary = tuple((0 if not c.isalnum() else 1 if c.isdigit() else 2, c.lower()) for c in base)
        return (primary, tuple(marks) if accents else ()) + ((tuple(c.isupper() for c in base),) if case else ())

    return weigh


def comparer(collation: str) -> Callable[[str, str], int]:
    weigh = key(collation)

    def compare(left: str, right: str) -> int:
        if left == right:
            return 0
        a, b = weigh(left), weigh(right)
        return -1 if a < b else 1 if a > b else 0

    return compare


def compare_instants(left: str, right: str) -> int:
    a, b = left[:19], right[:19]
    return -1 if a < b else 1 if a > b else 0


# learn.microsoft.com/sql/t-sql/data-types/sql-variant-transact-sql, families from the lowest
_VARIANT_FAMILIES = {name: at for at, names in enumerate((
    ("binary", "varbinary", "rowversion"), ("uniqueidentifier",), ("char", "varchar", "nchar", "nvarchar"),
    ("bit", "tinyint", "smallint", "int", "bigint", "smallmoney", "money", "decimal", "numeric"), ("real", "float"),
    ("time", "date", "smalldatetime", "datetime", "datetime2", "datetimeoffset"))) for name in names}


@lru_cache(maxsize=65536)
def _variant_key(stored: str):
    from . import moment_conversions, storage
    type_, value = storage.variant(stored)
    rank = _VARIANT_FAMILIES[type_.name]
    if rank == 2:
        value = key(type_.collation or "latin1_general_ci_as")(value)
    elif rank == 5:
        value = moment_conversions.moment(type_, value)[:2]
    elif rank == 1:
        value = storage.encode(type_, value)
    return rank, value


def compare_variants(left: str, right: str) -> int:
    a, b = _variant_key(left), _variant_key(right)
    return -1 if a < b else 1 if a > b else 0


