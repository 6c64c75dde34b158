"""The engine behind the stand-in for SQL Server: types, values, expressions, statements. Expected values are worked out by hand from
SQL Server's documentation."""

import datetime
import uuid
from decimal import Decimal

import pytest

from .tds.model import Message, Parameter, RowCount, SqlType
from .tds_engine import make_engine, new_database

DAY = 864_000_000_000  # ticks


def days(year, month, day):
    return datetime.date(year, month, day).toordinal() - 1


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = make_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def db(engine):
    client = new_database(engine)
    yield client
    client.session.close()


# type, its SqlType, (literal, value) in ascending order
TYPES = [
    ("bit", SqlType("bit"), [("0", False), ("1", True)]),
    ("tinyint", SqlType("tinyint"), [("0", 0), ("255", 255)]),
    ("smallint", SqlType("smallint"), [("-32768", -32768), ("32767", 32767)]),
    ("int", SqlType("int"), [("-2147483648", -2**31), ("2147483647", 2**31 - 1)]),
    ("bigint", SqlType("bigint"), [("-9223372036854775808", -2**63), ("9223372036854775807", 2**63 - 1)]),
    ("decimal(9,2)", SqlType("decimal", precision=9, scale=2), [("-10.5", Decimal("-10.50")), ("9", Decimal("9.00")), ("10", Decimal("10.00"))]),
    ("numeric(38,10)", SqlType("numeric", precision=38, scale=10),
     [("-1234567890123456789012345678.0000000001", Decimal("-1234567890123456789012345678.0000000001")), ("-2", Decimal("-2.0000000000")),
      ("10", Decimal("10.0000000000")), ("9999999999999999999999999999.9999999999", Decimal("9999999999999999999999999999.9999999999"))]),
    ("money", SqlType("money"), [("-922337203685477.5808", Decimal("-922337203685477.5808")), ("1.23455", Decimal("1.2346"))]),
    ("smallmoney", SqlType("smallmoney"), [("-214748.3648", Decimal("-214748.3648")), ("1", Decimal("1.0000"))]),
    ("float", SqlType("float"), [("-1.5e300", -1.5e300), ("0.1", 0.1)]),
    ("real", SqlType("real"), [("0.1", 0.10000000149011612), ("2.5", 2.5)]),
    ("date", SqlType("date"), [("'0001-01-01'", 0), ("'2024-02-29'", days(2024, 2, 29)), ("'9999-12-31'", 3652058)]),
    ("time(7)", SqlType("time", scale=7), [("'00:00:00.0000001'", 1), ("'23:59:59.9999999'", DAY - 1)]),
    ("time(0)", SqlType("time", scale=0), [("'00:00:01.5'", 20_000_000), ("'12:00'", DAY // 2)]),
    ("datetime", SqlType("datetime"), [("'1753-01-01'", (-53690, 0)), ("'1899-12-31 23:59:59.990'", (-1, 300 * 86400 - 3)),
                                       ("'1900-01-01 00:00:00.003'", (0, 1)), ("'9999-12-31T23:59:59.997'", (2958463, 300 * 86400 - 1))]),
    ("smalldatetime", SqlType("smalldatetime"), [("'1900-01-01 00:00:29'", (0, 0)), ("'1900-01-01 00:00:30'", (0, 1)),
                                                 ("'2079-06-06 23:59:00'", (65535, 1439))]),
    ("datetime2(7)", SqlType("datetime2", scale=7), [("'0001-01-01'", (0, 0)), ("'9999-12-31 23:59:59.9999999'", (3652058, DAY - 1))]),
    ("datetime2(3)", SqlType("datetime2", scale=3), [("'2024-01-01 00:00:00.0005'", (days(2024, 1, 1), 10_000))]),
    ("datetimeoffset(7)", SqlType("datetimeoffset", scale=7),  # by the instant: 11:00 UTC is before 12:00 UTC
     [("'2024-01-01 13:00:00 +02:00'", (days(2024, 1, 1), DAY // 24 * 11, 120)), ("'2024-01-01 12:00:00Z'", (days(2024, 1, 1), DAY // 2, 0)),
      ("'2024-01-01 08:30:00.0000001 -14:00'", (days(2024, 1, 1), DAY // 48 * 45 + 1, -840))]),
    ("char(4)", SqlType("char", 4), [("'ab'", "ab  "), ("'b'", "b   ")]),
    ("varchar(10)", SqlType("varchar", 10), [("'-'", "-"), ("'1'", "1"), ("'A'", "A"), ("'b'", "b")]),
    ("nchar(2)", SqlType("nchar", 2), [("N'ä'", "ä ")]),
    ("nvarchar(10)", SqlType("nvarchar", 10), [("N''", ""), ("N'a😀'", "a😀"), ("N'ä'", "ä")]),
    ("varchar(max)", SqlType("varchar", -1), [("REPLICATE(CAST('x' AS varchar(max)), 20000)", "x" * 20000)]),
    ("nvarchar(max)", SqlType("nvarchar", -1), [("N'ß'", "ß")]),
    ("varchar(5) COLLATE Latin1_General_BIN2", SqlType("varchar", 5, collation="Latin1_General_BIN2"), [("'B'", "B"), ("'a'", "a")]),
    ("binary(3)", SqlType("binary", 3), [("0x01", b"\1\0\0"), ("0xFF", b"\xff\0\0")]),
    ("varbinary(8)", SqlType("varbinary", 8), [("0x", b""), ("0x00", b"\0"), ("0x0102", b"\1\2")]),
    ("varbinary(max)", SqlType("varbinary", -1), [("0xabc", b"\x0a\xbc")]),
    # The last six bytes decide first.
    ("uniqueidentifier", SqlType("uniqueidentifier"),
     [("'FFFFFFFF-FFFF-FFFF-FFFF-000000000001'", uuid.UUID("ffffffff-ffff-ffff-ffff-000000000001")),
      ("'00000000-0000-0000-0000-000000000002'", uuid.UUID(int=2))]),
    ("hierarchyid", SqlType("hierarchyid"), [("'/'", b""), ("'/1/'", b"\x58"), ("'/1/2/'", b"\x5b\x40"), ("'/4/'", b"\x84"), ("'/16/'", b"\xc1\x10")]),
    ("sql_variant", SqlType("sql_variant"), [("N'x'", (SqlType("nvarchar", 1), "x")), ("5", (SqlType("int"), 5)),
                                             ("CAST(6 AS decimal(5,2))", (SqlType("decimal", precision=5, scale=2), Decimal("6.00")))]),
]
UNORDERED = [
    ("text", SqlType("text"), [("'t'", "t")]), ("ntext", SqlType("ntext"), [("N'ü'", "ü")]), ("image", SqlType("image"), [("0x01", b"\1")]),
    ("xml", SqlType("xml"), [("'<a/>'", "<a/>")]),
    # SRID, version 1, a valid single point, two doubles
    ("geometry", SqlType("geometry"), [("geometry::Point(1, 2, 4326)", bytes.fromhex("e6100000010c000000000000f03f0000000000000040"))]),
]


@pytest.mark.parametrize("native, type_, values", TYPES + UNORDERED, ids=[one[0] for one in TYPES + UNORDERED])
def test_every_type(db, native, type_, values):
    db.results(f"CREATE TABLE t (id int IDENTITY, v {native} NULL)")
    for literal, _ in reversed(values):
        db.results(f"INSERT INTO t (v) VALUES ({literal})")
    db.results("INSERT INTO t (v) VALUES (NULL)")
    order = "v" if (native, type_, values) in TYPES else "id DESC"
    (columns, rows), = db.results(f"SELECT v FROM t ORDER BY {order}")
    assert [column.type for column in columns] == [type_] and columns[0].nullable
    assert rows == [(None,)] + [(value,) for _, value in values]
    if order == "v":
        assert db.rows("SELECT v FROM t WHERE v IS NOT NULL ORDER BY v DESC") == [(value,) for _, value in reversed(values)]
        if native != "bit":
            assert db.row("SELECT MIN(v), MAX(v) FROM t") == (values[0][1], values[-1][1])
        assert db.value("SELECT COUNT(*) FROM t AS a JOIN t AS b ON a.v = b.v") == len(values)
        assert db.value("SELECT COUNT(*) FROM t AS a JOIN t AS b ON a.v < b.v") == len(values) * (len(values) - 1) // 2


def test_bulk_rows_are_the_same_values(db):
    db.results("CREATE TABLE t (id int IDENTITY(10, 5), a decimal(20,3), b datetime2, c uniqueidentifier, v rowversion)")
    row = (Decimal("-1.500"), (days(2024, 1, 1), 7), uuid.UUID(int=7))
    assert db.engine.bulk_insert(db.database, "t", ["a", "b", "c"], [row, (None, None, None)]) == 2
    rows = db.rows("SELECT * FROM t ORDER BY id")
    assert [found[:4] for found in rows] == [(10, *row), (15, None, None, None)]
    assert rows[0][4] < rows[1][4] and len(rows[0][4]) == 8


DECIMAL, NUMERIC = ((lambda precision, scale, name=name: SqlType(name, precision=precision, scale=scale)) for name in ("decimal", "numeric"))
EXPRESSIONS = [
    # arithmetic
    ("7 / 2", SqlType("int"), 3), ("-7 / 2", SqlType("int"), -3), ("-7 % 3", SqlType("int"), -1), ("7 / 2.0", NUMERIC(8, 6), Decimal("3.500000")),
    ("2.0 / 3", NUMERIC(7, 6), Decimal("0.666666")), ("1.25 * 1.5", NUMERIC(6, 3), Decimal("1.875")), ("1.25 + 10", NUMERIC(5, 2), Decimal("11.25")),
    ("2147483648", NUMERIC(10, 0), Decimal(2147483648)), ("CAST(2 AS bigint) * 3", SqlType("bigint"), 6), ("1e0 / 4", SqlType("float"), 0.25),
    ("$1.5 * 2", SqlType("money"), Decimal("3.0000")), ("5 & 3", SqlType("int"), 1), ("5 ^ 3", SqlType("int"), 6), ("~5", SqlType("int"), -6),
    ("-CAST(255 AS tinyint)", SqlType("smallint"), -255),
    # texts
    ("'a' + N'b'", SqlType("nvarchar", 2), "ab"), ("'a' + NULL", SqlType("varchar", 2), None), ("CONCAT('a', NULL, 1)", SqlType("varchar", 13), "a1"),
    ("LEN(N'a😀  ')", SqlType("int"), 3), ("DATALENGTH(N'a😀')", SqlType("int"), 6), ("DATALENGTH('ä')", SqlType("int"), 1),
    ("SUBSTRING('abcdef', 2, 3)", SqlType("varchar", 3), "bcd"), ("REPLACE('aXbx', 'x', '-')", SqlType("varchar", 8000), "a-b-"),
    ("CHARINDEX('L', 'hello')", SqlType("int"), 3), ("QUOTENAME('a]b')", SqlType("nvarchar", 258), "[a]]b]"), ("STUFF('abc', 2, 1, 'zz')", None, "azzc"),
    ("CAST(N'日é' AS varchar(5))", SqlType("varchar", 5), "?é"), ("CAST(12345 AS varchar(3))", SqlType("varchar", 3), "*"),
    ("LEFT('abc', 2) + RIGHT('abc', 1)", None, "abc"), ("REPLICATE('ab', 2)", SqlType("varchar", 4), "abab"),
    # NULLs and choices
    ("ISNULL(NULL, 'abc')", SqlType("varchar", 3), "abc"), ("ISNULL(CAST(NULL AS varchar(2)), 'abc')", SqlType("varchar", 2), "ab"),
    ("COALESCE(NULL, 1, 2.5)", NUMERIC(11, 1), Decimal("1.0")), ("CASE WHEN 1 = 0 THEN 1 ELSE 2.5 END", NUMERIC(11, 1), Decimal("2.5")),
    ("NULLIF(1, 1)", SqlType("int"), None), ("IIF('a' = 'A ', 'same', 'other')", None, "same"), ("CASE 'b' WHEN 'a' THEN 1 WHEN 'B' THEN 2 END", None, 2),
    # conversions and styles
    ("CONVERT(varchar(30), CAST('2024-02-29T13:14:15.123' AS datetime), 121)", None, "2024-02-29 13:14:15.123"),
    ("CONVERT(varchar(30), CAST('2024-02-29 13:14:15.120' AS datetime), 126)", None, "2024-02-29T13:14:15.120"),
    ("CONVERT(varchar(30), CAST('2024-02-29 13:14:15' AS datetime))", None, "Feb 29 2024  1:14PM"),
    ("CONVERT(varchar(34), CAST('2024-02-29 13:14:15.12 +02:30' AS datetimeoffset(2)), 121)", None, "2024-02-29 13:14:15.12 +02:30"),
    ("CONVERT(varchar(34), CAST('2024-02-29 00:14:15 +02:30' AS datetimeoffset(0)), 127)", None, "2024-02-28T21:44:15Z"),
    ("CONVERT(varchar(10), CAST('2024-02-29' AS date), 23)", None, "2024-02-29"), ("CONVERT(varchar(10), CAST('2024-02-29' AS date), 104)", None, "29.02.2024"),
    ("CAST(CAST('13:14:15.5' AS time(3)) AS varchar(20))", None, "13:14:15.500"),
    ("CONVERT(varchar(20), $1234.5678, 2)", None, "1234.5678"), ("CONVERT(varchar(20), $1234.5678, 1)", None, "1,234.57"),
    ("CAST($1234.5678 AS varchar(20))", None, "1234.57"), ("CONVERT(varchar(32), 0.1e0, 3)", None, "0.10000000000000001"),
    ("CAST(1234567.5e0 AS varchar(20))", None, "1.23457e+006"), ("CONVERT(varchar(max), 0x0AfF, 2)", None, "0AFF"), ("CONVERT(varchar(9), 0x0A, 1)", None, "0x0A"),
    ("CONVERT(varbinary(4), '0AFF', 2)", SqlType("varbinary", 4), b"\x0a\xff"), ("CAST(258 AS binary(4))", None, b"\0\0\1\2"),
    ("CAST(0x0102 AS int)", None, 258), ("CAST(1.5 AS int)", None, 1), ("CAST(1.55 AS decimal(3,1))", None, Decimal("1.6")), ("CAST(2.5e0 AS bit)", None, True),
    ("CAST(N'12' AS int)", None, 12), ("CAST('' AS int)", None, 0), ("TRY_CAST('x' AS int)", SqlType("int"), None),
    ("CAST(CAST('2024-01-01 10:00 +02:00' AS datetimeoffset) AS datetime2(0))", None, (days(2024, 1, 1), DAY // 24 * 10)),
    ("CAST('2024-01-01 00:00:00.9999999' AS datetime2(0))", None, (days(2024, 1, 1), 10_000_000)),
    ("CAST(CAST('2024-01-01 10:00:00.003' AS datetime) AS datetime2(7))", None, (days(2024, 1, 1), DAY // 24 * 10 + 33333)),
    ("CAST('/1/2.1/' AS hierarchyid).ToString()", SqlType("nvarchar", 4000), "/1/2.1/"),
    # dates
    ("DATEADD(month, 1, CAST('2024-01-31' AS date))", SqlType("date"), days(2024, 2, 29)), ("DATEDIFF(day, '2024-02-28', '2024-03-01')", SqlType("int"), 2),
    ("DATEDIFF(year, '2023-12-31', '2024-01-01')", None, 1), ("DATEPART(weekday, '2024-01-07')", None, 1), ("EOMONTH('2024-02-03')", None, days(2024, 2, 29)),
    ("DATEADD(second, 1, CAST('2024-01-01' AS datetime2(3)))", SqlType("datetime2", scale=3), (days(2024, 1, 1), 10_000_000)),
    ("SWITCHOFFSET(CAST('2024-01-01 12:00 +01:00' AS datetimeoffset(0)), '-05:00')", None, (days(2024, 1, 1), DAY // 24 * 11, -300)),
    # numbers
    ("ROUND(2.345, 2)", None, Decimal("2.350")), ("CEILING(2.1)", None, Decimal(3)), ("ABS(-5)", SqlType("int"), 5), ("POWER(2, 10)", SqlType("int"), 1024),
    ("SQRT(9)", SqlType("float"), 3.0),
]


@pytest.mark.parametrize("expression, type_, value", EXPRESSIONS, ids=[one[0] for one in EXPRESSIONS])
def test_expressions(db, expression, type_, value):
    (columns, rows), = db.results(f"SELECT {expression}")
    assert rows == [(value,)]
    assert type_ is None or columns[0].type == type_
    # Not folded: the same over a table.
    db.results("CREATE TABLE one (n int)", )
    db.results("INSERT INTO one VALUES (1)")
    assert db.rows(f"SELECT {expression} FROM one WHERE n = 1") == [(value,)]


def test_expressions_over_columns_have_their_types(db):
    db.results("CREATE TABLE t (i int NOT NULL, s smallint, d decimal(10,2) NOT NULL, n nvarchar(20) COLLATE Latin1_General_CS_AS, m money)")
    db.results("INSERT INTO t VALUES (2, 3, 1.50, N'a', 1)")
    assert db.types("SELECT i + s, d * d, d / i, n + N'x', m * 2, SUM(d), AVG(d), SUM(m), COUNT_BIG(*), AVG(i) FROM t GROUP BY i, s, d, n, m") == [
        SqlType("int"), SqlType("decimal", precision=21, scale=4), SqlType("decimal", precision=21, scale=13),
        SqlType("nvarchar", 21, collation="Latin1_General_CS_AS"), SqlType("money"), SqlType("decimal", precision=38, scale=2),
        SqlType("decimal", precision=38, scale=6), SqlType("money"), SqlType("bigint"), SqlType("int")]
    assert db.row("SELECT d * d, d / i, SUM(d), AVG(d) FROM t GROUP BY d, i") == (
        Decimal("2.2500"), Decimal("0.7500000000000"), Decimal("1.50"), Decimal("1.500000"))
    assert db.columns("SELECT i AS a, i + s, MAX(i) OVER () FROM t") == [("a", SqlType("int"), False), ("", SqlType("int"), True), ("", SqlType("int"), True)]


STATEMENTS = [
    ("SELECT TOP (2) v FROM n ORDER BY v DESC", [(5,), (4,)]),
    ("SELECT v FROM n ORDER BY v OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", [(2,), (3,)]),
    ("SELECT COUNT(*) FROM (SELECT v FROM n ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH NEXT 2 ROWS ONLY) AS x", [(2,)]),
    ("SELECT v % 2 AS odd, COUNT(*), SUM(v) FROM n GROUP BY v % 2 HAVING COUNT(*) > 1 ORDER BY odd", [(0, 2, 6), (1, 3, 9)]),
    ("SELECT a.v, b.v FROM n AS a LEFT JOIN n AS b ON b.v = a.v + 3 ORDER BY 1", [(1, 4), (2, 5), (3, None), (4, None), (5, None)]),
    ("SELECT v FROM n WHERE v IN (SELECT v + 3 FROM n) ORDER BY v", [(4,), (5,)]),
    ("SELECT v FROM n AS o WHERE EXISTS (SELECT 1 FROM n WHERE v = o.v * 2)", [(1,), (2,)]),
    ("SELECT v FROM n WHERE v NOT BETWEEN 2 AND 4 ORDER BY v", [(1,), (5,)]),
    ("WITH c (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < 4) SELECT SUM(k) FROM c OPTION (MAXRECURSION 0)", [(10,)]),
    ("SELECT COUNT(*), SUM(value) FROM GENERATE_SERIES(1, 1000)", [(1000, 500500)]),
    ("SELECT v FROM n WHERE v < 3 UNION SELECT 1 EXCEPT SELECT 2", [(1,)]),
    ("SELECT DISTINCT x FROM (VALUES (N'a'), (N'A'), (N'b')) AS t (x) ORDER BY x", [("a",), ("b",)]),
    ("SELECT x FROM (VALUES ('ab'), ('a_'), ('[')) AS t (x) WHERE x LIKE 'a!_' ESCAPE '!' OR x LIKE '[[]'", [("a_",), ("[",)]),
    ("SELECT ROW_NUMBER() OVER (ORDER BY v DESC), NTILE(2) OVER (ORDER BY v) FROM n ORDER BY v", [(5, 1), (4, 1), (3, 1), (2, 2), (1, 2)]),
    ("SELECT STRING_AGG(CAST(v AS varchar(5)), ',') FROM n", [("1,2,3,4,5",)]),
    ("SELECT MAX(v) FROM n WHERE v > 9", [(None,)]),
    ("DECLARE @x int = 2, @y int; SET @x += 1; SELECT @y = MAX(v) FROM n; IF @x = 3 BEGIN SELECT @x, @y END ELSE SELECT 0, 0", [(3, 5)]),
    ("DECLARE @i int = 0; WHILE @i < 3 SET @i = @i + 1; SELECT @i", [(3,)]),
    ("EXEC sp_executesql N'SELECT v FROM n WHERE v = @p', N'@p int', @p = 4", [(4,)]),
    ("SELECT v FROM n WITH (NOLOCK, INDEX(1)) WHERE v = 1", [(1,)]),
    ("SELECT [v] FROM {db}.dbo.n AS [o] WHERE {{fn ABS(-1)}} = [o].v", [(1,)]),
    ("SELECT (SELECT TOP 1 v FROM n ORDER BY v DESC), (SELECT v FROM n WHERE v = 9)", [(5, None)]),
    ("BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH", None),
]


@pytest.mark.parametrize("sql, rows", STATEMENTS, ids=[one[0][:40] for one in STATEMENTS])
def test_queries(db, sql, rows):
    db.results("CREATE TABLE n (v int NOT NULL PRIMARY KEY); INSERT INTO n VALUES (1), (2), (3), (4), (5)")
    results = db.results(sql.format(db=db.database) if "{" in sql else sql)
    found = [one[1] for one in results if isinstance(one, tuple)]
    assert found[-1] == (rows if rows is not None else [(8134,)])


def test_changes(db):
    db.results("CREATE TABLE t (id int IDENTITY(1,1) PRIMARY KEY, v int NOT NULL DEFAULT 7, w AS v * 2 PERSISTED, s nvarchar(5), r rowversion)")
    assert db.results("INSERT INTO t (v, s) VALUES (1, N'a'), (2, N'b'), (DEFAULT, NULL)") == [RowCount(3)]
    assert db.results("INSERT INTO t (v) SELECT v + 10 FROM t") == [RowCount(3)]
    first = db.value("SELECT r FROM t WHERE id = 1")
    assert db.results("UPDATE t SET v += 1, s = s + N'!' WHERE id <= 2") == [RowCount(2)]
    assert db.value("SELECT r FROM t WHERE id = 1") > first
    assert db.results("UPDATE a SET v = b.v * 100 FROM t AS a JOIN t AS b ON b.id = a.id + 1 WHERE a.id = 1") == [RowCount(1)]
    assert db.results("DELETE TOP (1) FROM t WHERE id > 4") == [RowCount(1)]
    assert db.rows("SELECT id, v, w, s FROM t ORDER BY id") == [(1, 300, 600, "a!"), (2, 3, 6, "b!"), (3, 7, 14, None), (4, 11, 22, None), (6, 17, 34, None)]
    assert db.rows("INSERT INTO t (v) OUTPUT inserted.id, inserted.v VALUES (9)") == [(7, 9)]
    assert db.row("SELECT SCOPE_IDENTITY(), @@IDENTITY") == (Decimal(7), Decimal(7))
    db.results("SET IDENTITY_INSERT t ON; INSERT INTO t (id, v) VALUES (100, 1); SET IDENTITY_INSERT t OFF; INSERT INTO t (v) VALUES (2)")
    assert db.value("SELECT MAX(id) FROM t") == 101
    db.results("TRUNCATE TABLE t")
    assert db.value("SELECT COUNT(*) FROM t") == 0
    assert db.rows("SELECT id FROM t; INSERT INTO t (v) VALUES (1)") == []
    assert db.value("SELECT id FROM t") == 1


ERRORS = [
    ("SELECT * FROM nowhere", 208), ("SELECT x FROM t", 207), ("SELECT a.id FROM t AS b", 4104), ("SELECT id FROM t, t AS u", 209), ("SELECT FROM t", 156),
    ("SELECT 1 +", 102), ("SELECT 'a", 105), ("INSERT INTO t VALUES (1, 'a')", 2627), ("INSERT INTO t VALUES (2, 'b'), (3, 'B ')", 2601),
    ("INSERT INTO t VALUES (NULL, 'x')", 515), ("INSERT INTO t VALUES (5, '1234567')", 2628), ("INSERT INTO t VALUES (5)", 213), ("INSERT INTO t (id, v) VALUES (5)", 109), ("INSERT INTO t (id) SELECT 5, 6", 121),
    ("SELECT CAST(300 AS tinyint)", 220), ("SELECT CAST(3000000000 AS int)", 8115), ("SELECT id + 2147483647 FROM t", 8115),
    ("SELECT CAST('x' AS int)", 245), ("SELECT CAST('1.5' AS int)", 245), ("SELECT CAST('x' AS decimal)", 8114), ("SELECT CAST('9999999999' AS int)", 248),
    ("SELECT CAST('2024-13-01' AS date)", 241), ("SELECT CAST('1600-01-01' AS datetime)", 242), ("SELECT CAST('x' AS uniqueidentifier)", 8169),
    ("SELECT CAST(1 AS date)", 529), ("SELECT 1 / 0", 8134), ("SELECT id FROM t GROUP BY v", 8120), ("SELECT (SELECT id FROM two)", 512),
    ("SELECT @nothing", 137), ("USE nowhere", 911), ("CREATE TABLE t (a int)", 2714), ("CREATE TABLE u (a int, A int)", 2705), ("CREATE TABLE u (a nothing)", 2715),
    ("CREATE TABLE u (a decimal(39,0))", 2750), ("DROP TABLE nowhere", 3701), ("SELECT 'a' COLLATE Nothing", 448), ("UPDATE t SET id = 'x'", 245),
    ("SELECT COUNT(*) FROM t WHERE id = CAST('2024-01-01' AS date)", 206), ("COMMIT", 3902), ("ROLLBACK", 3903), ("EXEC nothing_like_it", 2812),
    ("THROW 51000, 'mine', 1", 51000), ("RAISERROR('mine %d', 16, 1, 5)", 50000), ("SELECT CHECKSUM(1)", 40001), ("MERGE t USING t AS s ON 1 = 1", 156),
    ("SELECT v COLLATE Latin1_General_CS_AS FROM t UNION SELECT v COLLATE Latin1_General_CI_AS FROM t", 468),
]


@pytest.mark.parametrize("sql, number", ERRORS, ids=[one[0][:40] for one in ERRORS])
def test_errors(db, sql, number):
    db.results("CREATE TABLE t (id int NOT NULL PRIMARY KEY, v varchar(5)); CREATE UNIQUE INDEX u ON t (v); INSERT INTO t VALUES (1, 'x')")
    db.results("CREATE TABLE two (id int); INSERT INTO two VALUES (1), (2)")
    assert db.fails(sql) == number
    assert db.rows("SELECT id, v FROM t") == [(1, "x")] and db.session.trancount == 0


def test_null_is_a_value_of_unique_keys(db):
    db.results("CREATE TABLE t (v nvarchar(5) NULL UNIQUE); INSERT INTO t VALUES (NULL), (N'0'), (N'')")
    assert db.fails("INSERT INTO t VALUES (NULL)") == 2627


def test_what_a_batch_says(db):
    assert db.results("SET NOCOUNT OFF; PRINT 'hello'; DECLARE @a int; SELECT @a; IF 1 = 0 SELECT 1") [1:2] == [Message(0, "hello")]
    assert db.fails("SELECT 1; SELECT * FRM t") == 102  # nothing of it has run
    parameter = Parameter("@p", SqlType("int"), 5, output=True)
    assert db.rows("SELECT @p + 1; SET @p = @p * 2", parameter) == [(6,)] and parameter.value == 10
    assert db.rows("SET ROWCOUNT 2; SELECT value FROM GENERATE_SERIES(1, 9)") == [(1,), (2,)]
    assert db.rows("SET ROWCOUNT 0; SET TEXTSIZE 4; SELECT CAST('abcdef' AS varchar(max)), 'abcdef'") == [("abcd", "abcdef")]
    assert db.value("SET DATEFORMAT dmy; SELECT CAST('02.01.2024' AS date)") == days(2024, 1, 2)
    db.session.reset()
    assert db.value("SELECT CAST('02/01/2024' AS date)") == days(2024, 2, 1)
    assert db.value("SET LOCK_TIMEOUT 1800; SELECT @@LOCK_TIMEOUT") == 1800


def test_rows_are_made_as_they_are_read(db):
    events = db.session.execute("SELECT value, CAST(value AS decimal(9,2)) FROM GENERATE_SERIES(1, 100000000)", [])
    rows = next(events).rows
    assert [next(rows) for _ in range(2)] == [(1, Decimal("1.00")), (2, Decimal("2.00"))]
    db.session.cancel()
    with pytest.raises(Exception) as caught:
        for _ in rows:
            pass
    assert caught.value.number == 0
    assert db.value("SELECT 1") == 1


def test_an_error_in_the_middle_of_rows(db):
    events = db.session.execute("SELECT 10 / (5000 - value) FROM GENERATE_SERIES(1, 5001)", [])
    rows = next(events).rows
    seen = 0
    with pytest.raises(Exception) as caught:
        for _ in rows:
            seen += 1
    assert caught.value.number == 8134 and 4000 < seen < 5000


def test_names_of_any_kind(db):
    for name in ("a b", "a.b", "a]b", "select", "😀", 'q"q', "{x}"):
        quoted = "[" + name.replace("]", "]]") + "]"
        db.results(f"CREATE SCHEMA {quoted}")
        db.results(f"CREATE TABLE {quoted}.{quoted} ({quoted} int)")
        db.results(f"INSERT INTO {quoted}.{quoted} VALUES (1)")
        assert db.columns(f"SELECT {quoted} FROM {quoted}.{quoted} AS {quoted}") == [(name, SqlType("int"), True)]
        assert db.rows(f"SELECT {quoted}.{quoted} FROM {quoted}.{quoted} WHERE OBJECT_ID(N'{quoted}.{quoted}') IS NOT NULL") == [(1,)]


def test_collations(db):
    db.results("CREATE TABLE t (ci varchar(9), cs varchar(9) COLLATE Latin1_General_CS_AS, b nvarchar(9) COLLATE Latin1_General_BIN2, "
               "ai nvarchar(9) COLLATE Latin1_General_CI_AI)")
    db.results("INSERT INTO t VALUES ('a', 'a', N'a', N'a'), ('A', 'A', N'A', N'Ä'), ('b', 'b', N'B', N'b')")
    assert [db.value(f"SELECT COUNT(DISTINCT {column}) FROM t") for column in ("ci", "cs", "b", "ai")] == [2, 3, 3, 2]
    assert db.rows("SELECT b FROM t ORDER BY b") == [("A",), ("B",), ("a",)]
    assert db.rows("SELECT cs FROM t ORDER BY cs") == [("a",), ("A",), ("b",)]
    assert db.value("SELECT COUNT(*) FROM t WHERE ci = 'A '") == 2 and db.value("SELECT COUNT(*) FROM t WHERE cs = 'A'") == 1
    assert db.fails("SELECT 1 FROM t WHERE ci = cs") == 468
    # What UTF-16 writes as a pair weighs nothing in collations older than version 100.
    assert db.value("SELECT CASE WHEN N'😀' = N'😁' THEN 1 ELSE 0 END") == 1
    assert db.value("SELECT CASE WHEN N'😀' = N'😁' COLLATE Latin1_General_100_CI_AS THEN 1 ELSE 0 END") == 0
