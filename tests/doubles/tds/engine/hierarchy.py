"""hierarchyid between its text (/1/2.1/) and its bytes, an OrdPath: each number has a prefix that tells its range.

Ranges and bit patterns: learn.microsoft.com/openspecs/sql_server_protocols/ms-ssclrt (HierarchyId)."""

from __future__ import annotations

import re

from ..model import SqlError

# prefix, then x: a bit of the number, 0 and 1: themselves, T: 1 before a slash and 0 before a dot; the first number of the range
_PATTERNS = (
    ("00111xxxT", -8, -1), ("0010xx0x1xxxT", -72, -9), ("01xxT", 0, 3), ("100xxT", 4, 7), ("101xxxT", 8, 15), ("110xx0x1xxxT", 16, 79),
    ("1110xxx0xxx0x1xxxT", 80, 1103), ("11110xxxxx0xxx0x1xxxT", 1104, 5199),
)


def parse(text: str) -> bytes:
    if not re.fullmatch(r"/(?:-?\d+(?:\.-?\d+)*/)*", text):
        raise SqlError(6522, "A .NET Framework error occurred during execution of user-defined routine or aggregate \"hierarchyid\": "
                             f"24001: SqlHierarchyId.Parse failed because the input string '{text}' is not a valid string representation of "
                             "a SqlHierarchyId node.")
    bits = ""
    for level in text.strip("/").split("/") if text != "/" else []:
        numbers = [int(number) for number in level.split(".")]
        for at, number in enumerate(numbers):
            last = at == len(numbers) - 1
            bits += _encoded(number if last else number + 1, last)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def _encoded(number: int, last: bool) -> str:
    for pattern, low, high in _PATTERNS:
        if low <= number <= high:
            count = pattern.count("x")
            digits = iter(f"{number - low:0{count}b}")
            return "".join(next(digits) if c == "x" else str(int(last)) if c == "T" else c for c in pattern)
    raise SqlError(40001, f"the stand-in does not know how hierarchyid holds {number}")


def written(value: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in value)
    text, at = "/", 0
    while "1" in bits[at:]:
        for pattern, low, _ in _PATTERNS:
            part = bits[at:at + len(pattern)]
            if len(part) == len(pattern) and all(p in "xT" or p == b for p, b in zip(pattern, part)):
                number = low + int("".join(b for p, b in zip(pattern, part) if p == "x"), 2)
                last = part[-1] == "1"
                text += f"{number}/" if last else f"{number - 1}."
                at += len(pattern)
                break
        else:
            raise SqlError(40001, "the stand-in does not know this hierarchyid")
    return text
