"""What sp_describe_first_result_set says of a column."""

from . import collations
from .columns import Style, carrier
from .model import Column, ResultSet, SqlType

# name: (system_type_id, bytes, precision, scale); the last three where they do not depend on the column
_KNOWN = {
    "image": (34, 16, 0, 0), "text": (35, 16, 0, 0), "uniqueidentifier": (36, 16, 0, 0), "date": (40, 3, 10, 0), "time": (41, None, None, None),
    "datetime2": (42, None, None, None), "datetimeoffset": (43, None, None, None), "tinyint": (48, 1, 3, 0), "smallint": (52, 2, 5, 0),
    "int": (56, 4, 10, 0), "smalldatetime": (58, 4, 16, 0), "real": (59, 4, 24, 0), "money": (60, 8, 19, 4), "datetime": (61, 8, 23, 3),
    "float": (62, 8, 53, 0), "sql_variant": (98, 8016, 0, 0), "ntext": (99, 16, 0, 0), "bit": (104, 1, 1, 0), "decimal": (106, None, None, None),
    "numeric": (108, None, None, None), "smallmoney": (122, 4, 10, 4), "bigint": (127, 8, 19, 0), "varbinary": (165, None, 0, 0),
    "varchar": (167, None, 0, 0), "binary": (173, None, 0, 0), "char": (175, None, 0, 0), "rowversion": (189, 8, 0, 0),
    "nvarchar": (231, None, 0, 0), "nchar": (239, None, 0, 0), "hierarchyid": (240, 892, 0, 0), "geometry": (240, -1, 0, 0),
    "geography": (240, -1, 0, 0), "xml": (241, -1, 0, 0), "json": (244, -1, 0, 0), "vector": (255, None, 0, 0),
}
_USER_TYPES = {"hierarchyid": 128, "geometry": 129, "geography": 130}
_INT, _BIT, _NAME, _SMALL, _TINY = SqlType("int"), SqlType("bit"), SqlType("nvarchar", 128), SqlType("smallint"), SqlType("tinyint")
_COLUMNS = [
    ("is_hidden", _BIT), ("column_ordinal", _INT), ("name", _NAME), ("is_nullable", _BIT), ("system_type_id", _INT),
    ("system_type_name", SqlType("nvarchar", 256)), ("max_length", _SMALL), ("precision", _TINY), ("scale", _TINY), ("collation_name", _NAME),
    ("user_type_id", _INT), ("user_type_database", _NAME), ("user_type_schema", _NAME), ("user_type_name", _NAME),
    ("assembly_qualified_type_name", SqlType("nvarchar", 4000)), ("xml_collection_id", _INT), ("xml_collection_database", _NAME),
    ("xml_collection_schema", _NAME), ("xml_collection_name", _NAME), ("is_xml_document", _BIT), ("is_case_sensitive", _BIT),
    ("is_fixed_length_clr_type", _BIT), ("source_server", _NAME), ("source_database", _NAME), ("source_schema", _NAME), ("source_table", _NAME),
    ("source_column", _NAME), ("is_identity_column", _BIT), ("is_part_of_unique_key", _BIT), ("is_updateable", _BIT), ("is_computed_column", _BIT),
    ("is_sparse_column_set", _BIT), ("ordinal_in_order_by_list", _SMALL), ("order_by_list_length", _SMALL), ("order_by_is_descending", _SMALL),
    ("tds_type_id", _INT), ("tds_length", _INT), ("tds_collation_id", _INT), ("tds_collation_sort_id", _TINY),
]


def _facts(type_: SqlType):
    """(system_type_id, system_type_name, max_length, precision, scale)"""
    name = type_.name
    number, size, precision, scale = _KNOWN[name]
    if name in ("decimal", "numeric"):
        size = 5 if type_.precision <= 9 else 9 if type_.precision <= 19 else 13 if type_.precision <= 28 else 17
        return number, f"{name}({type_.precision},{type_.scale})", size, type_.precision, type_.scale
    if name in ("time", "datetime2", "datetimeoffset"):
        size = (3 if type_.scale <= 2 else 4 if type_.scale <= 4 else 5) + {"time": 0, "datetime2": 3, "datetimeoffset": 5}[name]
        digits = {"time": 8, "datetime2": 19, "datetimeoffset": 26}[name] + (type_.scale + 1 if type_.scale else 0)
        return number, f"{name}({type_.scale})", size, digits, type_.scale
    if name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        if type_.length == -1:
            return number, f"{name}(max)", -1, precision, scale
        return number, f"{name}({type_.length})", type_.length * (2 if name.startswith("n") else 1), precision, scale
    return number, {"rowversion": "timestamp"}.get(name, name), size or 0, precision, scale


def _on_the_wire(column: Column, style: Style, size: int):
    """(token of its type, length): what the driver reads rows by when it says that it needs no metadata with them."""
    info = carrier(column, style).type_info
    if info[0] in (0x22, 0x23, 0x63, 0x62):
        return info[0], int.from_bytes(info[1:5], "little")
    if info[0] in (0xA5, 0xA7, 0xAD, 0xAF, 0xE7, 0xEF, 0xF0):
        return info[0], int.from_bytes(info[1:3], "little")
    return info[0], 65535 if info[0] == 0xF1 else size


def describe_result_set(columns: list[Column], style: Style) -> ResultSet:
    rows = []
    for ordinal, column in enumerate(columns, 1):
        number, name, size, precision, scale = _facts(column.type)
        text = column.type.name in ("char", "varchar", "nchar", "nvarchar", "text", "ntext")
        collation = (column.type.collation or style.collation) if text else None
        mark = collations.parse(collation)[0] if collation else None
        token, length = _on_the_wire(column, style, size)
        values = dict.fromkeys((known for known, _ in _COLUMNS))
        values.update(is_hidden=False, column_ordinal=ordinal, name=column.name or None, is_nullable=column.nullable, system_type_id=number,
                      system_type_name=name, max_length=size, precision=precision, scale=scale, collation_name=collation,
                      user_type_id=_USER_TYPES.get(column.type.name), is_xml_document=False, is_case_sensitive=bool(collation and "_CS" in collation),
                      is_fixed_length_clr_type=False, is_identity_column=column.identity, is_updateable=not (column.identity or column.computed),
                      is_computed_column=column.computed, is_sparse_column_set=False, tds_type_id=token, tds_length=length,
                      tds_collation_id=int.from_bytes(mark[:4], "little", signed=True) if mark else None, tds_collation_sort_id=mark[4] if mark else None)
        rows.append(tuple(values.values()))
    return ResultSet([Column(name, type_) for name, type_ in _COLUMNS], iter(rows))
