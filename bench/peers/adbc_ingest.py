"""The ADBC driver for PostgreSQL into the bulk ingest of the ADBC driver for Snowflake. URI TABLE JSON-of-options"""

import json
import sys

import adbc_driver_postgresql.dbapi
import adbc_driver_snowflake.dbapi

uri, table, options = sys.argv[1:]
with adbc_driver_postgresql.dbapi.connect(uri) as source, source.cursor() as reading, \
        adbc_driver_snowflake.dbapi.connect(db_kwargs=json.loads(options), autocommit=True) as target, \
        target.cursor() as writing:
    reading.execute(f"SELECT * FROM {table}")
    writing.adbc_ingest(table.upper() + "_ADBC", reading.fetch_record_batch(), mode="create")
