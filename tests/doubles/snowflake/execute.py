"""From the text of a statement to the function that carries it out."""

import re

from sqlglot import exp

from . import errors, results
from .conversions import quote
from .options import count_statements
from .statements import alter, copy, create, describe, dml, drop, grant, merge, show, stage
from .statements import query as queries
from .statements import session as session_statements
from .translate import parse

_COMMENTS = re.compile(r"^(\s+|--[^\n]*(\n|$)|//[^\n]*(\n|$)|/\*.*?\*/|;)+", re.S)

_BY_TEXT = {
    "PUT": stage.put, "GET": stage.get, "LIST": stage.list_files, "LS": stage.list_files, "REMOVE": stage.remove,
    "RM": stage.remove, "COPY": copy.copy_into, "SHOW": show.show, "DESC": describe.describe, "DESCRIBE": describe.describe,
    "USE": session_statements.use, "SET": session_statements.set_variable, "UNSET": session_statements.set_variable,
    "BEGIN": session_statements.begin, "START": session_statements.begin, "COMMIT": session_statements.commit,
    "ROLLBACK": session_statements.rollback, "GRANT": grant.grant, "REVOKE": grant.grant,
}
_DDL = {"CREATE": create.create, "DROP": drop.drop, "ALTER": alter.alter, "TRUNCATE": alter.truncate, "COMMENT": alter.comment}
_DML = {exp.Insert: dml.insert, exp.Update: dml.update, exp.Delete: dml.delete, exp.Merge: merge.merge}


def run(service, session, query) -> results.Result:
    query.sql = bind(query.sql, query.bindings)
    text = _COMMENTS.sub("", query.sql).rstrip().rstrip(";").rstrip()
    if not text:
        raise errors.SnowflakeError("000900", "SQL compilation error:\nEmpty SQL statement.", "42601")
    count = count_statements(text)
    if count > 1:
        raise errors.SnowflakeError("000008", f"Actual statement count {count} did not match the desired statement count 1.",
                                    "0A000")
    word = re.match(r"[A-Za-z]*", text).group().upper()
    query.kind = word
    service.current = query
    ended = session.transaction is not None and session.transaction.aborted
    if ended and word not in ("COMMIT", "ROLLBACK"):
        raise errors.SnowflakeError("000671", "The current transaction was aborted by an error; statements are refused until "
                                    "COMMIT or ROLLBACK.", "25P02")
    lost = session.lost_transaction
    if word in ("COMMIT", "ROLLBACK", "BEGIN", "START"):
        session.lost_transaction = None
    if lost and service.settings["report_ended_transactions"] and word != "ROLLBACK":
        raise errors.SnowflakeError("000671", f"Transaction {lost} was aborted.", "25P02")
    if query.describe and word not in ("SELECT", "WITH", ""):
        raise errors.NotImplementedHere(f"describeOnly of {word}")
    if word in _BY_TEXT:
        return _BY_TEXT[word](service, session, query)
    if re.match(r"ALTER\s+SESSION\b", text, re.I):
        return session_statements.alter_session(service, session, query)
    if word in _DDL:
        session_statements.end(service, session)
        result = _DDL[word](service, session, query)
        session_statements.end(service, session)  # the rows of CREATE TABLE AS SELECT are part of it
        return result
    if word == "CALL":
        call = re.match(r"CALL\s+(SYSTEM\$.*)", text, re.I | re.S)
        if not call:
            raise errors.NotImplementedHere("CALL")
        return queries.select(service, session, query, parse("SELECT " + call.group(1)))
    if word in ("EXECUTE", "UNDROP", "EXPLAIN", "DECLARE"):
        raise errors.NotImplementedHere(word)
    node = parse(text)
    for kind, function in _DML.items():
        if isinstance(node, kind):
            return function(service, session, query, node)
    if isinstance(node, (exp.Select, exp.SetOperation, exp.Values, exp.Subquery)):
        query.kind = "SELECT"
        return queries.select(service, session, query, node)
    raise errors.syntax(1, 0, word or text[:10])


def bind(sql: str, bindings: dict) -> str:
    """Puts the values of ? and :1 into the text."""
    if not bindings:
        return sql
    out, position = [], 0
    for token in re.finditer(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\?|(?<!:):(\d+)\b", sql, re.S):
        if token.group() != "?" and token.group(1) is None:
            continue
        out.append(sql[position:token.start()])
        number = token.group(1) or str(sum(1 for part in out if part is _MARK) + 1)
        if number not in bindings:
            raise errors.compilation("002049", f"Bind variable ?{number} not set.")
        out.append(_literal(bindings[number]))
        out.append(_MARK)
        position = token.end()
    out.append(sql[position:])
    return "".join(out)


class _Mark(str):
    pass


_MARK = _Mark("")


def _literal(binding: dict) -> str:
    value, kind = binding.get("value"), str(binding.get("type", "TEXT")).upper()
    if isinstance(value, list):
        raise errors.NotImplementedHere("arrays of bind variables")
    if value is None:
        return "NULL"
    if kind == "FIXED" or kind == "REAL":
        return str(value)
    if kind == "BOOLEAN":
        return str(value).upper()
    if kind == "BINARY":
        return f"TO_BINARY({quote(str(value))}, 'HEX')"
    if kind == "DATE":
        return f"TO_DATE(TO_TIMESTAMP_NTZ({int(value)}, 3))"
    if kind == "TIME":
        return f"DATEADD(nanosecond, {int(value)}, '00:00:00'::TIME)"
    if kind in ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP"):
        return f"TO_{'TIMESTAMP_NTZ' if kind != 'TIMESTAMP_LTZ' else kind}({int(value)}, 9)"
    if kind == "TIMESTAMP_TZ":
        raise errors.NotImplementedHere("bind variables of TIMESTAMP_TZ")
    return quote(str(value).replace("\\", "\\\\"))
