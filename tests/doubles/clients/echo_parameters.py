"""Sends values of many types as parameters to a SQL Server and says what came back wrong, and what a table
holds after an insert of many rows. Arguments: client (pyodbc, mssql-python, python-tds), then what it connects with. Needs a table
echo (n int, t nvarchar(20), d decimal(10, 2), m datetime2(6))."""

import datetime
import decimal
import json
import sys
import uuid

VALUES = [True, 7, -2**40, 1.5, decimal.Decimal("-12345678901234567890.0123456789"), "żółw", "", "x" * 5000, b"\x00\xff", b"y" * 9000,
          datetime.date(2020, 2, 29), datetime.time(23, 59, 59), datetime.datetime(2020, 2, 29, 23, 59, 59, 123456),
          uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"), None]
ROWS = [(1, "ż", decimal.Decimal("1.25"), datetime.datetime(2020, 1, 1, 1, 2, 3, 123456)), (2, None, None, None), (3, "", decimal.Decimal("-0.01"), None)]


def connect(client, where):
    if client == "pyodbc":
        import pyodbc
        pyodbc.native_uuid = True
        return pyodbc.connect(where), "?"
    if client == "mssql-python":
        import mssql_python
        return mssql_python.connect(where), "?"
    import pytds
    return pytds.connect(**json.loads(where)), "%s"


if __name__ == "__main__":
    connection, mark = connect(*sys.argv[1:3])
    cursor = connection.cursor()
    wrong = []
    if sys.argv[1] == "python-tds":
        import pytds
        VALUES = [pytds.Binary(value) if isinstance(value, bytes) else value for value in VALUES]
    for value in VALUES:
        cursor.execute(f"SELECT {mark}", (value,))
        (back,) = cursor.fetchone()
        if back != value or value is None and back is not None:
            wrong.append([repr(value)[:80], repr(back)[:80]])
    cursor.executemany(f"INSERT INTO echo VALUES ({mark}, {mark}, {mark}, {mark})", ROWS)
    connection.commit()
    cursor.execute("SELECT n, t, d, m FROM echo ORDER BY n")
    print(json.dumps({"wrong": wrong, "rows": [repr(tuple(row)) for row in cursor.fetchall()]}))
