"""Conversions to dates and times, and of these to text."""

from __future__ import annotations

import math
from decimal import Decimal

from ..model import SqlError, SqlType
from . import moments
from .conversion_errors import LEGACY, refuse
from .storage import DAY_TICKS
from .types import family


def moment(type_: SqlType, value) -> tuple[int, int, int | None]:
    """Days since 0001-01-01 and ticks, of UTC where there is an offset, and the offset."""
    name = type_.name
    if name == "date":
        return value, 0, None
    if name == "time":
        return moments.EPOCH_1900, value, None
    if name == "datetime":
        return value[0] + moments.EPOCH_1900, datetime_ticks(value[1]), None
    if name == "smalldatetime":
        return value[0] + moments.EPOCH_1900, value[1] * 600_000_000, None
    return (value[0], value[1], value[2] if len(value) > 2 else None)


def datetime_ticks(units: int) -> int:
    """1/300 s are shown as ….000, ….003, ….007; as datetime2 they are 3.3333333 ms."""
    return (units * 100_000 + 1) // 3


def moment_text(type_: SqlType, value, style: int) -> str:
    days, ticks, offset = moment(type_, value)
    if offset is not None:
        days, ticks = moments.shifted(days, ticks, offset)
    if type_.name == "datetime":
        seconds, units = divmod(value[1], 300)
        ticks = seconds * moments.SECOND + (units * 10 + 1) // 3 * 10_000
    if style == 0 and type_.name not in LEGACY:
        style = 121
    return moments.written(type_.name, days, ticks, type_.scale if type_.name not in LEGACY else 3, offset, style)


def to_moment(source: SqlType, target: SqlType, settings: dict, style: int):
    kind = family(source)
    if kind == "moment":
        return lambda value: as_moment(target, *moment(source, value), source)
    if kind == "text":
        return lambda value: _moment_of_text(value, source, target, settings, style)
    if kind in ("int", "decimal", "float"):
        def of_number(value):
            days = math.floor(value)
            fraction = value - days
            if target.name == "datetime":
                return _checked_legacy(days, int(fraction * 25_920_000 + (Decimal("0.5") if kind == "decimal" else 0.5)), source, target)
            return _checked_legacy(days, int(fraction * 1440 + (Decimal("0.5") if kind == "decimal" else 0.5)), source, target)
        return of_number
    if kind == "binary" and target.name == "datetime":
        return lambda value: (int.from_bytes(value[-8:-4], "big", signed=True), int.from_bytes(value[-4:], "big"))
    raise refuse(source, target, False)


def _moment_of_text(text: str, source, target, settings, style):
    try:
        days, ticks, offset, digits = moments.parse(text, settings.get("DATEFORMAT", "mdy"), target.name in LEGACY)
    except moments.NotAMoment as wrong:
        if wrong.out_of_range and target.name in LEGACY:
            raise SqlError(242, f"The conversion of a {source.name} data type to a {target.name} data type resulted in an out-of-range "
                                "value.") from None
        raise SqlError(241, "Conversion failed when converting date and/or time from character string.") from None
    if target.name in LEGACY and (digits > 3 or offset is not None and "T" not in text.upper()):
        raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
    if days is None:
        days = moments.EPOCH_1900
    if offset is not None:
        days, ticks = moments.shifted(days, ticks, -offset)
        if target.name in LEGACY:
            offset = None
    return as_moment(target, days, ticks, offset, source)


def as_moment(target: SqlType, days: int, ticks: int, offset: int | None, source: SqlType):
    """`days` and `ticks` of UTC where there is an offset."""
    name = target.name
    if offset is not None and name != "datetimeoffset":
        days, ticks = moments.shifted(days, ticks, offset)
    if name == "date":
        return days
    if name == "datetime":
        units = (ticks * 3 + 50_000) // 100_000
        return _checked_legacy(days - moments.EPOCH_1900, units, source, target)
    if name == "smalldatetime":
        return _checked_legacy(days - moments.EPOCH_1900, (ticks + 300_000_000) // 600_000_000 if source.name != "datetime" else
                               (ticks + 300_020_000) // 600_000_000, source, target)
    if target.scale < 7:
        unit = 10 ** (7 - target.scale)
        if name == "time" and ticks + unit // 2 >= DAY_TICKS:
            ticks = 0
        days, ticks = moments.rounded(days, ticks, unit)
    if name == "time":
        return ticks
    if not 0 <= days <= moments.LAST_DAY:
        if family(source) == "text":
            raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
        raise SqlError(517, f"Adding a value to a '{name}' column caused an overflow.")
    return (days, ticks, offset or 0) if name == "datetimeoffset" else (days, ticks)


def _checked_legacy(days: int, units: int, source: SqlType, target: SqlType):
    whole = 25_920_000 if target.name == "datetime" else 1440
    days, units = days + units // whole, units % whole
    low, high = (-53690, 2958463) if target.name == "datetime" else (0, 65535)
    if not low <= days <= high:
        if family(source) in ("int", "decimal", "float"):
            raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {target.name}.")
        raise SqlError(242, f"The conversion of a {source.name} data type to a {target.name} data type resulted in an out-of-range value.")
    return days, units
