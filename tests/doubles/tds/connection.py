"""One client, from its first packet to its last."""

import queue
import socket
import struct
import threading
import time

from . import procedures, tokens, wrongs
from .answers import Answer, Cancelled, HangUp
from .arrival import come_in
from .columns import Style
from .model import SqlError
from .packets import ATTENTION, RESET_CONNECTION, RESET_KEEPING_TRANSACTION, RPC, SQL_BATCH, TRANSACTION, Closed, MessageWriter, Plain, read_message
from .parameters import Reader, protocol_error

_ISOLATION = {0: "", 1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE", 5: "SNAPSHOT"}
_BEGIN, _COMMIT, _ROLLBACK = 5, 7, 8


class Connection:
    """Two threads after the login: one carries out requests, the other reads them, so that an attention is seen at once."""

    def __init__(self, service, connected: socket.socket):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.service, self.socket = service, connected
        self.channel = Plain(connected)
        self.writer = MessageWriter(self.channel)
        self.session = self.login = None
        self.procedures = procedures.Procedures(self)
        self.utf8, self.database = False, ""  # what the client knows
        self._transaction, self._next_transaction = 0, 0
        self._requests = queue.Queue(maxsize=4)
        self._lock = threading.Lock()
        self.ended = threading.Event()
        self._attentions, self._answered, self._gone = 0, 0, False

    def serve(self):
        try:
            if come_in(self):
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
                self.service.connections.pop(self.session.id, None)
                self.session.close()
            self.ended.set()

    def hang_up(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def use_channel(self, channel):
        self.channel = self.writer.channel = channel

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
                              user=self.login.user, database=self.session.database, process=self.session.id)

    # what the client follows

    def style(self) -> Style:
        settings = self.service.settings
        return Style(self.session.collation, self.utf8, settings.chunk, settings.lengths_known, settings.bitmaps)

    def changes(self) -> list[bytes]:
        """Tokens for what changed since they were asked for."""
        out, server = [], self.service.engine.server_name
        if self.session.database != self.database:
            out.append(tokens.environment(tokens.DATABASE, self.session.database, self.database))
            out.append(tokens.information(5701, f"Changed database context to '{self.session.database}'.", server, state=2))
            self.database = self.session.database
        before = self._transaction
        if before and not self.session.trancount:
            out.append(tokens.environment_bytes(tokens.COMMIT, b"", struct.pack("<Q", before)))
            self._transaction = 0
        elif self.session.trancount and not before:
            self._transaction = self._next_transaction = self._next_transaction + 1
            out.append(tokens.environment_bytes(tokens.BEGIN, struct.pack("<Q", self._transaction), b""))
        return out
