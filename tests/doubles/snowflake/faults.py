"""What tests break on purpose: answers, connections, time."""

import re
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Fault:
    """The next `times` requests, after `skip` others, that match do `action`.

    action: status (answer `status`), close (cut the connection), half (send half of the answer, then cut), hang (answer nothing for `seconds`, then cut), delay
    (`seconds`), error (a statement's error with `code`, `message`), running (the statement takes
    `seconds` longer, or until the faults are cleared), expire
    (the session's token is taken as expired).
    when: before or after the request was carried out; for `running`, before or after the statement.
    """

    action: str
    path: str = ".*"
    sql: str = None
    times: int = 1
    skip: int = 0
    when: str = "before"
    status: int = 503
    seconds: float = 0.0
    code: str = "000603"
    message: str = "a fault that the test asked for"
    user: str = None
    done: int = 0

    def matches(self, path: str, sql, user) -> bool:
        if self.sql is not None and (sql is None or not re.search(self.sql, sql, re.I | re.S)):
            return False
        return re.search(self.path, path) is not None and self.user in (None, user)


@dataclass
class Faults:
    """Thread-safe."""

    faults: list = field(default_factory=list)
    _lock: object = field(default_factory=threading.Lock)

    def add(self, **facts) -> Fault:
        fault = Fault(**facts)
        if fault.action not in ("status", "close", "half", "hang", "delay", "error", "running", "expire"):
            raise ValueError(f"unknown action {fault.action!r}")
        with self._lock:
            self.faults.append(fault)
        return fault

    def clear(self):
        with self._lock:
            self.faults.clear()

    def take(self, path: str, sql, user, when, actions):
        """The fault for this request, if there is one; it is used up by that."""
        with self._lock:
            for fault in self.faults:
                if fault.action not in actions or fault.when != when or fault.done >= fault.times:
                    continue
                if not fault.matches(path, sql, user):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.done += 1
                return fault
        return None

    def while_running(self, service, query):
        """Called by a statement that is about to run, with the service's lock held."""
        fault = self.take("statement", query.sql, query.session.user.name, "before", ("running",)) if any(
            f.action == "running" for f in self.faults) else None
        end = time.monotonic() + (fault.seconds if fault else 0)
        while fault in self.faults and time.monotonic() < end:
            service.pause(query, min(0.05, end - time.monotonic()))
        broken = self.take("statement", query.sql, query.session.user.name, "before", ("error",)) if any(
            f.action == "error" for f in self.faults) else None
        if broken:
            from .errors import SnowflakeError
            raise SnowflakeError(broken.code, broken.message)
