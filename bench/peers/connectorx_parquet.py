"""ConnectorX, two partitions by key, streamed into pyarrow's writer. URI TABLE OUT KEY"""

import sys

import connectorx
import pyarrow.parquet as pq

uri, table, out, key = sys.argv[1:]
reader = connectorx.read_sql(uri, f"SELECT * FROM {table}", partition_on=key, partition_num=2,
                             return_type="arrow_stream", batch_size=65536)
with pq.ParquetWriter(f"{out}/{table}.parquet", reader.schema, compression="zstd", compression_level=1) as writer:
    for batch in reader:
        writer.write_batch(batch)
