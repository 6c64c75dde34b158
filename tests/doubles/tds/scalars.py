"""Values of types whose size does not depend on the value: to bytes and back (MS-TDS 2.2.5.5)."""

import struct
from decimal import Context, Decimal
from functools import lru_cache

from . import wrongs
from .model import SqlType

_EXACT = Context(prec=80)  # Python's own has 28 digits
_TEN_TO = [10**n for n in range(39)]


def _packer(layout: str):
    return struct.Struct(layout).pack


def _scaled(value: Decimal, scale: int) -> int:
    """value · 10^scale, exact."""
    shifted = _EXACT.scaleb(value, scale)
    number = int(shifted)
    if number != shifted:
        raise ValueError(f"{value} has more than {scale} digits behind the point")
    return number


def _unscaled(number: int, scale: int) -> Decimal:
    return Decimal((0 if number >= 0 else 1, tuple(map(int, str(abs(number)))), -scale))


def _money(value) -> bytes:
    number = _scaled(value, 4)
    return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)


def _pair(layout: str):
    pack = _packer(layout)
    return lambda value: pack(*value)


# name: (type of a column that is NOT NULL, value -> bytes)
FIXED = {
    "tinyint": (0x30, _packer("<B")), "bit": (0x32, _packer("<?")), "smallint": (0x34, _packer("<h")), "int": (0x38, _packer("<i")),
    "smalldatetime": (0x3A, _pair("<HH")), "real": (0x3B, _packer("<f")), "money": (0x3C, _money), "datetime": (0x3D, _pair("<iI")),
    "float": (0x3E, _packer("<d")), "smallmoney": (0x7A, lambda value: struct.pack("<i", _scaled(value, 4))), "bigint": (0x7F, _packer("<q")),
}


def scaled_token(name: str) -> int:
    return {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}[name]


def time_size(scale: int) -> int:
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


@lru_cache(maxsize=None)
def fixed_scalar(type_: SqlType):
    """A function from a value to its bytes without a length: decimals and the newer types of dates and times."""
    name, scale = type_.name, type_.scale
    if name in ("decimal", "numeric"):
        size, most = (4 if type_.precision <= 9 else 8 if type_.precision <= 19 else 12 if type_.precision <= 28 else 16), _TEN_TO[type_.precision]

        def decimal(value):
            number = _scaled(value, scale)
            if abs(number) >= most:
                raise ValueError(f"{value} has more than {type_.precision} digits")
            return (b"\1" if number >= 0 else b"\0") + abs(number).to_bytes(size, "little")

        return decimal
    if name == "date":
        return lambda days: days.to_bytes(3, "little")
    size, unit = time_size(scale), _TEN_TO[7 - scale]

    def ticks(value):
        number, rest = divmod(value, unit)
        if rest:
            raise ValueError(f"{value} ticks do not fit {name}({scale})")
        return number.to_bytes(size, "little")

    if name == "time":
        return ticks
    if name == "datetime2":
        return lambda value: ticks(value[1]) + value[0].to_bytes(3, "little")
    return lambda value: ticks(value[1]) + value[0].to_bytes(3, "little") + struct.pack("<h", 0 if "offset_lost" in wrongs.NOW else value[2])


def read_fixed(name: str, data: bytes):
    """The value of a type in FIXED."""
    if name in ("tinyint", "smallint", "int", "bigint"):
        return int.from_bytes(data, "little", signed=name != "tinyint")
    if name == "bit":
        return data != b"\0"
    if name in ("real", "float"):
        return struct.unpack("<f" if name == "real" else "<d", data)[0]
    if name == "smallmoney":
        return _unscaled(struct.unpack("<i", data)[0], 4)
    if name == "money":
        high, low = struct.unpack("<iI", data)
        return _unscaled((high << 32) + low, 4)
    return struct.unpack("<HH" if name == "smalldatetime" else "<iI", data)


def read_scalar(type_: SqlType, data: bytes):
    """The reverse of fixed_scalar()."""
    name = type_.name
    if name in ("decimal", "numeric"):
        number = int.from_bytes(data[1:], "little")
        return _unscaled(number if data[0] else -number, type_.scale)
    if name == "date":
        return int.from_bytes(data, "little")
    size = time_size(type_.scale)
    ticks = int.from_bytes(data[:size], "little") * _TEN_TO[7 - type_.scale]
    if name == "time":
        return ticks
    days = int.from_bytes(data[size:size + 3], "little")
    if name == "datetime2":
        return days, ticks
    return days, ticks, struct.unpack("<h", data[size + 3:size + 5])[0]
