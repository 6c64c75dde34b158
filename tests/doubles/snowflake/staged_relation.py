"""Staged files as a relation: $1, $1:"column", METADATA$FILENAME, METADATA$FILE_ROW_NUMBER."""

import gzip
import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq

from . import conversions as conv
from . import errors, file_formats
from .conversions import quote
from .options import Name, Word
from .scope import Field

_numbers = itertools.count(1)


def parquet_columns(engine, path: str, as_text: bool) -> dict:
    """Name in the file → (name in the engine, the engine's type). Names may differ in case only, or not be unique at all."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError):
        raise errors.SnowflakeError("100152", "Error parsing the parquet file: it is not a valid Parquet file") from None
    inside = engine.names_and_types(f"SELECT * FROM read_parquet({quote(path)}, binary_as_string={str(as_text).lower()})")
    out = {}
    for field, (name, type_) in zip(schema, inside):
        out.setdefault(field.name, (name, type_))
    return out


class StagedRelation:
    """Some files of one stage, read with one format. The files have one schema where they are Parquet."""

    def __init__(self, service, session, files: list, options: dict):
        self.service, self.session, self.files, self.options = service, session, files, options
        self.kind = options["TYPE"]
        self.columnar = self.kind == "PARQUET"
        self.columns = {}
        self._registered = None
        self.width = 1
        if self.columnar:
            for file in files:
                for name, facts in parquet_columns(service.engine, file.source, bool(options.get("BINARY_AS_TEXT"))).items():
                    self.columns.setdefault(name, facts)
        else:
            self._read_text()

    def _read_text(self):
        """CSV and JSON are read here, row by row: exactness matters more than speed."""
        rows, names, numbers = [], [], []
        for file in self.files:
            data = open(file.source, "rb").read()
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            parsed = read_csv(data, self.options) if self.kind == "CSV" else read_json(data, self.options)
            for number, row in enumerate(parsed, 1):
                rows.append(row)
                names.append(file.key)
                numbers.append(number)
        self.width = max([len(r) for r in rows], default=1)
        columns = [pa.array([r[i] if i < len(r) else None for r in rows], pa.string()) for i in range(self.width)]
        table = pa.table([*columns, pa.array(names, pa.string()), pa.array(numbers, pa.int64())],
                         names=[f"f{i + 1}" for i in range(self.width)] + ["m_file", "m_row"])
        self._registered = f"staged_{next(_numbers)}"
        self.service.engine.register(self._registered, table)
        self.service.current.at_end.append(lambda: self.service.engine.unregister(self._registered))

    def sql(self) -> str:
        if not self.columnar:
            return f"SELECT * FROM {self._registered}"
        if not self.files:
            return "SELECT NULL::VARCHAR AS m_file, NULL::BIGINT AS m_row WHERE false"
        paths = ", ".join(quote(f.source) for f in self.files)
        keys = ", ".join(f"{quote(f.source)}: {quote(f.key)}" for f in self.files)
        union = ", union_by_name=true" if len(self.files) > 1 else ""
        text = str(bool(self.options.get("BINARY_AS_TEXT"))).lower()
        return (f"SELECT * EXCLUDE (filename, file_row_number), MAP {{{keys}}}[filename] AS m_file, "
                f"file_row_number + 1 AS m_row FROM read_parquet([{paths}], filename=true, file_row_number=true, "
                f"binary_as_string={text}{union})")

    # --- what the translator asks

    def metadata(self, name: str) -> str:
        found = {"METADATA$FILENAME": "m_file", "METADATA$FILE_ROW_NUMBER": "m_row"}.get(name)
        if found is None:
            raise errors.NotImplementedHere(name)
        return found

    def member(self, name: str) -> tuple:
        """(SQL, the engine's type) of $1:name; NULL where no file has it."""
        found = self.columns.get(name)
        if found is None:
            return "NULL", '"NULL"'
        return '"' + found[0].replace('"', '""') + '"', found[1]

    def column(self, number: int) -> tuple:
        if self.columnar:
            if number != 1:
                raise errors.invalid_identifier(f"${number}")
            pairs = []
            for name in self.columns:
                sql, engine = self.member(name)
                from .types import VARIANT
                pairs.append(f"{quote(name)}, {conv.convert(sql, engine, VARIANT, self.session.zone)}")
            return f"json_object({', '.join(pairs)})", "JSON"
        if number > self.width:
            return "NULL", '"NULL"'
        return f"f{number}", "JSON" if self.kind == "JSON" else "VARCHAR"


class StageRelations:
    """FROM @stage/path (FILE_FORMAT => …, PATTERN => …)."""

    def __init__(self, service):
        self.service = service

    def of_table(self, translator, node) -> tuple:
        session = translator.session
        location = self.service.stages.locate(session, node.this.name)
        given = getattr(translator, "staged", None)
        if given is not None:
            relation = given
        else:
            pattern = node.args.get("pattern")
            format_ = node.args.get("format")
            named = None
            if format_ is not None:
                named = Name([p.this if p.args.get("quoted") else p.this.upper() for p in format_.find_all(
                    type(format_.this))]) if not hasattr(format_, "is_string") else Word(format_.name)
            options = file_formats.resolve(self.service, session, location.stage.file_format, named)
            files = self.service.stages.files(location, pattern.name if pattern is not None else None)
            relation = StagedRelation(self.service, session, files, options)
        fields = [Field(f"${n}", "JSON" if relation.kind != "CSV" else "VARCHAR") for n in range(1, relation.width + 1)]
        return relation.sql(), fields, relation


def read_json(data: bytes, options: dict) -> list:
    text = data.decode("utf-8-sig")
    decoder, position, rows = json.JSONDecoder(), 0, []
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text):
            return rows
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise errors.SnowflakeError("100069", f"Error parsing JSON: {error.msg}") from None
        if options.get("STRIP_OUTER_ARRAY") and isinstance(value, list):
            rows += [[json.dumps(v, ensure_ascii=False, separators=(",", ":"))] for v in value]
        else:
            rows.append([text[position:end]])
        position = end


def read_csv(data: bytes, options: dict) -> list:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise errors.SnowflakeError("100144", "Invalid UTF8 detected in string") from None
    quoting = str(options.get("FIELD_OPTIONALLY_ENCLOSED_BY", "NONE"))
    delimiter = str(options.get("FIELD_DELIMITER", ","))
    null_if = options.get("NULL_IF") or []
    null_if = [null_if] if isinstance(null_if, str) else list(null_if)
    rows = []
    for row in _fields(text, delimiter, None if quoting == "NONE" else quoting, str(options.get("ESCAPE", "NONE"))):
        out = []
        for value, quoted in row:
            if not quoted and options.get("TRIM_SPACE"):
                value = value.strip()
            if (not quoted and value == "" and options.get("EMPTY_FIELD_AS_NULL", True)) or value in null_if:
                value = None
            out.append(value)
        if out == [None] and options.get("SKIP_BLANK_LINES"):
            continue
        rows.append(out)
    return rows[int(options.get("SKIP_HEADER") or (1 if options.get("PARSE_HEADER") else 0)):]


def _fields(text: str, delimiter: str, quote_: str, escape: str):
    """Rows of (value, was quoted)."""
    if quote_ is None:
        for line in text.replace("\r\n", "\n").split("\n")[:None if not text.endswith("\n") else -1]:
            yield [(v, False) for v in line.split(delimiter)]
        return
    row, value, quoted, position = [], [], False, 0
    while position < len(text):
        c = text[position]
        if quoted == "inside":
            if c == quote_ and text[position + 1:position + 2] == quote_:
                value.append(c)
                position += 2
                continue
            if escape != "NONE" and c == escape:
                value.append(text[position + 1:position + 2])
                position += 2
                continue
            if c == quote_:
                quoted = True
            else:
                value.append(c)
            position += 1
            continue
        if c == quote_ and not value and not quoted:
            quoted = "inside"
        elif text.startswith(delimiter, position):
            row.append(("".join(value), bool(quoted)))
            value, quoted = [], False
            position += len(delimiter)
            continue
        elif c in "\r\n":
            row.append(("".join(value), bool(quoted)))
            yield row
            row, value, quoted = [], [], False
            if text[position:position + 2] == "\r\n":
                position += 1
        else:
            value.append(c)
        position += 1
    if quoted == "inside":
        raise errors.SnowflakeError("100070", "Found character instead of field delimiter: end of file inside a quoted field")
    if row or value or quoted:
        row.append(("".join(value), bool(quoted)))
        yield row
