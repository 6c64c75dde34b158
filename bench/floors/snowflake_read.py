#!/usr/bin/env python3
"""The bare read: the ADBC driver's batches, thrown away. With a second argument they are written by Arrow's own writer into
nothing (parquet: zstd level 1), which is the encoder's part. Prints rows and the processor seconds of reading and of encoding."""

import json
import sys
import time

import adbc_driver_manager
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import dbapi

options, query, encode = json.loads(sys.argv[1]), sys.argv[2], len(sys.argv) > 3
driver = options.pop("driver")
began = time.process_time()
rows, encoding, writer = 0, 0.0, None


class Nowhere:
    closed = False

    def write(self, data):
        return len(data)

    def flush(self):
        pass

    def close(self):
        self.closed = True

    def writable(self):
        return True

    def readable(self):
        return False

    def seekable(self):
        return False


with dbapi.connect(driver=driver, db_kwargs=options) as connection, connection.cursor() as cursor:
    cursor.adbc_statement.set_options(**{"adbc.snowflake.rpc.prefetch_concurrency": "2", "adbc.rpc.result_queue_size": "4"})
    cursor.execute(query)
    for batch in cursor.fetch_record_batch():
        rows += batch.num_rows
        if encode:
            from_here = time.thread_time()
            if writer is None:
                writer = pq.ParquetWriter(pa.PythonFile(Nowhere(), "w"), batch.schema, compression="zstd", compression_level=1)
            writer.write_batch(batch)
            encoding += time.thread_time() - from_here
    if writer is not None:
        from_here = time.thread_time()
        writer.close()
        encoding += time.thread_time() - from_here
print(json.dumps({"rows": rows, "cpu": time.process_time() - began, "encoding": encoding}))
