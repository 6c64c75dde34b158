"""The floor of the encoder's work: Arrow's Parquet writer, fed from memory. encode.py PARQUET OUT

Prints the processor seconds of writing alone: with the whole table in memory, zstd level 1, and row groups of 16 MiB."""

import resource
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


pa.set_cpu_count(1)
table = pq.read_table(sys.argv[1], use_threads=False).combine_chunks()
rows = max(1, int(table.num_rows * (16 << 20) / table.nbytes))
start = cpu()
with pq.ParquetWriter(sys.argv[2], table.schema, compression="zstd", compression_level=1,
                      store_decimal_as_integer=True) as writer:
    writer.write_table(table, row_group_size=rows)
print(f"encode_cpu={cpu() - start:.3f}")
