"""Functions of dates and times."""

from __future__ import annotations

import calendar
import datetime
from dataclasses import replace

from ..model import SqlError, SqlType
from . import conversions, moment_conversions, moments, types
from . import syntax as s
from .compile_expressions import unknown
from .expression import Ex
from .storage import DAY_TICKS, decoder, encode, encoder
from .types import BIGINT, INT, family

_PARTS = {name: part for part, names in {
    "year": "year yy yyyy", "quarter": "quarter qq q", "month": "month mm m", "dayofyear": "dayofyear dy y", "day": "day dd d",
    "week": "week wk ww", "weekday": "weekday dw w", "hour": "hour hh", "minute": "minute mi n", "second": "second ss s",
    "millisecond": "millisecond ms", "microsecond": "microsecond mcs", "nanosecond": "nanosecond ns", "iso_week": "iso_week isowk isoww",
    "tzoffset": "tzoffset tz"}.items() for name in names.split()}
_TICKS = {"week": 7 * DAY_TICKS, "dayofyear": DAY_TICKS, "day": DAY_TICKS, "weekday": DAY_TICKS, "hour": 36_000_000_000,
          "minute": 600_000_000, "second": moments.SECOND, "millisecond": 10_000, "microsecond": 10}


def _part_of(node) -> str:
    found = _PARTS.get(node.text.lower()) if isinstance(node, s.Literal) else None
    if found is None:
        raise SqlError(155, f"'{getattr(node, 'text', '')}' is not a recognized datepart option.", 15)
    return found


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _now(type_: SqlType):
    def handler(c, node, scope) -> Ex:
        moment = c.session.now()
        days = moment.toordinal() - 1
        ticks = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * moments.SECOND + moment.microsecond * 10
        found = moment_conversions.as_moment(type_, days, ticks, 0 if type_.name == "datetimeoffset" else None, SqlType("datetime2", scale=7))
        return replace(c.constant(encode(type_, found), type_), nullable=False)
    return handler


def _moment(c, node, scope, plain: SqlType) -> Ex:
    value = c.value(node, scope)
    if family(value.type) != "moment":
        return c.convert(value, plain)
    return value


def _local(type_: SqlType, value) -> tuple[int, int, int | None]:
    days, ticks, offset = moment_conversions.moment(type_, value)
    if offset is not None:
        days, ticks = moments.shifted(days, ticks, offset)
    return days, ticks, offset


def _dateadd(c, node, scope) -> Ex:
    part = _part_of(node.arguments[0])
    number = c.integer(node.arguments[1], scope, BIGINT)
    value = _moment(c, node.arguments[2], scope, SqlType("datetime"))
    type_ = value.type
    read, write = decoder(type_), encoder(type_)

    def add(count, stored):
        if count is None or stored is None:
            return None
        days, ticks, offset = _local(type_, read(stored) if read else stored)
        try:
            if part in ("year", "quarter", "month"):
                days = _add_months(days, count * {"year": 12, "quarter": 3, "month": 1}[part])
            elif part == "nanosecond":
                days, ticks = divmod(days * DAY_TICKS + ticks + (count + 50) // 100, DAY_TICKS)
            else:
                days, ticks = divmod(days * DAY_TICKS + ticks + count * _TICKS[part], DAY_TICKS)
            if not 0 <= days <= moments.LAST_DAY:
                raise ValueError
        except ValueError:
            raise SqlError(517, f"Adding a value to a '{type_.name}' column caused an overflow.") from None
        if offset is not None:
            days, ticks = moments.shifted(days, ticks, -offset)
        found = moment_conversions.as_moment(type_, days, ticks, offset, SqlType("datetime2", scale=7))
        return write(found) if write else found
    sql = f"{c.runtime.function(('dateadd', part, type_), 2, _added(part, type_) or add)}({number.sql}, {value.sql})"
    return Ex(sql, type_, value.nullable or number.nullable)


def _added(part: str, type_: SqlType):
    """The same on the stored number, where it counts whole units of `part`."""
    ticks = {"date": DAY_TICKS, "datetime2": 1}.get(type_.name)
    if ticks is None or part not in _TICKS or _TICKS[part] % (10 ** (7 - type_.scale) if ticks == 1 else ticks):
        return None
    step, end = _TICKS[part] // ticks, (moments.LAST_DAY + 1) * DAY_TICKS // ticks

    def add(count, stored):
        if count is None or stored is None:
            return None
        found = stored + count * step
        if not 0 <= found < end:
            raise SqlError(517, f"Adding a value to a '{type_.name}' column caused an overflow.")
        return found

    return add


def _add_months(days: int, months: int) -> int:
    year, month, day = moments.civil(days)
    whole = year * 12 + month - 1 + months
    year, month = divmod(whole, 12)
    month += 1
    if not 1 <= year <= 9999:
        raise ValueError
    return moments.day_number(year, month, min(day, calendar.monthrange(year, month)[1]))


def _datediff(result: SqlType):
    def handler(c, node, scope) -> Ex:
        part = _part_of(node.arguments[0])
        values = [_moment(c, argument, scope, SqlType("datetime2", scale=7)) for argument in node.arguments[1:]]
        reads = [(decoder(value.type), value.type) for value in values]
        low, high = types.INT_RANGES[result.name]

        def difference(*stored):
            if None in stored:
                return None
            (days1, ticks1), (days2, ticks2) = [moment_conversions.moment(type_, read(v) if read else v)[:2] for (read, type_), v in zip(reads, stored)]
            found = _boundaries(part, days1, ticks1, days2, ticks2)
            if not low <= found <= high:
                raise SqlError(535, "The datediff function resulted in an overflow. The number of dateparts separating two date/time "
                                    "instances is too large. Try to use datediff with a less precise datepart.")
            return found
        key = ("datediff", part, result.name, values[0].type, values[1].type)
        return Ex(f"{c.runtime.function(key, 2, difference)}({values[0].sql}, {values[1].sql})", result, any(v.nullable for v in values))
    return handler


def _boundaries(part: str, days1: int, ticks1: int, days2: int, ticks2: int) -> int:
    if part in ("year", "quarter", "month"):
        (y1, m1, _), (y2, m2, _) = moments.civil(days1), moments.civil(days2)
        if part == "year":
            return y2 - y1
        if part == "month":
            return (y2 - y1) * 12 + m2 - m1
        return (y2 - y1) * 4 + (m2 - 1) // 3 - (m1 - 1) // 3
    if part == "week":
        return (days2 + 1) // 7 - (days1 + 1) // 7
    if part in ("day", "dayofyear", "weekday"):
        return days2 - days1
    if part == "nanosecond":
        return ((days2 - days1) * DAY_TICKS + ticks2 - ticks1) * 100
    unit = _TICKS[part]
    return (days2 * DAY_TICKS + ticks2) // unit - (days1 * DAY_TICKS + ticks1) // unit


def _read_part(part: str, days: int, ticks: int, offset: int | None) -> int:
    year, month, day = moments.civil(days)
    seconds, fraction = divmod(ticks, moments.SECOND)
    return {
        "year": year, "quarter": (month + 2) // 3, "month": month, "day": day, "dayofyear": days - moments.day_number(year, 1, 1) + 1,
        "week": (days + 1) // 7 - (moments.day_number(year, 1, 1) + 1) // 7 + 1, "weekday": (days + 1) % 7 + 1,
        "hour": seconds // 3600, "minute": seconds // 60 % 60, "second": seconds % 60, "millisecond": fraction // 10_000,
        "microsecond": fraction // 10, "nanosecond": fraction * 100, "iso_week": datetime.date.fromordinal(days + 1).isocalendar()[1],
        "tzoffset": offset or 0}[part]


def _datepart_of(c, part: str, value: Ex) -> Ex:
    type_ = value.type
    read = decoder(type_)

    def get(stored):
        if stored is None:
            return None
        days, ticks, offset = _local(type_, read(stored) if read else stored)
        if type_.name == "datetime":
            units = (read(stored)[1]) % 300
            ticks = ticks // moments.SECOND * moments.SECOND + (units * 10 + 1) // 3 * 10_000
        return _read_part(part, days, ticks, offset)
    return Ex(f"{c.runtime.function(('datepart', part, type_), 1, get)}({value.sql})", INT, value.nullable)


def _datepart(c, node, scope) -> Ex:
    return _datepart_of(c, _part_of(node.arguments[0]), _moment(c, node.arguments[1], scope, SqlType("datetime2", scale=7)))


def _fixed_part(part: str):
    return lambda c, node, scope: _datepart_of(c, part, _moment(c, node.arguments[0], scope, SqlType("datetime2", scale=7)))


def _datename(c, node, scope) -> Ex:
    part = _part_of(node.arguments[0])
    number = _datepart_of(c, part, _moment(c, node.arguments[1], scope, SqlType("datetime2", scale=7)))

    def name(value):
        if value is None:
            return None
        if part == "month":
            return calendar.month_name[value]
        return calendar.day_name[(value + 5) % 7] if part == "weekday" else str(value)
    return Ex(f"{c.runtime.function(('datename', part), 1, name)}({number.sql})", SqlType("nvarchar", 30), number.nullable)


def _eomonth(c, node, scope) -> Ex:
    value = c.convert(c.value(node.arguments[0], scope), SqlType("date"))
    months = c.integer(node.arguments[1], scope) if len(node.arguments) > 1 else c.constant(0, INT)

    def last(days, count):
        if days is None:
            return None
        year, month, _ = moments.civil(_add_months(days - moments.civil(days)[2] + 1, count or 0))
        return moments.day_number(year, month, calendar.monthrange(year, month)[1])
    return Ex(f"{c.runtime.function(('eomonth',), 2, last)}({value.sql}, {months.sql})", SqlType("date"), value.nullable)


def _from_parts(name: str, type_: SqlType | None):
    def handler(c, node, scope) -> Ex:
        numbers = [c.integer(argument, scope) for argument in node.arguments]
        target = type_
        if target is None:
            scale = numbers[-1].constant
            if not isinstance(scale, int):
                raise unknown(f"{name} with a precision that is not a constant")
            target = SqlType(name.lower()[:-9], scale=scale)
        write = encoder(target)

        def make(*parts):
            if None in parts:
                return None
            try:
                days = moments.day_number(*parts[:3])
                hour, minute, second = (*parts[3:6], 0, 0, 0)[:3]
                fraction = parts[6] if len(parts) > 6 else 0
                if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
                    raise ValueError
            except ValueError:
                raise SqlError(289, f"Cannot construct data type {target.name}, some of the arguments have values which are not valid.") from None
            ticks = ((hour * 60 + minute) * 60 + second) * moments.SECOND
            ticks += fraction * (10_000 if target.name == "datetime" else 10 ** (7 - target.scale))
            found = moment_conversions.as_moment(target, days, ticks, None, SqlType("datetime2", scale=7))
            return write(found) if write else found
        sql = f"{c.runtime.function((name, target), len(numbers), make)}({', '.join(number.sql for number in numbers)})"
        return Ex(sql, target, any(number.nullable for number in numbers))
    return handler


def _todatetimeoffset(switch: bool):
    def handler(c, node, scope) -> Ex:
        value = c.value(node.arguments[0], scope)
        scale = value.type.scale if family(value.type) == "moment" and value.type.name not in ("datetime", "smalldatetime") else 7
        source = SqlType("datetimeoffset" if switch else "datetime2", scale=scale)
        target = SqlType("datetimeoffset", scale=scale)
        value = c.convert(value, source)
        zone = c.value(node.arguments[1], scope)
        minutes = zone if family(zone.type) == "int" else c.text(zone)
        read, write = decoder(source), encoder(target)

        def change(stored, offset):
            if stored is None or offset is None:
                return None
            if isinstance(offset, str):
                offset = (-1 if offset[0] == "-" else 1) * (int(offset[1:3]) * 60 + int(offset[4:6]))
            if abs(offset) > 840:
                raise SqlError(9812, "The timezone provided to builtin function is invalid.")
            days, ticks, *_ = read(stored)
            if not switch:
                days, ticks = moments.shifted(days, ticks, -offset)
            return write((days, ticks, offset))
        name = c.runtime.function(("offset", switch, source), 2, change)
        return Ex(f"{name}({value.sql}, {minutes.sql})", target, True)
    return handler


def _isdate(c, node, scope) -> Ex:
    text = c.text(c.value(node.arguments[0], scope))
    convert = conversions.converter(text.type, SqlType("datetime"), c.collation, 0, c.session.settings)

    def check(value):
        try:
            return int(value is not None and convert(value) is not None)
        except SqlError:
            return 0
    return Ex(f"{c.runtime.function(('isdate', text.type), 1, check)}({text.sql})", INT, False)


_DATETIME, _DATETIME2 = SqlType("datetime"), SqlType("datetime2", scale=7)
FUNCTIONS = {
    "GETDATE": (0, 0, _now(_DATETIME)), "GETUTCDATE": (0, 0, _now(_DATETIME)), "CURRENT_TIMESTAMP": (0, 0, _now(_DATETIME)),
    "SYSDATETIME": (0, 0, _now(_DATETIME2)), "SYSUTCDATETIME": (0, 0, _now(_DATETIME2)),
    "SYSDATETIMEOFFSET": (0, 0, _now(SqlType("datetimeoffset", scale=7))),
    "DATEADD": (3, 3, _dateadd), "DATEDIFF": (3, 3, _datediff(INT)), "DATEDIFF_BIG": (3, 3, _datediff(BIGINT)), "DATEPART": (2, 2, _datepart),
    "DATENAME": (2, 2, _datename), "YEAR": (1, 1, _fixed_part("year")), "MONTH": (1, 1, _fixed_part("month")), "DAY": (1, 1, _fixed_part("day")),
    "EOMONTH": (1, 2, _eomonth), "DATEFROMPARTS": (3, 3, _from_parts("DATEFROMPARTS", SqlType("date"))),
    "DATETIME2FROMPARTS": (8, 8, _from_parts("DATETIME2FROMPARTS", None)),
    "DATETIMEFROMPARTS": (7, 7, _from_parts("DATETIMEFROMPARTS", _DATETIME)),
    "TODATETIMEOFFSET": (2, 2, _todatetimeoffset(False)), "SWITCHOFFSET": (2, 2, _todatetimeoffset(True)), "ISDATE": (1, 1, _isdate),
}
