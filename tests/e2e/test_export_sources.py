"""`pulk export` with `source:`: PostgreSQL, SQLite over ODBC, and DuckDB, into a folder of this machine. Files are read by pyarrow and
Python's csv and json."""

import csv
import datetime as dt
import decimal
import json

import duckdb
import pyarrow.parquet as pq
import pytest

UUID = "5b30857f-0bfa-48b5-ac0b-5c64e28078d1"
MANY = 10**37


def export(pulk, source, *exports, args=()):
    (pulk.folder / "exports.json").write_text(json.dumps({"source": source, "destination": f"file://{pulk.folder}/out", "exports": exports}))
    return pulk.run("export", "exports.json", *args, env={})


def in_each_type(table, query=None):
    return [{"table": table, "query": query, "s3_path": "t." + kind, "file_type": kind} for kind in ("parquet", "csv", "json")]


def read(pulk):
    out = pulk.folder / "out"
    with open(out / "t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line, parse_float=decimal.Decimal) for line in (out / "t.json").read_text().splitlines()]
    return pq.read_table(out / "t.parquet"), rows, lines


@pytest.fixture
def postgres_table(pulk, db):
    db.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint, price numeric(12,2), many numeric(38,0), name text, ok boolean, "
               "day date, at timestamp(3), moment timestamptz, tag uuid, doc jsonb, raw bytea, f real);"
               f"INSERT INTO shop.orders VALUES (1, 173665.47, {MANY}, E'a,\"b\"\\nc', true, '0001-01-01', '9999-12-31 23:59:59.999', "
               f"'2026-11-21 18:00:00.5+02', '{UUID}', '{{\"a\": [1, \"x y\"]}}', '\\x00ff', 0.1); INSERT INTO shop.orders VALUES (2)")
    pulk.write_config(db)
    return pulk


@pytest.mark.parametrize("query", [None, "SELECT * FROM shop.orders"])
def test_postgresql(postgres_table, query):
    export(postgres_table, "postgresql", *in_each_type("shop.orders" if query is None else "Q", query)).expect(0, "Connecting to postgresql")
    table, rows, lines = read(postgres_table)
    first = {row["id"]: row for row in table.to_pylist()}[1]
    assert (first["price"], first["many"], first["name"]) == (decimal.Decimal("173665.47"), MANY, 'a,"b"\nc')
    assert first["at"] == dt.datetime(9999, 12, 31, 23, 59, 59, 999000) and first["day"] == dt.date(1, 1, 1)
    assert first["moment"] == dt.datetime(2026, 11, 21, 16, 0, 0, 500000, dt.timezone.utc)
    assert str(first["tag"]) == UUID and json.loads(first["doc"]) == {"a": [1, "x y"]} and first["raw"] == b"\0\xff"
    said = {row["id"]: row for row in rows}
    assert said["1"] == {"id": "1", "price": "173665.47", "many": str(MANY), "name": 'a,"b"\nc', "ok": "true", "day": "0001-01-01",
                         "at": "9999-12-31 23:59:59.999000", "moment": "2026-11-21 16:00:00.500000+00:00", "tag": UUID,
                         "doc": '{"a": [1, "x y"]}', "raw": "00FF", "f": "0.1"}
    assert set(list(said["2"].values())[1:]) == {""}
    objects = {line["id"]: line for line in lines}
    assert objects[1]["doc"] == {"a": [1, "x y"]} and objects[1]["many"] == MANY and objects[1]["tag"] == UUID
    assert objects[1]["f"] == decimal.Decimal("0.1") and set(list(objects[2].values())[1:]) == {None}


def test_exports_of_one_moment_and_one_that_fails(postgres_table, db):
    db.execute("CREATE TABLE shop.strange (a aclitem)")
    done = export(postgres_table, "postgresql", {"table": "shop.orders", "s3_path": "a.csv", "file_type": "csv"},
                  {"table": "shop.order", "s3_path": "b.csv", "file_type": "csv"}, {"table": "shop.strange", "s3_path": "c.csv"},
                  {"table": "shop.orders", "s3_path": "d/", "partition_by": ["id"]},
                  {"table": "Q", "query": "SELECT * FROM shop.orders ORDER BY id", "s3_path": "e/", "partition_by": ["id"]})
    assert done.code in (1, 5), done
    for text in ("shop.order", "column a (aclitem)", "ORDER BY these columns"):
        assert text in done.stderr, done
    out = postgres_table.folder / "out"
    assert (out / "a.csv").exists() and not (out / "b.csv").exists() and not (out / "c.csv").exists()
    assert sorted(path.name for path in (out / "e").iterdir()) == ["_SUCCESS", "_manifest.json", "id=1", "id=2"]


def test_a_database_over_odbc(pulk, sqlite_source):
    source = sqlite_source("CREATE TABLE t (i INTEGER, n DECIMAL(10,2), s TEXT, b BLOB, r REAL); "
                           "INSERT INTO t VALUES (9223372036854775807, 12.30, 'x', x'00ff', 0.5), (NULL, NULL, NULL, NULL, NULL)")
    pulk.write_config(source)
    export(pulk, "odbc", *in_each_type("t")).expect(0)
    table, rows, lines = read(pulk)
    assert table.num_rows == 2 and table["i"].to_pylist() == [2**63 - 1, None]
    assert rows[0]["i"] == str(2**63 - 1) and rows[0]["b"] == "00FF" and lines[0]["s"] == "x"


def test_a_duckdb_file(pulk, db):
    pulk.write_config(db)
    with duckdb.connect(str(pulk.target)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS i, sum(j) AS total, 12.30::DECIMAL(10,2) AS d, [1, 2] AS list, {'a': 'x'} AS st, "
                           f"'{UUID}'::UUID AS u, '9999-12-31 23:59:59.999999'::TIMESTAMP AS at, "
                           "'2026-11-21 18:00:00+02'::TIMESTAMPTZ AS moment, 'h'::ENUM('h') AS e, '\\x00\\xff'::BLOB AS b, '{\"k\": 1}'::JSON AS j "
                           "FROM (VALUES (9223372036854775807), (1)) v(j)")
        connection.execute("CREATE TABLE forever AS SELECT 'infinity'::TIMESTAMP AS at")
    export(pulk, "duckdb", *in_each_type("t")).expect(0)
    table, rows, lines = read(pulk)
    [first] = table.to_pylist()
    assert first["total"] == 2**63 and first["d"] == decimal.Decimal("12.30") and json.loads(first["list"]) == [1, 2]
    assert first["at"] == dt.datetime(9999, 12, 31, 23, 59, 59, 999999) and first["e"] == "h" and first["b"] == b"\0\xff"
    assert rows[0]["moment"] == "2026-11-21 16:00:00.000000+00:00" and rows[0]["u"] == UUID
    assert lines[0]["st"] == {"a": "x"} and lines[0]["j"] == {"k": 1} and lines[0]["total"] == 2**63
    export(pulk, "duckdb", {"table": "forever", "s3_path": "f.csv", "file_type": "csv"}).expect(5, "infinity", "column at")
    export(pulk, "duckdb", {"table": "nothing", "s3_path": "f.csv", "file_type": "csv"}).expect(5, "nothing")


def test_a_source_that_is_not_there(pulk, db):
    pulk.write_config(db)
    entry = {"table": "t", "s3_path": "t"}
    export(pulk, "postgresq", entry).expect(1, "did you mean postgresql?")
    export(pulk, "postgresql", entry, args=["-c", "nowhere.toml"]).expect(1, "nowhere.toml")
    export(pulk, "postgresql", {**entry, "road": "unload"}).expect(1, "exports.json:source")
    assert not (pulk.folder / "out").exists()
