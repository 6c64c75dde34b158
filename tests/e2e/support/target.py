"""Readers of what pulk wrote, by DuckDB's own Python and by pyarrow: nothing of pulk takes part."""

import json
from pathlib import Path

import duckdb
import pyarrow.parquet

from support import snowflake_table
from support.table import Table
from support.values import duckdb_moment


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _expression(name: str, kind: str) -> str:
    # Python's own value where it is exact and DuckDB's text is not canonical: DECIMAL(5,5) is written without a zero
    # before the point, and ICU rounds instants in far years.
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return quote(name)
    if kind == "BLOB":
        return f"lower(hex({quote(name)}))"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(make_timestamp(epoch_us({quote(name)})) AS VARCHAR)"
    return f"CAST({quote(name)} AS VARCHAR)"


def _value(value, kind: str):
    if value is None:
        return None
    if kind in ("FLOAT", "DOUBLE"):
        return repr(value)
    if kind.startswith("DECIMAL"):
        return format(value, "f")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return value.replace(" (BC)", "") + "+00" + (" BC" if "(BC)" in value else "")
    if kind.startswith(("DATE", "TIMESTAMP")):
        return duckdb_moment(value)
    return value


def _read(connection, relation: str) -> Table:
    connection.execute("SET TimeZone = 'UTC'")
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    names, types = [d[0] for d in described], [d[1] for d in described]
    select = ", ".join(_expression(n, t) for n, t in zip(names, types))
    rows = connection.execute(f"SELECT {select} FROM {relation}").fetchall()
    return Table(names, types, [tuple(_value(v, t) for v, t in zip(row, types)) for row in rows])


def open_duckdb(path):
    """Read-only; pulk must not have it open."""
    return duckdb.connect(str(path), read_only=True)


def read_duckdb(path, table: str, schema="main") -> Table:
    with open_duckdb(path) as connection:
        result = _read(connection, f"{quote(schema)}.{quote(table)}")
        result.not_null = [row[0] for row in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? AND NOT is_nullable"
            " ORDER BY column_index", [schema, table]).fetchall()]
        keys = connection.execute(
            "SELECT constraint_column_names FROM duckdb_constraints() WHERE schema_name = ? AND table_name = ?"
            " AND constraint_type = 'PRIMARY KEY'", [schema, table]).fetchall()
        result.primary_key = keys[0][0] if keys else []
        return result


def duckdb_tables(path) -> list:
    """Names of the tables that a person is given: without pulk's own schema and staging."""
    if not Path(path).exists():
        return []
    with open_duckdb(path) as connection:
        return [row[0] for row in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name <> '_pulk'"
            " AND NOT starts_with(table_name, '_pulk_stage_') ORDER BY 1").fetchall()]


def folder_name(name: str) -> str:
    """How a table's name is written as a folder's."""
    return "".join(f"%{ord(c):02X}" if c in "/.%" or ord(c) < 32 or ord(c) == 127 else c for c in name)


def files_table_folder(root, table: str, schema=None) -> Path:
    """Without a schema, the one schema folder that has the table."""
    name = folder_name(table)
    if schema is not None:
        return Path(root) / folder_name(schema) / name
    found = [path for path in Path(root).glob("*/*") if path.name == name and path.parent.name != ".pulk"]
    assert len(found) == 1, f"{table} is in {len(found)} folders of {root}"
    return found[0]


def read_manifest(root, table: str, schema=None) -> dict:
    return json.loads((files_table_folder(root, table, schema) / "current" / "manifest.json").read_text())


def read_files(root, table: str, schema=None) -> Table:
    current = files_table_folder(root, table, schema) / "current"
    manifest = json.loads((current / "manifest.json").read_text())
    paths = [current / file["name"] for file in manifest["files"]]
    for file, path in zip(manifest["files"], paths):
        assert pyarrow.parquet.read_metadata(path).num_rows == file["rows"], f"{path} is not what the manifest says"
        assert path.stat().st_size == file["bytes"], f"{path} is not what the manifest says"
    assert sum(file["rows"] for file in manifest["files"]) == manifest["rows"]
    on_disk = sorted(str(path.relative_to(current)) for path in current.rglob("*.parquet"))
    assert on_disk == sorted(file["name"] for file in manifest["files"]), "other files than the manifest's are there"
    names = [column["name"] for column in manifest["columns"]]
    if paths:
        for path in paths:
            assert pyarrow.parquet.read_schema(path).names == names, f"{path} has other columns than the manifest"
        with duckdb.connect() as connection:
            listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
            result = _read(connection, f"read_parquet([{listed}], union_by_name = false)")
        # DuckDB renames columns whose names differ in case only.
        result.columns = names
    else:
        result = Table(names, [column["type"] for column in manifest["columns"]], [])
    result.not_null = [column["name"] for column in manifest["columns"] if not column["nullable"]]
    result.primary_key = manifest["primary_key"]
    return result


def files_tables(root) -> list:
    """Names of the folders of tables that have a version."""
    return sorted(path.parent.name for path in Path(root).glob("*/*/current") if path.parent.parent.name != ".pulk")


def read_target(kind: str, path, table: str, schema=None) -> Table:
    if kind == "snowflake":
        return snowflake_table.read_snowflake(path, table, schema or "PUBLIC")
    if kind == "duckdb":
        return read_duckdb(path, table, schema or "main")
    return read_files(path, table, schema)


def target_tables(kind: str, path) -> list:
    if kind == "snowflake":
        return snowflake_table.snowflake_tables(path)
    return duckdb_tables(path) if kind == "duckdb" else files_tables(path)
