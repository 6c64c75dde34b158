"""`pulk validate` and `pulk migrate --validate`: nothing cries wolf, and every kind of damage is found and named. The
damage is done with DuckDB's own Python and with pyarrow."""

import json
import re
import threading

import duckdb
import psycopg2
import pyarrow.parquet
import pytest

from support.pulk import table_entry
from test_cases import CASES
from test_memory import BUDGET, LIMIT, peak_of

INTEGRITY = 3

ZOO = """
CREATE TABLE zoo (
  id int PRIMARY KEY, b boolean, i2 smallint, i8 bigint, r real, d double precision, n numeric(38,10), n0 numeric(38,38),
  open numeric, t text, v varchar(10), c char(5), y bytea, da date, ti time, ts timestamp, tz timestamptz, u uuid,
  j json, jb jsonb);
INSERT INTO zoo VALUES
  (1, true, 32767, 9223372036854775807, 'NaN', 'NaN', 9999999999999999999999999999.9999999999, 0.99999999999999999999999999999999999999,
   'NaN', '', '', '', '', '4713-11-24 BC', '00:00', '4713-11-24 00:00:00 BC', '0001-01-01 00:00+00',
   '00000000-0000-0000-0000-000000000000', '""', '{}'),
  (2, false, -32768, -9223372036854775808, 'Infinity', '-Infinity', -0.0000000001, -0.00000000000000000000000000000000000001,
   'Infinity', E'a\\nb', 'a  ', 'ab', '\\x00ff', '5874897-12-31', '23:59:59.999999', '2024-02-29 12:34:56.789012',
   '2024-06-30 12:00:00.5+02', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"a" : [1, 2 ]}', '{"b": 1, "a": null}'),
  (3, NULL, 0, 0, '-0', '-0', 0, 0, 0.000, 'NULL', '🦆', 'é', '\\x', '1970-01-01', '12:00', '1969-12-31 23:59:59.999999',
   '1969-12-31 23:59:59.999999+00', gen_random_uuid(), '1.0', '1.0'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, true, 1, 1, 0.1, 0.1, 1.5, 0.5, 1e100, repeat('長い', 1000), 'x', 'x', decode(repeat('ab', 5000), 'hex'),
   '2000-02-29', '01:02:03', '2262-04-12', '2300-01-01 00:00+00', gen_random_uuid(), '[]', '[]');
"""

ITEMS = """
CREATE TABLE items (id int PRIMARY KEY, name text, price numeric(10,2), note text);
INSERT INTO items SELECT n, 'item ' || n, n / 100.0, CASE WHEN n % 3 = 0 THEN NULL ELSE 'note ' || n % 7 END
  FROM generate_series(1, 5000) n;
"""


def by_range(name, rows=1000):
    return table_entry(name, partitionSize={"maxRowsPerPartition": rows})


def in_target(pulk, sql):
    with duckdb.connect(str(pulk.target)) as connection:
        connection.execute(sql)


def validate(pulk, *args, code=0):
    """The report, as JSON; the text on stdout is in report["text"]."""
    report = pulk.folder / "report.json"
    report.unlink(missing_ok=True)
    result = pulk.run("validate", pulk.workflow, "--report", report, *args).expect(code)
    found = json.loads(report.read_text())
    assert found["exit_class"] == code
    found["text"] = result.stdout
    found["result"] = result
    return found


def one(report):
    assert len(report["tables"]) == 1
    return report["tables"][0]


def moved(pulk, source, tables, target="duckdb"):
    pulk.write_workflow({"tables": [t if isinstance(t, dict) else table_entry(t) for t in tables]})
    pulk.write_config(source, target)
    pulk.migrate().expect(0)


def differing_columns(table):
    return [c["column"] for c in table["columns"] if not c["equal"]]


# --- nothing cries wolf

@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_the_type_zoo_is_equal(pulk, db, target):
    db.execute(ZOO)
    moved(pulk, db, ["zoo"], target)
    table = one(validate(pulk))
    assert table["result"] == "equal"
    assert table["source_rows"] == table["target_rows"] == table["source_count"] == 5
    columns = {c["column"]: c for c in table["columns"]}
    assert len(columns) == 20
    for name, nulls in {"id": 0, "b": 2, "open": 1, "j": 1, "u": 1}.items():
        assert columns[name]["source"]["nulls"] == columns[name]["target"]["nulls"] == nulls, name
    # An exact sum, with more digits than a double has; and what ranges look like.
    assert columns["n"]["source"]["sum"] == "10000000000000000000000000001.4999999998"
    assert columns["i8"]["source"]["sum"] == "0"
    assert (columns["d"]["source"]["min"], columns["d"]["source"]["max"]) == ("-Infinity", "NaN")
    assert (columns["da"]["source"]["min"], columns["da"]["source"]["max"]) == ("4713-11-24 BC", "5874897-12-31")
    assert columns["tz"]["source"]["max"] == "2300-01-01 00:00:00"
    assert columns["u"]["source"]["max"] == "ffffffff-ffff-ffff-ffff-ffffffffffff"


def cases_that_end_well():
    """Every text case whose first step moves its tables."""
    import tomllib
    for path in sorted(CASES.glob("types_*.toml")):
        for case in tomllib.loads(path.read_text())["case"]:
            if case.get("exit", 0) == 0 and case.get("source", "postgres") == "postgres":
                yield pytest.param(case, id=f"{path.stem}-{case['name'].replace(' ', '-')}")


@pytest.mark.parametrize("case", list(cases_that_end_well()))
def test_the_cases_of_types_are_equal(case, pulk, db):
    target = case.get("target", "both")
    pulk.write_config(db, "duckdb" if target == "both" else target)
    if case.get("setup"):
        db.execute(case["setup"])
    if case.get("target_setup"):
        in_target(pulk, case["target_setup"])
    if "workflow" in case:
        pulk.write_workflow(json.loads(case["workflow"]))
    else:
        pulk.write_workflow(case.get("tables", ["t"]))
    args = case.get("args", [])
    pulk.migrate(*args).expect(0)
    if "--append" not in args:
        assert all(t["result"] == "equal" for t in validate(pulk)["tables"])


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_sqlite_is_equal(pulk, sqlite_source, target):
    source = sqlite_source("""
        CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, d DECIMAL(10,3), n NUMERIC, s TEXT, b BLOB, da DATE, ts DATETIME, o BOOLEAN);
        INSERT INTO t VALUES (1, 1e308, 1.5, 1.25, '', x'', '2024-02-29', '2024-02-29 12:00:00.5', 1),
                             (2, -0.0, -0.001, 7, 'x', x'00ff', '0001-01-01', '1969-12-31T23:59:59', 0),
                             (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
        CREATE TABLE no_key (a INT, b TEXT);
        INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (2, NULL);
    """)
    moved(pulk, source, ["t", "no_key"], target)
    report = validate(pulk)
    assert [t["result"] for t in report["tables"]] == ["equal", "equal"]
    assert "every value compared" in report["text"]
    # The file has not changed: by its name it is the snapshot that was loaded.
    assert all(t["same_snapshot"] for t in report["tables"])


def test_views_queries_filters_and_mappings(pulk, db):
    db.execute(ITEMS)
    db.execute("CREATE VIEW cheap AS SELECT id, price FROM items WHERE price < 3; CREATE TABLE empty (id int);"
               "CREATE TABLE parts (id int, k int) PARTITION BY RANGE (id);"
               "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);"
               "INSERT INTO parts SELECT n, n FROM generate_series(1, 50) n")
    moved(pulk, db, [
        "cheap", "empty", "parts",
        {"source": {"query": "SELECT id % 10 AS k, count(*) AS n FROM items GROUP BY 1"}, "target": {"tableName": "counts"}},
        {"source": {"tableName": "items"}, "target": {"tableName": "few"}, "whereClauseCriteria": "id <= 100"},
        {"source": {"tableName": "items"}, "target": {"tableName": "mapped"},
         "columnTypeMappings": [{"sourceType": "numeric", "targetType": "VARCHAR"},
                                {"sourceType": "integer", "targetType": "BIGINT"}],
         "columnNameMappings": [{"sourceName": "name", "targetName": "title"}]}])
    report = validate(pulk)
    assert [(t["result"], t["source_rows"]) for t in report["tables"]] == [
        ("equal", 300 - 1), ("equal", 0), ("equal", 50), ("equal", 10), ("equal", 100), ("equal", 5000)]
    # A change of what the mapping made is found all the same.
    in_target(pulk, "UPDATE mapped SET price = '1.5' WHERE id = 150")
    table = validate(pulk, code=INTEGRITY)["tables"][5]
    assert table["rows"]["first"][0]["key"] == {"id": "150"}
    assert table["rows"]["first"][0]["values"] == [{"column": "price", "source": "'1.50'", "target": "'1.5'"}]


def test_types_of_a_target_that_somebody_else_made(pulk, db):
    db.execute("CREATE TABLE t (id int, s smallint, d date, n numeric(5,2), ts timestamp(3), f real, z timestamp(0));"
               "INSERT INTO t VALUES (1, 2, '2024-02-29', 1.25, '2024-02-29 01:02:03.004', 0.1, '2024-02-29 01:02:03'),"
               " (-7, NULL, '1969-12-31', -1.25, '1969-12-31 23:59:59.999', '-Infinity', '1960-01-01')")
    pulk.write_workflow(["t"])
    pulk.write_config(db)
    in_target(pulk, "CREATE TABLE t (more text, f double, id hugeint, s double, d timestamp, n decimal(38,20), ts timestamp_ms,"
                    " z timestamp_s)")
    pulk.migrate().expect(0)
    report = validate(pulk)
    assert one(report)["result"] == "equal"
    assert "column more is only in the target" in report["text"]
    in_target(pulk, "UPDATE t SET n = n + 0.00000000000000000001 WHERE id = 1")
    table = one(validate(pulk, code=INTEGRITY))
    assert differing_columns(table) == ["n"]


# --- damage is found and named

DAMAGE = {
    "a row is gone": ("DELETE FROM items WHERE id = 2345", (1, 0, 0), "missing", {"id": "2345"}, []),
    "a row is there twice": ("INSERT INTO items SELECT * FROM items WHERE id = 77", (0, 1, 0), "repeated", {"id": "77"}, []),
    "a row too many": ("INSERT INTO items VALUES (9999, 'x', 1, NULL)", (0, 1, 0), "extra", {"id": "9999"}, []),
    "a value": ("UPDATE items SET price = price + 0.01 WHERE id = 4711", (0, 0, 1), "changed", {"id": "4711"},
                [{"column": "price", "source": "47.11", "target": "47.12"}]),
    "NULL becomes empty": ("UPDATE items SET note = '' WHERE id = 3", (0, 0, 1), "changed", {"id": "3"},
                           [{"column": "note", "source": "NULL", "target": "''"}]),
    "a blank at the end": ("UPDATE items SET name = name || ' ' WHERE id = 10", (0, 0, 1), "changed", {"id": "10"},
                           [{"column": "name", "source": "'item 10'", "target": "'item 10 '"}]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_in_one_row(damage, pulk, db):
    sql, counts, finding, key, values = DAMAGE[damage]
    db.execute(ITEMS)
    db.execute("CREATE TABLE other (id int)")
    moved(pulk, db, [by_range("items"), "other"])
    in_target(pulk, "CREATE TABLE copy AS FROM items; DROP TABLE items; ALTER TABLE copy RENAME TO items;" + sql)
    report = validate(pulk, code=INTEGRITY)
    table, other = report["tables"]
    assert (table["result"], other["result"]) == ("differs", "equal")
    rows = table["rows"]
    assert rows["exact"] and (rows["missing"], rows["extra"], rows["changed"]) == counts
    assert len(rows["first"]) == 1
    row = rows["first"][0]
    assert (row["finding"], row["key"], row.get("values", [])) == (finding, key, values)
    if values:
        assert differing_columns(table) == [values[0]["column"]]
    if finding in ("missing", "changed"):
        # Drilled down to the partition of the source.
        bounds = {"id < ": (0, 1), "id >= ": (1, 0), "id in [": (1, 1)}
        display = row["partition_display"]
        numbers = [int(n) for n in re.findall(r"\d+", display)]
        has_lower, has_upper = next(has for text, has in bounds.items() if display.startswith(text))
        assert len(numbers) == has_lower + has_upper
        assert not has_lower or numbers[0] <= int(key["id"])
        assert not has_upper or int(key["id"]) < numbers[-1]
        assert [p["partition"] for p in rows["partitions"]] == [row["partition"]]
        assert f"[partition {row['partition']}/" in report["text"]
    assert f"id = {key['id']}" in report["text"] and "DIFFERS" in report["text"]
    # In a snapshot of its own the source may have changed: the report says which moments are compared.
    assert table["loaded"]["run"] and not table["same_snapshot"]
    assert f"loaded by run {table['loaded']['run']}" in report["text"] and table["source_moment"] in report["text"]


def test_values_of_two_rows_change_places(pulk, db):
    """No count, range, sum or hash of a column shows that."""
    db.execute(ITEMS)
    moved(pulk, db, ["items"])
    in_target(pulk, "UPDATE items SET name = CASE id WHEN 8 THEN 'item 9' ELSE 'item 8' END WHERE id IN (8, 9)")
    report = validate(pulk, code=INTEGRITY)
    table = one(report)
    assert differing_columns(table) == []
    assert "every column has the same values on both sides, but not in the same rows" in report["text"]
    assert [(r["finding"], r["key"]["id"], r["values"][0]["column"]) for r in table["rows"]["first"]] == [
        ("changed", "8", "name"), ("changed", "9", "name")]


def test_tables_without_a_key(pulk, db):
    db.execute("CREATE TABLE t (a int, b text); INSERT INTO t SELECT n % 50, 'x' || n % 7 FROM generate_series(1, 3500) n")
    moved(pulk, db, ["t"])
    assert one(validate(pulk))["result"] == "equal"
    in_target(pulk, "DELETE FROM t WHERE rowid = (SELECT min(rowid) FROM t WHERE a = 3 AND b = 'x3');"
                    "UPDATE t SET b = 'ax' WHERE a = 4 AND b = 'x4'")
    table = one(validate(pulk, code=INTEGRITY))
    assert [(r["finding"], r["key"], r["source_rows"], r["target_rows"]) for r in table["rows"]["first"]] == [
        ("repeated", {"a": "3", "b": "'x3'"}, 10, 9), ("extra", {"a": "4", "b": "'ax'"}, 0, 10),
        ("missing", {"a": "4", "b": "'x4'"}, 10, 0)]
    assert (table["rows"]["missing"], table["rows"]["extra"]) == (11, 10)


def test_text_that_moves_across_a_border_of_columns(pulk, db):
    db.execute("CREATE TABLE t (a text, b text); INSERT INTO t VALUES ('ab', 'c'), ('', 'x')")
    for change in ("a = 'a', b = 'bc'", "a = 'c', b = 'ab'"):
        moved(pulk, db, ["t"])
        in_target(pulk, f"UPDATE t SET {change} WHERE a = 'ab'")
        table = one(validate(pulk, code=INTEGRITY))
        assert differing_columns(table) == ["a", "b"]
        assert [r["finding"] for r in table["rows"]["first"]] in (["missing", "extra"], ["extra", "missing"])


@pytest.mark.parametrize("column, sql", [
    ("r", "r = 0.1::float + 0.00000001::float"), ("d", "d = 0.1::double + 1e-17::double + 1.4e-17"),
    ("n", "n = n + 0.0000000001"), ("open", "open = '1E+100'"), ("y", "y = y || '\\x00'::blob"),
    ("ts", "ts = ts + INTERVAL 1 MICROSECOND"), ("tz", "tz = tz - INTERVAL 1 MICROSECOND"),
    ("ti", "ti = ti + INTERVAL 1 MICROSECOND"), ("da", "da = da + 1"), ("b", "b = NOT b"), ("j", "j = '[ ]'"),
    ("u", "u = '00000000-0000-0000-0000-000000000001'"), ("c", "c = 'x'"), ("i2", "i2 = NULL")])
def test_the_smallest_change_of_each_type(column, sql, pulk, db):
    db.execute(ZOO)
    moved(pulk, db, ["zoo"])
    in_target(pulk, f"UPDATE zoo SET {sql} WHERE id = 5")
    table = one(validate(pulk, code=INTEGRITY))
    assert differing_columns(table) == [column]
    assert [(r["key"], [v["column"] for v in r["values"]]) for r in table["rows"]["first"]] == [({"id": "5"}, [column])]


def test_damaged_files(pulk, db):
    db.execute(ITEMS)
    moved(pulk, db, [by_range("items")], "files")
    assert one(validate(pulk))["result"] == "equal"
    current = pulk.target / "public" / "items" / "current"
    if not current.exists():
        current = next(pulk.target.glob("*/items/current"))
    paths = sorted(current.glob("*.parquet"))
    table = pyarrow.parquet.read_table(paths[0])
    names = table.column("name").to_pylist()
    broken = ["wrong" if i == 7 else name for i, name in enumerate(names)]
    key = table.column("id")[7].as_py()
    pyarrow.parquet.write_table(table.set_column(table.column_names.index("name"), table.schema.field("name"),
                                                 [broken]), paths[0])
    found = one(validate(pulk, code=INTEGRITY))
    assert found["rows"]["first"][0]["key"] == {"id": str(key)}
    assert found["rows"]["first"][0]["values"] == [{"column": "name", "source": f"'item {key}'", "target": "'wrong'"}]
    paths[1].unlink()
    report = validate(pulk, code=INTEGRITY)
    assert one(report)["result"] == "error" and "is not there" in one(report)["error"]["message"]


def test_most_rows_differ(pulk, db):
    """More than the memory for them: some are named, and the numbers say that they are not all."""
    db.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t SELECT n, md5(n::text), md5(n::text)"
               " FROM generate_series(1, 200000) n")
    moved(pulk, db, ["t"])
    in_target(pulk, "UPDATE t SET a = a || 'x'")
    report = validate(pulk, "--memory", "128MiB", "--rows", "3", code=INTEGRITY)
    rows = one(report)["rows"]
    assert not rows["exact"] and 3 < rows["changed"] < 200000 and len(rows["first"]) == 3
    assert rows["changed_columns"] == ["a"] and (rows["missing"], rows["extra"]) == (0, 0)
    assert "at least" in report["text"]


def test_a_key_that_is_none(pulk, db):
    db.execute("CREATE TABLE t (kind int, v int); INSERT INTO t SELECT n % 2, n FROM generate_series(1, 200000) n")
    moved(pulk, db, [table_entry("t")])
    pulk.write_workflow({"tables": [table_entry("t", primaryKeyColumns=["kind"])]})
    assert one(validate(pulk))["result"] == "equal"
    in_target(pulk, "DELETE FROM t WHERE v = 5")
    report = validate(pulk, "--memory", "128MiB", code=INTEGRITY)
    assert "too many share a key" in report["text"]


# --- other findings

def test_tables_that_are_missing_or_of_another_shape(pulk, db):
    db.execute(ITEMS)
    db.execute("CREATE TABLE gone (id int); CREATE TABLE shape (id int, a text, b int); INSERT INTO shape VALUES (1, 'x', 2)")
    moved(pulk, db, ["items", "gone", "shape"])
    in_target(pulk, "DROP TABLE gone; ALTER TABLE shape DROP COLUMN a; ALTER TABLE shape ALTER b TYPE INTEGER[] USING [b]")
    report = validate(pulk, code=INTEGRITY)
    items, gone, shape = report["tables"]
    assert items["result"] == "equal"
    assert gone["result"] == "differs" and gone["shape"] == ["the target has no such table"]
    assert shape["result"] == "differs"
    assert any("no column a" in line for line in shape["shape"]) and any("INTEGER[]" in line for line in shape["shape"])
    # And the other way round: the source's table is not there.
    db.execute("DROP TABLE items")
    report = validate(pulk, "--tables", "items", code=1)
    assert one(report)["result"] == "error"
    assert "NOT COMPARED" in report["text"]


def test_a_target_that_was_never_made(pulk, db):
    db.execute(ITEMS)
    pulk.write_workflow(["items"])
    pulk.write_config(db)
    pulk.run("validate", pulk.workflow).expect(1, "there is no target to compare with", "pulk migrate")
    pulk.assert_nothing_made()


def test_the_source_has_changed_since(pulk, db):
    db.execute(ITEMS)
    moved(pulk, db, ["items"])
    db.execute("UPDATE items SET price = 0 WHERE id = 1; DELETE FROM items WHERE id = 2; INSERT INTO items VALUES (6000, 'n', 1, NULL)")
    report = validate(pulk, code=INTEGRITY)
    rows = one(report)["rows"]
    assert [(r["finding"], r["key"]["id"]) for r in rows["first"]] == [("changed", "1"), ("extra", "2"), ("missing", "6000")]
    assert "may have changed since" in report["text"] and "pulk migrate --validate" in report["text"]


def test_counts_only(pulk, db):
    db.execute(ITEMS)
    moved(pulk, db, ["items"])
    in_target(pulk, "UPDATE items SET price = 0")
    assert "counted only" in validate(pulk, "--level", "counts")["text"]
    in_target(pulk, "DELETE FROM items WHERE id < 3")
    table = one(validate(pulk, "--level", "counts", code=INTEGRITY))
    assert (table["source_rows"], table["target_rows"], table["columns"]) == (5000, 4998, [])


def test_tables_and_quiet(pulk, db):
    db.execute(ITEMS)
    db.execute("CREATE TABLE other (id int)")
    moved(pulk, db, ["items", "other"])
    in_target(pulk, "INSERT INTO other VALUES (1)")
    report = validate(pulk, "--tables", "items", "-q")
    assert [t["table"].rsplit(".", 1)[-1] for t in report["tables"]] == ["items"]
    assert report["result"].stderr == ""


# --- migrate --validate

@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_migrate_in_its_snapshot_while_a_writer_goes_on(pulk, db, target):
    db.execute(ITEMS)
    pulk.write_workflow({"tables": [by_range("items", 500)]})
    pulk.write_config(db, target)
    stop, wrote = threading.Event(), [0]

    def write():
        connection = psycopg2.connect(host=db.server.socket_folder, port=db.server.port, dbname=db.name, user="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("UPDATE items SET price = price + 1 WHERE id = 1 + %s", (wrote[0] % 5000,))
                cursor.execute("DELETE FROM items WHERE id = 1 + %s", ((wrote[0] * 7) % 5000,))
                cursor.execute("INSERT INTO items VALUES (%s, 'new', 1, NULL)", (10000 + wrote[0],))
                wrote[0] += 1
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        result = pulk.migrate("--validate", "--report", pulk.folder / "report.json").expect(0, "every value compared")
    finally:
        stop.set()
        writer.join()
    assert wrote[0] > 20
    table = one(result.summary["validation"])
    assert table["result"] == "equal" and table["same_snapshot"]
    assert one(json.loads((pulk.folder / "report.json").read_text())) == table
    assert "the snapshot it was loaded from" in result.stdout
    # The same target, in a snapshot of now.
    validate(pulk, code=INTEGRITY)


def test_migrate_finds_what_the_target_changes(pulk, db):
    """A target that does not keep what it is given: here by a trigger's cousin, a column that fills itself."""
    db.execute(ITEMS)
    pulk.write_workflow(["items"])
    pulk.write_config(db)
    running = pulk.start_migrate("--validate", env={"PULK_STOP_AT": "run.finished"})
    running.wait_until_stopped()
    in_target(pulk, "UPDATE items SET name = 'wrong' WHERE id = 42")
    running.wake()
    result = running.wait().expect(INTEGRITY, "id = 42", "'wrong'")
    table = one(result.summary["validation"])
    assert table["rows"]["first"][0]["key"] == {"id": "42"} and table["same_snapshot"]
    # What was found is said, the run itself is over: the next one is a new one.
    pulk.migrate("--validate").expect(0)


def test_a_table_of_an_earlier_process_is_compared_in_a_new_snapshot(pulk, db):
    db.execute(ITEMS)
    db.execute("CREATE TABLE later (id int); INSERT INTO later VALUES (1)")
    pulk.write_workflow(["items", "later"])
    pulk.write_config(db)
    running = pulk.start_migrate("--validate", "--parallel", "1", env={"PULK_CRASH_AT": "table.cleaned"})
    running.process.wait(60)
    db.execute("DELETE FROM items WHERE id = 1; INSERT INTO later VALUES (2)")
    result = pulk.migrate("--validate", "--parallel", "1").expect(INTEGRITY, "the snapshot that this table was read in is gone")
    items, later = result.summary["validation"]["tables"]
    assert (items["result"], items["same_snapshot"]) == ("differs", False)
    assert (later["result"], later["same_snapshot"], later["source_rows"]) == ("equal", True, 2)


def test_migrate_refuses_what_cannot_be_compared(pulk, db):
    db.execute(ITEMS)
    pulk.write_workflow(["items"])
    pulk.write_config(db)
    pulk.migrate("--validate", "--append").expect(1, "--append")
    pulk.migrate("--validate", "--sample-rows", "5").expect(1, "--sample-rows")
    pulk.migrate("--report", "x.json").expect(1, "--validate")
    pulk.assert_nothing_made()


# --- memory

@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_a_million_rows_stay_within_the_budget(pulk, db, target):
    db.execute("CREATE TABLE t AS SELECT n AS id, 'value ' || n AS v, (n / 7.0)::numeric(12,2) AS d, md5(n::text) AS h"
               " FROM generate_series(1, 1000000) n")
    moved(pulk, db, ["t"], target)
    peak = peak_of(pulk.start("validate", pulk.workflow, "--memory", f"{BUDGET}MiB"))
    assert peak <= LIMIT, f"{peak} MiB"


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_huge_values(pulk, db, target):
    """One row in hand may be held several times over, the table is not."""
    huge = 100 << 20
    # DuckDB gives 2,048 rows at a time: two huge ones among these would be in memory together.
    db.execute(f"CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, CASE WHEN n IN (50, 5000)"
               f" THEN repeat('0123456789abcdef', {huge // 16}) ELSE 'small' END FROM generate_series(1, 10000) n")
    moved(pulk, db, ["t"], target)
    peak = peak_of(pulk.start("validate", pulk.workflow, "--memory", f"{BUDGET}MiB"))
    assert peak <= LIMIT + 4 * huge / (1 << 20), f"{peak} MiB"


def test_an_end_that_is_asked_for(pulk, db):
    db.execute("CREATE TABLE t AS SELECT n AS id, md5(n::text) AS h FROM generate_series(1, 1000000) n")
    moved(pulk, db, ["t"])
    running = pulk.start("validate", pulk.workflow, "--report", pulk.folder / "report.json")
    running.wait_for(lambda: "comparing" in running.stderr())
    running.terminate()
    running.wait().expect(2, "interrupted")
    assert json.loads((pulk.folder / "report.json").read_text())["interrupted"]


def test_a_query_that_gives_other_rows_each_time(pulk, db):
    pulk.write_workflow({"tables": [{"source": {"query": "SELECT n, random() AS r FROM generate_series(1, 10) n"},
                                     "target": {"tableName": "t"}}]})
    pulk.write_config(db)
    pulk.migrate().expect(0)
    report = validate(pulk, code=2)
    assert "gave other rows when it was read a second time" in report["text"]
