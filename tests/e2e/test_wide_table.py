"""As many columns as PostgreSQL allows, in the memory of a small machine."""

import pytest

from support.values import assert_same_rows
from test_memory import BUDGET, LIMIT, peak_of

COLUMNS = 1600
# A row must fit into a page of 8 KiB: short values, a third of them NULL.
TYPES = [("integer", "{n}"), ("text", "'v{n}'"), ("boolean", "{n} % 2 = 0"), ("numeric(5,2)", "{n} % 900 / 8.0"),
         ("date", "date '2024-01-01' + {n}"), ("int4range", "int4range({n} % 99, NULL)"), ("real", "{n} / 7.0"),
         ('"char"', "'c'"), ("interval second", "NULL"), ("smallint", "{n} % 30000"), ("bit(5)", "B'10101'"), ("oid", "{n}")]


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_1600_columns(pulk, db, target):
    names = [f"c{i}" for i in range(COLUMNS)]
    chosen = [TYPES[i % len(TYPES)] for i in range(COLUMNS)]
    db.execute(f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, (kind, _) in zip(names, chosen))})")
    values = ", ".join(f"CASE WHEN (n + {i}) % 3 > 0 THEN ({value.format(n='n')})::{kind} END"
                       for i, (kind, value) in enumerate(chosen))
    db.execute(f"INSERT INTO t SELECT {values} FROM generate_series(1, 300) n")
    pulk.write_workflow(["t"])
    pulk.write_config(db, target)
    assert peak_of(pulk.start_migrate("--memory", f"{BUDGET}MiB")) <= LIMIT
    assert pulk.read("t").columns == names
    assert_same_rows(db.rows("TABLE t"), pulk.rows("t"))


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_a_hundred_columns_of_text_and_many_rows(pulk, db, target):
    columns, rows = 100, 30_000
    values = ", ".join(f"'value ' || n * {i} % 1000 AS c{i}" for i in range(1, columns + 1))
    db.execute(f"CREATE TABLE t AS SELECT {values} FROM generate_series(1, {rows}) n")
    pulk.write_workflow(["t"])
    pulk.write_config(db, target)
    assert peak_of(pulk.start_migrate("--memory", f"{BUDGET}MiB")) <= LIMIT
    assert_same_rows(db.rows("TABLE t"), pulk.rows("t"))


def test_one_column_more_than_a_table_may_have_comes_by_a_query(pulk, db):
    db.execute("CREATE TABLE t (n integer); INSERT INTO t VALUES (1)")
    select = ", ".join(f"n + {i} AS c{i}" for i in range(COLUMNS + 1))
    pulk.write_workflow({"tables": [{"source": {"query": f"SELECT {select} FROM t"}, "target": {"tableName": "t"}}]})
    pulk.write_config(db)
    pulk.migrate("--memory", f"{BUDGET}MiB").expect(0)
    assert_same_rows([tuple(str(1 + i) for i in range(COLUMNS + 1))], pulk.rows("t"))
