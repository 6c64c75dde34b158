"""COPY INTO @stage: rows into files, with the service's refusals.

Parquet is written with decimals for NUMBER, microseconds for TIMESTAMP_NTZ and TIME; how the service picks the physical types in
detail is not known.
"""

import gzip
import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import errors, file_formats, results, types
from ..catalog import dotted
from ..options import unquote
from ..results import of_rows
from ..translate import parse
from ..types import NUMBER
from . import query as queries

OPTIONS = {"PARTITION", "FILE_FORMAT", "OVERWRITE", "SINGLE", "MAX_FILE_SIZE", "INCLUDE_QUERY_ID", "DETAILED_OUTPUT", "HEADER",
           "VALIDATION_MODE"}


def unload(service, session, query, scanner):
    token = scanner.next()
    target = unquote(token.text) if token.kind == "string" else token.text
    scanner.expect("FROM")
    if scanner.peek and scanner.peek.text == "(":
        sql = scanner.parenthesized()
    else:
        sql = "SELECT * FROM " + dotted(*scanner.names())
    partition = None
    if scanner.accept("PARTITION", "BY"):
        partition = scanner.parenthesized()
    options = scanner.options(OPTIONS)
    location = service.stages.locate(session, target)
    if location.label and not location.label.startswith(("@~", "@%")):
        service.require(session, "USAGE" if location.external else "WRITE", "STAGE", location.label[1:])
    format_ = file_formats.resolve(service, session, location.stage.file_format, options.get("FILE_FORMAT"))
    single, overwrite = bool(options.get("SINGLE")), bool(options.get("OVERWRITE"))
    _check(options, single, overwrite, partition, format_)
    if partition:
        sql = f"SELECT q.*, ({partition}) AS \"$PARTITION\" FROM ({sql}) q"
    service.need_warehouse(session, None, None)
    result = queries.select(service, session, query, parse(sql))
    fields = result.fields[:-1] if partition else result.fields
    if format_["TYPE"] == "PARQUET":
        bad = next((f for f in fields if f.type.base in ("TIMESTAMP_TZ", "TIMESTAMP_LTZ")), None)
        if bad is not None:
            raise errors.SnowflakeError("300010", "Error encountered when unloading to PARQUET: TIMESTAMP_TZ and LTZ types are not "
                                        f"supported for unloading to Parquet. (column {bad.name})")
    taken = service.stages.files(location)
    if taken and not overwrite and not options.get("INCLUDE_QUERY_ID") and not partition:
        raise errors.compilation("001031", f"Files already existing at the unload destination: {target}. Use overwrite option to "
                                 "force unloading.")
    if overwrite and taken:
        service.stages.remove(location, [f for f in taken if not single or f.key == location.prefix])
    written = []
    groups = [(None, result.table)]
    if partition:
        keys = result.table.column(result.table.num_columns - 1).to_pylist()
        rest = result.table.select(range(result.table.num_columns - 1))
        groups = [(value, rest.filter(pa.array([k == value for k in keys]))) for value in dict.fromkeys(keys)]
    for value, table in groups:
        written += _write(service, query, location, options, format_, single, value, partition, table, fields)
    if options.get("DETAILED_OUTPUT"):
        return of_rows(["FILE_NAME", ("FILE_SIZE", NUMBER), ("ROW_COUNT", NUMBER)], written, results.UNLOAD)
    total = sum(w[1] for w in written)
    return of_rows([("rows_unloaded", NUMBER), ("input_bytes", NUMBER), ("output_bytes", NUMBER)],
                   [[result.count, total, total]], results.UNLOAD)


def _check(options, single, overwrite, partition, format_):
    if format_["TYPE"] == "JSON":
        raise errors.NotImplementedHere("COPY INTO a stage as JSON")
    if options.get("VALIDATION_MODE"):
        raise errors.NotImplementedHere("VALIDATION_MODE of an unload")
    query_id = bool(options.get("INCLUDE_QUERY_ID"))
    if query_id and (single or overwrite):
        raise errors.compilation("001037", "INCLUDE_QUERY_ID = TRUE is not supported together with SINGLE = TRUE or OVERWRITE = TRUE.")
    if partition and (single or overwrite):
        raise errors.compilation("001038", "PARTITION BY is not supported together with SINGLE = TRUE or OVERWRITE = TRUE.")
    largest = 5 * 1024 ** 3
    if not 0 < int(options.get("MAX_FILE_SIZE", 16777216)) <= largest:
        raise errors.compilation("001039", f"MAX_FILE_SIZE must be between 1 and {largest}.")


def _write(service, query, location, options, format_, single, value, partition, table, fields) -> list:
    if table.num_rows == 0:
        return []
    prefix = location.prefix
    if partition:
        prefix = (prefix if not prefix or prefix.endswith("/") else prefix + "/") + ("__NULL__" if value is None else str(value)) + "/"
    name = prefix + "data" if not prefix or prefix.endswith("/") else prefix
    if options.get("INCLUDE_QUERY_ID") or partition:
        name += "_" + query.id
    largest = int(options.get("MAX_FILE_SIZE", 16777216))
    bytes_per_row = max(1, table.nbytes // table.num_rows)
    rows = table.num_rows if single else max(1, largest // bytes_per_row)
    out = []
    for number, start in enumerate(range(0, table.num_rows, rows)):
        part = table.slice(start, rows)
        data, ending = _parquet(part, fields, options, format_) if format_["TYPE"] == "PARQUET" else _csv(part, fields, options, format_)
        key = name if single else f"{name}_0_{number}_0{ending}"
        service.stages.write(location, key, data)
        out.append([key, len(data), part.num_rows])
    return out


def _value_column(column, type_):
    if type_.base == "TIMESTAMP_NTZ":
        micros = pc.add(pc.multiply(pc.struct_field(column, 0), 1_000_000), pc.divide(pc.struct_field(column, 1).cast(pa.int64()), 1000))
        return micros.cast(pa.timestamp("us"))
    if type_.base == "TIME":
        return pc.divide(pc.struct_field(column, 0), 1000).cast(pa.time64("us"))
    if type_.base in types.SEMI:
        return column.cast(pa.string())
    return column


def _parquet(table, fields, options, format_) -> tuple:
    header = bool(options.get("HEADER"))
    columns = [_value_column(table.column(n), f.type) for n, f in enumerate(fields)]
    names = [f.name if header else f"_COL_{n}" for n, f in enumerate(fields)]
    compression = str(format_.get("COMPRESSION", "AUTO")).upper()
    codec = {"AUTO": "snappy", "SNAPPY": "snappy", "NONE": "none", "LZO": None}.get(compression)
    if codec is None:
        raise errors.compilation("001008", f"invalid value [{compression}] for parameter 'COMPRESSION'")
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, names=names), sink, compression=codec)
    return sink.getvalue(), ".snappy.parquet" if codec == "snappy" else ".parquet"


def _csv(table, fields, options, format_) -> tuple:
    out = io.StringIO()
    quoted = str(format_.get("FIELD_OPTIONALLY_ENCLOSED_BY", "NONE"))
    nulls = format_.get("NULL_IF") or [""]
    null = nulls if isinstance(nulls, str) else nulls[0]
    delimiter = str(format_.get("FIELD_DELIMITER", ","))
    line_end = str(format_.get("RECORD_DELIMITER", "\n"))
    # Texts are always enclosed, numbers never, so that NULL and an empty text can be told apart.
    enclosed = [quoted != "NONE" and f.type.base in ("TEXT", *types.SEMI) for f in fields]

    def line(values, texts):
        shown = [null if value is None else quoted + value.replace(quoted, quoted * 2) + quoted if text else value
                 for value, text in zip(values, texts)]
        out.write(delimiter.join(shown) + line_end)

    if options.get("HEADER"):
        line([f.name for f in fields], [quoted != "NONE"] * len(fields))
    columns = [_text_column(table.column(n), f.type) for n, f in enumerate(fields)]
    for row in zip(*columns):
        line(row, enclosed)
    data = out.getvalue().encode()
    compression = str(format_.get("COMPRESSION", "AUTO")).upper()
    if compression in ("AUTO", "GZIP"):
        return gzip.compress(data), ".csv.gz"
    if compression == "NONE":
        return data, ".csv"
    raise errors.NotImplementedHere(f"CSV with compression {compression}")


def _text_column(column, type_) -> list:
    if type_.base in types.TIMESTAMPS or type_.base == "TIME":
        raise errors.NotImplementedHere("dates with times in an unload to CSV: convert them with TO_CHAR")
    if type_.base == "BINARY":
        return [None if v is None else v.hex().upper() for v in column.to_pylist()]
    if type_.base == "BOOLEAN":
        return [None if v is None else str(v).lower() for v in column.to_pylist()]
    return [None if v is None else str(v) for v in column.to_pylist()]
