"""Microsoft's mssql-python, its Arrow fetch, into pyarrow's writer. CONNECTION_STRING SQL OUT"""

import sys
import sysconfig
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / ".deps" / "venv-sqlserver" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"))

import pyarrow.parquet as pq
from mssql_python import connect

connection, sql, out = sys.argv[1:]
cursor = connect(connection).cursor()
cursor.execute(sql)
reader = cursor.arrow_reader(batch_size=50_000)
with pq.ParquetWriter(f"{out}/out.parquet", reader.schema, compression="zstd", compression_level=1) as writer:
    for batch in reader:
        writer.write_batch(batch)
