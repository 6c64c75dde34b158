"""Statements that are no SQL expressions (COPY, CREATE STAGE, LIST, …): tokens, and lists of options KEY = value."""

import re
from dataclasses import dataclass

from . import errors

_TOKEN = re.compile(r"""
    (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|''|\\.)*')
  | (?P<dollar>\$\$.*?\$\$)
  | (?P<stage>@(?:"(?:[^"]|"")*"|[^\s()',;="])+)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<word>[A-Za-z_$][\w$]*)
  | (?P<number>[+-]?\d+(?:\.\d+)?)
  | (?P<symbol>=>|<>|!=|<=|>=|::|\|\||[^\s])
""", re.X | re.S)

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", "'": "'", '"': '"', "b": "\b", "f": "\f"}


def unquote(text: str) -> str:
    """The value of a literal 'x'."""
    body = text[1:-1].replace("''", "'")
    return re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", lambda m: chr(int(m.group(1)[1:], 16))
                  if m.group(1)[0] in "xu" and len(m.group(1)) > 1 else _ESCAPES.get(m.group(1), m.group(1)), body)


@dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper()

    @property
    def name(self) -> str:
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text.upper()


def count_statements(sql: str) -> int:
    """Statements that are parted by ; outside of literals and comments."""
    count, inside = 0, False
    for found in _TOKEN.finditer(sql):
        if found.lastgroup == "space":
            continue
        if found.group() == ";":
            inside = False
        elif not inside:
            inside, count = True, count + 1
    return count


class Scanner:
    def __init__(self, sql: str):
        self.sql, self.position = sql, 0
        self.tokens = [Token(m.lastgroup, m.group(), m.start(), m.end()) for m in _TOKEN.finditer(sql)
                       if m.lastgroup != "space" and m.group() != ";"]

    @property
    def peek(self):
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def ahead(self, count=1):
        index = self.position + count
        return self.tokens[index] if index < len(self.tokens) else None

    def next(self) -> Token:
        token = self.peek
        if token is None:
            raise self.unexpected()
        self.position += 1
        return token

    def unexpected(self):
        token = self.peek
        if token is None:
            lines = self.sql.rstrip().split("\n")
            return errors.syntax(len(lines), len(lines[-1]), "<EOF>")
        before = self.sql[:token.start]
        return errors.syntax(before.count("\n") + 1, token.start - (before.rfind("\n") + 1), token.text)

    def accept(self, *words) -> bool:
        """All of the words, one after the other, or nothing is taken."""
        for offset, word in enumerate(words):
            token = self.ahead(offset)
            if token is None or token.upper != word or token.kind in ("string", "quoted"):
                return False
        self.position += len(words)
        return True

    def expect(self, *words):
        for word in words:
            if not self.accept(word):
                raise self.unexpected()

    def names(self) -> list:
        """a.b.c, or IDENTIFIER('a.b.c')."""
        if self.peek and self.peek.upper == "IDENTIFIER" and self.ahead() and self.ahead().text == "(":
            from .translate import name_parts
            self.position += 2
            token = self.next()
            self.expect(")")
            return name_parts(unquote(token.text) if token.kind == "string" else token.text)
        parts = [self.identifier()]
        while self.accept("."):
            if self.peek and self.peek.text == ".":
                parts.append("")
                continue
            parts.append(self.identifier())
        return parts

    def identifier(self) -> str:
        token = self.peek
        if token is None or token.kind not in ("word", "quoted"):
            raise self.unexpected()
        self.position += 1
        return token.name

    def parenthesized(self) -> str:
        """The text between this ( and its )."""
        self.expect("(")
        start, depth = self.tokens[self.position - 1].end, 1
        while depth:
            token = self.next()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "symbol" else 0
        return self.sql[start:self.tokens[self.position - 1].start]

    def value(self):
        """One value of an option: text, number, word, list, or options in parentheses (a dict)."""
        token = self.next()
        if token.kind == "string":
            return unquote(token.text)
        if token.kind == "dollar":
            return token.text[2:-2]
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind == "quoted":
            return Name([token.name])
        if token.kind == "stage":
            return token.text
        if token.text == "(":
            return self._group()
        if token.kind == "word":
            if self.peek and self.peek.text == ".":
                self.position -= 1
                return Name(self.names())
            if self.peek and self.peek.text == "%" and re.fullmatch(r"SKIP_FILE_\d+", token.upper):
                self.position += 1
                return token.upper + "%"
            return {"TRUE": True, "FALSE": False, "NULL": None}.get(token.upper, Word(token.upper))
        self.position -= 1
        raise self.unexpected()

    def _group(self):
        if self.accept(")"):
            return []
        if self.ahead() and self.ahead().text in ("=", "=>"):
            out = {}
            while not self.accept(")"):
                self.accept(",")
                key = self.next().upper
                if not (self.accept("=") or self.accept("=>")):
                    raise self.unexpected()
                out[key] = self.value()
                self.accept(",")
            return out
        items = [self.value()]
        while self.accept(","):
            items.append(self.value())
        self.expect(")")
        return items

    def options(self, known=None) -> dict:
        """KEY = value … to the end; a key that is not `known` is a syntax error."""
        out = {}
        while self.peek is not None:
            token = self.peek
            if token.kind != "word" or (known is not None and token.upper not in known):
                raise self.unexpected()
            self.position += 1
            if not self.accept("="):
                raise self.unexpected()
            out[token.upper] = self.value()
            self.accept(",")
        return out


class Word(str):
    """A word without quotes."""


class Name(list):
    """A name of several parts, or one in double quotes."""
