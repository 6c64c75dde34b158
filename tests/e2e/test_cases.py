"""Runs the text cases of cases/*.toml, each for every target it names.

A case is a table of a source, a workflow, and what must come of it. Keys of a case, and of each later step in
[[case.then]], which runs in the same place after it:

  name              what the case shows
  source            "postgres" (default), "sqlite", or "unknown": SQLite behind a driver that pulk does not know
  target            "duckdb", "files", "snowflake" or "both" (default: the first two); first step only
  setup             SQL at the source
  target_setup      SQL in the DuckDB file, by DuckDB's own Python
  tables            names of tables that are moved under their own names; "t" when nothing is said
  workflow          the workflow as JSON, in place of `tables`; later steps inherit either
  args              more arguments of `pulk migrate`
  plan_output       texts that `pulk plan` prints
  exit              exit code, default 0
  output            texts in stdout or stderr
  not_output        texts that must not be there
  nothing_made      true: neither a workspace nor anything at the target's place exists afterwards
  tables_there      names of all tables in the target afterwards
  rows.TABLE        the table's rows, one a line, cells between " | ": canonical text as in support/values.py, NULL,
                    or a Python string in quotes
  same_as.TABLE     a SELECT at the source that gives the same rows
  columns.TABLE     names of its columns, in order
  types.TABLE       their types as DuckDB reads them
  snowflake         false: the case is not for Snowflake; else those of types_*.toml with target "both" are
  snowflake_types.TABLE   their types in Snowflake
  not_null.TABLE, primary_key.TABLE   columns
  partitions.TABLE  how many partitions the summary must name at least
  most_rows.TABLE   rows that no partition of the source table may exceed, by `pulk status`
  target_rows       pairs of SQL in the DuckDB file and its rows

Steps with `exit` 0 and without rows or same_as compare each of `tables` with the whole table of the source.
"""

import ast
import json
import re
import tomllib
from pathlib import Path

import duckdb
import pytest

from support.pulk import table_entry
from support.values import assert_same_rows, difference

CASES = Path(__file__).parent / "cases"
STEP_KEYS = {"setup", "target_setup", "tables", "workflow", "args", "plan_output", "exit", "output", "not_output",
             "nothing_made", "tables_there", "rows", "same_as", "columns", "types", "snowflake_types", "not_null", "primary_key",
             "partitions", "most_rows", "target_rows"}
CASE_KEYS = STEP_KEYS | {"name", "source", "target", "snowflake", "then"}


def load():
    for path in sorted(CASES.glob("*.toml")):
        cases = tomllib.loads(path.read_text())
        assert set(cases) == {"case"}, f"{path.name}: a file of cases has [[case]] only"
        for case in cases["case"]:
            unknown = set(case) - CASE_KEYS
            for step in case.get("then", []):
                unknown |= set(step) - STEP_KEYS
            assert not unknown, f"{path.name}: {case.get('name')}: unknown keys {sorted(unknown)}"
            target = case.get("target", "both")
            name = re.sub(r"[^\w]+", "-", case["name"]).strip("-")
            kinds = ("duckdb", "files") if target == "both" else (target,)
            # What a case says about values holds for Snowflake too; its types and its DuckDB file are DuckDB's.
            if target == "both" and path.stem.startswith("types_") and case.get("snowflake", True):
                kinds += ("snowflake",)
            for kind in kinds:
                yield pytest.param(case, kind, id=f"{path.stem}-{name}-{kind}")


def parse_rows(text: str) -> list:
    rows = []
    for line in text.strip("\n").splitlines():
        if not line.strip():
            continue
        cells = [cell.strip() for cell in re.split(r" \| ", line)]
        rows.append(tuple(None if cell == "NULL" else ast.literal_eval(cell) if cell[:1] in "'\"" and len(cell) > 1
                          else cell for cell in cells))
    return rows


def in_target(pulk, sql):
    with duckdb.connect(str(pulk.target)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def text_of(row):
    return tuple(None if value is None else str(value) for value in row)


def partition_rows(pulk, target):
    """Rows of each partition in the last run."""
    run = json.loads(pulk.run("status", "--json").expect(0).stdout)[-1]
    return [partition["rows_loaded"] for table in run["tables"] if table["target"].rsplit(".", 1)[-1] == target
            for partition in table["partitions"]]


def run_step(step, pulk, source, inherited):
    if step.get("setup"):
        source.execute(step["setup"])
    if step.get("target_setup"):
        in_target(pulk, step["target_setup"])
    tables = step.get("tables", inherited["tables"])
    if "workflow" in step:
        inherited["tables"] = tables = []
        pulk.write_workflow(json.loads(step["workflow"]))
    elif "tables" in step or not pulk.workflow.exists():
        inherited["tables"] = tables
        pulk.write_workflow([table_entry(name) for name in tables])
    if "plan_output" in step:
        planned = pulk.plan()
        for text in step["plan_output"]:
            assert text in planned.text, f"{text!r} is not in the plan\n{planned}"

    exit_code = step.get("exit", 0)
    result = pulk.migrate(*step.get("args", []))
    result.expect(exit_code, *step.get("output", []))
    for text in step.get("not_output", []):
        assert text not in result.text, f"{text!r} is in the output\n{result}"
    if step.get("nothing_made"):
        pulk.assert_nothing_made()
    if "tables_there" in step:
        there = pulk.tables()
        if pulk.kind == "snowflake":  # where a table is missing it is made, empty, before anything is loaded
            there = [name.lower() for name in there if pulk.rows(name)]
        assert there == sorted(step["tables_there"]), str(result)

    same_as = dict(step.get("same_as", {}))
    if exit_code == 0 and not {"rows", "same_as", "target_rows"} & set(step):
        same_as = {name: f"SELECT * FROM {name}" for name in tables}
        assert same_as, "a step that ends well says what the target must hold"
    for table, sql in same_as.items():
        assert_same_rows(source.rows(sql), pulk.rows(table))
    for table, text in step.get("rows", {}).items():
        assert_same_rows(parse_rows(text), pulk.rows(table))
    upper = pulk.kind == "snowflake" and inherited["both"]  # a case for all targets writes names in lower case
    for table, names in step.get("columns", {}).items() if not upper else ():
        assert pulk.read(table).columns == names
    for table, types in step.get("snowflake_types" if pulk.kind == "snowflake" else "types", {}).items():
        assert pulk.read(table).types == types
    for table, number in step.get("partitions", {}).items():
        label = table.upper() if pulk.kind == "snowflake" else table
        assert result.table(label)["partitions"] >= number, str(result)
    for table, most in step.get("most_rows", {}).items():
        found = partition_rows(pulk, table)
        assert found and max(found) <= most, f"partitions have {found} rows"
    for key in ("not_null", "primary_key") if pulk.kind != "snowflake" else ():
        for table, names in step.get(key, {}).items():
            assert getattr(pulk.read(table), key) == names
    for sql, text in step.get("target_rows", []):
        found = difference(parse_rows(text), map(text_of, in_target(pulk, sql)))
        assert not found, f"{sql}\n{found}"


@pytest.mark.parametrize("case, kind", list(load()))
def test_case(case, kind, pulk, request):
    overrides = {}
    if case.get("source", "postgres") == "postgres":
        source = request.getfixturevalue("db")
    else:
        source = request.getfixturevalue("sqlite_source")()
    if case.get("source") == "unknown":
        overrides["driver_name"] = request.getfixturevalue("unknown_sqlite_driver")
    pulk.write_config(source, request.getfixturevalue("snowflake_server") if kind == "snowflake" else kind, **overrides)
    inherited = {"tables": ["t"], "both": case.get("target", "both") == "both"}
    for step in [case, *case.get("then", [])]:
        run_step(step, pulk, source, inherited)
