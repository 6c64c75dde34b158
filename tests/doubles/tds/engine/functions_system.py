"""Functions and @@variables about the server, the session and the catalog."""

from __future__ import annotations

import datetime

from .. import wrongs
from ..model import SqlError, SqlType
from . import types
from .compile_expressions import unknown
from .expression import ABSENT, Ex
from .parse_expressions import TokenReader
from .storage import encode
from .types import INT, SYSNAME, family

_VARIANT = SqlType("sql_variant")


def variable(c, name: str) -> Ex:
    session = c.session
    upper = name.upper()
    known = {
        "@@VERSION": lambda: (session.engine.version_text, SqlType("nvarchar", 300)),
        "@@SERVERNAME": lambda: (session.engine.server_name, SYSNAME), "@@SERVICENAME": lambda: ("MSSQLSERVER", SYSNAME),
        "@@SPID": lambda: (session.id, SqlType("smallint")), "@@TRANCOUNT": lambda: (session.trancount, INT),
        "@@ROWCOUNT": lambda: (session.rowcount, INT), "@@ERROR": lambda: (session.last_error, INT),
        "@@LOCK_TIMEOUT": lambda: (session.lock_timeout, INT), "@@LANGUAGE": lambda: ("us_english", SYSNAME),
        "@@LANGID": lambda: (0, SqlType("smallint")), "@@DATEFIRST": lambda: (7, SqlType("tinyint")),
        "@@TEXTSIZE": lambda: (session.settings.get("TEXTSIZE", 2147483647), INT), "@@OPTIONS": lambda: (5432, INT),
        "@@MAX_PRECISION": lambda: (38, SqlType("tinyint")), "@@NESTLEVEL": lambda: (0, INT), "@@MICROSOFTVERSION": lambda: (
            (session.engine.version[0] << 24) | session.engine.version[2], INT),
        "@@IDENTITY": lambda: (session.identity_stored(), SqlType("numeric", precision=38)), "@@FETCH_STATUS": lambda: (0, INT),
        "@@DBTS": lambda: (session.engine.current_rowversion(session.database), SqlType("varbinary", 8)),
        "@@PROCID": lambda: (0, INT), "@@CURSOR_ROWS": lambda: (0, INT),
    }.get(upper)
    if known is None:
        raise SqlError(137, f'Must declare the scalar variable "{name}".', 15)
    value, type_ = known()
    return c.constant(value, type_)


def _constant_text(c, node, scope) -> str | None:
    found = c.value(node, scope)
    if found.constant is ABSENT:
        raise unknown("an argument that is not a constant here")
    return None if found.constant is None else str(found.constant)


def _variant(c, value) -> Ex:
    if value is None:
        return c.constant(None, _VARIANT)
    type_ = SqlType("nvarchar", 128) if isinstance(value, str) else INT
    if isinstance(value, datetime.datetime):
        type_, value = SqlType("datetime"), ((value.date() - datetime.date(1900, 1, 1)).days, 0)
    return c.constant(encode(_VARIANT, (type_, value)), _VARIANT)


def _server_property(c, node, scope) -> Ex:
    return _variant(c, c.session.engine.server_property(_constant_text(c, node.arguments[0], scope) or ""))


def _connection_property(c, node, scope) -> Ex:
    name = (_constant_text(c, node.arguments[0], scope) or "").lower()
    login = c.session.login
    found = {"net_transport": "TCP", "protocol_type": "TSQL", "physical_net_transport": "TCP", "local_net_address": "127.0.0.1",
             "local_tcp_port": 1433, "client_net_address": "127.0.0.1",
             "auth_scheme": {"sql": "SQL", "kerberos": "KERBEROS", "token": "SQL"}.get(login.method, "SQL")}.get(name)
    return _variant(c, found)


def _database_property(c, node, scope) -> Ex:
    name, what = (_constant_text(c, argument, scope) or "" for argument in node.arguments)
    settings = c.session.engine.find_database(name)
    if settings is None:
        return c.constant(None, _VARIANT)
    return _variant(c, {
        "collation": settings.collation, "status": "ONLINE", "updateability": "READ_ONLY" if settings.read_only else "READ_WRITE",
        "useraccess": "MULTI_USER", "recovery": "FULL", "version": 957, "isanansinullsenabled": 0, "edition": None, "lcid": 1033,
        "isinstandby": 0, "isautoclose": 0, "isautoshrink": 0, "comparisonstyle": 196609, "sqlsortorder": 52, "serviceobjective": None,
    }.get(what.lower()))


def _sysname(value) -> tuple:
    return value, SYSNAME


def _fixed(get, type_: SqlType):
    return lambda c, node, scope: c.constant(get(c.session), type_)


def split_name(text: str) -> tuple[str, ...] | None:
    try:
        reader = TokenReader(text)
        parts = reader.dotted()
        return parts if reader.token.kind == "end" else None
    except SqlError:
        return None


def _object_id(c, node, scope) -> Ex:
    session = c.session
    kind = (_constant_text(c, node.arguments[1], scope) or "").strip().upper() if len(node.arguments) > 1 else None
    value = c.text(c.value(node.arguments[0], scope))

    def find(text):
        parts = split_name(text) if text is not None else None
        return session.object_id(parts, kind) if parts else None
    if value.constant is not ABSENT:
        return c.constant(find(value.constant), INT)
    name = c.runtime.function(("object_id", kind), 1, find, deterministic=False)
    return Ex(f"{name}({value.sql})", INT, True)


def _lookup(key: str, type_: SqlType, get, optional: bool = False):
    """A function of one or two integers."""
    def handler(c, node, scope) -> Ex:
        values = [c.integer(argument, scope) for argument in node.arguments]
        session = c.session
        name = c.runtime.function((key, len(values)), len(values), lambda *ids: get(session, *ids), deterministic=False)
        return Ex(f"{name}({', '.join(value.sql for value in values)})", type_, True)
    return handler


def _by_name(key: str, type_: SqlType, get, absent):
    def handler(c, node, scope) -> Ex:
        session = c.session
        if not node.arguments:
            return c.constant(absent(session), type_)
        value = c.text(c.value(node.arguments[0], scope))
        name = c.runtime.function((key,), 1, lambda text: None if text is None else get(session, text), deterministic=False)
        return Ex(f"{name}({value.sql})", type_, True)
    return handler


def _db_name(c, node, scope) -> Ex:
    if not node.arguments:
        return c.constant(c.session.database, SYSNAME)
    return _lookup("db_name", SYSNAME, lambda session, id_: session.engine.database_name(id_))(c, node, scope)


def _column_property(c, node, scope) -> Ex:
    id_, column, what = (c.value(argument, scope) for argument in node.arguments)
    session = c.session
    name = c.runtime.function(("columnproperty",), 3, session.column_property, deterministic=False)
    return Ex(f"{name}({id_.sql}, {c.text(column).sql}, {c.text(what).sql})", INT, True)


def _object_property(c, node, scope) -> Ex:
    id_, what = (c.value(argument, scope) for argument in node.arguments)
    name = c.runtime.function(("objectproperty",), 2, c.session.object_property, deterministic=False)
    return Ex(f"{name}({id_.sql}, {c.text(what).sql})", INT, True)


def _has_perms(c, node, scope) -> Ex:
    values = [c.text(c.value(argument, scope)) for argument in node.arguments]
    session = c.session

    def has(securable, kind, permission, *rest):
        return session.has_permission(securable, kind, permission)
    name = c.runtime.function(("has_perms", len(values)), len(values), has, deterministic=False)
    return Ex(f"{name}({', '.join(value.sql for value in values)})", INT, True)


def _is_member(c, node, scope) -> Ex:
    name = c.runtime.function(("is_member",), 1, c.session.is_member, deterministic=False)
    return Ex(f"{name}({c.text(c.value(node.arguments[0], scope)).sql})", INT, True)


def _scope_identity(c, node, scope) -> Ex:
    return c.constant(c.session.identity_stored(), SqlType("numeric", precision=38))


def _ident_current(c, node, scope) -> Ex:
    text = _constant_text(c, node.arguments[0], scope)
    return c.constant(c.session.identity_of(split_name(text or "")), SqlType("numeric", precision=38))


def _type_name(c, node, scope) -> Ex:
    return _lookup("type_name", SYSNAME, lambda session, id_: next((n for n, ids in types.IDS.items() if ids[1] == id_), None))(c, node, scope)


def _type_id(c, node, scope) -> Ex:
    text = (_constant_text(c, node.arguments[0], scope) or "").lower()
    found = types.IDS.get(types.SYNONYMS.get(text, text) if text != "sysname" else text)
    return c.constant(found[1] if found else c.session.alias_type_id(text), INT)


def _rows_count(c, node, scope) -> Ex:
    return c.constant(c.session.rowcount - ("rowcount_wrong" in wrongs.NOW), types.BIGINT)


def _error(what: str, type_: SqlType):
    def handler(c, node, scope) -> Ex:
        error = c.session.caught
        found = None if error is None else {"number": error.number, "message": error.text, "severity": error.severity, "state": error.state,
                                            "line": error.line}[what]
        return c.constant(found, type_)
    return handler


def _formatmessage(c, node, scope) -> Ex:
    raise unknown("FORMATMESSAGE")


def _physloc_text(c, node, scope) -> Ex:
    value = c.value(node.arguments[0], scope)
    if family(value.type) != "binary":
        raise SqlError(8116, "Argument data type is invalid for argument 1 of sys.fn_PhysLocFormatter function.")

    def write(raw):
        return None if raw is None else f"({int.from_bytes(raw[4:6], 'little')}:{int.from_bytes(raw[:4], 'little')}:{int.from_bytes(raw[6:8], 'little')})"
    return Ex(f"{c.runtime.function(('physloc',), 1, write)}({value.sql})", SqlType("varchar", 128), True)


FUNCTIONS = {
    "SERVERPROPERTY": (1, 1, _server_property), "CONNECTIONPROPERTY": (1, 1, _connection_property),
    "DATABASEPROPERTYEX": (2, 2, _database_property), "DB_NAME": (0, 1, _db_name),
    "DB_ID": (0, 1, _by_name("db_id", SqlType("smallint"), lambda session, name: session.engine.database_id(name),
                             lambda session: session.engine.database_id(session.database))),
    "ORIGINAL_DB_NAME": (0, 0, _fixed(lambda session: session.database, SYSNAME)),
    "OBJECT_ID": (1, 2, _object_id),
    "OBJECT_NAME": (1, 2, _lookup("object_name", SYSNAME, lambda session, id_, db=None: session.object_part(id_, db, "name"))),
    "OBJECT_SCHEMA_NAME": (1, 2, _lookup("object_schema", SYSNAME, lambda session, id_, db=None: session.object_part(id_, db, "schema"))),
    "SCHEMA_NAME": (0, 1, lambda c, node, scope: c.constant(c.session.default_schema, SYSNAME) if not node.arguments else _lookup(
        "schema_name", SYSNAME, lambda session, id_: session.schema_name(id_))(c, node, scope)),
    "SCHEMA_ID": (0, 1, _by_name("schema_id", INT, lambda session, name: session.schema_id(name), lambda session: 1)),
    "COL_NAME": (2, 2, _lookup("col_name", SYSNAME, lambda session, id_, column: session.column_name(id_, column))),
    "COLUMNPROPERTY": (3, 3, _column_property), "OBJECTPROPERTY": (2, 2, _object_property), "OBJECTPROPERTYEX": (2, 2, _object_property),
    "TYPE_NAME": (1, 1, _type_name), "TYPE_ID": (1, 1, _type_id),
    "SUSER_SNAME": (0, 1, _fixed(lambda session: session.login.user, SYSNAME)),
    "SUSER_NAME": (0, 1, _fixed(lambda session: session.login.user, SYSNAME)),
    "ORIGINAL_LOGIN": (0, 0, _fixed(lambda session: session.login.user, SYSNAME)),
    "SYSTEM_USER": (0, 0, _fixed(lambda session: session.login.user, SYSNAME)),
    "USER_NAME": (0, 1, _fixed(lambda session: session.user, SYSNAME)), "CURRENT_USER": (0, 0, _fixed(lambda session: session.user, SYSNAME)),
    "SESSION_USER": (0, 0, _fixed(lambda session: session.user, SYSNAME)), "USER": (0, 0, _fixed(lambda session: session.user, SYSNAME)),
    "USER_ID": (0, 1, _fixed(lambda session: 1 if session.user == "dbo" else 5, INT)),
    "DATABASE_PRINCIPAL_ID": (0, 1, _fixed(lambda session: 1 if session.user == "dbo" else 5, INT)),
    "HAS_PERMS_BY_NAME": (3, 5, _has_perms), "IS_MEMBER": (1, 1, _is_member), "IS_ROLEMEMBER": (1, 2, _is_member),
    "IS_SRVROLEMEMBER": (1, 2, _is_member),
    "HOST_NAME": (0, 0, _fixed(lambda session: session.login.host, SYSNAME)),
    "APP_NAME": (0, 0, _fixed(lambda session: session.login.application, SYSNAME)),
    "PROGRAM_NAME": (0, 0, _fixed(lambda session: session.login.application, SYSNAME)),
    "XACT_STATE": (0, 0, _fixed(lambda session: 1 if session.trancount else 0, SqlType("smallint"))),
    "SCOPE_IDENTITY": (0, 0, _scope_identity), "IDENT_CURRENT": (1, 1, _ident_current), "ROWCOUNT_BIG": (0, 0, _rows_count),
    "HAS_DBACCESS": (1, 1, _by_name("has_dbaccess", INT, lambda session, name: session.has_database_access(name), lambda session: 1)),
    "ERROR_NUMBER": (0, 0, _error("number", INT)), "ERROR_MESSAGE": (0, 0, _error("message", SqlType("nvarchar", 4000))),
    "ERROR_SEVERITY": (0, 0, _error("severity", INT)), "ERROR_STATE": (0, 0, _error("state", INT)), "ERROR_LINE": (0, 0, _error("line", INT)),
    "FN_PHYSLOCFORMATTER": (1, 1, _physloc_text),
}
