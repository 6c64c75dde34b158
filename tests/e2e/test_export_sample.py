"""`pulk export --sample` and `--plan`: what needs no database, and what reads nothing."""

import csv
import io
import json
import re

import duckdb
import pyarrow.parquet as pq
import pytest
from support.s3 import BUCKET

ORDERS = ["order_id", "customer_id", "product", "quantity", "price", "created_at"]
CUSTOMERS = ["customer_id", "name", "email", "city", "created_at"]


def check(orders, text, customers):
    assert orders.column_names == ORDERS and customers.column_names == CUSTOMERS
    assert (orders.num_rows, customers.num_rows) == (100, 20)
    rows = list(csv.DictReader(io.StringIO(text)))
    for row, said in zip(orders.to_pylist(), rows, strict=True):
        assert re.fullmatch(r"ORD_\d{6}", row["order_id"]) and re.fullmatch(r"CUST_00(0[1-9]|1\d|20)", row["customer_id"])
        assert row["product"] in ("Widget", "Gadget", "Gizmo", "Doohickey") and 1 <= row["quantity"] <= 10 and 10 <= row["price"] <= 500
        assert [said["order_id"], int(said["quantity"]), float(said["price"])] == [row["order_id"], row["quantity"], row["price"]]
        assert said["created_at"] == row["created_at"].strftime("%Y-%m-%d %H:%M:%S.%f")
    assert customers["email"][2].as_py() == "customer3@example.com" and customers["name"][0].as_py() == "Customer 1"


def test_files_here(pulk):
    done = pulk.run("export", "--sample", "--seed", "7", env={"LC_ALL": "C.UTF-8"}).expect(0, "Generating sample data...", "✓ test_orders.csv")
    names = sorted(path.name for path in pulk.folder.iterdir() if path.name.startswith("test_"))
    assert names == ["test_customers.parquet", "test_orders.csv", "test_orders.parquet"]
    orders = pq.read_table(pulk.folder / "test_orders.parquet")
    check(orders, (pulk.folder / "test_orders.csv").read_text(), pq.read_table(pulk.folder / "test_customers.parquet"))
    first = orders.to_pylist()[0]
    shown = next(line for line in done.stdout.splitlines() if line.startswith("0  ORD_"))
    assert shown.split()[:4] == ["0", first["order_id"], first["customer_id"], first["product"]]
    pulk.run("export", "--sample", "--seed", "7").expect(0)
    assert pq.read_table(pulk.folder / "test_orders.parquet").equals(orders)
    pulk.run("export", "--sample").expect(0)
    assert not pq.read_table(pulk.folder / "test_orders.parquet").equals(orders)
    pulk.run("export", "--s3").expect(1, "--sample")


def test_objects_in_the_bucket(pulk, s3):
    done = pulk.run("export", "--sample", "--s3", env={**s3.environment(), "S3_BUCKET_NAME": BUCKET, "LC_ALL": "C.UTF-8"}).expect(0)
    assert done.stdout.splitlines() == [
        "Generating sample data...", "Connecting to S3...", "Uploading orders (parquet)...", f"  ✓ s3://{BUCKET}/test/orders.parquet",
        "Uploading orders (csv)...", f"  ✓ s3://{BUCKET}/test/orders.csv", "Uploading customers (parquet)...",
        f"  ✓ s3://{BUCKET}/test/customers.parquet", "", "S3 export complete!"]
    assert s3.keys() == ["test/customers.parquet", "test/orders.csv", "test/orders.parquet"]

    def read(key):
        return pq.read_table(io.BytesIO(s3.content(key)))

    check(read("test/orders.parquet"), s3.content("test/orders.csv").decode(), read("test/customers.parquet"))
    pulk.run("export", "--sample", "--s3", env={**s3.environment(), "S3_BUCKET_NAME": "not-there"}).expect(1, "not-there")
    done = pulk.run("export", "--sample", "--s3").expect(1, "set S3_BUCKET_NAME")
    assert "s3://" not in done.stderr, done


@pytest.mark.parametrize("flag", [("--plan",), ("--summary", "s.json"), ("--only", "T"), ("--parallel", "2"), ("--config", "c.toml")])
def test_flags_that_have_no_effect(pulk, flag):
    done = pulk.run("export", "--sample", *flag).expect(1, flag[0])
    assert not list(pulk.folder.glob("test_*")), done


def test_a_plan(pulk, db):
    pulk.write_config(db)
    with duckdb.connect(str(pulk.target)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS i, [1] AS many, INTERVAL 1 DAY AS gap")
    (pulk.folder / "exports.json").write_text(json.dumps({"source": "duckdb", "destination": f"file://{pulk.folder}/out", "exports": [
        {"table": "t", "s3_path": "t.csv", "file_type": "csv"}, {"table": "nothing", "s3_path": "n.parquet"}]}))
    done = pulk.run("export", "exports.json", "--plan").expect(5)
    lines = done.stdout.splitlines()
    assert lines[2].split() == ["t", "stream", "csv", "3", f"{pulk.folder}/out/t.csv"], done.stdout
    for text in ("t: column many: a nested type as JSON", "t: column gap: INTERVAL as text", "nothing: cannot be exported: "):
        assert text in done.stdout, done.stdout
    assert not (pulk.folder / "out").exists()
