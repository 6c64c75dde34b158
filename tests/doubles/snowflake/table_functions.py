"""Functions in FROM: RESULT_SCAN, GENERATOR, COPY_HISTORY, QUERY_HISTORY, INFER_SCHEMA, FLATTEN of a document."""

import itertools

from sqlglot import exp

from . import errors, file_formats, types
from .information import relation as made
from .options import Word
from .scope import Field, encode, generate
from .staged_relation import parquet_columns
from .types import NUMBER

_numbers = itertools.count(1)


def _arguments(translator, call, scope) -> dict:
    """Named arguments by name, the others by position."""
    out = {}
    for number, argument in enumerate(call.expressions):
        if isinstance(argument, exp.Kwarg):
            key, value = argument.this.name.upper(), argument.expression
        else:
            key, value = number, argument
        if isinstance(value, exp.Literal):
            out[key] = value.this if value.is_string else int(value.this)
        else:
            out[key] = value
    return out


class TableFunctions:
    def __init__(self, service):
        self.service = service

    def relation(self, translator, node, scope) -> tuple:
        call = node.this if isinstance(node, (exp.TableFromRows, exp.Table)) else node
        if isinstance(call, exp.Dot):
            call = call.expression
        if isinstance(call, exp.Generator):
            count = call.args.get("rowcount")
            if count is None:
                raise errors.NotImplementedHere("GENERATOR without ROWCOUNT")
            return f"SELECT range AS gen FROM range({int(count.name)})", []
        name = call.name.upper() if isinstance(call, exp.Anonymous) else type(call).__name__.upper()
        arguments = _arguments(translator, call, scope)
        if name == "RESULT_SCAN":
            return self._result_scan(translator, call, scope)
        if name == "COPY_HISTORY":
            from .translate import name_parts
            _, table = self.service.catalog.table(translator.session, name_parts(str(arguments["TABLE_NAME"])))
            return made(*self.service.information.copy_history(table))
        if name in ("QUERY_HISTORY", "QUERY_HISTORY_BY_SESSION", "QUERY_HISTORY_BY_USER"):
            return made(*self.service.information.query_history(translator.session if "SESSION" in name else None))
        if name == "INFER_SCHEMA":
            return self._infer_schema(translator, arguments)
        raise errors.NotImplementedHere(f"table function {name}")

    def _result_scan(self, translator, call, scope):
        value = translator.expression(call.expressions[0], scope)
        query_id = self.service.engine.value("SELECT " + generate(value))
        result = self.service.result_of(query_id, translator.session)
        fields = [Field(f.name, f.engine or "VARCHAR", f.type, f.nullable) for f in result.fields]
        if result.table is None:
            typed = [(f.name, f.type or types.TEXT) for f in fields]
            return made(typed, result.rows or [])
        name = f"scanned_{next(_numbers)}"
        plain = result.table.rename_columns([f"c{n}" for n in range(len(fields))])
        self.service.engine.register(name, plain)
        translator.query.at_end.append(lambda: self.service.engine.unregister(name))
        listed = ", ".join(f'c{n}::{f.engine} AS "{encode(f.name)}"' if f.engine != '"NULL"' else f'c{n} AS "{encode(f.name)}"'
                           for n, f in enumerate(fields))
        return f"SELECT {listed} FROM {name}", fields

    def _infer_schema(self, translator, arguments):
        location = self.service.stages.locate(translator.session, arguments["LOCATION"])
        options = file_formats.resolve(self.service, translator.session, location.stage.file_format,
                                       Word(arguments["FILE_FORMAT"]) if "FILE_FORMAT" in arguments else None)
        if options["TYPE"] != "PARQUET":
            raise errors.NotImplementedHere("INFER_SCHEMA of " + options["TYPE"])
        files = self.service.stages.files(location)
        found = {}
        for file in files:
            for name, (_, engine) in parquet_columns(self.service.engine, file.source, True).items():
                found.setdefault(name, (engine, []))[1].append(file.key)
        rows = []
        for number, (name, (engine, keys)) in enumerate(found.items()):
            type_ = types.from_engine(engine)
            shown = type_.sql if type_.base == "FIXED" else type_.base
            rows.append([name, shown, True, f"$1:{name}::{shown}", ", ".join(keys), number])
        return made(["COLUMN_NAME", "TYPE", ("NULLABLE", types.BOOLEAN), "EXPRESSION", "FILENAMES", ("ORDER_ID", NUMBER)], rows)

