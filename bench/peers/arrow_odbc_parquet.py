"""arrow-odbc into pyarrow's writer, with its own settings but a limit of 4,096 bytes a cell. CONNECTION_STRING SQL OUT"""

import sys

import pyarrow.parquet as pq
from arrow_odbc import read_arrow_batches_from_odbc

connection, sql, out = sys.argv[1:]
# Drivers name no length for some columns; 4,096 is also what odbc2parquet is given.
reader = read_arrow_batches_from_odbc(query=sql, connection_string=connection, max_text_size=4096, max_binary_size=4096)
with pq.ParquetWriter(f"{out}/out.parquet", reader.schema, compression="zstd", compression_level=1) as writer:
    for batch in reader:
        writer.write_batch(batch)
