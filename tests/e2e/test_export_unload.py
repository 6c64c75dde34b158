"""`pulk export` by the road unload: Snowflake (the stand-in) writes the files itself, by COPY INTO a stage on the bucket. Files are
read by pyarrow and Python's csv."""

import csv
import decimal
import io
import json

import pyarrow.parquet as pq
import pytest
from support.s3 import BUCKET

DATABASE = "UNLOADING"
STAGE = f"@{DATABASE}.PUBLIC.WHOLE"


@pytest.fixture(scope="module")
def warehouse(snowflake_server, s3_server):
    snowflake_server.control("s3", endpoint=s3_server.endpoint, **s3_server.mover)
    snowflake_server.control("databases", name=DATABASE, schemas=["PUBLIC"])
    for name, url in (("WHOLE", f"s3://{BUCKET}"), ("PART", f"s3://{BUCKET}/part/"), ("OTHER", "s3://other")):
        snowflake_server.sql(f"CREATE OR REPLACE STAGE {DATABASE}.PUBLIC.{name} URL = '{url}'")
    snowflake_server.sql(f"CREATE OR REPLACE STAGE {DATABASE}.PUBLIC.INTERNAL")
    place = f"{DATABASE}.PUBLIC"
    snowflake_server.sql(f"CREATE TABLE {place}.ORDERS (ID NUMBER(38,0), PRICE NUMBER(12,2), NAME VARCHAR, DAY DATE)")
    snowflake_server.sql(f"INSERT INTO {place}.ORDERS VALUES (1, 173665.47, 'a,\"b\"\\nc', '2026-11-21'), (2, NULL, '', NULL), "
                         f"({'9' * 38}, -0.05, NULL, '0001-01-01')")
    snowflake_server.sql(f"CREATE TABLE {place}.MOMENTS (N TIMESTAMP_NTZ(9), L TIMESTAMP_LTZ(6), Z TIMESTAMP_TZ(9), T TIME(9), "
                         "V VARIANT, B BINARY, F FLOAT)")
    snowflake_server.sql(f"INSERT INTO {place}.MOMENTS SELECT '9999-12-31 23:59:59.999999999', '2026-11-21 18:00:00.5 +02:00', "
                         "'0001-01-01 00:00:00.000000001 +05:30', '23:59:59.123456789', PARSE_JSON('{\"a\": [1, 2]}'), "
                         "TO_BINARY('00FF', 'HEX'), 0.1")
    return snowflake_server


@pytest.fixture
def world(pulk, warehouse, s3):
    pulk.variables = {**s3.environment(), **warehouse.environment(DATABASE, "PUBLIC"), "S3_BUCKET_NAME": BUCKET}
    return pulk


def export(pulk, *exports, args=(), **top):
    for entry in exports:
        entry.setdefault("road", "unload")
    (pulk.folder / "exports.json").write_text(json.dumps({"stage": STAGE, **top, "exports": exports}))
    return pulk.run("export", "exports.json", *args, env=pulk.variables)


def test_a_table_into_one_file_of_each_type(world, s3, warehouse):
    done = export(world, {"table": "ORDERS", "s3_path": "u/o.parquet"}, {"table": "ORDERS", "s3_path": "u/o.csv", "file_type": "csv"})
    done.expect(0)
    assert s3.keys() == ["u/o.csv", "u/o.parquet"]
    rows = sorted(pq.read_table(io.BytesIO(s3.content("u/o.parquet"))).to_pylist(), key=lambda row: row["ID"])
    assert [row["PRICE"] for row in rows] == [decimal.Decimal("173665.47"), None, decimal.Decimal("-0.05")]
    assert [row["NAME"] for row in rows] == ['a,"b"\nc', "", None] and rows[2]["ID"] == 10**38 - 1
    text = s3.content("u/o.csv").decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert header == ["ID", "PRICE", "NAME", "DAY"]
    assert sorted(lines) == [["1", "173665.47", 'a,"b"\nc', "2026-11-21"], ["2", "", "", ""], ["9" * 38, "-0.05", "", "0001-01-01"]]
    assert '2,,"",\n' in text  # NULL is bare, an empty text is not
    assert len(warehouse.statements("COPY INTO @")) >= 2


def test_what_cannot_be_unloaded_is_converted_and_said(world, s3):
    done = export(world, {"table": "MOMENTS", "s3_path": "m.parquet"}, args=["-v"])
    done.expect(0, "column L: TIMESTAMP_LTZ as text in UTC", "column Z: TIMESTAMP_TZ as text with its offset")
    [row] = pq.read_table(io.BytesIO(s3.content("m.parquet"))).to_pylist()
    assert json.loads(row.pop("V")) == {"a": [1, 2]}
    assert row == {"N": "9999-12-31 23:59:59.999999999", "L": "2026-11-21 16:00:00.500000000+00:00",
                   "Z": "0001-01-01 00:00:00.000000001 +05:30", "T": "23:59:59.123456789", "B": b"\0\xff", "F": 0.1}
    done = export(world, {"table": "MOMENTS", "s3_path": "m.csv", "file_type": "csv"})
    done.expect(5, "column F", "road: stream")
    assert "m.csv" not in s3.keys()


def test_a_folder_with_its_manifest(world, s3):
    for _ in range(2):  # the second one takes the place of the first
        export(world, {"table": "BIG", "query": "SELECT SEQ4() AS N, RANDSTR(100, RANDOM()) AS T FROM TABLE(GENERATOR(ROWCOUNT => 30000))",
                       "s3_path": "big/", "max_file_size": "1MiB"}).expect(0)
    manifest = json.loads(s3.content("big/_manifest.json"))
    assert manifest["rows"] == 30000 and len(manifest["files"]) > 1
    assert s3.keys() == sorted(["big/_SUCCESS", "big/_manifest.json"] + ["big/" + file["path"] for file in manifest["files"]])
    assert sum(pq.read_metadata(io.BytesIO(s3.content("big/" + file["path"]))).num_rows for file in manifest["files"]) == 30000


def test_no_rows_replace_an_older_file(world, s3):
    export(world, {"table": "ORDERS", "s3_path": "o.parquet"}).expect(0)
    export(world, {"table": "ORDERS", "query": "SELECT * FROM ORDERS WHERE 1 = 0", "s3_path": "o.parquet"}).expect(0)
    table = pq.read_table(io.BytesIO(s3.content("o.parquet")))
    assert table.num_rows == 0 and table.column_names == ["ID", "PRICE", "NAME", "DAY"]


def test_a_stage_over_a_part_of_the_bucket(world, s3):
    entry = {"table": "ORDERS", "s3_path": "o.parquet"}
    export(world, dict(entry), stage=f"@{DATABASE}.PUBLIC.PART/deep", destination=f"s3://{BUCKET}/part/deep/er").expect(0)
    assert s3.keys() == ["part/deep/er/o.parquet"]
    export(world, dict(entry), stage=f"@{DATABASE}.PUBLIC.PART").expect(1, f"lies over s3://{BUCKET}/part/")
    export(world, dict(entry), stage=f"@{DATABASE}.PUBLIC.OTHER").expect(1, "lies over s3://other/")
    export(world, dict(entry), stage=f"@{DATABASE}.PUBLIC.INTERNAL").expect(1, "internal stage")
    export(world, dict(entry), stage=f"@{DATABASE}.PUBLIC.WHOL").expect(1, "did you mean WHOLE?")


def test_a_query_that_fails_leaves_what_was_there(world, s3):
    export(world, {"table": "ORDERS", "s3_path": "d/"}).expect(0)
    before = {key: s3.content(key) for key in s3.keys()}
    done = export(world, {"table": "ORDERS", "query": "SELECT TO_NUMBER(NAME) AS X FROM ORDERS", "s3_path": "d/"},
                  {"table": "ORDERS", "s3_path": "fine.parquet"})
    done.expect(5, "✗ ORDERS" if "✗" in done.stderr else "FAILED ORDERS")
    assert [key for key in s3.keys() if key.startswith("d/part-")] == [key for key in before if key.startswith("d/part-")]
    assert "fine.parquet" in s3.keys()


def test_what_is_wrong_is_said_before_work_starts(world, warehouse):
    before = len(warehouse.statements())
    done = export(world, {"table": "A", "s3_path": "a.json", "file_type": "json"},
                  {"table": "B", "s3_path": "b/", "partition_by": ["X"], "compression": "gzip"},
                  {"table": "C", "s3_path": "c.csv", "file_type": "csv", "csv": {"quoting": "all"}}, stage=None, destination="file:///tmp/x")
    done.expect(1, "exports[0].road", "exports[1].partition_by", "exports[1].compression", "exports[2].csv.quoting", "exports.json:stage",
                "exports.json:destination")
    done = export(world, {"table": "A", "s3_path": "a.csv", "file_type": "csv", "csv": {"delimiter": ".", "null_text": "0"}})
    done.expect(1, "csv.delimiter", "csv.null_text")
    export(world, {"table": "A", "s3_path": "a", "road": "stream"}).expect(1, "stage", "has no effect")
    assert len(warehouse.statements()) == before
