"""What sp_datatype_info answers, by which ODBC drivers tell how long a text may be."""

from __future__ import annotations

from ..model import Column, ResultSet, SqlType

_SMALL, _INT, _NAME, _WORD = SqlType("smallint"), SqlType("int"), SqlType("nvarchar", 128), SqlType("varchar", 32)
_COLUMNS = (
    ("TYPE_NAME", _NAME), ("DATA_TYPE", _SMALL), ("PRECISION", _INT), ("LITERAL_PREFIX", _WORD), ("LITERAL_SUFFIX", _WORD), ("CREATE_PARAMS", _WORD),
    ("NULLABLE", _SMALL), ("CASE_SENSITIVE", _SMALL), ("SEARCHABLE", _SMALL), ("UNSIGNED_ATTRIBUTE", _SMALL), ("MONEY", _SMALL),
    ("AUTO_INCREMENT", _SMALL), ("LOCAL_TYPE_NAME", _NAME), ("MINIMUM_SCALE", _SMALL), ("MAXIMUM_SCALE", _SMALL), ("SQL_DATA_TYPE", _SMALL),
    ("SQL_DATETIME_SUB", _SMALL), ("NUM_PREC_RADIX", _INT), ("INTERVAL_PRECISION", _SMALL), ("USERTYPE", _SMALL),
)
# name, number in ODBC, greatest size, prefix and suffix of a literal, parameters, greatest scale, radix
_TYPES = (
    ("datetimeoffset", -155, 34, "'", "'", "scale", 7, None), ("time", -154, 16, "'", "'", "scale", 7, None), ("xml", -152, 0, "N'", "'", None, None, None),
    ("sql_variant", -150, 8000, None, None, None, None, 10), ("uniqueidentifier", -11, 36, "'", "'", None, None, None),
    ("ntext", -10, 1073741823, "N'", "'", None, None, None), ("nvarchar", -9, 4000, "N'", "'", "max length", None, None),
    ("nchar", -8, 4000, "N'", "'", "length", None, None), ("bit", -7, 1, None, None, None, 0, None), ("tinyint", -6, 3, None, None, None, 0, 10),
    ("bigint", -5, 19, None, None, None, 0, 10), ("image", -4, 2147483647, "0x", None, None, None, None),
    ("varbinary", -3, 8000, "0x", None, "max length", None, None), ("binary", -2, 8000, "0x", None, "length", None, None),
    ("timestamp", -2, 8, "0x", None, None, None, None), ("text", -1, 2147483647, "'", "'", None, None, None),
    ("char", 1, 8000, "'", "'", "length", None, None), ("numeric", 2, 38, None, None, "precision,scale", 38, 10),
    ("decimal", 3, 38, None, None, "precision,scale", 38, 10), ("money", 3, 19, "$", None, None, 4, 10), ("smallmoney", 3, 10, "$", None, None, 4, 10),
    ("int", 4, 10, None, None, None, 0, 10), ("smallint", 5, 5, None, None, None, 0, 10), ("float", 6, 53, None, None, None, None, 2),
    ("real", 7, 24, None, None, None, None, 2), ("varchar", 12, 8000, "'", "'", "max length", None, None), ("date", 91, 10, "'", "'", None, None, None),
    ("datetime2", 93, 27, "'", "'", "scale", 7, None), ("datetime", 93, 23, "'", "'", None, 3, None), ("smalldatetime", 93, 16, "'", "'", None, 0, None),
)


def type_information(data_type: int) -> ResultSet:
    """Of one type of ODBC; 0: all."""
    rows = []
    for name, number, size, prefix, suffix, parameters, scale, radix in _TYPES:
        if data_type not in (0, number):
            continue
        texts, moments = number in (-10, -9, -8, -1, 1, 12), number in (91, 93, -154, -155)
        rows.append((name, number, size, prefix, suffix, parameters, 1, 0, 3 if texts else 2, 1 if name == "tinyint" else 0 if radix else None,
                     int("money" in name), 0 if radix else None, name, 0 if scale is not None else None, scale,
                     9 if moments and number > 0 else number, {91: 1, 93: 3}.get(number), radix, None, 0))
    return ResultSet([Column(name, type_, nullable=name not in ("TYPE_NAME", "DATA_TYPE")) for name, type_ in _COLUMNS], iter(rows))
