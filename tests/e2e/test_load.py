"""`pulk load`: local files into a table of Snowflake (the stand-in). What is in the table is read beside pulk, by the
stand-in's own JSON or by the Python connector's text of it."""

import datetime as dt
import decimal
import gzip
import json
import random
import signal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.snowflake import PASSWORD

D = decimal.Decimal


@pytest.fixture(scope="module")
def place(server):
    server.control("databases", name="SHOP", schemas=["PUBLIC"])
    return server


@pytest.fixture
def shop(pulk, place):
    pulk.server = place
    pulk.variables = place.environment("SHOP", "PUBLIC")
    place.sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.T (ID NUMBER(5,0) NOT NULL, NAME VARCHAR(10), PRICE NUMBER(8,2) DEFAULT 1)")
    pulk.uploads_before = len(place.statements("PUT 'file"))
    yield pulk
    place.control("faults", clear=True)


def load(pulk, *args, env=None, **more):
    return pulk.run("load", *args, env={**pulk.variables, **(env or {})}, **more)


def rows(pulk, columns="ID, NAME, PRICE", table="T"):
    """Sorted, NULL as None."""
    return sorted(pulk.server.sql(f"SELECT {columns} FROM SHOP.PUBLIC.{table}"), key=str)


def left(pulk):
    """What pulk's own schema holds: tables of staging, stages, marks, leases."""
    sql = pulk.server.sql
    if not sql("SHOW SCHEMAS LIKE '_PULK' IN DATABASE SHOP"):
        return []
    tables = [row[1] for row in sql("SHOW TABLES IN SCHEMA SHOP._PULK")]
    return [t for t in tables if t not in ("MARK", "LEASE", "GUARD")] + sql("SHOW STAGES IN SCHEMA SHOP._PULK") + \
        sql("SELECT * FROM SHOP._PULK.MARK") + sql("SELECT * FROM SHOP._PULK.LEASE")


def uploads(pulk) -> int:
    return len(pulk.server.statements("PUT 'file")) - pulk.uploads_before


def write(pulk, name, text):
    data = text if isinstance(text, bytes) else text.encode()
    (pulk.folder / name).write_bytes(data)
    return name


def test_csv(shop):
    write(shop, "a.csv", '\ufeffid,"NAME",price\r\n1,"x, ""y""\nz",12.30\r\n2,,\r\n3,"",-0.05\r\n')
    write(shop, "b.csv.gz", gzip.compress("PRICE,NAME,ID\n7,ä\U0001F600,4\n".encode()))
    done = load(shop, "a.csv", "b.csv.gz", "--into", "t")
    assert done.code == 0 and done.stdout == "loaded 4 rows of 2 files into SHOP.PUBLIC.T\n", done
    assert rows(shop) == [("1", 'x, "y"\nz', "12.30"), ("2", None, None), ("3", "", "-0.05"), ("4", "ä\U0001F600", "7.00")]
    assert left(shop) == [] and not (shop.folder / ".pulk").exists()
    # Once more is once more; a table is replaced in one transaction.
    assert load(shop, "a.csv", "b.csv.gz", "--into", "PUBLIC.T").code == 0 and len(rows(shop)) == 8
    done = load(shop, "b.csv.gz", "--into", 'SHOP.PUBLIC."T"', "--replace")
    assert done.stdout == "replaced the rows of SHOP.PUBLIC.T by 1 row of 1 file\n" and [r[0] for r in rows(shop)] == ["4"], done


def test_csv_as_others_write_it(shop):
    write(shop, "a.tsv", "1\tNULL\t2.00\n\n2\t\"NULL\"\t1e2\n3\t\t+.5\n")
    done = load(shop, "a.tsv", "--into", "T", "--no-header", "--delimiter", "\\t", "--null-text", "NULL")
    assert done.code == 0, done
    assert rows(shop) == [("1", None, "2.00"), ("2", "NULL", "100.00"), ("3", "", "0.50")]
    # A column that the file does not have gets its default.
    write(shop, "b.csv", "ID\n9\n")
    done = load(shop, "b.csv", "--into", "T", "--replace")
    assert done.code == 0 and "NAME, PRICE" in done.stderr and rows(shop) == [("9", None, "1.00")], done


VALUES = {  # type: {text in the file: what the table says}
    "NUMBER(38,0)": {"9" * 38: "9" * 38, "-1": "-1", "1.000": "1"},
    "NUMBER(38,37)": {"1." + "1" * 37: "1." + "1" * 37},
    "FLOAT": {"0.1": 0.1, "1e300": 1e300, "NaN": "NaN", "-inf": "-inf"},
    "BOOLEAN": {"true": True, "F": False, "1": True},
    "DATE": {"0001-01-01": "0001-01-01", "9999-12-31": "9999-12-31"},
    "TIME(9)": {"23:59:59.123456789": "23:59:59.123456789"},
    "TIME(3)": {"01:02:03.120": "01:02:03.120000000"},
    "TIMESTAMP_NTZ(9)": {"0001-01-01 00:00:00.000000001": "0001-01-01 00:00:00.000000001", "2026-11-21T18:00": "2026-11-21 18:00:00.000000000"},
    "TIMESTAMP_TZ(9)": {"2026-11-21 18:00:00.5 +05:30": "2026-11-21 18:00:00.500000000 +0530", "9999-12-31T23:59:59Z": "9999-12-31 23:59:59.000000000 +0000"},
    "TIMESTAMP_LTZ(6)": {"2026-11-21 18:00:00+01:00": "2026-11-21 17:00:00.000000000 +0000"},
    "BINARY": {"00ff": "00FF"},
    "VARIANT": {'{"a": [1, 12345678901234567890.5]}': '{"a":[1,12345678901234567890.5]}', '"text"': '"text"'},
    "VARCHAR": {"  blanks ": "  blanks ", "\\N": "\\N", "'": "'"},
}
SHOWN = {"TIME": "TO_VARCHAR({0}, 'HH24:MI:SS.FF9')", "TIMESTAMP_NTZ": "TO_VARCHAR({0}, 'YYYY-MM-DD HH24:MI:SS.FF9')",
         "TIMESTAMP_TZ": "TO_VARCHAR({0}, 'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM')", "TIMESTAMP_LTZ": "TO_VARCHAR({0}, 'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM')",
         "VARIANT": "TO_JSON({0})", "BINARY": "TO_VARCHAR({0}, 'HEX')", "DATE": "TO_VARCHAR({0}, 'YYYY-MM-DD')"}


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_every_type(shop, kind):
    types = list(VALUES)
    shop.server.sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.V (N NUMBER(5,0), " + ", ".join(f"C{i} {t}" for i, t in enumerate(types)) + ")")
    lines, expected = [], []
    for n in range(max(map(len, VALUES.values()))):
        texts = [list(v)[n] if n < len(v) else None for v in VALUES.values()]
        expected.append((str(n), *[list(v.values())[n] if n < len(v) else None for v in VALUES.values()]))
        if kind == "csv":
            lines.append(",".join([str(n), *["" if t is None else '"' + t.replace('"', '""') + '"' for t in texts]]))
        else:  # numbers and documents as such, not as text
            bare = {"NUMBER(38,0)", "NUMBER(38,37)", "VARIANT"}
            lines.append("{" + ", ".join(f'"C{i}": {t if types[i] in bare else json.dumps(t)}' for i, t in enumerate(texts) if t is not None) + f', "N": {n}}}')
    header = ["N," + ",".join(f"C{i}" for i in range(len(types)))] if kind == "csv" else []
    name = write(shop, "v." + kind, "\n".join(header + lines) + "\n")
    done = load(shop, name, "--into", "V")
    assert done.code == 0, done
    shown = [SHOWN.get(t.split("(")[0], "{0}").format(f"C{i}") for i, t in enumerate(types)]
    session = shop.server.session()
    session.sql("ALTER SESSION SET TIMEZONE = 'UTC'")
    found = sorted(session.sql("SELECT N, " + ", ".join(shown) + " FROM SHOP.PUBLIC.V"))
    for got, want in zip(found, expected):
        for type_, g, w in zip(["N", *types], got, want):
            if isinstance(w, bool):
                g = {"1": True, "0": False, "true": True, "false": False}[str(g).lower()]
            elif type_ == "FLOAT" and g is not None:
                g, w = str(float(g)), str(float(w))
            elif type_ == "VARIANT" and g is not None:
                g, w = json.loads(g, parse_float=D), json.loads(w, parse_float=D)
            assert g == w, (type_, g, w)
    assert len(found) == len(expected)


def test_what_queries_and_exports_write(shop):
    """There and back: every value of every type, by the three kinds of files."""
    sql = shop.server.sql
    types = list(VALUES)
    columns = "(N NUMBER(5,0), " + ", ".join(f"C{i} {t}" for i, t in enumerate(types)) + ")"
    sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.V " + columns)
    sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.BACK " + columns)
    write(shop, "v.csv", "".join(f"{n}," + ",".join(quoted(list(v)[n] if n < len(v) else None) for v in VALUES.values()) + "\n"
                                 for n in range(2)))
    assert load(shop, "v.csv", "--into", "V", "--no-header").code == 0
    # Parquet's nanoseconds end in 2262, and microseconds do not hold the first moment of VALUES.
    write(shop, "exports.json", json.dumps({"destination": f"file://{shop.folder}", "exports": [
        {"table": "V", "s3_path": "v.parquet", "query": "SELECT " + ", ".join(
            ["N", *[f"C{i}" for i, t in enumerate(types) if t != "TIMESTAMP_NTZ(9)"]]) + " FROM V"}]}))
    for name, args in (("w.csv", ["query", "SELECT * FROM V", "--format", "csv"]), ("w.json", ["query", "SELECT * FROM V", "--format", "json"]),
                       ("v.parquet", ["export", "exports.json"])):
        done = shop.run(*args, env=shop.variables)
        assert done.code == 0, done
        if args[0] == "query":
            write(shop, name, done.stdout)
        done = load(shop, name, "--into", "BACK", "--replace")
        assert done.code == 0, (name, done)
        shown = [SHOWN.get(t.split("(")[0], "{0}").format(f"C{i}") for i, t in enumerate(types)
                 if name != "v.parquet" or t != "TIMESTAMP_NTZ(9)"]
        # The blanks of a document are not part of it.
        was, is_ = (sorted([v.replace(": [", ":[").replace("[1, ", "[1,") if v else v for v in row]
                           for row in sql(f"SELECT N, {', '.join(shown)} FROM SHOP.PUBLIC.{table}")) for table in ("V", "BACK"))
        assert is_ == was and len(was) == 2, name


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_python_writes(shop, kind):
    """Texts of every awkward kind, in files that are read in several pieces."""
    random_ = random.Random(kind)
    parts = ['"', '""', ",", "\n", "\r\n", "\r", "\\", "'", " ", "NULL", "ä", "\U0001F600", "\u2028", "\x01", "{", "x" * 50_000]
    texts = ["".join(random_.choices(parts, [9] * 15 + [1], k=random_.randrange(9))) for _ in range(400)] + [None, "", "y" * 1_500_000]
    shop.server.sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.W (N NUMBER(5,0), A VARCHAR, B VARCHAR, V VARIANT)")
    table = [(n, text, texts[-1 - n], {"k\"": [text, None, {"": n + 0.5}]}) for n, text in enumerate(texts)]
    with open(shop.folder / ("w." + kind), "w", newline="", encoding="utf-8") as file:
        if kind == "csv":  # "" for an empty text, nothing for None
            file.write("N,A,B,V\r\n")
            for n, a, b, v in table:
                file.write(f"{n},{quoted(a)},{quoted(b)},{quoted(json.dumps(v))}\r\n")
        else:
            for n, a, b, v in table:
                file.write(json.dumps({"N": n, "A": a, "B": b, "V": v}, ensure_ascii=n % 2 == 0) + "\n")
    done = load(shop, "w." + kind, "--into", "W")
    assert done.code == 0, done
    found = {int(n): (a, b, json.loads(v)) for n, a, b, v in shop.server.sql("SELECT N, A, B, TO_JSON(V) FROM SHOP.PUBLIC.W")}
    assert found == {n: (a, b, v) for n, a, b, v in table}


def quoted(text):
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def test_json_lines(shop):
    write(shop, "a.jsonl", '{"ID": 1, "name": "\\u00e4\\n"}\n\n{"ID": 2, "price": 3.10, "name": null}\n')
    write(shop, "b.ndjson", '{"id": 3, "NAME": 12.50}\n')
    done = load(shop, "a.jsonl", "b.ndjson", "--into", "T")
    assert done.code == 0, done
    assert rows(shop) == [("1", "ä\n", None), ("2", None, "3.10"), ("3", "12.50", None)]
    # Files without rows are loads too.
    for name in (write(shop, "none.json", "\n"), write(shop, "none.csv", "ID\n")):
        assert load(shop, name, "--into", "T").stdout == "loaded 0 rows of 1 file into SHOP.PUBLIC.T\n"
    assert load(shop, "none.json", "--into", "T", "--replace").code == 0 and rows(shop) == [] and left(shop) == []


def test_parquet(shop):
    table = pa.table({
        "id": pa.array([1, 2], pa.int32()), "d": pa.array([D("0.05"), None], pa.decimal128(10, 2)), "f": pa.array([0.5, float("nan")]),
        "ns": pa.array([1, None], pa.timestamp("ns")), "us": pa.array([dt.datetime(1, 1, 1, 0, 0, 0, 1), dt.datetime(9999, 12, 31)], pa.timestamp("us")),
        "tz": pa.array([0, 1], pa.timestamp("ms", "Europe/Berlin")), "day": pa.array([dt.date(2026, 11, 21), None]),
        "t": pa.array([1, 2], pa.time64("ns")), "b": pa.array([b"\0\xff", b""]), "s": pa.array(["x", ""], pa.large_string()),
        "e": pa.array(["r", "r"]).dictionary_encode(), "o": pa.array([True, None]), "u": pa.array([2**64 - 1, 0], pa.uint64())})
    pq.write_table(table, shop.folder / "a.parquet")
    pq.write_table(table, shop.folder / "b.parquet")
    done = load(shop, "a.parquet", "--into", "P")
    assert done.code == 1 and "--create" in done.stderr and uploads(shop) == 0, done
    done = load(shop, "a.parquet", "b.parquet", "--into", "P", "--create")
    assert done.code == 0 and done.stdout == "loaded 4 rows of 2 files into SHOP.PUBLIC.P\n", done
    types = {row[0]: row[1] for row in shop.server.sql("DESC TABLE SHOP.PUBLIC.P")}
    assert types == {"ID": "NUMBER(10,0)", "D": "NUMBER(10,2)", "F": "FLOAT", "NS": "TIMESTAMP_NTZ(9)", "US": "TIMESTAMP_NTZ(6)",
                     "TZ": "TIMESTAMP_TZ(3)", "DAY": "DATE", "T": "TIME(9)", "B": "BINARY(8388608)", "S": "VARCHAR(16777216)",
                     "E": "VARCHAR(16777216)", "O": "BOOLEAN", "U": "NUMBER(20,0)"}
    moment = "'YYYY-MM-DD HH24:MI:SS.FF9'"
    found = shop.server.sql(f"SELECT DISTINCT ID, D, TO_VARCHAR(NS, {moment}), TO_VARCHAR(US, {moment}), TO_VARCHAR(TZ, {moment}), "
                            "TO_VARCHAR(DAY, 'YYYY-MM-DD'), TO_VARCHAR(T, 'HH24:MI:SS.FF9'), TO_VARCHAR(B, 'HEX'), S, E, U FROM SHOP.PUBLIC.P")
    assert sorted(found) == [
        ("1", "0.05", "1970-01-01 00:00:00.000000001", "0001-01-01 00:00:00.000001000", "1970-01-01 00:00:00.000000000", "2026-11-21",
         "00:00:00.000000001", "00FF", "x", "r", str(2**64 - 1)),
        ("2", None, None, "9999-12-31 00:00:00.000000000", "1970-01-01 00:00:00.001000000", None, "00:00:00.000000002", "", "", "r", "0")]
    # Text in Parquet is taken like text of a CSV file, as pulk's exports write moments with an offset.
    shop.server.sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.Z (Z TIMESTAMP_TZ(9))")
    pq.write_table(pa.table({"Z": ["2026-11-21 18:00:00.500000000 +05:30"]}), shop.folder / "z.parquet")
    assert load(shop, "z.parquet", "--into", "Z").code == 0
    assert rows(shop, "TO_VARCHAR(Z, 'HH24:MI:SS TZHTZM')", "Z") == [("18:00:00 +0530",)]


def test_all_differences_are_said_before_anything_is_uploaded(shop):
    write(shop, "a.csv", "ID,NAMES,PRICE,NAME,name\n")
    write(shop, "b.csv", "NAME\nx\n")
    done = load(shop, "a.csv", "b.csv", "--into", "T")
    assert done.code == 4, done
    for text in ("a.csv", "NAMES", "did you mean NAME", "column NAME twice", "b.csv: has no column ID"):
        assert text in done.stderr, text + "\n" + done.stderr
    done = load(shop, "b.csv", "--into", "T")
    assert done.code == 4 and "column ID, which is NOT NULL" in done.stderr, done
    pq.write_table(pa.table({"ID": [1.5], "NAME": [1], "PRICE": pa.array([["x"]])}), shop.folder / "c.parquet")
    done = load(shop, "c.parquet", "--into", "T")
    assert done.code == 5, done
    for text in ("column ID", "double", "NUMBER(5,0)", "column NAME", "column PRICE", "list"):
        assert text in done.stderr, text + "\n" + done.stderr
    for args, code, said in ((["none.csv", "--into", "T"], 1, "none.csv"), (["a.csv", "--into", "NOT_THERE"], 1, "CREATE TABLE"),
                             (["a.csv", "--into", "NOT_THERE", "--create"], 1, "types"), (["a.csv", "c.parquet", "--into", "T"], 1, "one format"),
                             (["a.csv", "a.csv", "--into", "T"], 1, "twice"), (["-", "--into", "T"], 1, "standard input"),
                             ([write(shop, "x.dat", "1"), "--into", "T"], 1, "--format"), (["a.csv", "--into", "a.b.c.d"], 1, "three names"),
                             (["c.parquet", "--into", "T", "--delimiter", ";"], 1, "--delimiter")):
        done = load(shop, *args)
        assert done.code == code and said in done.stderr, (args, done)
    assert uploads(shop) == 0 and rows(shop) == [] and left(shop) == []


def test_bad_rows_are_named_with_their_lines(shop):
    write(shop, "a.csv", 'ID,NAME,PRICE\n1,"two\nlines",1.00\nx,ok,1.005\n3,12345678901,2\n4,only two\n5,"a"b,1\n,no id,1\n123456,ok,1\n')
    done = load(shop, "a.csv", "--into", "T")
    assert done.code == 5, done
    for text in ('a.csv:4: column ID: "x"', 'a.csv:4: column PRICE: "1.005"', "a.csv:5: column NAME", "a.csv:6", "2 fields", "a.csv:7", "quote",
                 "a.csv:8: column ID", "NULL", "a.csv:9: column ID"):
        assert text in done.stderr, text + "\n" + done.stderr
    write(shop, "b.json", '{"ID": 1}\n{"ID": 2, "ID": 3}\n[1]\n{"ID": 4,\n{"ID": "x", "NEW": 1}\n{"ID": 5, "NAME": {"a": 1.10}}\n')
    done = load(shop, "b.json", "--into", "T")
    for text in ("b.json:2", "twice", "b.json:3", "b.json:4", 'b.json:5: column ID: "x"', "b.json:5", "NEW"):
        assert done.code == 5 and text in done.stderr, text + "\n" + done.stderr
    write(shop, "c.csv", b"ID,NAME\n1,\xe4\n")
    done = load(shop, "c.csv", "--into", "T")
    assert done.code == 5 and "c.csv:2" in done.stderr and "UTF-8" in done.stderr, done
    pq.write_table(pa.table({"ID": [1, 2, 3], "PRICE": [D("1.00"), D("2.00"), D("3.123")]}), shop.folder / "d.parquet", row_group_size=2)
    done = load(shop, "d.parquet", "--into", "T")
    assert done.code == 5 and "d.parquet: row 3: column PRICE" in done.stderr, done
    shop.server.sql("CREATE OR REPLACE TABLE SHOP.PUBLIC.E (A NUMBER(3,0) NOT NULL, B VARCHAR(2), C BINARY(1), D TIMESTAMP_NTZ(6), G DATE)")
    pq.write_table(pa.table({"a": [1, 1000, None], "b": pa.array(["ää", "abc", None]).dictionary_encode(), "c": [b"1", b"", b"22"],
                             "d": pa.array([1000, 1, None], pa.timestamp("ns")), "g": pa.array(["2026-11-21", None, "yesterday"])}),
                   shop.folder / "e.parquet")
    done = load(shop, "e.parquet", "--into", "E")
    for text in ("row 2: column A: 1000", "row 3: column A: is NULL", 'row 2: column B: "abc"', "row 3: column C", "row 2: column D",
                 'row 3: column G: "yesterday"'):
        assert done.code == 5 and text in done.stderr, text + "\n" + done.stderr
    assert shop.server.sql("SELECT * FROM SHOP.PUBLIC.E") == []
    pq.write_table(pa.table({"A": [1], "G": pa.array([-800_000], pa.date32())}), shop.folder / "f.parquet")
    done = load(shop, "f.parquet", "--into", "E")
    assert done.code == 5 and "f.parquet: rows 1 to 1" in done.stderr and "column G" in done.stderr, done
    assert rows(shop) == [] and left(shop) == []


@pytest.fixture
def big(shop):
    """A file that is several Parquet files on the stage, and the table before it."""
    shop.server.sql("INSERT INTO SHOP.PUBLIC.T VALUES (0, 'before', 0)")
    write(shop, "big.csv", "ID,NAME\n" + "".join(f"{n},n{n}\n" for n in range(1, 3001)))
    shop.expected = [("0",)] + [(str(n),) for n in range(1, 3001)]
    return shop


@pytest.mark.parametrize("step", ["load.begun", "load.marked", "publish.marked"])
def test_killed_and_started_again(big, step):
    done = load(big, "big.csv", "--into", "T", env={"PULK_CRASH_AT": step})
    assert done.code == -signal.SIGKILL, done
    assert rows(big, "ID") == [("0",)]
    done = load(big, "big.csv", "--into", "T")
    assert done.code == 0 and done.stdout == "loaded 3,000 rows of 1 file into SHOP.PUBLIC.T\n", done
    assert sorted(rows(big, "ID"), key=lambda r: int(r[0])) == big.expected and left(big) == []


def test_killed_after_the_commit(big):
    assert load(big, "big.csv", "--into", "T", env={"PULK_CRASH_AT": "publish.committed"}).code == -signal.SIGKILL
    done = load(big, "big.csv", "--into", "T")
    assert done.code == 0 and "loaded already" in done.text, done
    assert len(rows(big, "ID")) == 3001 and left(big) == []
    assert load(big, "big.csv", "--into", "T").code == 0 and len(rows(big, "ID")) == 6001


@pytest.mark.parametrize("commit", [1, 2])  # of the rows into staging, of staging into the table
def test_the_answer_to_a_commit_is_lost(big, commit):
    big.server.fault("status", when="after", sql="^COMMIT", status=400, skip=commit)
    done = load(big, "big.csv", "--into", "T")
    assert done.code == 0, done
    assert [fault["done"] for fault in big.server.control("fault_counts")] == [1]
    assert len(rows(big, "ID")) == 3001 and left(big) == []


def test_lost_and_nobody_there_to_ask(big):
    logins = big_logins(big)
    big.server.fault("status", when="after", sql="^COMMIT", status=400, skip=2)
    big.server.fault("status", path="login-request", status=403, times=1000, skip=logins - 1)
    done = load(big, "big.csv", "--into", "T")
    assert done.code != 0 and "again" in done.stderr, done
    big.server.control("faults", clear=True)
    done = load(big, "big.csv", "--into", "T")
    assert done.code == 0 and "loaded already" in done.text, done
    assert len(rows(big, "ID")) == 3001 and left(big) == []


def big_logins(big) -> int:
    """How many sessions a load opens; the last one cleans up."""
    logins = lambda: big.server.control("counters")["requests"]["/session/v1/login-request"]  # noqa: E731
    before = logins()
    assert load(big, write(big, "one.csv", "ID\n7\n"), "--into", "T", "--replace").code == 0
    made = logins() - before
    big.server.sql("INSERT OVERWRITE INTO SHOP.PUBLIC.T VALUES (0, 'before', 0)")
    return made


def test_another_load_of_the_table_is_in_the_way(big):
    assert load(big, "big.csv", "--into", "T", env={"PULK_CRASH_AT": "load.begun"}).code == -signal.SIGKILL
    write(big, "other.csv", "ID\n8\n")
    done = load(big, "other.csv", "--into", "T")
    assert done.code == 2 and "--give-up load-" in done.stderr, done
    run = done.stderr.split("--give-up ")[1].split()[0]
    done = load(big, "other.csv", "--into", "T", "--give-up", run)
    assert done.code == 0 and rows(big, "ID") == [("0",), ("8",)] and left(big) == [], done
    # As runs of migrate are.
    assert load(big, "big.csv", "--into", "T", env={"PULK_CRASH_AT": "load.begun"}).code == -signal.SIGKILL
    big.config.write_text("[connections.target.snowflake]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in big.server.keys().items()))
    big.config.chmod(0o600)
    done = big.run("clean", "-c", big.config, "--abandon", run, "--yes")
    assert done.code == 0 and left(big) == [] and not list((big.folder / ".pulk").rglob("*.parquet")), done


@pytest.mark.parametrize("step", ["load.begun", "publish.data_in"])
def test_a_process_that_wakes_when_another_one_has_done_its_load(big, step):
    first = big.start("load", "big.csv", "--into", "T", env={**big.variables, "PULK_STOP_AT": step})
    first.wait_until_stopped()
    done = load(big, "big.csv", "--into", "T")
    assert done.code == 0 and done.stdout.startswith("loaded 3,000 rows"), done
    first.wake()
    done = first.wait()
    assert done.code == 2 and "another process" in done.stderr and done.stdout == "", done
    assert len(rows(big, "ID")) == 3001 and left(big) == []


def test_a_stage_of_the_users(big):
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in big.server.keys().items())
    big.config.write_text(f'[connections.target.snowflake]\nstage = "@~/incoming"\nclean_up = "always"\n{lines}\n')
    big.config.chmod(0o600)
    done = big.run("load", "big.csv", "--into", "SHOP.PUBLIC.T", "-c", big.config)
    assert done.code == 0 and len(rows(big, "ID")) == 3001 and left(big) == [], done
    assert "@~/incoming/pulk/load_" in big.server.statements("COPY INTO")[-1] and big.server.sql("LIST @~") == []
    done = big.run("load", "big.csv", "--into", "T", "-c", big.config)
    assert done.code == 1 and "SHOP" not in done.stderr and "database" in done.stderr, done


def test_files_without_any_byte(shop):
    shop.server.sql("INSERT INTO SHOP.PUBLIC.T VALUES (1, 'kept', 1)")
    files = [write(shop, "a.csv", b""), write(shop, "b.csv.gz", gzip.compress(b""))]
    done = load(shop, *files, "--into", "T", "--no-header", "--replace")
    assert done.code == 1 and all(name in done.stderr for name in files) and "--allow-empty" in done.stderr, done
    assert len(rows(shop)) == 1
    done = load(shop, *files, "--into", "T", "--no-header", "--replace", "--allow-empty")
    assert done.code == 0 and rows(shop) == [], done


def test_numbers_that_no_double_holds(shop):
    write(shop, "a.json", '{"ID": 1, "PRICE": 1e400}\n{"ID": 2}\n')
    done = load(shop, "a.json", "--into", "T")
    assert done.code != 0 and "a.json:1" in done.stderr and "column PRICE: \"1e400\" is out of the range of a double" in done.stderr, done
    assert rows(shop) == []


def test_a_database_or_schema_that_is_not_there(shop):
    write(shop, "a.csv", "ID\n1\n")
    for table, more, said in (("T", {"SNOWFLAKE_DATABASE": "SHOPP"}, 'SNOWFLAKE_DATABASE: there is no database "SHOPP"'),
                              ("T", {"SNOWFLAKE_SCHEMA": "PUB"}, 'SNOWFLAKE_SCHEMA: there is no schema "PUB" in "SHOP"'),
                              ("PUB.T", {}, '--into PUB.T: there is no schema "PUB" in "SHOP"')):
        done = load(shop, "a.csv", "--into", table, env=more)
        assert done.code == 5 and said in done.stderr and "CREATE TABLE" not in done.stderr, done


def test_rights(shop):
    server = shop.server
    server.control("roles", name="CLERK", grants=["USAGE ON DATABASE SHOP", "USAGE ON SCHEMA SHOP.PUBLIC", "SELECT ON TABLE SHOP.PUBLIC.T",
                                                  "USAGE ON WAREHOUSE COMPUTE_WH"])
    server.control("users", name="clerk", password=PASSWORD, roles=["CLERK"], default_role="CLERK")
    write(shop, "a.csv", "ID\n1\n")
    done = load(shop, "a.csv", "--into", "T", env={"SNOWFLAKE_USER": "clerk"})
    assert done.code == 5 and "GRANT" in done.stderr and PASSWORD not in done.text, done
    assert rows(shop) == []


def test_an_interrupt_leaves_nothing(big):
    big.server.fault("running", sql="^COPY", seconds=60)
    running = big.start("load", "big.csv", "--into", "T", env=big.variables)
    big.server.wait_for(lambda: [q for q in big.server.control("history") if q["sql"].startswith("COPY") and q["status"] == "RUNNING"],
                        what="COPY")
    running.process.send_signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 2 and "interrupted" in done.stderr, done
    big.server.control("faults", clear=True)
    assert rows(big, "ID") == [("0",)] and left(big) == []
    assert load(big, "big.csv", "--into", "T").code == 0 and len(rows(big, "ID")) == 3001 and left(big) == []
