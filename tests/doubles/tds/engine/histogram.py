"""Statistics made from the rows themselves: up to 200 steps."""

from __future__ import annotations

from collections.abc import Iterator

from . import storage
from .catalog import Column, Object

MOST = 200


def steps(session, database, table: Object, column: Column) -> Iterator[tuple]:
    """range_high_key, range_rows, equal_rows, distinct_range_rows, average_range_rows; NULL has a step of its own, the first."""
    counted = session.runtime.run(f"SELECT {column.physical}, COUNT(*) FROM {database.schema}.{table.physical} GROUP BY {column.physical} "
                                  f"ORDER BY {column.physical}").fetchall()
    if counted and counted[0][0] is None:
        yield None, 0.0, float(counted[0][1]), 0, 1.0
        counted = counted[1:]
    decode = storage.decoder(column.type)
    room = min(MOST - 1, len(counted))
    ends = {round(at * (len(counted) - 1) / max(room - 1, 1)) for at in range(room)}
    rows = distinct = 0
    for at, (stored, count) in enumerate(counted):
        if at in ends:
            yield ((column.type, decode(stored) if decode else stored), float(rows), float(count), distinct, rows / distinct if distinct else 1.0)
            rows = distinct = 0
        else:
            rows, distinct = rows + count, distinct + 1
