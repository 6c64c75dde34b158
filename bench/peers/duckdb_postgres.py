"""DuckDB with its postgres extension. URI TABLE OUT THREADS"""

import importlib.util
import sys
from pathlib import Path

import duckdb

uri, table, out, threads = sys.argv[1:]
con = duckdb.connect(config={"threads": int(threads)})
package = Path(importlib.util.find_spec("duckdb_extension_postgres_scanner").submodule_search_locations[0])
con.execute(f"LOAD '{next(package.rglob('*.duckdb_extension'))}'")
con.execute(f"ATTACH '{uri}' AS pg (TYPE postgres, READ_ONLY)")
con.execute(f"COPY (SELECT * FROM pg.public.{table}) TO '{out}/{table}.parquet' "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
