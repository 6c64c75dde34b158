"""Runs a list of statements with one of Snowflake's own clients; for the tests of the stand-in.

    run_statements.py connector|adbc  < {"options": …, "statements": [[sql, …], …]}  > results as JSON

Each inner list is one session. A result is {"rows": [[text or null]], "columns": [names]} or {"error": code}. Values are written the
same way by each client: numbers without trailing zeros of a fraction that is zero, points in time in UTC with microseconds,
bytes in hexadecimal. PUT and GET give no rows: their rows are made up by each client.
"""

import datetime
import decimal
import json
import re
import sys


def canonical(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def error_code(error) -> str:
    number = getattr(error, "errno", None)
    if number and number > 0:
        return str(number).zfill(6)
    found = re.search(r"\b(\d{6}) \(", str(error)) or re.search(r"Vendor code: (\d+)", str(error))
    return found.group(1).zfill(6) if found else f"{type(error).__name__}: {error}"[:300]


class Connector:
    def __init__(self, options):
        import snowflake.connector
        self.module = snowflake.connector
        if "private_key" in options:
            from cryptography.hazmat.primitives import serialization
            key = serialization.load_pem_private_key(options["private_key"].encode(), None)
            options = {**options, "private_key": key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                                                   serialization.NoEncryption())}
        self.connection = snowflake.connector.connect(**options)

    def run(self, sql):
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
            if re.match(r"\s*(PUT|GET)\b", sql, re.I):
                return {"rows": [], "columns": []}
            rows = [[canonical(v) for v in row] for row in cursor.fetchall()]
            return {"rows": rows, "columns": [d[0] for d in cursor.description]}
        except self.module.errors.Error as error:
            return {"error": error_code(error)}
        finally:
            cursor.close()

    def close(self):
        self.connection.close()


class Adbc:
    def __init__(self, options):
        import adbc_driver_snowflake.dbapi
        self.connection = adbc_driver_snowflake.dbapi.connect(db_kwargs=options, autocommit=True)

    def run(self, sql):
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
            if re.match(r"\s*(PUT|GET)\b", sql, re.I):
                return {"rows": [], "columns": []}
            columns = [[self.cell(v) for v in column] for column in table.columns]
            return {"rows": [list(row) for row in zip(*columns)], "columns": table.column_names}
        except Exception as error:  # of the driver; a fault of this file would show as a code that no one expects
            return {"error": error_code(error)}
        finally:
            cursor.close()

    @staticmethod
    def cell(value):
        import pyarrow as pa
        if value.is_valid and pa.types.is_timestamp(value.type) and value.type.unit == "ns":
            value = pa.scalar(value.value // 1000, pa.timestamp("us", value.type.tz))
        if value.is_valid and pa.types.is_time64(value.type) and value.type.unit == "ns":
            value = pa.scalar(value.value // 1000, pa.time64("us"))
        return canonical(value.as_py())

    def close(self):
        self.connection.close()


def main():
    work = json.load(sys.stdin)
    kind = {"connector": Connector, "adbc": Adbc}[sys.argv[1]]
    out = []
    for statements in work["statements"]:
        try:
            client = kind(work["options"])
        except Exception as error:  # a refused login is a result too
            out.append([{"error": error_code(error)}])
            continue
        out.append([client.run(sql) for sql in statements])
        client.close()
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
