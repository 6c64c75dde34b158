"""Rows encoded once and sent many times, so that a benchmark measures the client and not this program.

A table named here has `times` times the rows that the engine holds: the rows of a statement that names it are recorded as they
go out the first time, and from then on come from memory; a count is multiplied."""

import re
import threading

MOST_RECORDED = 256 << 20
SMALLEST_BLOCK = 1 << 20  # small ones are strung together, or the calls would cost more than the copying
_COUNT = re.compile(r"\bCOUNT(_BIG)?\s*\(", re.I)


class Repetitions:
    """Thread-safe."""

    def __init__(self):
        self._tables = []  # (pattern, times)
        self._recorded = {}
        self._lock = threading.Lock()

    def add(self, table: str, times: int):
        if times < 1:
            raise ValueError("times: at least 1")
        with self._lock:
            self._tables.append((re.compile(rf"(?<![\w]){re.escape(table)}(?![\w])", re.I), times))

    def clear(self):
        with self._lock:
            self._tables.clear()
            self._recorded.clear()

    def times(self, sql: str) -> int:
        if not self._tables:
            return 1
        with self._lock:
            return next((times for pattern, times in self._tables if pattern.search(sql)), 1)

    @staticmethod
    def is_count(sql: str) -> bool:
        return bool(_COUNT.search(sql))

    def recorded(self, key):
        with self._lock:
            return self._recorded.get(key)

    def record(self, key, results):
        """`results` of one statement: (metadata, block, rows, times) of each."""
        with self._lock:
            kept = sum(len(block) for one in self._recorded.values() for _, block, _, _ in one)
            if kept + sum(len(block) for _, block, _, _ in results) <= MOST_RECORDED:
                self._recorded[key] = results


def send(writer, block: bytes, times: int):
    together = min(times, max(1, SMALLEST_BLOCK // max(1, len(block))))
    writer.write_blocks(block * together, times // together)
    if times % together:
        writer.write_blocks(block, times % together)
