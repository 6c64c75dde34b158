"""Functions of texts. Lengths and places count UTF-16 units, as collations without _SC do."""

from __future__ import annotations

import re
from dataclasses import replace

from ..model import SqlError, SqlType
from . import collations, types
from .conversions import utf16_length, utf16_slice
from .expression import Ex
from .types import BIGINT, INT, family


def _strict(function):
    def call(*arguments):
        return None if None in arguments else function(*arguments)
    return call


def _sql(c, key, function, *arguments: Ex) -> str:
    return f"{c.runtime.function(key, len(arguments), _strict(function))}({', '.join(a.sql for a in arguments)})"


def _any_nullable(*arguments: Ex) -> bool:
    return any(argument.nullable for argument in arguments)


def _len(c, node, scope) -> Ex:
    value = c.value(node.arguments[0], scope)
    if family(value.type) == "binary":
        return Ex(f"length({value.sql})", INT, value.nullable)
    text = c.text(value)
    return Ex(_sql(c, ("len",), lambda t: utf16_length(t.rstrip(" ")), text), BIGINT if types.is_max(text.type) else INT, text.nullable)


def _keeping(name: str, function):
    """A function of one text that does not make it longer."""
    def handler(c, node, scope) -> Ex:
        text = c.text(c.value(node.arguments[0], scope))
        type_ = replace(text.type, name={"char": "varchar", "nchar": "nvarchar"}.get(text.type.name, text.type.name))
        return Ex(_sql(c, (name,), function, text), type_, text.nullable, label=text.label)
    return handler


def _trim(c, node, scope) -> Ex:
    if len(node.arguments) == 1:
        return _keeping("trim", lambda t: t.strip(" "))(c, node, scope)
    characters, text = (c.text(c.value(argument, scope)) for argument in node.arguments)
    return Ex(_sql(c, ("trim of",), lambda what, t: t.strip(what), characters, text), text.type, True, label=text.label)


def _part(name: str):
    def handler(c, node, scope) -> Ex:
        value = c.value(node.arguments[0], scope)
        if family(value.type) == "binary" and name == "SUBSTRING":
            start, length = (c.integer(argument, scope, BIGINT) for argument in node.arguments[1:])
            return Ex(_sql(c, ("sub bytes",), lambda b, s, n: b[max(s - 1, 0):max(s - 1 + n, 0)], value, start, length),
                      SqlType("varbinary", value.type.length or 8), True)
        text = c.text(value)
        numbers = [c.integer(argument, scope, BIGINT) for argument in node.arguments[1:]]
        known = numbers[-1].constant
        length = text.type.length
        if isinstance(known, int) and known > 0 and length != -1:
            length = min(length, known)
        type_ = replace(text.type, name="nvarchar" if text.type.name in types.UNICODE else "varchar", length=length or -1)

        def cut(t, *at):
            if at[-1] < 0:
                raise SqlError(537, "Invalid length parameter passed to the LEFT or SUBSTRING function.")
            if name == "LEFT":
                return utf16_slice(t, 0, at[0])
            if name == "RIGHT":
                whole = utf16_length(t)
                return utf16_slice(t, max(whole - at[0], 0), whole)
            return utf16_slice(t, max(at[0] - 1, 0), max(at[0] - 1 + at[1], 0))
        return Ex(_sql(c, (name,), cut, text, *numbers), type_, _any_nullable(text, *numbers), label=text.label)
    return handler


def _replace(c, node, scope) -> Ex:
    texts = [c.text(c.value(argument, scope)) for argument in node.arguments]
    collation, label = c.common_collation(texts)
    unicode = any(text.type.name in types.UNICODE for text in texts)
    wide = any(text.type.length == -1 for text in texts)
    ignore = collations.ignores_case(collation or c.collation)

    def change(text, old, new):
        if not old:
            return text
        return re.sub(re.escape(old), lambda _: new, text, flags=re.I if ignore else 0)
    type_ = SqlType("nvarchar" if unicode else "varchar", -1 if wide else 4000 if unicode else 8000, collation=collation)
    return Ex(_sql(c, ("replace", ignore), change, *texts), type_, _any_nullable(*texts), label=label)


def _concat(c, node, scope) -> Ex:
    texts = [c.text(c.value(argument, scope)) for argument in node.arguments]
    return _joined(c, texts, " || ".join(f"ifnull({text.sql}, '')" for text in texts))


def _concat_ws(c, node, scope) -> Ex:
    texts = [c.text(c.value(argument, scope)) for argument in node.arguments]
    name = c.runtime.function(("concat_ws", len(texts)), len(texts), lambda sep, *parts: (sep or "").join(p for p in parts if p is not None))
    return _joined(c, texts, f"{name}({', '.join(text.sql for text in texts)})", len(texts) * (texts[0].type.length or 0))


def _joined(c, texts: list[Ex], sql: str, extra: int = 0) -> Ex:
    unicode = any(text.type.name in types.UNICODE for text in texts)
    length = -1 if any(text.type.length == -1 for text in texts) else sum(text.type.length for text in texts) + extra
    collation, label = c.common_collation(texts)
    most = 4000 if unicode else 8000
    type_ = SqlType("nvarchar" if unicode else "varchar", max(min(length, most), 1) if length != -1 else -1, collation=collation)
    found = Ex(f"({sql})", type_, False, label=label)
    return c.convert(replace(found, type=replace(type_, length=-1)), type_) if length > most else found


def _replicate(c, node, scope) -> Ex:
    text, times = c.text(c.value(node.arguments[0], scope)), c.integer(node.arguments[1], scope)
    unicode = text.type.name in types.UNICODE
    most = 4000 if unicode else 8000
    wide = text.type.length == -1
    length = -1 if wide else most
    if not wide and isinstance(times.constant, int) and times.constant > 0:
        length = max(min(text.type.length * times.constant, most), 1)

    def repeat(value, n):
        if n < 0:
            return None
        return value * n if wide else utf16_slice(value * min(n, most), 0, most)
    return Ex(_sql(c, ("replicate", unicode, wide), repeat, text, times),
              replace(text.type, name="nvarchar" if unicode else "varchar", length=length), True, label=text.label)


def _space(c, node, scope) -> Ex:
    return Ex(_sql(c, ("space",), lambda n: " " * min(n, 8000) if n >= 0 else None, c.integer(node.arguments[0], scope)),
              SqlType("varchar", 8000), True)


def _charindex(c, node, scope) -> Ex:
    what, text = (c.text(c.value(argument, scope)) for argument in node.arguments[:2])
    start = c.integer(node.arguments[2], scope, BIGINT) if len(node.arguments) > 2 else c.constant(1, BIGINT)
    collation, _ = c.common_collation([what, text])
    ignore = collations.ignores_case(collation or c.collation)

    def find(part, whole, at):
        if ignore:
            part, whole = part.lower(), whole.lower()
        return whole.find(part, max(at - 1, 0)) + 1 if part else 0
    return Ex(_sql(c, ("charindex", ignore), find, what, text, start), BIGINT if text.type.length == -1 else INT, _any_nullable(what, text))


def _patindex(c, node, scope) -> Ex:
    pattern, text = (c.text(c.value(argument, scope)) for argument in node.arguments)
    collation, _ = c.common_collation([pattern, text])
    ignore = collations.ignores_case(collation or c.collation)

    def find(wanted, whole):
        anchored_start, anchored_end = not wanted.startswith("%"), not wanted.endswith("%")
        body = wanted[0 if anchored_start else 1:len(wanted) if anchored_end or len(wanted) < 2 else -1]
        match = re.search(("^" if anchored_start else "") + like_body(body, "") + ("$" if anchored_end else ""), whole,
                          re.S | (re.I if ignore else 0))
        return match.start() + 1 if match else 0
    return Ex(_sql(c, ("patindex", ignore), find, pattern, text), INT, _any_nullable(pattern, text))


def like_body(pattern: str, escape: str) -> str:
    """A LIKE pattern as a regular expression."""
    found, at = [], 0
    while at < len(pattern):
        c = pattern[at]
        if escape and c == escape and at + 1 < len(pattern):
            at += 1
            found.append(re.escape(pattern[at]))
        elif c == "%":
            found.append(".*")
        elif c == "_":
            found.append(".")
        elif c == "[":
            end = pattern.find("]", at + 2 if pattern[at + 1:at + 2] != "^" else at + 3)
            if end < 0:
                return "(?!)"
            inner = pattern[at + 1:end]
            negated = inner.startswith("^")
            inner = inner[1:] if negated else inner
            inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner)
            found.append(f"[{'^' if negated else ''}{inner}]")
            at = end
        else:
            found.append(re.escape(c))
        at += 1
    return "".join(found)


def _quotename(c, node, scope) -> Ex:
    text = c.convert(c.value(node.arguments[0], scope), types.SYSNAME)
    quote = c.text(c.value(node.arguments[1], scope)) if len(node.arguments) > 1 else c.constant("[", SqlType("varchar", 1))

    def write(name, mark):
        if mark in ("[", "]", ""):
            return "[" + name.replace("]", "]]") + "]"
        return mark + name.replace(mark, mark * 2) + mark if mark in ("'", '"') else None
    return Ex(_sql(c, ("quotename",), write, text, quote), SqlType("nvarchar", 258), True)


def _char(c, node, scope) -> Ex:
    return Ex(_sql(c, ("char",), lambda n: bytes([n]).decode("cp1252", "replace") if 0 <= n <= 255 else None,
                   c.integer(node.arguments[0], scope)), SqlType("char", 1), True)


def _nchar(c, node, scope) -> Ex:
    return Ex(_sql(c, ("nchar",), lambda n: chr(n) if 0 <= n <= 0xFFFF and not 0xD800 <= n <= 0xDFFF else None,
                   c.integer(node.arguments[0], scope)), SqlType("nchar", 1), True)


def _unicode(c, node, scope) -> Ex:
    def first(text):
        return int.from_bytes(text[0].encode("utf-16-le")[:2], "little") if text else None
    return Ex(_sql(c, ("unicode",), first, c.text(c.value(node.arguments[0], scope))), INT, True)


def _ascii(c, node, scope) -> Ex:
    return Ex(_sql(c, ("ascii",), lambda t: t[0].encode("cp1252", "replace")[0] if t else None, c.text(c.value(node.arguments[0], scope))),
              INT, True)


def _stuff(c, node, scope) -> Ex:
    text, new = c.text(c.value(node.arguments[0], scope)), c.text(c.value(node.arguments[3], scope))
    start, length = (c.integer(argument, scope) for argument in node.arguments[1:3])

    def change(t, at, n, put):
        if at < 1 or at > len(t) or n < 0:
            return None
        return t[:at - 1] + put + t[at - 1 + n:]
    most = 4000 if text.type.name in types.UNICODE else 8000
    type_ = replace(text.type, length=-1 if -1 in (text.type.length, new.type.length) else min(text.type.length + new.type.length, most))
    return Ex(_sql(c, ("stuff",), change, text, start, length, new), type_, True, label=text.label)


def _str(c, node, scope) -> Ex:
    number = c.convert(c.value(node.arguments[0], scope), types.FLOAT)
    length = c.integer(node.arguments[1], scope) if len(node.arguments) > 1 else c.constant(10, INT)
    digits = c.integer(node.arguments[2], scope) if len(node.arguments) > 2 else c.constant(0, INT)

    def write(value, width, places):
        text = f"{value:.{places}f}"
        return text.rjust(width) if len(text) <= width else "*" * width
    return Ex(_sql(c, ("str",), write, number, length, digits), SqlType("varchar", length.constant if length.constant else 10), True)


def _compress_hash(c, node, scope) -> Ex:
    import hashlib
    algorithm = c.value(node.arguments[0], scope).constant
    names = {"MD5": "md5", "SHA1": "sha1", "SHA": "sha1", "SHA2_256": "sha256", "SHA2_512": "sha512"}
    if str(algorithm).upper() not in names:
        raise SqlError(40001, f"the stand-in does not know HASHBYTES of {algorithm}")
    value = c.value(node.arguments[1], scope)
    raw = value if family(value.type) == "binary" else c.convert(c.text(value), SqlType("varbinary", -1), 0, False)
    name = names[str(algorithm).upper()]
    return Ex(_sql(c, ("hash", name), lambda data: hashlib.new(name, data).digest(), raw), SqlType("varbinary", 8000), True)


FUNCTIONS = {
    "LEN": (1, 1, _len), "UPPER": (1, 1, _keeping("upper", str.upper)), "LOWER": (1, 1, _keeping("lower", str.lower)),
    "LTRIM": (1, 1, _keeping("ltrim", lambda t: t.lstrip(" "))), "RTRIM": (1, 1, _keeping("rtrim", lambda t: t.rstrip(" "))),
    "TRIM": (1, 2, _trim), "REVERSE": (1, 1, _keeping("reverse", lambda t: t[::-1])), "SUBSTRING": (3, 3, _part("SUBSTRING")),
    "LEFT": (2, 2, _part("LEFT")), "RIGHT": (2, 2, _part("RIGHT")), "REPLACE": (3, 3, _replace), "CONCAT": (2, 254, _concat),
    "CONCAT_WS": (3, 254, _concat_ws), "REPLICATE": (2, 2, _replicate), "SPACE": (1, 1, _space), "CHARINDEX": (2, 3, _charindex),
    "PATINDEX": (2, 2, _patindex), "QUOTENAME": (1, 2, _quotename), "CHAR": (1, 1, _char), "NCHAR": (1, 1, _nchar),
    "UNICODE": (1, 1, _unicode), "ASCII": (1, 1, _ascii), "STUFF": (4, 4, _stuff), "STR": (1, 3, _str), "HASHBYTES": (2, 2, _compress_hash),
}
