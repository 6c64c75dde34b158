"""The types of SQL Server: ids, sizes, families, which one wins when two meet."""

from __future__ import annotations

from dataclasses import replace

from ..model import SqlError, SqlType

DEFAULT_COLLATION = "SQL_Latin1_General_CP1_CI_AS"

# name: (system_type_id, user_type_id), as sys.types has them
IDS = {
    "image": (34, 34), "text": (35, 35), "uniqueidentifier": (36, 36), "date": (40, 40), "time": (41, 41), "datetime2": (42, 42),
    "datetimeoffset": (43, 43), "tinyint": (48, 48), "smallint": (52, 52), "int": (56, 56), "smalldatetime": (58, 58), "real": (59, 59),
    "money": (60, 60), "datetime": (61, 61), "float": (62, 62), "sql_variant": (98, 98), "ntext": (99, 99), "bit": (104, 104),
    "decimal": (106, 106), "numeric": (108, 108), "smallmoney": (122, 122), "bigint": (127, 127), "hierarchyid": (240, 128),
    "geometry": (240, 129), "geography": (240, 130), "varbinary": (165, 165), "varchar": (167, 167), "binary": (173, 173),
    "char": (175, 175), "rowversion": (189, 189), "nvarchar": (231, 231), "nchar": (239, 239), "xml": (241, 241), "sysname": (231, 256),
    "json": (244, 244),
}
SYNONYMS = {
    "timestamp": "rowversion", "integer": "int", "dec": "decimal", "character": "char", "sysname": "nvarchar",
}
INT_RANGES = {
    "bit": (0, 1), "tinyint": (0, 255), "smallint": (-2**15, 2**15 - 1), "int": (-2**31, 2**31 - 1), "bigint": (-2**63, 2**63 - 1),
}
INT_DIGITS = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
FAMILIES = {
    **dict.fromkeys(INT_RANGES, "int"), **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), "decimal"),
    "float": "float", "real": "float", **dict.fromkeys(("char", "varchar", "nchar", "nvarchar", "text", "ntext"), "text"),
    **dict.fromkeys(("binary", "varbinary", "image", "rowversion"), "binary"),
    **dict.fromkeys(("date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset"), "moment"),
    "uniqueidentifier": "guid", "xml": "xml", "json": "json", "sql_variant": "variant",
    **dict.fromkeys(("hierarchyid", "geometry", "geography"), "clr"),
}
# learn.microsoft.com/sql/t-sql/data-types/data-type-precedence-transact-sql, the lowest first
_PRECEDENCE = {name: at for at, name in enumerate(
    ("binary", "varbinary", "char", "varchar", "nchar", "nvarchar", "uniqueidentifier", "rowversion", "image", "text", "ntext", "bit",
     "tinyint", "smallint", "int", "bigint", "smallmoney", "money", "numeric", "decimal", "real", "float", "time", "date", "smalldatetime",
     "datetime", "datetime2", "datetimeoffset", "xml", "json", "sql_variant", "hierarchyid", "geometry", "geography"))}

INT = SqlType("int")
BIGINT = SqlType("bigint")
BIT = SqlType("bit")
FLOAT = SqlType("float")
SYSNAME = SqlType("nvarchar", 128)
UNICODE = ("nchar", "nvarchar", "ntext")


def listed(name: str) -> str:
    """The name in sys.types."""
    return "timestamp" if name == "rowversion" else name


def family(type_: SqlType) -> str:
    return FAMILIES[type_.name]


def is_max(type_: SqlType) -> bool:
    return type_.length == -1 or type_.name in ("text", "ntext", "image", "xml", "json")


def checked(name: str, arguments: tuple[int, ...], default_length: int, line: int = 1) -> SqlType:
    """The type `name(arguments)` of a definition or a CAST; `default_length` of texts without one."""
    if name not in FAMILIES:
        raise SqlError(243, f"Type {name} is not a defined system type.", line=line)
    if name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        length = arguments[0] if arguments else default_length
        most = 4000 if name in UNICODE else 8000
        if length > most or length == 0 or (length == -1 and name in ("char", "nchar", "binary")):
            raise SqlError(131 if length > most else 1001, f"The size ({length}) given to the type '{name}' exceeds the maximum allowed for "
                           f"any data type ({most}).", 15, line=line)
        return SqlType(name, length)
    if name in ("decimal", "numeric"):
        precision, scale = arguments[0] if arguments else 18, arguments[1] if len(arguments) > 1 else 0
        if not 1 <= precision <= 38:
            raise SqlError(2750, f"Column, parameter, or variable: Specified column precision {precision} is greater than the maximum "
                                 "precision of 38.", line=line)
        if scale > precision:
            raise SqlError(192, "The scale must be less than or equal to the precision.", 15, line=line)
        return SqlType(name, precision=precision, scale=scale)
    if name in ("time", "datetime2", "datetimeoffset"):
        scale = arguments[0] if arguments else 7
        if not 0 <= scale <= 7:
            raise SqlError(1002, f"Line {line}: Specified scale {scale} is invalid.", 15, line=line)
        return SqlType(name, scale=scale)
    if name == "float":
        if arguments and not 1 <= arguments[0] <= 53:
            raise SqlError(2750, f"Column or parameter: Specified column precision {arguments[0]} is greater than the maximum precision of "
                                 "53.", line=line)
        return SqlType("real" if arguments and arguments[0] <= 24 else "float")
    if arguments:
        raise SqlError(2716, f"Column, parameter, or variable #1: Cannot specify a column width on data type {name}.", line=line)
    return SqlType(name)


def sizes(type_: SqlType) -> tuple[int, int, int]:
    """max_length, precision and scale of sys.columns."""
    name = type_.name
    if name in ("nchar", "nvarchar"):
        return (-1 if type_.length == -1 else 2 * type_.length, 0, 0)
    if name in ("char", "varchar", "binary", "varbinary"):
        return (type_.length, 0, 0)
    if name in ("decimal", "numeric"):
        return (next(size for size, most in ((5, 9), (9, 19), (13, 28), (17, 38)) if type_.precision <= most), type_.precision, type_.scale)
    scale = type_.scale
    fraction = scale + 1 if scale else 0
    small = 0 if scale <= 2 else 1 if scale <= 4 else 2
    if name == "time":
        return (3 + small, 8 + fraction, scale)
    if name == "datetime2":
        return (6 + small, 19 + fraction, scale)
    if name == "datetimeoffset":
        return (8 + small, 26 + fraction, scale)
    return {
        "bit": (1, 1, 0), "tinyint": (1, 3, 0), "smallint": (2, 5, 0), "int": (4, 10, 0), "bigint": (8, 19, 0), "money": (8, 19, 4),
        "smallmoney": (4, 10, 4), "float": (8, 53, 0), "real": (4, 24, 0), "date": (3, 10, 0), "datetime": (8, 23, 3),
        "smalldatetime": (4, 16, 0), "text": (16, 0, 0), "ntext": (16, 0, 0), "image": (16, 0, 0), "rowversion": (8, 0, 0),
        "uniqueidentifier": (16, 0, 0), "xml": (-1, 0, 0), "json": (-1, 0, 0), "sql_variant": (8016, 0, 0), "hierarchyid": (892, 0, 0),
        "geometry": (-1, 0, 0), "geography": (-1, 0, 0),
    }[name]


def as_decimal(type_: SqlType) -> SqlType:
    """The decimal that holds every value of an exact number."""
    if type_.name in INT_DIGITS:
        return SqlType("decimal", precision=INT_DIGITS[type_.name])
    if type_.name == "money":
        return SqlType("decimal", precision=19, scale=4)
    if type_.name == "smallmoney":
        return SqlType("decimal", precision=10, scale=4)
    return type_


def fitted(name: str, precision: int, scale: int) -> SqlType:
    """The server's rule for results with more than 38 digits: the whole digits win, six decimals are kept."""
    if precision > 38:
        whole = precision - scale
        scale = max(min(scale, 38 - whole), min(scale, 6))
        precision = 38
    return SqlType(name, precision=precision, scale=scale)


def common(left: SqlType, right: SqlType) -> SqlType:
    """The type of CASE, UNION and comparisons over both."""
    if left == right:
        return left
    if _PRECEDENCE[left.name] < _PRECEDENCE[right.name]:
        left, right = right, left
    name, families = left.name, (family(left), family(right))
    if families == ("text", "text"):
        if left.name in ("text", "ntext"):
            return left
        length = -1 if -1 in (left.length, right.length) or right.name in ("text", "ntext") else max(left.length, right.length)
        name = {"nchar": "nvarchar", "char": "varchar"}.get(name, name) if left.name != right.name else name
        return SqlType(name, length, collation=left.collation or right.collation)
    if families == ("binary", "binary"):
        if left.name in ("image", "rowversion"):
            return left
        length = -1 if -1 in (left.length, right.length) or right.name == "image" else max(left.length, right.length)
        return SqlType(name if left.name == right.name else "varbinary", length)
    if name in ("decimal", "numeric") and families[1] in ("decimal", "int"):
        other = as_decimal(right)
        scale = max(left.scale, other.scale)
        return fitted(name, max(left.precision - left.scale, other.precision - other.scale) + scale, scale)
    if name in ("datetime2", "datetimeoffset", "time") and families[1] == "moment":
        return SqlType(name, scale=max(left.scale, {"datetime": 3}.get(right.name, right.scale)))
    return left


def with_collation(type_: SqlType, collation: str | None) -> SqlType:
    return replace(type_, collation=collation)


def text_length(type_: SqlType) -> int:
    """How many characters a value of the type has at most as text."""
    if family(type_) in ("text", "binary"):
        return type_.length if not is_max(type_) else -1
    return {"bit": 1, "tinyint": 3, "smallint": 6, "int": 11, "bigint": 20, "decimal": 41, "numeric": 41, "money": 30, "smallmoney": 30,
            "float": 30, "real": 30, "uniqueidentifier": 36, "date": 10, "time": 16, "datetime": 30, "smalldatetime": 30, "datetime2": 27,
            "datetimeoffset": 34}.get(type_.name, -1)


def written(type_: SqlType) -> str:
    """As sp_describe_first_result_set writes it: nvarchar(10), decimal(9,2)."""
    name = type_.name
    if name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        return f"{name}({'max' if type_.length == -1 else type_.length})"
    if name in ("decimal", "numeric"):
        return f"{name}({type_.precision},{type_.scale})"
    if name in ("time", "datetime2", "datetimeoffset"):
        return f"{name}({type_.scale})"
    return listed(name)
