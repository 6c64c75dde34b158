"""The ADBC driver for PostgreSQL into pyarrow's writer. URI TABLE OUT"""

import sys

import adbc_driver_postgresql.dbapi
import pyarrow.parquet as pq

uri, table, out = sys.argv[1:]
with adbc_driver_postgresql.dbapi.connect(uri) as connection, connection.cursor() as cursor:
    cursor.execute(f"SELECT * FROM {table}")
    reader = cursor.fetch_record_batch()
    with pq.ParquetWriter(f"{out}/{table}.parquet", reader.schema, compression="zstd", compression_level=1) as writer:
        for batch in reader:
            writer.write_batch(batch)
