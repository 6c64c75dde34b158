"""What the tests of `pulk export` share: a warehouse with two tables, the variables that a user sets, and readers of what was
written that are not pulk's."""

import ctypes
import ctypes.util
import io
import json

import pyarrow.parquet as pq
import pytest
from support.s3 import BUCKET

DATABASE = "SNOWFLAKE_SAMPLE_DATA"

# Exports of the two tables: a file each, and a folder with two files.
ORDERS = {"table": "ORDERS", "s3_path": "o.parquet"}
CUSTOMER = {"table": "CUSTOMER", "s3_path": "c.csv", "file_type": "csv"}
FOLDER = {"table": "ORDERS", "s3_path": "orders/", "partition_by": ["O_ORDERSTATUS"], "file_type": "csv"}


def fill(server):
    server.control("databases", name=DATABASE, schemas=["TPCH_SF1", "PUBLIC"])
    place = f"{DATABASE}.TPCH_SF1"
    server.sql(f"CREATE OR REPLACE TABLE {place}.ORDERS (O_ORDERKEY NUMBER(38,0), O_CUSTKEY NUMBER(38,0), "
               "O_ORDERSTATUS VARCHAR(1), O_TOTALPRICE NUMBER(12,2), O_ORDERDATE DATE)")
    server.sql(f"INSERT INTO {place}.ORDERS VALUES (1, 7, 'O', 173665.47, CURRENT_DATE()), (2, 7, 'F', 0.05, "
               "DATEADD(day, -3, CURRENT_DATE())), (3, 8, 'F', 12.30, DATE '1996-01-02')")
    server.sql(f"CREATE OR REPLACE TABLE {place}.CUSTOMER (C_CUSTKEY NUMBER(38,0), C_NAME VARCHAR(25))")
    server.sql(f"INSERT INTO {place}.CUSTOMER VALUES (7, 'Customer#7'), (8, NULL)")


@pytest.fixture(scope="module")
def warehouse(snowflake_server):
    fill(snowflake_server)
    return snowflake_server


@pytest.fixture
def world(pulk, warehouse, s3):
    """pulk with the ten variables of a user, and where the two stand-ins are."""
    pulk.variables = {**s3.environment(), **warehouse.environment(DATABASE, "TPCH_SF1"), "AWS_REGION": "us-east-1", "S3_BUCKET_NAME": BUCKET}
    return pulk


def write(pulk, *exports, **top):
    (pulk.folder / "exports.json").write_text(json.dumps({**top, "exports": list(exports)}))


def export(pulk, *exports, args=(), top=None, **more):
    write(pulk, *exports, **(top or {}))
    return pulk.run("export", "exports.json", *args, env={**pulk.variables, **more})


def table(s3, key):
    return pq.read_table(io.BytesIO(s3.content(key)))


class Digest128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def xxh3_128(data: bytes) -> str:
    """By the library of the algorithm's author."""
    digest = ctypes.CDLL(ctypes.util.find_library("xxhash")).XXH3_128bits
    digest.restype, digest.argtypes = Digest128, (ctypes.c_char_p, ctypes.c_size_t)
    value = digest(data, len(data))
    return f"{value.high:016x}{value.low:016x}"


def local_files(folder) -> list:
    """All files below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
