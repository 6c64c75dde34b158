"""Calls of T-SQL's functions."""

from __future__ import annotations

from ..model import SqlError
from . import aggregates, functions_moments, functions_system, functions_texts, functions_values
from . import syntax as s
from .compile_expressions import ExpressionCompiler, unknown
from .expression import Ex, Scope

_FUNCTIONS = {**functions_values.FUNCTIONS, **functions_texts.FUNCTIONS, **functions_moments.FUNCTIONS, **functions_system.FUNCTIONS}


class FunctionCompiler(ExpressionCompiler):
    def system_variable(self, name: str) -> Ex:
        return functions_system.variable(self, name)

    def _call(self, node: s.Call, scope: Scope) -> Ex:
        name = node.name[-1].upper()
        if node.over is not None or name in aggregates.NAMES:
            return aggregates.call(self, node, scope)
        handler = _FUNCTIONS.get(name)
        if handler is None:
            if len(node.name) == 1 and name.isidentifier():
                raise unknown(f"the function {name}")
            raise SqlError(4121, f'Cannot find either column "{node.name[0]}" or the user-defined function or aggregate '
                                 f'"{".".join(node.name)}", or the name is ambiguous.', line=node.line)
        least, most, function = handler
        if not least <= len(node.arguments) <= most:
            if least == most:
                raise SqlError(174, f"The {name.lower()} function requires {least} argument(s).", 15, line=node.line)
            raise SqlError(189, f"The {name.lower()} function requires {least} to {most} arguments.", 15, line=node.line)
        return function(self, node, scope)

    def over(self, node: s.Over, scope: Scope) -> str:
        parts = []
        if node.partition:
            parts.append("PARTITION BY " + ", ".join(self.sortable(self.value(e, scope)) for e in node.partition))
        orders = [self.sortable(self.value(order.expression, scope)) + (" DESC" if order.descending else "")
                  for order in node.order if not isinstance(order.expression, s.Subquery)]
        if orders:
            parts.append("ORDER BY " + ", ".join(orders))
        if node.frame:
            parts.append(node.frame)
        return f"({' '.join(parts)})"
