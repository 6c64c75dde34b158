"""What tests break on purpose."""

import re
import threading
import time
from dataclasses import asdict, dataclass, field

from .model import SqlError

STATEMENT_ACTIONS = ("close", "cut", "stall", "error")
LOGIN_ACTIONS = ("refuse", "hang_up")


@dataclass
class Fault:
    """The next `times` statements, after `skip` others, whose text has `like` (a pattern) in it suffer `action`:

    error   `number`, `text`, `severity`, `state`, before the statement or after `after_rows` rows of it
    close   the connection is closed after `after_rows` rows
    cut     the same in the middle of a packet
    stall   nothing more comes for `seconds`, or until the faults are cleared, after `after_rows` rows

    Or the next `times` logins, within `seconds` when that is given, of `user` (a pattern):

    refuse  with the error `number` (40613 when it is not given)
    hang_up the connection is closed without a word
    """

    action: str
    like: str = ""
    user: str = ""
    after_rows: int | None = None
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    number: int = 0
    text: str = ""
    severity: int = 0
    state: int = 1
    done: int = 0
    until: float = field(default=0.0)

    def error(self) -> SqlError:
        number = self.number or (40613 if self.action == "refuse" else 50000)
        words, severity, fatal = _KNOWN.get(number, ("A fault that the test asked for.", 16, False))
        severity = self.severity or severity
        return SqlError(number, self.text or words, severity=severity, state=self.state, fatal=fatal or severity >= 20)


_KNOWN = {
    1205: ("Transaction (Process ID 52) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. "
           "Rerun the transaction.", 13, False),
    1222: ("Lock request time out period exceeded.", 16, False),
    3960: ("Snapshot isolation transaction aborted due to update conflict.", 16, False),
    596: ("Cannot continue the execution because the session is in the kill state.", 21, True),
    40613: ("Database 'd' on server 's' is not currently available.  Please retry the connection later.", 17, True),
    40501: ("The service is currently busy. Retry the request after 10 seconds.", 20, True),
    10928: ("Resource ID : 1. The request limit for the database is 200 and has been reached.", 16, True),
}


class FaultList:
    """Thread-safe."""

    def __init__(self):
        self._faults = []
        self._changed = threading.Condition()

    def add(self, **facts) -> dict:
        fault = Fault(**facts)
        if fault.action not in STATEMENT_ACTIONS + LOGIN_ACTIONS:
            raise ValueError(f"no action {fault.action!r}; there are {STATEMENT_ACTIONS + LOGIN_ACTIONS}")
        re.compile(fault.like), re.compile(fault.user)
        if fault.action in LOGIN_ACTIONS and fault.seconds:
            fault.until, fault.times = time.monotonic() + fault.seconds, facts.get("times", 10**9)
        with self._changed:
            self._faults.append(fault)
        return asdict(fault)

    def clear(self):
        with self._changed:
            self._faults.clear()
            self._changed.notify_all()

    def _take(self, actions, subject: str, pattern):
        with self._changed:
            for fault in self._faults:
                over = fault.done >= fault.times or (fault.until and time.monotonic() > fault.until)
                if fault.action not in actions or over or not re.search(pattern(fault), subject, re.I | re.S):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.done += 1
                return fault
        return None

    def for_statement(self, sql: str):
        return self._take(STATEMENT_ACTIONS, sql, lambda fault: fault.like) if self._faults else None

    def for_login(self, user: str):
        return self._take(LOGIN_ACTIONS, user, lambda fault: fault.user) if self._faults else None

    def wait(self, fault: Fault, ended):
        """Until `fault` is over: its seconds, or its removal, or ended()."""
        until = time.monotonic() + (fault.seconds or float("inf"))
        with self._changed:
            while fault in self._faults and time.monotonic() < until and not ended():
                self._changed.wait(min(0.05, max(0.001, until - time.monotonic())))
