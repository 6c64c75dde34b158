"""What all connections share: users, settings, faults, what was asked so far. The control interface changes it."""

import threading
from dataclasses import asdict, dataclass, field

from .faults import FaultList
from .model import Engine
from .repeated import Repetitions

MOST_KEPT = 20000  # statements that are remembered


@dataclass
class User:
    """A login of the server: by password, of a Kerberos principal (svc@REALM), or of an application id in an access token."""

    name: str
    password: str | None = None
    state: str = "fine"  # expired, must_change, locked, disabled
    database: str = ""


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
    users: dict = field(default_factory=dict)
    faults: FaultList = field(default_factory=FaultList)
    repetitions: Repetitions = field(default_factory=Repetitions)
    statements: list = field(default_factory=list)
    logins: list = field(default_factory=list)
    connections: dict = field(default_factory=dict)  # process id: Connection
    _next_process: int = 51

    def add_user(self, name: str, **facts):
        with self.lock:
            self.users[name.lower()] = User(name, **facts)

    def user(self, name: str):
        with self.lock:
            return self.users.get(name.lower())

    def new_process_id(self) -> int:
        with self.lock:
            self._next_process += 1
            return self._next_process

    def remember(self, **facts):
        with self.lock:
            if len(self.statements) >= MOST_KEPT:
                del self.statements[:MOST_KEPT // 2]
            self.statements.append(facts)

    def change_settings(self, **changes) -> dict:
        with self.lock:
            for name, value in changes.items():
                if name not in Settings.__dataclass_fields__:
                    raise ValueError(f"no setting {name!r}; there are {sorted(Settings.__dataclass_fields__)}")
                setattr(self.settings, name, value)
            return asdict(self.settings)
