"""Locks of tables and databases. One manager for the engine; sessions wait in it, and deadlocks are found in it.

Queues are fair: who comes later waits behind who waits already, unless it holds a lock of that resource."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from .. import wrongs
from ..model import SqlError

SCH_S, IX, S, U, X, SCH_M = "Sch-S", "IX", "S", "U", "X", "Sch-M"
_COMPATIBLE = {
    SCH_S: {SCH_S, IX, S, U, X}, IX: {SCH_S, IX}, S: {SCH_S, S, U}, U: {SCH_S, S}, X: {SCH_S}, SCH_M: set(),
}


@dataclass
class _Request:
    session: object
    mode: str


class Locks:
    def __init__(self):
        self._changed = threading.Condition()
        self._held: dict[tuple, list[_Request]] = {}
        self._waiting: dict[tuple, list[_Request]] = {}

    def take(self, session, resource: tuple, mode: str, timeout: float | None, cancelled) -> bool:
        """True: a new lock, False: it was held already. `timeout` in seconds, None: no end. Throws 1222, 1205, and what
        `cancelled()` throws."""
        with self._changed:
            if any(lock.session is session and lock.mode == mode for lock in self._held.get(resource, [])):
                return False
            request = _Request(session, mode)
            queue = self._waiting.setdefault(resource, [])
            queue.append(request)
            self._changed.notify_all()
            deadline = None if timeout is None else time.monotonic() + timeout
            try:
                while self._blockers(resource, request):
                    cancelled()
                    if self._deadlocked(session):
                        raise SqlError(1205, f"Transaction (Process ID {session.id}) was deadlocked on lock resources with another process and "
                                             "has been chosen as the deadlock victim. Rerun the transaction.", 13)
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise SqlError(1222, "Lock request time out period exceeded.")
                    self._changed.wait(left)
                cancelled()
                self._held.setdefault(resource, []).append(request)
                return True
            finally:
                queue.remove(request)
                self._changed.notify_all()

    def release(self, session, resource: tuple, mode: str) -> None:
        with self._changed:
            self._held[resource] = [lock for lock in self._held.get(resource, []) if not (lock.session is session and lock.mode == mode)]
            self._changed.notify_all()

    def release_all(self, session) -> None:
        with self._changed:
            for resource, held in self._held.items():
                self._held[resource] = [lock for lock in held if lock.session is not session]
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def waiting(self, session) -> bool:
        with self._changed:
            return any(request.session is session for queue in self._waiting.values() for request in queue)

    def rows(self) -> list[tuple]:
        """Resource, mode, status, session."""
        with self._changed:
            return [(resource, lock.mode, status, lock.session) for status, kept in (("GRANT", self._held), ("WAIT", self._waiting))
                    for resource, locks in kept.items() for lock in locks]

    def _blockers(self, resource: tuple, request: _Request) -> list:
        """Sessions that it waits for."""
        if "locks_ignored" in wrongs.NOW:
            return []
        held = self._held.get(resource, [])
        found = [lock.session for lock in held if lock.session is not request.session and lock.mode not in _COMPATIBLE[request.mode]]
        if found or any(lock.session is request.session for lock in held) or request.mode == SCH_S:
            return found
        for earlier in self._waiting[resource]:
            if earlier is request:
                break
            if earlier.session is not request.session and earlier.mode not in _COMPATIBLE[request.mode]:
                found.append(earlier.session)
        return found

    def _deadlocked(self, session) -> bool:
        seen, todo = set(), [session]
        while todo:
            current = todo.pop()
            for resource, queue in self._waiting.items():
                for request in queue:
                    if request.session is current:
                        for blocker in self._blockers(resource, request):
                            if blocker is session:
                                return True
                            if id(blocker) not in seen:
                                seen.add(id(blocker))
                                todo.append(blocker)
        return False
