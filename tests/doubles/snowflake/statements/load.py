"""COPY INTO table, carried out: all or nothing, or row by row with the bad ones told, where the service does that."""

import re
from dataclasses import dataclass

from .. import errors, results, wrongs
from ..conversions import convert
from ..load_history import LoadedFile
from ..results import Result, of_rows, status
from ..staged_relation import StagedRelation, parquet_columns
from ..translate import Translator, parse
from ..types import NUMBER
from . import dml

COLUMNS = ["file", "status", ("rows_parsed", NUMBER), ("rows_loaded", NUMBER), ("error_limit", NUMBER), ("errors_seen", NUMBER),
           "first_error", ("first_error_line", NUMBER), ("first_error_character", NUMBER), "first_error_column_name"]
_ADVICE = ("\n  If you would like to continue loading when an error is encountered, use other values such as 'SKIP_FILE' or "
           "'CONTINUE' for the ON_ERROR option. For more information on loading options, please run 'info loading_data' in a "
           "SQL client.")


@dataclass
class BadRow:
    row: int
    column: str
    error: errors.SnowflakeError


def _find_files(service, load) -> list:
    names = load.options.get("FILES")
    if names is None:
        return service.stages.files(load.location, load.options.get("PATTERN"))
    known = {f.key: f for f in service.stages.files(load.location)}
    found, prefix = [], load.location.prefix
    for name in names:
        choices = [prefix + name] if not prefix or prefix.endswith("/") else [prefix + "/" + name, prefix + name]
        key = next((c for c in choices if c in known), None)
        if key is None and service.settings["missing_file_ignored"]:
            continue
        if key is None:
            raise errors.SnowflakeError("091016", f"Remote file '{load.location.label}/{choices[0]}' was not found. There are "
                                        "several potential causes. The file might not exist. The required credentials may be "
                                        "missing or invalid. If you are running a copy command, please make sure files are not "
                                        "deleted when they are being loaded or files are not being loaded into two different "
                                        "tables concurrently with auto purge option.", "22000")
        if known[key] not in found:
            found.append(known[key])
    return found


def run(service, session, query, load) -> Result:
    service.need_warehouse(session, None, None)
    with (wrongs.committed_at_once(service, session, "copy_survives_rollback"),
          dml.changes(service, session, query) as transaction):
        files = _find_files(service, load)
        rows, chosen = [], []
        for file in files:
            forced = load.options.get("FORCE") and not service.settings["force_ignored"]
            if not forced and service.load_history.knows(
                    load.table.id, load.location.identity, file.key, file.md5, transaction.history):
                if load.options.get("FILES") is not None:
                    rows.append([file.name, "LOAD_SKIPPED", 0, 0, 1, 1, "File was loaded before.", None, None, None])
                continue
            chosen.append(file)
        mode = str(load.options.get("VALIDATION_MODE") or "").upper()
        if mode:
            return _validate(service, session, load, chosen, mode)
        if not chosen and not rows:
            return status("Copy executed with 0 files processed.", results.COPY)
        on_error = str(load.options.get("ON_ERROR", "ABORT_STATEMENT")).upper()
        if on_error == "ABORT_STATEMENT" and service.settings["copy_skips_bad_rows"]:
            on_error = "CONTINUE"
        if on_error == "ABORT_STATEMENT":
            rows += _load_all(service, session, transaction, load, chosen)
        else:
            rows += _load_each(service, session, transaction, load, chosen, on_error)
        if load.options.get("PURGE"):
            service.stages.remove(load.location, [f for f in chosen])
    return of_rows(COLUMNS, rows, results.COPY)


# --- the query over files

def _query(service, session, load, relation) -> tuple:
    """(names of the target's columns, SQL)."""
    table = load.table
    targets = load.columns or [c.name for c in table.columns]
    if load.transformation:
        translator = Translator(service, session, service.current)
        translator.staged = relation
        sql, fields = translator.top(parse(load.transformation))
        if len(fields) != len(targets):
            raise errors.compilation("002020", f"Insert value list does not match column list expecting {len(targets)} but got "
                                     f"{len(fields)}", "21S01")
        return targets, sql
    match = str(load.options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
    if match != "NONE":
        if not relation.columnar:
            raise errors.NotImplementedHere(f"MATCH_BY_COLUMN_NAME with {relation.kind}")
        pairs = []
        for column in table.columns:
            name = next((n for n in relation.columns if n == column.name or (
                match == "CASE_INSENSITIVE" and n.upper() == column.name.upper())), None)
            if name is not None:
                pairs.append((column.name, relation.member(name)[0]))
        if not pairs:
            raise errors.SnowflakeError("100352", "No column of the file matches a column of the table.")
        return [n for n, _ in pairs], f"SELECT {', '.join(f'{s} AS m{i}' for i, (_, s) in enumerate(pairs))} FROM ({relation.sql()})"
    if relation.kind == "CSV":
        width = relation.width
        if load.format.get("ERROR_ON_COLUMN_COUNT_MISMATCH", True) and relation.files and width != len(targets):
            raise errors.SnowflakeError("100080", f"Number of columns in file ({width}) does not match that of the corresponding "
                                        f"table ({len(targets)}), use file format option error_on_column_count_mismatch=false to "
                                        "ignore this error")
        listed = ", ".join(relation.column(n)[0] + f" AS m{n}" for n in range(1, len(targets) + 1))
    else:
        listed = relation.column(1)[0] + " AS m1"
    return targets, f"SELECT {listed} FROM ({relation.sql()})"


class _Rows(StagedRelation):
    """A relation of some rows of one file."""

    between = None
    without = ()

    def sql(self) -> str:
        where = []
        if self.between:
            where.append(f"m_row BETWEEN {self.between[0]} AND {self.between[1]}")
        if self.without:
            where.append(f"m_row NOT IN ({', '.join(map(str, self.without))})")
        inner = super().sql()
        return f"SELECT * FROM ({inner}) WHERE {' AND '.join(where)}" if where else inner


def _relation(service, session, load, files) -> _Rows:
    return _Rows(service, session, files, load.format)


def _groups(service, load, files) -> list:
    """Files that have one schema, so that one query reads them."""
    if load.format["TYPE"] != "PARQUET":
        return [[f] for f in files]
    groups = {}
    for file in files:
        columns = parquet_columns(service.engine, file.source, bool(load.format.get("BINARY_AS_TEXT")))
        groups.setdefault(tuple(columns.items()), []).append(file)
    return list(groups.values())


def _counts(service, relation) -> dict:
    return dict(service.engine.rows(f"SELECT m_file, count(*) FROM ({relation.sql()}) GROUP BY 1"))


def _loaded(load, file, parsed, loaded, bad, state, limit) -> tuple:
    first = bad[0] if bad else None
    entry = LoadedFile(load.table.id, load.path, load.location.identity, load.location.shown, file.key, file.md5, file.size, state,
                       parsed, loaded, len(bad), limit, first and first.error.message, first and first.row,
                       1 if first else None, first and first.column)
    row = [file.name, state, parsed, loaded, limit, len(bad), entry.first_error, entry.first_error_line,
           entry.first_error_character, entry.first_error_column]
    return entry, row


def _load_all(service, session, transaction, load, files) -> list:
    """ON_ERROR = ABORT_STATEMENT: all or nothing."""
    rows, history = [], []
    failed = files
    try:
        with service.engine:
            for group in _groups(service, load, files):
                failed = group
                relation = _relation(service, session, load, group)
                counts = _counts(service, relation)
                names, sql = _query(service, session, load, relation)
                dml.append(service, session, transaction, load.table, names, sql, service.engine.types(sql), load.cuts)
                for file in group:
                    entry, row = _loaded(load, file, counts.get(file.key, 0), counts.get(file.key, 0), [], "LOADED", 1)
                    history.append(entry)
                    rows.append(row)
    except errors.SnowflakeError as error:
        if error.code in ("001003", "000904", "002020", "002023", "000604"):
            raise
        raise _explained(service, session, load, failed, error) from None
    transaction.history += history
    return rows


def _explained(service, session, load, files, error):
    """The error with file, row and column, as the service words it."""
    for file in files:
        bad = _bad_rows(service, session, load, file, first_only=True)
        if bad:
            first = bad[0]
            message = (f"{first.error.message}\n  File '{file.key}', line {first.row}, character 1\n  Row {first.row}, column "
                       f"{first.column}{_ADVICE}")
            return errors.SnowflakeError(first.error.code, message)
    return errors.SnowflakeError(error.code, error.message + f"\n  File '{files[0].key}', line 1, character 1" + _ADVICE)


def _bad_rows(service, session, load, file, first_only=False) -> list:
    """Rows that cannot be loaded, found by halving."""
    try:
        relation = _relation(service, session, load, [file])
    except errors.SnowflakeError as error:
        return [BadRow(1, None, error)]
    total = service.engine.value(f"SELECT coalesce(max(m_row), 0) FROM ({relation.sql()})")
    found = []

    def probe(low, high):
        relation.between = (low, high)
        names, sql = _query(service, session, load, relation)
        rows = dml.assigned(service, session, load.table, names, sql, service.engine.types(sql), load.cuts)
        service.engine.execute(f"CREATE OR REPLACE TEMP TABLE probing AS {rows}")

    def halve(low, high):
        try:
            probe(low, high)
            return
        except errors.SnowflakeError as error:
            if low == high:
                found.append(BadRow(low, _column_of(service, session, load, relation, low), error))
                return
        middle = (low + high) // 2
        halve(low, middle)
        if not (first_only and found):
            halve(middle + 1, high)

    if total:
        halve(1, total)
    service.engine.execute("DROP TABLE IF EXISTS probing")
    return found


def _column_of(service, session, load, relation, row):
    """The first column of the table that the row fails for: "T"["C":position]."""
    relation.between = (row, row)
    names, sql = _query(service, session, load, relation)
    engine_types = service.engine.types(sql)
    for number, name in enumerate(names):
        listed = ", ".join(f"k{n}" for n in range(len(names)))
        one = f"SELECT k{number} FROM ({sql}) AS kept({listed})"
        column = load.table.column(name)
        try:
            service.engine.execute("CREATE OR REPLACE TEMP TABLE probing AS SELECT "
                                   + convert("k", engine_types[number], column.type, session.zone) + f" AS v FROM ({one}) AS one(k)")
            if not column.nullable and service.engine.value("SELECT count(*) FROM probing WHERE v IS NULL"):
                raise errors.SnowflakeError("100072", "")
        except errors.SnowflakeError:
            position = [c.name for c in load.table.columns].index(name) + 1
            return f'"{load.path[2]}"["{name}":{position}]'
    return None


def _load_each(service, session, transaction, load, files, on_error) -> list:
    """CONTINUE and SKIP_FILE: bad rows are found first, file by file; then the good ones are loaded.

    Of Parquet, JSON and the like no rows are left out: with CONTINUE and SKIP_FILE_<n> a value that cannot be converted ends the
    statement, as ABORT_STATEMENT does (documentation of COPY INTO <table>, ON_ERROR)."""
    by_row = load.format["TYPE"] == "CSV" or on_error == "SKIP_FILE" or service.settings["copy_skips_bad_rows"]
    plan = []
    for file in files:
        bad = _bad_rows(service, session, load, file)
        broken = bool(bad) and bad[0].column is None and bad[0].row == 1 and load.format["TYPE"] == "PARQUET" and _unreadable(file)
        if bad and not broken and not by_row:
            raise _explained(service, session, load, [file], bad[0].error)
        parsed = 0 if broken else service.engine.value(
            f"SELECT count(*) FROM ({_relation(service, session, load, [file]).sql()})")
        limit = parsed if on_error == "CONTINUE" else 1
        found = re.fullmatch(r"SKIP_FILE_(\d+)(%?)", on_error)
        if found:
            limit = int(found[1]) if not found[2] else max(1, parsed * int(found[1]) // 100)
        skip = bool(bad) and (broken or (on_error != "CONTINUE" and len(bad) >= limit))
        plan.append((file, bad, parsed, limit, skip))
    rows, history = [], []
    with service.engine:
        for file, bad, parsed, limit, skip in plan:
            loaded = 0
            if not skip and parsed > len(bad):
                relation = _relation(service, session, load, [file])
                relation.without = [b.row for b in bad]
                names, sql = _query(service, session, load, relation)
                loaded = dml.append(service, session, transaction, load.table, names, sql, service.engine.types(sql), load.cuts)
            state = "LOADED" if not bad else "PARTIALLY_LOADED" if loaded else "LOAD_FAILED"
            entry, row = _loaded(load, file, parsed, loaded, bad, state, limit)
            history.append(entry)
            rows.append(row)
    transaction.history += history
    return rows


def _unreadable(file) -> bool:
    import pyarrow.parquet as pq
    try:
        pq.read_schema(file.source)
        return False
    except Exception:  # any failure to open the file
        return True


def _validate(service, session, load, files, mode) -> Result:
    if mode not in ("RETURN_ERRORS", "RETURN_ALL_ERRORS"):
        raise errors.NotImplementedHere(f"VALIDATION_MODE = {mode}")
    rows = []
    for file in files:
        for bad in _bad_rows(service, session, load, file):
            rows.append([bad.error.message, file.key, bad.row, 1, None, "conversion", int(bad.error.code), bad.error.sqlstate,
                         bad.column, bad.row, bad.row, None])
    return of_rows(["ERROR", "FILE", ("LINE", NUMBER), ("CHARACTER", NUMBER), ("BYTE_OFFSET", NUMBER), "CATEGORY",
                    ("CODE", NUMBER), "SQL_STATE", "COLUMN_NAME", ("ROW_NUMBER", NUMBER), ("ROW_START_LINE", NUMBER),
                    "REJECTED_RECORD"], rows, results.COPY)
