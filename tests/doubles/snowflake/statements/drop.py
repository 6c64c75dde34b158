"""DROP."""

from .. import errors
from ..catalog import Table, View, dotted, render
from ..options import Scanner
from ..results import Result, status

KINDS = ("DATABASE", "SCHEMA", "TABLE", "VIEW", "STAGE", "FILE FORMAT", "SEQUENCE", "WAREHOUSE", "ROLE", "USER")


def drop_contents(service, schemas):
    """Rows and files of all that is in the schemas."""
    for schema in schemas:
        for relation in [*schema.relations.values(), *schema.temporary.values()]:
            if isinstance(relation, Table):
                service.engine.drop_table(relation)
        for stage in [*schema.stages.values(), *schema.temporary_stages.values()]:
            service.stages.drop(stage)


# --- DROP

def drop(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("DROP")
    kind = next((k for k in KINDS if scanner.accept(*k.split())), None)
    if kind is None:
        raise scanner.unexpected() if scanner.peek is None else errors.NotImplementedHere("DROP " + scanner.peek.upper)
    if_exists = scanner.accept("IF", "EXISTS")
    parts = scanner.names()
    scanner.accept("CASCADE") or scanner.accept("RESTRICT")
    catalog = service.catalog
    name = parts[-1]

    def gone(shown, what):
        if if_exists:
            return status("Drop statement executed successfully "
                          f"({render(name)} already dropped).")
        raise errors.missing(what, shown)

    if kind == "DATABASE":
        if name not in catalog.databases:
            return gone(render(name), "Database")
        service.require(session, "OWNERSHIP", "DATABASE", dotted(name))
        drop_contents(service, catalog.databases.pop(name).schemas.values())
        if session.database == name:
            session.database = session.schema = None
    elif kind == "SCHEMA":
        database = catalog.databases.get(parts[0] if len(parts) == 2 else session.database)
        if database is None or name not in database.schemas:
            return gone(dotted(*parts), "Schema")
        service.require(session, "OWNERSHIP", "SCHEMA", dotted(database.name, name))
        drop_contents(service, [database.schemas.pop(name)])
        if session.schema == name and session.database == database.name:
            session.schema = None
    elif kind == "WAREHOUSE":
        if service.account.warehouses.pop(name, None) is None:
            return gone(render(name), "Warehouse")
    elif kind in ("TABLE", "VIEW"):
        path = catalog.qualify(session, parts, "DROP")
        try:
            schema = catalog.schema(session, path[:2])
        except errors.SnowflakeError:
            if if_exists:
                return gone(dotted(*path), kind.capitalize())
            raise
        found = catalog.find(session, path)
        if found is None or isinstance(found, View) != (kind == "VIEW"):
            return gone(dotted(*path) if len(parts) > 1 else render(name), kind.capitalize())
        if found.session is None:
            service.require(session, "OWNERSHIP", kind, dotted(*path))
        if isinstance(found, Table):
            service.transactions.wait_for_all(found, session, query)
            service.engine.drop_table(found)
            service.load_history.forget_table(found.id)
        if isinstance(found, Table) and found.session is not None:
            del schema.temporary[(session.id, name)]
        else:
            del schema.relations[name]
    elif kind == "STAGE":
        path = catalog.qualify(session, parts, "DROP")
        schema = catalog.schema(session, path[:2])
        for held, key in ((schema.temporary_stages, (session.id, name)), (schema.stages, name)):
            if key in held:
                if held is schema.stages:
                    service.require(session, "OWNERSHIP", "STAGE", dotted(*path))
                service.stages.drop(held.pop(key))
                return status(f"{render(name)} successfully dropped.")
        return gone(dotted(*path), "Stage")
    elif kind == "FILE FORMAT":
        path = catalog.qualify(session, parts, "DROP")
        schema = catalog.schema(session, path[:2])
        if schema.formats.pop(name, None) is None:
            return gone(dotted(*path), "File format")
    else:
        raise errors.NotImplementedHere("DROP " + kind)
    return status(f"{render(name)} successfully dropped.")
