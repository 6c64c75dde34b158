"""A table of a target as a reader found it."""

from dataclasses import dataclass


@dataclass
class Table:
    columns: list       # names
    types: list         # as the target writes them; of files as DuckDB does
    rows: list          # tuples of canonical text
    not_null: list = None      # names
    primary_key: list = None   # names, in the key's order
