"""GRANT and REVOKE of privileges to roles; SHOW GRANTS ON an object."""

import time

from .. import errors, results
from ..catalog import dotted
from ..options import Scanner
from ..results import Result, status

KINDS = ("WAREHOUSE", "DATABASE", "SCHEMA", "TABLE", "STAGE", "ROLE")


def _names(service, session, kind, parts) -> str:
    """The full name of an object that is there."""
    if kind == "WAREHOUSE":
        if parts[-1] not in service.account.warehouses:
            raise errors.missing("Warehouse", parts[-1])
        return parts[-1]
    if kind == "DATABASE":
        return dotted(service.catalog.database(parts[-1]).name)
    if kind == "SCHEMA":
        service.catalog.schema(session, parts)
        return dotted(*(parts if len(parts) == 2 else [session.database, *parts]))
    found = service.catalog.table(session, parts) if kind == "TABLE" else service.catalog.stage(session, parts)
    return dotted(*found[0])


def grant(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    taken = scanner.accept("REVOKE")
    if not taken:
        scanner.expect("GRANT")
    privileges = [""]
    while not scanner.accept("ON"):
        if scanner.accept(","):
            privileges.append("")
            continue
        privileges[-1] = (privileges[-1] + " " + scanner.next().upper).strip()
    if scanner.accept("ACCOUNT"):
        line = "ACCOUNT " + service.account.name
    else:
        future = scanner.accept("FUTURE") or scanner.accept("ALL")
        kind = next((k for k in KINDS if scanner.accept(k)), None)
        if future or kind is None or kind == "ROLE":
            raise errors.NotImplementedHere("GRANT ON this")
        line = f"{kind} {_names(service, session, kind, scanner.names())}"
    if not scanner.accept("FROM" if taken else "TO"):
        raise scanner.unexpected()
    scanner.accept("ROLE")
    name = scanner.names()[-1]
    role = service.account.roles.get(name)
    if role is None:
        raise errors.missing("Role", name)
    for privilege in privileges:
        if role.grants is None:
            continue
        role.grants = [g for g in role.grants if g != f"{privilege} ON {line}"] + ([] if taken else [f"{privilege} ON {line}"])
    return status("Statement executed successfully.", results.DDL)


def show(service, session, kind, parts) -> tuple:
    """SHOW GRANTS ON: columns and rows. The owner's role has OWNERSHIP."""
    name = _names(service, session, kind, parts)
    rows = [[time.time(), "OWNERSHIP", kind, name, "ROLE", "ACCOUNTADMIN", "true", "ACCOUNTADMIN"]]
    for role in service.account.roles.values():
        for line in role.grants or []:
            privilege, _, target = line.partition(" ON ")
            if target == f"{kind} {name}":
                rows.append([time.time(), privilege, kind, name, "ROLE", role.name, "false", "ACCOUNTADMIN"])
    return ["privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by"], rows
