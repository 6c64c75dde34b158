"""The rows of the system views. Columns as learn.microsoft.com/sql/relational-databases/system-catalog-views lists them, in their order;
what clients never ask for is left out and so an error 207."""

from __future__ import annotations

import datetime

from .. import wrongs
from ..model import SqlType
from . import histogram, types
from .catalog import Column, Index, Object
from .system_views import object_id, parsed_columns, view
from .types import family

_EPOCH = datetime.date(1900, 1, 1)
_KINDS = {"U": "USER_TABLE", "V": "VIEW", "SN": "SYNONYM", "PK": "PRIMARY_KEY_CONSTRAINT", "UQ": "UNIQUE_CONSTRAINT",
          "D": "DEFAULT_CONSTRAINT", "C": "CHECK_CONSTRAINT", "SP": "SECURITY_POLICY"}


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
      "is_broker_enabled bit, is_cdc_enabled bit, is_encrypted bit?, replica_id uniqueidentifier?, is_query_store_on bit?, "
      "is_memory_optimized_elevate_to_snapshot_on bit?, is_accelerated_database_recovery_on bit?")
def _databases(session, database):
    for found in sorted((d.settings for d in session.engine.databases.values()), key=lambda settings: settings.id):
        yield (found.name, found.id, found.source_id, b"\x01", moment(found.created), found.compatibility_level, found.collation, 0, "MULTI_USER",
               found.read_only, False, False, 0, "ONLINE", False, False, int(found.snapshot_isolation), "ON" if found.snapshot_isolation else
               "OFF", found.read_committed_snapshot, 1, "FULL", found.broker, False, False, False, None, False, False, False)


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

_OBJECT = ("name sysname, object_id int, principal_id int?, schema_id int, parent_object_id int, type char(2)?, type_desc nvarchar(60)?, "
           "create_date datetime, modify_date datetime, is_ms_shipped bit, is_published bit, is_schema_published bit")


def _object(database, found: Object, kind: str | None = None) -> tuple:
    kind = kind or found.kind
    return (found.name, found.id, None, schema_id(database, found.schema), 0, kind.ljust(2), _KINDS[kind], moment(found.created),
            moment(found.modified), False, False, False)


def _constraints(found: Object):
    """Name, id, kind."""
    for index in found.indexes:
        if index.kind:
            yield index.name, index.object_id, index.kind
    for column in found.columns:
        if column.default is not None:
            yield column.default_name, default_id(found, column), "D"


def default_id(found: Object, column: Column) -> int:
    return found.id + column.id if column.default is not None else 0


@view("sys.objects", _OBJECT)
def _objects(session, database):
    for found in visible(session, database):
        yield _object(database, found)
        for name, id_, kind in _constraints(found):
            yield (name, id_, None, schema_id(database, found.schema), found.id, kind.ljust(2), _KINDS[kind], moment(found.created),
                   moment(found.modified), False, False, False)
    for schema, name, id_, _, _ in database.catalog.policies:
        yield (name, id_, None, schema_id(database, schema), 0, "SP", _KINDS["SP"], moment(database.settings.created),
               moment(database.settings.created), False, False, False)


@view("sys.all_objects", _OBJECT)
def _all_objects(session, database):
    yield from _objects(session, database)


@view("sys.tables", _OBJECT + ", lob_data_space_id int, max_column_id_used int, has_unchecked_assembly_data bit, durability tinyint?, "
      "durability_desc nvarchar(60)?, is_memory_optimized bit?, temporal_type tinyint?, temporal_type_desc nvarchar(60)?, "
      "history_table_id int?, is_remote_data_archive_enabled bit?, is_external bit, is_node bit?, is_edge bit?, ledger_type tinyint?")
def _tables(session, database):
    names = {0: "NON_TEMPORAL_TABLE", 1: "HISTORY_TABLE", 2: "SYSTEM_VERSIONED_TEMPORAL_TABLE"}
    for found in visible(session, database):
        if found.kind == "U":
            yield (*_object(database, found), 0, found.next_column - 1, False, 0, "SCHEMA_AND_DATA", found.memory_optimized, found.temporal,
                   names[found.temporal], found.history or None, False, False, False, False, 0)


@view("sys.views", _OBJECT + ", has_opaque_metadata bit, with_check_option bit, is_date_correlation_view bit")
def _views(session, database):
    for found in visible(session, database):
        if found.kind == "V":
            yield (*_object(database, found), False, False, False)


@view("sys.synonyms", _OBJECT + ", base_object_name nvarchar(1035)?")
def _synonyms(session, database):
    for found in visible(session, database):
        if found.kind == "SN":
            yield (*_object(database, found), ".".join(f"[{part}]" for part in found.target))


@view("sys.sql_modules", "object_id int, definition nvarchar(max)?, uses_ansi_nulls bit?, is_schema_bound bit?")
def _modules(session, database):
    for found in visible(session, database):
        if found.kind == "V":
            yield found.id, found.text, True, False


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


@view("sys.default_constraints", _OBJECT + ", parent_column_id int, definition nvarchar(max)?, is_system_named bit")
def _defaults(session, database):
    for found in visible(session, database):
        for column in found.columns:
            if column.default is not None:
                yield (column.default_name, default_id(found, column), None, schema_id(database, found.schema), found.id, "D ", _KINDS["D"],
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


# ---- indexes, partitions


def indexes_of(found: Object) -> list[Index]:
    """With the heap, when there is no clustered one."""
    heap = [] if any(index.clustered for index in found.indexes) else [Index(0, "", [])]
    return heap + sorted(found.indexes, key=lambda index: index.id)


def _index_type(index: Index) -> tuple[int, str]:
    if index.id == 0:
        return 0, "HEAP"
    if index.columnstore:
        return (5, "CLUSTERED COLUMNSTORE") if index.clustered else (6, "NONCLUSTERED COLUMNSTORE")
    return (1, "CLUSTERED") if index.clustered else (2, "NONCLUSTERED")


@view("sys.indexes", "object_id int, name sysname?, index_id int, type tinyint, type_desc nvarchar(60)?, is_unique bit?, data_space_id int?, "
      "ignore_dup_key bit?, is_primary_key bit?, is_unique_constraint bit?, fill_factor tinyint, is_padded bit?, is_disabled bit?, "
      "is_hypothetical bit?, is_ignored_in_optimization bit?, allow_row_locks bit?, allow_page_locks bit?, has_filter bit?, "
      "filter_definition nvarchar(max)?, auto_created bit?, optimize_for_sequential_key bit?")
def _indexes(session, database):
    for found in visible(session, database):
        for index in indexes_of(found) if found.kind == "U" else ():
            yield (found.id, index.name or None, index.id, *_index_type(index), index.unique, 1, False, index.kind == "PK", index.kind == "UQ", 0,
                   False, False, False, False, True, True, index.filtered, None, False, False)


@view("sys.index_columns", "object_id int, index_id int, index_column_id int, column_id int, key_ordinal tinyint, partition_ordinal tinyint, "
      "is_descending_key bit?, is_included_column bit?, column_store_order_ordinal tinyint")
def _index_columns(session, database):
    for found in visible(session, database):
        for index in found.indexes:
            keys = list(index.columns)
            if index.columnstore and index.clustered and not keys:
                included = [column.id for column in found.stored_columns()]
            elif index.columnstore:
                included, keys = [column for column, _ in keys], []
            else:
                included = index.included
            for at, (column, descending) in enumerate(keys, 1):
                yield found.id, index.id, at, column, at, 0, descending, False, 0
            for at, column in enumerate(included, len(keys) + 1):
                yield found.id, index.id, at, column, 0, 0, False, True, 0


@view("sys.key_constraints", _OBJECT + ", unique_index_id int?, is_system_named bit, is_enforced bit?")
def _keys(session, database):
    for found in visible(session, database):
        for index in found.indexes:
            if index.kind:
                yield (index.name, index.object_id, None, schema_id(database, found.schema), found.id, index.kind, _KINDS[index.kind],
                       moment(found.created), moment(found.modified), False, False, False, index.id, index.system_named, True)


@view("sys.foreign_keys", _OBJECT + ", referenced_object_id int?, key_index_id int?, is_disabled bit")
def _foreign_keys(session, database):
    return iter(())


@view("sys.check_constraints", _OBJECT + ", is_disabled bit, definition nvarchar(max)?")
def _checks(session, database):
    return iter(())


def row_count(session, database, found: Object) -> int:
    """What is committed, and what the session itself has changed."""
    session.attached(database)
    return session.runtime.run(f"SELECT COUNT(*) FROM {database.schema}.{found.physical}").fetchone()[0]


def partition_id(found: Object, index: Index) -> int:
    return 72057594037927936 + found.id * 256 + index.id


def _pages(found: Object, rows: int) -> int:
    width = sum(max(types.sizes(column.type)[0], 8) for column in found.stored_columns())
    return (rows * min(width, 8000) + 8059) // 8060


@view("sys.partitions", "partition_id bigint, object_id int, index_id int, partition_number int, hobt_id bigint, rows bigint?, "
      "filestream_filegroup_id smallint, data_compression tinyint, data_compression_desc nvarchar(60)?, xml_compression bit?, "
      "xml_compression_desc varchar(3)?")
def _partitions(session, database):
    for found in visible(session, database):
        if found.kind == "U":
            rows = row_count(session, database, found)
            for index in indexes_of(found):
                number = partition_id(found, index)
                yield number, found.id, index.id, 1, number, rows, 0, 0, "NONE", False, "OFF"


@view("sys.allocation_units", "allocation_unit_id bigint, type tinyint, type_desc nvarchar(60)?, container_id bigint, data_space_id int?, "
      "total_pages bigint, used_pages bigint, data_pages bigint")
def _allocation_units(session, database):
    for found in visible(session, database):
        if found.kind == "U":
            pages = _pages(found, row_count(session, database, found))
            for index in indexes_of(found):
                number = partition_id(found, index)
                yield number + 1, 1, "IN_ROW_DATA", number, 1, pages + 1 if pages else 0, pages + 1 if pages else 0, pages


@view("sys.dm_db_partition_stats", "partition_id bigint?, object_id int, index_id int, partition_number int, in_row_data_page_count bigint?, "
      "in_row_used_page_count bigint?, in_row_reserved_page_count bigint?, lob_used_page_count bigint?, lob_reserved_page_count bigint?, "
      "row_overflow_used_page_count bigint?, row_overflow_reserved_page_count bigint?, used_page_count bigint?, reserved_page_count bigint?, "
      "row_count bigint?")
def _partition_stats(session, database):
    for found in visible(session, database):
        if found.kind == "U":
            rows = row_count(session, database, found)
            pages = _pages(found, rows)
            for index in indexes_of(found):
                yield partition_id(found, index), found.id, index.id, 1, pages, pages, pages, 0, 0, 0, 0, pages, pages, rows


@view("sys.partition_schemes", "name sysname, data_space_id int, type char(2), type_desc nvarchar(60)?, function_id int")
def _partition_schemes(session, database):
    return iter(())


@view("sys.data_spaces", "name sysname, data_space_id int, type char(2), type_desc nvarchar(60)?, is_default bit?, is_system bit?")
def _data_spaces(session, database):
    yield "PRIMARY", 1, "FG", "ROWS_FILEGROUP", True, False


# ---- statistics


def statistics_of(found: Object) -> list[tuple[int, str, list[int]]]:
    kept = [(index.id, index.name, [column for column, _ in index.columns]) for index in found.indexes if not index.columnstore and index.columns]
    return kept + [(statistics.id, statistics.name, statistics.columns) for statistics in found.statistics]


@view("sys.stats", "object_id int, name sysname?, stats_id int, auto_created bit?, user_created bit?, no_recompute bit?, has_filter bit?, "
      "filter_definition nvarchar(max)?, is_temporary bit?, is_incremental bit?, has_persisted_sample bit?")
def _stats(session, database):
    for found in visible(session, database):
        made = {statistics.id for statistics in found.statistics}
        for number, name, _ in statistics_of(found):
            yield found.id, name, number, False, number in made, False, False, None, False, False, False


@view("sys.stats_columns", "object_id int, stats_id int, stats_column_id int?, column_id int?")
def _stats_columns(session, database):
    for found in visible(session, database):
        for number, _, columns in statistics_of(found):
            for at, column in enumerate(columns, 1):
                yield found.id, number, at, column


def _histogram(session, wanted: int | None, statistics: int | None):
    database = session.engine.find(session.database)
    found = database.catalog.objects.get(wanted)
    if found is None or found not in visible(session, database):
        return
    columns = next((columns for number, _, columns in statistics_of(found) if number == statistics), None)
    if columns is None:
        return
    session.attached(database)
    for at, step in enumerate(histogram.steps(session, database, found, found.by_id(columns[0])), 1):
        yield (wanted, statistics, at, *step)


def _properties(session, wanted: int | None, statistics: int | None):
    database = session.engine.find(session.database)
    found = database.catalog.objects.get(wanted)
    if found is None or found not in visible(session, database) or all(number != statistics for number, _, _ in statistics_of(found)):
        return
    rows = row_count(session, database, found)
    yield wanted, statistics, None, rows, rows, 200, rows, 0, rows


FUNCTIONS = {
    "dm_db_stats_histogram": (parsed_columns(
        "object_id int, stats_id int, step_number int, range_high_key sql_variant?, range_rows real, equal_rows real, distinct_range_rows bigint, "
        "average_range_rows real"), _histogram),
    "dm_db_stats_properties": (parsed_columns(
        "object_id int, stats_id int, last_updated datetime2(7)?, rows bigint?, rows_sampled bigint?, steps int?, unfiltered_rows bigint?, "
        "modification_counter bigint?, persisted_sample_percent float?"), _properties),
}


# ---- security, sessions


@view("sys.security_policies", _OBJECT + ", is_not_for_replication bit, uses_database_collation bit?, is_enabled bit, is_schema_bound bit")
def _policies(session, database):
    for schema, name, id_, _, enabled in database.catalog.policies:
        yield (name, id_, None, schema_id(database, schema), 0, "SP", _KINDS["SP"], moment(database.settings.created),
               moment(database.settings.created), False, False, False, False, True, enabled, True)


@view("sys.security_predicates", "object_id int, security_predicate_id int, target_object_id int, predicate_definition nvarchar(max)?, "
      "predicate_type int?, predicate_type_desc nvarchar(60)?, operation int?, operation_desc nvarchar(60)?")
def _predicates(session, database):
    for _, _, id_, predicates, _ in database.catalog.policies:
        for at, (text, target) in enumerate(predicates, 1):
            yield id_, at, target, f"({text})", 0, "FILTER", None, None


def _own_sessions(session):
    everything = session.engine.is_sysadmin(session.login.user)
    return [found for found in list(session.engine.sessions.values()) if found is session or everything]


_LEVELS = {"READ UNCOMMITTED": 1, "READ COMMITTED": 2, "REPEATABLE READ": 3, "SERIALIZABLE": 4, "SNAPSHOT": 5}


@view("sys.dm_exec_sessions", "session_id smallint, login_time datetime, host_name nvarchar(128)?, program_name nvarchar(128)?, "
      "login_name nvarchar(128), status nvarchar(30), transaction_isolation_level smallint, lock_timeout int, row_count bigint, "
      "original_login_name nvarchar(128), database_id smallint, open_transaction_count int, is_user_process bit, text_size int, "
      "date_format nvarchar(3)?, quoted_identifier bit")
def _sessions(session, database):
    for found in _own_sessions(session):
        yield (found.id, moment(found.started), found.login.host, found.login.application, found.login.user,
               "running" if found is session else "sleeping", _LEVELS[found.isolation], found.lock_timeout, found.rowcount, found.login.user,
               session.engine.database_id(found.database), found.trancount, True, found.settings.get("TEXTSIZE", 2147483647),
               found.settings["DATEFORMAT"], found.settings["QUOTED_IDENTIFIER"] != "OFF")


@view("sys.dm_exec_connections", "session_id int?, connect_time datetime, net_transport nvarchar(40), protocol_type nvarchar(40)?, "
      "protocol_version int?, encrypt_option nvarchar(40), auth_scheme nvarchar(40), client_net_address varchar(48)?, local_tcp_port int?, "
      "net_packet_size int?")
def _connections(session, database):
    for found in _own_sessions(session):
        encrypted = "FALSE" if "says_plain" in wrongs.NOW else getattr(found, "encrypted", "FALSE")
        scheme = "NTLM" if "says_ntlm" in wrongs.NOW else {"kerberos": "KERBEROS"}.get(found.login.method, "SQL")
        yield (found.id, moment(found.started), "TCP", "TSQL", 0x74000004, encrypted, scheme, "127.0.0.1", 1433, getattr(found, "packet_size", 4096))


@view("sys.dm_exec_requests", "session_id smallint, request_id int, status nvarchar(30), command nvarchar(32), database_id smallint, "
      "blocking_session_id smallint?, wait_type nvarchar(60)?, open_transaction_count int")
def _requests(session, database):
    for found in _own_sessions(session):
        waiting = session.engine.locks.waiting(found)
        if found is session or waiting:
            yield (found.id, 0, "suspended" if waiting else "running", "SELECT", session.engine.database_id(found.database), 0,
                   "LCK_M_S" if waiting else None, found.trancount)


@view("sys.dm_tran_locks", "resource_type nvarchar(60), resource_database_id int, resource_associated_entity_id bigint?, request_mode nvarchar(60), "
      "request_status nvarchar(60), request_session_id int")
def _locks(session, database):
    for resource, mode, status, owner in session.engine.locks.rows():
        kind = "OBJECT" if len(resource) > 1 else "DATABASE"
        yield kind, resource[0], resource[1] if len(resource) > 1 else 0, mode, status, owner.id


@view("sys.dm_tran_active_snapshot_database_transactions", "transaction_id bigint, session_id int, elapsed_time_seconds bigint?")
def _snapshots(session, database):
    for found in _own_sessions(session):
        if found._snapshot_at:
            yield found.id, found.id, 0


@view("sys.configurations", "configuration_id int, name nvarchar(35), value sql_variant?, value_in_use sql_variant?")
def _configurations(session, database):
    yield 1562, "clr enabled", (types.INT, 0), (types.INT, 0)


@view("sys.extended_properties", "class tinyint, class_desc nvarchar(60)?, major_id int, minor_id int, name sysname, value sql_variant?")
def _extended(session, database):
    return iter(())


# ---- INFORMATION_SCHEMA


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
