"""The account: users with what they log in by, roles with what they may do, warehouses."""

import fnmatch
from dataclasses import dataclass, field

from . import errors


@dataclass
class User:
    name: str
    password: str = field(default=None, repr=False)
    public_keys: list = field(default_factory=list)       # PEM
    oauth_tokens: dict = field(default_factory=dict, repr=False)  # token → seconds since 1970 when it ends, or None
    external_oauth: dict = field(default_factory=dict)    # {public_key, issuer, audience, subject}: a security integration's view of the user
    access_tokens: dict = field(default_factory=dict, repr=False)  # programmatic access tokens, likewise
    workload: dict = field(default_factory=dict)          # {provider, issuer, subject, audience, public_key}, or {provider: AWS, access_key, secret_key, session_token}
    roles: list = field(default_factory=lambda: ["ACCOUNTADMIN", "PUBLIC"])
    default_role: str = None
    default_warehouse: str = None
    default_namespace: str = None
    disabled: bool = False
    locked: bool = False
    parameters: dict = field(default_factory=dict)


@dataclass
class Role:
    """`grants` None: everything. Else lines like "INSERT ON TABLE DB.S.*"; names match as shell patterns."""

    name: str
    grants: list = None

    def may(self, privilege: str, kind: str, name: str) -> bool:
        if self.grants is None:
            return True
        for grant in self.grants:
            what, _, target = grant.partition(" ON ")
            of, _, pattern = target.partition(" ")
            if what in (privilege, "ALL", "OWNERSHIP") and of in (kind, "*") and fnmatch.fnmatchcase(name, pattern):
                return True
        return False


class Account:
    def __init__(self, name: str):
        self.name = name.upper()
        self.users = {}
        self.roles = {"ACCOUNTADMIN": Role("ACCOUNTADMIN"), "SYSADMIN": Role("SYSADMIN"), "PUBLIC": Role("PUBLIC", [])}
        self.warehouses = {"COMPUTE_WH": {"size": "X-Small", "state": "STARTED"}}
        self.oauth_issuers = {}

    def add_user(self, name: str, **facts) -> User:
        user = User(name.upper(), **facts)
        user.roles = [role.upper() for role in user.roles]
        self.users[user.name] = user
        return user

    def add_role(self, name: str, grants=None) -> Role:
        role = Role(name.upper(), grants)
        self.roles[role.name] = role
        return role


def _is_owner(service, role: Role, kind: str, name: str) -> bool:
    """The role that made an object may do everything with it; what is in it has owners of its own."""
    from .translate import name_parts
    if kind not in ("DATABASE", "SCHEMA", "TABLE", "VIEW", "STAGE"):
        return False
    database, *rest = name_parts(name)
    found = service.catalog.databases.get(database)
    if rest and found:
        found = found.schemas.get(rest[0])
    if len(rest) > 1 and found:
        found = (found.stages if kind == "STAGE" else found.relations).get(rest[1])
    return found is not None and found.owner == role.name


def require(service, session, privilege: str, kind: str, name: str):
    """Raises "insufficient privileges" unless the session's role may; "does not exist" when it may nothing with it."""
    role = service.account.roles.get(session.role)
    if role is None or not (role.may(privilege, kind, name) or _is_owner(service, role, kind, name)):
        if kind in ("TABLE", "VIEW", "STAGE") and not sees(service, session, kind, name):
            raise errors.missing(kind.capitalize(), name)
        raise errors.no_privilege(kind.lower(), name.rsplit(".", 1)[-1].strip('"'))


def sees(service, session, kind: str, name: str) -> bool:
    """An object for which a role has no privilege at all does not exist for it."""
    role = service.account.roles.get(session.role)
    if role is None:
        return False
    if role.grants is None or _is_owner(service, role, kind, name):
        return True
    return any(grant.partition(" ON ")[2].partition(" ")[0] in (kind, "*")
               and fnmatch.fnmatchcase(name, grant.partition(" ON ")[2].partition(" ")[2]) for grant in role.grants)
