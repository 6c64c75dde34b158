"""`pulk export`: Snowflake (the stand-in) to an S3 server that checks signatures. Files are read by pyarrow, Python's csv and
json; what the bucket knows of them is told by boto3."""

import csv
import datetime as dt
import decimal
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.register_assert_rewrite("export_support")
from export_support import DATABASE, export, table, warehouse, world  # noqa: F401 - fixtures
from support.s3 import BUCKET
from support.snowflake import PASSWORD

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_that_ships(world, s3):
    shutil.copytree(ROOT / "config", world.folder / "config")
    done = world.run("export", "--parallel", "1", env={**world.variables, "LC_ALL": "C"})
    assert done.code == 0, done.stderr
    assert s3.keys() == ["exports/customer/data.parquet", "exports/order_summary/data.csv", "exports/orders/data.parquet",
                         "exports/recent_orders/data.parquet"]
    orders = table(s3, "exports/orders/data.parquet").sort_by("O_ORDERKEY").to_pylist()
    assert [row["O_TOTALPRICE"] for row in orders] == [decimal.Decimal(text) for text in ("173665.47", "0.05", "12.30")]
    assert orders[2]["O_ORDERDATE"] == dt.date(1996, 1, 2)
    assert sorted(table(s3, "exports/recent_orders/data.parquet")["O_ORDERKEY"].to_pylist()) == [1, 2]
    rows = sorted(csv.reader(io.StringIO(s3.content("exports/order_summary/data.csv").decode())))
    assert rows == [["7", "2", "173665.52"], ["8", "1", "12.30"], ["O_CUSTKEY", "ORDER_COUNT", "TOTAL_SPENT"]]
    kinds = {key: s3.control("head", bucket=BUCKET, key=key)["ContentType"] for key in s3.keys()}
    assert kinds["exports/orders/data.parquet"] == "application/octet-stream" and kinds["exports/order_summary/data.csv"] == "text/csv"

    lines = done.stderr.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - INFO - ", line) for line in lines), done.stderr
    texts = [line.split(" - INFO - ", 1)[1] for line in lines]
    assert texts[:5] == ["Connecting to Snowflake", "Fetching data for ORDERS", "Fetched 3 rows", "Exporting to exports/orders/data.parquet",
                         f"Export complete: s3://{BUCKET}/exports/orders/data.parquet"]
    closing = texts[texts.index("Pipeline complete") + 1:]
    assert [line.split(" (")[0] for line in closing] == ["  ok ORDERS", "  ok CUSTOMER", "  ok RECENT_ORDERS", "  ok ORDER_SUMMARY"]


def test_one_that_fails_does_not_stop_the_others(world, s3):
    done = export(world, {"table": "ORDERS", "s3_path": "a.parquet"}, {"table": "NOT_THERE", "s3_path": "b.parquet"},
                  {"table": "CUSTOMER", "s3_path": "c.json", "file_type": "json"}, LC_ALL="C.UTF-8")
    assert done.code == 5, done.stderr
    assert s3.keys() == ["a.parquet", "c.json"] and s3.uploads() == []
    assert "✓ ORDERS (3 rows" in done.stderr and "✓ CUSTOMER (2 rows" in done.stderr
    assert re.search(r"✗ NOT_THERE: .*NOT_THERE", done.stderr), done.stderr
    lines = sorted(s3.content("c.json").decode().splitlines())
    assert [json.loads(line) for line in lines] == [{"C_CUSTKEY": 7, "C_NAME": "Customer#7"}, {"C_CUSTKEY": 8, "C_NAME": None}]


VALUES = {  # expression: what CSV says, what JSON says
    "1::NUMBER(38,0)": ("1", 1),
    "99999999999999999999999999999999999999::NUMBER(38,0)": ("9" * 38, int("9" * 38)),
    "-0.05::NUMBER(10,2)": ("-0.05", -0.05),
    "TRUE": ("true", True),
    "0.1::FLOAT": ("0.1", 0.1),
    "'NaN'::FLOAT": ("NaN", "NaN"),
    "'-inf'::FLOAT": ("-Infinity", "-Infinity"),
    "''": ("", ""),
    "'a,\"b\"\\nc'": ('a,"b"\nc', 'a,"b"\nc'),
    "'\U0001F600'": ("\U0001F600", "\U0001F600"),
    "CHR(0) || 'x'": ("\0x", "\0x"),
    "' x '": (" x ", " x "),
    "DATE '0001-01-01'": ("0001-01-01", "0001-01-01"),
    "DATE '9999-12-31'": ("9999-12-31", "9999-12-31"),
    "TIME '23:59:59.123456789'": ("23:59:59.123456789", "23:59:59.123456789"),
    "'2026-11-21 18:00:02.424560'::TIMESTAMP_NTZ(6)": ("2026-11-21 18:00:02.424560", "2026-11-21T18:00:02.424560"),
    "'1969-12-31 23:59:59.999999999'::TIMESTAMP_NTZ(9)": ("1969-12-31 23:59:59.999999999", "1969-12-31T23:59:59.999999999"),
    "TO_BINARY('00FF', 'HEX')": ("00FF", "00FF"),
}


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_values_as_text(world, s3, kind):
    query = "SELECT " + ", ".join(f"{expression} AS C{i}" for i, expression in enumerate(VALUES)) + ", NULL::VARCHAR AS N"
    done = export(world, {"table": "VALUES", "s3_path": "v." + kind, "file_type": kind, "query": query})
    assert done.code == 0, done.stderr
    text = s3.content("v." + kind).decode()
    if kind == "csv":
        header, row = csv.reader(io.StringIO(text, newline=""))
        assert row == [said for said, _ in VALUES.values()] + [""]
        assert text.endswith('"",' * 0 + ",\n") and ',"",' in text  # NULL is bare, an empty text is not
    else:
        row = json.loads(text, parse_float=decimal.Decimal)
        expected = [decimal.Decimal(str(said)) if isinstance(said, float) else said for _, said in VALUES.values()]
        assert list(row.values()) == expected + [None]


def test_moments_of_every_year(world, s3, warehouse):
    warehouse.sql(f"CREATE OR REPLACE TABLE {DATABASE}.PUBLIC.MOMENTS (N NUMBER(2,0), T TIMESTAMP_NTZ(9), Z TIMESTAMP_TZ(9))")
    warehouse.sql(f"INSERT INTO {DATABASE}.PUBLIC.MOMENTS VALUES (1, '0001-01-01 00:00:00.000001', '2026-11-21 18:00:00.5 +05:30'), "
                  "(2, '9999-12-31 23:59:59.999999', NULL), (3, NULL, '1900-01-01 00:00:00 -03:30')")
    entry = {"table": DATABASE + ".PUBLIC.MOMENTS"}
    done = export(world, {**entry, "s3_path": "m.parquet"}, {**entry, "s3_path": "m.csv", "file_type": "csv"})
    assert done.code == 0, done.stderr
    rows = table(s3, "m.parquet").sort_by("N")
    assert str(rows.schema.field("T").type) == "timestamp[us]"
    assert rows["T"].to_pylist() == [dt.datetime(1, 1, 1, 0, 0, 0, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), None]
    offsets = ["2026-11-21 18:00:00.500000000 +05:30", None, "1900-01-01 00:00:00.000000000 -03:30"]
    assert rows["Z"].to_pylist() == offsets
    lines = sorted(csv.reader(io.StringIO(s3.content("m.csv").decode())))[:3]
    assert [line[1] for line in lines] == ["0001-01-01 00:00:00.000001000", "9999-12-31 23:59:59.999999000", ""]

    warehouse.sql(f"INSERT INTO {DATABASE}.PUBLIC.MOMENTS VALUES (4, '2026-11-21 18:00:00.000000001', NULL)")
    done = export(world, {**entry, "s3_path": "fine.parquet"})
    assert done.code == 5 and "column T" in done.stderr and "2026-11-21 18:00:00.000000001" in done.stderr, done.stderr
    assert "fine.parquet" not in s3.keys() and s3.uploads() == []


def test_everything_that_is_wrong_is_said_before_work_starts(world, warehouse):
    before = len(warehouse.statements())
    done = export(world, {"table": "ORDERS", "s3_path": "/a.parquet", "file_type": "parqet"},
                  {"table": "ORDERS", "s3_path": "b.csv", "file_type": "csv", "compression": "snappy", "max_file_size": "1GiB"},
                  {"s3_path": "b.csv"}, {"table": "X", "s3_path": "c", "querry": "SELECT 1"})
    assert done.code == 1
    for text in ("exports[0].file_type", 'did you mean "parquet"', "exports[0].s3_path", "exports[1].compression", "exports[1].max_file_size",
                 '"table" is missing', "exports[2].s3_path", "exports[0]", "querry", 'did you mean "query"'):
        assert text in done.stderr, text + "\n" + done.stderr
    assert len(warehouse.statements()) == before

    done = world.run("export", "exports.json", env={})
    assert done.code == 1
    (world.folder / "exports.json").write_text('{"exports": [{"table": "T", "s3_path": "t"}]}')
    done = world.run("export", "exports.json", env={})
    assert done.code == 1 and "S3_BUCKET_NAME" in done.stderr and "account" in done.stderr, done.stderr


def test_variables_of_a_file(world, s3):
    (world.folder / ".env").write_text("".join(f"export {name}='{value}'\n" for name, value in world.variables.items()))
    (world.folder / ".env").chmod(0o600)
    done = export(world, {"table": "CUSTOMER", "s3_path": "c.csv", "file_type": "csv"}, **dict.fromkeys(()))
    assert done.code == 0, done.stderr
    sub = world.folder / "src"
    sub.mkdir()
    world.variables = {}
    done = export(world, {"table": "CUSTOMER", "s3_path": "d.csv", "file_type": "csv"})
    assert done.code == 0, done.stderr
    assert s3.keys() == ["c.csv", "d.csv"] and "can be read by everybody" not in done.stderr


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_into_a_folder_of_this_machine(world, ending):
    done = export(world, {"table": "ORDERS", "s3_path": "x/o." + ending, "file_type": ending}, {"table": "NONE", "query": "SELECT 1 AS A WHERE 1 = 0",
                  "s3_path": "none." + ending, "file_type": ending}, top={"destination": f"file://{world.folder}/out"})
    assert done.code == 0, done.stderr
    out = world.folder / "out"
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == ["none." + ending, "x/o." + ending]
    if ending == "parquet":
        assert pq.read_table(out / "none.parquet").num_rows == 0 and pq.read_table(out / "x/o.parquet").num_rows == 3
    else:
        assert (out / f"none.{ending}").read_text() == {"csv": "A\n", "json": ""}[ending]


def test_an_upload_that_fails_leaves_what_was_there(world, s3):
    entry = {"table": "ORDERS", "s3_path": "o.parquet"}
    assert export(world, entry).code == 0
    old = s3.content("o.parquet")
    s3.fault("UploadPart", "error", times=100, status=403, code="AccessDenied", message="no")
    done = export(world, entry)
    s3.heal()
    assert done.code == 5 and "AccessDenied" in done.stderr, done.stderr
    assert s3.content("o.parquet") == old and s3.uploads() == []
    # A lost answer: the old object of the same size must not be taken for the new one.
    s3.fault("CompleteMultipartUpload", "lose")
    done = export(world, {**entry, "query": "SELECT 9 - O_ORDERKEY AS O_ORDERKEY, O_CUSTKEY, O_ORDERSTATUS, O_TOTALPRICE, O_ORDERDATE FROM ORDERS"})
    assert done.code == 0, done.stderr
    assert sorted(table(s3, "o.parquet")["O_ORDERKEY"].to_pylist()) == [6, 7, 8]
    assert export(world, {**entry, "if_exists": "refuse"}).code == 5


def test_no_secret_is_shown(world, s3):
    done = export(world, {"table": "ORDERS", "s3_path": "o.parquet"}, args=["-v"])
    assert done.code == 0, done.stderr
    for secret in (PASSWORD, s3.mover["secret_key"]):
        assert secret not in done.stderr + done.stdout


def test_no_disk_is_needed(world, s3):
    """Whoever wrote a byte into any file would be ended by SIGXFSZ."""
    (world.folder / "exports.json").write_text(json.dumps({"exports": [{"table": "ORDERS", "s3_path": "o.parquet"},
                                                                       {"table": "CUSTOMER", "s3_path": "c.csv", "file_type": "csv"}]}))
    done = subprocess.run(["prlimit", "--fsize=0", world.binary, "export", "exports.json"], cwd=world.folder, capture_output=True, text=True,
                          env=world.environment(world.variables), timeout=60)
    assert done.returncode == 0, done.stderr
    assert s3.keys() == ["c.csv", "o.parquet"] and table(s3, "o.parquet").num_rows == 3
