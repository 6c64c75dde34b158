"""What `pulk export` writes: folders, partitions, sizes, compressions, options of CSV and JSON. Read back
by pyarrow, DuckDB, and Python's csv, json, gzip and ctypes."""

import csv
import datetime as dt
import decimal
import gzip
import io
import json
import math
import os
import re

import duckdb
import jsonschema
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

pytest.register_assert_rewrite("export_support")
from export_support import export, local_files, warehouse, world, xxh3_128  # noqa: F401 - fixtures
from support.s3 import BUCKET

# Half a megabyte of text that does not compress in a thousand rows.
BULK = ("SELECT SEQ8() AS N, MD5(TO_VARCHAR(SEQ8())) || MD5(TO_VARCHAR(SEQ8() + 0.1)) || MD5(TO_VARCHAR(SEQ8() + 0.2)) || "
        "MD5(TO_VARCHAR(SEQ8() + 0.3)) AS T FROM TABLE(GENERATOR(ROWCOUNT => {rows}))")


def out(pulk):
    return {"destination": f"file://{pulk.folder}/out"}


def write_once(pulk, query, path, **options):
    """The content of the one file that came of it."""
    done = export(pulk, {"table": "T", "query": query, "s3_path": path, **options}, top=out(pulk))
    assert done.code == 0, done.stderr
    return (pulk.folder / "out" / path).read_bytes()


# --- folders


def check_manifest(listed, content, entry):
    """`listed`: all paths below the folder; `content` reads one. The manifest tells the truth about all of them."""
    manifest = json.loads(content("_manifest.json"))
    assert content("_SUCCESS") == b""
    assert sorted(["_SUCCESS", "_manifest.json", *(file["path"] for file in manifest["files"])]) == sorted(listed)
    assert manifest["table"] == entry["table"] and manifest["format"] == entry.get("file_type", "parquet")
    for file in manifest["files"]:
        data = content(file["path"])
        assert file["bytes"] == len(data) and file["xxh3_128"] == xxh3_128(data), file
    assert manifest["rows"] == sum(file["rows"] for file in manifest["files"])
    assert manifest["bytes"] == sum(file["bytes"] for file in manifest["files"])
    return manifest


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_a_folder_and_writing_over_it(world, s3, kind):
    entry = {"table": "ORDERS", "s3_path": "raw/orders/", "file_type": kind}
    assert export(world, entry).code == 0
    below = "raw/orders/"
    content = lambda path: s3.content(below + path)  # noqa: E731
    first = check_manifest([key.removeprefix(below) for key in s3.keys(below)], content, entry)
    assert first["rows"] == 3 and len(first["files"]) == 1
    assert re.fullmatch(r"part-[0-9a-f-]+-00001\." + kind, first["files"][0]["path"])
    kinds = {"parquet": "application/octet-stream", "csv": "text/csv", "json": "application/json"}
    heads = [s3.control("head", bucket=BUCKET, key=below + path)["ContentType"] for path in (first["files"][0]["path"], "_manifest.json")]
    assert heads == [kinds[kind], "application/json"]

    # Neighbours whose names begin like the folder's, and what others put into it, stay.
    with s3.files().open_output_stream(f"{BUCKET}/raw/orders/notes.txt") as stream:
        stream.write(b"mine")
    with s3.files().open_output_stream(f"{BUCKET}/raw/orders2/part-old.csv") as stream:
        stream.write(b"not of this export")
    assert export(world, {**entry, "if_exists": "refuse"}).code == 5
    assert export(world, entry).code == 0
    keys = s3.keys("raw/")
    assert "raw/orders/notes.txt" in keys and "raw/orders2/part-old.csv" in keys
    second = check_manifest([key.removeprefix(below) for key in s3.keys(below) if not key.endswith("notes.txt")], content, entry)
    assert second["files"][0]["path"] != first["files"][0]["path"] and s3.uploads() == []

    assert export(world, {**entry, "manifest": False}).code == 0
    assert [key for key in s3.keys(below) if "part-" not in key] == ["raw/orders/notes.txt"]


PARTITIONED = """SELECT column1 AS N, column2 AS C, column3 AS D, column4 AS A FROM VALUES
    (1, 'de', DATE '2026-11-21', 1.50), (2, 'a/b=c %20"''x', DATE '2026-11-22', -0.05), (3, NULL, NULL, 7.00), (4, 'de', NULL, 2.25),
    (5, '\U0001F600 ü', DATE '0001-01-01', NULL), (6, 'de', DATE '2026-11-21', 3.00), (7, ' ', DATE '9999-12-31', 0.00)"""
ROWS = [(1, "de", "2026-11-21", "1.50"), (2, "a/b=c %20\"'x", "2026-11-22", "-0.05"), (3, None, None, "7.00"), (4, "de", None, "2.25"),
        (5, "\U0001F600 ü", "0001-01-01", None), (6, "de", "2026-11-21", "3.00"), (7, " ", "9999-12-31", "0.00")]


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_partitions_are_read_back(world, kind):
    entry = {"table": "T", "query": PARTITIONED, "s3_path": "t/", "file_type": kind, "partition_by": ["c", "D"]}
    done = export(world, entry, top=out(world))
    assert done.code == 0, done.stderr
    folder = world.folder / "out" / "t"
    manifest = check_manifest(local_files(folder), lambda path: (folder / path).read_bytes(), entry)
    assert sorted(os.path.dirname(file["path"]) for file in manifest["files"]) == sorted([
        "C=de/D=2026-11-21", "C=de/D=__HIVE_DEFAULT_PARTITION__", "C=a%2Fb%3Dc %2520%22%27x/D=2026-11-22",
        "C=__HIVE_DEFAULT_PARTITION__/D=__HIVE_DEFAULT_PARTITION__", "C=\U0001F600 ü/D=0001-01-01", "C= /D=9999-12-31"])
    assert manifest["rows"] == 7
    reader = {"parquet": "read_parquet('{}', hive_partitioning=true, hive_types_autocast=false)",
              "csv": "read_csv('{}', hive_partitioning=true, hive_types_autocast=false, header=true, columns={{'N': 'INT', 'A': 'DECIMAL(5,2)'}})",
              "json": "read_json('{}', hive_partitioning=true, hive_types_autocast=false, columns={{'N': 'INT', 'A': 'DECIMAL(5,2)'}})"}[kind]
    read = duckdb.sql("SELECT N::INT, C, D, A::DECIMAL(5,2)::VARCHAR FROM " + reader.format(f"{folder}/*/*/part-*") + " ORDER BY N").fetchall()
    assert read == ROWS
    if kind == "json":
        return  # pyarrow's JSON has no decimals
    partitioning = ds.partitioning(pa.schema([("C", pa.string()), ("D", pa.string())]), flavor="hive")
    rows = ds.dataset(folder, format=kind, partitioning=partitioning).to_table().sort_by("N").to_pylist()
    text = lambda value: None if value is None else str(decimal.Decimal(str(value)).quantize(decimal.Decimal("0.01")))  # noqa: E731
    assert [(int(row["N"]), row["C"], row["D"], text(row["A"])) for row in rows] == ROWS


def test_partition_columns_by_name(world):
    query = 'SELECT 1 AS "Day", 2 AS "DAY", 3 AS N'
    for written, folder in ((["Day"], "Day=1"), (['"DAY"'], "DAY=2"), (["n"], "N=3")):
        done = export(world, {"table": "T", "query": query, "s3_path": folder + "x/", "partition_by": written}, top=out(world))
        assert done.code == 0, done.stderr
        made = world.folder / "out" / (folder + "x")
        assert [path for path in local_files(made) if path.startswith(folder)], local_files(made)
        names = ["Day", "DAY", "N"]
        names.remove(folder.split("=")[0])
        assert pq.read_schema(next(made.rglob("part-*"))).names == names
    done = export(world, {"table": "T", "query": query, "s3_path": "x/", "partition_by": ["day", "cuontry", "N"]},
                  {"table": "ALL", "query": query, "s3_path": "y/", "partition_by": ["Day", "DAY", "N"]}, top=out(world))
    assert done.code == 1
    for text in ("could be 2 columns", "cuontry", "names every column"):
        assert text in done.stderr, done.stderr


def test_texts_that_no_folder_can_be_named_for(world):
    for value in ("''", "'__HIVE_DEFAULT_PARTITION__'"):
        done = export(world, {"table": "T", "query": f"SELECT 1 AS N, {value} AS C", "s3_path": "x/", "partition_by": ["C"]}, top=out(world))
        assert done.code == 5 and "partition_by C" in done.stderr, done.stderr
        assert local_files(world.folder / "out") == []


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_files_of_about_a_size(world, warehouse, kind):
    entry = {"table": "BULK", "query": BULK.format(rows=40_000), "s3_path": "b/", "file_type": kind, "max_file_size": "1MiB"}
    done = export(world, entry, top=out(world))
    assert done.code == 0, done.stderr
    folder = world.folder / "out" / "b"
    manifest = check_manifest(local_files(folder), lambda path: (folder / path).read_bytes(), entry)
    sizes = [file["bytes"] for file in manifest["files"]]
    # 40,000 rows of 128 digits: 5 MB, as Parquet half of it.
    assert len(sizes) >= (2 if kind == "parquet" else 4) and all(1 << 20 <= size < 2 << 20 for size in sizes[:-1]) and sizes[-1] < 2 << 20, sizes
    reader = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}[kind]
    facts = duckdb.sql(f"SELECT count(*), count(DISTINCT N), min(N), max(N), count(DISTINCT T) FROM {reader}('{folder}/part-*')").fetchone()
    assert facts == (40_000, 40_000, 0, 39_999, 40_000)


@pytest.mark.parametrize("path, kind", [("none.parquet", "parquet"), ("none.csv", "csv"), ("none.json", "json"), ("none/", "parquet")])
def test_no_rows(world, path, kind):
    done = export(world, {"table": "T", "query": "SELECT 1 AS A, 'x' AS B WHERE 1 = 0", "s3_path": path, "file_type": kind}, top=out(world))
    assert done.code == 0 and "(0 rows" in done.stderr, done.stderr
    made = world.folder / "out" / path
    if path == "none/":
        made = next(made.glob("part-*"))
    if kind == "parquet":
        assert pq.read_table(made).to_pydict() == {"A": [], "B": []}
    else:
        assert made.read_text() == {"csv": "A,B\n", "json": ""}[kind]


def test_no_rows_in_partitions(world):
    done = export(world, {"table": "T", "query": "SELECT 1 AS A, 'x' AS B WHERE 1 = 0", "s3_path": "none/", "partition_by": ["B"]}, top=out(world))
    assert done.code == 0, done.stderr
    assert local_files(world.folder / "out") == ["none/_SUCCESS", "none/_manifest.json"]


# --- compression


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_compression_of_parquet(world, compression):
    data = write_once(world, "SELECT 1 AS A, REPEAT('x', 1000) AS B", "c.parquet", compression=compression)
    read = pq.ParquetFile(io.BytesIO(data))
    assert read.read().to_pydict() == {"A": [1], "B": ["x" * 1000]}
    names = {"none": "UNCOMPRESSED"}
    assert read.metadata.row_group(0).column(1).compression == names.get(compression, compression.upper())
    assert duckdb.sql(f"SELECT A, length(B) FROM read_parquet('{world.folder}/out/c.parquet')").fetchall() == [(1, 1000)]


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("compression, ending, mime", [("gzip", "gz", "application/gzip"), ("zstd", "zst", "application/zstd")])
def test_compression_of_text(world, s3, kind, compression, ending, mime):
    done = export(world, {"table": "T", "query": "SELECT 1 AS A, 'x' AS B", "s3_path": "t/", "file_type": kind, "compression": compression})
    assert done.code == 0, done.stderr
    key = next(key for key in s3.keys() if "part-" in key)
    assert key.endswith(f"-00001.{kind}.{ending}") and s3.control("head", bucket=BUCKET, key=key)["ContentType"] == mime
    data = s3.content(key)
    text = gzip.decompress(data) if compression == "gzip" else pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    assert text == {"csv": b"A,B\n1,x\n", "json": b'{"A":1,"B":"x"}\n'}[kind]


# --- CSV and JSON

ODD = """SELECT column1 AS A, column2 AS B, column3 AS C FROM VALUES
    (1, 'plain', 1.50), (2, 'semi;colon', NULL), (3, 'comma,', -0.05), (4, 'q"uote', 12345.67), (5, 'line\\nend', 0.00), (6, '', 1.00),
    (7, NULL, 2.00), (8, 'NULL', 3.00), (9, ' blank ', 4.00), (10, 'tab\\there', 5.00), (11, 'cr\\rhere', 6.00), (12, '\U0001F600|', 7.00)"""
VALUES = ["plain", "semi;colon", "comma,", 'q"uote', "line\nend", "", None, "NULL", " blank ", "tab\there", "cr\rhere", "\U0001F600|"]


@pytest.mark.parametrize("options", [
    {"delimiter": ";"}, {"delimiter": "\t", "header": False}, {"delimiter": "|", "quoting": "all"}, {"delimiter": ".", "null_text": "NULL"},
    {"null_text": "\\N", "line_end": "crlf"}, {"delimiter": "5", "quoting": "all", "null_text": "none", "line_end": "crlf"}],
    ids=lambda options: "-".join(map(repr, options.values())))
def test_options_of_csv(world, options):
    data = write_once(world, ODD, "o.csv", file_type="csv", csv=options)
    delimiter, null = options.get("delimiter", ","), options.get("null_text", "")
    end = b"\r\n" if options.get("line_end") == "crlf" else b"\n"
    assert data.endswith(end) and data.count(b"\r\n") == (13 if end == b"\r\n" else 0)
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))
    if options.get("header", True):
        assert rows.pop(0) == ["A", "B", "C"]
    assert [row[0] for row in rows] == [str(n) for n in range(1, 13)]
    assert [row[1] for row in rows] == [null if value is None else value for value in VALUES]
    assert rows[0][2] == "1.50" and rows[1][2] == null and rows[2][2] == "-0.05"
    if options.get("quoting") == "all":
        assert b'"plain"' in data and b'"1.50"' in data and (not null or f'"{null}"'.encode() not in data)
    header = str(options.get("header", True)).lower()
    # DuckDB tells a NULL from a text in quotes.
    read = duckdb.sql(f"SELECT A, B, C FROM read_csv('{world.folder}/out/o.csv', delim='{delimiter}', header={header}, nullstr='{null}', "
                      "quote='\"', escape='\"', allow_quoted_nulls=false, auto_detect=false, parallel=false, "
                      "columns={'A': 'VARCHAR', 'B': 'VARCHAR', 'C': 'VARCHAR'})").fetchall()
    assert [row[1] for row in read] == VALUES
    assert [row[2] for row in read[:3]] == ["1.50", None, "-0.05"]


def test_null_in_a_file_of_one_column(world):
    """A line without a character is no row to many readers."""
    query = "SELECT column1 AS A FROM VALUES ('x'), (NULL), ('y')"
    assert write_once(world, query, "one.csv", file_type="csv") == b'A\nx\n""\ny\n'
    assert write_once(world, query, "two.csv", file_type="csv", csv={"null_text": "NULL"}) == b"A\nx\nNULL\ny\n"
    assert duckdb.sql(f"SELECT count(*) FROM read_csv('{world.folder}/out/one.csv', header=true)").fetchone() == (3,)


def test_an_array_of_json(world):
    query = "SELECT column1 AS A FROM VALUES (1), (NULL), (99999999999999999999999999999999999999)"
    data = write_once(world, query, "a.json", file_type="json", json={"array": True})
    assert json.loads(data) == [{"A": 1}, {"A": None}, {"A": int("9" * 38)}]
    assert json.loads(write_once(world, query + " WHERE 1 = 0", "b.json", file_type="json", json={"array": True})) == []


DOCUMENTS = r"""SELECT 1 AS N, PARSE_JSON('{"a": [1, null, {"b": "x\\ny \\"q\\" {"}], "n": 12345678901234567890.5}') AS V,
    OBJECT_CONSTRUCT('k', 'a\tb') AS O, PARSE_JSON('[1, "two", []]')::ARRAY AS L, TO_BINARY('00FF10', 'HEX') AS B,
    TO_GEOGRAPHY('POINT(1 2)') AS G
    UNION ALL SELECT 2, NULL, NULL, NULL, NULL, NULL"""
DOCUMENT = {"a": [1, None, {"b": 'x\ny "q" {'}], "n": decimal.Decimal("12345678901234567890.5")}


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_documents_and_bytes(world, kind):
    data = write_once(world, DOCUMENTS, "d." + kind, file_type=kind)
    exact = lambda text: json.loads(text, parse_float=decimal.Decimal)  # noqa: E731
    if kind == "parquet":
        rows = pq.read_table(io.BytesIO(data)).sort_by("N").to_pylist()
        first, second = list(rows[0].values()), list(rows[1].values())
        assert first[4] == b"\x00\xff\x10" and second == [2, None, None, None, None, None]
        documents = [exact(text) for text in first[1:4]]
    elif kind == "csv":
        header, first, second = csv.reader(io.StringIO(data.decode(), newline=""))
        assert header == ["N", "V", "O", "L", "B", "G"] and first[4] == "00FF10" and second == ["2", "", "", "", "", ""]
        documents = [exact(text) for text in first[1:4]]
    else:
        first, second = data.decode().splitlines()
        documents = list(exact(first).values())[1:4]
        assert json.loads(second) == {"N": 2, "V": None, "O": None, "L": None, "B": None, "G": None}
        assert exact(first)["B"] == "00FF10"
    assert documents == [DOCUMENT, {"k": "a\tb"}, [1, "two", []]]


EXACT = {  # expression: the value
    "99999999999999999999999999999999999999::NUMBER(38,0)": decimal.Decimal("9" * 38),
    "-0.05::NUMBER(10,2)": decimal.Decimal("-0.05"),
    "-9.9999999999999999999999999999999999999::NUMBER(38,37)": decimal.Decimal("-9." + "9" * 37),
    "FALSE": False,
    "0.1::FLOAT": 0.1,
    "'inf'::FLOAT": float("inf"),
    "''": "",
    "NULL::VARCHAR": None,
    "'\U0001F600\"\\n'": '\U0001F600"\n',
    "CHR(0) || 'x'": "\0x",
    "DATE '0001-01-01'": dt.date(1, 1, 1),
    "DATE '9999-12-31'": dt.date(9999, 12, 31),
    "'1969-12-31 23:59:59.999999'::TIMESTAMP_NTZ(6)": dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
    "'2026-11-21 18:00:02.5 +02:00'::TIMESTAMP_LTZ(6)": dt.datetime(2026, 11, 21, 16, 0, 2, 500000, dt.timezone.utc),
    "TO_BINARY('00FF', 'HEX')": b"\x00\xff",
}


def test_values_in_parquet(world):
    query = "SELECT " + ", ".join(f"{expression} AS C{n}" for n, expression in enumerate(EXACT)) + ", 'NaN'::FLOAT AS N"
    row = pq.read_table(io.BytesIO(write_once(world, query, "v.parquet"))).to_pylist()[0]
    assert math.isnan(row.pop("N")) and list(row.values()) == list(EXACT.values())
    read = duckdb.sql(f"SELECT * REPLACE (make_timestamp(epoch_us(C13)) AS C13) FROM read_parquet('{world.folder}/out/v.parquet')").fetchone()
    expected = [value.replace(tzinfo=None) if n == 13 else value for n, value in enumerate(EXACT.values())]
    assert math.isnan(read[-1]) and list(read[:-1]) == expected


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_many_columns(world, kind):
    query = "SELECT " + ", ".join(f"{n} AS C{n}" for n in range(300))
    data = write_once(world, query, "m." + kind, file_type=kind)
    if kind == "parquet":
        rows = pq.read_table(io.BytesIO(data)).to_pylist()
    elif kind == "csv":
        rows = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(data.decode()))]
    else:
        rows = [json.loads(data)]
    assert rows == [{f"C{n}": n for n in range(300)}]


def test_a_name_that_stands_twice(world):
    entries = [{"table": kind, "query": "SELECT 1 AS A, 2 AS B, 3 AS A", "s3_path": "n." + kind, "file_type": kind} for kind in ("parquet", "csv", "json")]
    done = export(world, *entries, top=out(world))
    assert done.code == 5
    assert done.stderr.count('has the name of column 1, "A"') >= 2 and "AS in the query" in done.stderr, done.stderr
    assert local_files(world.folder / "out") == ["n.csv"]
    assert (world.folder / "out" / "n.csv").read_text() == "A,B,A\n1,2,3\n"


# --- flags


def test_only_and_the_summary(world, s3):
    entries = [{"table": "ORDERS", "s3_path": "o/"}, {"table": "CUSTOMER", "s3_path": "c.csv", "file_type": "csv"}, {"table": "NOT_THERE", "s3_path": "n"}]
    done = export(world, *entries, args=("--only", "ORDER"))
    assert done.code == 1 and "did you mean ORDERS" in done.stderr and s3.keys() == []
    done = export(world, *entries, args=("--only", "CUSTOMER,NOT_THERE", "--summary", "s.json"))
    assert done.code == 5 and s3.keys() == ["c.csv"], done.stderr
    summary = json.loads((world.folder / "s.json").read_text())
    assert summary["destination"] == f"s3://{BUCKET}/"
    complete, failed = summary["exports"]
    data = s3.content("c.csv")
    assert (complete["table"], complete["state"], complete["rows"], complete["bytes"]) == ("CUSTOMER", "complete", 2, len(data))
    assert complete["files"] == [{"path": "c.csv", "rows": 2, "bytes": len(data), "xxh3_128": xxh3_128(data)}]
    assert failed["state"] == "failed" and failed["error"]["class"] == 5 and "NOT_THERE" in failed["error"]["message"] + failed["error"]["subject"]
    assert "files" not in failed


def test_without_an_exports_file(world):
    world.run("export").expect(1, "`pulk schema exports`")


def test_connections_that_nobody_reads(world, s3):
    done = export(world, {"table": "ORDERS", "s3_path": "o.parquet"}, args=("-c", "nope.toml"))
    assert done.code == 1 and "--config nope.toml: has no effect" in done.stderr and s3.keys() == [], done

def test_the_schema_is_printed(world):
    schema = json.loads(world.run("schema", "exports").expect(0).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {"exports": [{"table": "T", "s3_path": "t.csv", "file_type": "csv", "csv": {"delimiter": ";"}, "query": None}]}
    jsonschema.validate(good, schema)
    for wrong in ({"exports": []}, {"exports": [{"table": "T"}]}, {"exports": [{"table": "T", "s3_path": "t", "file_type": "xml"}]},
                  {"exports": [{"table": "T", "s3_path": "t", "csv": {"delimiter": ";;"}}]}, {**good, "more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
