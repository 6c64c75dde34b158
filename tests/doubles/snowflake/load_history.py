"""Which files a table has loaded: by name and content, for 64 days; told at the commit of the load."""

import time
from dataclasses import dataclass, field

DAYS = 64


@dataclass
class LoadedFile:
    table_id: int
    table: tuple            # database, schema, name
    stage: str              # identity of the stage
    location: str           # as COPY_HISTORY shows it
    key: str
    md5: str
    size: int
    status: str
    rows_parsed: int
    rows_loaded: int
    errors_seen: int = 0
    error_limit: int = 1
    first_error: str = None
    first_error_line: int = None
    first_error_character: int = None
    first_error_column: str = None
    at: float = field(default_factory=time.time)


class LoadHistory:
    def __init__(self):
        self.entries = []
        self._known = {}

    def add(self, entry: LoadedFile):
        self.entries.append(entry)
        if entry.status != "LOAD_FAILED":
            self._known[(entry.table_id, entry.stage, entry.key)] = entry

    def knows(self, table_id: int, stage: str, key: str, md5: str, pending=()) -> bool:
        found = self._known.get((table_id, stage, key))
        for entry in pending:
            if (entry.table_id, entry.stage, entry.key) == (table_id, stage, key) and entry.status != "LOAD_FAILED":
                found = entry
        return found is not None and found.md5 == md5 and time.time() - found.at < DAYS * 86400

    def forget_table(self, table_id: int):
        self._known = {k: v for k, v in self._known.items() if k[0] != table_id}
