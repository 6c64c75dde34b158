"""System views of indexes, constraints, partitions and statistics."""

from __future__ import annotations

from . import histogram, types
from .catalog import Index, Object
from .system_objects import KINDS, OBJECT, constraint, moment, schema_id, visible
from .system_views import parsed_columns, view


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


@view("sys.key_constraints", OBJECT + ", unique_index_id int?, is_system_named bit, is_enforced bit?")
def _keys(session, database):
    for found in visible(session, database):
        for index in found.indexes:
            if index.kind:
                yield (index.name, index.object_id, None, schema_id(database, found.schema), found.id, index.kind, KINDS[index.kind],
                       moment(found.created), moment(found.modified), False, False, False, index.id, index.system_named, True)


@view("sys.foreign_keys", OBJECT + ", referenced_object_id int?, key_index_id int?, is_disabled bit")
def _foreign_keys(session, database):
    for found in visible(session, database):
        for name, id_, _, parent, _ in found.foreign_keys:
            yield (*constraint(database, found, name, id_, "F"), parent, 1, False)


@view("sys.foreign_key_columns", "constraint_object_id int, constraint_column_id int, parent_object_id int, parent_column_id int, "
      "referenced_object_id int, referenced_column_id int")
def _foreign_key_columns(session, database):
    for found in visible(session, database):
        for _, id_, columns, parent, referenced in found.foreign_keys:
            for at, (own, theirs) in enumerate(zip(columns, referenced), 1):
                yield id_, at, found.id, own, parent, theirs


@view("sys.check_constraints", OBJECT + ", is_disabled bit, definition nvarchar(max)?")
def _checks(session, database):
    for found in visible(session, database):
        for name, id_, _, text in found.checks:
            yield (*constraint(database, found, name, id_, "C"), False, text)


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
