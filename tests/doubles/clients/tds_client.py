"""Statements for a stand-in of SQL Server, carried out by python-tds, which shares no code with the drivers under test.

Started with where and who as JSON; a line of JSON on standard input {"database", "statements"} is answered by one line: {"rows"} of the
last statement that had some, as canonical text, or {"error", "message"}."""

import datetime
import json
import sys
import uuid

import pytds


def canonical(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    return str(value)


def answer(where, kept, request):
    """`kept` is a list with the connection, or empty."""
    rows = None
    try:
        if not kept:
            kept.append(pytds.connect(**where, database="master", autocommit=True, timeout=60, login_timeout=30))
        with kept[0].cursor() as cursor:
            for statement in ("USE [" + request["database"].replace("]", "]]") + "]", *request["statements"], "USE master"):
                cursor.execute(statement)
                more = True
                while more:  # also errors behind the first result must be seen
                    if cursor.description:
                        rows = [[canonical(value) for value in row] for row in cursor.fetchall()]
                    more = cursor.nextset()
    except pytds.Error as error:
        if kept:
            kept.pop().close()
        return {"error": getattr(error, "msg_no", 0) or getattr(error, "number", 0), "message": str(error)}
    return {"rows": rows}


if __name__ == "__main__":
    place, connection = json.loads(sys.argv[1]), []
    place["password"] = open(place.pop("password_file")).read()
    for line in sys.stdin:
        print(json.dumps(answer(place, connection, json.loads(line))), flush=True)
