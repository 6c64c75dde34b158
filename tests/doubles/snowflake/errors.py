"""Errors with the service's codes and texts.

The codes and texts come from the vendor's public documents and from error messages that users have published; none was
compared with the service itself.
"""

import re


class SnowflakeError(Exception):
    """What a statement or a login is answered with: success = false."""

    def __init__(self, code, message: str, sqlstate: str = "22000"):
        super().__init__(message)
        self.code, self.message, self.sqlstate = str(code).zfill(6), message, sqlstate


class NotImplementedHere(SnowflakeError):
    """Something that the service may well do. A test that meets it must not go on as if it had worked."""

    def __init__(self, what: str):
        super().__init__("000002", f"Unsupported feature '{what}'. (The stand-in does not do it.)", "0A000")


def compilation(code, text: str, sqlstate="42000") -> SnowflakeError:
    return SnowflakeError(code, "SQL compilation error:\n" + text, sqlstate)


def syntax(line: int, position: int, token: str) -> SnowflakeError:
    return compilation("001003", f"syntax error line {line} at position {position} unexpected '{token}'.")


def missing(kind: str, name: str) -> SnowflakeError:
    """An object that is not there, or that the role may not see."""
    if kind in ("Database", "Schema", "Stage", "File format", "Warehouse", "Role"):
        return compilation("002003", f"{kind} '{name}' does not exist or not authorized.", "02000")
    return compilation("002003", f"{kind} '{name}' does not exist or not authorized.", "42S02")


def cannot_perform(name: str) -> SnowflakeError:
    return compilation("002043", "Object does not exist, or operation cannot be performed.", "02000")


def exists(name: str) -> SnowflakeError:
    return compilation("002002", f"Object '{name}' already exists.", "42710")


def invalid_identifier(name: str, line=1, position=0) -> SnowflakeError:
    return compilation("000904", f"error line {line} at position {position}\ninvalid identifier '{name}'")


def no_privilege(kind: str, name: str) -> SnowflakeError:
    return SnowflakeError("003001", f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'",
                          "42501")


def no_warehouse() -> SnowflakeError:
    return SnowflakeError("000606", "No active warehouse selected in the current session.  Select an active warehouse "
                          "with the 'use warehouse' command.\n", "57P03")


def no_database(verb: str) -> SnowflakeError:
    return SnowflakeError("090105", f"Cannot perform {verb}. This session does not have a current database. "
                          "Call 'USE DATABASE', or use a qualified name.", "22000")


def no_schema(verb: str) -> SnowflakeError:
    return SnowflakeError("090106", f"Cannot perform {verb}. This session does not have a current schema. "
                          "Call 'USE SCHEMA', or use a qualified name.", "22000")


def canceled() -> SnowflakeError:
    return SnowflakeError("000604", "SQL execution canceled", "57014")


def lock_timeout(holder_query: str, table: str, transaction: int, query: str) -> SnowflakeError:
    return SnowflakeError("000625", f"Statement '{holder_query}' has locked table '{table}' in transaction {transaction} "
                          f"and this lock has not yet been released.\nYour statement '{query}' was aborted because the "
                          "lock could not be acquired within LOCK_TIMEOUT.", "57014")


def deadlock(transaction: int) -> SnowflakeError:
    return SnowflakeError("000626", f"Your statement was aborted: a deadlock was found, transaction {transaction} was "
                          "chosen as its victim.", "40001")


# Text raised by the macros of conversions.py: "\x01code\x02message".
_RAISED = re.compile("\x01(\\d+)\x02(.*?)\x03", re.S)

_ENGINE = [
    (r'Could not convert string "(.*?)" to DECIMAL', "100038", "Numeric value '{0}' is not recognized"),
    (r"Could not convert string '(.*?)' to (?:U?INT|BIGINT|HUGEINT|DOUBLE|FLOAT|SMALLINT|TINYINT)", "100038",
     "Numeric value '{0}' is not recognized"),
    (r"Could not convert string '(.*?)' to BOOL", "100037", "Boolean value '{0}' is not recognized"),
    (r'Could not cast value (.*?) to DECIMAL\((\d+),(\d+)\)', "100046",
     "Number out of representable range: type FIXED[SB16]({1},{2}){{nullable}}, value {0}"),
    (r"Casting value \"(.*?)\" to type DECIMAL\((\d+),(\d+)\) failed", "100046",
     "Number out of representable range: type FIXED[SB16]({1},{2}){{nullable}}, value {0}"),
    (r'(?:date|timestamp) field value out of range: "(.*?)"', "100040", "Date '{0}' is not recognized"),
    (r'invalid (?:date|timestamp) field format: "(.*?)"', "100040", "Date '{0}' is not recognized"),
    (r"Invalid string encoding found in Parquet file", "100144", "Invalid UTF8 detected in string"),
    (r"could not convert blob to UTF8", "100142", "Invalid UTF8 detected while decoding 'BINARY' as text"),
    (r"[Mm]alformed JSON.*?Input: \"?(.*)", "100069", "Error parsing JSON: {0}"),
    (r"NOT NULL constraint failed", "100072", "NULL result in a non-nullable column"),
    (r"Division by zero", "100051", "Division by zero"),
    (r"More than one row returned by a subquery", "090150", "Single-row subquery returns more than one row."),
]


def from_engine(text: str) -> SnowflakeError:
    """The service's words for an error of the engine below; what is not known is answered as an internal error."""
    raised = _RAISED.search(text)
    if raised:
        return SnowflakeError(raised.group(1), raised.group(2))
    for pattern, code, message in _ENGINE:
        found = re.search(pattern, text, re.S)
        if found:
            return SnowflakeError(code, message.format(*[(g or "").strip() for g in found.groups()]))
    column = re.search(r'Referenced column "(.*?)" not found', text) or re.search(
        r'Values list "\S+" does not have a column named "(.*?)"', text)
    if column:
        return invalid_identifier(column.group(1))
    function = re.search(r"(?:Scalar|Table|Aggregate)? ?Function with name (\S+) does not exist", text)
    if function:
        return compilation("002140", f"Unknown function {function.group(1).upper()}")
    return SnowflakeError("000603", "SQL execution internal error: the stand-in's engine says: " + text.strip()[:2000],
                          "XX000")
