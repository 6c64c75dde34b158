"""System views of databases, objects, columns and types. Columns as learn.microsoft.com/sql/relational-databases/system-catalog-views lists them, in their order;
what clients never ask for is left out and so an error 207."""

from __future__ import annotations

import datetime
import re

from ..model import SqlType
from . import types
from .catalog import Column, Object
from .system_views import object_id, view
from .types import family

_EPOCH = datetime.date(1900, 1, 1)
KINDS = {"U": "USER_TABLE", "V": "VIEW", "SN": "SYNONYM", "PK": "PRIMARY_KEY_CONSTRAINT", "UQ": "UNIQUE_CONSTRAINT",
          "D": "DEFAULT_CONSTRAINT", "F": "FOREIGN_KEY_CONSTRAINT", "C": "CHECK_CONSTRAINT", "SP": "SECURITY_POLICY"}


def moment(value: datetime.datetime | None) -> tuple[int, int] | None:
    if value is None:
        return None
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (value.date() - _EPOCH).days, seconds * 300 + value.microsecond * 3 // 10_000


def visible(session, database) -> list[Object]:
    """Objects that the user may see anything of."""
    found = [o for o in database.catalog.objects.values() if not o.schema.startswith("#") or o.schema == f"#{session.id}"]
    return [o for o in found if session.allowed(database, o, "SELECT")[0] or session.allowed(database, o, "INSERT")[0]]


def schema_id(database, name: str) -> int:
    return database.catalog.schemas.get(name, 1)


def type_ids(database, column: Column) -> tuple[int, int]:
    system, user = types.IDS[column.type.name]
    if column.alias == "sys.sysname":
        return types.IDS["sysname"]
    if column.alias:
        alias = database.catalog.find_type(tuple(column.alias.split(".", 1)))
        return system, alias.id if alias else user
    return system, user


def collation_of(database, type_: SqlType) -> str | None:
    return (type_.collation or database.settings.collation) if family(type_) == "text" else None


# ---- databases, schemas


@view("sys.databases", "name sysname, database_id int, source_database_id int?, owner_sid varbinary(85)?, create_date datetime, "
      "compatibility_level tinyint, collation_name sysname?, user_access tinyint?, user_access_desc nvarchar(60)?, is_read_only bit?, "
      "is_auto_close_on bit, is_auto_shrink_on bit?, state tinyint?, state_desc nvarchar(60)?, is_in_standby bit?, "
      "is_cleanly_shutdown bit?, snapshot_isolation_state tinyint?, snapshot_isolation_state_desc nvarchar(60)?, "
      "is_read_committed_snapshot_on bit?, recovery_model tinyint?, recovery_model_desc nvarchar(60)?, service_broker_guid uniqueidentifier, "
      "is_broker_enabled bit, is_cdc_enabled bit, is_encrypted bit?, replica_id uniqueidentifier?, group_database_id uniqueidentifier?, is_query_store_on bit?, "
      "is_memory_optimized_elevate_to_snapshot_on bit?, is_accelerated_database_recovery_on bit?")
def _databases(session, database):
    for found in sorted((d.settings for d in session.engine.databases.values()), key=lambda settings: settings.id):
        yield (found.name, found.id, found.source_id, b"\x01", moment(found.created), found.compatibility_level, found.collation, 0, "MULTI_USER",
               found.read_only, False, False, 0, "ONLINE", False, False, int(found.snapshot_isolation), "ON" if found.snapshot_isolation else
               "OFF", found.read_committed_snapshot, 1, "FULL", found.broker, False, False, False, None, None, False, False, False)


@view("sys.database_files", "file_id int, type tinyint, type_desc nvarchar(60)?, name sysname, physical_name nvarchar(260)?")
def _database_files(session, database):
    yield 1, 0, "ROWS", "data", f"/data/{database.settings.name}.mdf"
    yield 2, 1, "LOG", "log", f"/data/{database.settings.name}.ldf"


@view("sys.schemas", "name sysname, schema_id int, principal_id int?")
def _schemas(session, database):
    for name, id_ in database.catalog.schemas.items():
        yield name, id_, 1


@view("sys.database_principals", "name sysname, principal_id int, type char(1), type_desc nvarchar(60)?, default_schema_name sysname?, "
      "create_date datetime, is_fixed_role bit")
def _principals(session, database):
    for at, name in enumerate(database.catalog.users):
        yield name, 1 if name == "dbo" else at + 5, "S", "SQL_USER", "dbo", moment(database.settings.created), False


# ---- objects

OBJECT = ("name sysname, object_id int, principal_id int?, schema_id int, parent_object_id int, type char(2)?, type_desc nvarchar(60)?, "
           "create_date datetime, modify_date datetime, is_ms_shipped bit, is_published bit, is_schema_published bit")


def _object(database, found: Object, kind: str | None = None) -> tuple:
    kind = kind or found.kind
    return (found.name, found.id, None, schema_id(database, found.schema), 0, kind.ljust(2), KINDS[kind], moment(found.created),
            moment(found.modified), False, False, False)


def _constraints(found: Object):
    """Name, id, kind."""
    for index in found.indexes:
        if index.kind:
            yield index.name, index.object_id, index.kind
    for column in found.columns:
        if column.default is not None:
            yield column.default_name, default_id(found, column), "D"
    yield from ((name, id_, "C") for name, id_, *_ in found.checks)
    yield from ((name, id_, "F") for name, id_, *_ in found.foreign_keys)


def constraint(database, found: Object, name: str, id_: int, kind: str) -> tuple:
    return (name, id_, None, schema_id(database, found.schema), found.id, kind.ljust(2), KINDS[kind], moment(found.created),
            moment(found.modified), False, False, False)


def default_id(found: Object, column: Column) -> int:
    return found.id + column.id if column.default is not None else 0


@view("sys.objects", OBJECT)
def _objects(session, database):
    for found in visible(session, database):
        yield _object(database, found)
        for name, id_, kind in _constraints(found):
            yield constraint(database, found, name, id_, kind)
    for schema, name, id_, _, _ in database.catalog.policies:
        yield (name, id_, None, schema_id(database, schema), 0, "SP", KINDS["SP"], moment(database.settings.created),
               moment(database.settings.created), False, False, False)


@view("sys.all_objects", OBJECT)
def _all_objects(session, database):
    yield from _objects(session, database)


@view("sys.tables", OBJECT + ", lob_data_space_id int, max_column_id_used int, has_unchecked_assembly_data bit, durability tinyint?, "
      "durability_desc nvarchar(60)?, is_memory_optimized bit?, temporal_type tinyint?, temporal_type_desc nvarchar(60)?, "
      "history_table_id int?, is_remote_data_archive_enabled bit?, is_external bit, is_node bit?, is_edge bit?, ledger_type tinyint?")
def _tables(session, database):
    names = {0: "NON_TEMPORAL_TABLE", 1: "HISTORY_TABLE", 2: "SYSTEM_VERSIONED_TEMPORAL_TABLE"}
    for found in visible(session, database):
        if found.kind == "U":
            yield (*_object(database, found), 0, found.next_column - 1, False, 0, "SCHEMA_AND_DATA", found.memory_optimized, found.temporal,
                   names[found.temporal], found.history or None, False, False, False, False, 0)


@view("sys.views", OBJECT + ", has_opaque_metadata bit, with_check_option bit, is_date_correlation_view bit")
def _views(session, database):
    for found in visible(session, database):
        if found.kind == "V":
            yield (*_object(database, found), False, False, False)


@view("sys.synonyms", OBJECT + ", base_object_name nvarchar(1035)?")
def _synonyms(session, database):
    for found in visible(session, database):
        if found.kind == "SN":
            yield (*_object(database, found), ".".join(f"[{part}]" for part in found.target))


@view("sys.sql_modules", "object_id int, definition nvarchar(max)?, uses_ansi_nulls bit?, is_schema_bound bit?")
def _modules(session, database):
    for found in visible(session, database):
        if found.kind == "V":
            yield found.id, found.text, True, False


_THREE_PARTS = re.compile(r"(?<![\w.\]])(\w+|\[[^\]]+\])\.(\w*|\[[^\]]+\])\.(\w+|\[[^\]]+\])")


@view("sys.sql_expression_dependencies", "referencing_id int, referenced_server_name sysname?, referenced_database_name sysname?, "
      "referenced_schema_name sysname?, referenced_entity_name sysname, referenced_id int?")
def _dependencies(session, database):
    """Only what views name in other databases."""
    for found in visible(session, database):
        if found.kind == "V":
            for name in _THREE_PARTS.finditer(found.text):
                database_name, schema, entity = (part.strip("[]") for part in name.groups())
                yield found.id, None, database_name, schema or None, entity, None


# ---- columns and types

_COLUMN = ("object_id int, name sysname?, column_id int, system_type_id tinyint, user_type_id int, max_length smallint, precision tinyint, "
           "scale tinyint, collation_name sysname?, is_nullable bit?, is_ansi_padded bit, is_rowguidcol bit, is_identity bit, is_computed bit, "
           "is_filestream bit, is_replicated bit?, is_non_sql_subscribed bit?, is_merge_published bit?, is_dts_replicated bit?, "
           "is_xml_document bit, xml_collection_id int, default_object_id int, rule_object_id int, is_sparse bit?, is_column_set bit?, "
           "generated_always_type tinyint?, generated_always_type_desc nvarchar(60)?, encryption_type int?, encryption_type_desc nvarchar(64)?, "
           "encryption_algorithm_name sysname?, column_encryption_key_id int?, column_encryption_key_database_name sysname?, is_hidden bit?, "
           "is_masked bit")
_GENERATED = {"": (0, "NOT_APPLICABLE"), "START": (1, "AS_ROW_START"), "END": (2, "AS_ROW_END")}


def _column(database, found: Object, column: Column) -> tuple:
    system, user = type_ids(database, column)
    length, precision, scale = types.sizes(column.type)
    return (found.id, column.name, column.id, system, user, length, precision, scale, collation_of(database, column.type), column.nullable,
            family(column.type) in ("text", "binary"), column.rowguid, column.identity is not None, column.computed is not None, False, False,
            False, False, False, False, 0, default_id(found, column), 0, column.sparse, column.column_set, *_GENERATED[column.generated], None, None,
            None, None, None, column.hidden, column.masked is not None)


@view("sys.columns", _COLUMN)
def _columns(session, database):
    for found in visible(session, database):
        for column in found.columns:
            yield _column(database, found, column)


@view("sys.all_columns", _COLUMN)
def _all_columns(session, database):
    yield from _columns(session, database)
    from .system_views import VIEWS
    for made in VIEWS.values():
        for at, (name, type_, nullable) in enumerate(made.columns, 1):
            described = Column(at, name, type_, nullable)
            yield _column(database, Object(object_id(made), made.schema, made.name, "V", database.settings.created, database.settings.created),
                          described)


@view("sys.computed_columns", _COLUMN + ", definition nvarchar(max)?, uses_database_collation bit, is_persisted bit")
def _computed(session, database):
    for found in visible(session, database):
        for column in found.columns:
            if column.computed is not None:
                yield (*_column(database, found, column), column.computed_text, True, column.persisted)


@view("sys.identity_columns", _COLUMN + ", seed_value sql_variant?, increment_value sql_variant?, last_value sql_variant?, "
      "is_not_for_replication bit?")
def _identities(session, database):
    for found in visible(session, database):
        for column in found.columns:
            if column.identity:
                last = database.identities.get(found.id)
                plain = column.type if family(column.type) == "int" else types.BIGINT
                yield (*_column(database, found, column), (plain, column.identity[0]), (plain, column.identity[1]),
                       None if last is None else (plain, last), False)


@view("sys.masked_columns", _COLUMN + ", masking_function nvarchar(4000)?")
def _masked(session, database):
    for found in visible(session, database):
        for column in found.columns:
            if column.masked is not None:
                yield (*_column(database, found, column), column.masked)


@view("sys.default_constraints", OBJECT + ", parent_column_id int, definition nvarchar(max)?, is_system_named bit")
def _defaults(session, database):
    for found in visible(session, database):
        for column in found.columns:
            if column.default is not None:
                yield (column.default_name, default_id(found, column), None, schema_id(database, found.schema), found.id, "D ", KINDS["D"],
                       moment(found.created), moment(found.modified), False, False, False, column.id, f"({column.default_text})",
                       column.default_name.startswith("DF__"))


@view("sys.periods", "name sysname, period_type tinyint?, period_type_desc nvarchar(60)?, object_id int, start_column_id int, end_column_id int")
def _periods(session, database):
    for found in visible(session, database):
        if found.period:
            yield "SYSTEM_TIME", 1, "SYSTEM_TIME_PERIOD", found.id, found.column(found.period[0]).id, found.column(found.period[1]).id


_FIXED = {"sysname", "hierarchyid", "geometry", "geography"}


@view("sys.types", "name sysname, system_type_id tinyint, user_type_id int, schema_id int, principal_id int?, max_length smallint, "
      "precision tinyint, scale tinyint, collation_name sysname?, is_nullable bit?, is_user_defined bit, is_assembly_type bit, "
      "default_object_id int, rule_object_id int, is_table_type bit")
def _types(session, database):
    biggest = {"decimal": SqlType("decimal", precision=38, scale=38), "numeric": SqlType("numeric", precision=38, scale=38),
               "nvarchar": SqlType("nvarchar", 4000), "nchar": SqlType("nchar", 4000), "sysname": types.SYSNAME}
    for name, (system, user) in types.IDS.items():
        if name == "json" and session.engine.version[0] < 17:
            continue
        type_ = biggest.get(name) or SqlType(name, 8000 if name in ("varchar", "char", "varbinary", "binary") else 0,
                                             scale=7 if name in ("time", "datetime2", "datetimeoffset") else 0)
        length, precision, scale = types.sizes(type_)
        yield (types.listed(name), system, user, 4, None, length, precision, scale, collation_of(database, type_), name != "rowversion" and name != "sysname",
               False, name in ("hierarchyid", "geometry", "geography"), 0, 0, False)
    for alias in database.catalog.types:
        length, precision, scale = types.sizes(alias.type)
        yield (alias.name, types.IDS[alias.type.name][0], alias.id, schema_id(database, alias.schema), None, length, precision, scale,
               collation_of(database, alias.type), alias.nullable, True, False, 0, 0, False)


@view("sys.assembly_types", "name sysname, system_type_id tinyint, user_type_id int, assembly_id int, assembly_class sysname?, "
      "assembly_qualified_name nvarchar(4000)?")
def _assembly_types(session, database):
    for name in ("hierarchyid", "geometry", "geography"):
        yield name, 240, types.IDS[name][1], 1, f"Microsoft.SqlServer.Types.Sql{name.title()}", None
