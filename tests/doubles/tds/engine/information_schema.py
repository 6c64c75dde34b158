"""INFORMATION_SCHEMA."""

from __future__ import annotations

from . import types
from .system_objects import collation_of, visible
from .system_views import view
from .types import family


@view("INFORMATION_SCHEMA.TABLES", "TABLE_CATALOG nvarchar(128)?, TABLE_SCHEMA nvarchar(128)?, TABLE_NAME sysname, TABLE_TYPE varchar(10)?")
def _information_tables(session, database):
    for found in visible(session, database):
        if found.kind in ("U", "V"):
            yield database.settings.name, found.schema, found.name, "BASE TABLE" if found.kind == "U" else "VIEW"


@view("INFORMATION_SCHEMA.COLUMNS", "TABLE_CATALOG nvarchar(128)?, TABLE_SCHEMA nvarchar(128)?, TABLE_NAME sysname, COLUMN_NAME sysname?, "
      "ORDINAL_POSITION int?, COLUMN_DEFAULT nvarchar(4000)?, IS_NULLABLE varchar(3)?, DATA_TYPE nvarchar(128)?, "
      "CHARACTER_MAXIMUM_LENGTH int?, CHARACTER_OCTET_LENGTH int?, NUMERIC_PRECISION tinyint?, NUMERIC_PRECISION_RADIX smallint?, "
      "NUMERIC_SCALE int?, DATETIME_PRECISION smallint?, CHARACTER_SET_CATALOG sysname?, CHARACTER_SET_SCHEMA sysname?, "
      "CHARACTER_SET_NAME sysname?, COLLATION_CATALOG sysname?, COLLATION_SCHEMA sysname?, COLLATION_NAME sysname?, DOMAIN_CATALOG sysname?, "
      "DOMAIN_SCHEMA sysname?, DOMAIN_NAME sysname?")
def _information_columns(session, database):
    for found in visible(session, database):
        for at, column in enumerate(found.columns, 1):
            type_, kind = column.type, family(column.type)
            length, precision, scale = types.sizes(type_)
            characters = octets = None
            if kind in ("text", "binary") and type_.name != "rowversion":
                octets = {"text": 2147483647, "ntext": 2147483646, "image": 2147483647}.get(type_.name, length)
                characters = octets // 2 if type_.name in types.UNICODE and octets != -1 else octets
            alias = column.alias.split(".", 1) if column.alias and not column.alias.startswith("sys.") else None
            yield (database.settings.name, found.schema, found.name, column.name, at,
                   f"({column.default_text})" if column.default is not None else None, "YES" if column.nullable else "NO", types.listed(type_.name), characters,
                   octets, precision if kind in ("int", "decimal", "float") and type_.name != "bit" else None,
                   {"float": 2}.get(kind, 10) if kind in ("int", "decimal", "float") and type_.name != "bit" else None,
                   scale if kind in ("int", "decimal") and type_.name != "bit" else None, scale if kind == "moment" else None, None, None,
                   ("UNICODE" if type_.name in types.UNICODE else "iso_1") if kind == "text" else None, None, None, collation_of(database, type_),
                   database.settings.name if alias else None, alias[0] if alias else None, alias[1] if alias else None)


@view("INFORMATION_SCHEMA.SCHEMATA", "CATALOG_NAME nvarchar(128)?, SCHEMA_NAME nvarchar(128), SCHEMA_OWNER nvarchar(128)?")
def _schemata(session, database):
    for name in database.catalog.schemas:
        yield database.settings.name, name, "dbo"
