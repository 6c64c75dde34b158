"""Reads tables of the stand-in for Snowflake over the wire protocol: neither pulk nor a driver takes part."""

import datetime
import itertools
from dataclasses import dataclass, field
from decimal import Decimal

from support.table import Table

_numbers = itertools.count(1)


@dataclass
class Place:
    """A database of its own in a stand-in: the target of one test. It does not exist yet."""

    server: object
    database: str = field(default_factory=lambda: f"DB{next(_numbers)}")

EPOCH = datetime.datetime(1970, 1, 1)


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fraction(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(seconds: str) -> str:
    nanos = int(Decimal(seconds).scaleb(9))
    whole, fraction = divmod(nanos, 10**9)
    return _fraction((EPOCH + datetime.timedelta(seconds=whole)).isoformat(" ") + f".{fraction:09d}")


def _value(cell, kind: str):
    """A cell of the service's JSON as canonical text."""
    if cell is None:
        return None
    if kind == "real":
        return repr(float(cell))
    if kind == "binary":
        return cell.lower()
    if kind == "date":
        return (EPOCH + datetime.timedelta(days=int(cell))).date().isoformat()
    if kind == "time":
        return _moment(cell).split(" ")[1]
    if kind == "timestamp_ntz":
        return _moment(cell)
    if kind == "timestamp_ltz":
        return _moment(cell) + "+00"
    if kind == "timestamp_tz":
        seconds, offset = cell.split(" ")
        minutes = int(offset) - 1440
        if minutes == 0:
            return _moment(seconds) + "+00"
        whole, point, fraction = seconds.partition(".")
        sign, size = "-" if minutes < 0 else "+", abs(minutes)
        return f"{_moment(f'{int(whole) + 60 * minutes}{point}{fraction}')} {sign}{size // 60:02}:{size % 60:02}"
    return cell


def read_snowflake(place: Place, table: str, schema="PUBLIC") -> Table:
    """A name without its exact match is looked for as Snowflake writes plain names."""
    if table not in snowflake_tables(place):
        table = table.upper()
    session = place.server.session()
    try:
        path = f"{quote(place.database)}.{quote(schema)}.{quote(table)}"
        described = session.sql(f"DESC TABLE {path}")
        names, types = [row[0] for row in described], [row[1] for row in described]
        data = session.query(f"SELECT * FROM {path}")
        kinds = [column["type"].lower() for column in data["rowtype"]]
        rows = [tuple(_value(cell, kind) for cell, kind in zip(row, kinds)) for row in session.rows(data)]
        return Table(names, types, rows, [row[0] for row in described if row[3] == "N"],
                     [row[0] for row in described if row[5] == "Y"])
    finally:
        session.close()


def databases(place: Place) -> list:
    """The place's database, when it is there."""
    return [row[1] for row in place.server.sql("SHOW DATABASES") if row[1] == place.database]


def snowflake_tables(place: Place) -> list:
    """Names of the tables that a person is given: without pulk's own schema."""
    if not databases(place):
        return []
    rows = place.server.sql(f"SHOW TABLES IN DATABASE {quote(place.database)}")
    return sorted(row[1] for row in rows if row[3] not in ("_PULK", "INFORMATION_SCHEMA"))


def check_nothing_left(place: Place):
    """No staging, no stage, no lease, no open transaction; only publish marks."""
    server, own = place.server, f'{quote(place.database)}."_PULK"'
    assert sorted(row[1] for row in server.sql(f"SHOW TABLES IN SCHEMA {own}")) == ["GUARD", "LEASE", "MARK"]
    assert server.sql(f"SHOW STAGES IN SCHEMA {own}") == []
    assert server.sql(f"SELECT * FROM {own}.lease") == []
    assert server.sql(f"SELECT * FROM {own}.mark WHERE \"partition\" <> '' OR state <> 'published'") == []
    assert server.control("transactions") == []
