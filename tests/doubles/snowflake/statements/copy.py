"""COPY INTO: what was written, and whether the service would take it. load.py and unload.py carry it out."""

import re
from dataclasses import dataclass, field

from sqlglot import exp

from .. import errors, file_formats
from ..catalog import View, dotted, render
from ..options import Scanner, Word, unquote
from ..results import Result
from ..translate import parse
from .load import run as load_files

OPTIONS = {"FILES", "PATTERN", "FILE_FORMAT", "ON_ERROR", "SIZE_LIMIT", "PURGE", "RETURN_FAILED_ONLY", "MATCH_BY_COLUMN_NAME",
           "ENFORCE_LENGTH", "TRUNCATECOLUMNS", "FORCE", "LOAD_UNCERTAIN_FILES", "VALIDATION_MODE", "LOAD_MODE",
           "INCLUDE_METADATA", "FILE_PROCESSOR", "CLUSTER_AT_INGEST_TIME"}
MOST_FILES = 1000


@dataclass
class Load:
    """One COPY statement, read but not yet done."""

    table: object
    path: tuple
    columns: list                # names given after the table
    location: object
    transformation: str          # the SELECT, or None
    options: dict
    format: dict = field(default_factory=dict)

    @property
    def cuts(self) -> bool:
        """Texts that are too long for their columns are cut."""
        return bool(self.options.get("TRUNCATECOLUMNS", not self.options.get("ENFORCE_LENGTH", True)))


def copy_into(service, session, query) -> Result:
    scanner = Scanner(query.sql)
    scanner.expect("COPY", "INTO")
    if scanner.peek and (scanner.peek.kind == "stage" or scanner.peek.kind == "string"):
        from .unload import unload
        return unload(service, session, query, scanner)
    load = read(service, session, scanner)
    return load_files(service, session, query, load)


def read(service, session, scanner) -> Load:
    parts = scanner.names()
    columns = []
    if scanner.peek and scanner.peek.text == "(":
        scanner.expect("(")
        columns.append(scanner.identifier())
        while scanner.accept(","):
            columns.append(scanner.identifier())
        scanner.expect(")")
    scanner.expect("FROM")
    transformation = None
    if scanner.peek and scanner.peek.text == "(":
        transformation = scanner.parenthesized()
        stage = _stage_of(transformation)
    else:
        token = scanner.next()
        if token.kind not in ("stage", "string"):
            scanner.position -= 1
            raise scanner.unexpected()
        stage = unquote(token.text) if token.kind == "string" else token.text
    options = scanner.options(OPTIONS)
    path, table = service.catalog.table(session, parts, "COPY")
    if isinstance(table, View):
        raise errors.compilation("001506", f"'{dotted(*path)}' is a view and cannot be loaded.")
    service.require(session, "INSERT", "TABLE", dotted(*path))
    location = service.stages.locate(session, stage)
    if location.label and not location.label.startswith(("@~", "@%")):
        service.require(session, "USAGE" if location.external else "READ", "STAGE", location.label[1:])
    options = {**location.stage.copy_options, **options}
    load = Load(table, path, columns, location, transformation, options,
                file_formats.resolve(service, session, location.stage.file_format, options.get("FILE_FORMAT")))
    _check(load)
    return load


def _stage_of(text: str) -> str:
    scanner = Scanner(text)
    for index, token in enumerate(scanner.tokens):
        if token.kind in ("stage", "string") and index and scanner.tokens[index - 1].upper == "FROM":
            return unquote(token.text) if token.kind == "string" else token.text
    raise errors.compilation("001003", "COPY statement only supports simple SELECT from stage statements for import.")


def _check(load: Load):
    options = load.options
    files = options.get("FILES")
    if files is not None:
        if not isinstance(files, list) or not all(isinstance(f, str) and not isinstance(f, Word) for f in files):
            raise errors.compilation("001008", "invalid value for parameter 'FILES'")
        if len(files) > MOST_FILES:
            raise errors.compilation("001014", f"The number of files specified ({len(files)}) exceeds the maximum of {MOST_FILES}.")
        if "PATTERN" in options:
            raise errors.compilation("001013", "FILES and PATTERN cannot both be specified.")
    on_error = str(options.get("ON_ERROR", "ABORT_STATEMENT")).upper()
    if not re.fullmatch(r"ABORT_STATEMENT|CONTINUE|SKIP_FILE(_\d+%?)?", on_error):
        raise errors.compilation("001008", f"invalid value [{on_error}] for parameter 'ON_ERROR'")
    match = str(options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
    if match not in ("NONE", "CASE_SENSITIVE", "CASE_INSENSITIVE"):
        raise errors.compilation("001008", f"invalid value [{match}] for parameter 'MATCH_BY_COLUMN_NAME'")
    if match != "NONE" and (load.transformation or load.columns):
        raise errors.compilation("002088", "MATCH_BY_COLUMN_NAME copy option is not supported in a COPY statement that "
                                 "transforms data or lists columns.")
    if options.get("VALIDATION_MODE") and load.transformation:
        raise errors.compilation("002089", "VALIDATION_MODE does not support COPY statements that transform data during a load.")
    for name in load.columns:
        if load.table.column(name) is None:
            raise errors.invalid_identifier(render(name))
    for name in ("INCLUDE_METADATA", "FILE_PROCESSOR", "SIZE_LIMIT"):
        if name in options:
            raise errors.NotImplementedHere(f"COPY option {name}")
    if load.transformation:
        node = parse(load.transformation)
        simple = isinstance(node, exp.Select) and not any(
            node.args.get(k) for k in ("group", "having", "order", "limit", "joins", "laterals", "qualify"))
        if not simple or node.args.get("where"):
            raise errors.compilation("002073", "COPY statement only supports simple SELECT from stage statements for import.")
        if any(isinstance(e, exp.AggFunc) for e in node.find_all(exp.AggFunc)):
            raise errors.compilation("002073", "COPY statement only supports simple SELECT from stage statements for import.")
    elif match == "NONE" and load.format["TYPE"] != "CSV":
        targets = load.columns or [c.name for c in load.table.columns]
        if len(targets) != 1 or load.table.column(targets[0]).type.base not in ("VARIANT", "OBJECT", "ARRAY"):
            raise errors.compilation("002019" if load.format["TYPE"] == "JSON" else "002018",
                                     f"{load.format['TYPE']} file format can produce one and only one column of type variant, "
                                     "object, or array. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy "
                                     "option or copy with transformation.")
