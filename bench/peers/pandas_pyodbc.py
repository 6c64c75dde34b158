"""pandas and pyodbc in chunks of 50,000 rows into pyarrow's writer, as the pipelines of many teams are. CONNECTION_STRING SQL OUT"""

import sys
import sysconfig
from pathlib import Path

# pyodbc is in the folder of what the tests need.
sys.path.append(str(Path(__file__).resolve().parents[2] / ".deps" / "venv-sqlserver" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"))

import pandas
import pyarrow
import pyarrow.parquet as pq
import pyodbc

connection, sql, out = sys.argv[1:]
writer = None
for chunk in pandas.read_sql(sql, pyodbc.connect(connection), chunksize=50_000):
    table = pyarrow.Table.from_pandas(chunk, preserve_index=False)
    if writer is None:
        writer = pq.ParquetWriter(f"{out}/out.parquet", table.schema, compression="zstd", compression_level=1)
    writer.write_table(table)
writer.close()
