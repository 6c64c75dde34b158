"""What the engine says, as the tokens of one answer."""

import sys
import traceback

from . import repeated, tokens
from .columns import Style, carrier, metadata, row_encoder
from .model import Message, ResultSet, RowCount, SqlError
from .packets import Closed


class Cancelled(Exception):
    """The client has sent an attention."""


class HangUp(Exception):
    """A fault: the connection ends here."""

    def __init__(self, cut: bool):
        super().__init__()
        self.cut = cut


def rows_until(rows, fault, connection, flush):
    """`rows`, until the fault says otherwise."""
    count = 0
    for row in rows:
        if count == fault.after_rows:
            suffer(fault, connection, flush)
        yield row
        count += 1
    if count == fault.after_rows:
        suffer(fault, connection, flush)


def suffer(fault, connection, flush):
    if fault.action == "error":
        raise fault.error()
    if fault.action == "stall":
        flush()
        connection.service.faults.wait(fault, connection.interrupted)
        return
    raise HangUp(fault.action == "cut")


class Answer:
    """One message to the client. A statement's DONE waits until it is known whether more follows."""

    def __init__(self, connection, in_procedure: bool = False):
        self.connection, self.writer, self.in_procedure = connection, connection.writer, in_procedure
        self.failed = None
        self.spares_metadata = False  # the client asks for columns only where they have changed
        self._held = None
        self._server = connection.service.engine.server_name

    def write(self, data: bytes):
        self._release()
        self.writer.write(data)

    def hold(self, status: int = 0, count: int = -1, command: int = tokens.SELECT_COMMAND):
        self._release()
        self._held = (status, count, command)

    def _release(self):
        if self._held:
            status, count, command = self._held
            self._held = None
            token = tokens.DONE_IN_PROCEDURE if self.in_procedure else tokens.DONE
            self.writer.write(tokens.done(token, status | tokens.MORE, count, command))

    def error(self, failure: SqlError):
        self.failed = failure
        self.write(tokens.error(failure, self._server))

    def tell_changes(self):
        """Of database and transaction, which the client follows."""
        for token in self.connection.changes():
            self.write(token)

    def run(self, make_events, sql: str, parameters=()):
        """Carries out a statement; errors are in the answer and in `failed`. make_events() begins it."""
        fault = self.connection.service.faults.for_statement(sql)
        try:
            if fault and fault.after_rows is None:
                suffer(fault, self.connection, self.writer.flush)
            times = self.connection.service.repetitions.times(sql)
            if times > 1 and self._from_memory(self._key(sql, parameters)):
                return
            self.connection.procedures.cursors.read_all()
            self._recorded = []
            for event in make_events():
                self.tell_changes()
                if isinstance(event, Message):
                    self.write(tokens.information(event.number, event.text, self._server, event.severity, event.state))
                elif isinstance(event, SqlError):
                    self.error(event)
                    self.hold(status=tokens.ERROR)
                elif isinstance(event, RowCount):
                    self.hold(count=event.rows, command=tokens.UPDATE_COMMAND if event.rows >= 0 else 0)
                elif isinstance(event, ResultSet):
                    self._result(event, fault, sql, times)
                self._stop_if_cancelled()
            self.tell_changes()
            if self._recorded:
                self.connection.service.repetitions.record(self._key(sql, parameters), self._recorded)
        except (Closed, HangUp, Cancelled):
            raise
        except SqlError as failure:
            self._ended_by(failure)
        except Exception as failure:  # told to the client, or a test would only see a cut connection
            traceback.print_exc(file=sys.stderr)
            self._ended_by(SqlError(50000, f"The stand-in failed: {type(failure).__name__}: {failure}"))

    def _ended_by(self, failure: SqlError):
        self._stop_if_cancelled()
        self.error(failure)
        self.tell_changes()
        self.hold(status=tokens.ERROR)

    def _stop_if_cancelled(self):
        if self.connection.interrupted():
            raise Cancelled()

    def style(self) -> Style:
        return self.connection.style()

    def describe(self, columns, key) -> list:
        """Writes the columns, if they are not what the client knows of `key`, a statement's text or a cursor; their carriers."""
        style = self.style()
        carriers = [carrier(column, style) for column in columns]
        said, kept = metadata(columns, carriers), self.connection.procedures.told
        self.write(b"\x81\xff\xff" if self.spares_metadata and kept.get(key) == said else said)
        if self.in_procedure:
            kept[key] = said
        return carriers

    def _result(self, result: ResultSet, fault, sql, times):
        rows = result.rows if fault is None or fault.after_rows is None else rows_until(result.rows, fault, self.connection, self.writer.flush)
        if times > 1:
            # What counts rows has one row, and more in it; behind the rows of a batch stands their ROWCOUNT_BIG().
            multiplied = (tuple(value * times if isinstance(value, int) else value for value in row) for row in rows)
            if repeated.Repetitions.is_count(sql):
                rows = multiplied
            elif self._recorded:
                self._recording(result.columns, multiplied, sql, 1)
                return
            else:
                self._recording(result.columns, rows, sql, times)
                return
        self.hold(count=self.rows(rows, self.describe(result.columns, sql)))

    def rows(self, rows, carriers) -> int:
        """Writes rows as they come; their number."""
        encode, write, interrupted, count = row_encoder(carriers, self.style()), self.writer.write, self.connection.interrupted, 0
        self._release()
        for row in rows:
            if interrupted():
                raise Cancelled()
            write(encode(row))
            count += 1
        return count

    def _key(self, sql, parameters):
        return sql, tuple(repr(parameter.value) for parameter in parameters), self.style(), self.connection.session.database

    def _recording(self, columns, rows, sql, times):
        carriers = self.describe(columns, sql)
        encode, block, count = row_encoder(carriers, self.style()), bytearray(), 0
        for row in rows:
            self._stop_if_cancelled()
            block += encode(row)
            count += 1
            if len(block) > repeated.MOST_RECORDED:
                raise SqlError(50000, f"The stand-in repeats at most {repeated.MOST_RECORDED >> 20} MiB of rows.")
        self._recorded.append((metadata(columns, carriers), bytes(block), count, times))
        self._send(bytes(block), times)
        self.hold(count=count * times)

    def _from_memory(self, key) -> bool:
        kept = self.connection.service.repetitions.recorded(key)
        if kept is None:
            return False
        for head, block, count, times in kept:
            self.write(head)
            self._send(block, times)
            self.hold(count=count * times)
        return True

    def _send(self, block: bytes, times: int):
        at_once = max(1, (32 << 20) // max(1, len(block)))
        for first in range(0, times, at_once):
            self._stop_if_cancelled()
            repeated.send(self.writer, block, min(at_once, times - first))

    def finish(self):
        """Of a batch."""
        status, count, command = self._held or (0, -1, 0)
        self._held = None
        self.writer.write(tokens.done(tokens.DONE, status, count, command))
        self.writer.finish()

    def end_procedure(self, status: int, values: list, last: bool):
        """Return status, output values (bytes of RETURNVALUE), DONEPROC."""
        self.write(tokens.return_status(status) + b"".join(values))
        flags = (tokens.ERROR if self.failed else 0) | (0 if last else tokens.MORE)
        self.writer.write(tokens.done(tokens.DONE_PROCEDURE, flags, command=0xE0))

    def cancelled(self, running: bool):
        """The end that a client waits for after its attention. Microsoft's driver calls a statement cancelled only when that
        ended with an error first."""
        self._held = None
        if running:
            self.writer.write(tokens.done(tokens.DONE, tokens.ERROR | tokens.MORE, command=0))
        self.writer.write(tokens.done(tokens.DONE, tokens.ATTENTION_ACKNOWLEDGED, command=0))
        self.writer.finish()
