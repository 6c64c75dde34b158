"""One client, from its first packet to its last."""

import queue
import socket
import struct
import threading
import time

from . import collations, login7, logins, prelogin, procedures, tokens, wrongs
from .answers import Answer, Cancelled, HangUp
from .columns import Style
from .model import SqlError
from .packets import (ATTENTION, LARGEST_ENCRYPTED_PACKET, LARGEST_PACKET, LOGIN7, PRELOGIN, RESET_CONNECTION, RESET_KEEPING_TRANSACTION, RPC, SQL_BATCH, SSPI,
                      TRANSACTION, Closed, MessageWriter, Plain, read_message)
from .parameters import Reader, protocol_error
from .tls import Tls

_ISOLATION = {0: "", 1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE", 5: "SNAPSHOT"}
_BEGIN, _COMMIT, _ROLLBACK, _SAVE = 5, 7, 8, 9


class Connection:
    """Two threads after the login: one carries out requests, the other reads them, so that an attention is seen at once."""

    def __init__(self, service, connected: socket.socket):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.service, self.socket = service, connected
        self.channel = self.plain = Plain(connected)
        self.process_id = service.new_process_id()
        self.writer = MessageWriter(self.channel, 4096, self.process_id)
        self.session = self.login = None
        self.procedures = procedures.Procedures(self)
        self._utf8 = False
        self._database, self._transaction, self._next_transaction = "", 0, self.process_id << 32
        self._requests = queue.Queue(maxsize=4)
        self._lock = threading.Lock()
        self.ended = threading.Event()
        self._attentions, self._answered, self._gone = 0, 0, False

    def serve(self):
        try:
            self._come_in()
            if self.session:
                threading.Thread(target=self._read_requests, daemon=True).start()
                self._serve_requests()
        except Closed:
            pass
        except HangUp as fault:
            if fault.cut:
                self.writer.finish_cut()
            else:
                self.writer.flush()
        finally:
            self.hang_up()
            if self.session:
                self.session.close()
            self.service.connections.pop(self.process_id, None)
            self.ended.set()

    def hang_up(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    # login

    def _come_in(self):
        kind, _, data = read_message(self.channel)
        if kind != PRELOGIN:
            return  # TDS 8 begins with TLS; older protocols with LOGIN7
        options = prelogin.parse(data)
        settings = self.service.settings
        client = options.get(prelogin.ENCRYPTION, b"\2")[0]
        answer, login_encrypted, all_encrypted, refused = prelogin.agree(settings.encryption if self.service.tls else "unsupported", client)
        major, minor, build = self.service.engine.version
        said = {prelogin.VERSION: struct.pack(">BBHH", major, minor, build, 0), prelogin.ENCRYPTION: bytes([answer]), prelogin.INSTANCE: b"\0",
                prelogin.THREAD: b"", prelogin.MARS: b"\0"}
        if prelogin.FEDAUTH_REQUIRED in options:
            said[prelogin.FEDAUTH_REQUIRED] = options[prelogin.FEDAUTH_REQUIRED]
        self.writer.write(prelogin.build(said))
        self.writer.finish()
        if refused:
            return
        if login_encrypted:
            self.channel = self.writer.channel = Tls(self.plain, self.service.tls)
        kind, _, data = read_message(self.channel)
        if kind != LOGIN7:
            return
        asked = login7.parse(data)
        if not all_encrypted:
            self.channel = self.writer.channel = self.plain
        self._log_in(asked, encrypted=all_encrypted)

    def _log_in(self, asked, encrypted: bool):
        answer = Answer(self)
        facts = {"user": asked.user, "encrypted": encrypted, "application": asked.application, "host": asked.host, "database": asked.database,
                 "packet_size": asked.packet_size, "read_only_intent": asked.read_only_intent, "process": self.process_id, "error": None}
        try:
            if self.service.settings.login_seconds:
                time.sleep(self.service.settings.login_seconds)
            fault = self.service.faults.for_login(asked.user)
            if fault:
                if fault.action == "hang_up":
                    raise HangUp(cut=False)
                raise fault.error()
            self.login = self._identify(asked)
            facts.update(user=self.login.user, method=self.login.method)
            self.session = self._open(asked)
        except SqlError as failure:
            facts["error"] = failure.number
            answer.error(failure)
            answer.hold(status=tokens.ERROR)
            answer.finish()
        else:
            with self.service.lock:
                self.service.connections[self.process_id] = self
            facts["packet_size"] = self.session.packet_size = self._welcome(answer, asked)
            self.session.encrypted = "TRUE" if encrypted else "FALSE"
        finally:
            with self.service.lock:
                self.service.logins.append(facts)

    def _identify(self, asked):
        token = asked.access_token()
        if token is not None:
            return logins.by_token(self.service, asked, token)
        if not asked.integrated:
            return logins.by_password(self.service, asked)
        if not self.service.keytab:
            raise logins.cannot_negotiate("the server has no keytab")
        negotiation, data = logins.Negotiation(self.service, asked), asked.sspi
        while True:
            reply, login = negotiation.step(data)
            if reply:  # a message of its own: Microsoft's driver reads nothing behind it
                self.writer.write(tokens.sspi(reply))
                self.writer.finish()
            if login:
                return login
            kind, _, data = read_message(self.channel)
            if kind != SSPI:
                raise protocol_error("An SSPI message was expected.")

    def _open(self, asked):
        try:
            return self.service.engine.open_session(self.login)
        except SqlError as failure:
            if failure.number == 4060:  # two errors, as the server says it
                self.writer.write(tokens.error(failure, self.service.engine.server_name))
                raise logins.failed(self.login.user) from None
            raise

    def _welcome(self, answer, asked) -> int:
        """The size of packets that was agreed on."""
        most = LARGEST_PACKET if self.channel is self.plain else LARGEST_ENCRYPTED_PACKET
        size = min(max(asked.packet_size or 4096, 512), self.service.settings.largest_packet, most)
        self._utf8 = login7.UTF8 in asked.features
        self._database, server = self.session.database, self.service.engine.server_name
        mark, _ = collations.parse(self._collation())
        answer.write(tokens.environment(tokens.DATABASE, self._database, "master")
                     + tokens.information(5701, f"Changed database context to '{self._database}'.", server, state=2)
                     + tokens.environment_bytes(tokens.COLLATION, mark, b"")
                     + tokens.environment(tokens.LANGUAGE, "us_english", "")
                     + tokens.information(5703, "Changed language setting to us_english.", server)
                     + tokens.login_acknowledged(self.service.engine.version)
                     + tokens.environment(tokens.PACKET_SIZE, str(size), "4096"))
        features = {}
        if login7.FEDAUTH in asked.features:
            features[login7.FEDAUTH] = b""
        if self._utf8:
            features[login7.UTF8] = b"\1"
        if features:
            answer.write(tokens.features_acknowledged(features))
        answer.finish()
        self.writer.packet_size = size
        return size

    # requests

    def _read_requests(self):
        try:
            while True:
                kind, status, data = read_message(self.channel)
                if kind == ATTENTION:
                    if "attention_late" in wrongs.NOW:
                        time.sleep(2)
                    with self._lock:
                        self._attentions += 1
                    self.session.cancel()
                self._requests.put((kind, status, data))
        except Closed:
            with self._lock:
                self._gone = True
            self.session.cancel()
            self._requests.put(None)

    def interrupted(self) -> bool:
        return self._attentions > self._answered or self._gone

    def _serve_requests(self):
        while request := self._requests.get():
            kind, status, data = request
            if kind == ATTENTION:
                with self._lock:
                    late = self._attentions > self._answered
                    self._answered = self._attentions
                if late:
                    Answer(self).cancelled(running=False)
                continue
            answer = Answer(self)
            try:
                self._serve(kind, status, data, answer)
            except Cancelled:
                if self._gone:
                    return
                with self._lock:
                    self._answered = self._attentions
                answer.cancelled(running=True)
            if answer.failed and answer.failed.fatal:
                return

    def _serve(self, kind, status, data, answer):
        if status & (RESET_CONNECTION | RESET_KEEPING_TRANSACTION):
            self.reset(answer)
        reader = Reader(data)
        try:
            if kind == SQL_BATCH:
                reader.take(reader.unpack("I") - 4)
                sql = reader.take(reader.left).decode("utf-16-le", "surrogatepass")
                self.remember("batch", sql)
                answer.run(lambda: self.session.execute(sql, []), sql)
                answer.finish()
            elif kind == RPC:
                reader.take(reader.unpack("I") - 4)
                answer.in_procedure = True
                self.procedures.serve(reader, answer)
            elif kind == TRANSACTION:
                reader.take(reader.unpack("I") - 4)
                self._transaction_request(reader, answer)
                answer.finish()
            else:
                raise protocol_error(f"Requests of type {kind} are not understood.")
        except SqlError as failure:
            answer.in_procedure = False
            answer.error(failure)
            answer.hold(status=tokens.ERROR)
            answer.finish()

    def _transaction_request(self, reader, answer):
        what = reader.unpack("H")
        try:
            if what == _BEGIN:
                isolation = _ISOLATION[reader.unpack("B")]
                self.remember("begin", isolation)
                self.session.begin(isolation)
            elif what in (_COMMIT, _ROLLBACK):
                reader.take(reader.unpack("B"))
                again = reader.unpack("B") & 1
                self.remember("commit" if what == _COMMIT else "rollback", "")
                fault = self.service.faults.for_statement("COMMIT" if what == _COMMIT else "ROLLBACK")
                if fault and fault.action != "error":
                    raise HangUp(cut=fault.action == "cut")
                if fault:
                    raise fault.error()
                if what == _COMMIT:
                    self.session.commit()
                else:
                    self.session.rollback()
                answer.tell_changes()
                if again:
                    self.session.begin(_ISOLATION[reader.unpack("B")])
            else:
                raise SqlError(3989, "This transaction request is not supported by the stand-in.")
        finally:
            answer.tell_changes()

    def reset(self, answer):
        self.session.reset()
        self.procedures.forget()
        answer.write(tokens.environment_bytes(tokens.RESET_ACKNOWLEDGED, b"", b""))
        answer.tell_changes()

    def remember(self, kind: str, sql: str, parameters=()):
        self.service.remember(kind=kind, sql=sql, parameters=[[parameter.name, parameter.type.name, repr(parameter.value)] for parameter in parameters],
                              user=self.login.user, database=self.session.database, process=self.process_id)

    # what the client follows

    def _collation(self) -> str:
        return getattr(self.session, "collation", None) or collations.DEFAULT

    def style(self) -> Style:
        settings = self.service.settings
        return Style(self._collation(), self._utf8, settings.chunk, settings.lengths_known, settings.bitmaps)

    def changes(self) -> list[bytes]:
        """Tokens for what changed since they were asked for."""
        out, server = [], self.service.engine.server_name
        if self.session.database != self._database:
            out.append(tokens.environment(tokens.DATABASE, self.session.database, self._database))
            out.append(tokens.information(5701, f"Changed database context to '{self.session.database}'.", server, state=2))
            self._database = self.session.database
        before = self._transaction
        if before and not self.session.trancount:
            out.append(tokens.environment_bytes(tokens.COMMIT, b"", struct.pack("<Q", before)))
            self._transaction = 0
        elif self.session.trancount and not before:
            self._transaction = self._next_transaction = self._next_transaction + 1
            out.append(tokens.environment_bytes(tokens.BEGIN, struct.pack("<Q", self._transaction), b""))
        return out
