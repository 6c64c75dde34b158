"""Expressions of T-SQL as expressions of SQLite over stored values, each with its exact type."""

from __future__ import annotations

from dataclasses import replace

from ..model import SqlError, SqlType
from . import arithmetic, collations, conversion_errors, conversions, storage, types
from . import syntax as s
from .expression import ABSENT, DEFAULT, EXPLICIT, IMPLICIT, Ex, Scope, literal
from .types import INT, family


def unknown(what: str) -> SqlError:
    return SqlError(40001, f"the stand-in does not know {what}")


class ExpressionCompiler:
    """`session`: variables, options, current database. `runtime`: the functions and collations of its connection to SQLite."""

    def __init__(self, session, runtime):
        self.session = session
        self.runtime = runtime
        self.parameters: dict[str, object] = {}
        self._handlers = {
            s.Literal: self._literal, s.Name: self._name, s.Variable: self._variable, s.Unary: self._unary, s.Binary: self._binary,
            s.Case: self._case, s.Cast: self._cast, s.Call: self._call, s.Subquery: self._subquery, s.Collate: self._collate,
            s.Method: self._method, s.StaticMethod: self._static_method,
        }

    @property
    def collation(self) -> str:
        return self.session.collation

    def bind(self, value) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return ":" + name

    def constant(self, stored, type_: SqlType, label: int = DEFAULT) -> Ex:
        sql = literal(stored)
        exact = stored if isinstance(stored, int) and family(type_) == "int" else None
        return Ex(sql if sql is not None else self.bind(stored), type_, stored is None, stored, exact, exact, label)

    def null(self) -> Ex:
        found = self.constant(None, INT)
        found.is_null = True
        return found

    # ---- values

    def value(self, node, scope: Scope) -> Ex:
        handler = self._handlers.get(type(node))
        if handler is None:
            raise SqlError(102, "Incorrect syntax near ','.", 15) if isinstance(node, s.Star) else unknown(type(node).__name__)
        if scope.groups is not None and not scope.in_aggregate and not isinstance(node, s.Literal):
            groups, scope.groups = scope.groups, None
            aggregates = scope.has_aggregates
            try:
                found = handler(node, scope)
                if found.sql in groups:
                    return found
            except SqlError:
                pass
            finally:
                scope.groups, scope.has_aggregates = groups, aggregates
        return handler(node, scope)

    def _literal(self, node: s.Literal, scope) -> Ex:
        kind, text = node.kind, node.text
        if kind == "null":
            return self.null()
        if kind == "int" and int(text) <= 2**31 - 1:
            return self.constant(int(text), INT)
        if kind in ("int", "decimal"):
            whole, _, fraction = text.partition(".")
            whole = whole.lstrip("0")
            precision = max(len(whole) + len(fraction), 1)
            if precision > 38:
                raise SqlError(1007, f"The number '{text}' is out of the range for numeric representation (maximum precision 38).", 15)
            type_ = SqlType("numeric", precision=precision, scale=len(fraction))
            return self.constant(storage.encode(type_, storage.EXACT.create_decimal(text)), type_)
        if kind == "float":
            return self.constant(float(text), types.FLOAT)
        if kind == "money":
            type_ = SqlType("money")
            return self.constant(storage.encode(type_, storage.EXACT.create_decimal(text[1:] or "0")), type_)
        if kind == "nstring":
            length = conversions.utf16_length(text)
            return self.constant(text, SqlType("nvarchar", max(length, 1) if length <= 4000 else -1))
        if kind == "string":
            if not text.isascii():
                text = conversions.encoded(text, self.collation).decode(collations.code_page(self.collation))
            length = len(text) if text.isascii() else len(conversions.encoded(text, self.collation))
            return self.constant(text, SqlType("varchar", max(length, 1) if length <= 8000 else -1))
        if kind == "binary":
            digits = text[2:]
            raw = bytes.fromhex("0" * (len(digits) % 2) + digits)
            return self.constant(raw, SqlType("varbinary", max(len(raw), 1) if len(raw) <= 8000 else -1))
        raise SqlError(156, "Incorrect syntax near the keyword 'DEFAULT'.", 15)

    def _variable(self, node: s.Variable, scope) -> Ex:
        if node.name.startswith("@@"):
            return self.system_variable(node.name)
        found = self.session.variables.get(node.name.lower())
        if found is None:
            raise SqlError(137, f'Must declare the scalar variable "{node.name}".', 15)
        type_, stored = found
        return self.constant(stored, type_)

    def system_variable(self, name: str) -> Ex:
        raise NotImplementedError

    def _name(self, node: s.Name, scope: Scope) -> Ex:
        column, depth = self.lookup(node, scope)
        if scope.groups is not None and not scope.in_aggregate and depth == 0:
            raise SqlError(8120, f"Column '{'.'.join(node.parts)}' is invalid in the select list because it is not contained in either an "
                                 "aggregate function or the GROUP BY clause.", line=node.line)
        if column.expression is not None:
            found = column.expression()
            return replace(found, column=column, constant=ABSENT)
        return Ex(column.sql, column.type, column.nullable, ABSENT, column.low, column.high, column.label, column)

    def lookup(self, node: s.Name, scope: Scope):
        *qualifier, name = node.parts
        wanted, depth, at = name.casefold(), 0, scope
        if len(node.parts) == 1 and wanted in ("$rowguid", "$identity"):
            raise unknown(name)
        while at is not None:
            found = [column for source in at.sources if _matches(source, qualifier) for column in source.columns
                     if column.name.casefold() == wanted]
            if len(found) > 1:
                raise SqlError(209, f"Ambiguous column name '{name}'.", line=node.line)
            if found:
                return found[0], depth
            at, depth = at.parent, depth + 1
        if qualifier:
            raise SqlError(4104, f"The multi-part identifier \"{'.'.join(node.parts)}\" could not be bound.", line=node.line)
        raise SqlError(207, f"Invalid column name '{name}'.", line=node.line)

    def _unary(self, node: s.Unary, scope) -> Ex:
        operand = self.value(node.operand, scope)
        if node.op == "+":
            return operand
        if operand.is_null:
            return operand
        return arithmetic.negated(self, operand) if node.op == "-" else arithmetic.complement(self, operand)

    def _binary(self, node: s.Binary, scope) -> Ex:
        return arithmetic.binary(self, node.op, self.value(node.left, scope), self.value(node.right, scope))

    def _collate(self, node: s.Collate, scope) -> Ex:
        operand = self.value(node.operand, scope)
        if family(operand.type) != "text":
            raise SqlError(447, f"Expression type {operand.type.name} is invalid for COLLATE clause.")
        return replace(operand, type=types.with_collation(operand.type, collations.check(node.collation)), label=EXPLICIT, column=None)

    def _case(self, node: s.Case, scope) -> Ex:
        whens = []
        for when, then in node.whens:
            condition = (self.condition(when, scope) if node.operand is None else
                         self.condition(s.Compare("=", node.operand, when), scope))
            whens.append((condition, self.value(then, scope)))
        otherwise = self.value(node.otherwise, scope) if node.otherwise is not None else self.null()
        results = [then for _, then in whens] + [otherwise]
        type_, label = self.unified(results)
        parts = [f"WHEN {condition} THEN {self.convert(then, type_).sql}" for condition, then in whens]
        return Ex(f"CASE {' '.join(parts)} ELSE {self.convert(otherwise, type_).sql} END", type_,
                  any(result.nullable for result in results), label=label)

    def unified(self, results: list[Ex]) -> tuple[SqlType, int]:
        """The common type of several results, NULLs without a type left out."""
        typed = [result for result in results if not result.is_null]
        if not typed:
            return INT, DEFAULT
        found = typed[0].type
        for other in typed[1:]:
            found = types.common(found, other.type)
        label = DEFAULT
        if family(found) == "text":
            collation, label = self.common_collation([result for result in typed if family(result.type) == "text"])
            found = types.with_collation(found, collation)
        return found, label

    def common_collation(self, texts: list[Ex]) -> tuple[str | None, int]:
        label = max((text.label for text in texts), default=DEFAULT)
        names = {(text.type.collation or self.collation).lower(): text.type.collation for text in texts if text.label == label}
        if len(names) > 1 and label != DEFAULT:
            a, b = sorted(name or self.collation for name in names.values())[:2]
            raise SqlError(468, f'Cannot resolve the collation conflict between "{a}" and "{b}" in the operation.')
        return next(iter(names.values()), None), label

    # ---- conversions

    def convert(self, ex: Ex, target: SqlType, style: int = 0, implicit: bool = True, lenient: bool = False,
                assigned_to: tuple[str, str] | None = None) -> Ex:
        if ex.is_null or ex.constant is None:
            return Ex("NULL", target, True, None)
        collation = target.collation or (ex.type.collation if family(ex.type) == "text" else None) or self.collation
        wanted = target
        if family(target) == "text" and family(ex.type) == "text" and target.collation is None and ex.type.collation:
            wanted = types.with_collation(target, ex.type.collation)
        if conversions.is_same(ex.type, target, collation) or (ex.type.name == target.name == "bit"):
            return replace(ex, type=wanted)
        if family(ex.type) == family(target) == "int" and ex.low is not None and ex.high is not None:
            low, high = types.INT_RANGES[target.name]
            if low <= ex.low and ex.high <= high and target.name != "bit":
                return replace(ex, type=target)
        if not conversions.allowed(ex.type, target, implicit):
            raise conversion_errors.refuse(ex.type, target, implicit)
        function = conversions.converter(ex.type, target, collation, style, self.session.settings, assigned_to)
        if lenient:
            function = _lenient(function)
        if ex.constant is not ABSENT:
            try:
                return self.constant(function(ex.constant), wanted, ex.label)
            except SqlError:
                pass
        native = _native(ex, target)
        if native is not None:
            return Ex(native, wanted, ex.nullable, label=ex.label)
        key = ("convert", ex.type, target, collation, style, lenient, assigned_to, self.session.settings.get("DATEFORMAT"))
        name = self.runtime.function(key, 1, function)
        return Ex(f"{name}({ex.sql})", wanted, ex.nullable or lenient, label=ex.label)

    def _cast(self, node: s.Cast, scope) -> Ex:
        operand = self.value(node.operand, scope)
        target, _ = self.session.resolve_type(node.type, 30)
        style = 0
        if node.style is not None:
            found = self.value(node.style, scope)
            if found.constant is None:
                return self.convert(self.null(), target)
            if not isinstance(found.constant, int):
                raise unknown("a style that is not a constant")
            style = found.constant
        if family(operand.type) == "moment" and style >= 200:
            raise SqlError(281, f"{style} is not a valid style number when converting from {operand.type.name} to a character string.")
        return replace(self.convert(operand, target, style, False, node.lenient), column=None)

    def text(self, ex: Ex, unicode: bool | None = None) -> Ex:
        """As a text, for functions of texts."""
        if ex.is_null:
            return Ex("NULL", SqlType("varchar", 1), True, None)
        if family(ex.type) == "text":
            return ex
        if family(ex.type) in ("xml", "json"):
            return replace(ex, type=SqlType("nvarchar", -1))
        return self.convert(ex, SqlType("varchar", types.text_length(ex.type) if types.text_length(ex.type) else -1), 0, False)

    def integer(self, node, scope, type_: SqlType = INT) -> Ex:
        return self.convert(self.value(node, scope), type_)

    # ---- order and equality

    def sortable(self, ex: Ex) -> str:
        """With the collation under which SQLite compares as the server does."""
        kind = family(ex.type)
        if kind == "text":
            return f"{ex.sql} COLLATE {self.runtime.collation(ex.type.collation or self.collation)}"
        if ex.type.name == "datetimeoffset":
            return f'{ex.sql} COLLATE "instant"'
        if kind == "variant":
            return f'{ex.sql} COLLATE "variant"'
        if ex.type.name in ("xml", "json", "image", "geometry", "geography"):
            raise SqlError(305, f"The {ex.type.name} data type cannot be compared or sorted, except when using the IS NULL operator.")
        return ex.sql

    def comparable(self, left: Ex, right: Ex, what: str = "equal to") -> tuple[str, str]:
        """Both sides as one type; the right one carries the collation."""
        if left.is_null or right.is_null:
            return left.sql, right.sql
        for side in (left, right):
            if side.type.name in ("text", "ntext", "image", "xml", "json", "geometry", "geography"):
                raise SqlError(402, f"The data types {left.type.name} and {right.type.name} are incompatible in the {what} operator.")
        type_ = types.common(left.type, right.type)
        label = DEFAULT
        if family(type_) == "text":
            collation, label = self.common_collation([side for side in (left, right) if family(side.type) == "text"])
            type_ = types.with_collation(type_, collation)
            if type_.name in ("char", "nchar"):
                type_ = replace(type_, name="var" + type_.name if type_.name == "char" else "nvarchar")
        return self.convert(left, type_).sql, self.sortable(self.convert(right, type_))

    # ---- conditions

    def condition(self, node, scope: Scope) -> str:
        if isinstance(node, s.Logical):
            return "(" + f" {node.op} ".join(self.condition(part, scope) for part in node.parts) + ")"
        if isinstance(node, s.Not):
            return f"(NOT {self.condition(node.operand, scope)})"
        if isinstance(node, s.Compare):
            left, right = self.comparable(self.value(node.left, scope), self.value(node.right, scope))
            return f"({left} {node.op} {right})"
        if isinstance(node, s.IsNull):
            return f"({self.value(node.operand, scope).sql} IS {'NOT ' if node.negated else ''}NULL)"
        if isinstance(node, s.DistinctFrom):
            left, right = self.comparable(self.value(node.left, scope), self.value(node.right, scope))
            return f"({left} IS {'' if node.negated else 'NOT '}{right})"
        if isinstance(node, s.Between):
            operand = self.value(node.operand, scope)
            a, low = self.comparable(operand, self.value(node.low, scope))
            b, high = self.comparable(operand, self.value(node.high, scope))
            inside = f"({a} >= {low} AND {b} <= {high})"
            return f"(NOT {inside})" if node.negated else inside
        if isinstance(node, s.Like):
            return self._like(node, scope)
        if isinstance(node, s.In):
            return self._in(node, scope)
        if isinstance(node, s.Exists):
            return f"EXISTS ({self.subquery(node.query, scope).sql})"
        raise SqlError(4145, "An expression of non-boolean type specified in a context where a condition is expected.", 15)

    def _like(self, node: s.Like, scope) -> str:
        operand, pattern = self.text(self.value(node.operand, scope)), self.text(self.value(node.pattern, scope))
        collation, _ = self.common_collation([operand, pattern])
        name = self.runtime.like(collation or self.collation)
        escape = self.text(self.value(node.escape, scope)).sql if node.escape is not None else "''"
        return f"({'NOT ' if node.negated else ''}{name}({operand.sql}, {pattern.sql}, {escape}))"

    def _in(self, node: s.In, scope) -> str:
        operand = self.value(node.operand, scope)
        negated = "NOT " if node.negated else ""
        if isinstance(node.values, list):
            values = [self.value(value, scope) for value in node.values]
            parts = []
            for value in values:
                left, right = self.comparable(operand, value)
                parts.append(f"{left} = {right}")
            return f"({negated}({' OR '.join(parts)}))"
        query = self.subquery(node.values, scope)
        if len(query.columns) != 1:
            raise SqlError(116, "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.")
        inner = Ex("c0", query.columns[0].type, query.columns[0].nullable, label=IMPLICIT)
        left, right = self.comparable(operand, inner)
        if right == "c0" and left == operand.sql:
            return f"({left} {negated}IN ({query.sql}))"
        return f"({left} {negated}IN (SELECT {right} FROM ({query.sql})))"

    def _subquery(self, node: s.Subquery, scope) -> Ex:
        query = self.subquery(node.query, scope)
        if len(query.columns) != 1:
            raise SqlError(116, "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.")
        column = query.columns[0]
        limited = query.at_most_one
        sql = f"({query.sql})" if limited else self._single(query)
        return Ex(sql, column.type, True, label=IMPLICIT)

    def _single(self, query) -> str:
        """512 instead of SQLite's silent first row."""
        name = self.runtime.single()
        return f"(SELECT {name}(c0) FROM ({query.sql} LIMIT 2))" if " LIMIT " not in query.sql[-40:] else \
            f"(SELECT {name}(c0) FROM (SELECT * FROM ({query.sql}) LIMIT 2))"

    def subquery(self, query: s.Query, scope: Scope):
        raise NotImplementedError

    def _call(self, node: s.Call, scope) -> Ex:
        raise NotImplementedError

    def _method(self, node: s.Method, scope) -> Ex:
        operand = self.value(node.operand, scope)
        if operand.type.name == "hierarchyid" and node.name == "ToString":
            return self.convert(operand, SqlType("nvarchar", 4000), 0, False)
        raise unknown(f"the method {node.name} of {operand.type.name}")

    def _static_method(self, node: s.StaticMethod, scope) -> Ex:
        name = node.type[-1].lower()
        if name == "hierarchyid" and node.name == "GetRoot":
            return self.constant(b"", SqlType("hierarchyid"))
        if name == "hierarchyid" and node.name == "Parse":
            return self.convert(self.value(node.arguments[0], scope), SqlType("hierarchyid"))
        if name in ("geometry", "geography") and node.name in ("Point", "STGeomFromText", "STPointFromText", "Parse"):
            return self.constant(arithmetic.point(name, node.name, [self.value(a, scope).constant for a in node.arguments]), SqlType(name))
        raise unknown(f"{node.type[-1]}::{node.name}")


def _matches(source, qualifier: list[str]) -> bool:
    if not qualifier:
        return True
    if source.name.casefold() != qualifier[-1].casefold():
        return False
    return len(qualifier) == 1 or not source.schema or qualifier[-2].casefold() in ("", source.schema.casefold())


def _native(ex: Ex, target: SqlType) -> str | None:
    """The conversion in SQLite itself, where it cannot fail and is the same: a million rows go through it."""
    if family(ex.type) != "int" or ex.type.name == "bit":
        return None
    if target.name == "float":
        return f"CAST({ex.sql} AS REAL)"
    if target.name in ("varchar", "nvarchar") and (target.length == -1 or target.length >= types.text_length(ex.type)):
        return f"CAST({ex.sql} AS TEXT)"
    if family(target) == "decimal" and not storage.is_wide(target):
        low, high = types.INT_RANGES[ex.type.name]
        most = max(abs(ex.low if ex.low is not None else low), abs(ex.high if ex.high is not None else high))
        unit = 10**storage.scale_of(target)
        if most * unit < {"money": 2**63, "smallmoney": 2**31}.get(target.name, 10**target.precision):
            return f"({ex.sql} * {unit})"
    return None


def _lenient(function):
    def convert(stored):
        try:
            return function(stored)
        except SqlError:
            return None
    return convert
