"""Every type through both halves of the stand-in for SQL Server, as two drivers read it. Values are worked out by hand."""

import pytest

from support.sqlserver import FREETDS_DRIVER

from .clients.odbc import Connection
from .tds import collations
from .tds.columns import Style, carrier, row_encoder
from .tds.model import Column, SqlType

BIT, TINY, SMALL, INT, BIG, REAL, FLOAT, DECIMAL, NUMERIC = -7, -6, 5, 4, -5, 7, 6, 3, 2
CHAR, VARCHAR, WCHAR, WVARCHAR, BINARY, VARBINARY, LONG, WLONG, LONG_BINARY = 1, 12, -8, -9, -2, -3, -1, -10, -4
DATE, STAMP, TIME2, OFFSET, VARIANT, UDT, XML, GUID = 91, 93, -154, -155, -150, -151, -152, -11

# declaration, literal, ODBC type, size, digits behind the point, text
CASES = [
    ("bit", "1", BIT, 1, 0, "1"), ("tinyint", "255", TINY, 3, 0, "255"), ("smallint", "-32768", SMALL, 5, 0, "-32768"),
    ("int", "-2147483648", INT, 10, 0, "-2147483648"), ("bigint", "-9223372036854775808", BIG, 19, 0, "-9223372036854775808"),
    ("real", "1.5", REAL, 24, 0, "1.5"), ("float", "-0.375", FLOAT, 53, 0, "-0.375"),
    ("money", "-922337203685477.5808", DECIMAL, 19, 4, "-922337203685477.5808"), ("smallmoney", "214748.3647", DECIMAL, 10, 4, "214748.3647"),
    ("decimal(9, 2)", "-9999999.99", DECIMAL, 9, 2, "-9999999.99"), ("decimal(19, 0)", "9999999999999999999", DECIMAL, 19, 0, "9999999999999999999"),
    ("decimal(28, 27)", "1.000000000000000000000000001", DECIMAL, 28, 27, "1.000000000000000000000000001"),
    ("numeric(38, 10)", "-1234567890123456789012345678.0123456789", NUMERIC, 38, 10, "-1234567890123456789012345678.0123456789"),
    ("smalldatetime", "'2079-06-06 23:59'", STAMP, 16, 0, "2079-06-06 23:59:00"), ("datetime", "'1753-01-01 23:59:59.997'", STAMP, 23, 3, "1753-01-01 23:59:59.997"),
    ("date", "'9999-12-31'", DATE, 10, 0, "9999-12-31"), ("time(0)", "'23:59:59'", TIME2, 8, 0, "23:59:59"), ("time(3)", "'00:00:00.001'", TIME2, 12, 3, "00:00:00.001"),
    ("time(7)", "'23:59:59.9999999'", TIME2, 16, 7, "23:59:59.9999999"), ("datetime2(7)", "'9999-12-31 23:59:59.9999999'", STAMP, 27, 7, "9999-12-31 23:59:59.9999999"),
    ("datetime2(3)", "'1001-01-01 00:00:00.001'", STAMP, 23, 3, "1001-01-01 00:00:00.001"), ("datetime2(0)", "'1900-03-01 12:00:00'", STAMP, 19, 0, "1900-03-01 12:00:00"),
    ("datetimeoffset(7)", "'2020-02-29 23:59:59.9999999 +05:30'", OFFSET, 34, 7, "2020-02-29 23:59:59.9999999 +05:30"),
    ("datetimeoffset(0)", "'2020-01-01 00:00:00 -12:00'", OFFSET, 26, 0, "2020-01-01 00:00:00 -12:00"),
    ("varchar(10)", "'aé€'", VARCHAR, 10, 0, "aé€"), ("varchar(10) COLLATE Polish_CI_AS", "N'żółw'", VARCHAR, 10, 0, "żółw"),
    ("char(10) COLLATE Japanese_CI_AS", "N'日本'", CHAR, 10, 0, "日本      "), ("varchar(20) COLLATE Cyrillic_General_100_CI_AS", "N'Привет'", VARCHAR, 20, 0, "Привет"),
    ("varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8", "N'日本😀'", VARCHAR, 20, 0, "日本😀"), ("varchar(5)", "''", VARCHAR, 5, 0, ""),
    ("char(3)", "'a'", CHAR, 3, 0, "a  "), ("nchar(3)", "N'ż'", WCHAR, 3, 0, "ż  "), ("nvarchar(10)", "N'日本😀'", WVARCHAR, 10, 0, "日本😀"),
    ("varchar(max)", "REPLICATE(CAST('é' AS varchar(max)), 20001)", VARCHAR, 0, 0, "é" * 20001), ("nvarchar(max)", "REPLICATE(CAST(N'😀' AS nvarchar(max)), 9001)", WVARCHAR, 0, 0, "😀" * 9001),
    ("nvarchar(max)", "N''", WVARCHAR, 0, 0, ""), ("binary(4)", "0x000102", BINARY, 4, 0, "00010200"), ("varbinary(4)", "0xFF00", VARBINARY, 4, 0, "ff00"),
    ("varbinary(max)", "0x00FF", VARBINARY, 0, 0, "00ff"), ("text", "'aé'", LONG, 2147483647, 0, "aé"), ("ntext", "N'ż😀'", WLONG, 1073741823, 0, "ż😀"),
    ("image", "0x0102", LONG_BINARY, 2147483647, 0, "0102"), ("uniqueidentifier", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", GUID, 36, 0, "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    ("xml", "N'<a>ż</a>'", XML, 0, 0, "<a>ż</a>"), ("json", """N'{"a":"ż"}'""", VARCHAR, 0, 0, '{"a":"ż"}'), ("hierarchyid", "'/1/'", UDT, 892, 0, "58"),
    ("geometry", "geometry::Point(1, 2, 0)", UDT, 0, 0, "00000000" "010c" "000000000000f03f" "0000000000000040"),
    ("geography", "geography::Point(1, 2, 4326)", UDT, 0, 0, "e6100000" "010c" "000000000000f03f" "0000000000000040"),
]
VARIANTS = [("CAST(5 AS int)", "5"), ("CAST(N'ż' AS nvarchar(5))", "ż"), ("CAST('é' AS varchar(5))", "é"), ("CAST(1.25 AS decimal(10, 2))", "1.25"),
            ("CAST('2020-01-02 03:04:05.1234567' AS datetime2(7))", "2020-01-02 03:04:05.1234567"), ("CAST(1 AS bit)", "1"), ("CAST(1.5 AS float)", "1.5"),
            ("CAST('2020-01-02' AS date)", "2020-01-02"), ("CAST(0x01FF AS varbinary(4))", "01FF"), ("CAST(-1.5 AS money)", "-1.5000"),
            ("CAST('2020-01-02 03:04:05.123' AS datetime)", "2020-01-02 03:04:05.123"),
            ("CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", "6F9619FF-8B86-D011-B42D-00C04FC964FF")]

# What FreeTDS 1.3 makes of the same bytes.
FREETDS_TYPES = {FLOAT: 8, NUMERIC: 2, DECIMAL: 3, UDT: LONG_BINARY}


@pytest.fixture(scope="module")
def database(sqlserver):
    """Tables `never` and `maybe`: a column for every case, NOT NULL and NULL."""
    made = sqlserver.create_database()
    for table, null in (("never", "NOT NULL"), ("maybe", "NULL")):
        made.execute(f"CREATE TABLE {table} (" + ", ".join(f"c{i} {case[0]} {null}" for i, case in enumerate(CASES)) + ")",
                     f"INSERT INTO {table} VALUES (" + ", ".join(case[1] for case in CASES) + ")")
    made.execute("INSERT INTO maybe (c0) VALUES (NULL)")
    yield made
    made.drop()


def freetds(database) -> str:
    return (f"DRIVER={FREETDS_DRIVER};SERVER={database.server.host};PORT={database.server.port};TDS_Version=7.4;Encryption=require;"
            f"UID=reader;PWD=reader;DATABASE={database.name};ClientCharset=UTF-8")


@pytest.fixture(scope="module")
def connections(database):
    database.server.control("users", name="reader", password="reader")
    made = {"microsoft": Connection(database.odbc()), "freetds": Connection(freetds(database))}
    yield made
    for connection in made.values():
        connection.close()


@pytest.mark.parametrize("driver", ("microsoft", "freetds"))
@pytest.mark.parametrize("settings", ({}, {"bitmaps": False}, {"chunk": 4}, {"lengths_known": False}), ids=lambda s: next(iter(s), "default"))
def test_values(database, connections, driver, settings):
    usual = database.server.control("settings")
    database.server.control("settings", **settings)
    try:
        read = {}
        for table in ("never", "maybe"):
            with connections[driver].statement() as statement:
                statement.execute(f"SELECT * FROM {table}")
                read[table] = statement.columns(), statement.rows()
    finally:
        database.server.control("settings", **{name: usual[name] for name in settings})
    wanted = tuple(case[5] for case in CASES)
    for table, rows in (("never", 1), ("maybe", 2)):
        got = read[table][1]
        assert [(case[0], is_, should) for case, is_, should in zip(CASES, got[0], wanted, strict=True) if is_ != should] == [] and len(got) == rows
    assert read["maybe"][1][1] == (None,) * len(CASES)
    for table, (columns, _) in read.items():
        for (declaration, _, kind, size, digits, _), (_, got_kind, got_size, got_digits, nullable) in zip(CASES, columns, strict=True):
            kind = FREETDS_TYPES.get(kind, kind) if driver == "freetds" else kind
            assert nullable == (table == "maybe"), declaration
            if driver == "microsoft":
                assert (got_kind, got_size, got_digits) == (kind, size, digits), declaration
            elif kind not in (DECIMAL, NUMERIC):  # FreeTDS says either
                assert got_kind == kind, declaration


def test_variants(connections):
    for literal, text in VARIANTS:
        assert connections["microsoft"].execute(f"SELECT CAST({literal} AS sql_variant), CAST(NULL AS sql_variant)") == [(text, None)], literal


@pytest.mark.parametrize("driver", ("microsoft", "freetds"))
def test_special_columns(connections, driver):
    """rowversion, identity, computed: what a driver learns of them with the rows."""
    connection = connections[driver]
    connection.execute("CREATE TABLE special_" + driver + " (id int IDENTITY(5, 2) NOT NULL, twice AS id * 2, version rowversion)")
    connection.execute("INSERT INTO special_" + driver + " DEFAULT VALUES")
    (row,) = connection.execute("SELECT id, twice, version FROM special_" + driver)
    assert row[:2] == ("5", "10") and len(bytes.fromhex(row[2])) == 8


def test_a_row_of_nulls_is_told_by_a_bitmap():
    """NBCROW: D2, one bit a column; a plain row has a length of zero, or of FFFF, for every NULL."""
    columns = [Column("a", SqlType("int"), nullable=False), Column("b", SqlType("int")), Column("c", SqlType("nvarchar", 5)), Column("d", SqlType("bit"))]
    for style, wanted in ((Style(), "d2" "06" "07000000" "0101"), (Style(bitmaps=False), "d1" "07000000" "00" "ffff" "0101")):
        assert row_encoder([carrier(column, style) for column in columns], style)((7, None, None, True)).hex() == wanted


@pytest.mark.parametrize("column, info, value, wanted", [
    (Column("x", SqlType("int"), nullable=False), "38", 1, "01000000"), (Column("x", SqlType("int")), "2604", 1, "0401000000"),
    (Column("x", SqlType("decimal", precision=5, scale=2)), "6a050502", "-1.25", "05" "00" "7d000000"),
    (Column("x", SqlType("money"), nullable=False), "3c", "1.0000", "00000000" "10270000"),
    (Column("x", SqlType("time", scale=7)), "2907", 10_000_000, "05" "8096980000"),
    (Column("x", SqlType("datetimeoffset", scale=0)), "2b00", (1, 10_000_000, 60), "08" "010000" "010000" "3c00"),
    (Column("x", SqlType("varchar", 10)), "a7" "0a00" "0904d00034", "é", "0100" "e9"),
    (Column("x", SqlType("nvarchar", -1)), "e7" "ffff" "0904d00034", "ab", "0400000000000000" "04000000" "61006200" "00000000"),
])
def test_bytes_of_values(column, info, value, wanted):
    from decimal import Decimal
    value = Decimal(value) if column.type.name in ("decimal", "money") else value
    made = carrier(column, Style())
    assert (made.type_info.hex(), made.encode(value).hex()) == (info, wanted)


@pytest.mark.parametrize("name, mark, codec", [
    ("SQL_Latin1_General_CP1_CI_AS", "0904d00034", "cp1252"), ("Latin1_General_CI_AS", "0904d00000", "cp1252"), ("Latin1_General_CS_AS", "0904c00000", "cp1252"),
    ("Latin1_General_CI_AI", "0904f00000", "cp1252"), ("Latin1_General_CI_AS_KS_WS", "0904100000", "cp1252"), ("Latin1_General_BIN2", "0904000200", "cp1252"),
    ("Latin1_General_100_CI_AS", "0904d02000", "cp1252"), ("Latin1_General_100_CI_AS_SC_UTF8", "0904d02400", "utf-8"), ("Polish_CI_AS", "1504d00000", "cp1250"),
    ("Japanese_CI_AS", "1104d00000", "cp932"), ("SQL_Latin1_General_CP850_BIN", "0904000128", "cp850"),
])
def test_collations(name, mark, codec):
    assert (collations.parse(name)[0].hex(), collations.parse(name)[1]) == (mark, codec)
    if not name.startswith("SQL_") or "850" in name:
        assert collations.codec_of(bytes.fromhex(mark)) == codec
