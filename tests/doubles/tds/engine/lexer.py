"""T-SQL text as tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import SqlError


@dataclass(slots=True)
class Token:
    kind: str  # word, quoted (a name in brackets or quotes), string, nstring, int, decimal, float, money, binary, op, end
    text: str  # without its quotes
    line: int
    start: int = 0

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


_TOKEN = re.compile(r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<nstring>[Nn]'(?:[^']|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")
  | (?P<binary>0[xX][0-9A-Fa-f]*)
  | (?P<float>(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)
  | (?P<decimal>\d+\.\d*|\.\d+)
  | (?P<int>\d+)
  | (?P<money>\$-?\d+(?:\.\d*)?)
  | (?P<physloc>%%\w+%%)
  | (?P<word>(?:@@|[@\#$]|[^\W\d])[\w@\#$]*)
  | (?P<op><>|!=|<=|>=|!<|!>|\+=|-=|\*=|/=|::|[-+*/%=<>(),.;&|^~{}:?])
""", re.X)


def tokens(sql: str, quoted_identifier: bool = True) -> list[Token]:
    """Throws 102, 103, 105 and 113 as the server does."""
    found, at, line = [], 0, 1
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:
            if sql[at] in "'\"[" or sql[at:at + 2] in ("N'", "n'"):
                raise SqlError(105, f"Unclosed quotation mark after the character string '{sql[at + 1:at + 31]}'.", 15, line=line)
            raise SqlError(102, f"Incorrect syntax near '{sql[at]}'.", 15, line=line)
        kind, text, start = match.lastgroup, match.group(), at
        at = match.end()
        if kind == "comment":
            at = _end_of_comment(sql, at, line)
            text = sql[start:at]
        elif kind == "quoted" and text[0] == '"' and not quoted_identifier:
            found.append(Token("string", text[1:-1].replace('""', '"'), line, start))
        elif kind == "quoted":
            found.append(Token(kind, text[1:-1].replace(text[-1] * 2, text[-1]), line, start))
        elif kind == "string":
            found.append(Token(kind, text[1:-1].replace("''", "'"), line, start))
        elif kind == "nstring":
            found.append(Token(kind, text[2:-1].replace("''", "'"), line, start))
        elif kind == "physloc":
            found.append(Token("word", text, line, start))
        elif kind != "space":
            found.append(Token(kind, text, line, start))
        line += text.count("\n")
    found.append(Token("end", "", line, at))
    return found


def _end_of_comment(sql: str, at: int, line: int) -> int:
    depth = 1
    while depth:
        opened, closed = sql.find("/*", at), sql.find("*/", at)
        if closed < 0:
            raise SqlError(113, "Missing end comment mark '*/'.", 15, line=line)
        if 0 <= opened < closed:
            depth, at = depth + 1, opened + 2
        else:
            depth, at = depth - 1, closed + 2
    return at
