"""Snowflake's types, and how DuckDB holds their values.

Date and time types are structs, because no type of DuckDB has both nanoseconds and the years 0001 to 9999; the name of the
first field says which type it is, so that the engine's own types tell what a result column means.
"""

import re
from dataclasses import dataclass

from sqlglot import exp

from .errors import NotImplementedHere, compilation

MAX_TEXT = 134217728
DEFAULT_TEXT = 16777216
DEFAULT_BINARY = 8388608

TIME = 'STRUCT("time" BIGINT)'
NTZ = "STRUCT(ntz BIGINT, f INTEGER)"
LTZ = "STRUCT(ltz BIGINT, f INTEGER)"
TZ = "STRUCT(tz BIGINT, f INTEGER, o INTEGER)"

TIMESTAMPS = ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")
TEMPORAL = TIMESTAMPS + ("TIME",)
SEMI = ("VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY")


@dataclass(frozen=True)
class SfType:
    """`base` is the name that results carry on the wire."""

    base: str
    precision: int = 0
    scale: int = 0
    length: int = 0

    @property
    def engine(self) -> str:
        return {"FIXED": f"DECIMAL({self.precision},{self.scale})", "REAL": "DOUBLE", "TEXT": "VARCHAR",
                "BINARY": "BLOB", "BOOLEAN": "BOOLEAN", "DATE": "DATE", "TIME": TIME, "TIMESTAMP_NTZ": NTZ,
                "TIMESTAMP_LTZ": LTZ, "TIMESTAMP_TZ": TZ}.get(self.base, "JSON")

    @property
    def sql(self) -> str:
        """As SHOW, DESCRIBE and GET_DDL print it."""
        if self.base == "FIXED":
            return f"NUMBER({self.precision},{self.scale})"
        if self.base == "REAL":
            return "FLOAT"
        if self.base in ("TEXT", "BINARY"):
            return f"{'VARCHAR' if self.base == 'TEXT' else 'BINARY'}({self.length})"
        if self.base in TEMPORAL:
            return f"{self.base}({self.scale})"
        return self.base

    @property
    def information_schema(self) -> str:
        return {"FIXED": "NUMBER", "REAL": "FLOAT"}.get(self.base, self.base)

    @property
    def byte_length(self) -> int:
        return min(self.length * 4, MAX_TEXT) if self.base == "TEXT" else self.length


NUMBER = SfType("FIXED", 38, 0)
REAL = SfType("REAL")
TEXT = SfType("TEXT", length=DEFAULT_TEXT)
BINARY = SfType("BINARY", length=DEFAULT_BINARY)
BOOLEAN = SfType("BOOLEAN")
DATE = SfType("DATE")
VARIANT = SfType("VARIANT")


def _parameters(node) -> list:
    return [int(p.name or p.this.name) for p in node.expressions if isinstance(p, exp.DataTypeParam)]


def from_sqlglot(node: exp.DataType) -> SfType:
    """A type as it was written in a statement. Raises what the service says about parameters out of range."""
    kind, given = node.this.value if hasattr(node.this, "value") else str(node.this), _parameters(node)
    name = str(kind).upper()
    if name in ("INT", "BIGINT", "SMALLINT", "TINYINT", "INT128", "DECIMAL", "BIGDECIMAL", "UBIGINT", "MEDIUMINT"):
        precision = given[0] if given else 38
        scale = given[1] if len(given) > 1 else 0
        if not 1 <= precision <= 38:
            raise compilation("002262", f"invalid precision '{precision}' for NUMBER: must be between 1 and 38")
        if not 0 <= scale <= min(precision, 37):
            raise compilation("002263", f"invalid scale '{scale}' for NUMBER({precision})")
        return SfType("FIXED", precision, scale)
    if name in ("FLOAT", "DOUBLE", "REAL"):
        return REAL
    if name in ("VARCHAR", "TEXT", "CHAR", "NCHAR", "NVARCHAR", "NAME", "BPCHAR"):
        default = 1 if name in ("CHAR", "NCHAR") else DEFAULT_TEXT
        length = given[0] if given else default
        if not 1 <= length <= MAX_TEXT:
            raise compilation("002265", f"length {length} is out of range for VARCHAR")
        return SfType("TEXT", length=length)
    if name in ("BINARY", "VARBINARY", "BLOB"):
        length = given[0] if given else DEFAULT_BINARY
        if not 1 <= length <= MAX_TEXT // 2:
            raise compilation("002265", f"length {length} is out of range for BINARY")
        return SfType("BINARY", length=length)
    if name in ("BOOLEAN", "DATE", "VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY"):
        return SfType(name)
    if name == "JSON":
        return VARIANT
    if name in ("STRUCT", "MAP"):
        return SfType("OBJECT")
    stamps = {"TIMESTAMPNTZ": "TIMESTAMP_NTZ", "TIMESTAMP": "TIMESTAMP_NTZ", "DATETIME": "TIMESTAMP_NTZ",
              "TIMESTAMPLTZ": "TIMESTAMP_LTZ", "TIMESTAMPTZ": "TIMESTAMP_TZ", "TIME": "TIME"}
    if name in stamps:
        scale = given[0] if given else 9
        if not 0 <= scale <= 9:
            raise compilation("002264", f"invalid scale '{scale}' for {stamps[name]}: must be between 0 and 9")
        return SfType(stamps[name], scale=scale)
    raise NotImplementedHere(f"type {node.sql('snowflake')}")


def from_engine(engine: str) -> SfType:
    """The type of a result column by the engine's type of it."""
    engine = str(engine)
    decimal = re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", engine)
    if decimal:
        return SfType("FIXED", int(decimal.group(1)), int(decimal.group(2)))
    integers = {"TINYINT": 3, "UTINYINT": 3, "SMALLINT": 5, "USMALLINT": 5, "INTEGER": 10, "UINTEGER": 10, "BIGINT": 19,
                "UBIGINT": 20, "HUGEINT": 38, "UHUGEINT": 38}
    if engine in integers:
        return SfType("FIXED", integers[engine], 0)
    if engine.startswith("STRUCT("):
        first = engine[7:].lstrip('"').split(" ")[0].rstrip('"')
        found = {"time": "TIME", "ntz": "TIMESTAMP_NTZ", "ltz": "TIMESTAMP_LTZ", "tz": "TIMESTAMP_TZ"}.get(first)
        return SfType(found, scale=9) if found else SfType("OBJECT")
    if engine.endswith("]"):
        return SfType("ARRAY")
    if engine.startswith("MAP"):
        return SfType("OBJECT")
    known = {"DOUBLE": REAL, "FLOAT": REAL, "VARCHAR": TEXT, "UUID": TEXT, "BLOB": BINARY, "BOOLEAN": BOOLEAN,
             "DATE": DATE, "JSON": VARIANT, "TIME": SfType("TIME", scale=9), "TIME_NS": SfType("TIME", scale=9),
             "TIMESTAMP": SfType("TIMESTAMP_NTZ", scale=9), "TIMESTAMP_NS": SfType("TIMESTAMP_NTZ", scale=9),
             "TIMESTAMP_MS": SfType("TIMESTAMP_NTZ", scale=9), "TIMESTAMP_S": SfType("TIMESTAMP_NTZ", scale=9),
             "TIMESTAMP WITH TIME ZONE": SfType("TIMESTAMP_LTZ", scale=9),
             "TIMESTAMPTZ": SfType("TIMESTAMP_LTZ", scale=9), "TIMESTAMPTZ_NS": SfType("TIMESTAMP_LTZ", scale=9),
             '"NULL"': TEXT, "NULL": TEXT}
    return known.get(engine, TEXT)
