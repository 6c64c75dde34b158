"""Every type of SQL Server, by Microsoft's own driver from the stand-in. Expected values are written by hand."""

import pytest

pytest.register_assert_rewrite("crash_support")
from crash_support import KINDS
from support.pulk import table_entry
from support.sqlserver import FREETDS_DRIVER, PLAIN, plain_login
from support.values import assert_same_rows

MONEY = ["-922337203685477.5808", "922337203685477.5807"]
TYPES = [
    # type, values as T-SQL, expected values, expected DuckDB type
    ("bit", ["1", "0"], ["true", "false"], "BOOLEAN"),
    ("tinyint", ["0", "255"], ["0", "255"], "SMALLINT"),
    ("smallint", ["-32768", "32767"], ["-32768", "32767"], "SMALLINT"),
    ("int", ["-2147483648", "2147483647"], ["-2147483648", "2147483647"], "INTEGER"),
    ("bigint", ["-9223372036854775808", "9223372036854775807"], ["-9223372036854775808", "9223372036854775807"], "BIGINT"),
    ("decimal(10,2)", ["-99999999.99", "0.01"], ["-99999999.99", "0.01"], "DECIMAL(10,2)"),
    ("numeric(38,0)", ["-99999999999999999999999999999999999999", "1"], ["-99999999999999999999999999999999999999", "1"], "DECIMAL(38,0)"),
    ("decimal(38,38)", ["0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"],
     ["0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"], "DECIMAL(38,38)"),
    ("money", MONEY, MONEY, "DECIMAL(19,4)"),
    ("smallmoney", ["-214748.3648", "0.0001"], ["-214748.3648", "0.0001"], "DECIMAL(10,4)"),
    ("real", ["16777215", "1.17549435e-38"], ["16777215.0", "1.1754943508222875e-38"], "FLOAT"),
    ("float", ["0.1", "-1.7976931348623157e308"], ["0.1", "-1.7976931348623157e+308"], "DOUBLE"),
    ("date", ["'0001-01-01'", "'9999-12-31'"], ["0001-01-01", "9999-12-31"], "DATE"),
    ("time(0)", ["'00:00:00'", "'23:59:59'"], ["00:00:00", "23:59:59"], "TIME"),
    ("time(6)", ["'00:00:00.000001'", "'23:59:59.999999'"], ["00:00:00.000001", "23:59:59.999999"], "TIME"),
    ("time(7)", ["'00:00:00.0000001'", "'23:59:59.9999999'"], ["00:00:00.0000001", "23:59:59.9999999"], "TIME_NS"),
    ("smalldatetime", ["'1900-01-01 00:00'", "'2079-06-06 23:59'"], ["1900-01-01 00:00:00", "2079-06-06 23:59:00"], "TIMESTAMP"),
    # 1/300 s, shown with three digits: .003 is one tick, .007 two.
    ("datetime", ["'1753-01-01 00:00:00.003'", "'9999-12-31 23:59:59.997'"], ["1753-01-01 00:00:00.003", "9999-12-31 23:59:59.997"], "TIMESTAMP"),
    ("datetime2(0)", ["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'"], ["0001-01-01 00:00:00", "9999-12-31 23:59:59"], "TIMESTAMP"),
    ("datetime2(6)", ["'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"],
     ["0001-01-01 00:00:00.000001", "9999-12-31 23:59:59.999999"], "TIMESTAMP"),
    ("datetime2(7)", ["'0001-01-01 00:00:00.0000001'", "'9999-12-31 23:59:59.9999999'"],
     ["0001-01-01 00:00:00.0000001", "9999-12-31 23:59:59.9999999"], "VARCHAR"),
    ("datetimeoffset(0)", ["'2024-02-29 12:00:00 +05:30'", "'2024-02-29 12:00:00 -14:00'"],
     ["2024-02-29 12:00:00 +05:30", "2024-02-29 12:00:00 -14:00"], "VARCHAR"),
    ("datetimeoffset(7)", ["'0001-01-01 00:00:00.0000001 +00:00'", "'9999-12-31 23:29:59.9999999 -00:30'"],
     ["0001-01-01 00:00:00.0000001 +00:00", "9999-12-31 23:29:59.9999999 -00:30"], "VARCHAR"),
    ("char(5)", ["'ab'", "''"], ["ab   ", "     "], "VARCHAR"),
    ("varchar(20)", ["'a''b'", "''"], ["a'b", ""], "VARCHAR"),
    ("varchar(20) COLLATE Latin1_General_CI_AS", ["'häß€'", "' x '"], ["häß€", " x "], "VARCHAR"),
    ("varchar(20) COLLATE Polish_CI_AS", ["N'żółć'", "''"], ["żółć", ""], "VARCHAR"),
    ("varchar(20) COLLATE Japanese_CI_AS", ["N'日本語'", "''"], ["日本語", ""], "VARCHAR"),
    ("varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8", ["N'ä€😀'", "''"], ["ä€😀", ""], "VARCHAR"),
    ("varchar(max)", ["REPLICATE(CAST('0123456789' AS varchar(max)), 5000)", "''"], ["0123456789" * 5000, ""], "VARCHAR"),
    ("nchar(3)", ["N'ä'", "N''"], ["ä  ", "   "], "VARCHAR"),
    ("nvarchar(20)", ["N'häß€😀'", "N'x' + NCHAR(10) + N'y'"], ["häß€😀", "x\ny"], "VARCHAR"),
    ("nvarchar(4000)", ["REPLICATE(N'ä€', 2000)", "N''"], ["ä€" * 2000, ""], "VARCHAR"),
    ("nvarchar(max)", ["REPLICATE(CAST(N'ä😀' AS nvarchar(max)), 30000)", "N''"], ["ä😀" * 30000, ""], "VARCHAR"),
    ("text", ["REPLICATE(CAST('ab' AS varchar(max)), 20000)", "''"], ["ab" * 20000, ""], "VARCHAR"),
    ("ntext", ["REPLICATE(CAST(N'ä😀' AS nvarchar(max)), 20000)", "N''"], ["ä😀" * 20000, ""], "VARCHAR"),
    ("xml", ["N'<a>ä<b/></a>'", "N''"], ["<a>ä<b/></a>", ""], "VARCHAR"),
    ("binary(4)", ["0x00ff", "0x01020304"], ["00ff0000", "01020304"], "BLOB"),
    ("varbinary(10)", ["0x00ff27", "0x"], ["00ff27", ""], "BLOB"),
    ("varbinary(max)", ["CAST(REPLICATE(CAST('ab' AS varchar(max)), 50000) AS varbinary(max))", "0x5c"], ["6162" * 50000, "5c"], "BLOB"),
    ("image", ["CAST(REPLICATE(CAST('ab' AS varchar(max)), 20000) AS varbinary(max))", "0x"], ["6162" * 20000, ""], "BLOB"),
    ("uniqueidentifier", ["'123e4567-e89b-12d3-a456-426614174000'", "'00000000-0000-0000-0000-000000000000'"],
     ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"], "UUID"),
    ("hierarchyid", ["'/1/2.5/-3/'", "'/'"], ["/1/2.5/-3/", "/"], "VARCHAR"),
]


def make_tables(mssql, cases):
    """Of all cases the tables t, with both values and NULL, and n, with the first value and no NULL."""
    def columns(null):
        return ", ".join(f"v{number} {native} {null}" for number, (native, *_) in enumerate(cases))

    def row(at):
        return ", ".join(values[at] for _, values, *_ in cases)
    mssql.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns('NULL')})", f"CREATE TABLE n (id int PRIMARY KEY, {columns('NOT NULL')})",
                  *(f"INSERT INTO {table} VALUES ({at}, {row(at)})" for table, at in (("t", 0), ("t", 1), ("n", 0))), "INSERT INTO t (id) VALUES (2)")


def check_tables(pulk, cases, with_types):
    wrong = []
    t, n = pulk.read("t"), pulk.read("n")
    rows = sorted(t.rows, key=lambda one: one[0])
    assert len(rows) == 3 and len(n.rows) == 1
    for number, (native, _, expected, duckdb_type) in enumerate(cases):
        if with_types and t.types[number + 1] != duckdb_type:
            wrong.append((native, t.types[number + 1], duckdb_type))
        for found, wanted in zip([*(one[number + 1] for one in rows), n.rows[0][number + 1]], [*expected, None, expected[0]]):
            try:
                assert_same_rows([(wanted,)], [(found,)])
            except AssertionError:
                wrong.append((native, str(found)[:200], str(wanted)[:200]))
    assert not wrong


@pytest.mark.parametrize("kind", KINDS)
def test_every_type(pulk, mssql, kind):
    make_tables(mssql, TYPES)
    pulk.write_config(mssql, target=kind)
    pulk.write_workflow(["t", "n"])
    pulk.migrate().expect(0)
    check_tables(pulk, TYPES, kind == "duckdb")


# What FreeTDS is asked for as text, and the rest as C values.
OVER_FREETDS = ["bit", "bigint", "decimal(38,38)", "money", "real", "float", "date", "time(7)", "datetime", "datetime2(7)",
                "datetimeoffset(7)", "nvarchar(20)", "varchar(20) COLLATE Polish_CI_AS", "varbinary(10)", "uniqueidentifier"]


def test_types_over_freetds(pulk, mssql):
    cases = [case for case in TYPES if case[0] in OVER_FREETDS]
    make_tables(mssql, cases)
    plain_login(mssql)
    pulk.write_config(mssql, username="plain", password=PLAIN, odbc_driver=FREETDS_DRIVER, trust_server_certificate=True, ca_certificate=None)
    pulk.write_workflow(["t", "n"])
    pulk.migrate().expect(0)
    check_tables(pulk, cases, True)


def test_types_in_snowflake(pulk, mssql, snowflake):
    """Moments keep seven digits and their offset there."""
    mssql.execute("CREATE TABLE t (id int PRIMARY KEY, d datetime2(7), o datetimeoffset(7), m money, g uniqueidentifier, n nvarchar(9))",
                  "INSERT INTO t VALUES (1, '0001-01-01 00:00:00.0000001', '9999-12-31 10:00:00.1234567 -05:30', 1.2345, "
                  "'123e4567-e89b-12d3-a456-426614174000', N'ä😀')", "INSERT INTO t (id) VALUES (2)")
    pulk.write_config(mssql, target=snowflake)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(0)
    assert pulk.rows("T") == [
        ("1", "0001-01-01 00:00:00.0000001", "9999-12-31 10:00:00.1234567 -05:30", "1.2345",
         "123E4567-E89B-12D3-A456-426614174000", "ä😀"),
        ("2", None, None, None, None, None)]


@pytest.mark.parametrize("native, why", [
    ("sql_variant", "each value has a type of its own"), ("geometry", "CLR type"), ("geography", "CLR type")])
def test_a_type_without_a_rule_is_refused_by_name(pulk, mssql, native, why):
    mssql.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {native})")
    pulk.write_config(mssql)
    pulk.write_workflow(["t"])
    pulk.migrate().expect(5, "v", native, why)
    pulk.assert_nothing_made()


def test_an_offset_in_a_column_without_one_is_refused_with_its_key(pulk, mssql):
    mssql.execute("CREATE TABLE t (id int PRIMARY KEY, v datetimeoffset(3))", "INSERT INTO t VALUES (7, '2024-01-01 00:00:00 +00:00')")
    mapped = [table_entry("t", columnTypeMappings=[{"sourceType": "datetimeoffset", "targetType": "TIMESTAMPTZ"}])]
    pulk.write_config(mssql)
    pulk.write_workflow(mapped)
    pulk.migrate().expect(0)
    assert pulk.rows("t") == [("7", "2024-01-01 00:00:00+00")]
    mssql.execute("INSERT INTO t VALUES (8, '2024-01-01 00:00:00 +01:00')")
    pulk.migrate("--restart").expect(5, "column v", "+01:00", "id = 8", "offset other than +00:00")


def test_columns_of_every_kind(pulk, mssql):
    """Computed, sparse, identity, alias types, a column set, hidden period columns, collations in the plan."""
    mssql.execute("CREATE TYPE phone FROM nvarchar(20) NOT NULL",
                  "CREATE TABLE t (id int IDENTITY(10, 5) PRIMARY KEY, a int, b AS a * 2, c AS a + 1 PERSISTED, p phone, "
                  "s int SPARSE NULL, x xml COLUMN_SET FOR ALL_SPARSE_COLUMNS, v varchar(9) COLLATE Polish_CI_AS)",
                  "INSERT INTO t (a, p, s, v) VALUES (1, N'+48', 3, N'ł'), (NULL, N'', NULL, NULL)",
                  "CREATE TABLE h (id int PRIMARY KEY, f datetime2(7) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL, "
                  "u datetime2(7) GENERATED ALWAYS AS ROW END HIDDEN NOT NULL, PERIOD FOR SYSTEM_TIME (f, u))")
    pulk.write_config(mssql)
    pulk.write_workflow(["t", "h"])
    plan = pulk.run("plan", str(pulk.workflow)).expect(0)
    assert "COLLATE Polish_CI_AS" in plan.stdout and "column set x is left out" in plan.stdout and "hidden" in plan.stdout
    pulk.migrate().expect(0)
    table = pulk.read("t")
    assert table.columns == ["id", "a", "b", "c", "p", "s", "v"]
    assert_same_rows([("10", "1", "2", "2", "+48", "3", "ł"), ("15", None, None, None, "", None, None)], table.rows)
    assert pulk.read("h").columns == ["id", "f", "u"]


def test_a_masked_column_is_refused_for_who_sees_the_mask(pulk, mssql):
    mssql.execute("CREATE TABLE t (id int PRIMARY KEY, mail nvarchar(50) MASKED WITH (FUNCTION = 'email()'))",
                  "INSERT INTO t VALUES (1, N'a@b.example')")
    mssql.server.execute("CREATE LOGIN narrow WITH PASSWORD = 'Narrow-4711'")
    mssql.execute("CREATE USER narrow", "GRANT SELECT ON t TO narrow")
    pulk.write_workflow(["t"])
    pulk.write_config(mssql, username="narrow", password="Narrow-4711")
    pulk.migrate().expect(5, "mail", "masked", "UNMASK")
    pulk.write_config(mssql)
    pulk.migrate().expect(0)
    assert pulk.rows("t") == [("1", "a@b.example")]
