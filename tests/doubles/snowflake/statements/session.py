"""USE, ALTER SESSION, SET, and BEGIN, COMMIT, ROLLBACK."""

from .. import errors, results
from ..catalog import render
from ..options import Scanner
from ..results import Result, status
from ..scope import Scope, generate
from ..sessions import KNOWN

DONE = "Statement executed successfully."


def use(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("USE")
    kind = next((k for k in ("DATABASE", "SCHEMA", "WAREHOUSE", "ROLE", "SECONDARY") if scanner.accept(k)), None)
    if kind == "SECONDARY":
        return status(DONE, results.SESSION)
    names = scanner.names()
    if kind == "ROLE":
        if names[0] not in service.account.roles or names[0] not in session.user.roles:
            raise errors.SnowflakeError("003013", f"SQL access control error:\nRequested role '{render(names[0])}' is not assigned "
                                        "to the executing user. Specify another role to activate.", "42501")
        session.role = names[0]
    elif kind == "WAREHOUSE":
        if names[0] not in service.account.warehouses or not service.sees(session, "WAREHOUSE", names[0]):
            raise errors.cannot_perform(names[0])
        session.warehouse = names[0]
    elif kind == "SCHEMA" or len(names) == 2:
        database = names[0] if len(names) == 2 else session.database
        if database is None:
            raise errors.no_database("USE SCHEMA")
        if database not in service.catalog.databases or names[-1] not in service.catalog.databases[database].schemas:
            raise errors.cannot_perform(names[-1])
        session.database, session.schema = database, names[-1]
    else:
        if names[0] not in service.catalog.databases or not service.sees(session, "DATABASE", names[0]):
            raise errors.cannot_perform(names[0])
        session.database = names[0]
        session.schema = "PUBLIC" if "PUBLIC" in service.catalog.databases[names[0]].schemas else None
    return status(DONE, results.SESSION)


def alter_session(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("ALTER", "SESSION")
    if scanner.accept("UNSET"):
        while scanner.peek is not None:
            session.parameters.pop(scanner.next().upper, None)
            scanner.accept(",")
        return status(DONE, results.SESSION)
    scanner.expect("SET")
    options = scanner.options()
    if not options:
        raise scanner.unexpected()
    unknown = next((name for name in options if name not in KNOWN), None)
    if unknown:
        raise errors.compilation("002211", f"invalid property '{unknown}' for 'SESSION'")
    for name, value in options.items():
        session.set_parameter(name, value if isinstance(value, (bool, int, float)) or value is None else str(value))
    return status(DONE, results.SESSION)


def set_variable(service, session, query) -> Result:
    from ..translate import Translator, parse
    scanner = Scanner(query.sql)
    if scanner.accept("UNSET"):
        session.variables.pop(scanner.next().upper, None)
        return status(DONE, results.SESSION)
    scanner.expect("SET")
    name = scanner.next().upper
    scanner.expect("=")
    text = query.sql[scanner.peek.start:].rstrip().rstrip(";")
    translator = Translator(service, session, query)
    value = translator.expression(parse("SELECT " + text).expressions[0], Scope())
    table, engine_types = service.engine.arrow("SELECT " + generate(value))
    cell = table.column(0)[0].as_py()
    from .. import types
    from ..conversions import quote
    type_ = types.from_engine(engine_types[0])
    literal = "NULL" if cell is None else quote(cell) if isinstance(cell, str) else str(cell)
    session.variables[name] = (literal, type_)
    return status(DONE, results.SESSION)


def begin(service, session, query) -> Result:
    if session.transaction is None:
        words = query.sql.split()
        name = words[-1].rstrip(";") if len(words) > 2 and words[-2].upper() == "NAME" else ""
        session.transaction = service.transactions.begin(session, explicit=True, name=name)
    return status(DONE, results.TRANSACTION)


def commit(service, session, query) -> Result:
    end(service, session)
    return status(DONE, results.TRANSACTION)


def end(service, session):
    """Commits what is open; one that was aborted is rolled back instead."""
    transaction = session.transaction
    if transaction is None:
        return
    with service.engine:
        if transaction.aborted:
            service.transactions.rollback(transaction)
        else:
            service.transactions.commit(transaction)
    session.transaction = None


def rollback(service, session, query) -> Result:
    if session.transaction is not None:
        with service.engine:
            service.transactions.rollback(session.transaction)
    return status(DONE, results.TRANSACTION)
