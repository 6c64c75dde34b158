"""Requests to the stand-in for SQL Server: what drivers send, and what must come back."""

import threading

import pytest

from support.sqlserver import FREETDS_DRIVER

from .clients import odbc
from .clients.odbc import Connection, OdbcError

DRIVERS = ("microsoft", "freetds")
ATTR_RESET_CONNECTION, ATTR_SNAPSHOT_ISOLATION, SNAPSHOT = 116, 1227, 32


def connect(database, driver="microsoft", **more) -> Connection:
    server = database.server
    if driver == "microsoft":
        return Connection(database.odbc(), **more)
    server.control("users", name="free", password="free")
    return Connection(f"DRIVER={FREETDS_DRIVER};SERVER={server.host};PORT={server.port};TDS_Version=7.4;Encryption=require;PWD=free;UID=free;"
                      f"DATABASE={database.name};ClientCharset=UTF-8", **more)


@pytest.fixture
def numbers(mssql):
    """A table of a hundred rows."""
    mssql.execute("CREATE TABLE numbers (n int NOT NULL PRIMARY KEY, name nvarchar(20) NULL)",
                  "INSERT INTO numbers VALUES " + ", ".join(f"({n}, {'NULL' if n % 10 == 0 else repr(f'n{n}')})" for n in range(1, 101)))
    mssql.server.control("statements", forget=True)
    return mssql


def kinds(database) -> list:
    return [one["kind"] for one in database.server.statements() if one["database"] == database.name]


@pytest.mark.parametrize("driver", DRIVERS)
def test_results_counts_and_messages(numbers, driver):
    with connect(numbers, driver) as connection, connection.statement() as statement:
        statement.execute("SELECT n FROM numbers WHERE n < 3 ORDER BY n; UPDATE numbers SET name = N'x' WHERE n <= 7; SELECT 'end' AS last")
        assert statement.rows() == [("1",), ("2",)]
        assert statement.more() and statement.columns() == [] and statement.row_count() == 7
        assert statement.more() and statement.rows() == [("end",)] and not statement.more()
        statement.execute("PRINT N'żółw'")
        assert "żółw" in statement.messages()[0][2]


@pytest.mark.parametrize("driver", DRIVERS)
def test_errors(numbers, driver):
    with connect(numbers, driver) as connection:
        for sql, number, words, state in (("SELECT * FROM nowhere", 208, "Invalid object name 'nowhere'.", "42S02"),
                                          ("SELECT 1 / 0", 8134, "Divide by zero error encountered.", "22012"),
                                          ("SELECT 1 +", 102, "Incorrect syntax", "42000"),
                                          ("INSERT INTO numbers VALUES (1, NULL)", 2627, "PRIMARY KEY", "23000")):
            with pytest.raises(OdbcError) as caught:
                connection.execute(sql)
            assert number in caught.value.numbers and words in str(caught.value), sql
            assert state in caught.value.states or driver == "freetds", sql
            assert connection.execute("SELECT 1") == [("1",)]  # the connection lives on


def test_an_error_behind_rows_ends_them(numbers):
    with connect(numbers) as connection, connection.statement() as statement:
        statement.execute("SELECT 100 / (a.n * 100 + b.n - 5000) FROM numbers a CROSS JOIN numbers b ORDER BY a.n, b.n")
        with pytest.raises(OdbcError) as caught:
            statement.rows()
        assert 8134 in caught.value.numbers
        assert connection.execute("SELECT COUNT(*) FROM numbers") == [("100",)]


@pytest.mark.parametrize("driver", DRIVERS)
def test_parameters_and_prepared_statements(numbers, driver):
    with connect(numbers, driver) as connection, connection.statement() as statement:
        statement.execute("SELECT n, ? FROM numbers WHERE name = ?", "żółw", "n7")
        assert statement.rows() == [("7", "żółw")]
        statement.prepare("SELECT n FROM numbers WHERE name = ?")
        for value in ("n8", "n9", None):
            statement.execute(None, value)
            assert statement.rows() == ([(value[1:],)] if value else [])
    seen = kinds(numbers)
    assert ("sp_execute" if driver == "microsoft" else "sp_prepexec") in seen
    asked = [one for one in numbers.server.statements("SELECT n, @P1") if one["parameters"]]
    assert asked[-1]["parameters"][1][1:] == ["nvarchar", "'n7'"]


@pytest.mark.parametrize("condition", ("n = 1", "name = ?"))
def test_columns_of_a_prepared_statement_before_it_runs(numbers, condition):
    """By sp_prepare; then rows come without metadata, so both must say the same."""
    sql = ("SELECT n, name, CAST(1.5 AS decimal(20, 3)) AS d, CAST('2020-01-01' AS datetime2(3)) AS m, CAST(N'x' AS nvarchar(max)) AS t, "
           "CAST(0x01 AS varbinary(3)) AS b, CAST('é' AS varchar(7)) AS v, CAST(1 AS bit) AS f, CAST(NULL AS uniqueidentifier) AS g, "
           "CAST('<a/>' AS xml) AS x, CAST(7 AS sql_variant) AS y FROM numbers WHERE ") + condition
    with connect(numbers) as connection, connection.statement() as before, connection.statement() as after:
        before.prepare(sql)
        if "?" in sql:
            before.bind("n1")
        described = before.columns()
        before.execute(None)
        rows = before.rows()
        after.execute(sql.replace("?", "N'n1'"))
        assert described == after.columns() and rows == after.rows()
        assert rows[0][:5] == ("1", "n1", "1.500", "2020-01-01 00:00:00.000", "x")
    assert "sp_prepare" in kinds(numbers)


def test_a_procedure_by_name(numbers):
    with connect(numbers) as connection:
        rows = connection.execute("{CALL sp_describe_first_result_set(?)}", "SELECT n, name FROM numbers")
    assert [(row[1], row[2], row[3], row[5]) for row in rows] == [("1", "n", "0", "int"), ("2", "name", "1", "nvarchar(20)")]
    assert "rpc" in kinds(numbers)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("kind", (odbc.STATIC, odbc.KEYSET, odbc.DYNAMIC), ids=("static", "keyset", "dynamic"))
def test_scrollable_cursors(numbers, driver, kind):
    with connect(numbers, driver) as connection, connection.statement(cursor=kind, concurrency=odbc.READ_ONLY) as statement:
        statement.execute("SELECT n, name FROM numbers ORDER BY n")
        assert [column[0] for column in statement.columns()] == ["n", "name"]
        steps = [(odbc.NEXT, 0, 1), (odbc.LAST, 0, 100), (odbc.FIRST, 0, 1), (odbc.ABSOLUTE, 5, 5), (odbc.RELATIVE, 2, 7), (odbc.PRIOR, 0, 6),
                 (odbc.NEXT, 0, 7), (odbc.ABSOLUTE, 1000, None), (odbc.PRIOR, 0, 100)]
        for orientation, offset, wanted in steps:
            row = statement.fetch(orientation, offset)
            assert row == (None if wanted is None else (str(wanted), None if wanted % 10 == 0 else f"n{wanted}")), (orientation, offset)
    assert "sp_cursoropen" in kinds(numbers)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_forward_only_server_cursor(numbers, driver):
    rows_with_versions = 2
    with connect(numbers, driver) as connection, connection.statement(cursor=odbc.FORWARD_ONLY, concurrency=rows_with_versions) as statement:
        statement.execute("SELECT n FROM numbers ORDER BY n")
        assert statement.fetch() == ("1",)
        assert connection.execute("SELECT 'between'") == [("between",)]  # a server cursor leaves the connection free
        assert [row[0] for row in statement.rows()] == [str(n) for n in range(2, 101)]
    assert "sp_cursoropen" in kinds(numbers)


def test_a_prepared_cursor(numbers):
    with connect(numbers) as connection, connection.statement(cursor=odbc.STATIC) as statement:
        statement.prepare("SELECT n FROM numbers WHERE name <> ? ORDER BY n")
        for value, last in (("n99", "98"), ("n98", "99")):
            statement.execute(None, value)
            assert statement.fetch(odbc.LAST) == (last,)
    assert {"sp_cursorprepexec", "sp_cursorexecute"} & set(kinds(numbers))


@pytest.mark.parametrize("driver", DRIVERS)
def test_transactions(numbers, driver):
    with connect(numbers, driver, autocommit=False) as connection, connect(numbers) as other:
        connection.execute("DELETE FROM numbers WHERE n > 50")
        connection.rollback()
        connection.execute("DELETE FROM numbers WHERE n > 90")
        assert connection.execute("SELECT @@TRANCOUNT") == [("1",)]
        connection.commit()
        assert other.execute("SELECT COUNT(*) FROM numbers") == [("90",)]
        connection.commit()
        connection.set(odbc.ATTR_AUTOCOMMIT, 1)
        connection.execute("BEGIN TRANSACTION; DELETE FROM numbers")
        connection.execute("ROLLBACK")
        assert connection.execute("SELECT COUNT(*), @@TRANCOUNT FROM numbers") == [("90", "0")]


def test_snapshot_isolation_by_the_driver(numbers):
    numbers.execute(f"ALTER DATABASE {numbers.name} SET ALLOW_SNAPSHOT_ISOLATION ON")
    with connect(numbers) as reader, connect(numbers) as writer:
        reader.set(ATTR_SNAPSHOT_ISOLATION, SNAPSHOT)
        reader.set(odbc.ATTR_AUTOCOMMIT, 0)  # begins at once, so the level comes first
        assert reader.execute("SELECT COUNT(*) FROM numbers") == [("100",)]
        writer.execute("DELETE FROM numbers WHERE n > 10")
        assert reader.execute("SELECT COUNT(*) FROM numbers") == [("100",)]
        reader.commit()
        assert reader.execute("SELECT COUNT(*) FROM numbers") == [("10",)]


def test_another_database(numbers):
    with connect(numbers) as connection:
        connection.execute("USE tempdb")
        assert connection.execute("SELECT DB_NAME()") == [("tempdb",)]


def test_a_connection_is_reset(numbers):
    """The bit in a packet's header that connection pools set."""
    with connect(numbers) as connection:
        connection.execute("CREATE TABLE #mine (a int); SET ROWCOUNT 1; USE tempdb")
        connection.set(ATTR_RESET_CONNECTION, 1)
        assert len(connection.execute("SELECT n FROM " + numbers.name + ".dbo.numbers")) == 100
        with pytest.raises(OdbcError) as caught:
            connection.execute("SELECT * FROM #mine")
        assert 208 in caught.value.numbers


@pytest.mark.parametrize("driver", DRIVERS)
def test_cancel_in_the_middle_of_rows(numbers, driver):
    """The rows would be a million."""
    with connect(numbers, driver) as connection, connection.statement() as statement:
        statement.execute("SELECT a.n FROM numbers a CROSS JOIN numbers b CROSS JOIN numbers c")
        assert statement.fetch() is not None
        statement.cancel()
        statement.close()
        assert connection.execute("SELECT 1") == [("1",)]


@pytest.mark.parametrize("driver", DRIVERS)
def test_cancel_while_the_server_works(numbers, driver):
    """From another thread, when the statement has begun."""
    with connect(numbers, driver) as connection, connection.statement() as statement:
        def cancel_when_it_runs():
            while not numbers.server.statements("WAITFOR"):
                pass
            statement.cancel()

        canceller = threading.Thread(target=cancel_when_it_runs)
        canceller.start()
        with pytest.raises(OdbcError) as caught:
            statement.execute("WAITFOR DELAY '00:01:00'")
        canceller.join()
        assert {"HY008", "HYT00"} & set(caught.value.states)
        assert connection.execute("SELECT 1") == [("1",)]


@pytest.mark.parametrize("driver", DRIVERS)
def test_timeout_of_a_query(numbers, driver):
    with connect(numbers, driver) as connection, connection.statement(timeout=1) as statement:
        with pytest.raises(OdbcError) as caught:
            statement.execute("WAITFOR DELAY '00:01:00'")
        assert "HYT00" in caught.value.states
        assert connection.execute("SELECT 1") == [("1",)]


def test_long_parameters(numbers):
    long = "ż" * 100_000
    with connect(numbers) as connection:
        assert connection.execute("SELECT LEN(?), ?", long, None) == [(str(len(long)), None)]
