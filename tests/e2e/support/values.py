"""Values as canonical text, so that what different systems say can be compared.

None is NULL; a float is Python's repr of the double; bytes are hexadecimal; moments are spelled as PostgreSQL spells
them in UTC; all else is the system's own text.
"""

import re
import struct
from collections import Counter

_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_BOOL, _BYTEA, _FLOAT4, _FLOAT8 = 16, 17, 700, 701


def float32(text: str) -> float:
    return struct.unpack("f", struct.pack("f", float(text)))[0]


def postgres_value(cell: str, oid: int):
    """A cell of COPY ... TO STDOUT."""
    if cell == r"\N":
        return None
    text = re.sub(r"\\(.)", lambda m: _ESCAPES[m.group(1)], cell) if "\\" in cell else cell
    if oid == _BOOL:
        return {"t": "true", "f": "false"}[text]
    if oid == _BYTEA:
        return text.removeprefix("\\x")
    if oid == _FLOAT4:
        return repr(float32(text))
    if oid == _FLOAT8:
        return repr(float(text))
    return text


def duckdb_moment(text):
    """DuckDB writes "0044-03-15 (BC) 12:00:00", PostgreSQL "0044-03-15 12:00:00 BC"."""
    if " (BC)" not in text:
        return text
    return text.replace(" (BC)", "", 1) + " BC"


def show(row) -> str:
    return " | ".join("NULL" if value is None else repr(value) for value in row)


def difference(expected, actual, most=20) -> str:
    """Empty when both hold the same rows, each the same number of times."""
    want, have = Counter(map(tuple, expected)), Counter(map(tuple, actual))
    if want == have:
        return ""
    lines = [f"expected {sum(want.values())} rows, the target has {sum(have.values())}"]
    for title, rows in (("missing in the target", want - have), ("only in the target", have - want)):
        if not rows:
            continue
        lines.append(f"{title}: {sum(rows.values())} rows")
        for row, times in list(rows.items())[:most]:
            lines.append(f"  {show(row)}" + (f"  ({times} times)" if times > 1 else ""))
        if len(rows) > most:
            lines.append(f"  ... and {len(rows) - most} more")
    return "\n".join(lines)


def assert_same_rows(expected, actual):
    text = difference(expected, actual)
    assert not text, text
