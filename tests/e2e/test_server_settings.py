"""Settings of the server, the database and the login change no value: what PostgreSQL prints is printed under pulk's own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.pulk import table_entry
from support.server import LOGIN, PostgresServer
from support.values import assert_same_rows

SETTINGS = {"datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "bytea_output": "escape", "extra_float_digits": "-10",
            "timezone": "Asia/Kathmandu", "lc_monetary": "de_DE.UTF-8", "quote_all_identifiers": "on",
            "array_nulls": "off", "standard_conforming_strings": "off", "xmlbinary": "hex", "xmloption": "document"}

TABLE = """
CREATE TYPE pair AS (f double precision, d date, i interval, b bytea, at timestamptz, m money);
CREATE TABLE t (id integer[] PRIMARY KEY, a double precision[], b timestamptz[], c interval, d bytea[], e tstzrange, f daterange,
  g point, h pair, i money, j money[], k interval[], l timetz, m tsrange, n date, o bytea, p double precision, q timestamptz);
INSERT INTO t SELECT ARRAY[n, NULL], '{0.1,1e-300}', '{2024-06-01 12:00+00,infinity}', '1 year -2 days 03:00', ARRAY['\\x00ff5c'::bytea],
  '[2024-06-01 12:00+00,)', '[2024-02-01,2024-02-03)', '(0.30000000000000004,1e100)',
  ROW(0.1::float8, '2024-02-01', '-1 mon 1 sec', '\\x5c', '2024-06-01 12:00+00', 1234.5::money)::pair, -1234.56, '{1234.5}', '{1 day}', '12:00+05:45',
  '[2024-02-01 01:02:03,2024-02-03)', '2024-02-01', '\\x00ff', 0.1, '2024-06-01 12:00+00' FROM generate_series(1, 300) n
"""

ROW = ('{0.1,1e-300}', '{"2024-06-01 12:00:00+00",infinity}', "1 year -2 days +03:00:00", '{"\\\\x00ff5c"}',
       '["2024-06-01 12:00:00+00",)', "[2024-02-01,2024-02-03)", "(0.30000000000000004,1e+100)",
       '(0.1,2024-02-01,"-1 mons +00:00:01","\\\\x5c","2024-06-01 12:00:00+00","$1,234.50")', "-1234.56", '{"$1,234.50"}',
       '{"1 day"}', "12:00:00+05:45", '["2024-02-01 01:02:03","2024-02-03 00:00:00")', "2024-02-01", "00ff", "0.1",
       "2024-06-01 12:00:00+00")


@pytest.fixture(scope="module")
def server_with_locales():
    """A server of its own that knows the money of Germany and Japan."""
    # Not below pytest's folder, which the server's user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="pulk-locales-", dir="/tmp"))
    folder.chmod(0o755)
    for name in ("de_DE", "ja_JP"):
        subprocess.run(["localedef", "-c", "-i", name, "-f", "UTF-8", str(folder / f"{name}.UTF-8")], check=False)
        assert (folder / f"{name}.UTF-8" / "LC_MONETARY").exists(), "the package locales has localedef's sources"
    before = os.environ.get("LOCPATH")
    os.environ["LOCPATH"] = str(folder)
    try:
        server = PostgresServer()
    finally:
        os.environ.pop("LOCPATH") if before is None else os.environ.update(LOCPATH=before)
    yield server
    server.remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server_with_locales):
    database = server_with_locales.create_database()
    yield database
    database.drop()


def configure(database, name, value, whom="DATABASE"):
    what = f"DATABASE {database.name}" if whom == "DATABASE" else f"ROLE {LOGIN} IN DATABASE {database.name}"
    with contextlib.closing(database.server.connect("postgres", user="postgres")) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER {what} SET {name} = {value if name == 'datestyle' else repr(value)}")


@pytest.mark.parametrize("whom", ["DATABASE", "ROLE"])
@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_no_setting_changes_a_value(pulk, database, target, whom):
    database.execute(TABLE)
    for name, value in SETTINGS.items():
        configure(database, name, value, whom)
    assert "1.234,50" in database.execute("SELECT 1234.5::money::text")[0][0], "the setting is not in force"
    pulk.write_workflow([table_entry("t", columnNamesToPartitionBy=["id"], partitionSize={"maxRowsPerPartition": 50})])
    pulk.write_config(database, target)
    pulk.migrate("--verify-count").expect(0)
    assert_same_rows([(f"{{{n},NULL}}", *ROW) for n in range(1, 301)], pulk.rows("t"))
    types = pulk.read("t").types
    assert types[9] == "DECIMAL(19,2)" and types[0] == "VARCHAR"


@pytest.mark.parametrize("target", ["duckdb", "files"])
def test_money_without_cents(pulk, database, target):
    database.execute("SET lc_monetary = 'ja_JP.UTF-8'; CREATE TABLE t (a money); INSERT INTO t VALUES (1234), (-1), (NULL)")
    configure(database, "lc_monetary", "ja_JP.UTF-8")
    pulk.write_workflow(["t"])
    pulk.write_config(database, target)
    pulk.migrate().expect(0)
    assert pulk.read("t").types == ["DECIMAL(19,0)"]
    assert_same_rows([("1234",), ("-1",), (None,)], pulk.rows("t"))


def test_money_without_cents_is_refused_inside_of_other_types(pulk, database):
    database.execute("CREATE TABLE t (a money[])")
    configure(database, "lc_monetary", "ja_JP.UTF-8")
    pulk.write_workflow({"tables": [table_entry("t", columnTypeMappings=[{"sourceType": "money[]",
                                                                          "targetType": "VARCHAR"}])]})
    pulk.write_config(database)
    pulk.migrate().expect(5, "column a (money[])", "0 fraction digits")
    pulk.assert_nothing_made()
