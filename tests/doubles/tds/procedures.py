"""Remote procedure calls (MS-TDS 2.2.6.6): the procedures that drivers use to run and prepare statements."""

from dataclasses import replace

from . import cursors
from .answers import Cancelled, HangUp
from .model import Parameter, SqlError, SqlType
from .packets import Closed
from .parameters import Reader, declared, protocol_error, read_parameter, return_value

_NUMBERS = {1: "sp_cursor", 2: "sp_cursoropen", 3: "sp_cursorprepare", 4: "sp_cursorexecute", 5: "sp_cursorprepexec", 6: "sp_cursorunprepare",
            7: "sp_cursorfetch", 8: "sp_cursoroption", 9: "sp_cursorclose", 10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute",
            13: "sp_prepexec", 14: "sp_prepexecrpc", 15: "sp_unprepare"}
_NO_METADATA = 0x02


class Procedures:
    """Of one connection: its prepared statements and cursors."""

    def __init__(self, connection):
        self.connection = connection
        self._prepared = {}  # handle: (text, what is declared)
        self._next_handle = 1
        self.told = {}       # text or number of a cursor: the columns that the client was told last
        self.cursors = cursors.Cursors(connection, self)

    def forget(self):
        self._prepared.clear()
        self.told.clear()
        self.cursors.forget()

    def serve(self, reader: Reader, answer):
        while True:
            length = reader.unpack("H")
            name = _NUMBERS.get(reader.unpack("H"), "") if length == 0xFFFF else reader.take(length * 2).decode("utf-16-le")
            flags, parameters = reader.unpack("H"), []
            while reader.left and reader.data[reader.at] != 0xFF:
                parameters.append(read_parameter(reader))
            last = not reader.left
            if not last:
                reader.unpack("B")
                last = not reader.left
            answer.spares_metadata, answer.failed = bool(flags & _NO_METADATA), None
            self._call(name, parameters, answer, last)
            if last:
                answer.writer.finish()
                return

    def _call(self, name: str, parameters: list, answer, last: bool):
        plain = name.replace("[", "").replace("]", "").lower().rpartition(".")[2]
        if plain.startswith("sp_cursor") and plain in _NUMBERS.values():
            does = getattr(self.cursors, plain.removeprefix("sp_"))
        else:
            does = getattr(self, "_" + plain, None) if plain.startswith("sp_") else None
        outputs = []
        try:
            outputs = does(parameters, answer) if does else self._other(name, parameters, answer)
        except (Cancelled, Closed, HangUp):
            raise
        except SqlError as failure:
            answer.error(failure)
        status = 0 if answer.failed is None else answer.failed.number
        values = [return_value(ordinal, output, answer.style()) for ordinal, output in outputs]
        answer.end_procedure(status, values, last)

    # statements

    def run(self, kind: str, sql: str, arguments: list, answer):
        """Carries out `sql`; the output values among its arguments."""
        self.connection.remember(kind, sql, arguments)
        answer.run(lambda: self.connection.session.execute(sql, arguments), sql, arguments)

    @staticmethod
    def arguments(definitions: list, given: list) -> list[Parameter]:
        """What was given, under the names that were declared."""
        out = []
        for position, (name, type_, output) in enumerate(definitions):
            named = next((one for one in given if one.name.lower() == name.lower()), None)
            one = named or (given[position] if position < len(given) and not given[position].name else None)
            if one is None:
                raise SqlError(8178, f"The parameterized query expects the parameter '{name}', which was not supplied.")
            out.append(Parameter(name, type_ if one.value is None else one.type, one.value, output=output and one.output))
        return out

    @staticmethod
    def _text(parameters: list, position: int, what: str) -> str:
        if position >= len(parameters) or not isinstance(parameters[position].value, str):
            raise SqlError(214, f"Procedure expects parameter '{what}' of type 'ntext/nchar/nvarchar'.")
        return parameters[position].value

    def _sp_executesql(self, parameters, answer):
        sql = self._text(parameters, 0, "@statement")
        definitions = declared(parameters[1].value or "") if len(parameters) > 1 else []
        arguments = self.arguments(definitions, parameters[2:])
        self.run("sp_executesql", sql, arguments, answer)
        return self._outputs(arguments, 2)

    @staticmethod
    def _outputs(arguments, first: int) -> list:
        return [(first + i, one) for i, one in enumerate(arguments) if one.output]

    def _keep(self, sql: str, definitions: list) -> int:
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        self._prepared[handle] = (sql, definitions)
        return handle

    def prepared(self, parameters):
        handle = parameters[0].value if parameters else None
        if handle not in self._prepared:
            raise SqlError(8179, f"Could not find prepared statement with handle {handle}.")
        return self._prepared[handle]

    def keep(self, parameters):
        """Of sp_…prepare: handle, declarations, statement. (output of the handle, text, what is declared)"""
        definitions = declared(parameters[1].value or "")
        sql = self._text(parameters, 2, "@stmt")
        handle = replace(parameters[0], type=SqlType("int"), value=self._keep(sql, definitions), output=True)
        return handle, sql, definitions

    def _sp_prepexec(self, parameters, answer):
        handle, sql, definitions = self.keep(parameters)
        arguments = self.arguments(definitions, parameters[3:])
        self.run("sp_prepexec", sql, arguments, answer)
        return [(0, handle), *self._outputs(arguments, 3)]

    def _sp_prepare(self, parameters, answer):
        handle, sql, definitions = self.keep(parameters)
        self.connection.remember("sp_prepare", sql)
        try:
            columns = self.connection.session.describe(sql, [Parameter(name, type_, None) for name, type_, _ in definitions])
        except SqlError:
            self._prepared.pop(handle.value)
            raise
        if columns and len(parameters) > 3 and parameters[3].value == 1:
            answer.describe(columns, sql)
            answer.hold()
        return [(0, handle)]

    def _sp_execute(self, parameters, answer):
        sql, definitions = self.prepared(parameters)
        arguments = self.arguments(definitions, parameters[1:])
        self.run("sp_execute", sql, arguments, answer)
        return self._outputs(arguments, 1)

    def _sp_unprepare(self, parameters, answer):
        self.prepared(parameters)
        del self._prepared[parameters[0].value]
        return []

    def _sp_prepexecrpc(self, parameters, answer):
        raise protocol_error("sp_prepexecrpc is not understood.")

    # others

    def _sp_reset_connection(self, parameters, answer):
        self.connection.reset(answer)
        return []

    def _other(self, name, parameters, answer):
        """A procedure of the engine."""
        given = [f"{one.name} = {one.name}{' OUTPUT' if one.output else ''}" if one.name else f"@wire{i}{' OUTPUT' if one.output else ''}"
                 for i, one in enumerate(parameters)]
        arguments = [one if one.name else replace(one, name=f"@wire{i}") for i, one in enumerate(parameters)]
        self.run("rpc", f"EXEC {name} {', '.join(given)}".rstrip(), arguments, answer)
        return self._outputs(arguments, 0)
