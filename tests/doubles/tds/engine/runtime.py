"""A session's connection to SQLite: files attached, functions and collations registered when they are first needed."""

from __future__ import annotations

import re
import sqlite3

from ..model import SqlError
from . import collations
from .functions_texts import like_body


class Runtime:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=64, timeout=30)
        self.connection.create_collation("instant", collations.compare_instants)
        self.connection.create_collation("variant", collations.compare_variants)
        self.attached: set[str] = set()
        self._functions: dict[object, str] = {}
        self._collations: set[str] = set()
        self._numbers = 0
        self.error: Exception | None = None

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def attach(self, schema: str, file: str) -> None:
        if schema not in self.attached:
            self.connection.execute(f"ATTACH DATABASE ? AS {schema}", (file,))
            self.connection.execute(f"PRAGMA {schema}.synchronous = OFF")
            self.attached.add(schema)

    def detach(self, schema: str) -> None:
        if schema in self.attached:
            self.connection.execute(f"DETACH DATABASE {schema}")
            self.attached.discard(schema)

    def function(self, key: object, arguments: int, function, deterministic: bool = True) -> str:
        """The name in SQLite of `function`; the same key is the same function."""
        name = self._functions.get(key)
        if name is None:
            name = f"f{len(self._functions)}"

            def guarded(*values):
                try:
                    return function(*values)
                except Exception as error:
                    self.error = error
                    raise

            self.connection.create_function(name, arguments, guarded, deterministic=deterministic)
            self._functions[key] = name
        return name

    def aggregate(self, key: object, kind: type) -> str:
        name = self._functions.get(("aggregate", key))
        if name is None:
            name = f"f{len(self._functions)}"
            runtime = self

            class Guarded(kind):
                def step(self, *values):
                    try:
                        super().step(*values)
                    except Exception as error:
                        runtime.error = error
                        raise

                def finalize(self):
                    try:
                        return super().finalize()
                    except Exception as error:
                        runtime.error = error
                        raise

            self.connection.create_aggregate(name, 1, Guarded)
            self._functions[("aggregate", key)] = name
        return name

    def single(self) -> str:
        class Single:
            def __init__(self):
                self.values = []

            def step(self, value):
                self.values.append(value)

            def finalize(self):
                if len(self.values) > 1:
                    raise SqlError(512, "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , "
                                        ">, >= or when the subquery is used as an expression.")
                return self.values[0] if self.values else None

        return self.aggregate("single", Single)

    def collation(self, collation: str) -> str:
        name = collations.name_in_sqlite(collation)
        if name not in self._collations:
            self.connection.create_collation(name.strip('"'), collations.comparer(collation))
            self._collations.add(name)
        return name

    def like(self, collation: str) -> str:
        ignore = collations.ignores_case(collation)
        compiled: dict[tuple[str, str], re.Pattern] = {}

        def matches(text, pattern, escape):
            if text is None or pattern is None:
                return None
            found = compiled.get((pattern, escape))
            if found is None:
                found = compiled[pattern, escape] = re.compile(like_body(pattern, escape), re.S | (re.I if ignore else 0))
            return found.fullmatch(text) is not None or found.fullmatch(text.rstrip(" ")) is not None

        return self.function(("like", ignore), 3, matches)

    def run(self, sql: str, parameters: dict | None = None) -> sqlite3.Cursor:
        """Throws what one of our own functions threw, else what SQLite says."""
        self.error = None
        try:
            return self.connection.execute(sql, parameters or {})
        except sqlite3.Error as error:
            raise self.explained(error) from error

    def explained(self, error: sqlite3.Error) -> Exception:
        own, self.error = self.error, None
        if isinstance(own, SqlError) or (own is not None and "user-defined" in str(error)):
            return own
        if "interrupted" in str(error):
            return SqlError(0, "cancelled")
        if "integer overflow" in str(error):
            return SqlError(8115, "Arithmetic overflow error converting expression to data type bigint.")
        return error

    def close(self) -> None:
        self.connection.close()
