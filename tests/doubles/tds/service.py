"""What all connections share: users, settings, faults, what was asked so far. The control interface changes it."""

import threading
from dataclasses import asdict, dataclass, field

from .faults import FaultList
from .model import Engine
from .repeated import Repetitions

MOST_KEPT = 20000  # statements that are remembered


STATES = ("fine", "expired", "must_change", "locked", "disabled")


@dataclass
class Settings:
    encryption: str = "offered"      # unsupported, offered, required
    login_seconds: float = 0.0       # a login takes so long
    largest_packet: int = 32767
    chunk: int = 8000                # bytes of one chunk of a (max) value
    lengths_known: bool = True       # (max) values say their length first
    bitmaps: bool = True             # rows with NULLs leave them out
    token_public_key: str = ""       # PEM; of those who sign access tokens
    token_audience: str = "https://database.windows.net"
    token_issuer: str = ""           # "": any


@dataclass
class Service:
    engine: Engine
    settings: Settings
    tls: object = None               # ssl.SSLContext
    keytab: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    states: dict = field(default_factory=dict)  # of logins that are not fine, by lower-case name
    faults: FaultList = field(default_factory=FaultList)
    repetitions: Repetitions = field(default_factory=Repetitions)
    statements: list = field(default_factory=list)
    logins: list = field(default_factory=list)
    connections: dict = field(default_factory=dict)  # number of the session: Connection

    def add_user(self, name: str, state: str = "fine", password: str | None = None, database: str = "", sysadmin: bool = True):
        """A login by password, of a Kerberos principal (svc@REALM), or of an application id in an access token."""
        if state not in STATES:
            raise ValueError(f"no state {state!r}; there are {STATES}")
        with self.lock:
            self.engine.add_login(name, password, database, sysadmin)
            self.states[name.lower()] = state

    def state_of(self, name: str) -> str:
        with self.lock:
            return self.states.get(name.lower(), "fine")

    def remember(self, **facts):
        with self.lock:
            if len(self.statements) >= MOST_KEPT:
                del self.statements[:MOST_KEPT // 2]
            self.statements.append(facts)

    def remember_login(self, facts: dict):
        with self.lock:
            self.logins.append(facts)

    def change_settings(self, **changes) -> dict:
        with self.lock:
            for name, value in changes.items():
                if name not in Settings.__dataclass_fields__:
                    raise ValueError(f"no setting {name!r}; there are {sorted(Settings.__dataclass_fields__)}")
                setattr(self.settings, name, value)
            return asdict(self.settings)
