"""Options of file formats: what is known, what holds where nothing is said."""

from . import errors
from .options import Name, Word

_COMMON = {"TYPE", "COMPRESSION", "TRIM_SPACE", "NULL_IF", "FORMAT_NAME", "REPLACE_INVALID_CHARACTERS"}
KNOWN = {
    "PARQUET": _COMMON | {"SNAPPY_COMPRESSION", "BINARY_AS_TEXT", "USE_LOGICAL_TYPE", "USE_VECTORIZED_SCANNER"},
    "CSV": _COMMON | {"RECORD_DELIMITER", "FIELD_DELIMITER", "MULTI_LINE", "FILE_EXTENSION", "PARSE_HEADER", "SKIP_HEADER",
                      "SKIP_BLANK_LINES", "DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT", "BINARY_FORMAT", "ESCAPE",
                      "ESCAPE_UNENCLOSED_FIELD", "FIELD_OPTIONALLY_ENCLOSED_BY", "ERROR_ON_COLUMN_COUNT_MISMATCH",
                      "EMPTY_FIELD_AS_NULL", "SKIP_BYTE_ORDER_MARK", "ENCODING"},
    "JSON": _COMMON | {"DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT", "BINARY_FORMAT", "MULTI_LINE", "FILE_EXTENSION",
                       "ENABLE_OCTAL", "ALLOW_DUPLICATE", "STRIP_OUTER_ARRAY", "STRIP_NULL_VALUES", "IGNORE_UTF8_ERRORS",
                       "SKIP_BYTE_ORDER_MARK"},
}
DEFAULTS = {
    "PARQUET": {"COMPRESSION": "AUTO", "BINARY_AS_TEXT": True, "USE_LOGICAL_TYPE": False, "USE_VECTORIZED_SCANNER": False,
                "NULL_IF": ["\\N"]},
    "CSV": {"COMPRESSION": "AUTO", "RECORD_DELIMITER": "\n", "FIELD_DELIMITER": ",", "SKIP_HEADER": 0, "NULL_IF": ["\\N"],
            "FIELD_OPTIONALLY_ENCLOSED_BY": "NONE", "ESCAPE": "NONE", "ESCAPE_UNENCLOSED_FIELD": "\\",
            "EMPTY_FIELD_AS_NULL": True, "TRIM_SPACE": False, "ERROR_ON_COLUMN_COUNT_MISMATCH": True,
            "SKIP_BLANK_LINES": False, "PARSE_HEADER": False},
    "JSON": {"COMPRESSION": "AUTO", "STRIP_OUTER_ARRAY": False, "STRIP_NULL_VALUES": False},
}


def check(options: dict) -> dict:
    """Options as they were written → checked; raises for what is not known."""
    kind = str(options.get("TYPE", "CSV")).upper()
    if "FORMAT_NAME" in options:
        return options
    if kind in ("AVRO", "ORC", "XML", "CUSTOM"):
        raise errors.NotImplementedHere(f"file format {kind}")
    if kind not in KNOWN:
        raise errors.compilation("001008", f"invalid value [{kind}] for parameter 'TYPE'")
    for name in options:
        if name not in KNOWN[kind]:
            raise errors.compilation("001420", f"invalid parameter '{name}'")
    return options


def resolve(service, session, *layers) -> dict:
    """Options in force: the later layer wins (stage, then statement). A named format is looked up."""
    merged = {}
    for layer in layers:
        if not layer:
            continue
        if isinstance(layer, (str, Word, Name)):
            layer = {"FORMAT_NAME": layer}
        if "FORMAT_NAME" in layer:
            merged = dict(named(service, session, layer["FORMAT_NAME"]))
        else:
            if "TYPE" in layer and str(layer["TYPE"]).upper() != str(merged.get("TYPE", "")).upper():
                merged = {}
            merged.update(layer)
    merged.setdefault("TYPE", "CSV")
    kind = str(merged["TYPE"]).upper()
    check(merged)
    return {**DEFAULTS[kind], **merged, "TYPE": kind}


def named(service, session, name) -> dict:
    from .translate import name_parts
    parts = list(name) if isinstance(name, Name) else name_parts(str(name))
    return service.catalog.file_format(session, parts).options
