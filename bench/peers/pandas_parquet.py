"""pandas in chunks over SQLAlchemy and psycopg2, a file per chunk. URI TABLE OUT"""

import sys

import pandas
import sqlalchemy

uri, table, out = sys.argv[1:]
engine = sqlalchemy.create_engine(uri.replace("postgresql://", "postgresql+psycopg2://"))
with engine.connect().execution_options(stream_results=True) as connection:
    for number, chunk in enumerate(pandas.read_sql(f"SELECT * FROM {table}", connection, chunksize=100_000)):
        for name in chunk.columns[chunk.dtypes == object]:
            if chunk[name].map(type).isin([dict, list]).any() or name == "uid":
                chunk[name] = chunk[name].astype(str)
        chunk.to_parquet(f"{out}/{number:04}.parquet", compression="zstd", compression_level=1)
