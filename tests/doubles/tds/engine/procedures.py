"""EXECUTE: the system procedures that clients call, and texts."""

from __future__ import annotations

from collections.abc import Iterator

from .. import wrongs
from ..model import Column, Parameter, ResultSet, RowCount, SqlError, SqlType
from . import types
from . import syntax as s
from .compile_expressions import unknown
from .type_information import type_information
from .types import BIT, INT, SYSNAME

_DESCRIBED = (
    ("is_hidden", BIT, False), ("column_ordinal", INT, False), ("name", SYSNAME, True), ("is_nullable", BIT, False),
    ("system_type_id", INT, False), ("system_type_name", SqlType("nvarchar", 256), True), ("max_length", SqlType("smallint"), False),
    ("precision", SqlType("tinyint"), False), ("scale", SqlType("tinyint"), False), ("collation_name", SYSNAME, True),
    ("user_type_id", INT, True), ("user_type_database", SYSNAME, True), ("user_type_schema", SYSNAME, True), ("user_type_name", SYSNAME, True),
    ("assembly_qualified_type_name", SqlType("nvarchar", 4000), True), ("xml_collection_id", INT, True),
    ("xml_collection_database", SYSNAME, True), ("xml_collection_schema", SYSNAME, True), ("xml_collection_name", SYSNAME, True),
    ("is_xml_document", BIT, False), ("is_case_sensitive", BIT, False), ("is_fixed_length_clr_type", BIT, False), ("source_server", SYSNAME, True),
    ("source_database", SYSNAME, True), ("source_schema", SYSNAME, True), ("source_table", SYSNAME, True), ("source_column", SYSNAME, True),
    ("is_identity_column", BIT, True), ("is_part_of_unique_key", BIT, True), ("is_updateable", BIT, True), ("is_computed_column", BIT, True),
    ("is_sparse_column_set", BIT, True), ("ordinal_in_order_by_list", SqlType("smallint"), True), ("order_by_list_length", SqlType("smallint"), True),
    ("order_by_is_descending", SqlType("smallint"), True), ("tds_type_id", INT, False), ("tds_length", INT, False), ("tds_collation_id", INT, True),
    ("tds_collation_sort_id", SqlType("tinyint"), True),
)


class Procedures:
    def execute_procedure(self, node: s.Execute) -> Iterator:
        if node.procedure is None:
            text = self.evaluate(node.text, SqlType("nvarchar", -1))[1]
            yield from self._inner(text, {})
            return
        name = node.procedure[-1].lower()
        method = {
            "sp_executesql": self._sp_executesql, "sp_describe_first_result_set": self._sp_describe, "kill": self._kill,
            "sp_datatype_info": self._sp_datatype_info, "sp_datatype_info_90": self._sp_datatype_info, "sp_datatype_info_100": self._sp_datatype_info,
            "sp_set_session_context": self._sp_nothing, "sp_reset_connection": self._sp_reset,
        }.get(name)
        if method is None:
            raise SqlError(2812, f"Could not find stored procedure '{'.'.join(node.procedure)}'.") if not name.startswith("sp_") else unknown(
                f"the procedure {name}")
        yield from method(node)
        if node.returns:
            self.variables[node.returns.lower()] = (INT, 0)

    def _argument(self, node: s.Execute, name: str, at: int, type_: SqlType) -> object:
        for index, (given, expression, _) in enumerate(node.arguments):
            if (given or "").lower() == name or (given is None and index == at):
                return self.evaluate(expression, type_)[1]
        return None

    def _inner(self, text: str, variables: dict) -> Iterator:
        kept, self.variables = self.variables, variables
        try:
            yield from self._run(self._parsed(text))
        finally:
            self.variables = kept

    def _sp_executesql(self, node: s.Execute) -> Iterator:
        text = self._argument(node, "@stmt", 0, SqlType("nvarchar", -1))
        declared = self._argument(node, "@params", 1, SqlType("nvarchar", -1)) or ""
        variables, outputs = {}, []
        if declared.strip():
            declaration = self._parsed("DECLARE " + _without_output(declared))[0]
            rest = node.arguments[2:]
            for at, (name, type_name, _) in enumerate(declaration.variables):
                type_, _ = self.resolve_type(type_name, 1)
                found = next((argument for argument in rest if (argument[0] or "").lower() == name.lower()), None)
                if found is None and at < len(rest) and rest[at][0] is None:
                    found = rest[at]
                if found is None:
                    raise SqlError(8178, f"The parameterized query '{declared}' expects the parameter '{name}', which was not supplied.")
                variables[name.lower()] = (type_, self.evaluate(found[1], type_)[1])
                if found[2] and isinstance(found[1], s.Variable):
                    outputs.append((name.lower(), found[1].name.lower()))
        kept, self.variables = self.variables, variables
        try:
            yield from self._run(self._parsed(text))
        finally:
            inner, self.variables = self.variables, kept
            for name, target in outputs:
                if target in self.variables:
                    self.variables[target] = (self.variables[target][0], inner[name][1])

    def describe_first_result_set(self, sql: str, parameters: list[Parameter]) -> ResultSet:
        """What sp_describe_first_result_set answers. Values of `parameters` do not count."""
        compiled = self.described(sql, parameters)
        written = (lambda type_: type_.name) if "described_short" in wrongs.NOW else types.written
        rows = []
        for at, (name, ex) in enumerate(zip(compiled.names, compiled.columns) if compiled else (), 1):
            length, precision, scale = types.sizes(ex.type)
            text = types.family(ex.type) == "text"
            collation = (ex.type.collation or self.collation) if text else None
            column = ex.column
            ids = types.IDS[ex.type.name]
            clr = ex.type.name in ("hierarchyid", "geometry", "geography")
            rows.append((False, at, name or None, ex.nullable, ids[0], written(ex.type), length, precision, scale, collation,
                         ids[1] if clr else None, self.database if clr else None, "sys" if clr else None, ex.type.name if clr else None,
                         f"Microsoft.SqlServer.Types.Sql{ex.type.name.title()}, Microsoft.SqlServer.Types" if clr else None,
                         None, None, None, None, False, bool(collation and "_CS" in collation.upper()), False, None, None, None, None, None,
                         bool(column and column.identity), None, bool(column and not column.computed and not column.identity),
                         bool(column and column.computed), False, None, None, None, 0, length, None, None))
        return ResultSet([Column(*described) for described in _DESCRIBED], iter(rows))

    def _sp_describe(self, node: s.Execute) -> Iterator:
        text = self._argument(node, "@tsql", 0, SqlType("nvarchar", -1))
        declared = self._argument(node, "@params", 1, SqlType("nvarchar", -1)) or ""
        parameters = []
        if declared.strip():
            for name, type_name, _ in self._parsed("DECLARE " + _without_output(declared))[0].variables:
                parameters.append(Parameter(name, self.resolve_type(type_name, 1)[0], None))
        yield self.describe_first_result_set(text, parameters)

    def _kill(self, node: s.Execute) -> Iterator:
        wanted = self.evaluate(node.arguments[0][1], INT)[1]
        other = self.engine.sessions.get(wanted)
        if other is None:
            raise SqlError(6106, f"Process ID {wanted} is not an active process ID.")
        other.cancel()
        other.hang_up()
        yield RowCount(-1)

    def _sp_datatype_info(self, node: s.Execute) -> Iterator:
        yield type_information(self._argument(node, "@data_type", 0, INT) or 0)

    def _sp_nothing(self, node: s.Execute) -> Iterator:
        yield RowCount(-1)

    def _sp_reset(self, node: s.Execute) -> Iterator:
        self.reset()
        yield RowCount(-1)


def _without_output(declared: str) -> str:
    import re
    return re.sub(r"\b(?:OUTPUT|OUT|READONLY)\b", "", declared, flags=re.I)

