"""`pulk validate` against Snowflake, on the stand-in; the damage is done over the wire protocol, by hand."""

import pytest

from support.pulk import table_entry
from test_validate import INTEGRITY, ITEMS, by_range, differing_columns, one, validate

# What Snowflake's types hold; the edges of years, digits and lengths.
ZOO = """
CREATE TABLE zoo (
  id int PRIMARY KEY, b boolean, i2 smallint, i8 bigint, r real, d double precision, n numeric(38,10), n0 numeric(37,37),
  open numeric, t text, v varchar(10), c char(5), y bytea, da date, ti time, ts timestamp, tz timestamptz, u uuid, j json);
INSERT INTO zoo VALUES
  (1, true, 32767, 9223372036854775807, 'NaN', 'NaN', 9999999999999999999999999999.9999999999, 0.9999999999999999999999999999999999999,
   'NaN', '', '', '', '', '0001-01-01', '00:00', '0001-01-01 00:00:00', '0001-01-01 00:00+00',
   '00000000-0000-0000-0000-000000000000', '""'),
  (2, false, -32768, -9223372036854775808, 'Infinity', '-Infinity', -0.0000000001, -0.0000000000000000000000000000000000001,
   'Infinity', E'a\\nb', 'a  ', 'ab', '\\x00ff', '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999',
   '9999-12-31 23:59:59.999999+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"a" : [1, 2 ]}'),
  (3, NULL, 0, 0, '-0', '-0', 0, 0, 0.000, 'NULL', '🦆', 'é', '\\x', '1970-01-01', '12:00', '1969-12-31 23:59:59.999999',
   '1969-12-31 23:59:59.000001+00', gen_random_uuid(), '1.0'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, true, 1, 1, 0.1, 0.1, 1.5, 0.5, 1e100, repeat('長い', 1000), 'x', 'x', decode(repeat('ab', 5000), 'hex'),
   '2000-02-29', '01:02:03', '1677-09-21 00:12:43.145224', '2300-01-01 00:00+00', gen_random_uuid(), '[]');
"""


@pytest.fixture
def moved(pulk, db, snowflake_server):
    """Moves tables of `sql` into the stand-in; gives a function that does something to them there."""
    def move(sql, tables):
        db.execute(sql)
        pulk.write_config(db, target=snowflake_server)
        pulk.write_workflow({"tables": [table_entry(t) if isinstance(t, str) else t for t in tables]})
        pulk.migrate().expect(0)
        return lambda statement: snowflake_server.sql(statement, database=pulk.target.database, schema="PUBLIC")
    return move


def test_every_type_is_equal(pulk, moved):
    moved(ZOO, ["zoo"])
    report = validate(pulk)
    table = one(report)
    assert table["result"] == "equal"
    assert table["source_rows"] == table["target_rows"] == table["source_count"] == 5
    columns = {c["column"]: c for c in table["columns"]}
    assert len(columns) == 19
    assert columns["N"]["target"]["sum"] == "10000000000000000000000000001.4999999998"
    assert (columns["TS"]["target"]["min"], columns["TS"]["target"]["max"]) == ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
    assert (columns["TZ"]["target"]["min"], columns["TZ"]["target"]["max"]) == ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
    assert (columns["DA"]["target"]["min"], columns["DA"]["target"]["max"]) == ("0001-01-01", "9999-12-31")
    assert "every value compared" in report["text"]


def test_the_smallest_change_of_each_type(pulk, moved):
    """One column of one row after the other; each report names all of them so far."""
    snowflake = moved(ZOO, ["zoo"])
    changes = {
        "b": "NOT b", "i2": "NULL", "i8": "i8 + 1", "r": "r + 1e-8::float", "d": "0.10000000000000002::float", "n": "n + 0.0000000001",
        "n0": "n0 + 0.0000000000000000000000000000000000001", "open": "'1E+100'", "t": "t || ' '", "v": "''", "c": "'x'",
        "y": "TO_BINARY('ab', 'HEX')", "da": "DATEADD(day, 1, da)", "ti": "'01:02:03.000001'::time",
        "ts": "'1677-09-21 00:12:43.145225'::timestamp_ntz", "tz": "'2300-01-01 00:00:00.000001 +0000'::timestamp_tz",
        "u": "'00000000-0000-0000-0000-000000000001'", "j": "'[ ]'"}
    snowflake("UPDATE zoo SET " + ", ".join(f"{column} = {value}" for column, value in changes.items()) + " WHERE id = 5")
    table = one(validate(pulk, code=INTEGRITY))
    assert differing_columns(table) == [column.upper() for column in changes]
    assert [(r["key"], len(r["values"])) for r in table["rows"]["first"]] == [({"ID": "5"}, len(changes))]
    values = {v["column"]: (v["source"], v["target"]) for v in table["rows"]["first"][0]["values"]}
    assert values["TS"] == ("1677-09-21 00:12:43.145224", "1677-09-21 00:12:43.145225")
    assert values["N0"] == ("0.5000000000000000000000000000000000000", "0.5000000000000000000000000000000000001")


@pytest.mark.parametrize("statement, finding, key", [
    ("DELETE FROM items WHERE id = 2345", "missing", "2345"),
    ("INSERT INTO items SELECT * FROM items WHERE id = 77", "repeated", "77"),
    ("UPDATE items SET note = '' WHERE id = 3", "changed", "3")])
def test_damage_is_named_by_key_and_partition(statement, finding, key, pulk, moved):
    snowflake = moved(ITEMS, [by_range("items")])
    snowflake(statement)
    table = one(validate(pulk, code=INTEGRITY))
    assert [(r["finding"], r["key"]) for r in table["rows"]["first"]] == [(finding, {"ID": key})]


def test_a_table_that_somebody_else_made(pulk, db, snowflake_server):
    """Nanoseconds that the source cannot have, columns of no one, and VARIANT, of which only NULL can be compared."""
    db.execute("CREATE TABLE t (id int PRIMARY KEY, ts timestamp(3), n numeric(5,2), doc json);"
               "INSERT INTO t VALUES (1, '2024-02-29 01:02:03.004', 1.25, '{\"b\": 1, \"a\": 2}'), (2, NULL, -1.25, NULL), (3, NULL, 0, 'null')")
    pulk.write_config(db, target=snowflake_server)
    database = pulk.target.database
    snowflake_server.sql(f"CREATE DATABASE {database}")
    run = lambda sql: snowflake_server.sql(sql, database=database, schema="PUBLIC")  # noqa: E731
    run("CREATE TABLE t (more VARCHAR, ts TIMESTAMP_NTZ(9), id NUMBER(38,0), doc VARIANT, n NUMBER(38,20))")
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    report = validate(pulk)
    assert one(report)["result"] == "equal"
    assert "column MORE is only in the target" in report["text"]
    assert "column DOC is VARIANT in the target: only whether it is NULL was compared" in report["text"]
    run("UPDATE t SET ts = '2024-02-29 01:02:03.004000001'::timestamp_ntz WHERE id = 1")
    table = one(validate(pulk, code=INTEGRITY))
    assert table["rows"]["first"][0]["values"] == [
        {"column": "TS", "source": "2024-02-29 01:02:03.004", "target": "2024-02-29 01:02:03.004000001"}]
    run("UPDATE t SET ts = '2024-02-29 01:02:03.004'::timestamp_ntz, doc = NULL WHERE id = 1")
    assert differing_columns(one(validate(pulk, code=INTEGRITY))) == ["DOC"]


def test_migrate_compares_when_asked(pulk, moved, db, snowflake_server):
    moved(ITEMS, ["items"])
    db.execute("UPDATE items SET name = name || '!'")
    result = pulk.migrate("--validate").expect(0)
    assert result.summary["validation"]["tables"][0]["result"] == "equal"


def test_many_chunks_and_one_that_stays_away(pulk, db, snowflake):
    """The result comes in pieces from other addresses; one that cannot be had is an error, never a shorter table."""
    db.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 30000) n")
    pulk.write_config(db, target=snowflake)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    snowflake.control("settings", chunk_rows=2500)
    assert one(validate(pulk))["target_rows"] == 30000
    snowflake.fault("status", path="/chunks/.*/7", status=403, times=1000)
    pulk.run("validate", pulk.workflow).expect(2, "reading from Snowflake stopped")
