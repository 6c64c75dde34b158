"""How a client comes in: PRELOGIN, TLS, LOGIN7, who it is, and what it is told then."""

import struct
import time

from . import collations, login7, logins, prelogin, tokens
from .answers import Answer, HangUp
from .model import SqlError
from .packets import LARGEST_ENCRYPTED_PACKET, LARGEST_PACKET, LOGIN7, PRELOGIN, SSPI, Plain, read_message
from .parameters import protocol_error
from .tls import Tls


def come_in(connection) -> bool:
    """Whether the client is in: `connection` has its channel, login and session then. It is told in either case."""
    service = connection.service
    kind, _, data = read_message(connection.channel)
    if kind != PRELOGIN:
        return False  # TDS 8 begins with TLS; older protocols with LOGIN7
    options = prelogin.parse(data)
    client = options.get(prelogin.ENCRYPTION, b"\2")[0]
    answer, login_encrypted, all_encrypted, refused = prelogin.agree(service.settings.encryption if service.tls else "unsupported", client)
    major, minor, build = service.engine.version
    said = {prelogin.VERSION: struct.pack(">BBHH", major, minor, build, 0), prelogin.ENCRYPTION: bytes([answer]), prelogin.INSTANCE: b"\0",
            prelogin.THREAD: b"", prelogin.MARS: b"\0"}
    if prelogin.FEDAUTH_REQUIRED in options:
        said[prelogin.FEDAUTH_REQUIRED] = options[prelogin.FEDAUTH_REQUIRED]
    connection.writer.write(prelogin.build(said))
    connection.writer.finish()
    if refused:
        return False
    plain = connection.channel
    if login_encrypted:
        connection.use_channel(Tls(plain, service.tls))
    kind, _, data = read_message(connection.channel)
    if not all_encrypted:
        connection.use_channel(plain)
    return kind == LOGIN7 and _log_in(connection, data, all_encrypted)


def _log_in(connection, data: bytes, encrypted: bool) -> bool:
    service, answer = connection.service, Answer(connection)
    facts = {"encrypted": encrypted, "user": "", "error": None}
    try:
        asked = login7.parse(data)
        facts.update(user=asked.user, application=asked.application, host=asked.host, database=asked.database, read_only_intent=asked.read_only_intent)
        time.sleep(service.settings.login_seconds)
        fault = service.faults.for_login(asked.user)
        if fault and fault.action == "hang_up":
            raise HangUp(cut=False)
        if fault:
            raise fault.error()
        connection.login = _identify(connection, asked)
        facts.update(user=connection.login.user, method=connection.login.method)
        connection.session = _open(connection)
        connection.session.hang_up = connection.hang_up
    except SqlError as failure:
        facts["error"] = failure.number
        service.remember_login(facts)
        answer.error(failure)
        answer.hold(status=tokens.ERROR)
        answer.finish()
        return False
    most = LARGEST_PACKET if isinstance(connection.channel, Plain) else LARGEST_ENCRYPTED_PACKET
    facts["packet_size"] = min(max(asked.packet_size or 4096, 512), service.settings.largest_packet, most)
    connection.session.packet_size, connection.session.encrypted = facts["packet_size"], "TRUE" if encrypted else "FALSE"
    facts["process"] = connection.writer.process_id = connection.session.id
    service.remember_login(facts)
    service.connections[connection.session.id] = connection
    _welcome(connection, answer, asked, facts["packet_size"])
    return True


def _identify(connection, asked):
    service, token = connection.service, asked.access_token()
    if token is not None:
        return logins.by_token(service, asked, token)
    if not asked.integrated:
        return logins.by_password(service, asked)
    if not service.keytab:
        raise logins.cannot_negotiate("the server has no keytab")
    negotiation, data = logins.Negotiation(service, asked), asked.sspi
    while True:
        reply, login = negotiation.step(data)
        if reply:  # a message of its own: Microsoft's driver reads nothing behind it
            connection.writer.write(tokens.sspi(reply))
            connection.writer.finish()
        if login:
            return login
        kind, _, data = read_message(connection.channel)
        if kind != SSPI:
            raise protocol_error("An SSPI message was expected.")


def _open(connection):
    engine = connection.service.engine
    try:
        return engine.open_session(connection.login)
    except SqlError as failure:
        if failure.number == 4060:  # two errors, as the server says it
            connection.writer.write(tokens.error(failure, engine.server_name))
            raise logins.failed(connection.login.user) from None
        raise


def _welcome(connection, answer, asked, packet_size: int):
    engine, session = connection.service.engine, connection.session
    connection.utf8 = login7.UTF8 in asked.features
    connection.database = session.database
    mark, _ = collations.parse(session.collation)
    answer.write(tokens.environment(tokens.DATABASE, session.database, "master")
                 + tokens.information(5701, f"Changed database context to '{session.database}'.", engine.server_name, state=2)
                 + tokens.environment_bytes(tokens.COLLATION, mark, b"")
                 + tokens.environment(tokens.LANGUAGE, "us_english", "")
                 + tokens.information(5703, "Changed language setting to us_english.", engine.server_name)
                 + tokens.login_acknowledged(engine.version)
                 + tokens.environment(tokens.PACKET_SIZE, str(packet_size), "4096"))
    features = {}
    if login7.FEDAUTH in asked.features:
        features[login7.FEDAUTH] = b""
    if connection.utf8:
        features[login7.UTF8] = b"\1"
    if features:
        answer.write(tokens.features_acknowledged(features))
    answer.finish()
    connection.writer.packet_size = packet_size
