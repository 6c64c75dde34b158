"""System views of security policies, sessions and locks."""

from __future__ import annotations

from .. import wrongs
from . import types
from .system_objects import KINDS, OBJECT, moment, schema_id
from .system_views import view


@view("sys.security_policies", OBJECT + ", is_not_for_replication bit, uses_database_collation bit?, is_enabled bit, is_schema_bound bit")
def _policies(session, database):
    for schema, name, id_, _, enabled in database.catalog.policies:
        yield (name, id_, None, schema_id(database, schema), 0, "SP", KINDS["SP"], moment(database.settings.created),
               moment(database.settings.created), False, False, False, False, True, enabled, True)


@view("sys.security_predicates", "object_id int, security_predicate_id int, target_object_id int, predicate_definition nvarchar(max)?, "
      "predicate_type int?, predicate_type_desc nvarchar(60)?, operation int?, operation_desc nvarchar(60)?")
def _predicates(session, database):
    for _, _, id_, predicates, _ in database.catalog.policies:
        for at, (text, target) in enumerate(predicates, 1):
            yield id_, at, target, f"({text})", 0, "FILTER", None, None


def _own_sessions(session):
    everything = session.engine.is_sysadmin(session.login.user)
    return [found for found in list(session.engine.sessions.values()) if found is session or everything]


_LEVELS = {"READ UNCOMMITTED": 1, "READ COMMITTED": 2, "REPEATABLE READ": 3, "SERIALIZABLE": 4, "SNAPSHOT": 5}


@view("sys.dm_exec_sessions", "session_id smallint, login_time datetime, host_name nvarchar(128)?, program_name nvarchar(128)?, "
      "login_name nvarchar(128), status nvarchar(30), transaction_isolation_level smallint, lock_timeout int, row_count bigint, "
      "original_login_name nvarchar(128), database_id smallint, open_transaction_count int, is_user_process bit, text_size int, "
      "date_format nvarchar(3)?, quoted_identifier bit")
def _sessions(session, database):
    for found in _own_sessions(session):
        yield (found.id, moment(found.started), found.login.host, found.login.application, found.login.user,
               "running" if found is session else "sleeping", _LEVELS[found.isolation], found.lock_timeout, found.rowcount, found.login.user,
               session.engine.database_id(found.database), found.trancount, True, found.settings.get("TEXTSIZE", 2147483647),
               found.settings["DATEFORMAT"], found.settings["QUOTED_IDENTIFIER"] != "OFF")


@view("sys.dm_exec_connections", "session_id int?, connect_time datetime, net_transport nvarchar(40), protocol_type nvarchar(40)?, "
      "protocol_version int?, encrypt_option nvarchar(40), auth_scheme nvarchar(40), client_net_address varchar(48)?, local_tcp_port int?, "
      "net_packet_size int?")
def _connections(session, database):
    for found in _own_sessions(session):
        encrypted = "FALSE" if "says_plain" in wrongs.NOW else getattr(found, "encrypted", "FALSE")
        scheme = "NTLM" if "says_ntlm" in wrongs.NOW else {"kerberos": "KERBEROS"}.get(found.login.method, "SQL")
        yield (found.id, moment(found.started), "TCP", "TSQL", 0x74000004, encrypted, scheme, "127.0.0.1", 1433, getattr(found, "packet_size", 4096))


@view("sys.dm_exec_requests", "session_id smallint, request_id int, status nvarchar(30), command nvarchar(32), database_id smallint, "
      "blocking_session_id smallint?, wait_type nvarchar(60)?, open_transaction_count int")
def _requests(session, database):
    for found in _own_sessions(session):
        waiting = session.engine.locks.waiting(found)
        if found is session or waiting:
            yield (found.id, 0, "suspended" if waiting else "running", "SELECT", session.engine.database_id(found.database), 0,
                   "LCK_M_S" if waiting else None, found.trancount)


@view("sys.dm_tran_locks", "resource_type nvarchar(60), resource_database_id int, resource_associated_entity_id bigint?, request_mode nvarchar(60), "
      "request_status nvarchar(60), request_session_id int")
def _locks(session, database):
    for resource, mode, status, owner in session.engine.locks.rows():
        kind = "OBJECT" if len(resource) > 1 else "DATABASE"
        yield kind, resource[0], resource[1] if len(resource) > 1 else 0, mode, status, owner.id


@view("sys.dm_tran_active_snapshot_database_transactions", "transaction_id bigint, session_id int, elapsed_time_seconds bigint?")
def _snapshots(session, database):
    for found in _own_sessions(session):
        if found._snapshot_at:
            yield found.id, found.id, 0


@view("sys.configurations", "configuration_id int, name nvarchar(35), value sql_variant?, value_in_use sql_variant?")
def _configurations(session, database):
    yield 1562, "clr enabled", (types.INT, 0), (types.INT, 0)


@view("sys.extended_properties", "class tinyint, class_desc nvarchar(60)?, major_id int, minor_id int, name sysname, value sql_variant?")
def _extended(session, database):
    return iter(())
