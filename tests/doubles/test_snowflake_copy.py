"""COPY INTO: every carrier that Parquet has comes back exactly, files are remembered by name and content, refusals."""

import subprocess
import time

import pytest

from doubles.clients.drive import client_options, client_python, run_client
from support.snowflake import StatementFailed

# Values at the ends of what each type holds. Parquet is written by pyarrow; texts are what the test expects back, by hand.
EXACT = """
import datetime as d, decimal as dec, sys, pyarrow as pa, pyarrow.parquet as pq
us = pa.timestamp("us")
pq.write_table(pa.table({
  "n38": pa.array([dec.Decimal("9" * 33 + ".99999"), dec.Decimal("-" + "9" * 33 + ".99999"), None], pa.decimal128(38, 5)),
  "n0": pa.array([dec.Decimal("9" * 38), dec.Decimal("-" + "9" * 38), dec.Decimal(0)], pa.decimal128(38, 0)),
  "i": pa.array([2**63 - 1, -2**63, None], pa.int64()),
  "f": [1.7976931348623157e308, 5e-324, 0.1],
  "b": [True, False, None],
  "s": ["", None, "\\U0001F41F\\u0000z"],
  "bin": pa.array([b"", b"\\x00\\xff", None], pa.binary()),
  "d": pa.array([d.date(1, 1, 1), d.date(9999, 12, 31), d.date(1582, 10, 10)], pa.date32()),
  "tus": pa.array([0, 86399999999, None], pa.time64("us")),
  "tns": pa.array([0, 86399999999999, 1], pa.time64("ns")),
  "ts": pa.array([-62135596800000000, 253402300799999999, 0], us),
  "utc": pa.array([-62135596800000000, 253402300799999999, -1], pa.timestamp("us", "UTC")),
  "ticks": pa.array([-621355968000000000, 2534023007999999999, -1], pa.int64()),
  "tztext": ["0001-01-01 00:00:00.0000001 +14:00", "9999-12-31 23:59:59.9999999 -12:00", None],
  "ntext": ["9" * 38, "-0.00000", None],
  "json": ['{"k":[1,"\\u00e9",null]}', "null", None],
}), sys.argv[1] + "/exact.parquet")
"""
COLUMNS = [
    ("n38", "NUMBER(38,5)", '$1:"n38"::NUMBER(38,5)'), ("n0", "NUMBER(38,0)", '$1:"n0"::NUMBER(38,0)'), ("i", "NUMBER(19,0)", '$1:"i"::NUMBER(19,0)'),
    ("f", "FLOAT", '$1:"f"::FLOAT'), ("b", "BOOLEAN", '$1:"b"::BOOLEAN'), ("s", "VARCHAR", '$1:"s"::VARCHAR'),
    ("bin", "BINARY", '$1:"bin"::BINARY'), ("d", "DATE", '$1:"d"::DATE'), ("tus", "TIME(6)", '$1:"tus"::TIME(6)'),
    ("tns", "TIME(9)", '$1:"tns"::TIME(9)'), ("ts", "TIMESTAMP_NTZ(6)", '$1:"ts"::TIMESTAMP_NTZ(6)'),
    ("utc", "TIMESTAMP_LTZ(6)", '$1:"utc"::TIMESTAMP_LTZ(6)'),
    ("ticks", "TIMESTAMP_NTZ(7)", 'TO_TIMESTAMP_NTZ($1:"ticks"::NUMBER(38,0), 7)'),
    ("tztext", "TIMESTAMP_TZ(7)", '$1:"tztext"::TIMESTAMP_TZ(7)'), ("ntext", "NUMBER(38,0)", '$1:"ntext"::NUMBER(38,0)'),
    ("json", "VARIANT", 'PARSE_JSON($1:"json"::VARCHAR)'),
]
# As text by the service's own formats, so that no client's type stands between.
SHOWN = {"tns": "TO_CHAR(tns, 'HH24:MI:SS.FF9')", "tus": "TO_CHAR(tus, 'HH24:MI:SS.FF6')", "bin": "TO_CHAR(bin, 'HEX')",
         "ts": "TO_CHAR(ts, 'YYYY-MM-DD HH24:MI:SS.FF6')", "utc": "TO_CHAR(CONVERT_TIMEZONE('UTC', utc), 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')",
         "ticks": "TO_CHAR(ticks, 'YYYY-MM-DD HH24:MI:SS.FF7')", "tztext": "TO_CHAR(tztext, 'YYYY-MM-DD HH24:MI:SS.FF7 TZH:TZM')"}
WANTED = {
    "n38": ["9" * 33 + ".99999", "-" + "9" * 33 + ".99999", None], "n0": ["9" * 38, "-" + "9" * 38, "0"],
    "i": ["9223372036854775807", "-9223372036854775808", None], "f": ["1.7976931348623157e+308", "5e-324", "0.1"],
    "b": ["true", "false", None], "s": ["", None, "\U0001F41F\0z"], "bin": ["", "00FF", None],
    "d": ["0001-01-01", "9999-12-31", "1582-10-10"], "tus": ["00:00:00.000000", "23:59:59.999999", None],
    "tns": ["00:00:00.000000000", "23:59:59.999999999", "00:00:00.000000001"],
    "ts": ["0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.999999", "1970-01-01 00:00:00.000000"],
    "utc": ["0001-01-01 00:00:00.000000 +00:00", "9999-12-31 23:59:59.999999 +00:00", "1969-12-31 23:59:59.999999 +00:00"],
    "ticks": ["0001-01-01 00:00:00.0000000", "9999-12-31 23:59:59.9999999", "1969-12-31 23:59:59.9999999"],
    "tztext": ["0001-01-01 00:00:00.0000001 +14:00", "9999-12-31 23:59:59.9999999 -12:00", None], "ntext": ["9" * 38, "0", None],
    "json": ['{"k":[1,"é",null]}', "null", None],
}


def _make(code, folder):
    subprocess.run([client_python("adbc"), "-c", code, str(folder)], check=True)


def test_values_come_back_exactly(snowflake, tmp_path):
    _make(EXACT, tmp_path)
    statements = [
        "CREATE DATABASE d", "CREATE STAGE st", "CREATE TABLE e (" + ", ".join(f"{n} {t}" for n, t, _ in COLUMNS) + ")",
        f"PUT 'file://{tmp_path}/exact.parquet' @st AUTO_COMPRESS=FALSE OVERWRITE=TRUE",
        f"COPY INTO e ({', '.join(n for n, _, _ in COLUMNS)}) FROM (SELECT {', '.join(x for _, _, x in COLUMNS)} FROM @st) "
        "FILES = ('exact.parquet') FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE "
        "BINARY_AS_TEXT = FALSE) ON_ERROR = ABORT_STATEMENT FORCE = TRUE",
        "SELECT " + ", ".join(SHOWN.get(n, n) for n, _, _ in COLUMNS) + " FROM e"]
    results, = run_client("adbc", client_options(snowflake, "adbc"), statements)
    assert [r.get("error") for r in results] == [None] * 6, snowflake.control("history")[-1]["message"]
    got = {name: list(column) for (name, _, _), column in zip(COLUMNS, zip(*results[-1]["rows"]))}
    assert got == WANTED


@pytest.fixture
def loaded(snowflake, tmp_path):
    """A session with a table (a INT), a stage with files n1 … n3 of one row each, and a way to put another file."""
    session = snowflake.session()
    for sql in ("CREATE DATABASE d", "CREATE TABLE t (a INT)", "CREATE STAGE st FILE_FORMAT = (TYPE = PARQUET)"):
        session.sql(sql)
    session.sql("LIST @st")
    folder = next((snowflake.folder / "data" / "stages").glob("stage_*"))

    def put(name, *values):
        code = f"import pyarrow as pa, pyarrow.parquet as pq, sys; pq.write_table(pa.table({{'a': {list(values)}}}), sys.argv[1] + '/{name}')"
        _make(code, folder)
    for number in (1, 2, 3):
        put(f"n{number}.parquet", number)
    return session, put


COPY = "COPY INTO t FROM @st MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"


def _status(rows) -> list:
    return [row[:2] for row in rows]


def test_load_history_is_by_name_and_content(loaded):
    session, put = loaded
    assert _status(session.sql(COPY)) == [(f"st/n{n}.parquet", "LOADED") for n in (1, 2, 3)]
    assert session.sql(COPY) == [("Copy executed with 0 files processed.",)]
    put("n2.parquet", 22)
    put("n9.parquet", 9)
    assert _status(session.sql(COPY)) == [("st/n2.parquet", "LOADED"), ("st/n9.parquet", "LOADED")]
    assert _status(session.sql(COPY + " FILES = ('n2.parquet')")) == [("st/n2.parquet", "LOAD_SKIPPED")]
    assert session.sql("SELECT LISTAGG(a, ',') WITHIN GROUP (ORDER BY a) FROM t") == [("1,2,3,9,22",)]


def test_load_history_follows_the_transaction(loaded):
    session, _ = loaded
    session.sql("BEGIN")
    assert len(session.sql(COPY)) == 3
    assert session.sql(COPY) == [("Copy executed with 0 files processed.",)]
    session.sql("ROLLBACK")
    assert len(session.sql(COPY)) == 3
    session.sql("TRUNCATE TABLE t")
    assert len(session.sql(COPY)) == 3, "TRUNCATE forgets the files"


def test_files_of_several_schemas(loaded):
    session, put = loaded
    put("n2.parquet", "22")
    assert len(session.sql(COPY)) == 3
    put("n1.parquet", "no number")
    put("n3.parquet", 33)
    with pytest.raises(StatementFailed) as caught:
        session.sql(COPY)
    assert caught.value.code == "100038"
    assert "File 'n1.parquet', line 1" in caught.value.message and '"T"["A":1]' in caught.value.message
    assert session.sql("SELECT SUM(a) FROM t") == [("26",)], "nothing of the failed statement stays"


def test_what_is_too_long_is_cut_where_it_is_asked_for(loaded, snowflake):
    session, put = loaded
    put("n1.parquet", "abcd")
    session.sql("CREATE TABLE short (a VARCHAR(3))")

    def copy(value, options):
        return f"COPY INTO short FROM (SELECT {value} FROM @st) FILES = ('n1.parquet') FORCE = TRUE {options}"

    for statement in (copy("$1:a::VARCHAR", ""), copy("$1:a::VARCHAR(3)", ""), copy("$1:a::VARCHAR", "TRUNCATECOLUMNS = FALSE")):
        with pytest.raises(StatementFailed) as caught:
            session.sql(statement)
        assert caught.value.code == "100078" and "'abcd' is too long and would be truncated" in caught.value.message
    session.sql(copy("$1:a::VARCHAR", "TRUNCATECOLUMNS = TRUE"))
    session.sql(copy("$1:a::VARCHAR", "ENFORCE_LENGTH = FALSE"))
    assert session.sql("SELECT * FROM short") == [("abc",), ("abc",)]


def test_a_list_of_files_has_an_end(loaded):
    session, _ = loaded
    names = ", ".join(f"'f{n}'" for n in range(1001))
    with pytest.raises(StatementFailed) as caught:
        session.sql(f"{COPY} FILES = ({names})")
    assert caught.value.code == "001014"
    names = ", ".join("'n1.parquet'" for _ in range(1000))  # one file, named a thousand times
    assert session.sql(f"{COPY} FILES = ({names})")


@pytest.mark.parametrize("options", ["FILES = ('n1.parquet') PATTERN = '.*'", "ON_ERROR = MAYBE", "NO_SUCH_OPTION = 1",
                                     "FILE_FORMAT = (TYPE = PARQUET SKIP_HEADER = 1)", "FILE_FORMAT = (FORMAT_NAME = 'nope')"])
def test_wrong_options_are_refused(loaded, options):
    session, _ = loaded
    with pytest.raises(StatementFailed):
        session.sql(f"{COPY} {options}")
    assert session.sql("SELECT COUNT(*) FROM t") == [("0",)]


def test_purge_and_named_format(loaded):
    session, _ = loaded
    session.sql("CREATE FILE FORMAT ff TYPE = PARQUET")
    session.sql("CREATE STAGE plain")
    assert len(session.sql(COPY + " FILE_FORMAT = (FORMAT_NAME = 'ff') PURGE = TRUE")) == 3
    assert session.sql("LIST @st") == []


def test_a_million_rows_take_seconds(loaded, snowflake, tmp_path):
    session, _ = loaded
    folder = next((snowflake.folder / "data" / "stages").glob("stage_*"))
    _make("import pyarrow as pa, pyarrow.parquet as pq, sys; pq.write_table(pa.table({'a': range(1000000)}), sys.argv[1] + '/m.parquet')", folder)
    started = time.monotonic()
    assert session.sql(COPY + " FILES = ('m.parquet')")[0][2:4] == ("1000000", "1000000")
    assert time.monotonic() - started < 15
