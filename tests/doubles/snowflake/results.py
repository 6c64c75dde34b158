"""Results as they go over the wire: row types, Arrow batches in the service's encodings, JSON rows, chunks."""

import base64
import gzip
import io
import json
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from . import types
from .scope import Field
from .types import SfType

SELECT, INSERT, UPDATE, DELETE, MERGE, DML, DDL, OTHER = 4096, 12544, 12800, 13056, 13312, 12288, 24576, 8192
COPY, UNLOAD, SHOW, DESCRIBE, LIST, TRANSACTION, SESSION = 12288, 12288, 16384, 16384, 16384, 20480, 16384


@dataclass
class Result:
    """What a statement came to: a table of the engine's values, or rows of Python values, or an answer of its own."""

    fields: list
    table: pa.Table = None
    rows: list = None
    statement: int = OTHER
    answer: dict = None              # for PUT and GET, which clients carry out
    affected: int = None

    @property
    def count(self) -> int:
        return self.table.num_rows if self.table is not None else len(self.rows or [])


def status(text: str, statement=DDL) -> Result:
    return Result([Field("status", "VARCHAR", types.TEXT)], rows=[[text]], statement=statement)


def of_rows(columns: list, rows: list, statement=SHOW) -> Result:
    """`columns`: (name, SfType) or just names, which are then text."""
    fields = []
    for column in columns:
        name, type_ = column if isinstance(column, tuple) else (column, types.TEXT)
        fields.append(Field(name, type_.engine, type_))
    return Result(fields, rows=rows, statement=statement)


def row_type(field: Field) -> dict:
    type_ = field.type or types.from_engine(field.engine or "VARCHAR")
    out = {"name": field.name, "database": "", "schema": "", "table": "", "type": type_.base.lower(),
           "nullable": bool(field.nullable), "byteLength": None, "precision": None, "scale": None, "length": None,
           "collation": None}
    if type_.base == "FIXED":
        out["precision"], out["scale"] = type_.precision, type_.scale
    elif type_.base in types.TEMPORAL:
        out["precision"], out["scale"] = 0, type_.scale
    elif type_.base in ("TEXT", "BINARY"):
        out["length"], out["byteLength"] = type_.length, type_.byte_length
    return out


# --- Arrow

def _metadata(type_: SfType) -> dict:
    # Clients tell the two forms of TIMESTAMP_TZ by byteLength.
    width = (8 if type_.scale == 0 else 16) if type_.base in types.TIMESTAMPS else type_.byte_length
    return {"logicalType": type_.base, "precision": str(type_.precision if type_.base == "FIXED" else 38),
            "scale": str(type_.scale), "charLength": str(type_.length), "byteLength": str(width),
            "finalType": "T"}


def _integers(array, precision: int, scale: int):
    """Scaled integers of the smallest width that holds all values; decimal128 where 64 bits do not."""
    if pa.types.is_integer(array.type):
        array = array.cast(pa.decimal128(38, 0))
    if not pa.types.is_decimal(array.type):
        array = array.cast(pa.decimal128(38, scale))
    if array.type.bit_width != 128:
        array = array.cast(pa.decimal128(38, array.type.scale))
    if array.offset:
        array = pa.concat_arrays([array])
    whole = pa.Array.from_buffers(pa.decimal128(38, 0), len(array), array.buffers(), offset=array.offset)
    bounds = pc.min_max(whole).as_py()
    low, high = int(bounds["min"] or 0), int(bounds["max"] or 0)
    for width, to in ((7, pa.int8()), (15, pa.int16()), (31, pa.int32()), (63, pa.int64())):
        if -(1 << width) <= low and high < (1 << width):
            return whole.cast(to)
    return array.cast(pa.decimal128(38, array.type.scale))


def _column(array, type_: SfType):
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    base = type_.base
    if base == "FIXED":
        return _integers(array, type_.precision, type_.scale)
    if base == "TIME":
        nanos = pc.struct_field(array, 0)
        if not pa.types.is_integer(nanos.type):
            nanos = nanos.cast(pa.int64())
        ticks = pc.divide(nanos, pa.scalar(10 ** (9 - type_.scale), pa.int64()))
        return ticks if type_.scale > 4 else ticks.cast(pa.int32())
    if base in types.TIMESTAMPS:
        epoch, fraction = pc.struct_field(array, 0), pc.struct_field(array, 1).cast(pa.int32())
        missing = pc.is_null(array)
        if base == "TIMESTAMP_TZ":
            offset = pc.add(pc.struct_field(array, 2).cast(pa.int32()), pa.scalar(1440, pa.int32()))
            if type_.scale == 0:   # the only scale for which all clients read two fields alike
                return pa.StructArray.from_arrays([_ticks(epoch, fraction, type_.scale), offset],
                                                  names=["epoch", "timezone"], mask=missing)
            return pa.StructArray.from_arrays([epoch, fraction, offset], names=["epoch", "fraction", "timezone"],
                                              mask=missing)
        if type_.scale <= 7:
            return _ticks(epoch, fraction, type_.scale)
        return pa.StructArray.from_arrays([epoch, fraction], names=["epoch", "fraction"], mask=missing)
    if base == "DATE":
        return array.cast(pa.date32())
    if base == "BOOLEAN":
        return array.cast(pa.bool_())
    if base == "REAL":
        return array.cast(pa.float64())
    if base == "BINARY":
        return array.cast(pa.binary())
    return array.cast(pa.string())


def _ticks(epoch, fraction, scale):
    factor = pa.scalar(10 ** scale, pa.int64())
    part = pc.divide(fraction.cast(pa.int64()), pa.scalar(10 ** (9 - scale), pa.int64()))
    return pc.add(pc.multiply(epoch, factor), part)


def arrow_table(result: Result) -> pa.Table:
    arrays, fields = [], []
    for number, column in enumerate(result.fields):
        type_ = column.type or types.from_engine(column.engine)
        array = _column(result.table.column(number), type_)
        arrays.append(array)
        fields.append(pa.field(column.name, array.type, bool(column.nullable) or array.null_count > 0, _metadata(type_)))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=65536)
    return sink.getvalue()


# --- JSON

def _json_cell(value, type_: SfType):
    if value is None:
        return None
    base = type_.base
    if base == "BOOLEAN":
        return "true" if value else "false"
    if base == "DATE":
        import datetime
        return str((value - datetime.date(1970, 1, 1)).days) if hasattr(value, "year") else str(value)
    if base == "BINARY":
        return value.hex().upper()
    if base == "TIME":
        return _seconds(value["time"], type_.scale) if isinstance(value, dict) else str(value)
    if base in types.TIMESTAMPS:
        if isinstance(value, dict):
            nanos = next(iter(value.values())) * 10**9 + value["f"]
        else:                              # seconds since 1970
            nanos = int(value * 1000) * 10**6
        text = _seconds(nanos, type_.scale)
        offset = value["o"] if isinstance(value, dict) and "o" in value else 0
        return f"{text} {offset + 1440}" if base == "TIMESTAMP_TZ" else text
    if base == "FIXED":
        return format(value, "f") if not isinstance(value, int) else str(value)
    return str(value)


def json_rows(result: Result) -> list:
    kinds = [f.type or types.from_engine(f.engine or "VARCHAR") for f in result.fields]
    if result.table is not None:
        columns = [column.to_pylist() for column in result.table.columns]
        rows = list(zip(*columns)) if columns else []
    else:
        rows = result.rows or []
    return [[_json_cell(v, k) for v, k in zip(row, kinds)] for row in rows]


def _seconds(nanos: int, scale: int) -> str:
    """Seconds with exactly as many digits as the type's scale: clients count on it."""
    sign = "-" if nanos < 0 else ""
    whole, fraction = divmod(abs(nanos), 10**9)
    return f"{sign}{whole}" + (f".{fraction:09d}"[:scale + 1] if scale else "")


# --- answers

@dataclass
class Chunks:
    """Parts of one result, served under a URL each."""

    parts: list = field(default_factory=list)    # (bytes, rows, uncompressed size)

    def add(self, data: bytes, rows: int):
        self.parts.append((gzip.compress(data, 1), rows, len(data)))


def answer(result: Result, form: str, chunk_rows: int) -> tuple:
    """(fields of the answer's data, Chunks): the first rows inline, the others in chunks."""
    chunks = Chunks()
    data = {"rowtype": [row_type(f) for f in result.fields], "total": result.count, "returned": result.count,
            "statementTypeId": result.statement, "numberOfBinds": 0, "arrayBindSupported": False, "version": 1}
    if form == "arrow" and result.table is not None:
        table = arrow_table(result)
        data["queryResultFormat"] = "arrow"
        first = table.slice(0, chunk_rows)
        data["rowsetBase64"] = base64.b64encode(_stream(first)).decode() if table.num_rows else ""
        for start in range(chunk_rows, table.num_rows, chunk_rows):
            part = table.slice(start, chunk_rows)
            chunks.add(_stream(part), part.num_rows)
        return data, chunks
    rows = json_rows(result)
    data["queryResultFormat"] = "json"
    data["rowset"] = rows[:chunk_rows]
    for start in range(chunk_rows, len(rows), chunk_rows):
        part = rows[start:start + chunk_rows]
        # Rows without the brackets around them, as the service sends them.
        chunks.add(json.dumps(part, ensure_ascii=False)[1:-1].encode(), len(part))
    return data, chunks
