"""Dates and times as text and back."""

from __future__ import annotations

import datetime
import re

from ..model import SqlError
from .storage import DAY_TICKS

EPOCH_1900 = 693595  # days from 0001-01-01 to 1900-01-01
LAST_DAY = 3652058  # 9999-12-31
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SECOND = 10_000_000

_DATE = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), "ymd"), (re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})"), "ymd"),
    (re.compile(r"(\d{4})(\d\d)(\d\d)(?!\d)"), "ymd"), (re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})"), "order"),
)
_NAMED = (
    (re.compile(r"([A-Za-z]{3,9})\.? +(\d{1,2}),? +(\d{4})"), (3, 1, 2)), (re.compile(r"(\d{1,2}) +([A-Za-z]{3,9})\.?,? +(\d{4})"), (3, 2, 1)),
)
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.:](\d{1,9}))?)? *([AaPp][Mm])?")
_HOUR = re.compile(r"(\d{1,2}) *([AaPp][Mm])")
_OFFSET = re.compile(r" *(?:([+-])(\d\d):(\d\d)|([Zz]))$")


def day_number(year: int, month: int, day: int) -> int:
    return datetime.date(year, month, day).toordinal() - 1


def civil(days: int) -> tuple[int, int, int]:
    date = datetime.date.fromordinal(days + 1)
    return date.year, date.month, date.day


class NotAMoment(ValueError):
    """`out_of_range`: it is written as a moment, but there is no such one."""

    def __init__(self, out_of_range: bool = False):
        super().__init__()
        self.out_of_range = out_of_range


def parse(text: str, date_format: str = "mdy", legacy: bool = False) -> tuple[int | None, int, int | None, int]:
    """Days (None: a time alone), ticks, minutes of offset (None: none written), digits of the fraction.
    `legacy`: datetime and smalldatetime, which read year-month-day with dashes in the session's order of day and month."""
    text = text.strip()
    if not text:
        return None, 0, None, 0
    offset = None
    match = _OFFSET.search(text)
    if match and ":" in text[:match.start()]:
        offset = 0 if match[4] else (1 if match[1] == "+" else -1) * (int(match[2]) * 60 + int(match[3]))
        if abs(offset) > 840:
            raise NotAMoment(True)
        text = text[:match.start()].rstrip()
    days, rest = _date(text, date_format, legacy)
    if days is not None and rest[:1] in ("T", "t") and len(rest) > 1:
        rest = rest[1:]
    elif days is not None and rest and rest[0] != " ":
        raise NotAMoment
    ticks, digits = _time(rest.strip()) if rest.strip() else (0, 0)
    if days is None and not rest.strip():
        raise NotAMoment
    return days, ticks, offset, digits


def _date(text: str, order: str, legacy: bool) -> tuple[int | None, str]:
    for pattern, kind in _DATE:
        match = pattern.match(text)
        if match:
            first, second, third = (int(part) for part in match.groups())
            if kind == "ymd":
                year, month, day = first, second, third
                if legacy and "-" in match[0] and "T" not in text.upper() and order in ("dmy", "ydm"):
                    month, day = day, month
            else:
                named = dict(zip(order.replace("y", "") if order[0] != "y" else order[1:], (first, second)))
                year, month, day = third, named["m"], named["d"]
            return _checked(year, month, day), text[match.end():]
    for pattern, (y, m, d) in _NAMED:
        match = pattern.match(text)
        if match:
            month = next((at for at, name in enumerate(MONTHS, 1) if match[m][:3].lower() == name.lower()), 0)
            if month:
                return _checked(int(match[y]), month, int(match[d])), text[match.end():]
    return None, text


def _checked(year: int, month: int, day: int) -> int:
    try:
        return day_number(year, month, day)
    except ValueError:
        raise NotAMoment(True) from None


def _time(text: str) -> tuple[int, int]:
    match = _TIME.fullmatch(text)
    if match:
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        fraction, half = match[4] or "", match[5]
    else:
        match = _HOUR.fullmatch(text)
        if not match:
            raise NotAMoment
        hour, minute, second, fraction, half = int(match[1]), 0, 0, "", match[2]
    if half:
        if not 1 <= hour <= 12:
            raise NotAMoment(True)
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise NotAMoment(True)
    ticks = int(fraction.ljust(9, "0")) if fraction else 0
    return (hour * 3600 + minute * 60 + second) * SECOND + (ticks + 50) // 100, len(fraction)


def rounded(days: int, ticks: int, unit: int) -> tuple[int, int]:
    """To the next multiple of `unit` ticks, halves up."""
    ticks = (ticks + unit // 2) // unit * unit
    if ticks >= DAY_TICKS:
        days, ticks = days + 1, 0
    return days, ticks


def clock(ticks: int, digits: int = 0) -> str:
    seconds, fraction = divmod(ticks, SECOND)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text + (f".{fraction:07d}"[:digits + 1] if digits else "")


def offset_text(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


_DATES = {
    1: "{m:02d}/{d:02d}/{s:02d}", 101: "{m:02d}/{d:02d}/{y:04d}", 2: "{s:02d}.{m:02d}.{d:02d}", 102: "{y:04d}.{m:02d}.{d:02d}",
    3: "{d:02d}/{m:02d}/{s:02d}", 103: "{d:02d}/{m:02d}/{y:04d}", 4: "{d:02d}.{m:02d}.{s:02d}", 104: "{d:02d}.{m:02d}.{y:04d}",
    5: "{d:02d}-{m:02d}-{s:02d}", 105: "{d:02d}-{m:02d}-{y:04d}", 106: "{d:02d} {n} {y:04d}", 107: "{n} {d:02d}, {y:04d}",
    10: "{m:02d}-{d:02d}-{s:02d}", 110: "{m:02d}-{d:02d}-{y:04d}", 11: "{s:02d}/{m:02d}/{d:02d}", 111: "{y:04d}/{m:02d}/{d:02d}",
    12: "{s:02d}{m:02d}{d:02d}", 112: "{y:04d}{m:02d}{d:02d}", 23: "{y:04d}-{m:02d}-{d:02d}",
}


def written(name: str, days: int, ticks: int, digits: int, offset: int | None, style: int) -> str:
    """`days` and `ticks` are local. `digits`: of the fraction. learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql"""
    y, m, d = civil(days)
    date = f"{y:04d}-{m:02d}-{d:02d}"
    zone = "" if offset is None else offset_text(offset)
    if name in ("datetime", "smalldatetime") and style in (21, 25, 121):
        return f"{date} {clock(ticks, 3)}"
    if style in (20, 120):
        return date if name == "date" else clock(ticks) if name == "time" else f"{date} {clock(ticks)}" + (" " + zone if zone else "")
    if style in (21, 25, 121):
        if name == "date":
            return date
        if name == "time":
            return clock(ticks, digits)
        return f"{date} {clock(ticks, digits)}" + (" " + zone if zone else "")
    if style in (126, 127):
        if name == "date":
            return date
        if name in ("datetime", "smalldatetime"):
            digits = 3 if ticks % SECOND else 0
        if name == "time":
            return clock(ticks, digits)
        if style == 127 and offset is not None:
            days, ticks = shifted(days, ticks, -offset)
            return written(name, days, ticks, digits, None, 126) + "Z"
        return f"{date}T{clock(ticks, digits)}{zone}"
    if style in (8, 24, 108):
        return clock(ticks)
    if style in (14, 114):
        return clock(ticks, 3).replace(".", ":")
    if style in _DATES:
        return _DATES[style].format(y=y, m=m, d=d, s=y % 100, n=MONTHS[m - 1])
    if style in (0, 100):
        hour = ticks // SECOND // 3600
        time = f"{(hour + 11) % 12 + 1:2d}:{ticks // SECOND // 60 % 60:02d}{'AM' if hour < 12 else 'PM'}"
        if name == "date":
            return f"{MONTHS[m - 1]} {d:2d} {y:04d}"
        return time if name == "time" else f"{MONTHS[m - 1]} {d:2d} {y:04d} {time}" + (" " + zone if zone else "")
    raise SqlError(40001, f"the stand-in does not know style {style} of dates")


def shifted(days: int, ticks: int, minutes: int) -> tuple[int, int]:
    return divmod(days * DAY_TICKS + ticks + minutes * 60 * SECOND, DAY_TICKS)
