"""pandas in chunks of 50,000 rows, each by write_pandas into Snowflake. URI TABLE JSON-of-connection"""

import json
import sys

import pandas
import snowflake.connector
import sqlalchemy
from snowflake.connector.pandas_tools import write_pandas

uri, table, keys = sys.argv[1:]
engine = sqlalchemy.create_engine(uri.replace("postgresql://", "postgresql+psycopg2://"))
with snowflake.connector.connect(**json.loads(keys)) as target, \
        engine.connect().execution_options(stream_results=True) as source:
    for chunk in pandas.read_sql(f"SELECT * FROM {table}", source, chunksize=50_000):
        done, _, rows, _ = write_pandas(target, chunk, table.upper() + "_PANDAS", auto_create_table=True, overwrite=False,
                                        quote_identifiers=True, chunk_size=100_000)
        assert done and rows == len(chunk), (done, rows, len(chunk))
